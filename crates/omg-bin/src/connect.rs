//! The link to the daemon: one that runs, one started for good, or one for this command alone.

mod spawn;

use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use omg_core::{Code, Fault, Progress};
use omg_ipc::Error;
use omg_ipc::blocking::Client;
use omg_proto::{Reply, Request};

use crate::places;
use crate::settings::Settings;

/// How long a daemon may take from its start to its first sign of life.
const START: Duration = Duration::from_secs(10);

/// Bytes of the daemon's log shown when it did not start.
const TAIL: usize = 4096;

/// An answer whose fault, if it is one, has been told apart.
pub(crate) struct Answer(omg_ipc::Answer);

impl Answer {
    /// What the daemon said.
    ///
    /// # Errors
    /// The fault it answered with, or [`Code::Protocol`].
    pub(crate) fn reply(&self) -> Result<Reply<'_>, Fault> {
        match self.0.reply()? {
            Reply::Fault(fault) => Err(fault),
            reply => Ok(reply),
        }
    }
}

/// A connection, and the process behind it if it is ours alone.
pub(crate) struct Link {
    client: Option<Client>,
    alone: Option<Child>,
    socket: PathBuf,
    /// Where to find another daemon, should this one end.
    root: Option<PathBuf>,
}

impl Link {
    /// Asks and waits. A daemon that ends meanwhile is replaced once: every request of this protocol
    /// only reads, so asking again changes nothing.
    pub(crate) fn call(&mut self, request: &Request<'_>) -> Result<Answer, Fault> {
        match self.once(request) {
            Err(Error::Closed) if self.over_socket() => {
                *self = open(self.root.as_deref())?;
                Ok(Answer(self.once(request)?))
            }
            Err(Error::Closed) => Err(self.ended()),
            answer => Ok(Answer(answer?)),
        }
    }

    /// Asks for something that takes long. It is not asked twice: part of it may be done.
    pub(crate) fn call_with(
        &mut self,
        request: &Request<'_>,
        heard: &mut dyn FnMut(Progress),
    ) -> Result<Answer, Fault> {
        match self.client.as_mut().map(|client| client.call_with(request, heard)) {
            None | Some(Err(Error::Closed)) => Err(self.ended()),
            Some(answer) => Ok(Answer(answer?)),
        }
    }

    fn once(&mut self, request: &Request<'_>) -> Result<omg_ipc::Answer, Error> {
        self.client.as_mut().map_or(Err(Error::Closed), |client| client.call(request))
    }

    /// Why a daemon of our own gave no answer: it can't have been told to end, so it failed to start.
    fn ended(&mut self) -> Fault {
        drop(self.client.take());
        let status = self.alone.as_mut().and_then(|child| child.wait().ok());
        let how =
            status.map_or_else(|| "without a word".to_owned(), |status| format!("({status})"));
        Fault::new(Code::Daemon, format!("omgd ended before it answered {how}"))
            .hint("OMG_LOG=debug before the command shows what it says")
    }

    /// Is it a daemon that others can use too?
    pub(crate) fn over_socket(&self) -> bool {
        self.alone.is_none()
    }

    /// Whom we speak to, for people.
    pub(crate) fn peer(&self) -> String {
        match &self.alone {
            Some(child) => format!("omgd --stdio (pid {})", child.id()),
            None => self.socket.display().to_string(),
        }
    }
}

impl Drop for Link {
    /// Hangs up, and waits for a daemon of our own to see it, so that no process stays behind.
    fn drop(&mut self) {
        drop(self.client.take());
        if let Some(child) = &mut self.alone {
            // Its end changes nothing: the answer is there already.
            let _ = child.wait();
        }
    }
}

/// Finds the daemon for `root`, or starts one.
///
/// Another system's root gets a daemon for this command alone, unless `OMG_SOCKET` names one that
/// answers for it; so does every root if `OMG_NO_DAEMON` or the settings say so.
///
/// # Errors
/// [`Code::Daemon`], [`Code::Peer`] and whatever else keeps a daemon from answering.
pub(crate) fn open(root: Option<&Path>) -> Result<Link, Fault> {
    if let Some(root) = root.filter(|root| !root.is_dir()) {
        return Err(Fault::new(
            Code::Usage,
            format!("--root {}: there is no such directory", root.display()),
        ));
    }
    let other = root.filter(|root| *root != Path::new("/"));
    if places::variable("OMG_NO_DAEMON").is_some_and(|value| value != "0") {
        return alone(root);
    }
    if other.is_some() && places::variable("OMG_SOCKET").is_none() {
        return alone(other);
    }
    match running() {
        Err(error) if error.is_absent() => {}
        link => {
            let mut link = link?;
            link.root = root.map(Path::to_path_buf);
            return Ok(link);
        }
    }
    if Settings::of_user()?.daemon.autostart { start(other) } else { alone(root) }
}

/// A link to the daemon that runs.
///
/// # Errors
/// [`omg_ipc::Error::Absent`] if none does.
pub(crate) fn running() -> Result<Link, omg_ipc::Error> {
    let socket = places::socket();
    let client = Client::connect(&socket)?;
    Ok(Link { client: Some(client), alone: None, socket, root: None })
}

/// Starts a daemon for `root` that stays, and connects to it.
///
/// # Errors
/// [`Code::Daemon`], with the end of its log.
pub(crate) fn start(root: Option<&Path>) -> Result<Link, Fault> {
    let log = places::log();
    let mut child = spawn::detached(root, log.as_deref())?;
    let began = Instant::now();
    let mut pause = Duration::from_micros(500);
    loop {
        match running() {
            Ok(link) => return Ok(link),
            Err(error) if !error.is_absent() => return Err(error.into()),
            Err(_) => {}
        }
        if let Ok(Some(status)) = child.try_wait() {
            // Another `omg` may have been faster: then its daemon holds the socket, and ours went.
            return running()
                .map_err(|_| failed(&format!("omgd ended at once ({status})"), log.as_deref()));
        }
        if began.elapsed() > START {
            let message = format!("omgd did not listen within {} s", START.as_secs());
            return Err(failed(&message, log.as_deref()));
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

fn failed(message: &str, log: Option<&Path>) -> Fault {
    let mut fault = Fault::new(Code::Daemon, message);
    if let Some(text) = log.and_then(|log| std::fs::read(log).ok()) {
        let tail =
            String::from_utf8_lossy(text.get(text.len().saturating_sub(TAIL)..).unwrap_or(&[]))
                .into_owned();
        fault.cause.extend(tail.lines().rev().take(3).map(str::to_owned));
        fault.cause.reverse();
    }
    fault.hint(
        "`omg daemon logs` shows more; `OMG_NO_DAEMON=1 omg …` works without a daemon that stays",
    )
}

/// A daemon for this command alone, over pipes.
fn alone(root: Option<&Path>) -> Result<Link, Fault> {
    let mut child = spawn::attached(root)?;
    let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(Fault::new(Code::Daemon, "omgd has no pipes to speak over"));
    };
    Ok(Link {
        client: Some(Client::over(stdout, stdin)),
        alone: Some(child),
        socket: PathBuf::new(),
        root: root.map(Path::to_path_buf),
    })
}
