//! Addresses in the archives of Arch and Debian, and what Debian's index says.
//!
//! Arch: <https://wiki.archlinux.org/title/Arch_Linux_Archive>, `/packages`. Debian: "machine-usable
//! interface" of snapshot.debian.org, the file `API` of its source.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde::Deserialize;

/// Longest name, version or architecture, bytes. A file's name has all three.
const PART: usize = 200;

/// Files of one version and architecture that are tried; builds of ports may differ.
const FILES: usize = 8;

/// Compressions of Arch packages, as the archive has them: the newer one first.
const PACKED: [&str; 2] = ["zst", "xz"];

/// Can it be part of a file's name?
pub(super) fn is_part(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= PART
        && !text.starts_with('.')
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"/\\".contains(&byte))
}

/// Names of an Arch package's file, and where each is.
pub(super) fn arch(
    base: &str,
    name: &str,
    version: &str,
    architecture: &str,
) -> [(String, String); 2] {
    let letter = name.get(..1).unwrap_or_default();
    PACKED.map(|packed| {
        let file = format!("{name}-{version}-{architecture}.pkg.tar.{packed}");
        let (letter, name, part) = (escaped(letter), escaped(name), escaped(&file));
        (file, format!("{base}/{letter}/{name}/{part}"))
    })
}

/// Name of a Debian package's file, as apt has it in its cache.
pub(super) fn deb(name: &str, version: &str, architecture: &str) -> String {
    format!("{name}_{}_{architecture}.deb", version.replace(':', "%3a"))
}

/// Where Debian's archive says which files a version has.
pub(super) fn index(base: &str, name: &str, version: &str) -> String {
    format!("{base}/mr/binary/{}/{}/binfiles?fileinfo=1", escaped(name), escaped(version))
}

/// Where Debian's archive has a file.
pub(super) fn file(base: &str, sha1: &str) -> String {
    format!("{base}/file/{sha1}")
}

/// What [`index`] answers; whatever else is in it is passed over.
#[derive(Deserialize)]
struct Index {
    result: Vec<Entry>,
    #[serde(default)]
    fileinfo: HashMap<String, Vec<Info>>,
}

#[derive(Deserialize)]
struct Entry {
    /// SHA-1, hexadecimal.
    hash: String,
    #[serde(default)]
    architecture: String,
}

#[derive(Deserialize)]
struct Info {
    #[serde(default)]
    name: String,
}

/// SHA-1 of the files that an index names for an architecture, hexadecimal: by these they are found,
/// and by nothing that is said here are they known.
pub(super) fn hashes(index: &[u8], architecture: &str) -> Result<Vec<String>, serde_json::Error> {
    let index: Index = serde_json::from_slice(index)?;
    let fits = |entry: &&Entry| {
        let is = |of: &str| of == architecture || of == "all";
        let named = || {
            let infos = index.fileinfo.get(&entry.hash).into_iter().flatten();
            let mut names = infos.filter_map(|info| info.name.strip_suffix(".deb"));
            names.any(|name| name.rsplit_once('_').is_some_and(|(_, of)| is(of)))
        };
        if entry.architecture.is_empty() { named() } else { is(&entry.architecture) }
    };
    let is_sha1 = |hash: &String| hash.len() == 40 && hash.bytes().all(|it| it.is_ascii_hexdigit());
    let mut hashes: Vec<String> = Vec::new();
    for entry in index.result.iter().filter(fits) {
        let hash = entry.hash.to_ascii_lowercase();
        if is_sha1(&hash) && !hashes.contains(&hash) && hashes.len() < FILES {
            hashes.push(hash);
        }
    }
    Ok(hashes)
}

/// A part of a path, with everything escaped that RFC 3986 does not call unreserved.
fn escaped(part: &str) -> String {
    let mut text = String::with_capacity(part.len());
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing into a String does not fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn files_of_arch_are_where_the_archive_has_them() {
        let base = "https://archive.archlinux.org/packages";
        let [zst, xz] = arch(base, "coreutils", "9.11-2", "x86_64");
        assert_eq!(zst.0, "coreutils-9.11-2-x86_64.pkg.tar.zst");
        assert_eq!(zst.1, format!("{base}/c/coreutils/coreutils-9.11-2-x86_64.pkg.tar.zst"));
        assert_eq!(xz.1, format!("{base}/c/coreutils/coreutils-9.11-2-x86_64.pkg.tar.xz"));
        let [zst, _] = arch(base, "libstdc++", "1:2+r3-1", "any");
        let expected = "l/libstdc%2B%2B/libstdc%2B%2B-1%3A2%2Br3-1-any.pkg.tar.zst";
        assert_eq!(zst.1, format!("{base}/{expected}"));
    }

    #[test]
    fn files_of_debian_are_asked_for_by_name_and_version() {
        let base = "https://snapshot.debian.org";
        assert_eq!(
            index(base, "g++", "4:13.2.0-1~x"),
            format!("{base}/mr/binary/g%2B%2B/4%3A13.2.0-1~x/binfiles?fileinfo=1")
        );
        assert_eq!(deb("g++", "4:13.2.0-1", "amd64"), "g++_4%3a13.2.0-1_amd64.deb");
    }

    #[test]
    fn only_what_can_be_a_name_becomes_part_of_an_address() {
        assert!(is_part("g++") && is_part("1:2.0~rc1-3+b1"));
        for wrong in ["", ".", "..", "a/b", "a b", "a\\b", "a\n", "ä", &"a".repeat(201)] {
            assert!(!is_part(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn an_index_tells_files_by_architecture() {
        let (a, b, c) = ("a".repeat(40), "B".repeat(40), "c".repeat(40));
        let text = format!(
            r#"{{"_comment": "x", "binary": "p", "binary_version": "1", "result": [
              {{"hash": "{a}", "architecture": "arm64"}}, {{"hash": "{b}", "architecture": "amd64"}},
              {{"hash": "{c}"}}, {{"hash": "../../etc", "architecture": "amd64"}}],
              "fileinfo": {{"{c}": [{{"name": "p_1_all.deb", "size": 7, "archive_name": "debian"}}]}}}}"#
        );
        let found = hashes(text.as_bytes(), "amd64").unwrap();
        assert_eq!(found, ["b".repeat(40), c]);
        assert_eq!(hashes(text.as_bytes(), "arm64").unwrap()[0], a);
        let many: Vec<String> = (0..99)
            .map(|n| format!(r#"{{"hash": "{n:040x}", "architecture": "amd64"}}"#))
            .collect();
        let text = format!(r#"{{"result": [{}]}}"#, many.join(","));
        assert_eq!(hashes(text.as_bytes(), "amd64").unwrap().len(), FILES);
        for wrong in ["", "[]", "{}", r#"{"result": {}}"#, r#"{"result": [1]}"#, "<html>"] {
            assert!(hashes(wrong.as_bytes(), "amd64").is_err(), "{wrong}");
        }
        assert!(hashes("[".repeat(100_000).as_bytes(), "amd64").is_err(), "it goes too deep");
    }

    proptest! {
        #[test]
        fn no_index_makes_it_panic(bytes: Vec<u8>, json in "[\\[\\]{}\":,a-f0-9 resulthash]{0,80}") {
            for text in [&bytes[..], json.as_bytes()] {
                for hash in hashes(text, "amd64").unwrap_or_default() {
                    prop_assert!(hash.len() == 40);
                }
            }
        }

        #[test]
        fn nothing_leaves_its_part_of_the_path(part in "\\PC{1,30}") {
            let text = escaped(&part);
            prop_assert!(!text.contains(['/', '?', '#', ':', '@']), "{}", text);
        }
    }
}
