//! No bytes at all make a parser panic, and none of them is believed.

use std::path::Path;

use omg_verify::digest::{Sha256, Sha512};
use omg_verify::openpgp::{
    CryptoPolicy, Demand, Fingerprint, Keyring, Only, clearsigned, detached,
};
use omg_verify::pacman::{self, SigLevel, Trust};
use proptest::prelude::*;

use crate::made::{DATA, Workshop, workshop};

/// Cases of each property: `PROPTEST_CASES`, else few.
fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|it| it.parse().ok()).unwrap_or(200);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Some bytes replaced, removed or put in.
fn mutate(bytes: &[u8], changes: &[(usize, u8, u8)]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (at, how, value) in changes {
        if bytes.is_empty() {
            break;
        }
        let at = at % bytes.len();
        match how % 4 {
            0 => bytes[at] = *value,
            1 => bytes[at] ^= 1 << (value % 8),
            2 => {
                bytes.remove(at);
            }
            _ => bytes.insert(at, *value),
        }
    }
    bytes
}

fn changes() -> impl Strategy<Value = Vec<(usize, u8, u8)>> {
    prop::collection::vec((any::<usize>(), any::<u8>(), any::<u8>()), 1..6)
}

#[test]
fn any_bytes() {
    proptest!(config(), |(bytes in prop::collection::vec(any::<u8>(), 0..600), high in any::<bool>())| {
        let mut bytes = bytes;
        if high && let Some(first) = bytes.first_mut() {
            *first |= 0x80;
        }
        let keyring = Keyring::default();
        let policy = CryptoPolicy::now();
        let _ = Keyring::from_bytes("x", &bytes);
        prop_assert!(clearsigned(&bytes, &keyring, &policy, Demand::default()).is_err());
        prop_assert!(detached(DATA.as_bytes(), &bytes, &keyring, &policy, Demand::default()).is_err());
        let text = String::from_utf8_lossy(&bytes);
        let _ = (Sha256::parse(&text), Sha512::parse(&text), Fingerprint::parse(&text), Only::parse(&text));
        let _ = Keyring::inline("x", &text);
        let _ = SigLevel::default().with(text.split(' '));
    });
}

#[test]
fn altered_keyrings() {
    let Some(workshop) = workshop() else { return };
    proptest!(config(), |(changes in changes())| {
        for name in ["good", "rsa", "subkey"] {
            let bytes = std::fs::read(&workshop.get(name).keyring).unwrap();
            let Ok(keyring) = Keyring::from_bytes("x", &mutate(&bytes, &changes)) else { continue };
            let signature = std::fs::read(&workshop.get(name).signature).unwrap();
            let policy = CryptoPolicy::now();
            let _ = detached(DATA.as_bytes(), &signature, &keyring, &policy, Demand::default());
        }
    });
}

#[test]
fn altered_signatures() {
    let Some(workshop) = workshop() else { return };
    proptest!(config(), |(changes in changes())| {
        for name in ["good", "rsa", "subkey"] {
            let made = workshop.get(name);
            let keyring = Keyring::read(&made.keyring).unwrap();
            let bytes = mutate(&std::fs::read(&made.signature).unwrap(), &changes);
            let policy = CryptoPolicy::now();
            let _ = detached(DATA.as_bytes(), &bytes, &keyring, &policy, Demand::default());
        }
    });
}

#[test]
fn altered_texts_are_refused_or_say_the_same() {
    let Some(workshop) = workshop() else { return };
    proptest!(config(), |(changes in changes())| {
        let made = workshop.get("good");
        let keyring = Keyring::read(&made.keyring).unwrap();
        let bytes = mutate(&std::fs::read(&made.clear).unwrap(), &changes);
        let policy = CryptoPolicy::now();
        // Blanks at the end of a line are not signed; a reader of the text takes them for nothing.
        let bare = |text: &[u8]| -> Vec<String> {
            String::from_utf8_lossy(text).lines().map(|it| it.trim_end().to_owned()).collect()
        };
        if let Ok(signed) = clearsigned(&bytes, &keyring, &policy, Demand::default()) {
            prop_assert_eq!(bare(&signed.text), bare(DATA.as_bytes()));
        }
    });
}

#[test]
fn altered_databases_of_trust() {
    let Some(workshop) = workshop() else { return };
    proptest!(config(), |(bytes in prop::collection::vec(any::<u8>(), 0..400), good in any::<bool>())| {
        let directory = tempfile::tempdir().unwrap();
        std::fs::copy(&workshop.get("good").keyring, directory.path().join("pubring.gpg")).unwrap();
        let mut bytes = bytes;
        if good {
            bytes.truncate(bytes.len() / 40 * 40);
            for (to, from) in bytes.iter_mut().zip(*b"\x01gpg\x03\x03\x01\x05") {
                *to = from;
            }
        }
        std::fs::write(directory.path().join("trustdb.gpg"), bytes).unwrap();
        prop_assert!(judged(directory.path(), &workshop).is_err(), "no key in it is trusted");
    });
}

fn judged(directory: &Path, workshop: &Workshop) -> Result<(), omg_verify::Error> {
    let keyring = pacman::Keyring::populated(directory)?;
    let signature = std::fs::read(&workshop.get("good").signature).unwrap();
    let policy = CryptoPolicy::now();
    pacman::verify(DATA.as_bytes(), &signature, &keyring, policy, Trust::TrustedOnly).map(drop)
}
