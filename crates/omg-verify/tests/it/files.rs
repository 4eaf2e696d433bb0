//! Open files: digests, copies, seals, evidence, kept verdicts.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};

use omg_core::{Artifact, Change, Grade, Operation, Plan, Staged};
use omg_verify::digest::{self, Also, CHUNK, Digests, Expected, Hasher, Sha256};
use omg_verify::openpgp::{CryptoPolicy, Demand, Keyring};
use omg_verify::verdict::{VALID, Verdicts};
use omg_verify::{By, Error, Proof, Verified};

use crate::made::{DATA, workshop};

const ALL: Also = Also { sha512: true, blake3: true };

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|it| (it * 31 % 251) as u8).collect()
}

fn file_of(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn digests_of(bytes: &[u8]) -> Digests {
    let mut hasher = Hasher::new(ALL);
    hasher.update(bytes);
    hasher.finish()
}

#[test]
fn digests_are_the_same_however_the_bytes_come() {
    for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 1, 5 * CHUNK + 12345] {
        let bytes = bytes(length);
        let expected = digests_of(&bytes);
        let file = file_of(&bytes);
        // Where the file stands does not matter.
        assert_eq!(digest::file(&file, ALL, None).unwrap(), expected, "{length}");
        let copy = tempfile::tempfile().unwrap();
        assert_eq!(digest::copy(bytes.as_slice(), &copy, ALL, None).unwrap(), expected, "{length}");
        assert_eq!(digest::file(&copy, ALL, None).unwrap(), expected, "{length}");
    }
}

#[test]
fn digests_are_those_of_the_system_tools() {
    let bytes = bytes(3 * CHUNK + 7);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    fs::write(&path, &bytes).unwrap();
    let found = digest::file(&File::open(&path).unwrap(), ALL, None).unwrap();
    for (tool, digest) in
        [("sha256sum", found.sha256.to_string()), ("sha512sum", found.sha512.unwrap().to_string())]
    {
        let output = std::process::Command::new(tool).arg(&path).output().unwrap();
        assert!(String::from_utf8_lossy(&output.stdout).starts_with(&digest), "{tool}");
    }
}

#[test]
fn reading_stops_behind_the_expected_size() {
    let file = file_of(&bytes(4 * CHUNK));
    let found = digest::file(&file, Also::default(), Some(1000)).unwrap();
    assert_eq!(found.size, 1001);
    let copy = tempfile::tempfile().unwrap();
    let endless = std::io::repeat(7);
    let expected = Expected::sha256(Sha256::of(b""), Some(5000));
    let error = Verified::copy(endless, copy.try_clone().unwrap(), &expected, Proof::Digest);
    assert!(matches!(error, Err(Error::Size { expected: 5000, found: 5001 })), "{error:?}");
    assert_eq!(copy.metadata().unwrap().len(), 5001);
}

#[test]
fn a_verified_file_is_the_open_file() {
    let content = bytes(3 * CHUNK);
    let expected = Expected::sha256(Sha256::of(&content), Some(content.len() as u64));
    let verified = Verified::file(file_of(&content), &expected, Proof::Digest).unwrap();
    assert_eq!(verified.evidence().sha256(), Sha256::of(&content));
    assert_eq!(verified.evidence().by(), By::Digest);
    let mut file = verified.into_inner();
    file.seek(SeekFrom::Start(0)).unwrap();
    let mut read = Vec::new();
    file.read_to_end(&mut read).unwrap();
    assert!(read == content);
    for wrong in [
        Expected { sha256: Some(Sha256::of(b"other")), ..expected },
        Expected { size: Some(1), ..expected },
        Expected { size: Some(u64::MAX), ..expected },
    ] {
        assert!(Verified::file(file_of(&content), &wrong, Proof::Digest).is_err(), "{wrong:?}");
    }
    let nothing = Expected { size: Some(content.len() as u64), ..Expected::default() };
    let error = Verified::file(file_of(&content), &nothing, Proof::Digest);
    assert!(matches!(error, Err(Error::NothingToCheck)), "{error:?}");
}

#[test]
fn a_sealed_copy_can_not_be_written() {
    let content = bytes(CHUNK + 5);
    let expected = Expected::sha256(Sha256::of(&content), None);
    let mut sealed =
        Verified::seal(content.as_slice(), &expected, Proof::Digest).unwrap().into_inner();
    assert!(sealed.write_all(b"x").is_err());
    assert!(sealed.set_len(3).is_err());
    let mut read = Vec::new();
    sealed.seek(SeekFrom::Start(0)).unwrap();
    sealed.read_to_end(&mut read).unwrap();
    assert!(read == content);
}

#[test]
fn signatures_and_digests_are_both_asked_for() {
    let Some(workshop) = workshop() else { return };
    let made = workshop.get("good");
    let keyring = Keyring::read(&made.keyring).unwrap();
    let signature = fs::read(&made.signature).unwrap();
    let policy = CryptoPolicy::now();
    let demand = Demand::default();
    let proof = Proof::OpenPgp { signature: &signature, keyring: &keyring, policy, demand };
    let digest = Expected::sha256(Sha256::of(DATA.as_bytes()), None);
    let open = || File::open(&made.data).unwrap();
    let by =
        |expected: &Expected| Verified::file(open(), expected, proof).map(|it| it.evidence().by());
    assert_eq!(by(&Expected::default()).unwrap(), By::Signature);
    assert_eq!(by(&digest).unwrap(), By::DigestAndSignature);
    assert!(matches!(by(&Expected::sha256(Sha256::of(b"x"), None)), Err(Error::Digest { .. })));
    let copy = tempfile::tempfile().unwrap();
    let copied = Verified::copy(open(), copy, &digest, proof).unwrap();
    assert_eq!(copied.evidence().signers().len(), 1);
    let other = b"other bytes".to_vec();
    assert!(Verified::bytes(other, &Expected::default(), proof).is_err());
    assert!(Verified::bytes(DATA.as_bytes().to_vec(), &digest, proof).is_ok());
}

fn staged(content: &[u8]) -> Staged {
    let artifact = Artifact {
        name: "a".into(),
        architecture: "all".into(),
        version: "1".into(),
        repository: "r".into(),
        file_name: "a_1_all.deb".into(),
        path: "/a".into(),
        size: content.len() as u64,
        sha256: Sha256::of(content).to_string(),
        signature: None,
        grade: Grade::Verified,
    };
    Staged {
        change: Change::new(Operation::Install, ["a"]),
        plan: Plan::default(),
        artifacts: vec![artifact],
    }
}

#[test]
fn every_artifact_needs_evidence() {
    let of = |content: &[u8]| {
        let expected = Expected::sha256(Sha256::of(content), None);
        let verified = Verified::bytes(content.to_vec(), &expected, Proof::Digest).unwrap();
        verified.evidence().clone()
    };
    assert!(Verified::staged(staged(b"one"), &[of(b"two"), of(b"one")]).is_ok());
    for evidence in [vec![], vec![of(b"two")]] {
        let error = Verified::staged(staged(b"one"), &evidence);
        assert!(matches!(error, Err(Error::Unverified { .. })), "{error:?}");
    }
    let longer = Staged {
        artifacts: staged(b"one")
            .artifacts
            .into_iter()
            .map(|it| Artifact { size: 4, ..it })
            .collect(),
        ..staged(b"one")
    };
    assert!(Verified::staged(longer, &[of(b"one")]).is_err());
}

#[test]
fn good_verdicts_are_kept_and_others_are_not() {
    let Some(workshop) = workshop() else { return };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("verdicts.redb");
    let made = workshop.get("good");
    let keyring = Keyring::read(&made.keyring).unwrap();
    let other = Keyring::read(&workshop.get("rsa").keyring).unwrap();
    let signature = fs::read(&made.signature).unwrap();
    let now = CryptoPolicy::now();
    let demand = Demand::default();
    let digest = Sha256::of(DATA.as_bytes());
    let expected = Expected::sha256(digest, None);
    let good = Proof::OpenPgp { signature: &signature, keyring: &keyring, policy: now, demand };
    let bad = Proof::OpenPgp { signature: &signature, keyring: &other, policy: now, demand };
    {
        let verdicts = Verdicts::open(&path).unwrap();
        assert!(verdicts.get(digest, &good).is_none());
        let judge = |proof| {
            Verified::file_known(File::open(&made.data).unwrap(), &expected, proof, &verdicts)
        };
        // Refused, then good: what was refused before is judged anew.
        assert!(judge(bad).is_err());
        assert!(verdicts.get(digest, &bad).is_none());
        let found = judge(good).unwrap();
        assert_eq!(verdicts.get(digest, &good).unwrap().signers(), found.evidence().signers());
        assert_eq!(judge(good).unwrap().evidence(), found.evidence());
        // Another keyring, demand, rule, moment or file is another question.
        assert!(judge(bad).is_err());
        let two = Demand { distinct: 2, post_quantum: false };
        let of = |policy, demand| Proof::OpenPgp {
            signature: &signature,
            keyring: &keyring,
            policy,
            demand,
        };
        assert!(verdicts.get(digest, &of(now, two)).is_none());
        assert!(
            verdicts
                .get(digest, &of(now.with(omg_verify::openpgp::Rules::Pacman), demand))
                .is_none()
        );
        assert!(verdicts.get(Sha256::of(b"x"), &good).is_none());
        let later = CryptoPolicy::at(now.time() + VALID + VALID);
        assert!(verdicts.get(digest, &of(later, demand)).is_none());
        let earlier = CryptoPolicy::at(now.time() - VALID);
        assert!(verdicts.get(digest, &of(earlier, demand)).is_none());
    }
    // What is kept says nothing of bytes that are not those of the digest.
    let verdicts = Verdicts::open(&path).unwrap();
    let altered = file_of(b"altered");
    assert!(Verified::file_known(altered, &expected, good, &verdicts).is_err());
    assert!(verdicts.get(digest, &good).is_some());
}

#[test]
fn a_damaged_file_of_verdicts_costs_time_only() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("verdicts.redb");
    for damage in [b"not a database".to_vec(), vec![0; 5000], Vec::new()] {
        fs::write(&path, damage).unwrap();
        let verdicts = Verdicts::open(&path).unwrap();
        assert!(verdicts.get(Sha256::of(b""), &Proof::Digest).is_none());
    }
    let one = Verdicts::open(&path).unwrap();
    assert!(Verdicts::open(&path).is_err(), "another process has it");
    drop(one);
}
