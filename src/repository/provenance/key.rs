//! Public keys of version 4: what they are made of, and whether they made a signature.

use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use rsa::signature::Verifier as _;
use rsa::traits::PublicKeyParts as _;
use sha1::{Digest as _, Sha1};

use super::packet::Bytes;
use super::signature::Hash;

/// RSA keys of fewer bits are not believed.
const MIN_RSA_BITS: usize = 2047;

const CURVE_P256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
const CURVE_P384: &[u8] = &[0x2B, 0x81, 0x04, 0x00, 0x22];
const CURVE_P521: &[u8] = &[0x2B, 0x81, 0x04, 0x00, 0x23];
const CURVE_ED25519: &[u8] = &[0x2B, 0x06, 0x01, 0x04, 0x01, 0xDA, 0x47, 0x0F, 0x01];

/// A public key.
pub(super) struct Key {
    /// The content of its packet.
    body: Vec<u8>,
    /// Seconds since 1970.
    pub(super) created: u64,
    material: Material,
}

enum Material {
    Rsa(Box<rsa::PublicKey>),
    P256(Box<p256::ecdsa::VerifyingKey>),
    P384(Box<p384::ecdsa::VerifyingKey>),
    P521(Box<p521::ecdsa::VerifyingKey>),
    Ed25519(Box<ed25519_dalek::VerifyingKey>),
    /// A key that signs nothing, or in a way that is not supported.
    Other,
}

impl Key {
    /// Reads the content of a packet with a public or a secret key; `None` when it is malformed or of
    /// another version.
    pub(super) fn parse(packet: &[u8]) -> Option<Self> {
        let mut bytes = Bytes(packet);
        if bytes.byte()? != 4 {
            return None;
        }
        let created = bytes.number(4)? as u64;
        let algorithm = bytes.byte()?;
        let material = Material::parse(algorithm, &mut bytes)?;
        let length = packet.len() - bytes.0.len();
        Some(Self { body: packet.get(..length)?.to_vec(), created, material })
    }

    /// The SHA-1 of the key.
    pub(super) fn fingerprint(&self) -> [u8; 20] {
        Sha1::digest(self.hashed()).into()
    }

    /// The end of the fingerprint, by which signatures name the key.
    pub(super) fn id(&self) -> u64 {
        self.fingerprint().iter().skip(12).fold(0, |id, byte| id << 8 | u64::from(*byte))
    }

    /// The key as it stands in front of what is signed about it.
    pub(super) fn hashed(&self) -> Vec<u8> {
        let length = u16::try_from(self.body.len()).unwrap_or(u16::MAX).to_be_bytes();
        [&[0x99], &length[..], &self.body].concat()
    }

    /// Whether the key made the signature `numbers` over `data`.
    pub(super) fn verifies(&self, hash: Hash, data: &[u8], numbers: &[u8]) -> bool {
        self.material.verifies(hash, data, numbers).is_some()
    }
}

impl Material {
    fn parse(algorithm: u8, bytes: &mut Bytes<'_>) -> Option<Self> {
        Some(match algorithm {
            1..=3 => {
                let (n, e) = (bytes.mpi()?, bytes.mpi()?);
                Self::rsa(n, e).filter(|_| algorithm != 2).unwrap_or(Self::Other)
            }
            // Elgamal and DSA: so many numbers, and no signature of theirs is believed.
            16 => Self::skip(bytes, 3)?,
            17 => Self::skip(bytes, 4)?,
            // ECDH names more than its point.
            18 => {
                let length = bytes.byte()?;
                bytes.take(length.into())?;
                bytes.mpi()?;
                let length = bytes.byte()?;
                bytes.take(length.into())?;
                Self::Other
            }
            19 | 22 => {
                let length = bytes.byte()?;
                let curve = bytes.take(length.into())?;
                Self::curve(curve, bytes.mpi()?).unwrap_or(Self::Other)
            }
            25 => Self::fixed(bytes, 32)?,
            26 => Self::fixed(bytes, 56)?,
            27 => Self::ed25519(bytes.take(32)?).unwrap_or(Self::Other),
            28 => Self::fixed(bytes, 57)?,
            _ => return None,
        })
    }

    fn skip(bytes: &mut Bytes<'_>, numbers: usize) -> Option<Self> {
        (0..numbers).try_for_each(|_| bytes.mpi().map(|_| ()))?;
        Some(Self::Other)
    }

    fn fixed(bytes: &mut Bytes<'_>, length: usize) -> Option<Self> {
        bytes.take(length).map(|_| Self::Other)
    }

    fn rsa(n: &[u8], e: &[u8]) -> Option<Self> {
        use rsa::BoxedUint;
        let bits = n.len() * 8 - usize::try_from(n.first()?.leading_zeros()).ok()?;
        if bits < MIN_RSA_BITS {
            return None;
        }
        let (n, e) = (BoxedUint::from_be_slice_vartime(n), BoxedUint::from_be_slice_vartime(e));
        rsa::PublicKey::new(n, e).ok().map(|key| Self::Rsa(Box::new(key)))
    }

    fn curve(curve: &[u8], point: &[u8]) -> Option<Self> {
        match curve {
            CURVE_P256 => Some(Self::P256(Box::new(p256::ecdsa::VerifyingKey::from_sec1_bytes(point).ok()?))),
            CURVE_P384 => Some(Self::P384(Box::new(p384::ecdsa::VerifyingKey::from_sec1_bytes(point).ok()?))),
            CURVE_P521 => Some(Self::P521(Box::new(p521::ecdsa::VerifyingKey::from_sec1_bytes(point).ok()?))),
            CURVE_ED25519 => Self::ed25519(point.strip_prefix(&[0x40])?),
            _ => None,
        }
    }

    fn ed25519(point: &[u8]) -> Option<Self> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(point.try_into().ok()?).ok()?;
        Some(Self::Ed25519(Box::new(key)))
    }

    fn verifies(&self, hash: Hash, data: &[u8], numbers: &[u8]) -> Option<()> {
        let mut bytes = Bytes(numbers);
        let digest = hash.of(data);
        match self {
            Self::Rsa(key) => {
                let number = padded(bytes.mpi()?, key.size())?;
                let signature = rsa::pkcs1v15::Signature::try_from(&number[..]).ok()?;
                hash.verify_rsa(key, &digest, &signature)
            }
            Self::P256(key) => {
                let signature = p256::ecdsa::Signature::from_slice(&pair(&mut bytes, 32)?).ok()?;
                key.verify_prehash(&digest, &signature).ok()
            }
            Self::P384(key) => {
                let signature = p384::ecdsa::Signature::from_slice(&pair(&mut bytes, 48)?).ok()?;
                key.verify_prehash(&digest, &signature).ok()
            }
            Self::P521(key) => {
                let signature = p521::ecdsa::Signature::from_slice(&pair(&mut bytes, 66)?).ok()?;
                key.verify_prehash(&digest, &signature).ok()
            }
            Self::Ed25519(key) => {
                // The old algorithm writes two numbers, the new one 64 bytes.
                let signature = match numbers.len() {
                    64 => numbers.to_vec(),
                    _ => pair(&mut bytes, 32)?,
                };
                key.verify(&digest, &ed25519_dalek::Signature::from_slice(&signature).ok()?).ok()
            }
            Self::Other => None,
        }
    }
}

/// A number with zeros in front, so many bytes long.
fn padded(number: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut padded = vec![0; length.checked_sub(number.len())?];
    padded.extend_from_slice(number);
    Some(padded)
}

/// Two numbers of this length, one after the other.
fn pair(bytes: &mut Bytes<'_>, length: usize) -> Option<Vec<u8>> {
    let mut pair = padded(bytes.mpi()?, length)?;
    pair.extend(padded(bytes.mpi()?, length)?);
    Some(pair)
}
