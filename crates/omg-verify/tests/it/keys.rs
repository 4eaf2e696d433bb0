//! Made signatures, as gpgv and sqv judge them.

use std::fs::{self, File};

use omg_verify::openpgp::{
    CryptoPolicy, Demand, Keyring, Only, clearsigned, detached, post_quantum_available,
};
use omg_verify::{Error, openpgp};

use crate::made::{DATA, Made, workshop};
use crate::tools::{gpgv, have, sqv};

fn ours(made: &Made) -> Result<Vec<openpgp::Signer>, Error> {
    let keyring = Keyring::read(&made.keyring).unwrap();
    let signature = fs::read(&made.signature).unwrap();
    detached(
        File::open(&made.data).unwrap(),
        &signature,
        &keyring,
        &CryptoPolicy::now(),
        Demand::default(),
    )
}

/// Name, our verdict, gpgv's as apt takes it, sqv's.
const VERDICTS: &[(&str, bool, bool, bool)] = &[
    ("good", true, true, true),
    ("rsa", true, true, true),
    ("subkey", true, true, true),
    ("two", true, true, true),
    ("two-one-unknown", true, true, true),
    ("wrong-key", false, false, false),
    ("flipped-data", false, false, false),
    ("flipped-signature", false, false, false),
    ("truncated", false, false, false),
    ("empty", false, false, false),
    ("revoked-key", false, false, false),
    ("revoked-subkey", false, false, false),
    ("expired-signature", false, false, false),
    // gpgv believes in short keys and in SHA-1.
    ("short", false, true, false),
    ("sha1-data", false, true, false),
    ("sha1-bound", false, true, false),
    ("sha1-old", false, true, false),
    // sqv asks whether the key was good when it signed, gpgv whether it is now. We ask both.
    ("expired-key", false, false, true),
    // gpgv believes signatures of the future.
    ("future-signature", false, true, false),
    // One signature is good and one is of other data: sqv counts the good one, gpgv refuses, and so do we.
    ("one-bad", false, false, true),
];

#[test]
fn made_signatures_are_judged_as_by_gpgv_and_sqv() {
    let Some(workshop) = workshop() else { return };
    if !have("gpgv") || !have("sqv") {
        return;
    }
    assert_eq!(workshop.made.len(), VERDICTS.len());
    let mut wrong = Vec::new();
    for (name, us, them, sequoia) in VERDICTS {
        let made = workshop.get(name);
        let verdict = ours(made);
        let found = (
            verdict.is_ok(),
            gpgv(&made.keyring, &made.signature, Some(&made.data)),
            sqv(&made.keyring, &made.signature, &made.data),
        );
        if found != (*us, *them, *sequoia) {
            wrong.push(format!("{name}: {found:?} {verdict:?}"));
        }
        // A signed text is judged as its signature would be; the one with the other data has none.
        if *name != "one-bad" {
            let keyring = Keyring::read(&made.keyring).unwrap();
            let text = fs::read(&made.clear).unwrap();
            let clear = clearsigned(&text, &keyring, &CryptoPolicy::now(), Demand::default());
            match clear {
                Ok(signed) if *us => assert_eq!(signed.text, DATA.as_bytes()),
                Err(_) if !*us => {}
                other => wrong.push(format!("{name}, in the clear: {other:?}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_message_names_the_key_and_what_is_wrong() {
    let Some(workshop) = workshop() else { return };
    for (name, says) in [
        ("expired-key", "expired"),
        ("revoked-key", "revoked"),
        ("revoked-subkey", "revoked"),
        ("wrong-key", "not trusted here"),
        ("short", "RSA"),
    ] {
        let error = ours(workshop.get(name)).unwrap_err().to_string();
        assert!(error.contains(says), "{name}: {error}");
    }
    let fault = ours(workshop.get("expired-key")).unwrap_err().fault("the signature of x");
    assert_eq!(fault.code, omg_core::Code::Signature);
}

#[test]
fn demands_count_distinct_keys() {
    let Some(workshop) = workshop() else { return };
    let demand = |name: &str, demand: Demand| {
        let made = workshop.get(name);
        let keyring = Keyring::read(&made.keyring).unwrap();
        let signature = fs::read(&made.signature).unwrap();
        detached(
            File::open(&made.data).unwrap(),
            &signature,
            &keyring,
            &CryptoPolicy::now(),
            demand,
        )
    };
    let two = Demand { distinct: 2, post_quantum: false };
    assert_eq!(demand("two", two).unwrap().len(), 2);
    assert!(matches!(demand("good", two), Err(Error::TooFew { found: 1, wanted: 2 })));
    // The same signature twice is one key.
    let made = workshop.get("good");
    let once = fs::read(&made.signature).unwrap();
    let keyring = Keyring::read(&made.keyring).unwrap();
    let twice = [once.clone(), once].concat();
    let found = detached(DATA.as_bytes(), &twice, &keyring, &CryptoPolicy::now(), two);
    assert!(matches!(found, Err(Error::TooFew { found: 1, wanted: 2 })), "{found:?}");
    let none = Demand { distinct: 0, post_quantum: false };
    assert!(demand("wrong-key", none).is_err(), "no key is never enough");
}

#[test]
fn a_demand_for_both_kinds_is_refused_where_one_is_missing() {
    let Some(workshop) = workshop() else { return };
    let made = workshop.get("two");
    let keyring = Keyring::read(&made.keyring).unwrap();
    let signature = fs::read(&made.signature).unwrap();
    let demand = Demand { distinct: 1, post_quantum: true };
    let found = detached(DATA.as_bytes(), &signature, &keyring, &CryptoPolicy::now(), demand);
    if post_quantum_available() {
        assert!(matches!(found, Err(Error::NotHybrid { missing: "post-quantum" })), "{found:?}");
    } else {
        assert!(matches!(found, Err(Error::NoPostQuantum)), "{found:?}");
    }
}

#[test]
fn only_named_keys_may_sign() {
    let Some(workshop) = workshop() else { return };
    let made = workshop.get("subkey");
    let names = workshop.home.fingerprints("subkey");
    let signature = fs::read(&made.signature).unwrap();
    let by = |only: &[String]| {
        let keyring = Keyring::read(&made.keyring).unwrap();
        let keyring = keyring.only(only.iter().map(|it| Only::parse(it).unwrap()));
        detached(DATA.as_bytes(), &signature, &keyring, &CryptoPolicy::now(), Demand::default())
            .is_ok()
    };
    let [primary, sub] = names.as_slice() else { panic!("{names:?}") };
    assert!(by(&[]));
    assert!(by(std::slice::from_ref(primary)));
    assert!(by(std::slice::from_ref(sub)));
    assert!(by(&[format!("{sub}!")]));
    assert!(!by(&[format!("{primary}!")]));
    assert!(!by(&["A".repeat(40)]));
    assert!(by(&["A".repeat(40), primary.clone()]));
}
