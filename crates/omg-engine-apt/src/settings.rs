//! libapt's configuration for a root.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use omg_backend_dpkg::apt::Conf;
use rust_apt::config::Config;
use rust_apt::raw::config as raw;

/// What libapt is opened for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    /// To plan: nothing is ever written.
    Plan,
    /// To change the system, by the process that holds its locks.
    Commit,
}

/// What of apt's configuration decides about a plan.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Architectures that are enabled, the native one first.
    pub(crate) architectures: Vec<String>,
    /// Held packages stay.
    pub(crate) holds: bool,
    /// libapt's own resolver is used.
    pub(crate) internal: bool,
    /// Where downloaded archives are, with a slash at the end.
    pub(crate) archives: String,
    /// Removing a package of one of these sections leaves its dependencies as chosen by hand.
    pub(crate) never_automatic: Vec<String>,
    /// `apt-get` would run with these, which change what it does without being asked.
    pub(crate) autoremove: bool,
}

impl Settings {
    /// Makes libapt see the system under `root`, and nothing else.
    ///
    /// The root's own configuration is read, as apt does with `Dir` set. Nothing is ever written:
    /// libapt's on-disk cache is used only where this process could not write it, and logs of
    /// resolvers are left alone. To commit, it is used and written as apt-get does.
    pub(crate) fn load(root: &Path, recommends: bool, purpose: Purpose) -> Self {
        raw::clear_all();
        let dir = root.to_string_lossy();
        let dir = dir.trim_end_matches('/');
        let foreign = !dir.is_empty();
        let conf = Conf::read(root);
        if foreign {
            set("Dir", &format!("{dir}/"));
            set("APT::Architecture", conf.architecture());
        }
        raw::init_config();
        let config = Config::new();
        if foreign {
            let status = config.find("Dir::State::status", "");
            if status.is_empty() {
                config.set("Dir::State::status", &format!("{dir}/var/lib/dpkg/status"));
            } else if !status.starts_with(dir) {
                config
                    .set("Dir::State::status", &conf.file("Dir::State::status").to_string_lossy());
            }
            config.clear("APT::Architectures");
            let architectures = conf.architectures();
            config.set_vector(
                "APT::Architectures",
                &architectures.iter().map(String::as_str).collect(),
            );
        }
        if purpose == Purpose::Commit {
            commit(&config, root, foreign);
        } else if foreign || is_root() {
            // libapt writes these wherever it may. Without them it opens half a second later.
            config.set("Dir::Cache::pkgcache", "");
            config.set("Dir::Cache::srcpkgcache", "");
        }
        config.set("Dir::Log::Solver", "");
        config.set("Dir::Log::Planner", "");
        if !recommends {
            config.set("APT::Install-Recommends", "false");
        }
        raw::init_system();
        Self {
            architectures: config.get_architectures(),
            holds: !config.bool("APT::Ignore-Hold", false),
            internal: config.find("APT::Solver", "internal") == "internal",
            archives: config.dir("Dir::Cache::archives", "/var/cache/apt/archives/"),
            never_automatic: config.find_vector("APT::Never-MarkAuto-Sections"),
            autoremove: config.bool("APT::Get::AutomaticRemove", false),
        }
    }

    /// The native architecture.
    pub(crate) fn native(&self) -> &str {
        self.architectures.first().map_or("", String::as_str)
    }
}

/// What is different where the system is changed.
fn commit(config: &Config, root: &Path, foreign: bool) {
    // The locks are held by this process, see `commit/locks.rs`; libapt must not take them again: who
    // closes any descriptor of a locked file lets go of the lock.
    config.set("Debug::NoLocking", "true");
    // What dpkg and scripts print is read from a pipe.
    config.set("Dpkg::Use-Pty", "false");
    // Every archive is there and verified before libapt may look for it. Should one be missing all the
    // same, there is no program to fetch it with.
    config.set("Dir::Bin::methods", "/nonexistent/");
    config.set("APT::Sandbox::User", "root");
    if !foreign {
        return;
    }
    let dir = root.to_string_lossy();
    if has_dpkg(root) {
        config.set("DPkg::Chroot-Directory", &dir);
    } else {
        config.set("DPkg::Options::", &format!("--root={dir}"));
        // They are programs of the root and would be run in here.
        for hooks in ["DPkg::Pre-Invoke", "DPkg::Post-Invoke", "DPkg::Pre-Install-Pkgs"] {
            config.clear(hooks);
        }
    }
}

/// Does the root bring its own dpkg, so that it is changed by that, as if one were in it? Else this
/// system's dpkg does it, from outside.
pub(crate) fn has_dpkg(root: &Path) -> bool {
    root.join("usr/bin/dpkg").is_file()
}

/// May this process write everywhere? Taken for granted where that can't be told.
fn is_root() -> bool {
    std::fs::metadata("/proc/self").map_or(true, |own| own.uid() == 0)
}

fn set(name: &str, value: &str) {
    raw::set(name.to_owned(), value.to_owned());
}
