//! Signatures of version 4: what they say, and what exactly is signed.

use sha1::{Digest as _, Sha1};
use sha2::{Sha224, Sha256, Sha384, Sha512};

use super::key::Key;
use super::packet::Bytes;

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    fn of_number(number: u8) -> Option<Self> {
        Some(match number {
            2 => Self::Sha1,
            8 => Self::Sha256,
            9 => Self::Sha384,
            10 => Self::Sha512,
            11 => Self::Sha224,
            _ => return None,
        })
    }

    pub(super) fn of(self, data: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => Sha1::digest(data).to_vec(),
            Self::Sha224 => Sha224::digest(data).to_vec(),
            Self::Sha256 => Sha256::digest(data).to_vec(),
            Self::Sha384 => Sha384::digest(data).to_vec(),
            Self::Sha512 => Sha512::digest(data).to_vec(),
        }
    }

    pub(super) fn verify_rsa(
        self,
        key: &rsa::PublicKey,
        digest: &[u8],
        signature: &rsa::pkcs1v15::Signature,
    ) -> Option<()> {
        use rsa::pkcs1v15::VerifyingKey;
        use rsa::signature::hazmat::PrehashVerifier as _;
        let key = key.clone();
        match self {
            Self::Sha1 => VerifyingKey::<Sha1>::new(key).verify_prehash(digest, signature),
            Self::Sha224 => VerifyingKey::<Sha224>::new(key).verify_prehash(digest, signature),
            Self::Sha256 => VerifyingKey::<Sha256>::new(key).verify_prehash(digest, signature),
            Self::Sha384 => VerifyingKey::<Sha384>::new(key).verify_prehash(digest, signature),
            Self::Sha512 => VerifyingKey::<Sha512>::new(key).verify_prehash(digest, signature),
        }
        .ok()
    }
}

/// What a signature is about; the numbers of the standard.
pub(super) mod kind {
    pub(crate) const BINARY: u8 = 0x00;
    pub(crate) const TEXT: u8 = 0x01;
    pub(crate) const CERTIFICATIONS: std::ops::RangeInclusive<u8> = 0x10..=0x13;
    pub(crate) const SUBKEY: u8 = 0x18;
    pub(crate) const PRIMARY_BY_SUBKEY: u8 = 0x19;
    pub(crate) const DIRECT: u8 = 0x1F;
    pub(crate) const REVOKES_KEY: u8 = 0x20;
    pub(crate) const REVOKES_SUBKEY: u8 = 0x28;
    pub(crate) const REVOKES_CERTIFICATION: u8 = 0x30;
}

/// A signature.
pub(super) struct Signature {
    pub(super) kind: u8,
    pub(super) hash: Hash,
    /// The part that is signed too.
    hashed: Vec<u8>,
    numbers: Vec<u8>,
    /// Seconds since 1970.
    pub(super) created: u64,
    /// Seconds after it was made, if it ends.
    pub(super) lifetime: Option<u64>,
    /// Seconds after the key was made, if the key ends.
    pub(super) key_lifetime: Option<u64>,
    /// Whether the key may sign; `None` when nothing is said.
    pub(super) may_sign: Option<bool>,
    /// The key that made it.
    pub(super) issuer: Option<u64>,
    /// The signature in it, by which a subkey agrees to its primary key.
    pub(super) embedded: Option<Box<Signature>>,
}

impl Signature {
    /// Reads the content of a packet; `None` when it is malformed, of another version, or says something
    /// critical that is not understood.
    pub(super) fn parse(packet: &[u8]) -> Option<Self> {
        let mut bytes = Bytes(packet);
        let (version, kind, _algorithm) = (bytes.byte()?, bytes.byte()?, bytes.byte()?);
        if version != 4 {
            return None;
        }
        let hash = Hash::of_number(bytes.byte()?)?;
        let length = bytes.number(2)?;
        let subpackets = bytes.take(length)?;
        let hashed = packet.get(..6 + length)?.to_vec();
        let length = bytes.number(2)?;
        let unhashed = bytes.take(length)?;
        bytes.take(2)?;
        let mut signature = Self {
            kind,
            hash,
            hashed,
            numbers: bytes.0.to_vec(),
            created: 0,
            lifetime: None,
            key_lifetime: None,
            may_sign: None,
            issuer: None,
            embedded: None,
        };
        signature.read(subpackets, true)?;
        signature.read(unhashed, false)?;
        Some(signature)
    }

    fn read(&mut self, subpackets: &[u8], is_signed: bool) -> Option<()> {
        let mut bytes = Bytes(subpackets);
        while !bytes.0.is_empty() {
            let length = bytes.length()?;
            let mut content = Bytes(bytes.take(length)?);
            let kind = content.byte()?;
            let (kind, is_critical) = (kind & 0x7F, kind & 0x80 != 0);
            let seconds = |mut content: Bytes<'_>| content.number(4).map(|seconds| seconds as u64);
            match kind {
                // Whom it is from, and the embedded signature, prove themselves.
                16 => self.issuer = content.number(8).map(|id| id as u64),
                33 => {
                    let fingerprint = content.0.get(1..).filter(|_| content.0.first() == Some(&4));
                    let end = fingerprint.and_then(|all| all.get(12..20));
                    let id = end.map(|end| end.iter().fold(0, |id, byte| id << 8 | u64::from(*byte)));
                    self.issuer = id.or(self.issuer);
                }
                32 => self.embedded = Self::parse(content.0).map(Box::new),
                _ if !is_signed => {}
                2 => self.created = seconds(content)?,
                3 => self.lifetime = seconds(content).filter(|seconds| *seconds > 0),
                9 => self.key_lifetime = seconds(content).filter(|seconds| *seconds > 0),
                27 => self.may_sign = Some(content.byte().unwrap_or_default() & 2 != 0),
                // Preferences, comments, policies, reasons: nothing that could make it invalid.
                4..=31 | 34..=39 if kind != 20 => {}
                _ if is_critical => return None,
                _ => {}
            }
        }
        Some(())
    }

    /// Whether `key` made this signature over `data`.
    pub(super) fn is_by(&self, key: &Key, data: &[u8]) -> bool {
        let length = u32::try_from(self.hashed.len()).unwrap_or(u32::MAX).to_be_bytes();
        let whole = [data, &self.hashed, &[4, 0xFF], &length].concat();
        key.verifies(self.hash, &whole, &self.numbers)
    }

    /// Whether it was made before `now`, and has not ended.
    pub(super) fn holds_at(&self, now: u64) -> bool {
        self.created <= now
            && self.lifetime.is_none_or(|lifetime| now < self.created.saturating_add(lifetime))
    }
}
