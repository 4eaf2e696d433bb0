//! Roots for one test, and apt-get run on them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use omg_core::{Change, Fault, Generation, Plan};
use omg_engine::Engine;

/// A root with lists, and the engine that plans on it.
pub(crate) struct Root {
    pub(crate) path: PathBuf,
    pub(crate) native: &'static str,
    runtime: tokio::runtime::Runtime,
    engine: Engine,
    /// apt's cache and configuration, outside of the root.
    scratch: tempfile::TempDir,
}

/// What apt-get printed, and whether it succeeded.
pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) ok: bool,
}

impl Root {
    pub(crate) fn new(path: &Path, native: &'static str) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        if path == Path::new("/") {
            // The cache of apt's own stays as it is.
            let conf = format!(
                "Dir::Cache::pkgcache \"{0}/p\";\nDir::Cache::srcpkgcache \"{0}/s\";\n",
                scratch.path().display()
            );
            fs::write(scratch.path().join("apt.conf"), conf).unwrap();
        } else {
            let conf = format!(
                "Dir \"{root}/\";\nDir::State::status \"{root}/var/lib/dpkg/status\";\nDir::Cache \"{cache}\";\nAPT::Architecture \"{native}\";\nAPT::Architectures {{ \"{native}\";{foreign} }};\n",
                root = path.display(),
                cache = scratch.path().display(),
                foreign = if native == "amd64" { " \"i386\";" } else { "" },
            );
            fs::write(scratch.path().join("apt.conf"), conf).unwrap();
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let engine = runtime.block_on(async {
            Engine::new(env!("CARGO_BIN_EXE_omg-engine-apt").into(), path.to_path_buf())
        });
        Self { path: path.to_path_buf(), native, runtime, engine, scratch }
    }

    /// What the engine plans. A change of `state` makes it read everything anew.
    pub(crate) fn plan_at(&self, state: u64, change: &Change) -> Result<Plan, Fault> {
        self.runtime.block_on(self.engine.plan(Generation(state), change))
    }

    pub(crate) fn plan(&self, change: &Change) -> Result<Plan, Fault> {
        self.plan_at(1, change)
    }

    pub(crate) fn stop(&self) {
        self.runtime.block_on(self.engine.stop());
    }

    /// `apt-get -s` on this root; `None` if there is no apt-get.
    pub(crate) fn apt_get(&self, arguments: &[String]) -> Option<Said> {
        let mut command = Command::new("apt-get");
        command.arg("-s").args(arguments);
        command.env("LC_ALL", "C").stdin(Stdio::null());
        command.env("APT_CONFIG", self.scratch.path().join("apt.conf"));
        match command.output() {
            Ok(output) => Some(Said {
                text: format!(
                    "{}{}",
                    String::from_utf8_lossy(&output.stdout),
                    String::from_utf8_lossy(&output.stderr)
                ),
                ok: output.status.success(),
            }),
            Err(error) => {
                assert!(std::env::var_os("CI").is_none(), "apt-get can't be run: {error}");
                println!("skipped: apt-get can't be run: {error}");
                None
            }
        }
    }
}

/// The directories that apt wants, below a new root.
pub(crate) fn skeleton(root: &Path, foreign: bool) {
    for path in [
        "etc/apt/apt.conf.d",
        "etc/apt/preferences.d",
        "etc/apt/sources.list.d",
        "var/lib/apt/lists/partial",
        "var/lib/dpkg",
        "var/cache/apt/archives/partial",
    ] {
        fs::create_dir_all(root.join(path)).unwrap();
    }
    fs::write(root.join("var/lib/dpkg/status"), "").unwrap();
    if foreign {
        fs::write(root.join("var/lib/dpkg/arch"), "amd64\ni386\n").unwrap();
    }
}

/// Adds a suite with one component `main` to a root.
pub(crate) fn suite(root: &Path, suite: &str, fields: &str, packages: &[(&str, String)]) {
    let sources = root.join("etc/apt/sources.list");
    let mut text = fs::read_to_string(&sources).unwrap_or_default();
    text.push_str(&format!("deb [trusted=yes] http://repo.test/debian {suite} main\n"));
    fs::write(sources, text).unwrap();
    let lists = root.join("var/lib/apt/lists");
    let prefix = format!("repo.test_debian_dists_{suite}");
    let release = format!(
        "Origin: Test\nLabel: Test\nSuite: {suite}\nCodename: {suite}\nComponents: main\nArchitectures: amd64 i386\n{fields}"
    );
    fs::write(lists.join(format!("{prefix}_Release")), release).unwrap();
    for (architecture, records) in packages {
        fs::write(lists.join(format!("{prefix}_main_binary-{architecture}_Packages")), records)
            .unwrap();
    }
}

/// Unpacks an archive of real data, or says that it isn't there.
pub(crate) fn unpack(name: &str) -> Option<tempfile::TempDir> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let path = std::env::var_os("OMG_TEST_DATA").map_or(beside, PathBuf::from).join(name);
    if !path.exists() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    let done = Command::new("tar").arg("-xzf").arg(path).arg("-C").arg(dir.path()).status();
    assert!(done.unwrap().success(), "tar failed");
    Some(dir)
}
