//! The root directory of what is confined: the system's programs, read-only, and little else.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::{HOME, Identity, Limits, Profile, SHIM, WORKSPACE};

/// Directories of programs and libraries besides `/usr`; links into it on merged systems.
const SYSTEM: [&str; 6] = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];
/// What programs look up, and nothing that says who uses this machine or where it is.
const ETC: [&str; 5] = ["ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "localtime"];
/// The same for builds: makepkg's and pacman's settings, and catalogues of compilers and documents.
const ETC_BUILD: [&str; 12] = [
    "makepkg.conf",
    "makepkg.conf.d",
    "pacman.conf",
    "pacman.d/mirrorlist",
    "login.defs",
    "services",
    "protocols",
    "fonts",
    "xml",
    "sgml",
    "java-openjdk",
    "python3",
];
/// What is installed, which makepkg writes into each package, and programs outside `/usr`.
const BUILD: [&str; 2] = ["/var/lib/pacman/local", "/opt"];

/// A file that is made for the root: where it is, and what is in it.
pub(crate) type Made = (&'static str, String);

/// The files that are made: names for the few numbers that exist in there.
pub(crate) fn made(identity: Identity) -> Vec<Made> {
    let Identity { uid, gid } = identity;
    vec![
        (
            "/etc/passwd",
            format!(
                "root:x:0:0:root:/:/usr/sbin/nologin\nbuild:x:{uid}:{gid}:build:{HOME}:/bin/bash\n"
            ),
        ),
        ("/etc/group", format!("root:x:0:\nbuild:x:{gid}:\n")),
        ("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n".to_owned()),
        ("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n".to_owned()),
    ]
}

/// bubblewrap's arguments: namespaces, then mounts in order, the root closed at the end. What is `careless`
/// is for tests: without walls.
pub(crate) fn arguments(
    profile: Profile,
    limits: &Limits,
    workspace: &Path,
    shim: &Path,
    read_only: &[(PathBuf, PathBuf)],
    careless: bool,
) -> Vec<OsString> {
    let mut arguments = Arguments::default();
    if !careless {
        arguments.add(&["--unshare-all", "--unshare-user", "--disable-userns", "--clearenv"]);
        arguments.add(&["--cap-drop", "ALL", "--new-session", "--hostname", "omg-build"]);
    }
    arguments.add(&["--die-with-parent"]);
    arguments.add(&["--ro-bind", "/usr", "/usr"]);
    for name in SYSTEM {
        let path = Path::new("/").join(name);
        match fs::read_link(&path) {
            Ok(target) => arguments.pair("--symlink", &target, &path),
            Err(_) if path.is_dir() => arguments.pair("--ro-bind", &path, &path),
            Err(_) => {}
        }
    }
    let etc = ETC.iter().chain(ETC_BUILD.iter().filter(|_| profile == Profile::Build));
    for path in etc.map(|name| Path::new("/etc").join(name)) {
        arguments.pair("--ro-bind-try", &path, &path);
    }
    for path in BUILD.iter().filter(|_| profile == Profile::Build) {
        arguments.pair("--ro-bind-try", Path::new(path), Path::new(path));
    }
    arguments.add(&["--proc", "/proc", "--dev", "/dev"]);
    arguments.memory("/tmp", limits.temporary);
    arguments.memory("/dev/shm", limits.temporary / 4);
    arguments.memory(HOME, limits.temporary / 4);
    if careless {
        arguments.add(&["--bind", "/tmp", "/tmp"]);
    }
    arguments.pair("--ro-bind", shim, Path::new(SHIM));
    for (outside, inside) in read_only {
        arguments.pair("--ro-bind", outside, inside);
    }
    arguments.pair("--bind", workspace, Path::new(WORKSPACE));
    // Both are file systems in memory that belong to whoever runs in there: no limit, so no writing.
    arguments.add(&["--remount-ro", "/dev", "--remount-ro", "/"]);
    arguments.0
}

#[derive(Default)]
struct Arguments(Vec<OsString>);

impl Arguments {
    fn add(&mut self, words: &[&str]) {
        self.0.extend(words.iter().map(OsString::from));
    }

    fn pair(&mut self, option: &str, first: &Path, second: &Path) {
        self.0.extend([option.into(), first.into(), second.into()]);
    }

    /// A file system in memory, with a limit.
    fn memory(&mut self, path: &str, bytes: u64) {
        // Zero would mean no limit.
        self.add(&["--size", &bytes.max(4096).to_string(), "--perms", "0700", "--tmpfs", path]);
    }
}
