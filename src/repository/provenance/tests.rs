//! Signatures that GnuPG and Helm made; what Helm says of them stands in `tests/fixtures/provenance/README.md`.

use std::path::{Path, PathBuf};

use super::*;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/provenance").join(name)
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(fixture(name)).unwrap()
}

const ARCHIVE: &str = "signed-1.2.3.tgz";

fn verified(provenance: &str, keyring: &str) -> Result<Verification, String> {
    check(&read(ARCHIVE), &read(provenance), ARCHIVE, &fixture(keyring)).map_err(|error| error.to_string())
}

#[test]
fn signatures_of_all_algorithms_are_verified_by_keyrings_of_all_forms() {
    for (provenance, name, fingerprint) in [
        ("rsa.prov", "rsa", "DE0C6FE397C4593CCCE1E24B78E1A528F78F8656"),
        ("helm.prov", "rsa", "DE0C6FE397C4593CCCE1E24B78E1A528F78F8656"),
        ("sha256.prov", "rsa", "DE0C6FE397C4593CCCE1E24B78E1A528F78F8656"),
        ("ed25519.prov", "ed25519", "7019283716C2403DF85ADF5CCB9FDCB3FD205ABD"),
        ("p256.prov", "p256", "B3288AF2855DDC1660C401E4BD0D8674BFB2840A"),
        ("p384.prov", "p384", "5EE33AAC8F91A9AD892CCD1CFA2A28CEAF8B2155"),
        ("p521.prov", "p521", "B1689CA63120C244D9133943CAF44D4BC5DCFF7F"),
        ("subkey.prov", "subkey", "FC8FE8D31FBC13AA467A87F682D5BD125DB8F768"),
    ] {
        for keyring in ["keys.gpg", "keys.asc", "keys.kbx"] {
            let verification = verified(provenance, keyring).unwrap();
            assert_eq!(
                verification.lines(),
                [
                    format!("Signed by: Charts ({name}) <charts@{name}.example>"),
                    format!("Using Key With Fingerprint: {fingerprint}"),
                    "Chart Hash Verified: \
                     sha256:d499e62bfd37e76dd05ad4dd2fdee487b77a597f375599fe692915eb4b364deb"
                        .to_owned(),
                ],
                "{provenance} {keyring}"
            );
        }
    }
}

#[test]
fn signatures_that_prove_nothing_are_refused() {
    for (provenance, keyring, expected) in [
        ("expired.prov", "keys.gpg", "openpgp: key expired"),
        ("revoked.prov", "keys.gpg", "openpgp: signature made by revoked key"),
        ("rsa.prov", "one.gpg", "openpgp: signature made by unknown entity"),
        ("small.prov", "keys.gpg", "openpgp: invalid signature: verification failure"),
        ("sha1.prov", "keys.gpg", "openpgp: invalid signature: its hash function or kind is not accepted"),
        ("signed-1.2.3.tgz", "keys.gpg", "signature block not found"),
        ("rsa.prov", ARCHIVE, "failed to load keyring: the packets of the keyring are malformed"),
    ] {
        assert_eq!(verified(provenance, keyring).unwrap_err(), expected, "{provenance} {keyring}");
    }
}

#[test]
fn changed_text_changed_archives_and_other_names_are_refused() {
    let (archive, keys) = (read(ARCHIVE), fixture("keys.gpg"));
    let refused = |archive: &[u8], provenance: &str, name: &str| {
        check(archive, provenance.as_bytes(), name, &keys).unwrap_err().to_string()
    };
    let provenance = String::from_utf8(read("ed25519.prov")).unwrap();
    let changed = provenance.replace("version: 1.2.3", "version: 1.2.4");
    assert_eq!(refused(&archive, &changed, ARCHIVE), "openpgp: invalid signature: verification failure");
    assert!(
        refused(b"other", &provenance, ARCHIVE).starts_with("sha256 sum does not match for signed-1.2.3.tgz")
    );
    assert_eq!(
        refused(&archive, &provenance, "b.tgz"),
        "provenance does not contain a SHA for a file named \"b.tgz\""
    );
}

#[test]
fn broken_bytes_never_panic() {
    let archive = read(ARCHIVE);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys");
    for keyring in ["keys.gpg", "keys.kbx", "keys.asc"] {
        let keys = read(keyring);
        for at in (0..keys.len()).step_by(7) {
            let mut broken = keys.clone();
            broken[at] ^= 0xA5;
            std::fs::write(&path, if at % 2 == 0 { &broken } else { &keys[..at] }).unwrap();
            let _ = check(&archive, &read("subkey.prov"), ARCHIVE, &path);
        }
    }
}
