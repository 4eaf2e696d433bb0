//! libapt's transaction on verified copies.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use omg_commit::{Commission, Report};
use omg_core::{Change, Notice, NoticeKind, Operation};
use omg_failpoint::reach;
use rust_apt::Cache;
use rust_apt::config::Config;
use rust_apt::error::AptErrors;
use rust_apt::progress::{AcquireProgress, InstallProgress};
use rust_apt::util::{apt_lock, apt_unlock};

use super::dpkg::conffile_options;
use super::error::Error;
use super::locks::Locks;
use super::output::heard;
use crate::error::clean;

/// Most new configuration files that are told of.
const NOTICES: usize = 500;

/// Where a transaction takes place.
pub(super) struct Place<'a> {
    pub(super) root: &'a Path,
    /// apt's own cache of archives.
    pub(super) archives: &'a Path,
    /// dpkg's database.
    pub(super) dpkg: &'a Path,
}

/// Carries out what is marked in `cache`, with the archives of `commission`, which are in one directory.
pub(super) fn run(
    cache: Cache,
    place: &Place<'_>,
    commission: &Commission<'_>,
    locks: &mut Locks,
    report: &dyn Report,
) -> Result<Vec<Notice>, Error> {
    let config = Config::new();
    let keep = config.bool("APT::Keep-Downloaded-Packages", true);
    configure(&config, place, commission)?;
    let begun = SystemTime::now();
    cache.get_archives(&mut AcquireProgress::quiet()).map_err(|error| {
        failed("an archive is not where it was put", &AptErrors::from(error), Vec::new())
    })?;
    if keep {
        keep_archives(commission, place.archives)?;
    }
    reach!("commit.dpkg.before");
    locks.lend();
    // Only counted: it makes libapt tell dpkg that its frontend has the locks.
    apt_lock().map_err(|errors| failed("libapt can't begin", &errors, Vec::new()))?;
    let ran = heard(report, |status| cache.do_install(&mut InstallProgress::fd(status)));
    apt_unlock();
    reach!("commit.dpkg.after");
    let (result, output) = ran?;
    if let Err(errors) = result {
        return Err(failed("dpkg failed", &errors, output));
    }
    Ok(new_conffiles(place, commission, begun))
}

fn configure(config: &Config, place: &Place<'_>, commission: &Commission<'_>) -> Result<(), Error> {
    let first = commission.files.first().and_then(|(_, path, _)| path.parent());
    // Where nothing is installed it is never looked into.
    let archives = first.unwrap_or(place.archives);
    let partial = archives.join("partial");
    match fs::create_dir(&partial) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(Error::io(partial, "making it")(error));
        }
        _ => {}
    }
    config.set("Dir::Cache::archives", &format!("{}/", archives.display()));
    config.set("CommandLine::AsString", &command_line(commission.change));
    // What the configuration says of this is for those who are asked nothing.
    let options: Vec<String> = config
        .find_vector("DPkg::Options")
        .into_iter()
        .filter(|option| !option.starts_with("--force-conf"))
        .collect();
    config.clear("DPkg::Options");
    let ours = conffile_options(commission.conffiles).iter().map(|option| (*option).to_owned());
    for option in options.into_iter().chain(ours) {
        config.set("DPkg::Options::", &option);
    }
    Ok(())
}

/// What apt's own log has as the command.
fn command_line(change: &Change) -> String {
    let verb = match change.operation {
        Operation::Install => "install",
        Operation::Remove => "remove",
        Operation::Upgrade => "upgrade",
        Operation::Autoremove => "autoremove",
    };
    let words = ["omg", verb].into_iter().chain(change.targets.iter().map(String::as_str));
    clean(&words.collect::<Vec<_>>().join(" "))
}

fn failed(what: &str, errors: &AptErrors, output: Vec<String>) -> Error {
    let said: Vec<String> = errors.iter().map(|message| clean(&message.msg)).collect();
    let what = match said.first() {
        Some(first) => format!("{what}: {first}"),
        None => what.to_owned(),
    };
    let causes = said.into_iter().skip(1).chain(output).collect();
    Error::Transaction { what, causes }
}

/// Puts the archives where apt-get leaves them, before dpkg begins: whoever repairs a transaction that
/// is cut off finds them there.
fn keep_archives(commission: &Commission<'_>, archives: &Path) -> Result<(), Error> {
    for (proof, path, _) in commission.files {
        let to = archives.join(&proof.file_name);
        match fs::remove_file(&to) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::io(to, "replacing it")(error));
            }
            _ => {}
        }
        if fs::hard_link(path, &to).is_err() {
            // On another file system.
            fs::copy(path, &to).map_err(Error::io(&to, "keeping the archive"))?;
        }
        // After a power cut a package may have to be unpacked again, and from nowhere else.
        let durable = File::open(&to).and_then(|file| file.sync_all());
        durable.map_err(Error::io(to, "making the archive durable"))?;
    }
    let names = File::open(archives).and_then(|directory| directory.sync_all());
    names.map_err(Error::io(archives, "making the names of archives durable"))
}

/// Configuration files that dpkg put beside the user's since `begun`.
fn new_conffiles(place: &Place<'_>, commission: &Commission<'_>, begun: SystemTime) -> Vec<Notice> {
    let mut notices = Vec::new();
    for change in commission.plan.changes.iter().filter(|change| change.new_version.is_some()) {
        for conffile in conffiles(place.dpkg, &change.name, &change.architecture) {
            for suffix in [".dpkg-dist", ".dpkg-new", ".dpkg-old"] {
                let path = format!("{conffile}{suffix}");
                let below = place.root.join(path.trim_start_matches('/'));
                if is_newer(&below, begun) && notices.len() < NOTICES {
                    notices.push(Notice {
                        kind: NoticeKind::Conffile,
                        package: change.name.clone(),
                        text: clean(&path),
                    });
                }
            }
        }
    }
    notices
}

/// The configuration files of an installed package.
fn conffiles(dpkg: &Path, name: &str, architecture: &str) -> Vec<String> {
    let paths: [PathBuf; 2] =
        [format!("{name}.conffiles"), format!("{name}:{architecture}.conffiles")]
            .map(|file| dpkg.join("info").join(file));
    let text = paths.iter().find_map(|path| fs::read_to_string(path).ok()).unwrap_or_default();
    let lines = text.lines().map(str::trim).filter(|line| line.starts_with('/'));
    lines.map(str::to_owned).collect()
}

/// Did its inode change since? Its time is the one that it has in the archive.
fn is_newer(path: &Path, begun: SystemTime) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let Ok(there) = path.symlink_metadata() else { return false };
    let seconds = begun.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    there.is_file() && u64::try_from(there.ctime()).is_ok_and(|ctime| ctime >= seconds)
}
