//! Where a wall can't be built, nothing is run.
//!
//! The kernel's parts are taken away from the real bubblewrap by strace, call by call.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use omg_core::{Code, Fault};
use omg_sandbox::{Confinement, Identity, Landlock, Profile, SandboxError};

use crate::site::{Site, is_root, skip};

/// A bubblewrap for which some system calls fail.
fn without(site: &Site, calls: &str, error: &str) -> Option<PathBuf> {
    if !Command::new("strace").arg("-V").output().is_ok_and(|it| it.status.success()) {
        skip("strace is not installed");
        return None;
    }
    let path = site.path(&format!("bwrap-without-{calls}"));
    let script = format!(
        "#!/bin/sh\nexec strace -f -o /dev/null -e trace={calls} -e inject={calls}:error={error} /usr/bin/bwrap \"$@\"\n"
    );
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    Some(path)
}

fn refused(confinement: &Confinement, site: &Site) -> Fault {
    let canary = site.workspace().join("canary");
    let error = confinement.check(&site.workspace()).unwrap_err();
    let run = confinement
        .command(&site.workspace(), "/usr/bin/touch", &["/build/canary"])
        .run(None, &mut |_| {});
    assert!(!canary.exists(), "it was run after {error}: {run:?}");
    Fault::from(&error)
}

#[test]
fn what_is_there_holds() {
    let Some(site) = Site::new() else { return };
    for profile in [Profile::Build, Profile::Strict] {
        let standing = site.confinement(profile).check(&site.workspace()).unwrap();
        assert!(!standing.degraded, "{profile}: {standing:?}");
        eprintln!("{profile}: {standing:?}");
    }
}

#[test]
fn without_the_programs_nothing_is_run() {
    let Some(site) = Site::new() else { return };
    let none = Path::new("/nowhere/bwrap");
    let fault = refused(&site.confinement(Profile::Build).bubblewrap(none), &site);
    assert_eq!(fault.code, Code::Sandbox);
    assert_eq!(fault.code.exit(), 9);
    assert!(fault.to_string().contains("/nowhere/bwrap"), "{fault}");
    assert!(fault.hint.unwrap().contains("bubblewrap"));
    let mut confinement = Confinement::new(Profile::Build, Path::new("/nowhere/shim"));
    if is_root() {
        confinement = confinement.run_as(crate::site::NOBODY);
    }
    let fault = refused(&confinement, &site);
    assert!(fault.hint.unwrap().contains("omg-sandbox-exec"));
}

#[test]
fn nothing_is_run_as_root() {
    let Some(site) = Site::new() else { return };
    for (uid, gid) in [(0, 0), (0, 1), (1, 0)] {
        let confinement = site.confinement(Profile::Build).run_as(Identity { uid, gid });
        let error = confinement.check(&site.workspace()).unwrap_err();
        assert!(matches!(error, SandboxError::Root), "{error}");
    }
    if is_root() {
        let error = Confinement::new(Profile::Build, &site.shim()).check(&site.workspace());
        assert!(matches!(error, Err(SandboxError::Root)));
    }
}

#[test]
fn without_namespaces_or_seccomp_nothing_is_run() {
    let Some(site) = Site::new() else { return };
    for (calls, error, hint) in [
        ("clone", "EPERM", "user namespaces"),
        ("clone", "ENOSPC", "user namespaces"),
        ("seccomp", "EINVAL", ""),
    ] {
        let Some(bubblewrap) = without(&site, calls, error) else { return };
        let fault = refused(&site.confinement(Profile::Build).bubblewrap(&bubblewrap), &site);
        assert_eq!(fault.code, Code::Sandbox);
        assert!(fault.hint.as_deref().unwrap_or_default().contains(hint), "{calls}: {fault:?}");
    }
}

#[test]
fn without_landlock_the_policy_decides() {
    let Some(site) = Site::new() else { return };
    let Some(bubblewrap) = without(&site, "landlock_create_ruleset", "ENOSYS") else { return };
    let build = site.confinement(Profile::Build).bubblewrap(&bubblewrap);
    let fault = refused(&build, &site);
    assert!(fault.hint.as_deref().is_some_and(|hint| hint.contains("Landlock")), "{fault:?}");
    let standing = build.landlock(Landlock::IfAvailable).check(&site.workspace()).unwrap();
    assert_eq!((standing.landlock, standing.degraded), (0, true));
    let strict = site.confinement(Profile::Strict).bubblewrap(&bubblewrap);
    refused(&strict.landlock(Landlock::IfAvailable), &site);
}
