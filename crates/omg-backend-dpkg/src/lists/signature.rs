//! Who signed a Release file, and whether that key may.

use std::path::PathBuf;

use omg_core::Grade;
use omg_verify::openpgp::{CryptoPolicy, Demand, Keyring, Only, Signer, clearsigned, detached};

use crate::apt::Conf;
use crate::apt::sources::Suite;
use crate::error::Error;

/// Who vouches for a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trust {
    /// It has the digest that a Release file names, and that is signed by a key that the source
    /// allows: its primary fingerprint, upper-case hexadecimal.
    Signed {
        /// Fingerprint of the primary key; the first where several signed.
        fingerprint: String,
        /// The key is in the keyring of the distribution that this system is.
        distribution: bool,
    },
    /// Nobody, but the source says `trusted=yes`.
    Trusted,
    /// Nobody.
    Unsigned,
}

impl Trust {
    /// What that is worth.
    pub fn grade(&self) -> Grade {
        match self {
            Self::Signed { distribution: true, .. } => Grade::Verified,
            Self::Signed { distribution: false, .. } => Grade::Community,
            Self::Trusted | Self::Unsigned => Grade::Risk,
        }
    }

    pub(crate) fn is_signed(&self) -> bool {
        matches!(self, Self::Signed { .. })
    }
}

/// A Release file as it lies or came, before anything of it is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Files {
    /// `InRelease`.
    InRelease(Vec<u8>),
    /// `Release`, and `Release.gpg` if there is one.
    Release(Vec<u8>, Option<Vec<u8>>),
}

/// What a verifier gave out, and who signed it.
#[derive(Debug, Clone)]
pub(crate) struct Opened {
    pub(crate) text: String,
    pub(crate) trust: Trust,
}

/// Checks a Release file of a suite. `pinned` is what the version in place says of its successor.
pub(crate) fn open(
    conf: &Conf,
    suite: &Suite,
    files: &Files,
    pinned: Option<&str>,
    policy: &CryptoPolicy,
) -> Result<Opened, Error> {
    let trusted = suite.flag("trusted") == Some(true);
    match verify(conf, suite, files, pinned, policy) {
        Ok((text, signers)) => {
            let distribution = distribution(conf);
            let of_distribution = |signer: &Signer| {
                distribution.fingerprints().any(|fingerprint| fingerprint == signer.fingerprint)
            };
            let fingerprint = signers.first().map(|signer| signer.fingerprint.to_string());
            let trust = Trust::Signed {
                fingerprint: fingerprint.unwrap_or_default(),
                distribution: signers.iter().any(of_distribution),
            };
            Ok(Opened { text: utf8(text), trust })
        }
        Err(_) if trusted => Ok(Opened { text: unverified(files), trust: Trust::Trusted }),
        Err(Error::Verify { source: omg_verify::Error::Unsigned, .. })
            if may_be_unsigned(conf, suite) =>
        {
            Ok(Opened { text: unverified(files), trust: Trust::Unsigned })
        }
        Err(error) => Err(error),
    }
}

fn verify(
    conf: &Conf,
    suite: &Suite,
    files: &Files,
    pinned: Option<&str>,
    policy: &CryptoPolicy,
) -> Result<(Vec<u8>, Vec<Signer>), Error> {
    let failed = |source| Error::Verify { what: suite.title(), source };
    let keyring = || keyring(conf, suite, pinned);
    match files {
        Files::InRelease(bytes) => {
            let signed =
                clearsigned(bytes, &keyring()?, policy, Demand::default()).map_err(failed)?;
            Ok((signed.text, signed.signers))
        }
        Files::Release(_, None) => Err(failed(omg_verify::Error::Unsigned)),
        Files::Release(text, Some(signature)) => {
            let signers =
                detached(text.as_slice(), signature, &keyring()?, policy, Demand::default())
                    .map_err(failed)?;
            Ok((text.clone(), signers))
        }
    }
}

/// Do source or settings allow that nobody signed it?
fn may_be_unsigned(conf: &Conf, suite: &Suite) -> bool {
    suite
        .flag("allow-insecure")
        .unwrap_or_else(|| conf.flag("Acquire::AllowInsecureRepositories", false))
}

/// May a suite that was signed come unsigned?
pub(crate) fn may_lose_signature(conf: &Conf, suite: &Suite) -> bool {
    suite.flag("trusted") == Some(true)
        || suite
            .flag("allow-downgrade-to-insecure")
            .unwrap_or_else(|| conf.flag("Acquire::AllowDowngradeToInsecureRepositories", false))
}

/// Keys that may sign for a suite: those of `Signed-By`, else all that apt trusts.
fn keyring(conf: &Conf, suite: &Suite, pinned: Option<&str>) -> Result<Keyring, Error> {
    let failed = |source| Error::Verify { what: suite.title(), source };
    let configured = suite.options.get("signed-by").map_or("", String::as_str);
    if omg_failpoint::weak!("08") {
        // One keyring for all sources, as before there was `Signed-By`.
        let mut all = general(conf, suite)?;
        for path in paths(conf, configured) {
            all.extend(Keyring::read(&path).map_err(failed)?);
        }
        return Ok(all);
    }
    if configured.contains("-----BEGIN") {
        return Keyring::inline(&suite.title(), configured.trim_start()).map_err(failed);
    }
    let mut keyring = Keyring::default();
    let files = paths(conf, configured);
    for path in &files {
        keyring.extend(Keyring::read(path).map_err(failed)?);
    }
    if files.is_empty() {
        keyring = general(conf, suite)?;
    }
    // Without a setting, what the version in place says of its successor counts.
    let source = if configured.is_empty() { pinned.unwrap_or("") } else { configured };
    let fingerprints: Result<Vec<Only>, _> =
        words(source).filter(|word| !word.starts_with('/')).map(Only::parse).collect();
    Ok(keyring.only(fingerprints.map_err(failed)?))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', ' ', '\t', '\n']).filter(|word| !word.is_empty())
}

/// The keyring files that `Signed-By` names.
fn paths(conf: &Conf, configured: &str) -> Vec<PathBuf> {
    let named = words(configured).filter(|word| word.starts_with('/'));
    named.map(|word| conf.below_root(word)).collect()
}

/// `trusted.gpg` and `trusted.gpg.d`.
fn general(conf: &Conf, suite: &Suite) -> Result<Keyring, Error> {
    let failed = |source| Error::Verify { what: suite.title(), source };
    let mut keyring =
        Keyring::read_directory(&conf.dir("Dir::Etc::trustedparts")).map_err(failed)?;
    let single = conf.file("Dir::Etc::trusted");
    if single.is_file() {
        keyring.extend(Keyring::read(&single).map_err(failed)?);
    }
    Ok(keyring)
}

/// Keys of the distribution that this system is, from its own keyring package: what
/// `/etc/os-release` calls `ID`. A third party's repository can claim any origin, but not be in it.
fn distribution(conf: &Conf) -> Keyring {
    let text = std::fs::read_to_string(conf.below_root("/etc/os-release"))
        .or_else(|_| std::fs::read_to_string(conf.below_root("/usr/lib/os-release")))
        .unwrap_or_default();
    let id = text.lines().find_map(|line| line.strip_prefix("ID=")).unwrap_or("");
    let id = id.trim_matches(['"', '\'']);
    let mut keyring = Keyring::default();
    if id.is_empty()
        || !id
            .bytes()
            .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || b"._-".contains(&it))
    {
        return keyring;
    }
    for suffix in ["gpg", "pgp"] {
        let path = conf.below_root(&format!("/usr/share/keyrings/{id}-archive-keyring.{suffix}"));
        // One that can't be read has no key, and nothing is signed by the distribution then.
        if let Ok(read) = Keyring::read(&path) {
            keyring.extend(read);
        }
    }
    keyring
}

/// The text without a signature that counts: only for sources that say `trusted=yes`, or may be
/// unsigned.
fn unverified(files: &Files) -> String {
    let bytes = match files {
        Files::InRelease(bytes) | Files::Release(bytes, _) => bytes,
    };
    let text = String::from_utf8_lossy(bytes).into_owned();
    let Some(rest) = text.strip_prefix("-----BEGIN PGP SIGNED MESSAGE-----") else { return text };
    let body = rest.split_once("\n\n").map_or("", |(_, body)| body);
    let body = body.split_once("-----BEGIN PGP SIGNATURE-----").map_or(body, |(body, _)| body);
    body.lines().fold(String::with_capacity(body.len()), |all, line| {
        all + line.strip_prefix("- ").unwrap_or(line) + "\n"
    })
}

fn utf8(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
