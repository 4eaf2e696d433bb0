//! The directives of `[options]`.

use super::level::{Changes, SigLevel};

/// `[options]` as written; paths are not yet below the root.
#[derive(Clone, Debug, Default)]
pub(super) struct Options {
    pub(super) root_dir: Option<String>,
    pub(super) db_path: Option<String>,
    pub(super) log_file: Option<String>,
    pub(super) gpg_dir: Option<String>,
    pub(super) cache_dirs: Vec<String>,
    pub(super) hook_dirs: Vec<String>,
    pub(super) architectures: Vec<String>,
    pub(super) sig_level: Changes,
    pub(super) local_file: Changes,
    pub(super) remote_file: Changes,
    pub(super) settings: Settings,
}

/// What `[options]` says besides paths and signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Patterns of packages that upgrades leave alone.
    pub ignore_pkg: Vec<String>,
    /// Groups whose packages upgrades leave alone.
    pub ignore_group: Vec<String>,
    /// Patterns of packages that are not removed without a question.
    pub hold_pkg: Vec<String>,
    /// Patterns of files that upgrades leave alone.
    pub no_upgrade: Vec<String>,
    /// Patterns of files that are not unpacked.
    pub no_extract: Vec<String>,
    /// Downloads at the same time.
    pub parallel_downloads: u32,
    /// User that downloads run as.
    pub download_user: Option<String>,
    /// Program that downloads instead of libalpm.
    pub xfer_command: Option<String>,
    /// What `pacman -Sc` keeps: `KeepInstalled`, `KeepCurrent`.
    pub clean_method: Vec<String>,
    /// Directives without a value that stand there, in the order of [`FLAGS`].
    pub flags: Vec<&'static str>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ignore_pkg: Vec::new(),
            ignore_group: Vec::new(),
            hold_pkg: Vec::new(),
            no_upgrade: Vec::new(),
            no_extract: Vec::new(),
            parallel_downloads: 1,
            download_user: None,
            xfer_command: None,
            clean_method: Vec::new(),
            flags: Vec::new(),
        }
    }
}

impl Settings {
    /// Is this directive without a value there?
    pub fn has(&self, flag: &str) -> bool {
        self.flags.contains(&flag)
    }
}

/// Directives without a value, of pacman 6 and 7, in the order in which pacman-conf(8) lists them.
pub const FLAGS: [&str; 10] = [
    "UseSyslog",
    "Color",
    "CheckSpace",
    "VerbosePkgLists",
    "DisableDownloadTimeout",
    "DisableSandbox",
    "DisableSandboxFilesystem",
    "DisableSandboxSyscalls",
    "ILoveCandy",
    "NoProgressBar",
];

/// Directives that older versions knew and newer ones pass over.
const FORMER: [&str; 3] = ["UseDelta", "TotalDownload", "SyncFirst"];

impl Options {
    /// Takes a directive. What is wrong with it is the error.
    pub(super) fn take(&mut self, key: &str, value: Option<&str>) -> Result<(), String> {
        let Some(value) = value else { return self.take_flag(key) };
        let settings = &mut self.settings;
        match key {
            "NoUpgrade" => extend(&mut settings.no_upgrade, value),
            "NoExtract" => extend(&mut settings.no_extract, value),
            "IgnorePkg" => extend(&mut settings.ignore_pkg, value),
            "IgnoreGroup" => extend(&mut settings.ignore_group, value),
            "HoldPkg" => extend(&mut settings.hold_pkg, value),
            "CacheDir" => extend(&mut self.cache_dirs, value),
            "HookDir" => extend(&mut self.hook_dirs, value),
            "Architecture" => {
                self.architectures.extend(words(value).map(|word| match word {
                    "auto" => machine(),
                    word => word.to_owned(),
                }));
            }
            "DBPath" => first(&mut self.db_path, value),
            "RootDir" => first(&mut self.root_dir, value),
            "GPGDir" => first(&mut self.gpg_dir, value),
            "LogFile" => first(&mut self.log_file, value),
            "XferCommand" => settings.xfer_command = Some(value.to_owned()),
            "DownloadUser" => settings.download_user = Some(value.to_owned()),
            "CleanMethod" => {
                let known = ["KeepInstalled", "KeepCurrent"];
                if let Some(word) = words(value).find(|word| !known.contains(word)) {
                    return Err(format!("'{word}' is no CleanMethod"));
                }
                extend(&mut settings.clean_method, value);
            }
            "SigLevel" => return level(&mut self.sig_level, value),
            "LocalFileSigLevel" => return level(&mut self.local_file, value),
            "RemoteFileSigLevel" => return level(&mut self.remote_file, value),
            "ParallelDownloads" => match value.parse() {
                Ok(number) if (1..=i32::MAX as u32).contains(&number) => {
                    settings.parallel_downloads = number;
                }
                _ => return Err(format!("'{value}' is no number of ParallelDownloads")),
            },
            key if FORMER.contains(&key) => {}
            _ => return Err(unknown(key)),
        }
        Ok(())
    }

    fn take_flag(&mut self, key: &str) -> Result<(), String> {
        match FLAGS.into_iter().find(|flag| *flag == key) {
            Some(flag) if self.settings.has(flag) => Ok(()),
            Some(flag) => {
                self.settings.flags.push(flag);
                Ok(())
            }
            None if FORMER.contains(&key) => Ok(()),
            None => Err(unknown(key)),
        }
    }

    pub(super) fn local_file(&self) -> SigLevel {
        self.local_file.level(self.sig_level)
    }

    pub(super) fn remote_file(&self) -> SigLevel {
        self.remote_file.level(self.sig_level)
    }
}

/// The words of a value. pacman parts them by spaces only.
pub(super) fn words(value: &str) -> impl Iterator<Item = &str> {
    value.split(' ').filter(|word| !word.is_empty())
}

/// Takes the words of a `SigLevel`: all or none.
pub(super) fn level(changes: &mut Changes, value: &str) -> Result<(), String> {
    let mut taken = *changes;
    if let Some(word) = words(value).find(|word| !taken.take(word)) {
        return Err(format!("'{word}' is no SigLevel"));
    }
    *changes = taken;
    Ok(())
}

pub(super) fn unknown(key: &str) -> String {
    format!("the directive '{key}' is not known here")
}

fn extend(list: &mut Vec<String>, value: &str) {
    list.extend(words(value).map(str::to_owned));
}

fn first(place: &mut Option<String>, value: &str) {
    place.get_or_insert_with(|| value.to_owned());
}

/// What `auto` stands for: uname's machine.
fn machine() -> String {
    rustix::system::uname().machine().to_string_lossy().into_owned()
}
