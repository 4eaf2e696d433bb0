//! Packages with contents, repositories made of them by `repo-add`, and roots to install them into.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::root::Root;

/// A package to be made.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    pub(crate) name: String,
    pub(crate) version: String,
    info: String,
    files: BTreeMap<String, Content>,
    install: Option<String>,
}

#[derive(Clone, Debug)]
enum Content {
    Text(String, u32),
    Link(String),
}

impl Recipe {
    /// A package with one file of its own.
    pub(crate) fn new(name: &str, version: &str) -> Self {
        let text = format!("{name} {version}\n");
        let this = Self {
            name: name.into(),
            version: version.into(),
            info: String::new(),
            files: BTreeMap::new(),
            install: None,
        };
        this.file(&format!("usr/share/{name}/version"), &text)
    }

    /// A line of `.PKGINFO`.
    pub(crate) fn with(mut self, field: &str, value: &str) -> Self {
        writeln!(self.info, "{field} = {value}").unwrap();
        self
    }

    pub(crate) fn depends(self, on: &str) -> Self {
        self.with("depend", on)
    }

    pub(crate) fn file(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.into(), Content::Text(text.into(), 0o644));
        self
    }

    pub(crate) fn program(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.into(), Content::Text(text.into(), 0o755));
        self
    }

    pub(crate) fn link(mut self, path: &str, to: &str) -> Self {
        self.files.insert(path.into(), Content::Link(to.into()));
        self
    }

    /// A configuration file.
    pub(crate) fn backup(self, path: &str, text: &str) -> Self {
        self.file(path, text).with("backup", path)
    }

    pub(crate) fn install(mut self, script: &str) -> Self {
        self.install = Some(script.into());
        self
    }

    /// The file that it makes.
    pub(crate) fn file_name(&self) -> String {
        format!("{}-{}-any.pkg.tar.gz", self.name, self.version)
    }

    /// Makes it.
    pub(crate) fn build(&self, into: &Path) -> PathBuf {
        let content = tempfile::tempdir().unwrap();
        let path = content.path();
        let mut size = 0;
        for (name, what) in &self.files {
            let at = path.join(name);
            fs::create_dir_all(at.parent().unwrap()).unwrap();
            match what {
                Content::Text(text, mode) => {
                    size += text.len();
                    fs::write(&at, text).unwrap();
                    fs::set_permissions(&at, fs::Permissions::from_mode(*mode)).unwrap();
                }
                Content::Link(to) => symlink(to, &at).unwrap(),
            }
        }
        let Self { name, version, info, .. } = self;
        let info = format!(
            "pkgname = {name}\npkgbase = {name}\npkgver = {version}\npkgdesc = made for a test\n\
             url = https://example.org/\nbuilddate = 1600000000\npackager = Nobody <no@body>\n\
             size = {size}\narch = any\nlicense = MIT\n{info}"
        );
        fs::write(path.join(".PKGINFO"), info).unwrap();
        let mut first = vec![".PKGINFO"];
        if let Some(install) = &self.install {
            fs::write(path.join(".INSTALL"), install).unwrap();
            first.push(".INSTALL");
        }
        let file = into.join(self.file_name());
        let mut rest: Vec<_> = fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !name.starts_with('.'))
            .collect();
        rest.sort();
        let tree = bsdtar(path)
            .args(["-czf", ".MTREE", "--format=mtree"])
            .arg("--options=!all,use-set,type,uid,gid,mode,time,size,sha256,link")
            .args(&first)
            .args(&rest)
            .status();
        assert!(tree.unwrap().success());
        let packed = bsdtar(path)
            .args(["--uid", "0", "--gid", "0", "-czf"])
            .arg(&file)
            .args(&first)
            .arg(".MTREE")
            .args(&rest)
            .status();
        assert!(packed.unwrap().success());
        file
    }
}

fn bsdtar(at: &Path) -> Command {
    let mut command = Command::new("bsdtar");
    // The same times in every build: two builds of a recipe are the same bytes but for these.
    command.current_dir(at).env("LC_ALL", "C").stdin(Stdio::null());
    command
}

/// A repository's directory with packages and a database made by `repo-add`.
pub(crate) struct Mirror {
    pub(crate) dir: tempfile::TempDir,
    name: String,
}

impl Mirror {
    pub(crate) fn new(name: &str) -> Self {
        Self { dir: tempfile::tempdir().unwrap(), name: name.into() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Builds and adds packages. Newer versions take the place of older ones in the database; their
    /// files stay.
    pub(crate) fn add(&self, recipes: &[Recipe]) {
        let files: Vec<PathBuf> = recipes.iter().map(|recipe| recipe.build(self.path())).collect();
        self.add_files(&files);
    }

    pub(crate) fn add_files(&self, files: &[PathBuf]) {
        let output = Command::new("repo-add")
            .current_dir(self.path())
            .args(["-q", "--nocolor"])
            .arg(self.database())
            .args(files)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path().join(format!("{}.db.tar.gz", self.name))
    }

    /// What `pacman -Sy` would leave in a root, and all packages in its cache.
    pub(crate) fn sync(&self, root: &Root) {
        let sync = root.database().join("sync");
        fs::copy(self.database(), sync.join(format!("{}.db", self.name))).unwrap();
        let signature = self.path().join(format!("{}.db.tar.gz.sig", self.name));
        if signature.exists() {
            fs::copy(signature, sync.join(format!("{}.db.sig", self.name))).unwrap();
        }
    }

    /// Puts all packages into the cache of a root.
    pub(crate) fn fill_cache(&self, root: &Root) {
        for entry in fs::read_dir(self.path()).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            if name.contains(".pkg.tar") {
                fs::copy(entry.path(), root.path().join("var/cache/pacman/pkg").join(name))
                    .unwrap();
            }
        }
    }
}

/// Puts a shell into a root, with which scriptlets and hooks run.
pub(crate) fn furnish(root: &Root) {
    for path in ["/bin/dash", "/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"] {
        let at = root.path().join(&path[1..]);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        fs::copy(path, at).unwrap();
    }
    symlink("dash", root.path().join("bin/sh")).unwrap();
}
