//! `.SRCINFO`: what a recipe says of itself, without running it.
//!
//! Format: <https://wiki.archlinux.org/title/.SRCINFO>, written by makepkg's `srcinfo.sh`. One
//! `pkgbase` section, then a `pkgname` section for each package; a package's own field takes the
//! place of the base's, also with an empty value.
//!
//! ```
//! use omg_aur::srcinfo::{Field, Srcinfo};
//!
//! let text = "pkgbase = a\n\tpkgver = 1\n\tpkgrel = 2\n\tarch = any\n\tdepends = b\n\n\
//!             pkgname = a\n\npkgname = a-doc\n\tdepends =\n";
//! let srcinfo = Srcinfo::parse("a/.SRCINFO", text.as_bytes())?;
//! assert_eq!(srcinfo.version(), "1-2");
//! assert_eq!(srcinfo.values(Some("a"), Field::Depends, "x86_64"), ["b"]);
//! assert!(srcinfo.values(Some("a-doc"), Field::Depends, "x86_64").is_empty());
//! # Ok::<(), omg_aur::Error>(())
//! ```

mod field;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::error::Error;
use crate::name::is_name;

pub use field::Field;

/// Bytes of a file. The largest of the AUR have about 200,000.
pub const MOST_BYTES: usize = 1 << 20;
/// Lines of a file.
pub const MOST_LINES: usize = 30_000;
/// Packages of one base.
pub const MOST_PACKAGES: usize = 1_000;
/// Keys that are told as unknown.
const MOST_WARNINGS: usize = 16;

type Values = BTreeMap<(Field, Option<Box<str>>), Vec<Box<str>>>;

/// A parsed `.SRCINFO`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Srcinfo {
    base: Box<str>,
    common: Values,
    packages: Vec<(Box<str>, Values)>,
    warnings: Vec<String>,
}

impl Srcinfo {
    /// Parses a file; `what` names it in errors. Unknown keys are kept as warnings.
    ///
    /// # Errors
    /// [`Error::TooLarge`], and [`Error::Malformed`] with the line for what makepkg would not write.
    pub fn parse(what: &str, bytes: &[u8]) -> Result<Self, Error> {
        let too_large =
            |limit: usize, unit| Error::TooLarge { what: what.into(), limit: limit as u64, unit };
        if bytes.len() > MOST_BYTES {
            return Err(too_large(MOST_BYTES, "bytes"));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = memchr::memchr_iter(b'\n', before).count() + 1;
            malformed(what, line, "this is not UTF-8")
        })?;
        let mut parser = Parser { what, base: None, packages: Vec::new(), warnings: Vec::new() };
        let mut last = 0;
        for (line, text) in (1..).zip(text.lines()) {
            if line > MOST_LINES {
                return Err(too_large(MOST_LINES, "lines"));
            }
            parser.line(line, text.trim())?;
            last = line;
        }
        parser.finish(last)
    }

    /// Name of the base.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Names of the packages, in the order of the file.
    pub fn packages(&self) -> impl Iterator<Item = &str> {
        self.packages.iter().map(|(name, _)| &**name)
    }

    /// `epoch:pkgver-pkgrel`, without an epoch of 0 or none.
    pub fn version(&self) -> String {
        let epoch = self.single(None, Field::Epoch).filter(|epoch| *epoch != "0");
        let part = |field| self.single(None, field).unwrap_or("");
        let (version, release) = (part(Field::Version), part(Field::Release));
        match epoch {
            Some(epoch) => format!("{epoch}:{version}-{release}"),
            None => format!("{version}-{release}"),
        }
    }

    /// The value of a field that has one: of a package, else of the base.
    pub fn single(&self, package: Option<&str>, field: Field) -> Option<&str> {
        let values = self.raw(package, field, None)?;
        values.last().map(|value| &**value)
    }

    /// The values of a field on one architecture: those for all, then its own.
    pub fn values(&self, package: Option<&str>, field: Field, architecture: &str) -> Vec<&str> {
        let for_all = self.raw(package, field, None).into_iter().flatten();
        let own = self.raw(package, field, Some(architecture)).into_iter().flatten();
        for_all.chain(own).map(|value| &**value).collect()
    }

    /// Every value of a field with its architecture, of the base and of all packages; what a review
    /// looks at.
    pub fn every(&self, field: Field) -> impl Iterator<Item = (Option<&str>, &str)> {
        let sections =
            std::iter::once(&self.common).chain(self.packages.iter().map(|(_, own)| own));
        sections
            .flat_map(|section| section.iter())
            .filter(move |((of, _), _)| *of == field)
            .flat_map(|((_, architecture), values)| {
                values.iter().map(|value| (architecture.as_deref(), &**value))
            })
    }

    /// Keys that no makepkg writes, with file and line; at most 16.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The base's own list for all architectures, or for one; lists of checksums go with that of sources
    /// of the same architecture.
    pub fn list(&self, field: Field, architecture: Option<&str>) -> &[Box<str>] {
        self.raw(None, field, architecture).unwrap_or_default()
    }

    fn raw(
        &self,
        package: Option<&str>,
        field: Field,
        architecture: Option<&str>,
    ) -> Option<&[Box<str>]> {
        let key = (field, architecture.map(Box::from));
        let own = package
            .and_then(|package| self.packages.iter().find(|(name, _)| **name == *package))
            .and_then(|(_, own)| own.get(&key));
        own.or_else(|| self.common.get(&key)).map(Vec::as_slice)
    }
}

struct Parser<'a> {
    what: &'a str,
    base: Option<(Box<str>, Section)>,
    packages: Vec<(Box<str>, Section)>,
    warnings: Vec<String>,
}

#[derive(Default)]
struct Section {
    values: Values,
    /// Architectures that keys name, each with its first line.
    named: Vec<(Box<str>, usize)>,
}

// === impl Parser ===

impl Parser<'_> {
    fn line(&mut self, at: usize, line: &str) -> Result<(), Error> {
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        let Some((key, value)) = line.split_once('=') else {
            return Err(malformed(self.what, at, "expected 'key = value'"));
        };
        let (key, value) = (key.trim(), value.trim());
        if key.is_empty() {
            return Err(malformed(self.what, at, "there is no key before '='"));
        }
        if value.chars().any(|c| c.is_control() && c != '\t') {
            return Err(malformed(self.what, at, "the value has control characters in it"));
        }
        match key {
            "pkgbase" => self.begin_base(at, value),
            "pkgname" => self.begin_package(at, value),
            _ => self.value(at, key, value),
        }
    }

    fn begin_base(&mut self, at: usize, name: &str) -> Result<(), Error> {
        if self.base.is_some() {
            return Err(malformed(self.what, at, "a second 'pkgbase'"));
        }
        self.check_name(at, name)?;
        self.base = Some((name.into(), Section::default()));
        Ok(())
    }

    fn begin_package(&mut self, at: usize, name: &str) -> Result<(), Error> {
        if self.base.is_none() {
            return Err(malformed(self.what, at, "'pkgname' before 'pkgbase'"));
        }
        self.check_name(at, name)?;
        if self.packages.len() >= MOST_PACKAGES {
            return Err(Error::TooLarge {
                what: self.what.into(),
                limit: MOST_PACKAGES as u64,
                unit: "packages",
            });
        }
        if self.packages.iter().any(|(known, _)| **known == *name) {
            return Err(malformed(self.what, at, &format!("a second package '{name}'")));
        }
        self.packages.push((name.into(), Section::default()));
        Ok(())
    }

    fn check_name(&self, at: usize, name: &str) -> Result<(), Error> {
        if is_name(name) {
            return Ok(());
        }
        let reason = format!("'{}' can't be the name of a package", omg_core::escape(name));
        Err(malformed(self.what, at, &reason))
    }

    fn value(&mut self, at: usize, key: &str, value: &str) -> Result<(), Error> {
        let of_package = !self.packages.is_empty();
        let current = self.packages.last_mut().or(self.base.as_mut());
        let Some((_, section)) = current else {
            return Err(malformed(self.what, at, &format!("'{key}' before 'pkgbase'")));
        };
        let known = Field::of_key(key).filter(|(field, _)| !of_package || field.is_overridable());
        let Some((field, architecture)) = known else {
            if self.warnings.len() < MOST_WARNINGS {
                let key = omg_core::escape(key);
                self.warnings.push(format!("{}:{at}: unknown key '{key}'", self.what));
            }
            return Ok(());
        };
        if let Some(name) = architecture.filter(|name| !section.names(name)) {
            section.named.push((name.into(), at));
        }
        let values = section.values.entry((field, architecture.map(Box::from))).or_default();
        if value.is_empty() {
            values.clear();
        } else if field.is_list() || values.is_empty() {
            values.push(value.into());
        } else {
            return Err(malformed(self.what, at, &format!("a second '{key}'")));
        }
        Ok(())
    }

    fn finish(self, last: usize) -> Result<Srcinfo, Error> {
        let missing = |what: &str| malformed(self.what, last, &format!("there is no '{what}'"));
        let Some((base, common)) = self.base else { return Err(missing("pkgbase")) };
        for field in [Field::Version, Field::Release, Field::Architecture] {
            let values = common.values.get(&(field, None));
            if values.is_none_or(Vec::is_empty) {
                return Err(missing(field.as_str()));
            }
        }
        if self.packages.is_empty() {
            return Err(missing("pkgname"));
        }
        let known = architectures(&common);
        for (_, section) in &self.packages {
            check_architectures(self.what, section, &[known, architectures(section)])?;
        }
        check_architectures(self.what, &common, &[known])?;
        let packages = self.packages.into_iter().map(|(name, own)| (name, own.values)).collect();
        Ok(Srcinfo { base, common: common.values, packages, warnings: self.warnings })
    }
}

impl Section {
    fn names(&self, architecture: &str) -> bool {
        self.named.iter().any(|(named, _)| **named == *architecture)
    }
}

fn architectures(section: &Section) -> &[Box<str>] {
    section.values.get(&(Field::Architecture, None)).map_or(&[], Vec::as_slice)
}

fn check_architectures(what: &str, section: &Section, known: &[&[Box<str>]]) -> Result<(), Error> {
    let unknown = |name: &str| !known.iter().any(|list| list.iter().any(|known| **known == *name));
    match section.named.iter().find(|(name, _)| unknown(name)) {
        Some((name, at)) => {
            let reason =
                format!("a key for '{}', which 'arch' does not name", omg_core::escape(name));
            Err(malformed(what, *at, &reason))
        }
        None => Ok(()),
    }
}

fn malformed(what: &str, line: usize, reason: &str) -> Error {
    Error::Malformed {
        what: what.into(),
        line: u32::try_from(line).unwrap_or(u32::MAX),
        reason: reason.into(),
    }
}
