//! Rows of the catalogue of attacks, each refused, and each seen to succeed where its check is left out.
//!
//! Which checks are left out is read from the environment once per process, so that a row runs its attack
//! here and once more in a process of its own.

use std::fs::{self, File};
use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use omg_verify::digest::{Expected, Sha256};
use omg_verify::openpgp::{CryptoPolicy, Demand, Keyring, Only, Rules, clearsigned, detached};
use omg_verify::pacman::{self, Check, Trust, When};
use omg_verify::{Error, Proof, Verified};

use crate::made::{DATA, workshop};

/// Runs the attack: it must fail here, and succeed in a child without the check of this row.
fn row(row: &str, test: &str, attack: impl Fn() -> bool) {
    if let Ok(left_out) = std::env::var("OMG_WEAKEN") {
        assert_eq!(left_out, row);
        assert!(attack(), "row {row}: the attack fails even without the check");
        return;
    }
    assert!(!attack(), "row {row}: the attack succeeds");
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("attacks::{test}"), "--nocapture", "--test-threads=1"])
        .env("OMG_WEAKEN", row)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "{said}");
}

fn accepted(name: &str, policy: CryptoPolicy, only: Option<String>) -> bool {
    let workshop = workshop().unwrap();
    let made = workshop.get(name);
    let mut keyring = Keyring::read(&made.keyring).unwrap();
    keyring = keyring.only(only.map(|it| Only::parse(&it).unwrap()));
    let signature = fs::read(&made.signature).unwrap();
    let data = File::open(&made.data).unwrap();
    detached(data, &signature, &keyring, &policy, Demand::default()).is_ok()
}

#[test]
fn row_08_a_key_that_may_not_sign_here() {
    let Some(workshop) = workshop() else { return };
    let other = workshop.home.fingerprint("rsa");
    row("08", "row_08_a_key_that_may_not_sign_here", || {
        // A good key, but not the one that is pinned for this repository.
        accepted("good", CryptoPolicy::now(), Some(other.clone()))
    });
}

#[test]
fn row_08_a_key_that_expired_since() {
    let Some(_held) = workshop() else { return };
    row("08", "row_08_a_key_that_expired_since", || {
        accepted("expired-key", CryptoPolicy::now(), None)
    });
}

#[test]
fn row_08_the_key_of_another_repository_is_unknown() {
    let Some(_held) = workshop() else { return };
    for name in ["wrong-key", "revoked-key", "revoked-subkey"] {
        assert!(!accepted(name, CryptoPolicy::now(), None), "{name}");
    }
}

#[test]
fn row_10_one_key_is_no_two_and_none_is_never_enough() {
    let Some(workshop) = workshop() else { return };
    let enough = |name: &str, times: usize, distinct: usize| {
        let made = workshop.get(name);
        let keyring = Keyring::read(&made.keyring).unwrap();
        let signature = fs::read(&made.signature).unwrap().repeat(times);
        let demand = Demand { distinct, post_quantum: false };
        detached(DATA.as_bytes(), &signature, &keyring, &CryptoPolicy::now(), demand).is_ok()
    };
    assert!(enough("two", 1, 2));
    for (name, times, distinct) in [("good", 2, 2), ("wrong-key", 1, 0)] {
        row("10", "row_10_one_key_is_no_two_and_none_is_never_enough", || {
            enough(name, times, distinct)
        });
    }
}

fn read_clear(text: &[u8]) -> Result<Vec<u8>, Error> {
    let keyring = Keyring::read(&workshop().unwrap().get("good").keyring).unwrap();
    clearsigned(text, &keyring, &CryptoPolicy::now(), Demand::default()).map(|it| it.text)
}

#[test]
fn row_12_text_outside_the_signature() {
    let Some(workshop) = workshop() else { return };
    let good = fs::read(&workshop.get("good").clear).unwrap();
    assert!(read_clear(&good).is_ok());
    row("12", "row_12_text_outside_the_signature", || {
        let with = [b"Suite: evil\n".as_slice(), &good].concat();
        let behind = [&good, b"Suite: evil\n".as_slice()].concat();
        read_clear(&with).is_ok() || read_clear(&behind).is_ok()
    });
}

#[test]
fn row_12_two_messages_and_other_framing() {
    let Some(workshop) = workshop() else { return };
    let good = fs::read_to_string(&workshop.get("good").clear).unwrap();
    let data = fs::read(&workshop.get("good").data).unwrap();
    let lines: Vec<_> = good.lines().collect();
    for wrong in [
        format!("{good}{good}"),
        good.replace("Hash: ", "Comment: "),
        good.replacen("Origin", "\nOrigin", 1),
        good.replacen("-----BEGIN PGP SIGNATURE", "-----BEGIN PGP SIGNED MESSAGE", 1),
        lines[..lines.len() - 1].join("\n"),
        String::from_utf8(data).unwrap(),
        String::new(),
    ] {
        let verdict = read_clear(wrong.as_bytes());
        assert!(verdict.is_err(), "{wrong}");
    }
    // Not signed in the clear, but signed: the text is not what a reader of the file would see.
    let arguments = ["-u", "good@example.org", "--output", "-", "--armor", "--sign"];
    let path = workshop.get("good").data.to_str().unwrap();
    let inline = workshop.home.gpg(&[&arguments[..], &[path]].concat());
    assert!(matches!(read_clear(&inline), Err(Error::Framing { .. })));
}

#[test]
fn row_15_a_signature_that_vanished() {
    let optional = Check { when: When::Optional, trust: Trust::TrustedOnly };
    let required = Check { when: When::Required, ..optional };
    let never = Check { when: When::Never, ..optional };
    assert_eq!(pacman::present(None, optional, false).unwrap(), None);
    assert_eq!(pacman::present(Some(b"x"), never, true).unwrap(), None);
    assert_eq!(pacman::present(Some(b"x"), optional, false).unwrap(), Some(b"x".as_slice()));
    row("15", "row_15_a_signature_that_vanished", || {
        let before = pacman::present(None, optional, true);
        let asked = pacman::present(None, required, false);
        if let (Err(before), Err(asked)) = (&before, &asked) {
            assert!(matches!(before, Error::SignatureVanished), "{before:?}");
            assert!(matches!(asked, Error::Unsigned), "{asked:?}");
        }
        before.is_ok() || asked.is_ok()
    });
}

#[test]
fn row_16_weak_cryptography() {
    let Some(_held) = workshop() else { return };
    row("16", "row_16_weak_cryptography", || {
        let now = CryptoPolicy::now();
        ["short", "sha1-data", "sha1-bound"].iter().any(|name| accepted(name, now, None))
    });
}

#[test]
fn row_16_the_day_of_sha1() {
    let Some(workshop) = workshop() else { return };
    let day = SystemTime::UNIX_EPOCH + Duration::from_hours(491_640);
    let made = workshop.get("sha1-old");
    let keyring = Keyring::read(&made.keyring).unwrap();
    let signature = fs::read(&made.signature).unwrap();
    let at = |time| {
        detached(DATA.as_bytes(), &signature, &keyring, &CryptoPolicy::at(time), Demand::default())
    };
    let second = Duration::from_secs(1);
    assert!(at(day - second).is_ok(), "{:?}", at(day - second));
    assert!(at(day).is_err());
    assert!(at(day + second).is_err());
    let lenient = CryptoPolicy::at(day + second).with(Rules::Pacman);
    assert!(detached(DATA.as_bytes(), &signature, &keyring, &lenient, Demand::default()).is_ok());
}

/// Verifies a file by its name, stopping before it is used, and says what is used.
#[test]
fn row_30_child() {
    let Ok(path) = std::env::var("OMG_TEST_PATH") else { return };
    let expected = Expected::sha256(Sha256::of(b"verified"), Some(8));
    let verified = Verified::open(path.as_ref(), &expected, Proof::Digest).unwrap();
    let mut used = String::new();
    verified.into_inner().read_to_string(&mut used).unwrap();
    println!("USED {used}");
}

/// What is used if the file is swapped after it was verified.
fn swapped(weaken: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("package");
    fs::write(&path, "verified").unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "attacks::row_30_child", "--nocapture", "--test-threads=1"])
        .env("OMG_FAILPOINT", "verify.file.done=stop")
        .env("OMG_WEAKEN", weaken)
        .env("OMG_TEST_PATH", &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stat = format!("/proc/{}/stat", child.id());
    let stopped = || fs::read_to_string(&stat).is_ok_and(|it| it.contains(") T "));
    while !stopped() {
        assert!(child.try_wait().unwrap().is_none(), "it did not stop");
        std::thread::sleep(Duration::from_millis(5));
    }
    fs::write(directory.path().join("other"), "evil").unwrap();
    fs::rename(directory.path().join("other"), &path).unwrap();
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-CONT", &pid]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let said = String::from_utf8(output.stdout).unwrap();
    said.lines().find_map(|it| it.split_once("USED ")).unwrap().1.to_owned()
}

#[test]
fn row_30_the_file_is_swapped_after_it_was_verified() {
    assert_eq!(swapped("none"), "verified");
    assert_eq!(swapped("30"), "evil", "the attack fails even without the defence");
}

#[test]
fn only_plain_files_are_opened() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::write(path("file"), "x").unwrap();
    std::os::unix::fs::symlink(path("file"), path("link")).unwrap();
    assert!(Command::new("mkfifo").arg(path("fifo")).status().unwrap().success());
    let expected = Expected::sha256(Sha256::of(b"x"), None);
    assert!(Verified::open(&path("file"), &expected, Proof::Digest).is_ok());
    for name in ["link", "fifo", ".", "absent"] {
        assert!(Verified::open(&path(name), &expected, Proof::Digest).is_err(), "{name}");
    }
}
