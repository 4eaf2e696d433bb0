//! What an engine brings along for changing a system.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use omg_core::{Change, Code, Conffiles, Fault, Grade, Notice, Plan, Planned, Progress};

/// What must be true of a file before the native library may have it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proof {
    /// Index of the change in [`Plan::changes`] that it is for.
    pub change: usize,
    /// Name in staging: the one that the native tool gives it.
    pub file_name: String,
    /// SHA-256, hexadecimal, from the root's own verified lists; absent for a file that the user named
    /// or built, which has the digest of the approved plan.
    pub sha256: Option<String>,
    /// Bytes, from the same lists.
    pub size: Option<u64>,
    /// A detached signature must be there and good, by the rules of the native tool: Arch's `SigLevel`.
    pub signed: bool,
    /// What the root's own evidence says of its origin; what a client says of it counts for nothing.
    pub grade: Grade,
    /// Licences, where the lists name them.
    pub licenses: Vec<String>,
    /// Seconds since the epoch at which it was built, where the lists say.
    pub built_at: Option<u64>,
}

/// What is told and asked while an engine works. Threads that read a child's output may tell, too.
pub trait Report: Sync {
    /// Tells the client. Never waits for it, never fails: a client that is gone stops nothing.
    fn progress(&self, progress: Progress);

    /// Does nobody want the order any more? To be asked while a lock is waited for; once a transaction
    /// has begun it is carried through.
    fn cancelled(&self) -> bool {
        false
    }
}

/// The files and rules of one transaction.
#[derive(Debug)]
pub struct Commission<'a> {
    /// What was asked for.
    pub change: &'a Change,
    /// What was approved, and planned again under the locks.
    pub plan: &'a Plan,
    /// Verified copies that only root can write to, by [`Proof::file_name`].
    pub files: &'a [(Proof, PathBuf, File)],
    /// How configuration files are treated.
    pub conffiles: Conffiles,
}

/// A native library that changes a system. It is opened, used and dropped on one thread, and holds the
/// native locks while it lives.
pub trait Committer: Sized {
    /// Takes the native locks of the system under `root`, waiting `patience` at the most and telling who
    /// holds them, then opens the databases.
    ///
    /// # Errors
    /// [`Code::Lock`] with the holder's name; a database can't be read;
    /// [`Code::Interrupted`] is left to [`Self::interrupted`].
    fn open(root: &Path, patience: Duration, report: &dyn Report) -> Result<Self, Fault>;

    /// Did an earlier change of whichever tool end half way? One line for each thing that is unfinished.
    ///
    /// # Errors
    /// It can't be found out.
    fn interrupted(&mut self) -> Result<Vec<String>, Fault>;

    /// What `change` would do, as the planning role says it.
    ///
    /// # Errors
    /// The change can't be made.
    fn plan(&mut self, change: &Change) -> Result<Plan, Fault>;

    /// What must be true of the files that `plan` needs. Reads and verifies the root's own lists.
    ///
    /// # Errors
    /// The lists don't verify.
    fn proofs(&mut self, plan: &Plan) -> Result<Vec<Proof>, Fault>;

    /// Checks the signature of an open file by the rules of the native tool.
    ///
    /// # Errors
    /// [`Code::Signature`].
    fn check_signature(
        &mut self,
        proof: &Proof,
        planned: &Planned,
        file: &File,
        signature: Option<&[u8]>,
    ) -> Result<(), Fault>;

    /// Does it. A signal to this process does not end a transaction that has begun.
    ///
    /// # Errors
    /// [`Code::Transaction`] with the end of the tool's output. What was
    /// done until then is in the databases.
    fn apply(
        &mut self,
        commission: &Commission<'_>,
        report: &dyn Report,
    ) -> Result<Vec<Notice>, Fault>;

    /// Which changes of `plan`, by index, are in the databases now. Asked after [`Self::apply`] failed.
    ///
    /// # Errors
    /// It can't be found out; the log then says that.
    fn carried_out(&mut self, _plan: &Plan) -> Result<Vec<usize>, Fault> {
        Err(Fault::new(Code::Failure, "this engine can't tell"))
    }

    /// Which packages of `plan` that are here now, by index, are here for others. The log needs it to say
    /// how to take back what removes them.
    ///
    /// # Errors
    /// The database can't be read.
    fn automatic(&mut self, plan: &Plan) -> Result<Vec<(usize, bool)>, Fault>;

    /// Marks installed packages. Answers with those whose mark differs now.
    ///
    /// # Errors
    /// A package is not installed; the database can't be written.
    fn mark(&mut self, packages: &[String], automatic: bool) -> Result<Vec<String>, Fault>;

    /// Holds packages or lets them go. Answers with those whose state differs now.
    ///
    /// # Errors
    /// A package is not installed; the database can't be written.
    fn hold(&mut self, packages: &[String], hold: bool) -> Result<Vec<String>, Fault>;

    /// Verifies fetched lists in `directory`, a copy that only root can write to, and swaps them in, all
    /// or none. Answers with a line for each that differs now.
    ///
    /// # Errors
    /// One of them does not verify; then none is put into place.
    fn lists(&mut self, directory: &Path, report: &dyn Report) -> Result<Vec<String>, Fault>;

    /// Finishes or reverts what [`Self::interrupted`] names. Answers with what was done, a line each.
    ///
    /// # Errors
    /// It can't be repaired; the causes have the tool's output.
    fn recover(&mut self, report: &dyn Report) -> Result<Vec<String>, Fault>;

    /// Deletes package files from the native cache: those not installed, or `all`. Answers with the
    /// number of files and bytes.
    ///
    /// # Errors
    /// The cache can't be read or written.
    fn clean(&mut self, all: bool) -> Result<(u64, u64), Fault>;
}
