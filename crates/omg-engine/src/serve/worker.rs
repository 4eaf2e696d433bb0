//! One thread's planner.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use omg_core::{Change, Code, Fault, Generation, Plan};

use crate::Planner;

/// A planner, and the state of the system at which it was opened.
pub(super) struct Worker<P> {
    root: PathBuf,
    open: Option<(Generation, P)>,
}

impl<P: Planner> Worker<P> {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root, open: None }
    }

    pub(super) fn plan(&mut self, state: Generation, change: &Change) -> Result<Plan, Fault> {
        if self.open.as_ref().is_none_or(|(opened, _)| *opened != state) {
            // The old one goes first: two handles on one database are more than some libraries bear.
            self.close()?;
            let planner = guarded("opening the databases", || P::open(&self.root))?;
            self.open = Some((state, planner));
        }
        let Some((_, planner)) = &mut self.open else {
            return Err(Fault::new(Code::Internal, "no planner is open"));
        };
        let answer = guarded("planning", || Ok(planner.plan(change)));
        answer.unwrap_or_else(|panicked| {
            // What it holds may be half changed.
            self.close()?;
            Err(panicked)
        })
    }

    /// Lets the planner make ready for the next plan. One that panics is opened anew by it.
    pub(super) fn settle(&mut self) {
        let Some((_, planner)) = &mut self.open else { return };
        let settled = guarded("making ready for the next plan", || {
            planner.settle();
            Ok(())
        });
        if settled.is_err() {
            // Closing what has panicked may panic again, and nothing is left to be told.
            let _ = self.close();
        }
    }

    fn close(&mut self) -> Result<(), Fault> {
        let open = self.open.take();
        guarded("closing the databases", || {
            drop(open);
            Ok(())
        })
    }
}

fn guarded<T>(doing: &str, work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let mut fault = Fault::new(Code::Internal, format!("the engine panicked while {doing}"));
        fault.cause.extend(message(&*panic));
        Err(fault.hint("please report it with the output of `omg daemon logs`"))
    })
}

fn message(panic: &(dyn Any + Send)) -> Option<String> {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).map(str::to_owned)
}
