//! Keyrings: GnuPG's old file of packets, its keybox, and armored exports.

use std::time::SystemTime;

use super::armor;
use super::cleartext::Signed;
use super::key::Key;
use super::packet::{Bytes, packets};
use super::signature::{Hash, Signature, kind};

/// The keys that may sign charts.
#[derive(Default)]
pub(super) struct Keyring(Vec<Entity>);

/// A key with its names and its other keys.
pub(super) struct Entity {
    pub(super) primary: Key,
    /// The names that the key gives itself.
    pub(super) names: Vec<String>,
    /// What the key says of itself, the latest.
    own: Option<Signature>,
    is_revoked: bool,
    subkeys: Vec<Subkey>,
}

struct Subkey {
    key: Key,
    /// What the primary key says of it, the latest.
    binding: Option<Signature>,
    is_revoked: bool,
}

impl Keyring {
    /// Reads a keyring in any of its forms.
    pub(super) fn parse(data: &[u8]) -> Result<Self, String> {
        let mut ring = Self::default();
        if is_keybox(data) {
            for block in keybox(data).ok_or("the keybox is malformed")? {
                ring.add(block)?;
            }
        } else if data.trim_ascii_start().starts_with(b"-----BEGIN PGP") {
            let mut text = std::str::from_utf8(data).map_err(|error| error.to_string())?;
            while !text.trim().is_empty() {
                let block = armor::decode(text, "PUBLIC KEY BLOCK")
                    .or_else(|| armor::decode(text, "PRIVATE KEY BLOCK"));
                let Some((block, rest)) = block else { break };
                ring.add(&block)?;
                text = rest;
            }
        } else {
            ring.add(data)?;
        }
        if ring.0.is_empty() { Err("no keys found".into()) } else { Ok(ring) }
    }

    /// Adds the keys in a row of packets.
    fn add(&mut self, data: &[u8]) -> Result<(), String> {
        let packets = packets(data).ok_or("the packets of the keyring are malformed")?;
        // What follows a key of another version belongs to it.
        let mut current: Option<Builder> = None;
        for packet in packets {
            match packet.tag {
                5 | 6 => {
                    self.0.extend(current.take().map(|builder| builder.entity));
                    current = Key::parse(packet.body).map(Builder::new);
                }
                tag => {
                    if let Some(builder) = &mut current {
                        builder.add(tag, packet.body);
                    }
                }
            }
        }
        self.0.extend(current.map(|builder| builder.entity));
        Ok(())
    }

    /// The key that made the signature.
    pub(super) fn verify(&self, signed: &Signed, now: SystemTime) -> Result<&Entity, String> {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let malformed = "openpgp: invalid data: no signature that is supported";
        let packets = packets(&signed.signature).ok_or(malformed)?;
        let mut found = "openpgp: signature made by unknown entity";
        let mut any = false;
        for signature in
            packets.iter().filter(|packet| packet.tag == 2).filter_map(|p| Signature::parse(p.body))
        {
            any = true;
            let of_data = matches!(signature.kind, kind::BINARY | kind::TEXT);
            if signature.hash == Hash::Sha1 || !of_data {
                found = "openpgp: invalid signature: its hash function or kind is not accepted";
                continue;
            }
            for (entity, key) in self.named(signature.issuer) {
                if !signature.is_by(key, &signed.signed) {
                    found = "openpgp: invalid signature: verification failure";
                    continue;
                }
                match entity.objection(key, now) {
                    Some(objection) => found = objection,
                    None if !signature.holds_at(now) => found = "openpgp: signature expired",
                    None => return Ok(entity),
                }
            }
        }
        Err(if any { found } else { malformed }.to_owned())
    }

    /// The keys of this id, with those that they belong to; all when a signature names none.
    fn named(&self, id: Option<u64>) -> impl Iterator<Item = (&Entity, &Key)> {
        let keys = self.0.iter().flat_map(|entity| {
            let subkeys = entity.subkeys.iter().map(|subkey| &subkey.key);
            std::iter::once(&entity.primary).chain(subkeys).map(move |key| (entity, key))
        });
        keys.filter(move |(_, key)| id.is_none_or(|id| key.id() == id))
    }
}

impl Entity {
    /// Why a signature of one of the keys does not count now.
    fn objection(&self, key: &Key, now: u64) -> Option<&'static str> {
        const REVOKED: &str = "openpgp: signature made by revoked key";
        const EXPIRED: &str = "openpgp: key expired";
        const UNKNOWN: &str = "openpgp: signature made by unknown entity";
        let has_ended = |key: &Key, own: &Signature| {
            key.created > now
                || own.key_lifetime.is_some_and(|seconds| key.created.saturating_add(seconds) <= now)
        };
        if self.is_revoked {
            return Some(REVOKED);
        }
        let Some(own) = &self.own else { return Some(UNKNOWN) };
        if has_ended(&self.primary, own) || !own.holds_at(now) {
            return Some(EXPIRED);
        }
        if std::ptr::eq(key, &self.primary) {
            return (own.may_sign == Some(false)).then_some(UNKNOWN);
        }
        let subkey = self.subkeys.iter().find(|subkey| std::ptr::eq(&subkey.key, key))?;
        if subkey.is_revoked {
            return Some(REVOKED);
        }
        match &subkey.binding {
            Some(binding) if has_ended(key, binding) || !binding.holds_at(now) => Some(EXPIRED),
            Some(binding) if binding.may_sign == Some(true) => None,
            _ => Some(UNKNOWN),
        }
    }
}

/// A key whose packets come in.
struct Builder {
    entity: Entity,
    /// What the next signatures are about.
    about: About,
}

enum About {
    Primary,
    Name(Vec<u8>),
    Subkey,
    /// Something that is not supported.
    Nothing,
}

impl Builder {
    fn new(primary: Key) -> Self {
        let entity = Entity { primary, names: Vec::new(), own: None, is_revoked: false, subkeys: Vec::new() };
        Self { entity, about: About::Primary }
    }

    fn add(&mut self, tag: u8, body: &[u8]) {
        match tag {
            13 => self.about = About::Name(body.to_vec()),
            7 | 14 => {
                self.about = match Key::parse(body) {
                    Some(key) => {
                        self.entity.subkeys.push(Subkey { key, binding: None, is_revoked: false });
                        About::Subkey
                    }
                    None => About::Nothing,
                }
            }
            2 => {
                if let Some(signature) = Signature::parse(body) {
                    self.signature(signature);
                }
            }
            // Where GnuPG notes how far it trusts the key.
            12 => {}
            _ => self.about = About::Nothing,
        }
    }

    /// Takes over what a valid signature of the key itself says.
    fn signature(&mut self, signature: Signature) {
        let entity = &mut self.entity;
        let primary = entity.primary.hashed();
        let is_later =
            |own: &Option<Signature>| own.as_ref().is_none_or(|own| own.created <= signature.created);
        match &self.about {
            About::Primary => match signature.kind {
                kind::REVOKES_KEY if signature.is_by(&entity.primary, &primary) => entity.is_revoked = true,
                kind::DIRECT if signature.is_by(&entity.primary, &primary) && is_later(&entity.own) => {
                    entity.own = Some(signature);
                }
                _ => {}
            },
            About::Name(name) => {
                let length = u32::try_from(name.len()).unwrap_or(u32::MAX).to_be_bytes();
                let data = [&primary, &[0xB4][..], &length, name].concat();
                if !signature.is_by(&entity.primary, &data) {
                    return;
                }
                let name = String::from_utf8_lossy(name).into_owned();
                if signature.kind == kind::REVOKES_CERTIFICATION {
                    entity.names.retain(|own| *own != name);
                } else if kind::CERTIFICATIONS.contains(&signature.kind) {
                    if !entity.names.contains(&name) {
                        entity.names.push(name);
                    }
                    if is_later(&entity.own) {
                        entity.own = Some(signature);
                    }
                }
            }
            About::Subkey => {
                let Some(subkey) = entity.subkeys.last_mut() else { return };
                let data = [primary, subkey.key.hashed()].concat();
                if !signature.is_by(&entity.primary, &data) {
                    return;
                }
                match signature.kind {
                    kind::REVOKES_SUBKEY => subkey.is_revoked = true,
                    // A key that signs must agree, or anybody's key could be claimed.
                    kind::SUBKEY if is_later(&subkey.binding) && agrees(&subkey.key, &signature, &data) => {
                        subkey.binding = Some(signature);
                    }
                    _ => {}
                }
            }
            About::Nothing => {}
        }
    }
}

fn agrees(subkey: &Key, binding: &Signature, data: &[u8]) -> bool {
    binding.may_sign != Some(true)
        || binding
            .embedded
            .as_ref()
            .is_some_and(|own| own.kind == kind::PRIMARY_BY_SUBKEY && own.is_by(subkey, data))
}

/// Whether the data is a keybox, which GnuPG writes since 2.1.
fn is_keybox(data: &[u8]) -> bool {
    data.get(8..12) == Some(b"KBXf") && data.get(4) == Some(&1)
}

/// The rows of packets in a keybox (`kbx/keybox-blob.c` of GnuPG).
fn keybox(data: &[u8]) -> Option<Vec<&[u8]>> {
    const OPENPGP: u8 = 2;
    const EPHEMERAL: usize = 2;
    let mut rest = Bytes(data);
    let mut blocks = Vec::new();
    while !rest.0.is_empty() {
        let length = Bytes(rest.0).number(4)?;
        let blob = rest.take(length).filter(|blob| blob.len() >= 5)?;
        let mut fields = Bytes(blob);
        fields.take(4)?;
        let kind = fields.byte()?;
        if kind != OPENPGP {
            continue;
        }
        fields.byte()?;
        let flags = fields.number(2)?;
        let (at, length) = (fields.number(4)?, fields.number(4)?);
        let block = blob.get(at..at.checked_add(length)?)?;
        if flags & EPHEMERAL == 0 {
            blocks.push(block);
        }
    }
    Some(blocks)
}
