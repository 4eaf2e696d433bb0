//! Marking packages in the order and with the calls of apt-get (`apt-private/private-install.cc`).

use omg_core::{Operation, Scope};
use rust_apt::cache::Upgrade;
use rust_apt::raw::PkgIterator;
use rust_apt::{Package, PkgSelectedState, Version};

use crate::describe::file_name;
use crate::error::{Error, messages};
use crate::names::pretty;
use crate::release;
use crate::select::Selection;
use crate::session::Session;
use crate::{sweep, unmet};

/// dpkg's states of a package, as libapt numbers them.
mod state {
    pub(super) const NOT_INSTALLED: u8 = 0;
    pub(super) const UNPACKED: u8 = 1;
    pub(super) const HALF_CONFIGURED: u8 = 2;
    pub(super) const HALF_INSTALLED: u8 = 4;
    pub(super) const CONFIG_FILES: u8 = 5;
    pub(super) const INSTALLED: u8 = 6;
    pub(super) const TRIGGERS_AWAITED: u8 = 7;
    pub(super) const TRIGGERS_PENDING: u8 = 8;
}

/// dpkg's flag of a package that must be installed again, with or without a hold.
const REINSTALL_REQUIRED: [u8; 2] = [1, 3];

/// The package as libapt sees it; the numbers of its states are not turned into names, which panics
/// where they are none.
fn raw<'p>(package: &'p Package<'_>) -> &'p PkgIterator {
    package
}

/// Did an installation or removal of the package stop half way?
pub(crate) fn is_odd(package: &Package<'_>) -> bool {
    let raw = raw(package);
    let whole = [state::NOT_INSTALLED, state::CONFIG_FILES, state::INSTALLED];
    raw.inst_state() != 0 || !whole.contains(&raw.current_state())
}

/// Is the package on hold?
pub(crate) fn is_held(package: &Package<'_>) -> bool {
    raw(package).selected_state() == PkgSelectedState::Hold as u8
}

/// Marks what the change asks for and everything that follows from it.
pub(crate) fn mark<'a>(session: &mut Session<'a>, selection: &Selection<'a>) -> Result<(), Error> {
    let named = !session.change.targets.is_empty();
    apply_status(session)?;
    let broken = session.cache().depcache().broken_count() != 0;
    if broken && !named {
        return Err(unmet::before(session));
    }
    match session.change.operation {
        Operation::Upgrade if !named => upgrade(session)?,
        Operation::Install | Operation::Upgrade | Operation::Remove | Operation::Autoremove => {
            marks(session, selection, broken)?;
        }
    }
    if session.cache().depcache().broken_count() != 0 {
        return Err(unmet::after(session));
    }
    sweep::sweep(session)?;
    if session.change.options.as_dependencies {
        // After the sweep, which would not let in what is new and unneeded.
        for package in &session.protected {
            if package.marked_install() || package.is_installed() && !package.marked_delete() {
                package.mark_auto(true);
            }
        }
    }
    if session.change.options.purge {
        for package in session.changed() {
            if package.marked_delete() && !package.marked_purge() {
                package.mark_delete(true);
            }
        }
    }
    Ok(())
}

/// Marks what meets unmet dependencies (`apt-get --fix-broken install`). What must be installed again is,
/// in the version whose archive is there: apt-get fetches that of the old one.
pub(crate) fn repair(session: &Session<'_>) -> Result<(), Error> {
    apply_status(session)?;
    let again = |package: &&Package<'_>| REINSTALL_REQUIRED.contains(&raw(package).inst_state());
    for package in session.installed.iter().filter(again) {
        // Its number, if its archive is there.
        let here = |version: Option<Version<'_>>| {
            version.filter(|it| has_archive(session, it)).map(|it| it.index())
        };
        match (here(package.installed()), here(package.candidate())) {
            (old, Some(new)) if old != Some(new) => package.mark_install(false, false),
            (old, _) => old.is_some() && package.mark_reinstall(true),
        };
    }
    let cache = session.cache();
    if cache.depcache().broken_count() != 0 && !cache.fix_broken() {
        return Err(unmet::after(session));
    }
    if cache.depcache().broken_count() != 0 {
        return Err(unmet::after(session));
    }
    Ok(())
}

/// Finishes what stopped half way (`pkgApplyStatus`).
fn apply_status(session: &Session<'_>) -> Result<(), Error> {
    for package in
        session.installed.iter().filter(|package| is_odd(package) && package.has_versions())
    {
        let raw = raw(package);
        let downloadable =
            |version: Option<Version<'_>>| version.is_some_and(|v| v.is_downloadable());
        let again = REINSTALL_REQUIRED.contains(&raw.inst_state());
        if again && !downloadable(package.installed()) {
            if !downloadable(package.candidate()) {
                return Err(Error::Unmet {
                    what: "a package must be installed again, but no repository has it",
                    causes: vec![pretty(package)],
                    hint: "`sudo apt-get update` brings the lists up to date; else remove the package",
                });
            }
            package.mark_install(false, false);
        } else if again {
            package.mark_keep();
        } else {
            finish(package, downloadable(package.installed()), downloadable(package.candidate()));
        }
    }
    Ok(())
}

/// Is the archive in apt's cache, as far as that can be told without its digest?
fn has_archive(session: &Session<'_>, version: &Version<'_>) -> bool {
    let file = file_name(version.parent().name(), version.version(), version.arch());
    let path = std::path::Path::new(&session.settings.archives).join(file);
    path.symlink_metadata().is_ok_and(|there| there.is_file() && there.len() == version.size())
}

fn finish(package: &Package<'_>, installed: bool, candidate: bool) {
    let raw = raw(package);
    let configure = matches!(raw.current_state(), state::UNPACKED | state::HALF_CONFIGURED);
    match raw.current_state() {
        state::UNPACKED
        | state::HALF_CONFIGURED
        | state::TRIGGERS_AWAITED
        | state::TRIGGERS_PENDING => {
            if installed || configure || raw.inst_state() == 0 {
                package.mark_keep();
            } else if candidate {
                package.mark_install(true, false);
            } else {
                package.mark_delete(false);
            }
        }
        state::HALF_INSTALLED => {
            package.mark_delete(false);
        }
        _ => {}
    }
}

/// The whole system to its candidates.
fn upgrade(session: &Session<'_>) -> Result<(), Error> {
    let kind = match session.change.options.scope {
        Scope::Safe => Upgrade::SafeUpgrade,
        Scope::Standard => Upgrade::Upgrade,
        Scope::Full => Upgrade::FullUpgrade,
    };
    // apt-get upgrade doesn't hold back sweeps, and the resolver looks at what they find.
    session.open.release();
    let upgraded = session.cache().upgrade(kind);
    session.open.hold();
    match upgraded {
        Ok(()) => Ok(()),
        Err(_) if session.cache().depcache().broken_count() != 0 => Err(unmet::after(session)),
        Err(errors) => Err(Error::library("the upgrade can't be computed", &errors)),
    }
}

/// The named packages.
fn marks<'a>(
    session: &mut Session<'a>,
    selection: &Selection<'a>,
    broken: bool,
) -> Result<(), Error> {
    for version in &selection.removes {
        remove(session, version);
    }
    let mut later = Vec::new();
    for version in &selection.installs {
        install(session, version, broken, &mut later);
    }
    choose(session);
    release::switch(session.cache(), &selection.switched);
    for package in &later {
        package.mark_install(true, true);
    }
    let depcache = session.cache().depcache();
    if broken && depcache.broken_count() != 0 {
        return Err(unmet::before(session));
    }
    // Where nothing is broken, libapt's own resolver changes nothing, and takes 30 ms for it.
    if depcache.broken_count() != 0 || !session.settings.internal {
        let resolved = session.cache().resolve(true);
        if depcache.broken_count() != 0 {
            return Err(unmet::after(session));
        }
        if let Err(errors) = resolved {
            return Err(Error::library("the change can't be computed", &errors));
        }
    }
    match messages() {
        causes if causes.is_empty() => Ok(()),
        causes => Err(Error::Library { doing: "the change can't be computed", causes }),
    }
}

fn protect<'a>(session: &mut Session<'a>, package: &Package<'a>) {
    session.requested.insert(package.index());
    session.cache().resolver().clear(package);
    package.protect();
    session.protected.push(package.clone());
}

/// `TryToRemove`.
fn remove<'a>(session: &mut Session<'a>, version: &Version<'a>) {
    let package = version.parent();
    protect(session, &package);
    let purge = session.change.options.purge;
    let gone = raw(&package).current_state() == state::NOT_INSTALLED;
    if (!package.is_installed() && !purge) || (purge && gone) {
        session
            .notes
            .push(format!("'{}' is not installed, so it is not removed", pretty(&package)));
    } else {
        package.mark_delete(purge);
    }
}

/// `TryToInstall`.
fn install<'a>(
    session: &mut Session<'a>,
    version: &Version<'a>,
    broken: bool,
    later: &mut Vec<Package<'a>>,
) {
    let package = version.parent();
    let reinstall = session.change.options.reinstall;
    let upgrade = session.change.operation == Operation::Upgrade;
    version.set_candidate();
    if upgrade && !package.is_installed() {
        session
            .notes
            .push(format!("'{}' is not installed, so it is not upgraded", pretty(&package)));
        return;
    }
    protect(session, &package);
    package.mark_install(false, true);
    if !package.marked_install() && reinstall {
        if package.installed().is_some_and(|version| version.is_downloadable()) {
            package.mark_reinstall(true);
        } else {
            let name = pretty(&package);
            session.notes.push(format!(
                "'{name}' can't be installed again: no repository has it in this version"
            ));
        }
    }
    if !broken {
        later.push(package.clone());
    }
    if !package.marked_install() && package.is_auto_installed() && !reinstall && !upgrade {
        package.mark_auto(false);
        session
            .notes
            .push(format!("'{}' is kept from now on, as if installed by name", pretty(&package)));
    }
}

/// Marks providers that the user chose, so that dependencies on what they provide are met by them.
fn choose(session: &mut Session<'_>) {
    for (wanted, chosen) in &session.change.providers {
        let cache = session.cache();
        let Some(package) = cache.get(chosen) else { continue };
        let Some(candidate) = package.candidate() else { continue };
        let provides = candidate.provides().any(|provided| provided.name() == wanted);
        let named = session.change.targets.iter().any(|target| target == wanted);
        if provides && !named && !package.is_installed() && !package.marked_install() {
            package.mark_install(true, false);
        }
    }
}
