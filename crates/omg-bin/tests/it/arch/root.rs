//! A system that pacman itself made, of real packages of December 2017, with the databases of
//! September 2022: nearly everything is out of date, a few things are in no repository any more.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Installed because somebody asked for them.
const ASKED_FOR: &[&str] = &[
    "ca-certificates-20170307-1-any",
    "dialog-1:1.3_20171209-1-x86_64",
    "diffutils-3.6-1-x86_64",
    "file-5.32-1-x86_64",
    "filesystem-2017.10-2-x86_64",
    "grep-3.1-1-x86_64",
    "gzip-1.8-2-x86_64",
    "less-487-1-x86_64",
    "libedit-20170329_3.1-1-x86_64",
    "licenses-20171006-1-any",
    "logrotate-3.13.0-1-x86_64",
    "make-4.2.1-2-x86_64",
    "pciutils-3.5.6-1-x86_64",
    "pcmciautils-018-7-x86_64",
    "pinentry-1.1.0-1-x86_64",
    "psmisc-23.1-1-x86_64",
    "sed-4.4-1-x86_64",
    "usbutils-009-1-x86_64",
    "vi-1:070224-2-x86_64",
    "which-2.21-2-x86_64",
];

/// Installed for others, some of which are not there (any more).
const FOR_OTHERS: &[&str] = &[
    "acl-2.2.52-4-x86_64",
    "attr-2.4.47-3-x86_64",
    "bzip2-1.0.6-6-x86_64",
    "ca-certificates-cacert-20140824-4-any",
    "ca-certificates-utils-20170307-1-any",
    "gmp-6.1.2-1-x86_64",
    "hwids-20171003-1-any",
    "iana-etc-20170824-1-any",
    "libassuan-2.5.1-1-x86_64",
    "libcap-2.25-1-x86_64",
    "libgpg-error-1.27-1-x86_64",
    "libksba-1.3.5-1-x86_64",
    "libmnl-1.0.4-1-x86_64",
    "libmpc-1.0.3-2-x86_64",
    "libnftnl-1.0.8-1-x86_64",
    "libusb-1.0.21-2-x86_64",
    "mpfr-3.1.6.p1-1-x86_64",
    "npth-1.5-1-x86_64",
    "popt-1.16-9-x86_64",
    "readline-7.0.003-1-x86_64",
    "xz-5.2.3-1-x86_64",
    "zlib-1:1.2.11-2-x86_64",
];

/// Only in the last repository, `old`, which has a list of files.
const OFFERED: &[&str] =
    &["bc-1.07.1-1-x86_64", "iw-4.9-2-x86_64", "pcmciautils-018-7-x86_64", "rsync-3.1.2-8-x86_64"];

const CONF: &str = "\
[options]
Architecture = x86_64
SigLevel = Never
HoldPkg = filesystem
IgnorePkg = sed
[core]
Server = http://127.0.0.1:9/$repo
[extra]
Server = http://127.0.0.1:9/$repo
[multilib]
Server = http://127.0.0.1:9/$repo
[old]
Server = http://127.0.0.1:9/$repo
";

/// A temporary root.
pub(crate) struct Root {
    directory: tempfile::TempDir,
}

/// Says loudly what is not there; where everything must be, that fails the test.
fn found(what: &str, is_there: bool) -> bool {
    if !is_there {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{what} is not there");
        println!("SKIPPED: {what} is not there");
    }
    is_there
}

/// Real data, or `None` if it was not given.
pub(crate) fn data(name: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let path = std::env::var_os("OMG_TEST_DATA").map_or(beside, PathBuf::from).join(name);
    found(&path.display().to_string(), path.exists()).then_some(path)
}

/// Are these programs to be had?
pub(crate) fn programs(names: &[&str]) -> bool {
    let there =
        |name: &&str| ["/usr/bin", "/bin"].iter().any(|at| Path::new(at).join(name).exists());
    names.iter().all(|name| found(name, there(name)))
}

/// The system, made once for all tests that look at it at the same time and do not change it.
pub(crate) fn shared() -> Option<Arc<Root>> {
    static ROOT: Mutex<Weak<Root>> = Mutex::new(Weak::new());
    let mut kept = ROOT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(root) = kept.upgrade() {
        return Some(root);
    }
    let root = Arc::new(Root::made()?);
    *kept = Arc::downgrade(&root);
    Some(root)
}

impl Root {
    /// A root with a configuration and nothing else.
    pub(crate) fn empty(conf: &str) -> Self {
        let root = Self { directory: tempfile::tempdir().unwrap() };
        for part in ["etc", "var/lib/pacman/local", "var/lib/pacman/sync", "var/cache/pacman/pkg"] {
            fs::create_dir_all(root.path().join(part)).unwrap();
        }
        root.write("var/lib/pacman/local/ALPM_DB_VERSION", "9\n");
        root.write("etc/pacman.conf", conf);
        root
    }

    fn made() -> Option<Self> {
        let tools: &[&str] = if rustix::process::geteuid().is_root() {
            &["pacman", "tar"]
        } else {
            &["pacman", "tar", "fakeroot"]
        };
        let (packages, era) = (data("arch/signed-2017-12")?, data("arch/era-2022-09")?);
        if !programs(tools) {
            return None;
        }
        let root = Self::empty(CONF);
        for (names, more) in [(FOR_OTHERS, &["--asdeps"][..]), (ASKED_FOR, &[])] {
            let files = names.iter().map(|name| packages.join(format!("{name}.pkg.tar.xz")));
            // Much that they depend on is too large to be here: the system is broken in parts.
            let mut arguments = vec!["-U".into(), "-dd".into(), "--noscriptlet".into()];
            arguments.extend(more.iter().map(Into::into));
            arguments.extend(files.map(PathBuf::into_os_string));
            let output = root.pacman(&arguments);
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{said}");
        }
        for name in ["core", "extra", "multilib"] {
            let file = format!("{name}.db");
            fs::write(root.sync().join(&file), fs::read(era.join(file)).unwrap()).unwrap();
        }
        root.offer(&packages);
        Some(root)
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn sync(&self) -> PathBuf {
        self.path().join("var/lib/pacman/sync")
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The repository `old`, out of the packages' own records, as repo-add makes it. It is not used
    /// itself because it wants bsdtar, too.
    fn offer(&self, packages: &Path) {
        let entries = tempfile::tempdir().unwrap();
        for package in OFFERED {
            let archive = packages.join(format!("{package}.pkg.tar.xz"));
            let info = tar(&["-xOf".as_ref(), archive.as_os_str(), ".PKGINFO".as_ref()]);
            let listed = tar(&["-tf".as_ref(), archive.as_os_str()]);
            let (directory, desc) = record(&info, &archive);
            let directory = entries.path().join(directory);
            fs::create_dir(&directory).unwrap();
            fs::write(directory.join("desc"), desc).unwrap();
            let files: Vec<&str> = listed.lines().filter(|path| !path.starts_with('.')).collect();
            fs::write(directory.join("files"), format!("%FILES%\n{}\n", files.join("\n"))).unwrap();
        }
        self.pack("old", entries.path());
    }

    /// Makes `NAME.db`, and `NAME.files` if entries have lists of files, of a directory of entries.
    pub(crate) fn pack(&self, name: &str, entries: &Path) {
        for (end, without) in [("db", Some("--exclude=files")), ("files", None)] {
            let mut command = Command::new("tar");
            command.args(["--owner=0", "--group=0", "--sort=name"]).args(without);
            command.arg("-czf").arg(self.sync().join(format!("{name}.{end}")));
            command.arg("-C").arg(entries);
            command.args(fs::read_dir(entries).unwrap().map(|entry| entry.unwrap().file_name()));
            assert!(command.status().unwrap().success());
        }
    }

    /// Runs pacman on this root, with the right to change it if need be by fakeroot.
    pub(crate) fn pacman<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Output {
        let changes = arguments.first().is_some_and(|first| {
            let first = first.as_ref().to_string_lossy();
            ["-U", "-D", "-R"].iter().any(|start| first.starts_with(start))
        });
        let own = rustix::process::geteuid().is_root() || !changes;
        let mut command = Command::new(if own { "pacman" } else { "fakeroot" });
        command.args((!own).then_some("pacman"));
        let at = |path: &str| self.path().join(path);
        command.arg("--root").arg(self.path()).arg("--dbpath").arg(at("var/lib/pacman"));
        command.arg("--config").arg(at("etc/pacman.conf"));
        command.arg("--cachedir").arg(at("var/cache/pacman/pkg"));
        command.arg("--logfile").arg(at("pacman.log")).arg("--hookdir").arg(at("hooks"));
        command.args(["--noconfirm", "--color", "never"]).args(arguments);
        command.env_clear().env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin").env("LC_ALL", "C");
        command.env("TZ", "UTC").stdin(Stdio::null()).output().unwrap()
    }

    /// Lines that pacman prints, each once. It may say no, which it does where nothing is found.
    pub(crate) fn lines<S: AsRef<OsStr>>(&self, arguments: &[S]) -> BTreeSet<String> {
        let output = self.pacman(arguments);
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
    }
}

fn tar(arguments: &[&OsStr]) -> String {
    let output = Command::new("tar").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// An entry's directory and its `desc`, out of a `.PKGINFO`.
fn record(info: &str, archive: &Path) -> (String, String) {
    let values = |wanted: &str| -> Vec<&str> {
        let pairs = info.lines().filter_map(|line| line.split_once(" = "));
        pairs.filter(|(key, _)| *key == wanted).map(|(_, value)| value).collect()
    };
    let size = fs::metadata(archive).unwrap().len().to_string();
    let file = archive.file_name().unwrap().to_string_lossy().into_owned();
    let mut desc = format!("%FILENAME%\n{file}\n\n%CSIZE%\n{size}\n\n");
    for (field, key) in [
        ("NAME", "pkgname"),
        ("BASE", "pkgbase"),
        ("VERSION", "pkgver"),
        ("DESC", "pkgdesc"),
        ("GROUPS", "group"),
        ("ISIZE", "size"),
        ("URL", "url"),
        ("LICENSE", "license"),
        ("ARCH", "arch"),
        ("BUILDDATE", "builddate"),
        ("PACKAGER", "packager"),
        ("DEPENDS", "depend"),
        ("OPTDEPENDS", "optdepend"),
        ("PROVIDES", "provides"),
        ("CONFLICTS", "conflict"),
    ] {
        let values = values(key);
        if !values.is_empty() {
            let _ = write!(desc, "%{field}%\n{}\n\n", values.join("\n"));
        }
    }
    (format!("{}-{}", values("pkgname")[0], values("pkgver")[0]), desc)
}
