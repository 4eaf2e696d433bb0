//! Questions to aurweb's RPC, version 5.
//!
//! Interface: <https://wiki.archlinux.org/title/Aurweb_RPC_interface>, and aurweb's own
//! `doc/rpc.md`. Paths: `rpc/v5/search/TERM?by=FIELD`, `rpc/v5/info?arg[]=NAME&…`,
//! `rpc/v5/suggest/START`, `rpc/v5/suggest-pkgbase/START`.

mod answer;
mod cache;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::address::{MOST_ADDRESS_BYTES, encode};
use crate::error::Error;
use crate::http::Http;
use crate::name::is_name;
use crate::package::Package;

use cache::{Cache, Kept};

pub use answer::MOST_RESULTS;

/// Names in one request for details.
pub const MOST_NAMES: usize = 150;
/// Names in one call for details.
pub const MOST_NAMES_IN_ALL: usize = 5_000;
/// Bytes of a search term. aurweb takes no fewer than two, of most fields.
pub const MOST_TERM_BYTES: usize = 200;
/// Seconds for which an answer is given again without asking.
pub const FRESH_S: u64 = 60;

/// What a search looks at.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum By {
    /// Name, in part.
    Name,
    /// Name or description, in part.
    NameDescription,
    /// Maintainer; an empty term stands for packages without one.
    Maintainer,
    /// First submitter.
    Submitter,
    /// Co-maintainers.
    CoMaintainers,
    /// Dependencies.
    Depends,
    /// Dependencies of the build.
    MakeDepends,
    /// Optional dependencies.
    OptDepends,
    /// Dependencies of the tests.
    CheckDepends,
    /// What packages stand for, their names included.
    Provides,
    /// Conflicts.
    Conflicts,
    /// What packages take the place of.
    Replaces,
    /// Groups.
    Groups,
    /// Keywords.
    Keywords,
}

impl By {
    /// Every field.
    pub const ALL: [Self; 14] = [
        Self::Name,
        Self::NameDescription,
        Self::Maintainer,
        Self::Submitter,
        Self::CoMaintainers,
        Self::Depends,
        Self::MakeDepends,
        Self::OptDepends,
        Self::CheckDepends,
        Self::Provides,
        Self::Conflicts,
        Self::Replaces,
        Self::Groups,
        Self::Keywords,
    ];

    /// The RPC's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::NameDescription => "name-desc",
            Self::Maintainer => "maintainer",
            Self::Submitter => "submitter",
            Self::CoMaintainers => "comaintainers",
            Self::Depends => "depends",
            Self::MakeDepends => "makedepends",
            Self::OptDepends => "optdepends",
            Self::CheckDepends => "checkdepends",
            Self::Provides => "provides",
            Self::Conflicts => "conflicts",
            Self::Replaces => "replaces",
            Self::Groups => "groups",
            Self::Keywords => "keywords",
        }
    }

    /// The field of this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.as_str() == word)
    }
}

/// What a suggestion completes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Suggest {
    /// Names of packages.
    Package,
    /// Names of recipes.
    Base,
}

/// An answer, and what it is worth.
#[derive(Clone, PartialEq, Debug)]
pub struct Answer<T> {
    /// What was asked for.
    pub value: T,
    /// Seconds since the AUR said so; of several answers the oldest.
    pub age: u64,
    /// Why it is not of now, if the AUR could not be asked.
    pub stale: Option<String>,
    /// Results that were left out, since they make no sense.
    pub warnings: Vec<String>,
}

/// A client of the RPC with its memory.
#[derive(Debug)]
pub(crate) struct Rpc {
    http: Arc<Http>,
    cache: Mutex<Cache>,
}

impl Rpc {
    pub(crate) fn new(http: Arc<Http>) -> Self {
        Self { http, cache: Mutex::default() }
    }

    /// Packages found by one field, as the AUR orders them.
    pub(crate) async fn search(&self, by: By, term: &str) -> Result<Answer<Vec<Package>>, Error> {
        check_term(term, by == By::Maintainer)?;
        let (by, arg) = (by.as_str(), encode(term));
        // A slash, though escaped, ends a path's part for aurweb, and an empty part is none.
        let path = if term.is_empty() || term.contains('/') {
            format!("rpc?v=5&type=search&by={by}&arg={arg}")
        } else {
            format!("rpc/v5/search/{arg}?by={by}")
        };
        self.remembered(path, |path, bytes| {
            let found = answer::packages(path, bytes, "search")?;
            Ok((Kept::Packages(found.packages.into()), found.warnings))
        })
        .await
        .map(|answer| answer.map(Kept::into_packages))
    }

    /// Names that begin with this, twenty at most.
    pub(crate) async fn suggest(
        &self,
        what: Suggest,
        start: &str,
    ) -> Result<Answer<Vec<String>>, Error> {
        check_term(start, false)?;
        let method = match what {
            Suggest::Package => "suggest",
            Suggest::Base => "suggest-pkgbase",
        };
        let arg = encode(start);
        let path = if start.contains('/') {
            format!("rpc?v=5&type={method}&arg={arg}")
        } else {
            format!("rpc/v5/{method}/{arg}")
        };
        self.remembered(path, |path, bytes| {
            Ok((Kept::Names(answer::names(path, bytes)?.into()), Vec::new()))
        })
        .await
        .map(|answer| answer.map(Kept::into_names))
    }

    /// Asks, unless the answer is known and fresh; takes a known one, however old, where asking
    /// fails.
    async fn remembered(
        &self,
        path: String,
        read: impl Fn(&str, &[u8]) -> Result<(Kept, Vec<String>), Error>,
    ) -> Result<Answer<Kept>, Error> {
        let now = self.http.now();
        let known = self.cache().get(&path, now);
        if let Some((value, age)) = known.clone().filter(|(_, age)| *age < FRESH_S) {
            return Ok(Answer { value, age, stale: None, warnings: Vec::new() });
        }
        let asked = self.http.answer(&path).await;
        match (asked.and_then(|bytes| read(&path, &bytes)), known) {
            (Ok((value, warnings)), _) => {
                self.cache().put(path, value.clone(), self.http.now());
                Ok(Answer { value, age: 0, stale: None, warnings })
            }
            (Err(error), Some((value, age))) if !is_final(&error) => {
                Ok(Answer { value, age, stale: Some(error.to_string()), warnings: Vec::new() })
            }
            (Err(error), _) => Err(error),
        }
    }

    /// Packages by name, sorted; names that the AUR does not have are left out. Asks in as many
    /// requests as it takes, one after the other.
    pub(crate) async fn info(&self, names: &[&str]) -> Result<Answer<Vec<Package>>, Error> {
        let wanted = check_names(names)?;
        let mut found = BTreeMap::new();
        let mut age = 0;
        let mut unknown = Vec::new();
        let now = self.http.now();
        for name in &wanted {
            match self.cache().get(&key(name), now) {
                Some((kept, since)) if since < FRESH_S => {
                    age = age.max(since);
                    found
                        .extend(kept.into_package().map(|package| (package.name.clone(), package)));
                }
                _ => unknown.push(*name),
            }
        }
        let mut stale = None;
        for batch in batches(&unknown, self.http.address.as_str().len()) {
            match self.ask(&batch).await {
                Ok(packages) => found.extend(packages),
                Err(error) if is_final(&error) => return Err(error),
                Err(error) => {
                    for name in batch {
                        let kept = self.cache().get(&key(name), now);
                        let Some((kept, since)) = kept else { return Err(error) };
                        age = age.max(since);
                        found.extend(
                            kept.into_package().map(|package| (package.name.clone(), package)),
                        );
                    }
                    stale = Some(error.to_string());
                }
            }
        }
        let value = found.into_values().collect();
        Ok(Answer { value, age, stale, warnings: Vec::new() })
    }

    /// One request; what it says is remembered name by name, also that there is no such package.
    async fn ask(&self, batch: &[&str]) -> Result<BTreeMap<String, Package>, Error> {
        let path = info_path(batch);
        let bytes = self.http.answer(&path).await?;
        let found = answer::packages(&path, &bytes, "multiinfo")?;
        // Here a result that makes no sense would look like a package that does not exist.
        if let Some(reason) = found.warnings.into_iter().next() {
            return Err(Error::Malformed { what: path, line: 0, reason });
        }
        let mut packages = BTreeMap::new();
        for package in found.packages {
            // Nobody asked for others.
            if batch.contains(&&*package.name) {
                packages.insert(package.name.clone(), package);
            }
        }
        let now = self.http.now();
        let mut cache = self.cache();
        for name in batch {
            let package = packages.get(*name).cloned().map(Box::new);
            cache.put(key(name), Kept::Package(package), now);
        }
        Ok(packages)
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Answer<T> {
    /// The same answer in another form.
    pub(crate) fn map<U>(self, form: impl FnOnce(T) -> U) -> Answer<U> {
        let Self { value, age, stale, warnings } = self;
        Answer { value: form(value), age, stale, warnings }
    }
}

fn key(name: &str) -> String {
    format!("info {name}")
}

/// Would it be the same with a server in good health?
fn is_final(error: &Error) -> bool {
    matches!(error, Error::Argument { .. } | Error::Refused { .. } | Error::Address { .. })
}

pub(crate) fn check_term(term: &str, may_be_empty: bool) -> Result<(), Error> {
    let refuse = |reason: &str| {
        let term = omg_core::escape(term);
        Err(Error::Argument { reason: format!("the AUR can't be searched for '{term}': {reason}") })
    };
    if term.len() > MOST_TERM_BYTES {
        return Err(Error::Argument {
            reason: format!("a search of the AUR takes {MOST_TERM_BYTES} bytes at most"),
        });
    }
    if term.chars().any(char::is_control) {
        return refuse("it has control characters in it");
    }
    // As a part of a path these would lead elsewhere.
    if matches!(term, "." | "..") {
        return refuse("it is no word");
    }
    if term.is_empty() && !may_be_empty {
        return refuse("it is empty");
    }
    Ok(())
}

/// The names, sorted, each once.
pub(crate) fn check_names<'a>(names: &[&'a str]) -> Result<Vec<&'a str>, Error> {
    if let Some(bad) = names.iter().find(|name| !is_name(name)) {
        let shown: String = bad.chars().take(80).collect();
        let shown = omg_core::escape(&shown).to_string();
        return Err(Error::Argument {
            reason: format!("'{shown}' can't be the name of a package"),
        });
    }
    let mut names = names.to_vec();
    names.sort_unstable();
    names.dedup();
    if names.len() > MOST_NAMES_IN_ALL {
        let what = "the list of names".into();
        return Err(Error::TooLarge { what, limit: MOST_NAMES_IN_ALL as u64, unit: "names" });
    }
    Ok(names)
}

const INFO: &str = "rpc/v5/info?";

fn info_path(batch: &[&str]) -> String {
    let arguments: Vec<String> =
        batch.iter().map(|name| format!("arg[]={}", encode(name))).collect();
    format!("{INFO}{}", arguments.join("&"))
}

/// Splits names so that each request keeps to both limits. `base` is the length of the address.
fn batches<'a>(names: &[&'a str], base: usize) -> Vec<Vec<&'a str>> {
    let mut batches: Vec<Vec<&str>> = Vec::new();
    let mut length = 0;
    for name in names {
        let own = "&arg[]=".len() + encode(name).len();
        match batches.last_mut() {
            Some(batch) if batch.len() < MOST_NAMES && length + own <= MOST_ADDRESS_BYTES => {
                batch.push(*name);
                length += own;
            }
            _ => {
                batches.push(vec![*name]);
                length = base + INFO.len() + own;
            }
        }
    }
    batches
}
