//! Certificates (sprig `crypto.go`; Go `crypto/x509`), with the fields and extensions of Go's in its order.

use std::borrow::Cow;
use std::net::IpAddr;
use std::rc::Rc;

use super::Outcome;
use super::args::{Body, bytes, fail, fixed, int, text};
use super::der::{self, Reader};
use super::encoding::decode_base64;
use super::keys::PrivateKey;
use super::pem;
use super::time::{Civil, Time};
use crate::gotmpl::fmt::sprint;
use crate::gotmpl::strconv::quote;
use crate::gotmpl::{FuncContext, FuncDef, FuncError, MapType, Object, Param, Value};
use sha2::{Digest as _, Sha256};

const SELF_SIGNED: Body = |_, args| self_signed(args, &PrivateKey::rsa_2048()?);
const SIGNED: Body = |_, args| signed(args, &PrivateKey::rsa_2048()?);

const CERTIFICATE: Param = Param::Object("sprig.certificate");

pub(super) const FUNCTIONS: &[FuncDef] = &[
    fixed("genPrivateKey", &[Param::Str], |_, args| text(generate_key(bytes(args, 0)))),
    fixed("buildCustomCert", &[Param::Str, Param::Str], build_custom),
    fixed("genCA", &[Param::Str, Param::Int], |_, args| authority(args, &PrivateKey::rsa_2048()?)),
    fixed("genCAWithKey", &[Param::Str, Param::Int, Param::Str], |_, args| {
        authority(args, &given_key(bytes(args, 2))?)
    }),
    fixed("genSelfSignedCert", &[Param::Str, Param::List, Param::List, Param::Int], SELF_SIGNED),
    fixed(
        "genSelfSignedCertWithKey",
        &[Param::Str, Param::List, Param::List, Param::Int, Param::Str],
        |_, args| self_signed(args, &given_key(bytes(args, 4))?),
    ),
    fixed("genSignedCert", &[Param::Str, Param::List, Param::List, Param::Int, CERTIFICATE], SIGNED),
    fixed(
        "genSignedCertWithKey",
        &[Param::Str, Param::List, Param::List, Param::Int, CERTIFICATE, Param::Str],
        |_, args| signed(args, &given_key(bytes(args, 5))?),
    ),
];

/// `sprig.certificate`.
#[derive(Debug)]
struct Certificate {
    cert: Value,
    key: Value,
}

impl Object for Certificate {
    fn type_name(&self) -> Cow<'_, str> {
        "sprig.certificate".into()
    }

    fn kind(&self) -> &'static str {
        "struct"
    }

    fn display(&self) -> Cow<'_, str> {
        let text = [b"{", sprint(&self.cert).as_slice(), b" ", &sprint(&self.key), b"}"].concat();
        String::from_utf8_lossy(&text).into_owned().into()
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "Cert" => Some(self.cert.clone()),
            "Key" => Some(self.key.clone()),
            _ => None,
        }
    }

    fn call(&self, _: &str, _: &[Value]) -> Option<Outcome> {
        None
    }

    fn to_plain(&self) -> Value {
        let map = crate::gotmpl::Map::new(MapType::Any);
        map.insert("Cert", self.cert.clone());
        map.insert("Key", self.key.clone());
        Value::Map(map)
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

fn certificate(cert: impl Into<Value>, key: impl Into<Value>) -> Value {
    Value::Object(Rc::new(Certificate { cert: cert.into(), key: key.into() }))
}

/// A new key, or the text of what is wrong.
fn generate_key(kind: &[u8]) -> Vec<u8> {
    let key = match kind {
        b"" | b"rsa" => PrivateKey::rsa_4096(),
        b"dsa" => PrivateKey::dsa(),
        b"ecdsa" => Ok(PrivateKey::p256()),
        b"ed25519" => Ok(PrivateKey::ed25519()),
        _ => return [b"Unknown type ", kind].concat(),
    };
    match key.and_then(|key| key.to_pem()) {
        Ok(pem) => pem.into_bytes(),
        Err(error) => format!("failed to generate private key: {error}").into_bytes(),
    }
}

fn given_key(text: &[u8]) -> Result<PrivateKey, FuncError> {
    PrivateKey::from_pem(text).map_err(|error| error.wrap("parsing private key"))
}

/// Checks a certificate and a key in base 64 and gives both decoded.
fn build_custom(_: &mut dyn FuncContext, args: &[Value]) -> Outcome {
    let decoded = |index, what: &str| {
        decode_base64(bytes(args, index)).map_err(|_| fail(format!("unable to decode base64 {what}")))
    };
    let cert = decoded(0, "certificate")?;
    let key = decoded(1, "private key")?;
    Issuer::from_pem(&cert, "decodedCert")?;
    PrivateKey::from_pem(&key).map_err(|error| error.wrap("error parsing private key"))?;
    Ok(certificate(cert, key))
}

/// What a certificate says about its holder.
struct Template<'a> {
    common_name: &'a [u8],
    addresses: Vec<IpAddr>,
    names: Vec<Vec<u8>>,
    days: i64,
    is_authority: bool,
}

/// Who signs: the parts of its certificate that go into the new one.
struct Issuer {
    /// The encoded name.
    subject: Vec<u8>,
    key_id: Option<Vec<u8>>,
    /// The encoded public key, when there is a certificate.
    public_key: Option<Vec<u8>>,
}

fn authority(args: &[Value], key: &PrivateKey) -> Outcome {
    let template = Template {
        common_name: bytes(args, 0),
        addresses: Vec::new(),
        names: Vec::new(),
        days: int(args, 1),
        is_authority: true,
    };
    template.sign(key, None)
}

fn leaf(args: &[Value]) -> Result<Template<'_>, FuncError> {
    Ok(Template {
        common_name: bytes(args, 0),
        addresses: addresses(&args[1])?,
        names: names(&args[2])?,
        days: int(args, 3),
        is_authority: false,
    })
}

fn self_signed(args: &[Value], key: &PrivateKey) -> Outcome {
    leaf(args)?.sign(key, None)
}

fn signed(args: &[Value], key: &PrivateKey) -> Outcome {
    let signer = match &args[4] {
        Value::Object(object) => object.as_any().downcast_ref::<Certificate>(),
        _ => None,
    };
    let signer = signer.ok_or_else(|| fail("argument is no certificate"))?;
    let issuer = Issuer::from_pem(&sprint(&signer.cert), "decodedSignerCert")?;
    let signer_key = PrivateKey::from_pem(&sprint(&signer.key));
    let signer_key = signer_key.map_err(|error| error.wrap("error parsing private key"))?;
    leaf(args)?.sign(key, Some((&issuer, &signer_key)))
}

fn items(value: &Value) -> &[Value] {
    match value {
        Value::List(list) => list,
        _ => &[],
    }
}

fn addresses(value: &Value) -> Result<Vec<IpAddr>, FuncError> {
    let lossy = |value: &Value| String::from_utf8_lossy(&sprint(value)).into_owned();
    let parse = |item: &Value| match item {
        Value::Str(text) => {
            let address = std::str::from_utf8(text).ok().and_then(|text| text.parse::<IpAddr>().ok());
            address.ok_or_else(|| fail(format!("error parsing ip: {}", lossy(item))))
        }
        _ => Err(fail(format!("error parsing ip: {} is not a string", lossy(item)))),
    };
    items(value).iter().map(parse).collect()
}

fn names(value: &Value) -> Result<Vec<Vec<u8>>, FuncError> {
    let parse = |item: &Value| match item {
        Value::Str(text) => Ok(text.to_vec()),
        _ => {
            let shown = String::from_utf8_lossy(&sprint(item)).into_owned();
            Err(fail(format!("error processing alternate dns name: {shown} is not a string")))
        }
    };
    items(value).iter().map(parse).collect()
}

const OID_COMMON_NAME: &[u8] = &[0x06, 3, 0x55, 4, 3];
const OID_KEY_USAGE: &[u8] = &[0x06, 3, 0x55, 0x1D, 15];
const OID_EXTENDED_KEY_USAGE: &[u8] = &[0x06, 3, 0x55, 0x1D, 37];
const OID_BASIC_CONSTRAINTS: &[u8] = &[0x06, 3, 0x55, 0x1D, 19];
const OID_SUBJECT_KEY_ID: &[u8] = &[0x06, 3, 0x55, 0x1D, 14];
const OID_AUTHORITY_KEY_ID: &[u8] = &[0x06, 3, 0x55, 0x1D, 35];
const OID_ALTERNATIVE_NAME: &[u8] = &[0x06, 3, 0x55, 0x1D, 17];
const OID_SERVER_AUTH: &[u8] = &[0x06, 8, 0x2B, 6, 1, 5, 5, 7, 3, 1];
const OID_CLIENT_AUTH: &[u8] = &[0x06, 8, 0x2B, 6, 1, 5, 5, 7, 3, 2];

/// Digital signature and key encipherment.
const LEAF_USAGE: &[u8] = &[der::BIT_STRING, 2, 5, 0xA0];
/// The same and certificate signing.
const AUTHORITY_USAGE: &[u8] = &[der::BIT_STRING, 2, 2, 0xA4];

impl Template<'_> {
    /// The certificate for `key` and that key, signed by an issuer or by the key itself.
    fn sign(&self, key: &PrivateKey, issuer: Option<(&Issuer, &PrivateKey)>) -> Outcome {
        let failed = |error: FuncError| error.wrap("error creating certificate");
        let signer = issuer.map_or(key, |(_, signer)| signer);
        let algorithm = signer.signature_algorithm().map_err(failed)?;
        let public = key.public().map_err(failed)?;
        let subject = self.subject().map_err(failed)?;
        if let Some((issuer, signer)) = issuer
            && issuer.public_key.as_ref() != Some(&signer.public().map_err(failed)?.info())
        {
            return Err(failed(fail("x509: provided PrivateKey doesn't match parent's PublicKey")));
        }
        let issuer_name = issuer.map_or(&subject, |(issuer, _)| &issuer.subject);
        let authority_key = issuer.and_then(|(issuer, _)| issuer.key_id.as_deref());
        let authority_key = authority_key.filter(|_| *issuer_name != subject);
        let extensions = self.extensions(&subject, &public.bits, authority_key).map_err(failed)?;
        let serial: [u8; 16] = rand::random();
        let body = der::sequence(&[
            &der::element(der::context(0), &der::integer(&[2])),
            &der::integer(&serial),
            &algorithm,
            issuer_name,
            &self.validity(),
            &subject,
            &public.info(),
            &der::element(der::context(3), &der::element(der::SEQUENCE, &extensions)),
        ]);
        let signature = signer.sign(&body).map_err(failed)?;
        let whole = der::sequence(&[&body, &algorithm, &der::bit_string(&signature)]);
        Ok(certificate(pem::encode("CERTIFICATE", &whole), key.to_pem()?))
    }

    /// The name: the common name if there is one, as a printable string if it can be.
    fn subject(&self) -> Result<Vec<u8>, FuncError> {
        if self.common_name.is_empty() {
            return Ok(der::sequence(&[]));
        }
        let is_printable = |byte: &u8| byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(byte);
        let tag = if self.common_name.iter().all(is_printable) {
            der::PRINTABLE_STRING
        } else if std::str::from_utf8(self.common_name).is_ok() {
            der::UTF8_STRING
        } else {
            return Err(fail("asn1: string not valid UTF-8"));
        };
        let attribute = der::sequence(&[OID_COMMON_NAME, &der::element(tag, self.common_name)]);
        Ok(der::sequence(&[&der::element(der::SET, &attribute)]))
    }

    /// From now for so many days, wrapping as Go's durations do.
    fn validity(&self) -> Vec<u8> {
        let now = Time::now();
        let end = now.add(self.days.wrapping_mul(24 * 3600 * 1_000_000_000));
        der::sequence(&[&encoded_time(&now), &encoded_time(&end)])
    }

    fn extensions(
        &self,
        subject: &[u8],
        public_key: &[u8],
        authority_key: Option<&[u8]>,
    ) -> Result<Vec<u8>, FuncError> {
        let (usage, constraints) = if self.is_authority {
            (AUTHORITY_USAGE, der::sequence(&[der::TRUE]))
        } else {
            (LEAF_USAGE, der::sequence(&[]))
        };
        let mut out = extension(OID_KEY_USAGE, true, usage);
        out.extend(extension(
            OID_EXTENDED_KEY_USAGE,
            false,
            &der::sequence(&[OID_SERVER_AUTH, OID_CLIENT_AUTH]),
        ));
        out.extend(extension(OID_BASIC_CONSTRAINTS, true, &constraints));
        if self.is_authority {
            let id = &Sha256::digest(public_key)[..20];
            out.extend(extension(OID_SUBJECT_KEY_ID, false, &der::element(der::OCTET_STRING, id)));
        }
        if let Some(id) = authority_key {
            out.extend(extension(OID_AUTHORITY_KEY_ID, false, &der::sequence(&[&der::element(0x80, id)])));
        }
        if !self.names.is_empty() || !self.addresses.is_empty() {
            let critical = subject == der::sequence(&[]);
            out.extend(extension(OID_ALTERNATIVE_NAME, critical, &self.alternative_names()?));
        }
        Ok(out)
    }

    fn alternative_names(&self) -> Result<Vec<u8>, FuncError> {
        let mut content = Vec::new();
        for name in &self.names {
            if !name.is_ascii() {
                let shown = String::from_utf8_lossy(&quote(name)).into_owned();
                return Err(fail(format!("x509: {shown} cannot be encoded as an IA5String")));
            }
            content.extend(der::element(0x82, name));
        }
        for address in &self.addresses {
            content.extend(match address.to_canonical() {
                IpAddr::V4(address) => der::element(0x87, &address.octets()),
                IpAddr::V6(address) => der::element(0x87, &address.octets()),
            });
        }
        Ok(der::element(der::SEQUENCE, &content))
    }
}

fn extension(id: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if critical { der::TRUE } else { &[] };
    der::sequence(&[id, critical, &der::element(der::OCTET_STRING, value)])
}

/// A time in UTC: with two digits of the year while that is clear.
fn encoded_time(time: &Time) -> Vec<u8> {
    let Civil { year, month, day, hour, minute, second } = Civil::from_seconds(time.seconds);
    let rest = format!("{month:02}{day:02}{hour:02}{minute:02}{second:02}Z");
    if (1950..2050).contains(&year) {
        der::element(der::UTC_TIME, format!("{:02}{rest}", year % 100).as_bytes())
    } else {
        der::element(der::GENERALIZED_TIME, format!("{year:04}{rest}").as_bytes())
    }
}

impl Issuer {
    /// Reads a certificate; `what` is its name in error texts.
    fn from_pem(text: &[u8], what: &str) -> Result<Self, FuncError> {
        let block = pem::decode(text).ok_or_else(|| fail("unable to decode certificate"))?;
        Self::parse(&block.data).ok_or_else(|| {
            fail(format!("error parsing certificate: {what}.Bytes: x509: malformed certificate"))
        })
    }

    fn parse(data: &[u8]) -> Option<Self> {
        let mut outer = Reader(Reader(data).expect(der::SEQUENCE)?);
        let mut body = Reader(outer.expect(der::SEQUENCE)?);
        outer.expect(der::SEQUENCE)?;
        outer.expect(der::BIT_STRING)?;
        body.optional(der::context(0));
        body.expect(der::INTEGER)?;
        body.expect(der::SEQUENCE)?;
        body.expect(der::SEQUENCE)?;
        body.expect(der::SEQUENCE)?;
        let (tag, _, subject) = body.next()?;
        let (key_tag, _, public_key) = body.next()?;
        if tag != der::SEQUENCE || key_tag != der::SEQUENCE {
            return None;
        }
        let mut key_id = None;
        while let Some((tag, content, _)) = body.next() {
            if tag == der::context(3) {
                key_id = subject_key_id(Reader(content).expect(der::SEQUENCE)?);
            }
        }
        Some(Self { subject: subject.to_vec(), key_id, public_key: Some(public_key.to_vec()) })
    }
}

fn subject_key_id(extensions: &[u8]) -> Option<Vec<u8>> {
    let mut list = Reader(extensions);
    while let Some(content) = list.expect(der::SEQUENCE) {
        let mut extension = Reader(content);
        let (tag, _, id) = extension.next()?;
        if tag == der::OBJECT_ID && id == OID_SUBJECT_KEY_ID {
            let value = extension.expect(der::OCTET_STRING)?;
            return Reader(value).expect(der::OCTET_STRING).map(<[u8]>::to_vec);
        }
    }
    None
}
