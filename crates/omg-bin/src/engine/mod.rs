//! The engine that changes the system: started once for a command, with the administrator's rights.

mod elevate;

use std::io::{BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use omg_core::{Code, Conffiles, Fault, Order, Outcome, Progress, Task};
use omg_engine::wire::{self, EVENT_LIMIT, Event, HELLO_LIMIT, Hello};

use crate::daemon::engine_name;
use crate::distribution::Distribution;
use crate::settings::{Elevate, Settings};

/// Seconds to wait for somebody else's lock unless told otherwise.
pub(crate) const LOCK_TIMEOUT: u32 = 120;

/// A running engine in the role `commit`. It ends when it is dropped.
pub(crate) struct Engine {
    child: Child,
    /// `None` once it is told to end.
    orders: Option<ChildStdin>,
    events: BufReader<ChildStdout>,
    /// What it was started with, for messages.
    through: String,
}

/// How orders are carried out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// Of configuration files that both sides changed.
    pub(crate) conffiles: Conffiles,
    /// Seconds to wait for a lock.
    pub(crate) lock_timeout_s: u32,
}

impl Default for Terms {
    fn default() -> Self {
        Self { conffiles: Conffiles::default(), lock_timeout_s: LOCK_TIMEOUT }
    }
}

impl Engine {
    /// Starts the engine for the system under `root`, through what gives the administrator's rights.
    /// That program may ask for a password on the terminal.
    ///
    /// # Errors
    /// [`Code::Elevation`]; [`Code::Engine`] if it does not speak.
    pub(crate) fn start(root: Option<&Path>) -> Result<Self, Fault> {
        let elevate = Settings::of_user().map(|settings| settings.elevate)?;
        let root = root.unwrap_or(Path::new("/"));
        let name = engine_name(Distribution::or_debian(Some(root)));
        let executable = omg_engine::locate(name);
        Self::start_through(&elevate, &executable, root)
    }

    fn start_through(elevate: &Elevate, executable: &Path, root: &Path) -> Result<Self, Fault> {
        if !executable.is_file() {
            let message = format!("{}: there is no such engine", executable.display());
            return Err(
                Fault::new(Code::Engine, message).hint("install OMG's engine for this system")
            );
        }
        let (mut command, through) = match elevate::program(elevate)? {
            None => (Command::new(executable), executable.display().to_string()),
            Some(program) => (program.command(executable), program.path.display().to_string()),
        };
        command.arg("commit").arg("--root").arg(root);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| {
            Fault::caused_by(Code::Elevation, format!("{through} can't be started"), &error)
        })?;
        let (Some(orders), Some(events)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Fault::new(Code::Engine, "the engine has no pipes to speak over"));
        };
        let mut engine =
            Self { child, orders: Some(orders), events: BufReader::new(events), through };
        engine.greet()?;
        Ok(engine)
    }

    fn greet(&mut self) -> Result<(), Fault> {
        self.send(&Hello::frame())?;
        let hello = wire::read(&mut self.events, HELLO_LIMIT)?;
        match hello {
            Some(hello) => Hello::decode(&hello).map(drop).map_err(Fault::from),
            None => Err(self.ended("before it said a word")),
        }
    }

    /// Gives an order and waits until it is done.
    ///
    /// # Errors
    /// The engine's; [`Code::Engine`] if it ended without an answer.
    pub(crate) fn order(
        &mut self,
        task: Task,
        terms: Terms,
        mut heard: impl FnMut(Progress),
    ) -> Result<Outcome, Fault> {
        let order = Order {
            request: request_id()?,
            task,
            conffiles: terms.conffiles,
            lock_timeout_s: terms.lock_timeout_s,
        };
        self.send(&wire::order_frame(&order)?)?;
        loop {
            let Some(payload) = wire::read(&mut self.events, EVENT_LIMIT)? else {
                return Err(self.ended("before it was done").hint(
                    "`omg history` shows whether the change was begun; `omg recover` finishes it",
                ));
            };
            match wire::decode_event(&payload)? {
                Event::Progress(progress) => heard(progress),
                Event::Done(result) => return result,
            }
        }
    }

    fn send(&mut self, frame: &[u8]) -> Result<(), Fault> {
        let sent = self
            .orders
            .as_mut()
            .map(|orders| orders.write_all(frame).and_then(|()| orders.flush()));
        match sent {
            Some(Ok(())) => Ok(()),
            _ => Err(self.ended("before it took an order")),
        }
    }

    /// Why it is gone. A program that gives rights says for itself why it did not.
    fn ended(&mut self, when: &str) -> Fault {
        drop(self.orders.take());
        let how = match self.child.wait() {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        let message = format!("{} ended {when} ({how})", self.through);
        if rustix::process::geteuid().is_root() {
            return Fault::new(Code::Engine, message).hint("`omg doctor` looks for the engine");
        }
        Fault::new(Code::Elevation, message)
            .hint("type it where a password can be asked for, or as root; elevate.with names another program")
    }
}

impl Drop for Engine {
    /// Its input ends, and so does it; a transaction under way is finished first.
    fn drop(&mut self) {
        drop(self.orders.take());
        let _ = self.child.wait();
    }
}

/// 16 random bytes, hexadecimal: ties what the client knows to the record in the log.
fn request_id() -> Result<String, Fault> {
    let mut bytes = [0_u8; 16];
    let read = std::fs::File::open("/dev/urandom")
        .and_then(|mut file| std::io::Read::read_exact(&mut file, &mut bytes));
    read.map_err(|error| Fault::caused_by(Code::Failure, "/dev/urandom can't be read", &error))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
