//! A repository of a few packages on loopback, signed with a key of its own, and a root that uses it.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use omg_fetch::testing::Mirror;

use super::root::programs;
use crate::plans::{has_engine, write};
use crate::support::{Home, Run, run};

/// A package: name, version, and the lines that its `.PKGINFO` has besides.
pub(crate) type Package = (&'static str, &'static str, &'static str);

const PACKAGES: &[Package] = &[
    ("editor", "1.0-1", "depend = tool\n"),
    ("tool", "1.0-1", "depend = libtool>=1\nbackup = etc/tool.conf\n"),
    ("libtool", "1.0-1", ""),
    ("other", "1.0-1", ""),
    ("gen", "1.0-1", ""),
];

/// Published when the first version is installed.
const NEW_TOOL: Package = ("tool", "2.0-1", "depend = libtool>=1\nbackup = etc/tool.conf\n");

/// A repository, a root and a home, gone at the end of the test.
pub(crate) struct Shop {
    directory: tempfile::TempDir,
    /// Databases that were published.
    published: Cell<u32>,
    pub(crate) mirror: Mirror,
    pub(crate) home: Home,
}

impl Shop {
    /// `None`, said aloud, without root or the tools.
    pub(crate) fn open() -> Option<Self> {
        if !has_engine("omg-engine-alpm")
            || !programs(&["pacman", "repo-add", "bsdtar", "gpg", "gpgconf"])
        {
            return None;
        }
        if !rustix::process::geteuid().is_root() {
            println!("SKIPPED: only root can change a system");
            return None;
        }
        let directory = tempfile::Builder::new().prefix("shop-").tempdir().unwrap();
        let served = directory.path().join("served");
        fs::create_dir(&served).unwrap();
        let mirror = Mirror::start(&served).unwrap();
        let home = Home::over(&directory.path().join("root"));
        // Nobody is asked who is on the network.
        let settings = "[aur]\nenabled = false\n[archive]\narch = \"\"\n";
        write(&home.path(".config"), "omg/settings.toml", settings);
        let shop = Self { directory, published: Cell::new(0), mirror, home };
        shop.make_key("shop");
        shop.prepare_root();
        for package in PACKAGES {
            shop.pack(package, "shop");
        }
        shop.publish(PACKAGES);
        Some(shop)
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.directory.path().join("root")
    }

    /// Whoever builds for root gets through to the root, as to a real one.
    pub(crate) fn let_through(&self) {
        use std::os::unix::fs::PermissionsExt as _;
        for directory in [self.directory.path(), &self.root()] {
            fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }

    pub(crate) fn served(&self) -> PathBuf {
        self.directory.path().join("served")
    }

    /// The file of a package, as it is served.
    pub(crate) fn file(&self, name: &str, version: &str) -> PathBuf {
        self.served().join(format!("{name}-{version}-any.pkg.tar.gz"))
    }

    /// A newer `tool`, offered from now on.
    pub(crate) fn offer_new_tool(&self) {
        self.pack(&NEW_TOOL, "shop");
        self.publish(&[NEW_TOOL]);
    }

    /// Makes a package as makepkg makes it, and signs it with a key.
    fn pack(&self, (name, version, more): &Package, key: &str) {
        let tree = self.directory.path().join("tree");
        write(&tree, &format!("usr/share/{name}/data"), &format!("{name} {version}\n"));
        let mut parts = vec!["usr"];
        if more.contains("backup = ") {
            write(&tree, &format!("etc/{name}.conf"), &format!("of {version}\n"));
            parts.push("etc");
        }
        let info = format!(
            "pkgname = {name}\npkgbase = {name}\npkgver = {version}\npkgdesc = The package {name}\n\
             url = https://example.org/\nbuilddate = 1600000000\npackager = Nobody <n@example.org>\n\
             size = 4096\narch = any\nlicense = MIT\n{more}"
        );
        write(&tree, ".PKGINFO", &info);
        let mut inventory = Command::new("bsdtar");
        inventory.args(["-czf", ".MTREE", "--format=mtree"]);
        inventory.arg("--options=!all,use-set,type,uid,gid,mode,time,size,md5,sha256,link");
        done(inventory.arg(".PKGINFO").args(&parts).current_dir(&tree));
        let mut archive = Command::new("bsdtar");
        archive.args(["--uid", "0", "--gid", "0", "-czf"]).arg(self.file(name, version));
        done(archive.args([".PKGINFO", ".MTREE"]).args(&parts).current_dir(&tree));
        fs::remove_dir_all(&tree).unwrap();
        self.sign(name, version, key);
    }

    /// Signs the file of a package with a key; made if it is not there.
    pub(crate) fn sign(&self, name: &str, version: &str, key: &str) {
        self.make_key(key);
        let file = self.file(name, version);
        done(gpg(&self.keys(key)).args(["--yes", "--detach-sign"]).arg(file));
    }

    /// Puts packages into the database, with the signatures that stand beside them.
    pub(crate) fn publish(&self, packages: &[Package]) {
        let files = packages.iter().map(|(name, version, _)| self.file(name, version));
        let served = self.served();
        // pacman 6.1 and later include no signatures unless told to; before there is no such option.
        let help = Command::new("repo-add").arg("--help").output().unwrap();
        let include = String::from_utf8_lossy(&help.stdout).contains("--include-sigs");
        done(
            Command::new("repo-add")
                .args(["-q", "--nocolor"])
                .args(include.then_some("--include-sigs"))
                .arg(served.join("shop.db.tar.gz"))
                .args(files)
                .current_dir(&served),
        );
        // Mirrors tell times in seconds: each is of a minute of its own, all are of the past.
        let number = self.published.replace(self.published.get() + 1);
        let time =
            SystemTime::now() - Duration::from_hours(24) + Duration::from_mins(number.into());
        fs::File::open(served.join("shop.db.tar.gz")).unwrap().set_modified(time).unwrap();
    }

    /// Publishes a package of the first ones anew: what the database had of it is forgotten.
    pub(crate) fn publish_again(&self, name: &str) {
        let package = PACKAGES.iter().find(|it| it.0 == name).unwrap();
        let database = self.served().join("shop.db.tar.gz");
        let mut remove = Command::new("repo-remove");
        done(remove.args(["-q", "--nocolor"]).arg(database).arg(name).current_dir(self.served()));
        self.publish(&[*package]);
    }

    fn keys(&self, name: &str) -> PathBuf {
        self.directory.path().join(format!("keys-{name}"))
    }

    fn make_key(&self, name: &str) {
        let home = self.keys(name);
        if home.exists() {
            return;
        }
        private(&home);
        let who = format!("{name} <{name}@example.org>");
        let make = ["--passphrase", "", "--quick-gen-key", &who, "ed25519", "sign", "never"];
        done(gpg(&home).args(make));
    }

    fn prepare_root(&self) {
        let root = self.root();
        for directory in [
            "etc/pacman.d/hooks",
            "var/lib/pacman/local",
            "var/lib/pacman/sync",
            "var/cache/pacman/pkg",
            "var/log",
        ] {
            fs::create_dir_all(root.join(directory)).unwrap();
        }
        write(&root, "var/lib/pacman/local/ALPM_DB_VERSION", "9\n");
        write(&root, "etc/os-release", "ID=arch\n");
        self.configure("");
        // As `pacman-key --init` and `--populate` leave it: the key, and trust in it.
        let keys = root.join("etc/pacman.d/gnupg");
        private(&keys);
        fs::write(keys.join("pubring.gpg"), "").unwrap();
        let public = self.directory.path().join("shop.key");
        done(gpg(&self.keys("shop")).args(["--yes", "--export", "--output"]).arg(&public));
        done(gpg(&keys).arg("--import").arg(&public));
        let listed = gpg(&keys).args(["--with-colons", "--list-keys"]).output().unwrap();
        let listed = String::from_utf8(listed.stdout).unwrap();
        let print = listed.lines().find_map(|line| line.strip_prefix("fpr:")).unwrap();
        let trust = format!("{}:6:\n", print.trim_matches(':'));
        write(self.directory.path(), "trust", &trust);
        done(gpg(&keys).arg("--import-ownertrust").arg(self.directory.path().join("trust")));
        done(gpg(&keys).arg("--check-trustdb"));
        stop(&keys);
    }

    /// Writes pacman.conf, with more lines for `[options]`.
    pub(crate) fn configure(&self, more: &str) {
        let conf = format!(
            "[options]\nArchitecture = x86_64\nSigLevel = Required DatabaseOptional\n\
             LocalFileSigLevel = Optional\n{more}\n[shop]\nServer = {}\n",
            self.mirror.base()
        );
        write(&self.root(), "etc/pacman.conf", &conf);
    }

    /// Lines that pacman prints of the root.
    pub(crate) fn pacman(&self, arguments: &[&str]) -> Vec<String> {
        let run = self.ask_pacman(arguments);
        run.stdout.lines().map(str::to_owned).collect()
    }

    fn ask_pacman(&self, arguments: &[&str]) -> Run {
        let root = self.root();
        let mut command = self.home.command("pacman");
        command.env("LC_ALL", "C").arg("--root").arg(&root);
        for (option, path) in [
            ("--dbpath", "var/lib/pacman"),
            ("--config", "etc/pacman.conf"),
            ("--cachedir", "var/cache/pacman/pkg"),
            ("--gpgdir", "etc/pacman.d/gnupg"),
            ("--logfile", "var/log/pacman.log"),
            ("--hookdir", "etc/pacman.d/hooks"),
        ] {
            command.arg(option).arg(root.join(path));
        }
        run(command.args(["--noconfirm", "--color", "never"]).args(arguments))
    }

    /// pacman finds the same packages, for the same reasons, as `omg`, and nothing wrong with them.
    /// `wanted` are the packages with versions; those for others have a `+` before them.
    pub(crate) fn stands(&self, wanted: &[&str]) {
        let explicit: Vec<&str> =
            wanted.iter().filter(|it| !it.starts_with('+')).copied().collect();
        let others: Vec<&str> = wanted.iter().filter_map(|it| it.strip_prefix('+')).collect();
        assert_eq!(self.pacman(&["-Qe"]), explicit);
        assert_eq!(self.pacman(&["-Qd"]), others);
        // Of nothing at all pacman says that there is nothing, as an error.
        let checks = if wanted.is_empty() { &["-Dk"][..] } else { &["-Dk", "-Qkk"] };
        for check in checks {
            let run = self.ask_pacman(&[check]);
            assert_eq!(run.code, 0, "{check}: {run:?}");
        }
        let list = self.does(&["list"]);
        let rows = list.stdout.lines().map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let plus = if words.contains(&"dependency") { "+" } else { "" };
            format!("{plus}{} {}", words[0], words[1])
        });
        let mut rows: Vec<String> = rows.collect();
        rows.sort_by(|a, b| (a.starts_with('+'), a).cmp(&(b.starts_with('+'), b)));
        assert_eq!(rows, wanted, "{list:?}");
    }

    /// Runs `omg`, which must do it.
    pub(crate) fn does(&self, arguments: &[&str]) -> Run {
        let run = self.home.alone(arguments);
        assert_eq!(run.code, 0, "{arguments:?}: {run:?}");
        run
    }

    /// Runs `omg`, which must refuse with this exit code and error, and leave every file as it was.
    pub(crate) fn refuses(&self, arguments: &[&str], code: i32, error: &str) -> Run {
        let before = tree(&self.root());
        let run = self.home.alone(arguments);
        assert_eq!(run.code, code, "{arguments:?}: {run:?}");
        assert!(run.stderr.contains(error), "{arguments:?}: {run:?}");
        assert_eq!(tree(&self.root()), before, "{arguments:?}");
        run
    }

    /// The one object that `omg` prints.
    pub(crate) fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let run = self.does(arguments);
        serde_json::from_str(run.stdout.lines().last().unwrap()).unwrap()
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        // gpg leaves agents behind that hold the directories.
        for entry in fs::read_dir(self.directory.path()).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with("keys-") {
                stop(&entry.path());
            }
        }
        stop(&self.root().join("etc/pacman.d/gnupg"));
    }
}

fn private(directory: &Path) {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).unwrap();
}

fn gpg(home: &Path) -> Command {
    let mut command = Command::new("gpg");
    command.env("GNUPGHOME", home).args(["--batch", "--quiet"]);
    command
}

fn stop(home: &Path) {
    let _ = Command::new("gpgconf").env("GNUPGHOME", home).args(["--kill", "all"]).status();
}

fn done(command: &mut Command) {
    let run = command.output().unwrap();
    assert!(run.status.success(), "{command:?}: {run:?}");
}

/// Every file below a root with its contents, but for OMG's own and what pacman caches and logs.
pub(crate) fn tree(root: &Path) -> String {
    let script = "find . -xdev \\( -path ./var/lib/omg -o -path ./var/log -o -path ./var/cache \\) \
                  -prune -o -type f -print0 | sort -z | xargs -0 sha256sum";
    let run = Command::new("sh").args(["-c", script]).current_dir(root).output().unwrap();
    assert!(run.status.success(), "{run:?}");
    String::from_utf8(run.stdout).unwrap()
}
