//! Records of a package: `desc`, `depends` and `files`, in sync databases and in the local one.
//!
//! ```text
//! %NAME%
//! acl
//!
//! %DEPENDS%
//! attr>=2.4.46
//! glibc
//! ```
//!
//! Read as libalpm reads them (`sync_db_read`, `local_db_read`): a line that is a known name between
//! percent signs begins a field. A field of one value has the line that follows, whatever it is; a
//! list goes on to an empty line. Everything else is passed over, carriage returns are part of the
//! line. The source of the format is repo-add(8)'s and libalpm's own code.
//!
//! ```
//! use omg_backend_alpm::desc;
//!
//! let text = "%NAME%\nacl\n\n%DEPENDS%\nattr>=2.4.46\nglibc\n\n";
//! assert_eq!(desc::first(text, "NAME"), Some("acl"));
//! assert_eq!(desc::values(text, "DEPENDS").collect::<Vec<_>>(), ["attr>=2.4.46", "glibc"]);
//! ```

use memchr::memchr;

/// Longest package name, bytes: a directory of the local database bears it.
pub const LONGEST_NAME: usize = 255;
/// Most bytes of one record (`desc` with `depends`).
pub const LARGEST_RECORD: u64 = 1 << 20;
/// Most values of one list that are taken, but for the lists of files.
pub const MOST_VALUES: usize = 20_000;

/// Fields that go on to an empty line. libalpm knows each field as one or the other.
fn is_list(name: &str) -> bool {
    matches!(
        name,
        "DEPENDS"
            | "PROVIDES"
            | "OPTDEPENDS"
            | "CONFLICTS"
            | "LICENSE"
            | "GROUPS"
            | "MAKEDEPENDS"
            | "CHECKDEPENDS"
            | "REPLACES"
            | "FILES"
            | "BACKUP"
            | "VALIDATION"
            | "XDATA"
            | "DELTAS"
    )
}

fn is_single(name: &str) -> bool {
    matches!(
        name,
        "NAME"
            | "VERSION"
            | "FILENAME"
            | "BASE"
            | "DESC"
            | "URL"
            | "ARCH"
            | "BUILDDATE"
            | "INSTALLDATE"
            | "PACKAGER"
            | "REASON"
            | "SIZE"
            | "CSIZE"
            | "ISIZE"
            | "MD5SUM"
            | "SHA256SUM"
            | "PGPSIG"
            | "INSTALLED_DB"
            | "SCRIPTLET"
    )
}

/// One field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Field<'a> {
    /// Name without its percent signs.
    pub name: &'a str,
    /// The value, or one value a line; the last line may lack its newline.
    pub text: &'a str,
    /// Line of the name, counted from 1.
    pub line: u32,
}

impl<'a> Field<'a> {
    /// The first value; empty if there is none.
    pub fn first(&self) -> &'a str {
        split_line(self.text).0
    }

    /// All values, in order. A field of one value has one.
    pub fn values(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        lines(self.text)
    }
}

/// The fields of a record in their order. A field can be there more than once.
pub fn fields(text: &str) -> Fields<'_> {
    Fields { rest: text, line: 0 }
}

/// The first value of the last field of this name: libalpm lets later ones win.
pub fn first<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    fields(text).filter(|field| field.name == name).last().map(|field| field.first())
}

/// All values of a list.
pub fn values<'a>(text: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    fields(text).filter(move |field| field.name == name).flat_map(|field| field.values())
}

/// Walks over the fields of a record.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    rest: &'a str,
    line: u32,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        while !self.rest.is_empty() {
            let (line, rest) = split_line(self.rest);
            self.rest = rest;
            self.line += 1;
            let Some(name) = field_name(line) else { continue };
            let start = self.line;
            let text = if is_list(name) {
                self.take_list(|_| false)
            } else if is_single(name) {
                self.take_line()
            } else {
                // Unknown: libalpm passes over the name and looks at every line that follows.
                self.take_list(|line| field_name(line).is_some())
            };
            return Some(Field { name, text, line: start });
        }
        None
    }
}

impl<'a> Fields<'a> {
    fn take_line(&mut self) -> &'a str {
        let (line, rest) = split_line(self.rest);
        self.rest = rest;
        self.line += 1;
        line
    }

    /// Takes lines up to an empty one, which is taken, too, or up to one for which `stop` holds.
    fn take_list(&mut self, stop: impl Fn(&str) -> bool) -> &'a str {
        let whole = self.rest;
        loop {
            let (line, rest) = split_line(self.rest);
            if line.is_empty() || stop(line) {
                let len = whole.len() - self.rest.len();
                if line.is_empty() && rest.len() < self.rest.len() {
                    self.rest = rest;
                    self.line += 1;
                }
                return whole.get(..len).unwrap_or("");
            }
            self.rest = rest;
            self.line += 1;
        }
    }
}

/// The name in `%NAME%`.
fn field_name(line: &str) -> Option<&str> {
    let name = line.strip_prefix('%')?.strip_suffix('%')?;
    let known = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    (!name.is_empty() && name.bytes().all(known)).then_some(name)
}

/// The first line without its newline, and the rest.
fn split_line(text: &str) -> (&str, &str) {
    match memchr(b'\n', text.as_bytes()) {
        Some(at) => (text.get(..at).unwrap_or(""), text.get(at + 1..).unwrap_or("")),
        None => (text, ""),
    }
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (line, after) = split_line(rest);
        rest = after;
        Some(line)
    })
}

/// May a package bear this name? It becomes part of paths and of command lines, so what libalpm
/// refuses is refused (`_alpm_pkg_check_meta`): letters, digits and `+_.@-` only, no hyphen or
/// period in front, no more than 255 bytes.
pub fn valid_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+_.@-".contains(&byte);
    !name.is_empty()
        && name.len() <= LONGEST_NAME
        && !name.starts_with(['-', '.'])
        && name.bytes().all(allowed)
}

/// May a package have this version? At most one hyphen, no slash, white space or control character
/// (`_alpm_pkg_check_meta`, and what makepkg refuses).
pub fn valid_version(version: &str) -> bool {
    !version.is_empty()
        && version.len() <= LONGEST_NAME
        && version.bytes().filter(|byte| *byte == b'-').count() <= 1
        && version.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/')
}

/// Takes the name of a database directory, `NAME-VERSION-RELEASE`, apart (`_alpm_splitname`).
pub fn split_entry(entry: &str) -> Option<(&str, &str)> {
    let release = entry.rfind('-')?;
    let version = entry.get(..release)?.rfind('-')?;
    let (name, rest) = entry.split_at_checked(version)?;
    (!name.is_empty()).then(|| (name, rest.get(1..).unwrap_or("")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fields_are_read_as_libalpm_reads_them() {
        let text = "junk\n%NAME%\na\n%VERSION%\n1-1\n\n\n%DESC%\n\n%GROUPS%\nx\n%y%\n%URL%\n\n\
            %NEW%\nv\n%ARCH%\nany\n%DEPENDS%\nb\r\nc";
        let all: Vec<_> = fields(text)
            .map(|field| (field.line, field.name, field.values().collect::<Vec<_>>()))
            .collect();
        assert_eq!(
            all,
            [
                (2, "NAME", vec!["a"]),
                (4, "VERSION", vec!["1-1"]),
                (8, "DESC", vec![]),
                (10, "GROUPS", vec!["x", "%y%", "%URL%"]),
                (15, "NEW", vec!["v"]),
                (17, "ARCH", vec!["any"]),
                (19, "DEPENDS", vec!["b\r", "c"]),
            ]
        );
        assert_eq!(first("%NAME%\na\n%NAME%\nb\n", "NAME"), Some("b"));
        assert_eq!(first("%NAME%", "NAME"), Some(""));
    }

    #[test]
    fn hostile_names_are_refused() {
        let long = "a".repeat(256);
        for bad in [
            "",
            "-a",
            ".a",
            "..",
            ".",
            "a/b",
            "../a",
            "a\nb",
            "a b",
            "a\u{7f}",
            "a\0",
            "é",
            &long,
            "a\u{1b}[31m",
            "a$b",
        ] {
            assert!(!valid_name(bad), "{bad:?}");
        }
        for good in ["a", "gtk2+extra", "java8-openjdk", "python-3.1_x", "a@b", "0ad", &long[1..]] {
            assert!(valid_name(good), "{good:?}");
        }
        for bad in ["", "1-2-3", "1/2", "1 2", "1\n", "é"] {
            assert!(!valid_version(bad), "{bad:?}");
        }
        assert!(valid_version("1:2.0~rc1+b-1"));
    }

    #[test]
    fn entries_are_taken_apart() {
        assert_eq!(split_entry("a-b-1:2.0-1"), Some(("a-b", "1:2.0-1")));
        assert_eq!(split_entry("a-1"), None);
        assert_eq!(split_entry("-1-1"), None);
        assert_eq!(split_entry(""), None);
        assert_eq!(split_entry("a--1"), Some(("a", "-1")));
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in any::<String>(), near in "(%[A-Z]{0,7}%|%NAME%|%DEPENDS%|[a-z]{0,3}|\r)(\n(%[A-Z]{0,7}%|%NAME%|%DEPENDS%|[a-z]{0,3}|\r)){0,12}") {
            for text in [text, near] {
                let mut line = 0;
                for field in fields(&text) {
                    prop_assert!(field.line > line);
                    line = field.line;
                    prop_assert!(field.values().all(|value| !value.contains('\n')));
                    prop_assert_eq!(text.lines().nth(line as usize - 1).map(|line| line.trim_end_matches('\r').len()),
                        Some(field.name.len() + 2));
                }
                let _ = (valid_name(&text), valid_version(&text), split_entry(&text));
            }
        }
    }
}
