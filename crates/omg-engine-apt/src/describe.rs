//! The marks, written down as a plan.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

use omg_core::{Action, OptionalDependency, Plan, Planned, ProviderChoice, Reason, Source};
use omg_verify::digest::Also;
use rust_apt::util::cmp_versions;
use rust_apt::{DepType, Dependency, Package, Version};

use crate::error::{Error, checked, clean};
use crate::mark::is_held;
use crate::names::pretty;
use crate::providers;
use crate::reason::reasons;
use crate::release::met;
use crate::session::Session;
use crate::sweep;

/// Largest package file that is read, bytes.
const LARGEST: u64 = 8 << 30;

/// Most optional dependencies in one plan.
const OPTIONAL: usize = 2000;

/// What is marked, as a plan.
pub(crate) fn describe(session: &mut Session<'_>) -> Result<Plan, Error> {
    let changed = session.changed();
    essential(&changed)?;
    let reasons = reasons(session, &changed);
    let mut plan = Plan { unneeded: sweep::left(session), ..Plan::default() };
    for package in &changed {
        let reason = reasons.get(&package.index()).cloned().unwrap_or(Reason::Unknown);
        if let Some(planned) = planned(session, package, reason)? {
            warn(session, package, &planned);
            plan.changes.push(planned);
        }
    }
    for package in &changed {
        if let Some(version) = package.install_version() {
            choices(session, package, &version, &reasons);
            if !package.is_installed() {
                optional(session, package, &version, &mut plan.optional);
            }
        }
    }
    plan.unneeded = plan.unneeded.iter().map(|name| checked(name)).collect::<Result<_, _>>()?;
    plan.providers = std::mem::take(&mut session.choices);
    plan.warnings = session.notes.iter().map(|note| clean(note)).collect();
    Ok(plan)
}

/// Refuses to remove what the system can't do without.
fn essential(changed: &[Package<'_>]) -> Result<(), Error> {
    kept(changed.iter().filter(|package| package.marked_delete()))
}

/// Refuses if the system can't do without one of these, which are to go.
pub(crate) fn kept<'p, 'a: 'p>(going: impl Iterator<Item = &'p Package<'a>>) -> Result<(), Error> {
    let names: Vec<String> = going
        .filter(|package| package.is_installed())
        .filter(|package| package.is_essential() || is_protected(package))
        .map(pretty)
        .collect();
    if names.is_empty() { Ok(()) } else { Err(Error::Essential { names }) }
}

/// `Protected: yes` or `Important: yes` in dpkg's status.
fn is_protected(package: &Package<'_>) -> bool {
    let Some(version) = package.installed() else { return false };
    let mut files = version.version_files();
    // Status is one plain file; in compressed lists, looking takes 5 ms.
    let Some(file) = files.find(|file| !file.package_file().is_downloadable()) else {
        return false;
    };
    let record = file.lookup();
    ["Protected", "Important"].iter().any(|field| {
        record
            .get_field((*field).to_owned())
            .is_some_and(|value| value.trim().eq_ignore_ascii_case("yes"))
    })
}

fn action(
    package: &Package<'_>,
    old: Option<&Version<'_>>,
    new: Option<&Version<'_>>,
) -> Option<Action> {
    if package.marked_delete() {
        return Some(if package.marked_purge() { Action::Purge } else { Action::Remove });
    }
    match (old, new) {
        (None, Some(_)) => Some(Action::Install),
        (Some(old), Some(new)) => Some(match cmp_versions(new.version(), old.version()) {
            Ordering::Greater => Action::Upgrade,
            Ordering::Less => Action::Downgrade,
            Ordering::Equal => Action::Reinstall,
        }),
        _ => None,
    }
}

fn planned(
    session: &Session<'_>,
    package: &Package<'_>,
    reason: Reason,
) -> Result<Option<Planned>, Error> {
    let old = package.installed();
    let new = package.install_version().filter(|_| !package.marked_delete());
    let Some(action) = action(package, old.as_ref(), new.as_ref()) else { return Ok(None) };
    let name = checked(package.name())?;
    let shown = new.as_ref().or(old.as_ref());
    let architecture = shown.map_or_else(|| package.arch(), |version| version.arch());
    let size = |version: Option<&Version<'_>>| {
        i64::try_from(version.map_or(0, |version| version.installed_size())).unwrap_or(i64::MAX)
    };
    let (repository, sha256) = match &new {
        Some(version) => origin(session, &name, version)?,
        None => (String::new(), None),
    };
    Ok(Some(Planned {
        action,
        architecture: checked(architecture)?,
        old_version: old.as_ref().map(|version| checked(version.version())).transpose()?,
        new_version: new.as_ref().map(|version| checked(version.version())).transpose()?,
        source: Source::Apt,
        repository,
        reason,
        automatic: new.is_some() && package.is_auto_installed(),
        download_size: new.as_ref().map_or(0, |version| download(session, &name, version)),
        installed_size_delta: size(new.as_ref()).saturating_sub(size(old.as_ref())),
        sha256,
        grade: None,
        name,
    }))
}

/// Repository and hash of a version. What is only in dpkg's status has none; a file that the user named
/// has no repository, even if one offers the same version.
fn origin(
    session: &Session<'_>,
    name: &str,
    version: &Version<'_>,
) -> Result<(String, Option<String>), Error> {
    if let Some(path) = session.files.get(&version.index()) {
        return Ok((String::new(), Some(digest(path)?)));
    }
    match session.archive.find(name, version.version(), version.arch()) {
        Some((repository, sha256)) => Ok((checked(repository)?, sha256.map(str::to_owned))),
        None => Ok((String::new(), version.sha256().filter(|_| version.is_downloadable()))),
    }
}

/// The name of a version's archive in apt's cache (`pkgAcqArchive` in `apt-pkg/acquire-item.cc`).
pub(crate) fn file_name(name: &str, version: &str, architecture: &str) -> String {
    let quoted = version.replace('%', "%25").replace(':', "%3a").replace('_', "%5f");
    format!("{name}_{quoted}_{architecture}.deb")
}

/// SHA-256 of a package file.
pub(crate) fn digest(path: &str) -> Result<String, Error> {
    let failed = |why: String| Error::File { path: path.to_owned(), why, causes: Vec::new() };
    let file = File::open(path).map_err(|error| failed(error.to_string()))?;
    let digests = omg_verify::digest::file(&file, Also::default(), Some(LARGEST));
    let digests = digests.map_err(|error| failed(error.to_string()))?;
    if digests.size > LARGEST {
        return Err(failed("it is too large".to_owned()));
    }
    Ok(digests.sha256.to_string())
}

/// Bytes to download: none if the whole archive is in the cache of archives.
fn download(session: &Session<'_>, name: &str, version: &Version<'_>) -> u64 {
    if session.files.contains_key(&version.index()) {
        return 0;
    }
    let file = file_name(name, version.version(), version.arch());
    let path = Path::new(&session.settings.archives).join(file);
    let size = version.size();
    match path.symlink_metadata() {
        Ok(there) if there.is_file() && there.len() == size => 0,
        _ => size,
    }
}

fn warn(session: &mut Session<'_>, package: &Package<'_>, planned: &Planned) {
    if planned.action == Action::Downgrade {
        let (old, new) = (planned.old_version.as_deref(), planned.new_version.as_deref());
        let note = format!(
            "'{}' is downgraded from {} to {}",
            pretty(package),
            old.unwrap_or("?"),
            new.unwrap_or("?")
        );
        session.notes.push(note);
    }
    if is_held(package) && planned.action != Action::Reinstall && package.is_installed() {
        session.notes.push(format!("'{}' is held, and is changed all the same", pretty(package)));
    }
}

/// Notes where a dependency on a virtual package could have been met by another one.
fn choices(
    session: &mut Session<'_>,
    package: &Package<'_>,
    version: &Version<'_>,
    reasons: &HashMap<usize, Reason>,
) {
    let kinds = [DepType::PreDepends, DepType::Depends, DepType::Recommends];
    for member in
        kinds.iter().filter_map(|kind| version.get_depends(kind)).flatten().flat_map(|g| g.iter())
    {
        let target = member.target_package();
        if target.has_versions() {
            continue;
        }
        let ranked = providers::ranked(session.settings, target, providers::candidates(target));
        if ranked.len() < 2 {
            continue;
        }
        let parent = pretty(package);
        let chosen = ranked.iter().map(Version::parent).find(|provider| {
            let because = match reasons.get(&provider.index()) {
                Some(Reason::Dependency(of) | Reason::Recommended(of)) => *of == parent,
                _ => false,
            };
            because && provider.marked_new_install()
        });
        let Some(chosen) = chosen else { continue };
        session.choices.push(ProviderChoice {
            wanted: target.name().to_owned(),
            wanted_by: parent,
            chosen: pretty(&chosen),
            options: ranked.iter().map(|version| pretty(&version.parent())).collect(),
        });
    }
}

/// What a new package suggests, and what it recommends and does not get.
fn optional(
    session: &Session<'_>,
    package: &Package<'_>,
    version: &Version<'_>,
    found: &mut Vec<OptionalDependency>,
) {
    for kind in [DepType::Recommends, DepType::Suggests] {
        for group in version.get_depends(&kind).into_iter().flatten() {
            let satisfied = met(session.cache(), group);
            if (kind == DepType::Recommends && satisfied) || found.len() >= OPTIONAL {
                continue;
            }
            found.push(OptionalDependency {
                package: clean(package.name()),
                wanted: clean(&relation(group)),
                description: String::new(),
                satisfied,
            });
        }
    }
}

/// A dependency as control files write it.
fn relation(group: &Dependency<'_>) -> String {
    let members = group.iter().map(|member| {
        let name = pretty(member.target_package());
        match (member.comp_type(), member.version()) {
            (Some("<"), Some(version)) => format!("{name} (<< {version})"),
            (Some(">"), Some(version)) => format!("{name} (>> {version})"),
            (Some(comparison), Some(version)) => format!("{name} ({comparison} {version})"),
            _ => name,
        }
    });
    members.collect::<Vec<_>>().join(" | ")
}
