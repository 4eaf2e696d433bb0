//! What a user writes for a package, and what to answer if there is none.

use omg_core::{Code, Fault};

use crate::queries::suggest;
use crate::view::{Entry, View};

/// Names suggested with a fault.
const SUGGESTIONS: u32 = 5;

/// `name`, `name:arch`, `name=version` or `name:arch=version`, each also with the repository that
/// it is to come from: `repository/name` as pacman has it, `name/suite` as apt does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) repository: Option<&'a str>,
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
        // Repositories may have slashes in their names (`bookworm/main`), packages have none.
        let (repository, package) = match package.rsplit_once('/') {
            Some((repository, package)) => (Some(repository), package),
            None => (None, package),
        };
        // Versions have colons, too, but they stand behind the '='.
        let (name, architecture) = match package.split_once(':') {
            Some((name, architecture)) => (name, Some(architecture)),
            None => (package, None),
        };
        let there = |text: &&str| !text.is_empty();
        Self {
            repository: repository.filter(there),
            name,
            architecture: architecture.filter(there),
            version: version.filter(there),
        }
    }

    /// As [`parse`](Self::parse), and a known name before the slash is the name.
    pub(crate) fn read(view: &View, text: &'a str) -> Self {
        let wanted = Self::parse(text);
        match wanted.repository {
            Some(first) if view.find(wanted.name).is_empty() && !view.find(first).is_empty() => {
                Self { repository: Some(wanted.name), name: first, ..wanted }
            }
            _ => wanted,
        }
    }

    /// May it come from this repository?
    pub(crate) fn is_from(&self, repository: &str) -> bool {
        self.repository.is_none_or(|wanted| {
            repository
                .strip_prefix(wanted)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    /// Has the row a version of the repository that is wanted?
    fn is_offered(&self, view: &View, entry: Entry) -> bool {
        let (index, row) = view.index(entry);
        index.offers(row).any(|offer| self.is_from(offer.repository))
    }

    /// The rows that it names; not empty.
    pub(crate) fn entries(&self, view: &View) -> Result<Vec<Entry>, Fault> {
        let mut entries = view.find(self.name);
        if entries.is_empty() {
            return Err(unknown(view, self.name));
        }
        if let Some(repository) = self.repository {
            entries.retain(|&entry| self.is_offered(view, entry));
            if entries.is_empty() {
                let message = format!("'{}' is not in {repository}", self.name);
                return Err(Fault::new(Code::NotFound, message)
                    .hint(format!("omg info {} shows where it is", self.name)));
            }
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
        let wanted =
            |name, architecture, version| Wanted { repository: None, name, architecture, version };
        assert_eq!(Wanted::parse("vim"), wanted("vim", None, None));
        assert_eq!(Wanted::parse(" vim:amd64 "), wanted("vim", Some("amd64"), None));
        assert_eq!(Wanted::parse("vim=2:9.0-1"), wanted("vim", None, Some("2:9.0-1")));
        assert_eq!(
            Wanted::parse("vim:i386=2:9.0~rc"),
            wanted("vim", Some("i386"), Some("2:9.0~rc"))
        );
        assert_eq!(Wanted::parse("vim:="), wanted("vim", None, None));
        assert_eq!(Wanted::parse(""), wanted("", None, None));
        let from = |repository, name| Wanted { repository, ..wanted(name, None, None) };
        assert_eq!(Wanted::parse("core/bash"), from(Some("core"), "bash"));
        assert_eq!(Wanted::parse("bookworm/main/vim"), from(Some("bookworm/main"), "vim"));
        assert_eq!(Wanted::parse("/vim/"), from(Some("/vim"), ""));
        assert_eq!(Wanted::parse("core/bash=5/1").version, Some("5/1"));
        let suite = from(Some("bookworm"), "vim");
        assert!(suite.is_from("bookworm/main") && suite.is_from("bookworm"));
        assert!(!suite.is_from("bookworm-security/main") && !suite.is_from("book"));
        assert!(wanted("vim", None, None).is_from("anything"));
    }
}
