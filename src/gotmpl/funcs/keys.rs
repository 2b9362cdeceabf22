//! Private keys (sprig `crypto.go`; Go `crypto/x509`): generated, read from PEM and written as Go writes them:
//! RSA as PKCS #1, elliptic curves as SEC 1, DSA in its traditional form, Ed25519 as PKCS #8.

use dsa::{Components, KeySize};
use getrandom::SysRng;
use p256::ecdsa::signature::Signer as _;

use rsa::pkcs1::{DecodeRsaPrivateKey as _, EncodeRsaPrivateKey as _, EncodeRsaPublicKey as _};
use rsa::pkcs1v15;
use rsa::signature::SignatureEncoding as _;
use sha2::Sha256;

use super::args::fail;
use super::der::{self, Reader};
use super::pem;
use crate::gotmpl::FuncError;

/// A private key of one of the kinds that Go's `crypto/x509` reads.
pub(super) enum PrivateKey {
    Rsa(Box<rsa::PrivateKey>),
    P256(Box<p256::ecdsa::SigningKey>),
    P384(Box<p384::ecdsa::SigningKey>),
    P521(Box<p521::ecdsa::SigningKey>),
    Ed25519(Box<ed25519_dalek::SigningKey>),
    /// Can be made and read but not sign: the traditional DER form.
    Dsa(Vec<u8>),
}

/// A public key as certificates hold it.
pub(super) struct PublicKey {
    /// The algorithm identifier.
    algorithm: Vec<u8>,
    /// The key itself.
    pub(super) bits: Vec<u8>,
}

const RSA: &[u8] = &[0x06, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 1];
const SHA256_RSA: &[u8] = &[0x06, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 11];
const EC: &[u8] = &[0x06, 7, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1];
const SHA256_ECDSA: &[u8] = &[0x06, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 2];
const SHA384_ECDSA: &[u8] = &[0x06, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 3];
const SHA512_ECDSA: &[u8] = &[0x06, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 4];
const CURVE_P256: &[u8] = &[0x06, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7];
const CURVE_P384: &[u8] = &[0x06, 5, 0x2B, 0x81, 4, 0, 34];
const CURVE_P521: &[u8] = &[0x06, 5, 0x2B, 0x81, 4, 0, 35];
const ED25519: &[u8] = &[0x06, 3, 0x2B, 0x65, 0x70];

fn random<const LENGTH: usize>() -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    rand::RngCore::fill_bytes(&mut rand::rng(), &mut bytes);
    bytes
}

impl PrivateKey {
    /// A new RSA key of 2048 bits.
    pub(super) fn rsa_2048() -> Result<Self, FuncError> {
        Self::rsa(1024)
    }

    /// A new RSA key of 4096 bits.
    pub(super) fn rsa_4096() -> Result<Self, FuncError> {
        Self::rsa(2048)
    }

    /// A new RSA key from two primes of that many bits.
    fn rsa(bits: u32) -> Result<Self, FuncError> {
        let prime = || rsa_primes::random(bits).map_err(|error| fail(error.to_string()));
        let (p, q) = (prime()?, prime()?);
        let key = rsa::PrivateKey::from_p_q(p, q, rsa_primes::PUBLIC_EXPONENT.into());
        key.map(|key| Self::Rsa(Box::new(key))).map_err(|error| fail(error.to_string()))
    }

    /// A new ECDSA key on P-256.
    pub(super) fn p256() -> Self {
        loop {
            // Almost every number of 32 bytes is a valid key.
            if let Ok(key) = p256::ecdsa::SigningKey::from_slice(&random::<32>()) {
                return Self::P256(Box::new(key));
            }
        }
    }

    /// A new Ed25519 key.
    pub(super) fn ed25519() -> Self {
        Self::Ed25519(Box::new(ed25519_dalek::SigningKey::from_bytes(&random())))
    }

    /// A new DSA key with its own parameters of 2048 and 256 bits.
    pub(super) fn dsa() -> Result<Self, FuncError> {
        let failed = |error: String| fail(error);
        let components = Components::try_generate_from_rng_with_key_size(&mut SysRng, KeySize::DSA_2048_256)
            .map_err(|error| failed(error.to_string()))?;
        let key = dsa::SigningKey::try_generate_from_rng_with_components(&mut SysRng, components)
            .map_err(|error| failed(error.to_string()))?;
        let components = key.verifying_key().components();
        let numbers = [
            components.p().to_be_bytes(),
            components.q().to_be_bytes(),
            components.g().to_be_bytes(),
            key.verifying_key().y().to_be_bytes(),
            key.x().to_be_bytes(),
        ];
        let mut content = der::integer(&[0]);
        content.extend(numbers.iter().flat_map(|number| der::integer(number)));
        Ok(Self::Dsa(der::element(der::SEQUENCE, &content)))
    }

    /// Reads the first PEM block of a text.
    pub(super) fn from_pem(text: &[u8]) -> Result<Self, FuncError> {
        let block = pem::decode(text).ok_or_else(|| fail("no PEM data in input"))?;
        let bad = |kind: &str, problem: &str| fail(format!("parsing {kind} private key from PEM: {problem}"));
        match block.label.as_str() {
            "PRIVATE KEY" => pkcs8(&block.data)
                .ok_or_else(|| fail("decoding PEM as PKCS#8: x509: failed to parse private key")),
            "RSA PRIVATE KEY" => {
                let key = rsa::PrivateKey::from_pkcs1_der(&block.data);
                key.map(|key| Self::Rsa(Box::new(key))).map_err(|error| bad("RSA", &error.to_string()))
            }
            "EC PRIVATE KEY" => {
                sec1(&block.data, None).ok_or_else(|| bad("EC", "x509: failed to parse EC private key"))
            }
            "DSA PRIVATE KEY" => {
                dsa_key(&block.data).ok_or_else(|| bad("DSA", "asn1: structure error: malformed private key"))
            }
            label => match label.strip_suffix(" PRIVATE KEY") {
                Some(kind) => Err(fail(format!("invalid private key type {kind}"))),
                None => Err(fail(format!("no private key data in PEM block of type {label}"))),
            },
        }
    }

    /// Writes the key in the form that is usual for its kind.
    pub(super) fn to_pem(&self) -> Result<String, FuncError> {
        Ok(match self {
            Self::Rsa(key) => {
                let data = key.to_pkcs1_der().map_err(|error| fail(error.to_string()))?;
                pem::encode("RSA PRIVATE KEY", data.as_bytes())
            }
            Self::P256(key) => self.ec_pem(&key.to_bytes(), CURVE_P256)?,
            Self::P384(key) => self.ec_pem(&key.to_bytes(), CURVE_P384)?,
            Self::P521(key) => self.ec_pem(&key.to_bytes(), CURVE_P521)?,
            Self::Dsa(data) => pem::encode("DSA PRIVATE KEY", data),
            Self::Ed25519(key) => {
                let seed = der::element(der::OCTET_STRING, &key.to_bytes());
                let data = der::sequence(&[
                    &der::integer(&[0]),
                    &der::sequence(&[ED25519]),
                    &der::element(der::OCTET_STRING, &seed),
                ]);
                pem::encode("PRIVATE KEY", &data)
            }
        })
    }

    fn ec_pem(&self, scalar: &[u8], curve: &[u8]) -> Result<String, FuncError> {
        let data = der::sequence(&[
            &der::integer(&[1]),
            &der::element(der::OCTET_STRING, scalar),
            &der::element(der::context(0), curve),
            &der::element(der::context(1), &der::bit_string(&self.public()?.bits)),
        ]);
        Ok(pem::encode("EC PRIVATE KEY", &data))
    }

    /// The public key.
    pub(super) fn public(&self) -> Result<PublicKey, FuncError> {
        let ec = |curve: &[u8], point: &[u8]| PublicKey {
            algorithm: der::sequence(&[EC, curve]),
            bits: point.to_vec(),
        };
        Ok(match self {
            Self::Rsa(key) => {
                let bits = key.to_public_key().to_pkcs1_der().map_err(|error| fail(error.to_string()))?;
                PublicKey { algorithm: der::sequence(&[RSA, der::NULL]), bits: bits.as_bytes().to_vec() }
            }
            Self::P256(key) => ec(CURVE_P256, key.verifying_key().to_sec1_point(false).as_bytes()),
            Self::P384(key) => ec(CURVE_P384, key.verifying_key().to_sec1_point(false).as_bytes()),
            Self::P521(key) => ec(CURVE_P521, key.verifying_key().to_sec1_point(false).as_bytes()),
            Self::Ed25519(key) => PublicKey {
                algorithm: der::sequence(&[ED25519]),
                bits: key.verifying_key().to_bytes().to_vec(),
            },
            Self::Dsa(_) => return Err(fail("x509: unsupported public key type: *dsa.PublicKey")),
        })
    }

    /// The identifier of the algorithm that [`PrivateKey::sign`] uses.
    pub(super) fn signature_algorithm(&self) -> Result<Vec<u8>, FuncError> {
        Ok(match self {
            Self::Rsa(_) => der::sequence(&[SHA256_RSA, der::NULL]),
            Self::P256(_) => der::sequence(&[SHA256_ECDSA]),
            Self::P384(_) => der::sequence(&[SHA384_ECDSA]),
            Self::P521(_) => der::sequence(&[SHA512_ECDSA]),
            Self::Ed25519(_) => der::sequence(&[ED25519]),
            Self::Dsa(_) => {
                return Err(fail("x509: certificate private key does not implement crypto.Signer"));
            }
        })
    }

    /// Signs a message.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, FuncError> {
        let failed = |error: rsa::signature::Error| fail(error.to_string());
        Ok(match self {
            Self::Rsa(key) => {
                let signer = pkcs1v15::SigningKey::<Sha256>::new(key.as_ref().clone());
                signer.try_sign(message).map_err(failed)?.to_vec()
            }
            Self::P256(key) => {
                let signature: p256::ecdsa::DerSignature = key.try_sign(message).map_err(failed)?;
                signature.to_vec()
            }
            Self::P384(key) => {
                let signature: p384::ecdsa::DerSignature = key.try_sign(message).map_err(failed)?;
                signature.to_vec()
            }
            Self::P521(key) => {
                let signature: p521::ecdsa::DerSignature = key.try_sign(message).map_err(failed)?;
                signature.to_vec()
            }
            Self::Ed25519(key) => key.try_sign(message).map_err(failed)?.to_vec(),
            Self::Dsa(_) => {
                return Err(fail("x509: certificate private key does not implement crypto.Signer"));
            }
        })
    }
}

impl PublicKey {
    /// The `SubjectPublicKeyInfo` of the key.
    pub(super) fn info(&self) -> Vec<u8> {
        der::sequence(&[&self.algorithm, &der::bit_string(&self.bits)])
    }
}

fn pkcs8(data: &[u8]) -> Option<PrivateKey> {
    let mut fields = Reader(Reader(data).expect(der::SEQUENCE)?);
    fields.expect(der::INTEGER)?;
    let mut algorithm = Reader(fields.expect(der::SEQUENCE)?);
    let (_, _, kind) = algorithm.next()?;
    let key = fields.expect(der::OCTET_STRING)?;
    match kind {
        RSA => rsa::PrivateKey::from_pkcs1_der(key).ok().map(|key| PrivateKey::Rsa(Box::new(key))),
        EC => sec1(key, algorithm.next().map(|(_, _, curve)| curve)),
        ED25519 => {
            let seed = Reader(key).expect(der::OCTET_STRING)?.try_into().ok()?;
            Some(PrivateKey::Ed25519(Box::new(ed25519_dalek::SigningKey::from_bytes(&seed))))
        }
        _ => None,
    }
}

/// An EC key, whose curve stands in it or around it.
fn sec1(data: &[u8], outer_curve: Option<&[u8]>) -> Option<PrivateKey> {
    let mut fields = Reader(Reader(data).expect(der::SEQUENCE)?);
    fields.expect(der::INTEGER).filter(|version| *version == [1])?;
    let scalar = fields.expect(der::OCTET_STRING)?;
    let curve = outer_curve.or_else(|| fields.optional(der::context(0)))?;
    // Leading zeros may be missing or too many.
    let sized = |length: usize| {
        let skip = scalar.iter().take_while(|byte| **byte == 0).count();
        let digits = &scalar[skip..];
        Some([vec![0; length.checked_sub(digits.len())?], digits.to_vec()].concat())
    };
    Some(match curve {
        CURVE_P256 => PrivateKey::P256(Box::new(p256::ecdsa::SigningKey::from_slice(&sized(32)?).ok()?)),
        CURVE_P384 => PrivateKey::P384(Box::new(p384::ecdsa::SigningKey::from_slice(&sized(48)?).ok()?)),
        CURVE_P521 => PrivateKey::P521(Box::new(p521::ecdsa::SigningKey::from_slice(&sized(66)?).ok()?)),
        _ => return None,
    })
}

fn dsa_key(data: &[u8]) -> Option<PrivateKey> {
    let mut fields = Reader(Reader(data).expect(der::SEQUENCE)?);
    for _ in 0..6 {
        fields.expect(der::INTEGER)?;
    }
    Some(PrivateKey::Dsa(data.to_vec()))
}
