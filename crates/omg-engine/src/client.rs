//! The daemon's side: starts an engine, asks it, starts it again when it dies.

mod process;
mod run;

use std::collections::VecDeque;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use omg_core::{Change, Fault, Generation, Plan};

use crate::Error;
use run::{End, Run};

/// How long a plan may take in all.
const DEADLINE: Duration = Duration::from_mins(1);

/// How long an engine that is asked nothing is kept.
const IDLE: Duration = Duration::from_mins(10);

/// How often an engine is started within [`START_WINDOW`] at the most.
const STARTS: usize = 5;

const START_WINDOW: Duration = Duration::from_secs(10);

/// An engine process, started when it is needed. Clones share it; when the last one is gone it ends.
///
/// It is used within one tokio runtime.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

/// An [`Engine`] with other times than the usual ones.
#[derive(Clone, Debug)]
pub struct Builder {
    executable: PathBuf,
    root: PathBuf,
    deadline: Duration,
    idle: Duration,
}

struct Inner {
    settings: Builder,
    current: Mutex<Current>,
}

#[derive(Default)]
struct Current {
    run: Option<Arc<Run>>,
    /// Of the last [`START_WINDOW`], oldest first.
    starts: VecDeque<Instant>,
}

impl Engine {
    /// An engine for the system under `root` that is started when the first plan is asked for.
    pub fn new(executable: PathBuf, root: PathBuf) -> Self {
        Self::builder(executable, root).build()
    }

    /// An engine whose times can be changed.
    pub fn builder(executable: PathBuf, root: PathBuf) -> Builder {
        Builder { executable, root, deadline: DEADLINE, idle: IDLE }
    }

    /// What a change would do to the system in `state`.
    ///
    /// Dropping the future gives the plan up: the engine finishes it, and nobody reads it.
    ///
    /// # Errors
    /// The engine's own; [`Code::Engine`](omg_core::Code::Engine) if it can't be started or died twice
    /// over this change; [`Code::Timeout`](omg_core::Code::Timeout) after 60 seconds;
    /// [`Code::Malformed`](omg_core::Code::Malformed) if its plan makes no sense.
    pub async fn plan(&self, state: Generation, change: &Change) -> Result<Plan, Fault> {
        let mut asked = None;
        let deadline = self.inner.settings.deadline;
        let answer = self.answer(state, change, &mut asked);
        if let Ok(answer) = tokio::time::timeout(deadline, answer).await {
            return answer;
        }
        if let Some(run) = asked {
            run.kill(&End::Overdue);
        }
        let path = self.inner.settings.executable.clone();
        Err(Error::Timeout { path, seconds: deadline.as_secs_f32() }.into())
    }

    /// The process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        let current = self.inner.current();
        current.run.as_ref().filter(|run| run.is_open()).map(|run| run.pid)
    }

    /// Ends the process and waits for its end. Plans under way fail; the next one starts it again.
    pub async fn stop(&self) {
        let run = self.inner.current().run.take();
        if let Some(run) = run {
            run.stop().await;
        }
    }

    /// Asks until there is an answer or the engine has died twice. `asked` is the process that is being
    /// waited for.
    async fn answer(
        &self,
        state: Generation,
        change: &Change,
        asked: &mut Option<Arc<Run>>,
    ) -> Result<Plan, Fault> {
        let path = || self.inner.settings.executable.clone();
        let mut died = false;
        loop {
            let run = asked.insert(self.inner.running()?);
            match run.ask(state, change).await? {
                Ok(answer) => return answer,
                Err(End::Died(how)) if died => return Err(Error::Died { path: path(), how }.into()),
                Err(End::Died(how)) => {
                    tracing::warn!(engine = %path().display(), how, "died; its plans are asked again");
                    died = true;
                }
                Err(End::Stopped) => return Err(Error::Stopped { path: path() }.into()),
                // Another plan's fault, or nobody's.
                Err(End::Overdue | End::Idle) => {}
            }
        }
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Builder { executable, root, .. } = &self.inner.settings;
        f.debug_struct("Engine").field("executable", executable).field("root", root).finish()
    }
}

impl Builder {
    /// How long a plan may take in all; 60 seconds unless told.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How long an engine that is asked nothing is kept; 10 minutes unless told.
    #[must_use]
    pub fn idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// The engine.
    pub fn build(self) -> Engine {
        Engine { inner: Arc::new(Inner { settings: self, current: Mutex::default() }) }
    }
}

impl Inner {
    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The process that runs, or a new one.
    fn running(&self) -> Result<Arc<Run>, Error> {
        let mut current = self.current();
        if let Some(run) = current.run.as_ref().filter(|run| run.is_open()) {
            return Ok(run.clone());
        }
        let now = Instant::now();
        while current.starts.front().is_some_and(|start| now - *start >= START_WINDOW) {
            current.starts.pop_front();
        }
        if current.starts.len() >= STARTS {
            let path = self.settings.executable.clone();
            let seconds = START_WINDOW.as_secs();
            return Err(Error::Restarts { path, starts: STARTS, seconds });
        }
        let run = process::start(&self.settings)?;
        current.starts.push_back(now);
        Ok(current.run.insert(run).clone())
    }
}
