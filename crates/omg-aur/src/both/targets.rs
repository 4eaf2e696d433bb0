//! Which targets the repositories meet, and which the AUR.

use omg_backend::PackageManager;
use omg_core::{Change, Code, Fault, ProviderChoice};

use super::Both;
use super::asked::Asked;
use super::shelf::Shelf;
use crate::constraint::{Compare, Constraint};
use crate::error::Error;
use crate::name::is_name;
use crate::package::Package;
use crate::resolve::{Lookup as _, Unsolvable};

/// How a target of the AUR is written where a repository has the name, too.
pub(super) const PREFIX: &str = "aur/";

/// The targets of a change, by who meets them.
#[derive(Debug, Default)]
pub(super) struct Split {
    /// For the repositories, as written.
    pub(super) ours: Vec<String>,
    /// Packages of the AUR, each once.
    pub(super) theirs: Vec<Target>,
    /// Where no package has the name: which one provides it.
    pub(super) choices: Vec<ProviderChoice>,
    pub(super) warnings: Vec<String>,
}

/// A package of the AUR that a user wants.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) package: Package,
    /// Was a version asked for?
    pub(super) versioned: bool,
}

impl<R: PackageManager> Both<R> {
    /// Parts the targets. `unknown` is what the repositories said of those that they don't know, if
    /// they were asked: their words are the answer where the AUR can't help.
    pub(super) async fn split(
        &self,
        change: &Change,
        shelf: &Shelf,
        asked: &Asked<'_>,
        unknown: Option<Fault>,
    ) -> Result<Split, Fault> {
        let mut split = Split::default();
        let mut wanted: Vec<Constraint<'_>> = Vec::new();
        for target in &change.targets {
            match target.strip_prefix(PREFIX) {
                Some(text) => wanted.push(constraint(text).ok_or_else(|| no_name(text))?),
                None => match constraint(target).filter(|it| is_theirs(target, it.name, shelf)) {
                    Some(constraint) => wanted.push(constraint),
                    None => split.ours.push(target.clone()),
                },
            }
        }
        if wanted.is_empty() {
            return unknown.map_or(Ok(split), Err);
        }
        let names: Vec<&str> = wanted.iter().map(|wanted| wanted.name).collect();
        let found = asked.named(&names).await;
        let found = found.map_err(|error| unasked(error, unknown.clone()))?.value;
        for wanted in wanted {
            let package = match found.iter().find(|package| package.name == wanted.name) {
                Some(package) if accepts(wanted, package, shelf.compare()) => package.clone(),
                Some(package) => return Err(other_version(wanted, package)),
                None => {
                    provider(change, wanted, shelf, asked, unknown.as_ref(), &mut split).await?
                }
            };
            if !split.theirs.iter().any(|target| target.package.name == package.name) {
                split.theirs.push(Target { package, versioned: wanted.bound.is_some() });
            }
        }
        Ok(split)
    }
}

/// The package of the AUR that provides a name which none has: the chosen one, or the one with most
/// votes.
async fn provider(
    change: &Change,
    wanted: Constraint<'_>,
    shelf: &Shelf,
    asked: &Asked<'_>,
    unknown: Option<&Fault>,
    split: &mut Split,
) -> Result<Package, Fault> {
    let found = asked.providing(wanted.name).await;
    let mut found = found.map_err(|error| unasked(error, unknown.cloned()))?.value;
    found.retain(|package| accepts(wanted, package, shelf.compare()));
    found.sort_by(|a, b| b.num_votes.cmp(&a.num_votes).then_with(|| a.name.cmp(&b.name)));
    let options: Vec<String> = found.iter().map(|package| package.name.clone()).collect();
    let name = wanted.name.to_owned();
    let picked = match change.provider(wanted.name) {
        _ if found.is_empty() => return Err(missing(&name, unknown)),
        None => found.into_iter().next(),
        Some(chosen) => found.into_iter().find(|package| package.name == chosen),
    };
    let package = picked.ok_or_else(|| {
        let chosen = change.provider(&name).unwrap_or("").to_owned();
        let why = Unsolvable::NoProvider { wanted: name.clone(), chosen, options: options.clone() };
        Fault::from(Error::from(Box::new(why)))
    })?;
    let chosen = package.name.clone();
    split.warnings.push(format!("nothing is called '{name}'; {chosen} of the AUR provides it"));
    split.choices.push(ProviderChoice { wanted: name, wanted_by: String::new(), chosen, options });
    Ok(package)
}

/// A target as a name with or without a version, if it is that.
fn constraint(text: &str) -> Option<Constraint<'_>> {
    let constraint = Constraint::parse(text);
    let whole = match constraint.bound {
        None => constraint.name == text,
        Some((_, version)) => !version.is_empty() && text.bytes().all(|it| it.is_ascii_graphic()),
    };
    (whole && is_name(constraint.name)).then_some(constraint)
}

/// Is a target the AUR's, that is, does no repository know the name in any version?
fn is_theirs(target: &str, name: &str, shelf: &Shelf) -> bool {
    !shelf.has(target) && !shelf.has(name)
}

fn accepts(wanted: Constraint<'_>, package: &Package, compare: Compare) -> bool {
    wanted.accepts(&package.name, &package.version, &package.provides, compare)
}

fn no_name(text: &str) -> Fault {
    let shown: String = text.chars().take(80).collect();
    let shown = omg_core::escape(&shown);
    Fault::new(Code::Usage, format!("'{shown}' can't be the name of a package of the AUR"))
}

fn other_version(wanted: Constraint<'_>, package: &Package) -> Fault {
    let Package { name, version, .. } = package;
    let bound = wanted.bound.map_or("", |(_, version)| version);
    let message = format!("the AUR has {name} {version} and no other version, not {bound}");
    Fault::new(Code::NotFound, message).hint(format!("omg install {PREFIX}{name}"))
}

fn missing(name: &str, unknown: Option<&Fault>) -> Fault {
    match unknown {
        // The repositories' own words: they may know more of it than that it is missing.
        Some(fault) => {
            let mut fault = fault.clone();
            fault.cause.push(format!("the AUR has no package '{name}' either"));
            fault
        }
        None => Fault::new(Code::NotFound, format!("the AUR has no package '{name}'"))
            .hint(format!("omg search {name}")),
    }
}

/// The AUR does not answer: what the repositories do not know may be there, or nowhere.
fn unasked(error: Error, unknown: Option<Fault>) -> Fault {
    let error = Fault::from(error);
    match unknown {
        Some(mut fault) => {
            fault.cause.push(format!("the AUR could not be asked: {error}"));
            fault.hint = fault.hint.or(error.hint);
            fault
        }
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn targets_are_names_with_or_without_a_version() {
        for good in ["yay", "yay=12.1-1", "libc++>=1:2", "a<3"] {
            assert!(constraint(good).is_some(), "{good}");
        }
        for bad in ["", "a b", "a: b", "a=", "a=1 2", "=1", "-a", "../x", "a/b", "a=1\n", " a"] {
            assert!(constraint(bad).is_none(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_and_no_name_is_anything_else(text in any::<String>()) {
            if let Some(constraint) = constraint(&text) {
                prop_assert!(is_name(constraint.name) && text.starts_with(constraint.name));
            }
        }
    }
}
