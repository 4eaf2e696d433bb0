//! From what is to what was: which packages must change, and whether their versions can still be had.

use std::collections::BTreeMap;
use std::path::PathBuf;

use omg_core::{Change, Operation};

use super::changes::Past;

/// A package on a system.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Here {
    pub(crate) version: String,
    /// Counts as installed for others; not known if absent.
    pub(crate) automatic: Option<bool>,
    /// SHA-256 of its file, as the log has it.
    pub(crate) sha256: Option<String>,
}

/// Packages by name and architecture; absent packages are not there.
pub(crate) type Packages = BTreeMap<(String, String), Here>;

/// What is wanted of some packages: `None` is not there.
pub(crate) type State = BTreeMap<(String, String), Option<Here>>;

/// What was there before these changes, the oldest first, of all packages that they moved.
pub(crate) fn before<'a>(changes: impl IntoIterator<Item = &'a Past>) -> State {
    let mut state = State::new();
    for past in changes {
        for subject in &past.subjects {
            let key = (subject.name.clone(), subject.architecture.clone());
            // What the oldest found is what was there before all of them.
            state.entry(key).or_insert_with(|| {
                subject.from.clone().map(|version| Here {
                    version,
                    automatic: subject.automatic_before,
                    sha256: None,
                })
            });
        }
    }
    state
}

/// What was there after these changes, the oldest first, of all packages that they moved.
pub(crate) fn through<'a>(changes: impl IntoIterator<Item = &'a Past>) -> State {
    let mut state = State::new();
    for subject in changes.into_iter().flat_map(|past| &past.subjects) {
        let key = (subject.name.clone(), subject.architecture.clone());
        let here = subject.to.clone().map(|version| Here {
            version,
            automatic: subject.automatic_after,
            sha256: subject.sha256.map(|hash| hash.to_string()),
        });
        state.insert(key, here);
    }
    state
}

fn now(packages: &Packages, name: &str, architecture: &str) -> Option<Here> {
    packages.get(&(name.to_owned(), architecture.to_owned())).cloned()
}

/// Where a version can be had.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Had {
    /// A repository offers it.
    Offered,
    /// Its file is here.
    File(PathBuf),
}

/// What leads from now to a state.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Way {
    /// Targets of one change.
    pub(crate) targets: Vec<String>,
    /// Is nothing installed?
    pub(crate) only_removes: bool,
    /// Versions that can't be had any more: `name version`.
    pub(crate) gone: Vec<String>,
    /// Packages that are as they should be already.
    pub(crate) settled: usize,
    /// Marks to set afterwards, by whether they count as installed for others.
    pub(crate) marks: Vec<(String, bool)>,
}

impl Way {
    /// The change to plan; none if everything is as it should be.
    pub(crate) fn change(&self) -> Option<Change> {
        if self.targets.is_empty() {
            return None;
        }
        let bare = |target: &String| target.strip_suffix('-').unwrap_or(target).to_owned();
        Some(if self.only_removes {
            Change::new(Operation::Remove, self.targets.iter().map(bare))
        } else {
            Change::new(Operation::Install, self.targets.iter().cloned())
        })
    }
}

/// The way from `packages` to `wanted`. `find` says where a version of a package can be had.
pub(crate) fn way(
    packages: &Packages,
    wanted: &State,
    mut find: impl FnMut(&str, &str, &Here) -> Option<Had>,
) -> Way {
    let mut way = Way { only_removes: true, ..Way::default() };
    for ((name, architecture), wanted) in wanted {
        let here = now(packages, name, architecture);
        let target = qualified(packages, name, architecture);
        match (here, wanted) {
            (None, None) => way.settled += 1,
            (Some(_), None) => way.targets.push(format!("{target}-")),
            (here, Some(was)) => {
                if was.automatic.is_some_and(|automatic| {
                    here.as_ref().is_none_or(|here| here.automatic != Some(automatic))
                }) {
                    way.marks.push((target.clone(), was.automatic == Some(true)));
                }
                if here.is_some_and(|here| here.version == was.version) {
                    way.settled += 1;
                    continue;
                }
                way.only_removes = false;
                match find(name, architecture, was) {
                    Some(Had::Offered) => way.targets.push(format!("{target}={}", was.version)),
                    Some(Had::File(path)) => way.targets.push(path.display().to_string()),
                    None => way.gone.push(format!("{name} {}", was.version)),
                }
            }
        }
    }
    way
}

/// The name alone, unless packages of that name and several architectures are there.
fn qualified(packages: &Packages, name: &str, architecture: &str) -> String {
    let others = packages.keys().any(|(other, theirs)| other == name && theirs != architecture);
    if others { format!("{name}:{architecture}") } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use omg_audit::{Ended, Subject};

    use super::*;

    fn here(version: &str) -> Here {
        Here { version: version.into(), automatic: Some(false), sha256: None }
    }

    fn past(id: u64, moves: &[(&str, Option<&str>, Option<&str>)]) -> Past {
        let subject = |(name, from, to): &(&str, Option<&str>, Option<&str>)| Subject {
            name: (*name).into(),
            architecture: "amd64".into(),
            from: from.map(Into::into),
            to: to.map(Into::into),
            automatic_before: from.map(|_| false),
            automatic_after: to.map(|_| false),
            ..Subject::default()
        };
        Past {
            id,
            wall_ms: 0,
            op: "install".into(),
            words: Vec::new(),
            actor: omg_audit::Actor::default(),
            subjects: moves.iter().map(subject).collect(),
            ended: Ended::Done,
            code: 0,
            message: String::new(),
            causes: Vec::new(),
            notices: Vec::new(),
            ms: None,
            undoes: None,
        }
    }

    fn system(packages: &[(&str, &str)]) -> Packages {
        let entry = |(name, version): &(&str, &str)| {
            (((*name).to_owned(), "amd64".to_owned()), here(version))
        };
        packages.iter().map(entry).collect()
    }

    #[test]
    fn the_way_back_takes_everything_back() {
        let all = [
            past(1, &[("a", None, Some("1")), ("b", Some("1"), Some("2"))]),
            past(2, &[("a", Some("1"), Some("2")), ("c", Some("1"), None)]),
        ];
        let today = system(&[("a", "2"), ("b", "2")]);
        let way = way(&today, &before(&all), |_, _, _| Some(Had::Offered));
        assert_eq!(way.targets, ["a-", "b=1", "c=1"]);
        assert!(!way.only_removes && way.gone.is_empty());
    }

    #[test]
    fn what_is_gone_is_named_and_what_is_right_is_left() {
        let all = [past(1, &[("a", Some("1"), Some("2")), ("b", Some("1"), Some("2"))])];
        let today = system(&[("a", "1"), ("b", "3")]);
        let way = way(&today, &before(&all), |_, _, _| None);
        assert_eq!((way.gone, way.settled), (vec!["b 1".to_owned()], 1));
    }

    #[test]
    fn only_removals_are_a_removal() {
        let all = [past(1, &[("a", None, Some("1"))])];
        let way = way(&system(&[("a", "1")]), &before(&all), |_, _, _| None);
        let change = way.change().unwrap();
        assert_eq!((change.operation, change.targets), (Operation::Remove, vec!["a".to_owned()]));
    }

    #[test]
    fn forth_again_is_what_was_there_after() {
        let all = [past(1, &[("a", Some("1"), Some("2"))])];
        let files = |_: &str, _: &str, was: &Here| {
            Some(Had::File(PathBuf::from(format!("/cache/a_{}.deb", was.version))))
        };
        let way = way(&system(&[("a", "1")]), &through(&all), files);
        assert_eq!(way.targets, ["/cache/a_2.deb"]);
    }
}
