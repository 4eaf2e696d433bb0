//! A plan on the wire: its seven lists one after the other, each a part of its own.
//!
//! Both sides hold it to the same rules. The engine cleans what is prose in package databases; names
//! and versions it sends as they are, and the daemon refuses the plan if one of them can't be shown.

use std::collections::HashSet;

use omg_core::{Action, Build, Plan, Planned, Reason};

use super::ANSWER_LIMIT;
use super::list::{self, Limits};
use super::text::{check, clean};
use crate::Error;

/// Most items in a list of a plan.
const ITEMS: usize = 200_000;

/// Bytes of a list whose items hold lists: these can grow 200 times on decoding.
const NESTED: usize = 256 * 1024;

const CHANGES: Limits = flat("list of changes");
const BUILDS: Limits = nested("list of builds");
const HELD_BACK: Limits = flat("list of packages held back");
const PROVIDERS: Limits = nested("list of providers");
const OPTIONAL: Limits = flat("list of optional dependencies");
const UNNEEDED: Limits = flat("list of unneeded packages");
const WARNINGS: Limits = flat("list of warnings");

const fn flat(what: &'static str) -> Limits {
    Limits { what, items: ITEMS, bytes: ANSWER_LIMIT as usize }
}

const fn nested(what: &'static str) -> Limits {
    Limits { what, items: ITEMS, bytes: NESTED }
}

pub(crate) fn encode(mut plan: Plan) -> Result<Vec<u8>, Error> {
    plan.sort();
    plan.held_back.iter_mut().for_each(|held| clean(&mut held.why));
    plan.optional.iter_mut().for_each(|optional| clean(&mut optional.description));
    plan.warnings.iter_mut().for_each(clean);
    let mut out = Vec::new();
    list::encode(&mut out, &plan.changes, CHANGES)?;
    list::encode(&mut out, &plan.builds, BUILDS)?;
    list::encode(&mut out, &plan.held_back, HELD_BACK)?;
    list::encode(&mut out, &plan.providers, PROVIDERS)?;
    list::encode(&mut out, &plan.optional, OPTIONAL)?;
    list::encode(&mut out, &plan.unneeded, UNNEEDED)?;
    list::encode(&mut out, &plan.warnings, WARNINGS)?;
    Ok(out)
}

/// Reads a plan, puts it into its order, and refuses one that can't be: [`Error::Plan`].
///
/// Takes 400 MiB at most, for 200,000 items of every kind; a plan of today's largest systems takes 30.
pub(crate) fn decode(bytes: &[u8]) -> Result<Plan, Error> {
    let rest = &mut &*bytes;
    let mut plan = Plan {
        changes: list::decode(rest, CHANGES)?,
        builds: list::decode(rest, BUILDS)?,
        held_back: list::decode(rest, HELD_BACK)?,
        providers: list::decode(rest, PROVIDERS)?,
        optional: list::decode(rest, OPTIONAL)?,
        unneeded: list::decode(rest, UNNEEDED)?,
        warnings: list::decode(rest, WARNINGS)?,
    };
    if !rest.is_empty() {
        return Err(Error::Length { what: "plan" });
    }
    plan.sort();
    validate(&plan)?;
    Ok(plan)
}

fn validate(plan: &Plan) -> Result<(), Error> {
    let mut seen = HashSet::new();
    for change in &plan.changes {
        validate_change(change)?;
        if !seen.insert((&change.name, &change.architecture)) {
            return Err(Error::Plan(format!("{} is changed twice", change.name)));
        }
    }
    plan.builds.iter().try_for_each(validate_build)?;
    for held in &plan.held_back {
        name(&held.name)?;
        check("architecture", &held.architecture)?;
        check("version", &held.installed_version)?;
        check("version", &held.candidate_version)?;
        check("reason", &held.why)?;
    }
    for choice in &plan.providers {
        check("dependency", &choice.wanted)?;
        check("package name", &choice.wanted_by)?;
        name(&choice.chosen)?;
        choice.options.iter().try_for_each(|option| name(option))?;
    }
    for optional in &plan.optional {
        name(&optional.package)?;
        check("dependency", &optional.wanted)?;
        check("description", &optional.description)?;
    }
    plan.unneeded.iter().try_for_each(|package| name(package))?;
    plan.warnings.iter().try_for_each(|warning| check("warning", warning))
}

fn validate_change(change: &Planned) -> Result<(), Error> {
    name(&change.name)?;
    check("architecture", &change.architecture)?;
    for version in [&change.old_version, &change.new_version].into_iter().flatten() {
        check("version", version)?;
    }
    check("repository", &change.repository)?;
    match &change.reason {
        Reason::Dependency(package)
        | Reason::Recommended(package)
        | Reason::ReplacedBy(package)
        | Reason::Replaces(package)
        | Reason::Conflict(package)
        | Reason::Loses(package)
        | Reason::Build(package) => check("package name", package)?,
        Reason::Requested | Reason::Newer | Reason::Unneeded | Reason::Unknown => {}
    }
    check("grade", change.grade.as_deref().unwrap_or_default())?;
    let hexadecimal =
        |sum: &str| sum.len() == 64 && sum.bytes().all(|byte| byte.is_ascii_hexdigit());
    if change.sha256.as_deref().is_some_and(|sum| !hexadecimal(sum)) {
        return Err(Error::Plan(format!("the SHA-256 of {} is none", change.name)));
    }
    let (old, new) = (change.old_version.is_some(), change.new_version.is_some());
    let versions = match change.action {
        Action::Remove | Action::Purge => !new,
        Action::Install => new,
        Action::Upgrade | Action::Downgrade | Action::Reinstall => old && new,
    };
    if versions {
        return Ok(());
    }
    let action = change.action.as_str();
    Err(Error::Plan(format!("{action} {} has the wrong versions", change.name)))
}

fn validate_build(build: &Build) -> Result<(), Error> {
    name(&build.package_base)?;
    check("version", &build.version)?;
    build.packages.iter().try_for_each(|package| name(package))?;
    check("maintainer", build.maintainer.as_deref().unwrap_or_default())?;
    let depends = build.make_depends.iter().chain(&build.check_depends);
    depends.map(String::as_str).try_for_each(|package| check("dependency", package))
}

fn name(name: &str) -> Result<(), Error> {
    if name.is_empty() {
        return Err(Error::Plan("a package has no name".to_owned()));
    }
    check("package name", name)
}
