//! pacman.conf(5), as pacman 6 and 7 read it, seen from a root.
//!
//! A path in the file is one of the system below the root: with root `/mnt`, `DBPath = /var/lib/pacman`
//! and `Include = /etc/pacman.d/mirrorlist` mean `/mnt/var/lib/pacman` and `/mnt/etc/pacman.d/mirrorlist`.
//! What pacman gives up at, a directive that it does not accept or an unreadable inclusion, is a
//! warning here, with file and line, and the rest counts.

use std::fs;
use std::path::{Path, PathBuf};

mod level;
mod options;
mod parse;
#[cfg(test)]
mod tests;

pub use level::{Check, SigLevel, Usage, Verify};
pub use options::{FLAGS, Settings};
pub use parse::{DEEPEST_INCLUDE, LARGEST_FILE, MOST_FILES, MOST_REPOSITORIES, MOST_SERVERS};

use crate::holds;
use options::Options;
use parse::{Parser, Section, below};

/// Where pacman looks for its configuration.
pub const FILE: &str = "etc/pacman.conf";

/// Repositories that come first where no pacman.conf says an order.
const USUAL_ORDER: [&str; 3] = ["core", "extra", "multilib"];

/// What pacman.conf and the files that it includes say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conf {
    /// The root that everything is below: the one given, with `RootDir` if that is set.
    pub root: PathBuf,
    /// Directory of the databases.
    pub db_path: PathBuf,
    /// Directories of downloaded packages.
    pub cache_dirs: Vec<PathBuf>,
    /// Directories of hooks besides the system's own.
    pub hook_dirs: Vec<PathBuf>,
    /// Directory of the keyring.
    pub gpg_dir: PathBuf,
    /// pacman's log.
    pub log_file: PathBuf,
    /// Accepted architectures; the first one stands for `$arch`. None means any.
    pub architectures: Vec<String>,
    /// Patterns of packages that upgrades leave alone: those of `IgnorePkg`, and what is held.
    pub ignore_pkg: Vec<String>,
    /// Packages that `omg hold` keeps as they are.
    pub held: Vec<String>,
    /// Groups whose packages upgrades leave alone.
    pub ignore_group: Vec<String>,
    /// Patterns of packages that are not removed without a question.
    pub hold_pkg: Vec<String>,
    /// Everything else in `[options]`.
    pub settings: Settings,
    /// Signatures wanted where a repository says nothing.
    pub sig_level: SigLevel,
    /// Signatures wanted of files given to `pacman -U`.
    pub local_file_sig_level: SigLevel,
    /// Signatures wanted of addresses given to `pacman -U`.
    pub remote_file_sig_level: SigLevel,
    /// Repositories in order: earlier ones win.
    pub repositories: Vec<Repository>,
    /// What was passed over, with file and line.
    pub warnings: Vec<String>,
    /// Every file that was read or looked for: what the configuration depends on.
    pub files: Vec<PathBuf>,
}

/// A repository of pacman.conf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// Name of the section and of the database.
    pub name: String,
    /// Addresses, `$repo` and `$arch` replaced, credentials kept.
    pub servers: Vec<String>,
    /// Addresses of caches that packages, but not databases, are fetched from first.
    pub cache_servers: Vec<String>,
    /// What it is used for.
    pub usage: Usage,
    /// Signatures wanted.
    pub sig_level: SigLevel,
}

impl Repository {
    /// Path of the database: `sync/NAME.db`.
    pub fn database(&self, conf: &Conf) -> PathBuf {
        conf.db_path.join("sync").join(format!("{}.db", self.name))
    }

    /// Path of the database with lists of files: `sync/NAME.files`.
    pub fn files_database(&self, conf: &Conf) -> PathBuf {
        conf.db_path.join("sync").join(format!("{}.files", self.name))
    }
}

impl Conf {
    /// Reads `etc/pacman.conf` below the root.
    pub fn read(root: &Path) -> Self {
        Self::read_from(root, &root.join(FILE))
    }

    /// Reads another file in its place. If it is not there, the defaults hold, and the repositories
    /// are those whose databases are.
    pub fn read_from(root: &Path, file: &Path) -> Self {
        let mut parser = Parser::new(root);
        let missing = match parser.file(file) {
            Ok(()) => false,
            Err(error) => {
                parser.warn(error.with_cause());
                true
            }
        };
        let mut conf = Self::assemble(root, parser);
        if missing {
            conf.repositories = conf.guess_repositories();
            conf.warnings.push(format!(
                "without {} the repositories are those in {}, in the usual order",
                file.display(),
                conf.db_path.join("sync").display()
            ));
        }
        conf
    }

    fn assemble(root: &Path, mut parser: Parser<'_>) -> Self {
        let options = std::mem::take(&mut parser.options);
        let sections = std::mem::take(&mut parser.sections);
        let repositories = sections
            .into_iter()
            .map(|section| repository(section, &options, &mut parser))
            .collect();
        let held = holds::read(root);
        let mut files = parser.files;
        files.push(root.join(holds::FILE));
        let inner = below(root, options.root_dir.as_deref().unwrap_or("/"));
        // With a RootDir pacman moves these two along, but not the others.
        let moved = |path: &Option<String>, default: &str| match path {
            Some(path) => below(root, path),
            None => below(&inner, default),
        };
        let all = |paths: &[String], default: &str| match paths {
            [] => vec![below(root, default)],
            paths => paths.iter().map(|path| below(root, path)).collect(),
        };
        Self {
            db_path: moved(&options.db_path, "/var/lib/pacman"),
            log_file: moved(&options.log_file, "/var/log/pacman.log"),
            cache_dirs: all(&options.cache_dirs, "/var/cache/pacman/pkg"),
            hook_dirs: all(&options.hook_dirs, "/etc/pacman.d/hooks"),
            gpg_dir: below(root, options.gpg_dir.as_deref().unwrap_or("/etc/pacman.d/gnupg")),
            root: inner,
            sig_level: options.sig_level.level(level::Changes::default()),
            local_file_sig_level: options.local_file(),
            remote_file_sig_level: options.remote_file(),
            architectures: options.architectures,
            ignore_pkg: options.settings.ignore_pkg.iter().chain(&held).cloned().collect(),
            held,
            ignore_group: options.settings.ignore_group.clone(),
            hold_pkg: options.settings.hold_pkg.clone(),
            settings: options.settings,
            repositories,
            warnings: parser.warnings,
            files,
        }
    }

    fn guess_repositories(&self) -> Vec<Repository> {
        // If it is not there, nothing was ever synchronised.
        let Ok(entries) = fs::read_dir(self.db_path.join("sync")) else { return Vec::new() };
        let mut names: Vec<String> = entries
            .flatten()
            .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".db")?.to_owned()))
            .filter(|name| parse::valid_repository(name))
            .collect();
        let rank = |name: &String| {
            USUAL_ORDER.iter().position(|usual| usual == name).unwrap_or(USUAL_ORDER.len())
        };
        names.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.cmp(b)));
        names.truncate(MOST_REPOSITORIES);
        let repository = |name| Repository {
            name,
            servers: Vec::new(),
            cache_servers: Vec::new(),
            usage: Usage::ALL,
            sig_level: self.sig_level,
        };
        names.into_iter().map(repository).collect()
    }
}

fn repository(section: Section, options: &Options, parser: &mut Parser<'_>) -> Repository {
    let Section { name, servers, cache_servers, usage, sig_level } = section;
    let mut resolve = |servers: Vec<String>| -> Vec<String> {
        let mut resolved = Vec::with_capacity(servers.len());
        for server in servers {
            let address = server.replace("$repo", &name);
            match options.architectures.first() {
                Some(architecture) => resolved.push(address.replace("$arch", architecture)),
                None if address.contains("$arch") => parser.warn(format!(
                    "[{name}]: the server '{server}' needs an Architecture, and none is set"
                )),
                None => resolved.push(address),
            }
        }
        resolved
    };
    let (servers, cache_servers) = (resolve(servers), resolve(cache_servers));
    let usage = if usage == Usage::NONE { Usage::ALL } else { usage };
    Repository {
        servers,
        cache_servers,
        usage,
        sig_level: sig_level.level(options.sig_level),
        name,
    }
}
