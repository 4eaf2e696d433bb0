//! System packages: what building and testing need, and how they get here.
//!
//! The list is short on purpose. Compression and hashing bring their C sources along and are linked
//! statically; a C compiler with its headers is what they take, and the linker of the Rust toolchain
//! needs the same two. Signatures are checked with OpenSSL's libcrypto 3, which every distribution
//! keeps patched. Apart from it only the engines are linked against libraries of the system, each
//! against that of its own distribution; the tests build both.

use crate::native;
use crate::shell::{self, Outcome};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Something that must work, and the packages that make it work: Debian's and Arch's.
pub(crate) struct Need {
    works: fn() -> bool,
    package: &'static str,
    arch: &'static str,
    purpose: &'static str,
}

/// For building.
pub(crate) const BUILD: &[Need] = &[
    need(compiler, "gcc", "gcc", "C compiler and linker"),
    need(headers, "libc6-dev", "glibc", "C headers, for zstd, liblzma and BLAKE3"),
    need(|| program("pkg-config"), "pkg-config", "pkgconf", "finds OpenSSL"),
    need(|| header("cc", "openssl/evp.h"), "libssl-dev", "openssl", "checks OpenPGP signatures"),
    need(libclang, "libclang-dev", "clang", "reads OpenSSL's headers while building"),
];

/// For `omg-engine-apt`, on top of building.
pub(crate) const ENGINE_APT: &[Need] = &[
    need(|| program("c++"), "g++", "gcc", "C++ compiler, for omg-engine-apt"),
    need(
        || header("c++", "apt-pkg/cachefile.h"),
        "libapt-pkg-dev",
        "apt",
        "plans with apt's own library",
    ),
];

/// For `omg-engine-alpm`, on top of building.
pub(crate) const ENGINE_ALPM: &[Need] = &[
    need(|| program("pkg-config"), "pkg-config", "pkgconf", "finds libalpm"),
    need(|| header("cc", "archive.h"), "libarchive-dev", "libarchive", "libalpm needs it"),
    need(|| header("cc", "curl/curl.h"), "libcurl4-openssl-dev", "curl", "libalpm needs it"),
    need(|| header("cc", "gpgme.h"), "libgpgme-dev", "gpgme", "libalpm needs it"),
    need(|| header("cc", "alpm.h"), "libalpm-dev", "pacman", "plans with pacman's own library"),
];

/// For the tests, on top of building everything.
pub(crate) const TEST: &[Need] = &[
    need(|| program("strace"), "strace", "strace", "counts the daemon's system calls"),
    need(|| program("git"), "git", "git", "recipes of the AUR are git repositories"),
    need(|| program("fakeroot"), "fakeroot", "fakeroot", "makes roots without being root"),
    need(
        || program("pacman"),
        "pacman-package-manager",
        "pacman",
        "what answers are compared with",
    ),
    need(|| program("makepkg"), "makepkg", "pacman", "builds the packages of tests"),
    need(|| program("bwrap"), "bubblewrap", "bubblewrap", "confines the builds of recipes"),
    need(|| program("bsdtar"), "libarchive-tools", "libarchive", "makepkg and repo-add use it"),
    need(|| program("gpg"), "gnupg", "gnupg", "signs the repositories of tests"),
    need(|| program("gpgv"), "gpgv", "gnupg", "what verdicts are compared with"),
    need(|| program("sqv"), "sqv", "sequoia-sqv", "what verdicts are compared with"),
    need(|| program("dpkg-scanpackages"), "dpkg-dev", "dpkg", "makes the lists of tests' archives"),
];

/// For counting instructions, on top of building.
pub(crate) const COUNT: &[Need] =
    &[need(|| program("valgrind"), "valgrind", "valgrind", "counts instructions")];

const fn need(
    works: fn() -> bool,
    package: &'static str,
    arch: &'static str,
    purpose: &'static str,
) -> Need {
    Need { works, package, arch, purpose }
}

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
    includes(&mut cc(), "c", "stdlib.h")
}

/// Is libclang where bindgen looks for it?
fn libclang() -> bool {
    let has = |directory: &Path| {
        std::fs::read_dir(directory).is_ok_and(|mut entries| {
            entries.any(|entry| {
                entry.is_ok_and(|entry| {
                    let name = entry.file_name();
                    let name = name.to_string_lossy();
                    name.starts_with("libclang.so") || name.starts_with("libclang-")
                })
            })
        })
    };
    if let Some(set) = std::env::var_os("LIBCLANG_PATH") {
        return has(Path::new(&set));
    }
    let mut directories = vec!["/usr/lib".into(), "/usr/lib64".into()];
    for parent in ["/usr/lib", "/usr/lib64"] {
        let Ok(entries) = std::fs::read_dir(parent) else { continue };
        directories.extend(entries.flatten().map(|entry| entry.path()).filter(|path| {
            path.file_name().is_some_and(|it| it.to_string_lossy().starts_with("llvm"))
        }));
    }
    directories.iter().any(|it: &std::path::PathBuf| has(&it.join("lib")) || has(it))
}

/// Does a compiler (`cc` or `c++`) find this header?
fn header(compiler: &str, name: &str) -> bool {
    match compiler {
        "c++" => includes(&mut Command::new("c++"), "c++", name),
        _ => includes(cc().arg("-D_FILE_OFFSET_BITS=64"), "c", name),
    }
}

fn includes(compiler: &mut Command, language: &str, name: &str) -> bool {
    let started = compiler
        .args(["-E", "-x", language, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = started else { return false };
    let text = format!("#include <{name}>\n");
    let written = child.stdin.take().is_some_and(|mut it| it.write_all(text.as_bytes()).is_ok());
    child.wait().is_ok_and(|status| status.success()) && written
}

/// Sees to it that everything needed is there: asks on a terminal, does it at once in CI.
pub(crate) fn require(needs: &[Need]) -> Outcome {
    let missing: Vec<&Need> = needs.iter().filter(|need| !(need.works)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    eprintln!("These system packages are missing:");
    let arch = native::is_arch();
    let mut names: Vec<&str> =
        missing.iter().map(|need| if arch { need.arch } else { need.package }).collect();
    for (name, need) in names.iter().zip(&missing) {
        eprintln!("  {name:24}{}", need.purpose);
    }
    names.sort_unstable();
    names.dedup();
    install(arch, &names)?;
    match missing.iter().find(|need| !(need.works)()) {
        None => Ok(()),
        Some(need) => Err(format!(
            "{} is installed, but what it is for does not work: {}",
            need.package, need.purpose
        )),
    }
}

/// Installs packages of the system, if whoever is there agrees.
fn install(arch: bool, names: &[&str]) -> Outcome {
    let (tool, first): (_, &[&str]) = if arch {
        // Never `-Sy`: packages newer than the rest of the system would come in.
        ("pacman", &["-S", "--needed", "--noconfirm"])
    } else {
        ("apt-get", &["install", "-y", "--no-install-recommends"])
    };
    if !program(tool) {
        return Err("they have to be installed with this system's own package tool".to_owned());
    }
    let install = [first, names].concat();
    let sudo = if for_everybody() { "" } else { "sudo " };
    let typed = format!("{sudo}{tool} {}", install.join(" "));
    match shell::ask(format_args!("Install them with `{typed}`?")) {
        Some(true) => {}
        None if shell::in_ci() => {}
        Some(false) | None => return Err(format!("cannot go on without them; type: {typed}")),
    }
    // Lists that are missing or out of date make the installation fail.
    if arch || lists_present() {
        let installed = as_root(tool, &install);
        if arch || installed.is_ok() {
            return installed;
        }
    }
    as_root(tool, &["update"])?;
    as_root(tool, &install)
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
        return as_root("apt-get", &["update"]);
    }
    eprintln!("note: `apt-get update`, as root, fetches them.");
    Ok(())
}

/// Whether apt knows any repository's packages.
fn lists_present() -> bool {
    let Ok(entries) = std::fs::read_dir("/var/lib/apt/lists") else { return false };
    entries.flatten().any(|entry| entry.file_name().to_string_lossy().contains("_Packages"))
}

fn as_root(tool: &str, arguments: &[&str]) -> Outcome {
    let mut command = Command::new(if for_everybody() { tool } else { "sudo" });
    if !for_everybody() {
        command.arg(tool);
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
