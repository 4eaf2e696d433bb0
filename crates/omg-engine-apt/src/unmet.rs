//! Dependencies that are not met, in apt's words (`ShowBroken` in `apt-private/private-output.cc`).

use rust_apt::{BaseDep, DepFlags, DepType, Dependency, Package, Version};

use crate::error::{Error, clean, messages};
use crate::names::pretty;
use crate::session::{Session, key};

/// Most lines; more is not read by anybody.
const MOST: usize = 100;

/// In the order in which apt goes through a version's dependencies, which it does not keep.
const KINDS: [DepType; 7] = [
    DepType::PreDepends,
    DepType::Depends,
    DepType::Recommends,
    DepType::Suggests,
    DepType::Conflicts,
    DepType::DpkgBreaks,
    DepType::Obsoletes,
];

/// The system is broken as it is.
pub(crate) fn before(session: &Session<'_>) -> Error {
    Error::Unmet {
        what: "dependencies of installed packages are not met",
        causes: causes(session, true),
        hint: "`sudo apt-get --fix-broken install` repairs them",
    }
}

/// The change would break something.
pub(crate) fn after(session: &Session<'_>) -> Error {
    // libapt's own summary says that it failed, not why.
    messages();
    Error::Unmet {
        what: "the change can't be made: dependencies are not met",
        causes: causes(session, false),
        hint: "`omg why-not PKG` asks about one of the packages; held or pinned packages may be in the way",
    }
}

fn causes(session: &Session<'_>, now: bool) -> Vec<String> {
    let cache = session.cache();
    let is_broken = |p: &Package<'_>| if now { p.is_now_broken() } else { p.is_inst_broken() };
    let mut broken: Vec<Package<'_>> = cache.iter().filter(is_broken).collect();
    broken.sort_by_cached_key(key);
    let mut lines = Vec::new();
    for package in broken {
        let version = if now { package.installed() } else { package.install_version() };
        let Some(version) = version else {
            lines.push(pretty(&package));
            continue;
        };
        let flag = if now { DepFlags::DepGNow } else { DepFlags::DepGInstall };
        for group in KINDS.iter().filter_map(|kind| version.get_depends(kind)).flatten() {
            let Some(last) = group.last() else { continue };
            let depcache = cache.depcache();
            if depcache.is_important_dep(last) && depcache.dep_state(last) & flag == 0 {
                lines.push(line(&package, group, now));
            }
        }
        if lines.len() >= MOST {
            break;
        }
    }
    lines.truncate(MOST);
    lines.iter().map(|line| clean(line)).collect()
}

/// `foo : Depends: bar (>= 2) but 1.0 is to be installed`.
fn line(package: &Package<'_>, group: &Dependency<'_>, now: bool) -> String {
    let members: Vec<String> = group.iter().map(|member| describe(member, now)).collect();
    format!("{} : {}: {}", pretty(package), word(&group.dep_type()), members.join(" or "))
}

fn word(kind: &DepType) -> &'static str {
    match kind {
        DepType::PreDepends => "PreDepends",
        other => other.to_str(),
    }
}

fn describe(member: &BaseDep<'_>, now: bool) -> String {
    let target = member.target_package();
    let mut text = pretty(target);
    if let (Some(comparison), Some(version)) = (member.comp_type(), member.version()) {
        text.extend([" (", comparison, " ", version, ")"]);
    }
    if target.has_provides() && target.provides().next().is_some() {
        return text;
    }
    let version: Option<Version<'_>> =
        if now { target.installed() } else { target.install_version() };
    match version {
        Some(version) if now => text.extend([" but ", version.version(), " is installed"]),
        Some(version) => text.extend([" but ", version.version(), " is to be installed"]),
        None if target.candidate().is_none() => text.push_str(" but it is not installable"),
        None if now => text.push_str(" but it is not installed"),
        None => text.push_str(" but it is not going to be installed"),
    }
    text
}
