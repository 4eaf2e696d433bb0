//! Keys that are trusted for a source.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;

use sequoia_openpgp as pgp;
use sequoia_openpgp::cert::CertParser;
use sequoia_openpgp::parse::Parse;

use super::{Fingerprint, Only};
use crate::Error;
use crate::digest::Sha256;

/// Bytes of the largest keyring. Debian's has 56 KB, Arch's 1.8 MB.
pub const KEYRING_MAX: u64 = 32 << 20;

/// Certificates in the largest keyring. Arch's has some 170.
pub const CERTS_MAX: usize = 10_000;

/// What an armored key begins with.
const ARMOR: &[u8] = b"-----BEGIN PGP PUBLIC KEY BLOCK-----";

/// Certificates that are trusted for something, and which of their keys.
#[derive(Clone, Debug, Default)]
pub struct Keyring {
    certs: BTreeMap<pgp::Fingerprint, pgp::Cert>,
    /// If not empty, only these may sign.
    only: Vec<Only>,
    /// Digests of all that was read, for [`Keyring::digest`].
    sources: BTreeSet<Sha256>,
    /// Files and keys that were passed over, and why.
    ignored: Vec<String>,
}

impl Keyring {
    /// Reads certificates: binary or armored, one after the other. `name` is for messages.
    ///
    /// What can't be read as a certificate is passed over and listed in [`ignored`](Self::ignored);
    /// it is an error if nothing is left.
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self, Error> {
        let wrong =
            |reason: &str| Error::Keyring { name: name.to_owned(), reason: reason.to_owned() };
        if bytes.len() as u64 > KEYRING_MAX {
            return Err(Error::TooLarge { what: "a keyring", limit: KEYRING_MAX });
        }
        if bytes.get(8..12) == Some(b"KBXf") {
            return Err(wrong("it is a keybox of GnuPG, which apt does not read either"));
        }
        let mut keyring = Self::default();
        keyring.sources.insert(Sha256::of(bytes));
        // Binary packets have the highest bit of their first byte set, which no armor has.
        if bytes.first().is_some_and(|it| it & 0x80 != 0) {
            keyring.take(name, bytes)?;
        } else {
            for block in armored_blocks(bytes) {
                keyring.take(name, block)?;
            }
        }
        if keyring.certs.is_empty() {
            let reason = keyring.ignored.first().map_or("it has no key", String::as_str);
            return Err(wrong(reason));
        }
        Ok(keyring)
    }

    /// The key that stands in a `Signed-By` field itself: as the field has it, with a blank before
    /// each line and `.` for empty ones, or without.
    pub fn inline(name: &str, field: &str) -> Result<Self, Error> {
        let mut text = String::with_capacity(field.len());
        for line in field.lines() {
            let line = line.strip_prefix([' ', '\t']).unwrap_or(line);
            text.push_str(if line.trim_end() == "." { "" } else { line });
            text.push('\n');
        }
        Self::from_bytes(name, text.as_bytes())
    }

    /// Reads a file as [`from_bytes`](Self::from_bytes) does.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let io = |source| Error::Io { path: path.to_owned(), context: "reading a keyring", source };
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(io)?;
        file.take(KEYRING_MAX + 1).read_to_end(&mut bytes).map_err(io)?;
        Self::from_bytes(&path.display().to_string(), &bytes)
    }

    /// Reads all `*.gpg` and `*.asc` of a directory, as apt does with `trusted.gpg.d`: what is no keyring
    /// is passed over. A directory that is not there is an empty keyring.
    pub fn read_directory(path: &Path) -> Result<Self, Error> {
        let io = |source| Error::Io { path: path.to_owned(), context: "listing keyrings", source };
        let mut keyring = Self::default();
        let entries = match std::fs::read_dir(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(keyring),
            entries => entries.map_err(io)?,
        };
        let mut files = Vec::new();
        for entry in entries {
            files.push(entry.map_err(io)?.path());
        }
        files.sort();
        let keyrings = files.iter().filter(|it| {
            it.extension().is_some_and(|it| it == "gpg" || it == "asc") && !it.is_dir()
        });
        for file in keyrings {
            match Self::read(file) {
                Ok(read) => keyring.extend(read),
                Err(error @ (Error::Keyring { .. } | Error::TooLarge { .. })) => {
                    keyring.ignored.push(error.to_string());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(keyring)
    }

    /// Adds the keys of another keyring. What both know of a key is put together, so that a revocation
    /// in one of them counts. A restriction of either goes on to hold for all.
    pub fn extend(&mut self, other: Self) {
        for cert in other.certs.into_values() {
            self.insert(cert);
        }
        self.only.extend(other.only);
        self.sources.extend(other.sources);
        self.ignored.extend(other.ignored);
    }

    /// Allows only these keys of it to sign. Nothing changes if there are none.
    #[must_use]
    pub fn only(mut self, keys: impl IntoIterator<Item = Only>) -> Self {
        self.only.extend(keys);
        self
    }

    /// Fingerprints of the primary keys.
    pub fn fingerprints(&self) -> impl Iterator<Item = Fingerprint> + '_ {
        self.certs.keys().cloned().map(Fingerprint::from)
    }

    /// Has it no key?
    pub fn is_empty(&self) -> bool {
        self.certs.is_empty()
    }

    /// Files and keys that were passed over, and why.
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }

    /// Tells apart keyrings whose verdicts may differ.
    pub fn digest(&self) -> Sha256 {
        let sources: Vec<_> = self.sources.iter().map(|it| format!("source {it}\n")).collect();
        let mut text = sources.concat();
        let mut only: Vec<_> =
            self.only.iter().map(|it| format!("only {} {}\n", it.fingerprint, it.exact)).collect();
        only.sort();
        text.push_str(&only.concat());
        Sha256::of(text.as_bytes())
    }

    /// May this key of this certificate sign?
    pub(crate) fn allows(&self, primary: &Fingerprint, key: &Fingerprint) -> bool {
        self.only.is_empty() || self.only.iter().any(|it| it.allows(primary, key))
    }

    pub(crate) fn cert(&self, fingerprint: &pgp::Fingerprint) -> Option<&pgp::Cert> {
        self.certs.get(fingerprint)
    }

    /// The certificates that have one of these keys.
    pub(crate) fn having(&self, keys: &[pgp::KeyHandle]) -> Vec<pgp::Cert> {
        let wanted = |cert: &&pgp::Cert| cert.keys().key_handles(keys.to_vec()).next().is_some();
        self.certs.values().filter(wanted).cloned().collect()
    }

    fn take(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let broken = |error: &dyn std::fmt::Display| Error::Keyring {
            name: name.to_owned(),
            reason: error.to_string(),
        };
        let parser = CertParser::from_bytes(bytes).map_err(|error| broken(&error))?;
        for cert in parser {
            if self.certs.len() + self.ignored.len() >= CERTS_MAX {
                return Err(broken(&format_args!("it has more than {CERTS_MAX} keys")));
            }
            match cert {
                Ok(cert) => self.insert(cert.strip_secret_key_material()),
                Err(error) => self.ignored.push(format!("{name}: {error}")),
            }
        }
        Ok(())
    }

    fn insert(&mut self, cert: pgp::Cert) {
        let fingerprint = cert.fingerprint();
        let merged = match self.certs.remove(&fingerprint) {
            // Merging fails only for different fingerprints.
            Some(known) => known.clone().merge_public(cert).unwrap_or(known),
            None => cert,
        };
        self.certs.insert(fingerprint, merged);
    }
}

/// The armored keys of a text, each from its first line on.
fn armored_blocks(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let starts: Vec<usize> = memchr::memmem::find_iter(text, ARMOR).collect();
    let ends: Vec<usize> = starts.iter().skip(1).copied().chain([text.len()]).collect();
    starts.into_iter().zip(ends).filter_map(|(start, end)| text.get(start..end))
}
