//! A prepared transaction, read into a plan.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use omg_core::{
    Action, Change, Operation, OptionalDependency, Plan, Planned, ProviderChoice, Reason, Source,
};

use crate::error::Error;
use crate::handle::Handle;
use crate::native::alpm::{self, PackageReason};
use crate::native::{Package, fulfils, notation};
use crate::reasons::Reasons;

/// A package file that was named.
#[derive(Debug)]
pub(crate) struct FileTarget {
    /// As it was named.
    pub(crate) named: String,
    /// The file that is read.
    pub(crate) read: PathBuf,
}

/// What the transaction was made for.
#[derive(Debug, Default)]
pub(crate) struct Request {
    /// Names of the packages that the user's words meant.
    pub(crate) targets: BTreeSet<String>,
    /// Those that come out of files, and which.
    pub(crate) files: BTreeMap<String, FileTarget>,
    /// Removed because nothing needs it, not because somebody named it.
    pub(crate) unneeded: bool,
}

/// Reads the transaction that is prepared in the handle.
pub(crate) fn plan(handle: &Handle, change: &Change, request: &Request) -> Result<Plan, Error> {
    let coming: Vec<Package<'_>> = handle.alpm.trans_add().into_iter().collect();
    // What is replaced may come again, newer, because something needs it: that is one change of it.
    let again = |gone: &Package<'_>| coming.iter().any(|new| new.name() == gone.name());
    let going: Vec<Package<'_>> =
        handle.alpm.trans_remove().into_iter().filter(|gone| !again(gone)).collect();
    let record = handle.record.borrow();
    let reasons = Reasons::new(handle, change, request, &record, &coming);
    let mut plan = Plan::default();
    for package in &coming {
        plan.changes.push(comes(handle, change, request, &reasons, *package)?);
    }
    for package in &going {
        plan.changes.push(goes(change, &reasons, *package));
    }
    plan.providers = record
        .asked
        .iter()
        .filter(|asked| coming.iter().any(|package| package.name() == asked.chosen))
        .map(|asked| ProviderChoice {
            wanted: asked.wanted.clone(),
            wanted_by: wanting(change, &coming, &asked.wanted),
            chosen: asked.chosen.clone(),
            options: asked.options.clone(),
        })
        .collect();
    plan.optional = optional(handle, &coming, &going);
    plan.warnings.clone_from(&record.warnings);
    plan.warnings.extend(missed(handle, &coming, &going));
    Ok(plan)
}

fn comes(
    handle: &Handle,
    change: &Change,
    request: &Request,
    reasons: &Reasons<'_>,
    package: Package<'_>,
) -> Result<Planned, Error> {
    let name = package.name();
    let installed = handle.installed(name);
    let action = installed.map_or(Action::Install, |installed| {
        match package.version().vercmp(installed.version()) {
            std::cmp::Ordering::Greater => Action::Upgrade,
            std::cmp::Ordering::Equal => Action::Reinstall,
            std::cmp::Ordering::Less => Action::Downgrade,
        }
    });
    let file = request.files.get(name);
    let sha256 =
        match file {
            Some(file) => Some(alpm::compute_sha256sum(file.read.as_os_str().as_bytes()).map_err(
                |error| Error::File {
                    path: file.named.clone().into(),
                    exists: true,
                    reasons: vec![error.to_string()],
                },
            )?),
            None => package.sha256sum().map(str::to_owned),
        };
    let before = installed.map_or(0, |installed| installed.isize());
    // What is there keeps its reason; libalpm copies it over when it commits.
    let reason = installed.map_or_else(|| package.reason(), |installed| installed.reason());
    Ok(Planned {
        action,
        name: name.to_owned(),
        architecture: architecture(package),
        old_version: installed.map(|installed| installed.version().to_string()),
        new_version: Some(package.version().to_string()),
        source: Source::Alpm,
        repository: match (file, package.db()) {
            (Some(file), _) => file.named.clone(),
            (None, Some(database)) => database.name().to_owned(),
            (None, None) => String::new(),
        },
        reason: reasons.of_coming(package),
        automatic: reason == PackageReason::Depend || made_automatic(change, request, name),
        download_size: u64::try_from(package.download_size()).unwrap_or(0),
        installed_size_delta: package.isize().saturating_sub(before),
        sha256,
        grade: None,
    })
}

/// Is a package that comes, or is there, made to count as installed for others?
///
/// Of a change that leaves the rest of the system alone that is all of it, as `pacman -S --asdeps` has
/// it. `pacman -Su --asdeps` would take the whole system along; here it is the targets.
pub(crate) fn made_automatic(change: &Change, request: &Request, name: &str) -> bool {
    change.options.as_dependencies && (!follows(change) || request.targets.contains(name))
}

/// Does the whole system follow?
pub(crate) fn follows(change: &Change) -> bool {
    match change.operation {
        Operation::Upgrade => change.targets.is_empty() || change.options.follow,
        Operation::Install => change.options.follow,
        Operation::Remove | Operation::Autoremove => false,
    }
}

fn goes(change: &Change, reasons: &Reasons<'_>, package: Package<'_>) -> Planned {
    Planned {
        action: if change.options.purge { Action::Purge } else { Action::Remove },
        name: package.name().to_owned(),
        architecture: architecture(package),
        old_version: Some(package.version().to_string()),
        new_version: None,
        source: Source::Alpm,
        repository: String::new(),
        reason: reasons.of_going(package.name()),
        automatic: false,
        download_size: 0,
        installed_size_delta: 0_i64.saturating_sub(package.isize()),
        sha256: None,
        grade: None,
    }
}

fn architecture(package: Package<'_>) -> String {
    package.arch().unwrap_or("any").to_owned()
}

/// Who wants it: nobody if the user does.
fn wanting(change: &Change, coming: &[Package<'_>], wanted: &str) -> String {
    if change.targets.iter().any(|target| target == wanted) {
        return String::new();
    }
    let wants = |package: &Package<'_>| {
        package.depends().into_iter().any(|relation| notation(&relation) == wanted)
    };
    let names = coming.iter().filter(|package| wants(package)).map(|package| package.name());
    names.min().unwrap_or_default().to_owned()
}

/// Optional dependencies of packages that were not there before.
fn optional(
    handle: &Handle,
    coming: &[Package<'_>],
    going: &[Package<'_>],
) -> Vec<OptionalDependency> {
    let goes = |name: &str| going.iter().any(|package| package.name() == name);
    let staying: Vec<Package<'_>> =
        handle.alpm.localdb().pkgs().into_iter().filter(|package| !goes(package.name())).collect();
    let mut all = Vec::new();
    for package in coming.iter().filter(|package| handle.installed(package.name()).is_none()) {
        for relation in package.optdepends() {
            all.push(OptionalDependency {
                package: package.name().to_owned(),
                wanted: notation(&relation),
                description: relation.desc().unwrap_or_default().to_owned(),
                satisfied: staying.iter().chain(coming).any(|other| fulfils(*other, &relation)),
            });
        }
    }
    all
}

/// What stays, and could use what goes, in pacman's words.
fn missed(handle: &Handle, coming: &[Package<'_>], going: &[Package<'_>]) -> Vec<String> {
    if going.is_empty() {
        return Vec::new();
    }
    let changes = |name: &str| going.iter().chain(coming).any(|package| package.name() == name);
    let staying: Vec<Package<'_>> = handle
        .alpm
        .localdb()
        .pkgs()
        .into_iter()
        .filter(|package| !changes(package.name()))
        .collect();
    let mut all = Vec::new();
    for package in &staying {
        for relation in package.optdepends() {
            let met = |packages: &[Package<'_>]| {
                packages.iter().any(|package| fulfils(*package, &relation))
            };
            if met(going) && !met(&staying) && !met(coming) {
                all.push(format!("{} optionally requires {}", package.name(), notation(&relation)));
            }
        }
    }
    all
}

/// A reason as the end of a sentence.
pub(crate) fn in_words(reason: &Reason) -> String {
    match reason {
        Reason::ReplacedBy(other) => format!("{other} replaces it"),
        Reason::Conflict(other) => format!("it conflicts with {other}"),
        Reason::Unneeded => "nothing needs it".into(),
        Reason::Requested => "it was asked for".into(),
        _ => "libalpm does not say why".into(),
    }
}
