//! Starts a process and looks after it until its end.

use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::Builder;
use super::run::{End, Order, Run, Shared};
use crate::Error;
use crate::wire::{self, ANSWER_LIMIT, HELLO_LIMIT, Hello, PREFIX};

/// How long an engine may take to end once its input is closed, before it is killed.
const GRACE: Duration = Duration::from_secs(2);

/// Asks that wait to be written; more wait in the tasks that ask.
const OUTGOING: usize = 16;

/// Longest line of standard error that is logged as one, bytes.
const LINE: u64 = 1024;

/// Most lines of one process that are logged; what follows is read and dropped.
const LINES: usize = 1000;

/// The whole environment of an engine. Native libraries are steered by the environment in ways that a
/// user's own daemon must not pass on; and what they say is to be in English, for the messages are read.
const ENVIRONMENT: [(&str, &str); 4] = [
    ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
    ("HOME", "/"),
    ("LANG", "C.UTF-8"),
    ("LC_ALL", "C.UTF-8"),
];

/// Starts an engine and the task that looks after it.
pub(super) fn start(settings: &Builder) -> Result<Arc<Run>, Error> {
    let path = &settings.executable;
    let failed = |source| Error::Start { path: path.clone(), source };
    let root = std::path::absolute(&settings.root).map_err(failed)?;
    let executable = std::path::absolute(path).map_err(failed)?;
    let mut child = Command::new(executable)
        .arg("plan")
        .arg("--root")
        .arg(root)
        .env_clear()
        .envs(ENVIRONMENT)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Interrupting the daemon at a terminal must not kill a plan that it still answers.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let pid = child.id().unwrap_or_default();
    let (Some(stdin), Some(stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(failed(std::io::ErrorKind::BrokenPipe.into()));
    };
    tracing::debug!(engine = %path.display(), pid, "started");
    let (asks, outgoing) = mpsc::channel(OUTGOING);
    let (orders, ordered) = watch::channel(Order::Run);
    let shared = Arc::new(Shared::new());
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let keeper = Keeper { child, errors: tokio::spawn(log(stderr, name)), shared: shared.clone() };
    tokio::spawn(keeper.keep(stdin, stdout, outgoing, ordered, settings.idle));
    Ok(Arc::new(Run { pid, asks, orders, shared, next: AtomicU64::new(1) }))
}

/// Looks after one process.
struct Keeper {
    child: Child,
    /// Logs what it prints; gives back the last line.
    errors: JoinHandle<Option<String>>,
    shared: Arc<Shared>,
}

impl Drop for Keeper {
    /// When the runtime ends, this task ends anywhere; who waits is told then, too.
    fn drop(&mut self) {
        self.errors.abort();
        self.shared.close(&End::Died("the daemon ends".to_owned()));
    }
}

impl Keeper {
    async fn keep(
        mut self,
        stdin: ChildStdin,
        stdout: ChildStdout,
        mut outgoing: mpsc::Receiver<Vec<u8>>,
        mut ordered: watch::Receiver<Order>,
        idle: Duration,
    ) {
        let (order, said) = {
            let reading = read(stdout, &self.shared);
            let writing = write(stdin, &mut outgoing);
            tokio::pin!(reading);
            tokio::select! {
                result = &mut reading => after(result),
                result = writing => after(result),
                order = order(&mut ordered) => (order, None),
                () = idleness(&self.shared, idle) => (Order::Stop, None),
                _ = self.child.wait() => {
                    // What it said before its end is in the pipe still.
                    timeout(GRACE, reading).await.map_or((Order::Kill, None), after)
                }
            }
        };
        // Here its input is closed, since the future that wrote to it is gone.
        let how = self.ended(order, &mut ordered).await;
        let last = timeout(GRACE, &mut self.errors).await.ok().and_then(Result::ok).flatten();
        let how = said.or(last).map_or(how.clone(), |words| format!("{how}: {words}"));
        tracing::debug!(how, "engine ended");
        self.shared.close(&End::Died(how));
    }

    /// Waits for the end of the process, or brings it about.
    async fn ended(&mut self, order: Order, ordered: &mut watch::Receiver<Order>) -> String {
        if order == Order::Stop {
            tokio::select! {
                status = self.child.wait() => return how(status),
                () = killed(ordered) => {}
                () = tokio::time::sleep(GRACE) => {}
            }
        }
        // It may have ended in this moment; waiting tells.
        let _ = self.child.start_kill();
        how(self.child.wait().await)
    }
}

/// What to do when a pipe has come to its end: an orderly end may still be under way, while after words
/// that make no sense there is nothing to wait for.
fn after(result: Result<(), Error>) -> (Order, Option<String>) {
    match result {
        Ok(()) | Err(Error::Pipe { .. }) => (Order::Stop, None),
        Err(error) => (Order::Kill, Some(error.to_string())),
    }
}

fn how(status: std::io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) => match (status.signal(), status.code()) {
            (Some(signal), _) => format!("signal {signal}"),
            (None, Some(code)) => format!("exit code {code}"),
            (None, None) => status.to_string(),
        },
        Err(error) => format!("it can't be waited for: {error}"),
    }
}

/// The first order other than to run. Nobody left who could give one means: stop.
async fn order(ordered: &mut watch::Receiver<Order>) -> Order {
    ordered.wait_for(|order| *order != Order::Run).await.map_or(Order::Stop, |order| *order)
}

async fn killed(ordered: &mut watch::Receiver<Order>) {
    if ordered.wait_for(|order| *order == Order::Kill).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Ends when nobody has asked for `limit`.
async fn idleness(shared: &Shared, limit: Duration) {
    while let Some(until) = shared.close_if_idle(limit) {
        tokio::time::sleep_until(until).await;
    }
}

/// Writes greeting and asks until nobody can ask any more.
async fn write(mut stdin: ChildStdin, asks: &mut mpsc::Receiver<Vec<u8>>) -> Result<(), Error> {
    let failed = |source| Error::Pipe { context: "writing to the engine", source };
    let mut frame = Hello::frame();
    loop {
        stdin.write_all(&frame).await.map_err(failed)?;
        match asks.recv().await {
            Some(ask) => frame = ask,
            None => return Ok(()),
        }
    }
}

/// Reads greeting and answers until the engine closes its end.
async fn read(stdout: ChildStdout, shared: &Shared) -> Result<(), Error> {
    let mut stdout = BufReader::new(stdout);
    let Some(hello) = frame(&mut stdout, HELLO_LIMIT).await? else { return Ok(()) };
    Hello::decode(&hello)?;
    while let Some(payload) = frame(&mut stdout, ANSWER_LIMIT).await? {
        let (id, answer) = wire::decode_answer(&payload)?;
        shared.answered(id, answer);
    }
    Ok(())
}

/// A frame's payload; None at the end, also at one in the middle of a frame. Room is made as its bytes
/// come, not as it claims to be long.
async fn frame(stdout: &mut BufReader<ChildStdout>, most: u32) -> Result<Option<Vec<u8>>, Error> {
    let failed = |source| Error::Pipe { context: "reading from the engine", source };
    let mut prefix = Vec::with_capacity(PREFIX);
    stdout.take(PREFIX as u64).read_to_end(&mut prefix).await.map_err(failed)?;
    let Some(prefix) = prefix.first_chunk() else { return Ok(None) };
    let length = wire::length(*prefix, most)?;
    let mut payload = Vec::new();
    stdout.take(length.into()).read_to_end(&mut payload).await.map_err(failed)?;
    Ok((payload.len() == length as usize).then_some(payload))
}

/// Logs an engine's standard error line by line. Gives back the last one.
async fn log(stderr: ChildStderr, engine: String) -> Option<String> {
    let mut stderr = BufReader::new(stderr);
    let mut last = None;
    for number in 0_usize.. {
        let mut line = Vec::new();
        match (&mut stderr).take(LINE).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
        let mut text = String::from_utf8_lossy(&line).trim_end().to_owned();
        wire::clean(&mut text);
        if text.is_empty() {
            continue;
        }
        if number < LINES {
            tracing::warn!(engine, "{text}");
        } else if number == LINES {
            tracing::warn!(engine, "says too much; the rest of it is dropped");
        }
        last = Some(text);
    }
    last
}
