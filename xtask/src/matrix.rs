//! `cargo xtask arch-matrix`: the pacman engine's tests against the versions of libalpm that Arch has
//! and Debian 12 has not.
//!
//! Debian packages pacman, too: trixie has libalpm 15, sid has 16. Each suite becomes a root of its
//! own by mmdebstrap; the toolchain and the sources of all crates come from outside, read only but for cargo's locks, and
//! the tests run inside without a network. The roots are kept below cargo's target directory.

use crate::shell::{self, Outcome};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a root has besides the base system: what building and testing the engine takes.
const PACKAGES: &str = "gcc,libc6-dev,pkg-config,libalpm-dev,libarchive-dev,libcurl4-openssl-dev,\
libgpgme-dev,libssl-dev,pacman-package-manager,makepkg,fakeroot,libarchive-tools,zstd,xz-utils,\
ca-certificates";

/// Builds the roots that are not there yet, and tests in each.
pub(crate) fn run(suites: &[String]) -> Outcome {
    if !crate::packages::for_everybody() {
        return Err("roots are made by root; type: sudo -E cargo xtask arch-matrix".to_owned());
    }
    let suites = match suites {
        [] => vec!["trixie".to_owned(), "sid".to_owned()],
        named => named.to_vec(),
    };
    // Inside there is no network, so every crate must be here.
    shell::run(&mut shell::cargo(&["fetch", "--locked"]))?;
    let mut failed = Vec::new();
    for suite in &suites {
        eprintln!("== {suite}");
        if let Err(failure) = suite_run(suite) {
            eprintln!("{failure}");
            failed.push(suite.as_str());
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", "))) }
}

fn suite_run(suite: &str) -> Outcome {
    let folder = shell::target()?.join("matrix");
    let root = folder.join(suite);
    if !root.join("usr/include/alpm.h").exists() {
        make(suite, &folder, &root)?;
    }
    let version = shell::output(Command::new("chroot").arg(&root).args([
        "pkg-config",
        "--modversion",
        "libalpm",
    ]))?;
    let version = String::from_utf8_lossy(&version).trim().to_owned();
    // The crate for 15 serves 16 as well; both crates are tested there.
    let features: &[&str] = match version.split('.').next() {
        Some("13") => &["alpm13"],
        Some("15") => &["alpm15"],
        Some("16") => &["alpm15", "alpm16"],
        _ => return Err(format!("libalpm {version} of {suite} is not known")),
    };
    for feature in features {
        eprintln!("== {suite}: libalpm {version}, feature {feature}");
        test(&root, feature)?;
    }
    Ok(())
}

fn make(suite: &str, folder: &Path, root: &Path) -> Outcome {
    fs::create_dir_all(folder).map_err(shell::at(folder, "creating"))?;
    // A root that was begun and not finished can't be gone on with.
    let begun = folder.join(format!("{suite}.new"));
    if begun.exists() {
        fs::remove_dir_all(&begun).map_err(shell::at(&begun, "removing"))?;
    }
    let mut command = Command::new("mmdebstrap");
    command.args(["--variant=minbase", "--quiet"]).arg(format!("--include={PACKAGES}"));
    // A mirror of sid may be some days old.
    command.args(["--aptopt=Acquire::Check-Valid-Until \"false\"", suite]);
    shell::run(command.arg(&begun))?;
    fs::rename(&begun, root).map_err(shell::at(root, "renaming"))
}

/// Runs cargo inside a root, in a mount namespace of its own.
fn test(root: &Path, feature: &str) -> Outcome {
    let home = std::env::var_os("HOME").map_or_else(|| PathBuf::from("/root"), PathBuf::from);
    let place = |name: &str, below: &str| {
        std::env::var_os(name).map_or_else(|| home.join(below), PathBuf::from)
    };
    let (cargo, rustup) = (place("CARGO_HOME", ".cargo"), place("RUSTUP_HOME", ".rustup"));
    let data = std::env::var_os("OMG_TEST_DATA")
        .map_or_else(|| shell::root().join("../shared/data"), PathBuf::from);
    let script = format!(
        "set -e\n\
         bind() {{ mkdir -p \"$R$2\"; mount --bind \"$1\" \"$R$2\"; }}\n\
         from() {{ bind \"$1\" \"$2\"; mount -o remount,bind,ro \"$R$2\"; }}\n\
         bind {cargo} /cargo; from {rustup} /rustup; from {source} /source; from {data} /data\n\
         mount -t proc proc \"$R/proc\"; mount -t tmpfs tmp \"$R/tmp\"; mount --bind /dev \"$R/dev\"\n\
         exec chroot \"$R\" env -i PATH=/cargo/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root CI=true \
         CARGO_HOME=/cargo RUSTUP_HOME=/rustup CARGO_NET_OFFLINE=true CARGO_TARGET_DIR=/target \
         OMG_TEST_DATA=/data sh -c 'cd /source && cargo test --locked --package omg-engine-alpm \
         --no-default-features --features {feature}'",
        cargo = quoted(&cargo),
        rustup = quoted(&rustup),
        source = quoted(&shell::root()),
        data = quoted(&data),
    );
    let mut command = Command::new("unshare");
    command.args(["--mount", "--net", "sh", "-c"]).arg(script).env("R", root);
    shell::quietly(&mut command).map_err(|_| format!("the tests with {feature} failed"))
}

/// A path as one word of a shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', "'\\''"))
}
