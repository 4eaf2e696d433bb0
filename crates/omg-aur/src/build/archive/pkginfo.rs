//! `.PKGINFO`: what a package says of itself.
//!
//! Format: `key = value`, one a line, as makepkg's `write_pkginfo` writes it and libalpm's
//! `be_package.c` reads it.

use omg_core::escape;

use super::error::ArchiveError;

/// The part of it that says which package it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PkgInfo {
    /// `pkgname`
    pub name: String,
    /// `pkgbase`
    pub base: String,
    /// `pkgver`: with epoch and release.
    pub version: String,
    /// `arch`
    pub architecture: String,
}

/// Lines that are read, at most.
const MAX_LINES: usize = 20_000;

impl PkgInfo {
    /// Reads the file.
    ///
    /// # Errors
    /// If it is not in the format, or a name is missing or there twice.
    pub fn parse(bytes: &[u8]) -> Result<Self, ArchiveError> {
        let wrong = |reason: String| ArchiveError::Info { reason };
        let text = std::str::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8".to_owned()))?;
        let mut values = [const { None::<&str> }; 4];
        for (number, line) in (1..).zip(text.lines()) {
            if number > MAX_LINES {
                return Err(wrong(format!("it has more than {MAX_LINES} lines")));
            }
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let Some((key, value)) = line.split_once(" = ") else {
                // An empty value is written without its last space by some editors and by makepkg never.
                return Err(wrong(format!("line {number} is not 'key = value'")));
            };
            let slot = match key {
                "pkgname" => 0,
                "pkgbase" => 1,
                "pkgver" => 2,
                "arch" => 3,
                _ => continue,
            };
            if values.get_mut(slot).and_then(|it| it.replace(value)).is_some() {
                return Err(wrong(format!("'{key}' is there twice")));
            }
        }
        let [name, base, version, architecture] = values;
        let said = |value: Option<&str>, key: &str| match value {
            Some(value) if plain(value) => Ok(value.to_owned()),
            Some(value) => {
                let shown: String = value.chars().take(80).collect();
                Err(wrong(format!("'{}' can't be {key}", escape(&shown))))
            }
            None => Err(wrong(format!("'{key}' is missing"))),
        };
        Ok(Self {
            name: said(name, "pkgname")?,
            // Packages of old makepkgs have none.
            base: said(base.or(name), "pkgbase")?,
            version: said(version, "pkgver")?,
            architecture: said(architecture, "arch")?,
        })
    }
}

/// Can it stand in a file name and on a command line?
fn plain(value: &str) -> bool {
    let fits = (1..=240).contains(&value.len()) && !value.starts_with(['-', '.']);
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"@._+-:~".contains(&byte);
    fits && value.bytes().all(allowed)
}
