//! What an engine's executable brings along.

use std::path::Path;

use omg_core::{Change, Fault, Plan};

/// A handle of a native library that can plan. It is opened, used and dropped on one thread.
pub trait Planner: Sized {
    /// Opens the databases of the system under `root` as they are now.
    ///
    /// # Errors
    /// A database can't be read.
    fn open(root: &Path) -> Result<Self, Fault>;

    /// What `change` would do. Nothing of the system is changed, and no trace of this plan is left in
    /// the handle: the next one starts afresh.
    ///
    /// # Errors
    /// The change can't be made; the fault says why.
    fn plan(&mut self, change: &Change) -> Result<Plan, Fault>;

    /// Makes ready for the next plan. Called after a plan's answer has been sent, so that nobody
    /// waits for it.
    fn settle(&mut self) {}
}
