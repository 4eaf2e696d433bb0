//! What a user writes for a package, and what to answer if there is none.

use omg_core::{Code, Fault};

use crate::queries::suggest;
use crate::view::{Entry, View};

/// Names suggested with a fault.
const SUGGESTIONS: u32 = 5;

/// `name`, `name:arch`, `name=version` or `name:arch=version`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) name: &'a str,
    pub(crate) architecture: Option<&'a str>,
    pub(crate) version: Option<&'a str>,
}

impl<'a> Wanted<'a> {
    pub(crate) fn parse(text: &'a str) -> Self {
        let text = text.trim();
        let (package, version) = match text.split_once('=') {
            Some((package, version)) => (package, Some(version)),
            None => (text, None),
        };
        // Versions have colons, too, but they stand behind the '='.
        let (name, architecture) = match package.split_once(':') {
            Some((name, architecture)) => (name, Some(architecture)),
            None => (package, None),
        };
        let there = |text: &&str| !text.is_empty();
        Self { name, architecture: architecture.filter(there), version: version.filter(there) }
    }

    /// The rows that it names; not empty.
    pub(crate) fn entries(&self, view: &View) -> Result<Vec<Entry>, Fault> {
        let mut entries = view.find(self.name);
        if entries.is_empty() {
            return Err(unknown(view, self.name));
        }
        if let Some(wanted) = self.architecture {
            entries.retain(|&entry| view.seen(entry).is_some_and(|seen| seen.is_for(wanted)));
            if entries.is_empty() {
                return Err(Fault::new(
                    Code::NotFound,
                    format!("'{}' is not there for {wanted}", self.name),
                )
                .hint(format!("omg info {} shows the architectures that are", self.name)));
            }
        }
        Ok(entries)
    }

    /// Numbers of the installed packages that it names; not empty.
    pub(crate) fn installed(&self, view: &View) -> Result<Vec<u32>, Fault> {
        let numbers: Vec<u32> = view
            .installed_named(self.name)
            .filter(|(_, package)| {
                self.architecture.is_none_or(|wanted| wanted == &*package.architecture)
            })
            .map(|(number, _)| number)
            .collect();
        if !numbers.is_empty() {
            Ok(numbers)
        } else if view.find(self.name).is_empty() {
            Err(unknown(view, self.name))
        } else {
            Err(Fault::new(Code::NotFound, format!("'{}' is not installed", self.name))
                .hint(format!("omg info {} shows what it is", self.name)))
        }
    }
}

impl crate::view::Seen<'_> {
    /// A package for all architectures is there for each of them.
    fn is_for(&self, wanted: &str) -> bool {
        let own = self.row.architecture;
        let installed = self.installed.is_some_and(|(_, package)| &*package.architecture == wanted);
        let all = matches!(own, "all" | "any") && !matches!(wanted, "all" | "any");
        own == wanted || installed || all
    }
}

/// The fault for a name that no package has: who provides it, or what was perhaps meant.
pub(crate) fn unknown(view: &View, name: &str) -> Fault {
    let fault = Fault::new(Code::NotFound, format!("no package is called '{name}'"));
    let mut providers: Vec<&str> = providers(view, name).collect();
    providers.sort_unstable();
    providers.dedup();
    if providers.is_empty() {
        let names = suggest::names(view, name, SUGGESTIONS);
        return fault.hint(format!("`omg search {name}` looks in descriptions too")).suggest(names);
    }
    let mut fault = Fault::new(Code::NotFound, format!("'{name}' is a virtual package"));
    fault.hint = Some(format!("provided by {}", shorten(&providers)));
    fault.suggest(providers.into_iter().take(SUGGESTIONS as usize))
}

/// Names of the packages that provide a virtual one.
pub(crate) fn providers<'a>(view: &'a View, name: &'a str) -> impl Iterator<Item = &'a str> {
    let offered = view.offered.index.providers(name).filter_map(|row| view.offered.index.row(row));
    let local = view.local.providers(name).filter_map(|row| view.local.row(row));
    offered.chain(local).map(|row| row.name)
}

fn shorten(names: &[&str]) -> String {
    match names.get(..SUGGESTIONS as usize) {
        Some(first) if names.len() > first.len() => {
            format!("{} and {} more", first.join(", "), names.len() - first.len())
        }
        _ => names.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_carry_architecture_and_version() {
        let wanted = |name, architecture, version| Wanted { name, architecture, version };
        assert_eq!(Wanted::parse("vim"), wanted("vim", None, None));
        assert_eq!(Wanted::parse(" vim:amd64 "), wanted("vim", Some("amd64"), None));
        assert_eq!(Wanted::parse("vim=2:9.0-1"), wanted("vim", None, Some("2:9.0-1")));
        assert_eq!(
            Wanted::parse("vim:i386=2:9.0~rc"),
            wanted("vim", Some("i386"), Some("2:9.0~rc"))
        );
        assert_eq!(Wanted::parse("vim:="), wanted("vim", None, None));
        assert_eq!(Wanted::parse(""), wanted("", None, None));
    }
}
