//! apt's marks: which packages came because others needed them (`extended_states`).

use std::path::Path;

use ahash::AHashSet;

use crate::deb822;
use crate::error::Error;
use crate::status::read_settled;

/// Largest file of marks that is read, bytes. One mark takes about 60.
const LARGEST: u64 = 64 << 20;

/// The packages marked automatic.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    /// Name and architecture.
    exact: AHashSet<(Box<str>, Box<str>)>,
    /// Marked whatever their architecture: what apt wrote before it knew several.
    any: AHashSet<Box<str>>,
}

impl Marks {
    /// Is this package marked? `architecture` is never `all`, but the native one in its place.
    pub(crate) fn is_automatic(&self, name: &str, architecture: &str) -> bool {
        self.any.contains(name) || self.exact.contains(&(name.into(), architecture.into()))
    }

    pub(crate) fn parse(text: &str, native: &str, mut warn: impl FnMut(deb822::Malformed)) -> Self {
        let mut marks = Self::default();
        for item in deb822::stanzas(text) {
            let stanza = match item {
                Ok(stanza) => stanza,
                Err(bad) => {
                    warn(bad);
                    continue;
                }
            };
            let marked = stanza.get("Auto-Installed").and_then(|value| value.parse::<i64>().ok());
            let (Some(name), true) = (stanza.get("Package"), marked.unwrap_or(0) > 0) else {
                continue;
            };
            match stanza.get("Architecture").unwrap_or("") {
                "" | "any" => drop(marks.any.insert(name.into())),
                "all" => drop(marks.exact.insert((name.into(), native.into()))),
                architecture => drop(marks.exact.insert((name.into(), architecture.into()))),
            }
        }
        marks
    }
}

/// Reads the marks. Without the file nothing is automatic; what can't be read becomes a warning.
pub(crate) fn read(path: &Path, native: &str, warnings: &mut Vec<String>) -> Marks {
    let bytes = match read_settled(path, &mut LARGEST.clone()) {
        Ok(bytes) => bytes,
        Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            return Marks::default();
        }
        Err(error) => {
            warnings.push(error.with_cause());
            return Marks::default();
        }
    };
    let text = deb822::clean(bytes);
    Marks::parse(&text, native, |bad| {
        warnings.push(format!("{}:{}: {}", path.display(), bad.line, bad.what));
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_hold_for_their_architecture() {
        let text = "Package: a\nArchitecture: amd64\nAuto-Installed: 1\n\nPackage: b\nAuto-Installed: 1\n\n\
                    Package: c\nArchitecture: all\nAuto-Installed: 1\n\nbroken\n\nPackage: d\nArchitecture: amd64\nAuto-Installed: 0\n";
        let mut lines = Vec::new();
        let marks = Marks::parse(text, "amd64", |bad| lines.push(bad.line));
        assert!(marks.is_automatic("a", "amd64") && !marks.is_automatic("a", "i386"));
        assert!(marks.is_automatic("b", "i386") && marks.is_automatic("c", "amd64"));
        assert!(!marks.is_automatic("d", "amd64"));
        assert_eq!(lines, [12]);
    }
}
