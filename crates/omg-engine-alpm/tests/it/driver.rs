//! A committing engine without its process: what `omg-commit` does around a committer, in its order.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use omg_commit::{Commission, Committer, Proof, Report};
use omg_core::{Change, Code, Conffiles, Fault, Notice, Plan, Progress};
use omg_engine_alpm::AlpmCommitter;

use crate::root::Root;

/// libalpm changes it while it commits, for all threads.
static CURRENT_DIRECTORY: Mutex<()> = Mutex::new(());

/// Keeps what is told.
#[derive(Default)]
pub(crate) struct Told(pub(crate) Mutex<Vec<Progress>>);

impl Report for Told {
    fn progress(&self, progress: Progress) {
        self.0.lock().unwrap().push(progress);
    }
}

impl Told {
    /// Lines that scripts printed, with what they are of.
    pub(crate) fn output(&self) -> Vec<(String, String)> {
        let all = self.0.lock().unwrap();
        all.iter()
            .filter_map(|progress| match progress {
                Progress::Output { of, line } => Some((of.clone(), line.clone())),
                _ => None,
            })
            .collect()
    }
}

/// What came of a change.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) plan: Plan,
    pub(crate) notices: Vec<Notice>,
}

/// Opens a root for committing.
pub(crate) fn open(root: &Path, told: &Told) -> Result<AlpmCommitter, Fault> {
    AlpmCommitter::open(root, Duration::ZERO, told)
}

/// Plans a change and carries it out, with files out of these directories.
pub(crate) fn commit(root: &Root, change: &Change, from: &[&Path]) -> Result<Done, Fault> {
    commit_telling(root.path(), change, from, &Told::default())
}

pub(crate) fn commit_telling(
    root: &Path,
    change: &Change,
    from: &[&Path],
    told: &Told,
) -> Result<Done, Fault> {
    let mut committer = open(root, told)?;
    let unfinished = committer.interrupted()?;
    if !unfinished.is_empty() {
        return Err(Fault::new(Code::Interrupted, unfinished.join("; ")));
    }
    let plan = committer.plan(change)?;
    let files = staged(root, &mut committer, &plan, from)?;
    let commission = Commission { change, plan: &plan, files: &files, conffiles: Conffiles::Keep };
    let _alone = CURRENT_DIRECTORY.lock();
    let notices = committer.apply(&commission, told)?;
    Ok(Done { plan, notices })
}

/// Copies with signatures that were checked.
pub(crate) fn staged(
    root: &Path,
    committer: &mut AlpmCommitter,
    plan: &Plan,
    from: &[&Path],
) -> Result<Vec<(Proof, PathBuf, File)>, Fault> {
    let staging = root.join("var/lib/omg/staging");
    fs::create_dir_all(&staging).unwrap();
    let mut files = Vec::new();
    for proof in committer.proofs(plan)? {
        let planned = &plan.changes[proof.change];
        let origin = if planned.repository.starts_with('/') {
            PathBuf::from(&planned.repository)
        } else {
            let found = from.iter().map(|directory| directory.join(&proof.file_name));
            found.into_iter().find(|path| path.exists()).unwrap_or_default()
        };
        let copy = staging.join(&proof.file_name);
        // It may be one file with the one in the cache.
        let _ = fs::remove_file(&copy);
        fs::copy(&origin, &copy).unwrap_or_else(|error| panic!("{}: {error}", origin.display()));
        let mut name = origin.into_os_string();
        name.push(".sig");
        let signature = fs::read(name).ok();
        let file = File::open(&copy).unwrap();
        committer.check_signature(&proof, planned, &file, signature.as_deref())?;
        files.push((proof, copy, file));
    }
    Ok(files)
}
