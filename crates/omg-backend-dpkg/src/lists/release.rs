//! A Release file whose signature was checked: dates, names, and the digests of all lists.

use std::collections::HashMap;
use std::path::Path;

use omg_fetch::Sha256;

use crate::apt::stanza;
use crate::error::Error;
use omg_backend::date;

/// Most files that a Release file may name; Debian's sid has 60,000 lines.
const MOST_FILES: usize = 500_000;

/// Largest list that is believed to exist, bytes: an absurd size is a mistake or an attack.
const LARGEST_LIST: u64 = 1 << 40;

/// What is said of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Bytes.
    pub(crate) size: u64,
    /// Its digest.
    pub(crate) sha256: Sha256,
}

/// The fields that matter.
#[derive(Debug, Default, Clone)]
pub(crate) struct Release {
    pub(crate) origin: String,
    pub(crate) label: String,
    pub(crate) version: String,
    pub(crate) suite: String,
    pub(crate) codename: String,
    /// `NotAutomatic` and `ButAutomaticUpgrades`, which decide the default pin.
    pub(crate) pin: (bool, bool),
    /// Seconds since the epoch.
    pub(crate) date: Option<u64>,
    /// Likewise.
    pub(crate) valid_until: Option<u64>,
    /// Can lists be had by their digests?
    pub(crate) by_hash: bool,
    /// Fingerprints that the next version must be signed by.
    pub(crate) signed_by: String,
    architectures: Vec<String>,
    /// Kinds of lists that have no separate one for `all`.
    no_all: Vec<String>,
    files: HashMap<String, Entry>,
}

impl Release {
    /// Reads what a verifier gave out. `path` is for messages.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, Error> {
        let wrong = |reason: String| Error::Malformed { path: path.to_path_buf(), line: 0, reason };
        let stanzas = stanza::parse(text);
        let [fields] = stanzas.as_slice() else {
            return Err(wrong(format!("{} records instead of one", stanzas.len())));
        };
        let get = |name: &str| fields.get(name).unwrap_or("").to_owned();
        let flag = |name: &str| crate::apt::parse_bool(&get(name)) == Some(true);
        let time = |name: &str| match fields.get(name) {
            None => Ok(None),
            Some(text) => date::parse(text)
                .map(Some)
                .ok_or_else(|| wrong(format!("{name} is no time: '{}'", omg_core::escape(text)))),
        };
        let words = |name: &str| -> Vec<String> {
            get(name).split_ascii_whitespace().map(str::to_owned).collect()
        };
        Ok(Self {
            origin: get("Origin"),
            label: get("Label"),
            version: get("Version"),
            suite: get("Suite"),
            codename: get("Codename"),
            pin: (flag("NotAutomatic"), flag("ButAutomaticUpgrades")),
            date: time("Date")?,
            valid_until: time("Valid-Until")?,
            by_hash: flag("Acquire-By-Hash"),
            signed_by: get("Signed-By"),
            architectures: words("Architectures"),
            no_all: words("No-Support-for-Architecture-all"),
            files: files(fields.get("SHA256").unwrap_or("")).map_err(wrong)?,
        })
    }

    /// What is said of a file.
    pub(crate) fn file(&self, key: &str) -> Option<Entry> {
        self.files.get(key.strip_prefix("./").unwrap_or(key)).copied()
    }

    /// Has it lists of this kind for this architecture, as apt decides?
    pub(crate) fn has(&self, target: &str, architecture: &str) -> bool {
        let listed = self.architectures.is_empty()
            || self.architectures.iter().any(|name| name == architecture);
        if architecture == "all" {
            return listed && !self.no_all.iter().any(|name| name == target);
        }
        listed
    }
}

/// The lines `DIGEST SIZE PATH`. Anything odd refuses all of them.
fn files(text: &str) -> Result<HashMap<String, Entry>, String> {
    let mut files = HashMap::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let shown = || omg_core::escape(line.get(..200).unwrap_or("")).to_string();
        let mut words = line.split_ascii_whitespace();
        let (Some(sha256), Some(size), Some(path), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(format!("not a digest, a size and a path: '{}'", shown()));
        };
        let sha256 = sha256.parse().map_err(|()| format!("no SHA-256: '{}'", shown()))?;
        let size = size_of(size).ok_or_else(|| format!("no size: '{}'", shown()))?;
        let path = path.strip_prefix("./").unwrap_or(path);
        let entry = Entry { size, sha256 };
        if files.insert(path.to_owned(), entry).is_some_and(|known| known != entry) {
            return Err(format!("two digests of '{}'", omg_core::escape(path)));
        }
        if files.len() > MOST_FILES {
            return Err(format!("more than {MOST_FILES} files"));
        }
    }
    Ok(files)
}

/// Digits, and no more bytes than can be meant: no sign, no overflow.
fn size_of(text: &str) -> Option<u64> {
    if omg_failpoint::weak!("27") {
        // As apt before CVE-2020-27350: what does not fit wraps around.
        let signed = text.parse::<i128>().ok()?;
        return Some(signed as u64);
    }
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|size| digits && *size <= LARGEST_LIST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HASH: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn parse(text: &str) -> Result<Release, Error> {
        Release::parse(Path::new("Release"), text)
    }

    #[test]
    fn fields_and_digests_are_read() {
        let release = parse(&format!(
            "Origin: Debian\nDate: Sat, 10 Feb 2024 11:07:25 UTC\nAcquire-By-Hash: yes\nArchitectures: all amd64\nNo-Support-for-Architecture-all: Packages\nMD5Sum:\n x 1 a\nSHA256:\n {HASH} 12 main/binary-amd64/Packages\n {HASH} 7 ./Packages\n"
        ))
        .unwrap();
        assert_eq!((release.date, release.by_hash), (Some(1_707_563_245), true));
        assert_eq!(release.file("main/binary-amd64/Packages").unwrap().size, 12);
        assert_eq!(release.file("Packages").unwrap().size, 7);
        assert!(release.has("Packages", "amd64") && !release.has("Packages", "i386"));
        assert!(!release.has("Packages", "all") && release.has("Contents-deb", "all"));
    }

    #[test]
    fn odd_lines_refuse_all() {
        for line in [
            format!("{HASH} -1 x"),
            format!("{HASH} +1 x"),
            format!("{HASH} 9223372036854775808 x"),
            format!("{HASH} 99999999999999999999999 x"),
            format!("{HASH} 0x10 x"),
            format!("{HASH} 1"),
            format!("{HASH} 1 x y"),
            "abc 1 x".to_owned(),
            format!("{HASH} 1 x\n {HASH} 2 x"),
        ] {
            assert!(parse(&format!("Date: x\nSHA256:\n {line}\n")).is_err(), "{line}");
            let text = format!("Origin: x\nSHA256:\n {line}\n");
            assert!(parse(&text).is_err(), "{line}");
        }
        assert!(parse("Origin: a\n\nOrigin: b\n").is_err());
        assert!(parse("").is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in r"((Date|SHA256|Valid-Until|Architectures): ?|\n| |[0-9a-f]{64}|-?[0-9]{1,30}|\PC){0,40}") {
            let _ = parse(&text);
        }
    }
}
