//! System packages: what building and testing need, and how they get here.
//!
//! The list is short on purpose. Compression and hashing bring their C sources along and are linked
//! statically, so a C compiler with its headers is all that a build takes; the linker of the Rust
//! toolchain needs the same two. Nothing is linked against a library of the system.

use crate::shell::{self, Outcome};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Something that must work, and the Debian package that makes it work.
pub(crate) struct Need {
    works: fn() -> bool,
    package: &'static str,
    purpose: &'static str,
}

/// For building.
pub(crate) const BUILD: &[Need] = &[
    Need { works: compiler, package: "gcc", purpose: "C compiler and linker" },
    Need {
        works: headers,
        package: "libc6-dev",
        purpose: "C headers, for zstd, liblzma and BLAKE3",
    },
];

/// For the tests, on top of building.
pub(crate) const TEST: &[Need] = &[Need {
    works: || program("strace"),
    package: "strace",
    purpose: "counts the daemon's system calls",
}];

/// For counting instructions, on top of building.
pub(crate) const COUNT: &[Need] =
    &[Need { works: || program("valgrind"), package: "valgrind", purpose: "counts instructions" }];

fn program(name: &str) -> bool {
    shell::succeeds(Command::new(name).arg("--version"))
}

fn cc() -> Command {
    Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()))
}

fn compiler() -> bool {
    shell::succeeds(cc().arg("--version"))
}

fn headers() -> bool {
    let started = cc()
        .args(["-E", "-x", "c", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = started else { return false };
    let written = child
        .stdin
        .take()
        .is_some_and(|mut input| input.write_all(b"#include <stdlib.h>\n").is_ok());
    child.wait().is_ok_and(|status| status.success()) && written
}

/// Sees to it that everything needed is there: asks on a terminal, does it at once in CI.
pub(crate) fn require(needs: &[Need]) -> Outcome {
    let missing: Vec<&Need> = needs.iter().filter(|need| !(need.works)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    eprintln!("These system packages are missing:");
    for need in &missing {
        eprintln!("  {:12}{}", need.package, need.purpose);
    }
    let names: Vec<&str> = missing.iter().map(|need| need.package).collect();
    let install = [&["install", "-y", "--no-install-recommends"], names.as_slice()].concat();
    let sudo = if for_everybody() { "" } else { "sudo " };
    let typed = format!("{sudo}apt-get {}", install.join(" "));
    if !program("apt-get") {
        return Err("they have to be installed with this system's own package tool".to_owned());
    }
    match shell::ask(format_args!("Install them with `{typed}`?")) {
        Some(true) => {}
        None if shell::in_ci() => {}
        Some(false) | None => return Err(format!("cannot go on without them; type: {typed}")),
    }
    // Lists that are missing or out of date make the installation fail.
    if !lists_present() || apt_get(&install).is_err() {
        apt_get(&["update"])?;
        apt_get(&install)?;
    }
    match missing.iter().find(|need| !(need.works)()) {
        None => Ok(()),
        Some(need) => Err(format!(
            "{} is installed, but what it is for does not work: {}",
            need.package, need.purpose
        )),
    }
}

/// The same for what something can be done without: says so, and goes on.
pub(crate) fn want(needs: &[Need]) {
    if let Err(failure) = require(needs) {
        eprintln!(
            "note: {failure}\nnote: going on without; what needs it is skipped or fails by name"
        );
    }
}

/// Says so if apt has no package lists, in which case a search can find only what is installed.
pub(crate) fn lists() -> Outcome {
    if !Path::new("/var/lib/dpkg/status").exists() || lists_present() {
        return Ok(());
    }
    eprintln!("note: apt has no package lists here, so only installed packages can be found.");
    if shell::ask("Fetch them with `apt-get update`?").unwrap_or_else(shell::in_ci) {
        return apt_get(&["update"]);
    }
    eprintln!("note: `apt-get update`, as root, fetches them.");
    Ok(())
}

/// Whether apt knows any repository's packages.
fn lists_present() -> bool {
    let Ok(entries) = std::fs::read_dir("/var/lib/apt/lists") else { return false };
    entries.flatten().any(|entry| entry.file_name().to_string_lossy().contains("_Packages"))
}

fn apt_get(arguments: &[&str]) -> Outcome {
    let mut command = Command::new(if for_everybody() { "apt-get" } else { "sudo" });
    if !for_everybody() {
        command.arg("apt-get");
    }
    if shell::in_ci() {
        command.env("DEBIAN_FRONTEND", "noninteractive");
    }
    // Standard output belongs to the program that is run in the end.
    shell::run(command.args(arguments).stdout(std::io::stderr()))
}

/// Whether this is root, who installs for everybody.
pub(crate) fn for_everybody() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}
