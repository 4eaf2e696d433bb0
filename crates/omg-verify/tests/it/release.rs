//! Every Release file of the real data against every keyring, as gpgv and sqv judge it.

use std::fs;
use std::path::{Path, PathBuf};

use omg_verify::openpgp::{CryptoPolicy, Demand, Keyring, clearsigned, detached};

use crate::data::{files, releases};
use crate::tools::{gpgv, have, sqv};

/// All keyrings of the data that gpgv can read, one for each distinct content, without the 164 keys of Arch
/// twice over.
fn keyrings(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for package in files(&root.join("keyrings"), |_| true) {
        let directory = package.join("usr/share/keyrings");
        for path in files(&directory, |name| {
            [Some("gpg"), Some("pgp")].contains(&name.rsplit_once('.').map(|it| it.1))
        }) {
            if seen.insert(fs::read(&path).unwrap()) {
                found.push(path);
            }
        }
    }
    found
}

/// The signed text and the signature of a file that is one signed text, split as apt does it for sqv, which
/// takes only detached signatures.
fn split(bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let (_, rest) = text.split_once("\n\n").unwrap();
    let at = rest.find("\n-----BEGIN PGP SIGNATURE-----").unwrap();
    let (text, signature) = rest.split_at(at);
    let text: Vec<_> = text.split('\n').map(|it| it.strip_prefix("- ").unwrap_or(it)).collect();
    (text.join("\n").into_bytes(), signature.as_bytes()[1..].to_vec())
}

#[test]
fn signed_texts_are_judged_as_by_gpgv_and_sqv() {
    let Some(releases) = releases() else { return };
    let root = releases.path();
    if !have("gpgv") || !have("sqv") {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let (mut good, mut compared) = (0, 0);
    let texts = files(root, |name| name.ends_with("_InRelease"));
    assert_eq!(texts.len(), 15);
    for keyring_path in keyrings(root) {
        let keyring = Keyring::read(&keyring_path).unwrap();
        for path in &texts {
            let bytes = fs::read(path).unwrap();
            let ours = clearsigned(&bytes, &keyring, &CryptoPolicy::now(), Demand::default());
            let (text, signature) = split(&bytes);
            fs::write(scratch.path().join("text"), &text).unwrap();
            fs::write(scratch.path().join("signature"), &signature).unwrap();
            let theirs = gpgv(&keyring_path, path, None);
            let sequoia =
                sqv(&keyring_path, &scratch.path().join("signature"), &scratch.path().join("text"));
            let about = format!("{} by {}: {ours:?}", path.display(), keyring_path.display());
            assert_eq!(ours.is_ok(), theirs, "gpgv: {about:.900}");
            assert_eq!(ours.is_ok(), sequoia, "sqv: {about:.900}");
            compared += 1;
            if let Ok(signed) = ours {
                assert!(signed.text.trim_ascii_end() == text.trim_ascii_end(), "{about:.900}");
                good += 1;
            }
        }
    }
    println!("{compared} verdicts on signed texts, {good} good");
    assert!(good > 8, "{good}");
}

#[test]
fn the_text_is_that_of_the_release_file() {
    let Some(releases) = releases() else { return };
    let root = releases.path();
    let keyring = root.join(
        "keyrings/debian-archive-keyring_2025.1_all/usr/share/keyrings/debian-archive-keyring.pgp",
    );
    let keyring = Keyring::read(&keyring).unwrap();
    let signed = clearsigned(
        &fs::read(root.join("debian_bookworm_InRelease")).unwrap(),
        &keyring,
        &CryptoPolicy::now(),
        Demand::default(),
    );
    let release = fs::read(root.join("debian_bookworm_Release")).unwrap();
    assert!(signed.unwrap().text == release, "the signed text is not the Release file");
}

#[test]
fn detached_signatures_are_judged_as_by_gpgv_and_sqv() {
    let Some(releases) = releases() else { return };
    let root = releases.path();
    if !have("gpgv") || !have("sqv") {
        return;
    }
    let mut good = 0;
    for keyring_path in keyrings(root) {
        let keyring = Keyring::read(&keyring_path).unwrap();
        for name in ["debian_bookworm", "ubuntu_jammy"] {
            let data = root.join(format!("{name}_Release"));
            let signature = root.join(format!("{name}_Release.gpg"));
            let ours = detached(
                fs::File::open(&data).unwrap(),
                &fs::read(&signature).unwrap(),
                &keyring,
                &CryptoPolicy::now(),
                Demand::default(),
            );
            let about = format!("{name} by {}: {ours:?}", keyring_path.display());
            assert_eq!(ours.is_ok(), gpgv(&keyring_path, &signature, Some(&data)), "gpgv: {about}");
            assert_eq!(ours.is_ok(), sqv(&keyring_path, &signature, &data), "sqv: {about}");
            good += usize::from(ours.is_ok());
        }
    }
    assert!(good > 1, "{good}");
}

#[test]
fn keyrings_are_read_in_every_form() {
    let Some(releases) = releases() else { return };
    let root = releases.path();
    let package = root.join("keyrings/debian-archive-keyring_2025.1_all");
    let directory = Keyring::read_directory(&package.join("etc/apt/trusted.gpg.d")).unwrap();
    let whole =
        Keyring::read(&package.join("usr/share/keyrings/debian-archive-keyring.pgp")).unwrap();
    let sorted = |keyring: &Keyring| {
        let mut names: Vec<_> = keyring.fingerprints().collect();
        names.sort();
        names
    };
    assert_eq!(sorted(&directory), sorted(&whole));
    // One armored key after another, and as deb822 has them in a field.
    let mut armored = String::new();
    for path in files(&package.join("etc/apt/trusted.gpg.d"), |_| true) {
        armored.push_str(&fs::read_to_string(path).unwrap());
    }
    let joined = Keyring::from_bytes("joined", armored.as_bytes()).unwrap();
    assert_eq!(sorted(&joined), sorted(&whole));
    let field: String = armored
        .lines()
        .map(|it| if it.is_empty() { " .\n".to_owned() } else { format!(" {it}\n") })
        .collect();
    let inline = Keyring::inline("Signed-By", &field).unwrap();
    assert_eq!(sorted(&inline), sorted(&whole));
    assert!(Keyring::from_bytes("empty", b"").is_err());
    assert!(Keyring::read_directory(Path::new("/nonexistent")).unwrap().is_empty());
}
