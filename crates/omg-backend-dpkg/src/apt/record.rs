//! One record of a list of packages: the fields that the catalogue needs, found in one pass.

use omg_core::Priority;

use crate::deb822::Block;

/// Fields of a record; empty or zero where it has none. Borrowed from the list's text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record<'a> {
    pub(crate) text: &'a str,
    pub(crate) name: &'a str,
    pub(crate) version: &'a str,
    pub(crate) architecture: &'a str,
    /// Source package with its version, if they differ.
    pub(crate) source: &'a str,
    pub(crate) section: &'a str,
    /// Whole field, long description included.
    pub(crate) description: &'a str,
    pub(crate) description_md5: &'a str,
    pub(crate) provides: &'a str,
    /// Pre-Depends, Depends, Recommends, Suggests, Enhances.
    pub(crate) relations: [&'a str; 5],
    /// Bytes to download.
    pub(crate) size: u64,
    /// Bytes on disk.
    pub(crate) installed_size: u64,
    pub(crate) priority: Priority,
    pub(crate) task: bool,
    pub(crate) essential: bool,
    /// `Phased-Update-Percentage`; 100 where there is none.
    pub(crate) phased: u8,
    /// Number of the list.
    pub(crate) list: u16,
}

impl<'a> Record<'a> {
    /// Reads a record of list number `list`; else the byte offset in the block of what is wrong,
    /// and what it is.
    pub(crate) fn parse(block: Block<'a>, list: u16) -> Result<Self, (usize, &'static str)> {
        let mut record = Self {
            text: block.text,
            name: "",
            version: "",
            architecture: "",
            source: "",
            section: "",
            description: "",
            description_md5: "",
            provides: "",
            relations: [""; 5],
            size: 0,
            installed_size: 0,
            priority: Priority::Optional,
            task: false,
            essential: false,
            phased: 100,
            list,
        };
        let mut fields = block.fields();
        for field in fields.by_ref() {
            record.take(field.name, field.value);
        }
        if let Some(malformed) = fields.malformed() {
            return Err(malformed);
        }
        record.fall_back(block);
        // They are short: a search with wide registers would take longer to begin.
        let single_line =
            |value: &str| !value.is_empty() && value.bytes().all(|byte| byte != b'\n');
        if !single_line(record.name) {
            return Err((0, "a record without Package"));
        }
        if !single_line(record.version) {
            return Err((0, "a record without Version"));
        }
        if !single_line(record.architecture) {
            return Err((0, "a record without Architecture"));
        }
        Ok(record)
    }

    #[inline]
    fn take(&mut self, field: &str, value: &'a str) {
        // By first letter, since comparing a name with every known one took a tenth of the whole.
        match field.as_bytes().first() {
            Some(b'P') => match field {
                "Package" => self.name = value,
                "Priority" => self.priority = priority(value),
                "Provides" => self.provides = value,
                "Pre-Depends" => self.relations[0] = value,
                "Phased-Update-Percentage" => self.phased = value.parse().unwrap_or(100),
                _ => {}
            },
            Some(b'D') => match field {
                "Depends" => self.relations[1] = value,
                "Description" => self.description = value,
                "Description-md5" => self.description_md5 = value,
                "Description-en" if self.description.is_empty() => self.description = value,
                _ => {}
            },
            Some(b'S') => match field {
                "Size" => self.size = value.parse().unwrap_or(0),
                "Section" => self.section = value,
                "Source" => self.source = value,
                "Suggests" => self.relations[3] = value,
                _ => {}
            },
            _ => match field {
                "Version" => self.version = value,
                "Architecture" => self.architecture = value,
                "Installed-Size" => {
                    self.installed_size = value.parse::<u64>().unwrap_or(0).saturating_mul(1024);
                }
                "Recommends" => self.relations[2] = value,
                "Enhances" => self.relations[4] = value,
                "Task" => self.task = true,
                "Essential" => self.essential = value == "yes",
                _ => {}
            },
        }
    }

    /// Field names don't depend on case, but archives all write them alike; so other spellings
    /// are looked for only where a needed field was not found.
    fn fall_back(&mut self, block: Block<'a>) {
        if self.name.is_empty() || self.version.is_empty() || self.architecture.is_empty() {
            self.name = block.get("Package").unwrap_or("");
            self.version = block.get("Version").unwrap_or("");
            self.architecture = block.get("Architecture").unwrap_or("");
        }
    }

    /// Name of the source package.
    pub(crate) fn source_name(&self) -> &'a str {
        let name = self.source.split([' ', '(']).next().unwrap_or("");
        if name.is_empty() { self.name } else { name }
    }

    /// Version of the source package.
    pub(crate) fn source_version(&self) -> &'a str {
        let inner = self.source.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
        inner.map_or(self.version, |(version, _)| version.trim())
    }

    /// Do two records of one version stand for the same package, as apt sees it? Sizes must not
    /// differ, nor Multi-Arch, nor a digest of the fields that matter to dpkg.
    pub(crate) fn is_same_build(&self, other: &Self) -> bool {
        let (one, two) = (self.block(), other.block());
        (self.size == 0 || other.size == 0 || self.size == other.size)
            && one.get("Multi-Arch").unwrap_or("no") == two.get("Multi-Arch").unwrap_or("no")
            && version_hash(one) == version_hash(two)
    }

    fn block(&self) -> Block<'a> {
        Block { text: self.text, offset: 0 }
    }
}

/// apt's `VersionHash`: spaces and `=` don't count, as dpkg rewrites them, nor do `0:` epochs.
fn version_hash(block: Block<'_>) -> u64 {
    const FIELDS: [&str; 6] =
        ["Installed-Size", "Depends", "Pre-Depends", "Conflicts", "Breaks", "Replaces"];
    let mut hash = 5381_u64;
    for value in FIELDS.into_iter().filter_map(|field| block.get(field)) {
        let mut bytes = value.bytes().peekable();
        while let Some(byte) = bytes.next() {
            if byte == b'0' && bytes.peek() == Some(&b':') {
                bytes.next();
            } else if !byte.is_ascii_whitespace() && byte != b'=' {
                hash = hash.wrapping_mul(33).wrapping_add(u64::from(byte.to_ascii_lowercase()));
            }
        }
    }
    hash & 0xffff_ffff
}

fn priority(value: &str) -> Priority {
    match value {
        "required" => Priority::Required,
        "important" => Priority::Important,
        "standard" => Priority::Standard,
        "extra" => Priority::Extra,
        _ => Priority::Optional,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deb822;
    use proptest::prelude::*;

    fn first(text: &str) -> Result<Record<'_>, (usize, &'static str)> {
        Record::parse(deb822::scan(text).next().unwrap(), 0)
    }

    #[test]
    fn fields_are_found_whatever_their_case() {
        let record = first("package: a\nVERSION: 1\narchitecture: all\nSource: b (2)\nInstalled-Size: 3\nSize: x\n").unwrap();
        assert_eq!((record.name, record.version, record.architecture), ("a", "1", "all"));
        assert_eq!((record.source_name(), record.source_version()), ("b", "2"));
        assert_eq!((record.installed_size, record.size), (3 * 1024, 0));
    }

    #[test]
    fn builds_differ_by_what_dpkg_cares_for() {
        let start = "Package: a\nVersion: 1\nArchitecture: all\n";
        let same = |one: &str, two: &str| {
            let (one, two) = (format!("{start}{one}\n"), format!("{start}{two}\n"));
            first(&one).unwrap().is_same_build(&first(&two).unwrap())
        };
        assert!(same("Depends: a (>= 1), b", "Depends: a(>=0:1) ,B"));
        assert!(same("Size: 1", "Section: x"));
        assert!(same("Suggests: a", "Suggests: b"));
        assert!(!same("Size: 1", "Size: 2"));
        assert!(!same("Depends: a", "Depends: b"));
        assert!(!same("Multi-Arch: same", "Multi-Arch: foreign"));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in r"((Package|Version|Architecture|Source|Size|Installed-Size|Description|Depends):? ?|[a-c(),|0-9]|\n| |\r|\PC){0,40}") {
            for block in deb822::scan(&text) {
                if let Ok(record) = Record::parse(block, 0) {
                    prop_assert!(!record.name.is_empty() && !record.version.is_empty());
                    prop_assert!(record.is_same_build(&record));
                    let _ = (record.source_name(), record.source_version());
                }
            }
        }
    }
}
