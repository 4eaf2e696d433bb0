//! Arch's keys: those that `pacman-key` keeps, or those that it would make of the shipped ones.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::trustdb::{self, Numbers, Owned, Owner};
use super::web::{Validity, Web};
use crate::Error;
use crate::digest::Sha256;
use crate::openpgp::{self, CryptoPolicy, Fingerprint};

/// Bytes of the largest list of trusted or revoked keys.
const LIST_MAX: u64 = 1 << 20;

/// Where a system's keyring was found.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Roots {
    /// The keys of ultimate trust.
    Ultimate,
    /// The keys of the `-trusted` lists, which `pacman-key --populate` would sign with the system's own.
    Listed,
}

/// Keys, and how far their owners are trusted to sign others.
#[derive(Clone, Debug)]
pub struct Keyring {
    pub(super) keys: openpgp::Keyring,
    pub(super) owners: BTreeMap<Fingerprint, Owned>,
    pub(super) numbers: Numbers,
    pub(super) roots: Roots,
}

impl Keyring {
    /// The keyring of the system below this root: pacman's own, `etc/pacman.d/gnupg`, if `pacman-key` made
    /// it; else what it would make of the shipped ones (`usr/share/pacman/keyrings` on Arch,
    /// `usr/share/keyrings` on Debian).
    pub fn of_system(root: &Path) -> Result<Self, Error> {
        let populated = root.join("etc/pacman.d/gnupg");
        if populated.join("pubring.gpg").exists() && populated.join("trustdb.gpg").exists() {
            return Self::populated(&populated);
        }
        let shipped = root.join("usr/share/pacman/keyrings");
        if shipped.is_dir() {
            return Self::shipped(&shipped, &[]);
        }
        Self::shipped(&root.join("usr/share/keyrings"), &["archlinux"])
    }

    /// What `pacman-key` keeps in this directory: `pubring.gpg` and `trustdb.gpg`.
    pub fn populated(directory: &Path) -> Result<Self, Error> {
        let keys = openpgp::Keyring::read(&directory.join("pubring.gpg"))?;
        let path = directory.join("trustdb.gpg");
        let bytes = read(&path, trustdb::TRUSTDB_MAX)?;
        let (numbers, owners) =
            trustdb::parse(&bytes).map_err(|reason| Error::TrustDatabase { path, reason })?;
        Ok(Self { keys, owners, numbers, roots: Roots::Ultimate })
    }

    /// What `pacman-key --init; pacman-key --populate` would make of a directory with `NAME.gpg`,
    /// `NAME-trusted` and `NAME-revoked`. No names mean all that are there.
    pub fn shipped(directory: &Path, names: &[&str]) -> Result<Self, Error> {
        let found;
        let names = if names.is_empty() {
            found = shipped_names(directory)?;
            found.iter().map(String::as_str).collect()
        } else {
            names.to_vec()
        };
        let mut keys = openpgp::Keyring::default();
        let mut owners = BTreeMap::new();
        for name in names {
            keys.extend(openpgp::Keyring::read(&directory.join(format!("{name}.gpg")))?);
            for line in lines(&directory.join(format!("{name}-trusted")))? {
                let (key, value) = line.split_once(':').unwrap_or((&line, ""));
                let value = value.trim_end_matches(':').parse().unwrap_or(0);
                let owned = Owned { owner: Owner::of(value), disabled: false };
                owners.insert(Fingerprint::parse(key)?, owned);
            }
            for line in lines(&directory.join(format!("{name}-revoked")))? {
                let disabled = Owned { owner: Owner::Unknown, disabled: true };
                owners.entry(Fingerprint::parse(&line)?).or_insert(disabled).disabled = true;
            }
        }
        Ok(Self { keys, owners, numbers: Numbers::DEFAULT, roots: Roots::Listed })
    }

    /// The keys themselves.
    pub fn keys(&self) -> &openpgp::Keyring {
        &self.keys
    }

    /// Does the web of trust make this primary key fully valid at the policy's moment? None if it is not
    /// here. Disabled keys may be valid, and sign nothing all the same.
    pub fn is_valid(&self, key: &Fingerprint, policy: CryptoPolicy) -> Option<bool> {
        let cert = self.keys.cert(&key.as_str().parse().ok()?)?;
        let standard = policy.standard();
        Some(Web::new(self, policy, &standard).validity(cert) == Validity::Full)
    }

    /// Tells apart keyrings whose verdicts may differ.
    pub fn digest(&self) -> Sha256 {
        let text =
            format!("{} {:?} {:?} {:?}", self.keys.digest(), self.owners, self.numbers, self.roots);
        Sha256::of(text.as_bytes())
    }

    pub(super) fn owned(&self, key: &Fingerprint) -> Owned {
        self.owners.get(key).copied().unwrap_or(Owned { owner: Owner::Unknown, disabled: false })
    }
}

fn shipped_names(directory: &Path) -> Result<Vec<String>, Error> {
    let io = |source| io_error(directory, source);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(io)? {
        let name = entry.map_err(io)?.file_name();
        if let Some(name) = name.to_str().and_then(|it| it.strip_suffix(".gpg")) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Lines that are neither empty nor comments. A file that is not there has none.
fn lines(path: &Path) -> Result<Vec<String>, Error> {
    let bytes = match read(path, LIST_MAX) {
        Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Vec::new(),
        bytes => bytes?,
    };
    let text = String::from_utf8_lossy(&bytes);
    let lines = text.lines().map(str::trim).filter(|it| !it.is_empty() && !it.starts_with('#'));
    Ok(lines.map(str::to_owned).collect())
}

fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    let io = |source| io_error(path, source);
    let mut bytes = Vec::new();
    File::open(path).map_err(io)?.take(limit + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > limit {
        return Err(Error::TooLarge { what: "a list of trusted keys", limit });
    }
    Ok(bytes)
}

fn io_error(path: &Path, source: io::Error) -> Error {
    Error::Io { path: PathBuf::from(path), context: "reading pacman's keyring", source }
}
