//! Another process that writes: this program again, told by its environment what to do.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use omg_audit::{Done, Log, Options};

use crate::world::entry;

const ROLE: &str = "OMG_AUDIT_ROLE";
const DIR: &str = "OMG_AUDIT_DIR";

/// Starts this program as a writer of the log in `dir`. What it acknowledges comes out line by line.
pub(crate) fn start(role: &str, dir: &Path, environment: &[(&str, &str)]) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child::entry_point", "--nocapture", "--include-ignored"])
        .env(ROLE, role)
        .env(DIR, dir)
        .envs(environment.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The same, run to its end: what it acknowledged, and how it ended.
pub(crate) fn run(role: &str, dir: &Path, environment: &[(&str, &str)]) -> (Vec<Ack>, ExitStatus) {
    let mut child = start(role, dir, environment);
    let acks = acks(&mut child);
    (acks, child.wait().unwrap())
}

/// Something that a child says is recorded: `intent 5`, `commit 6 of 5`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Ack {
    pub(crate) what: String,
    pub(crate) seq: u64,
}

/// What a child says until its output ends.
pub(crate) fn acks(child: &mut Child) -> Vec<Ack> {
    killed_after(child, usize::MAX, Duration::ZERO)
}

/// Kills a child so long after it has said so many things, however slow it is; what it said in all.
pub(crate) fn killed_after(child: &mut Child, said: usize, delay: Duration) -> Vec<Ack> {
    ended_after(child, said, || std::thread::sleep(delay))
}

/// The same, with something that happens before it is killed.
pub(crate) fn ended_after(child: &mut Child, said: usize, before: impl Fn()) -> Vec<Ack> {
    let lines = BufReader::new(child.stdout.take().unwrap()).split(b'\n');
    let mut acks = Vec::new();
    let mut killed = false;
    for line in lines {
        if acks.len() >= said && !killed {
            before();
            child.kill().unwrap();
            killed = true;
        }
        let line = String::from_utf8(line.unwrap()).unwrap();
        if let Some((what, seq)) = line.strip_prefix("ack ").and_then(|rest| rest.split_once(' '))
            && let Ok(seq) = seq.parse()
        {
            acks.push(Ack { what: what.to_owned(), seq });
        }
    }
    acks
}

fn ack(what: &str, seq: u64) {
    // One write, so that a line is whole or not there.
    let line = format!("\nack {what} {seq}\n");
    std::io::stdout().write_all(line.as_bytes()).unwrap();
    std::io::stdout().flush().unwrap();
}

#[test]
#[ignore = "started by other tests, as a process of its own"]
fn entry_point() {
    let (Ok(role), Ok(dir)) = (std::env::var(ROLE), std::env::var(DIR)) else { return };
    let dir = PathBuf::from(dir);
    match role.as_str() {
        // Changes one after the other, until it is killed.
        "endless" => changes(&dir, usize::MAX, &Options::default()),
        "one" => changes(&dir, 1, &Options::default()),
        "few" => changes(&dir, 5, &Options::default()),
        "fifty" => changes(&dir, 50, &Options::default()),
        // With a new key each time.
        "rotating" => {
            let options = Options { key_lifetime: std::time::Duration::ZERO, ..Options::default() };
            changes(&dir, 1, &options);
        }
        "threads" => std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| changes(&dir, usize::MAX, &Options::default()));
            }
        }),
        "full" => crate::full::fill_up(&dir),
        "clock" => crate::clock::backwards(&dir),
        "secrets" => crate::secrets::record(&dir),
        "export" => crate::export::hand_out(&dir),
        "damaged" => crate::damage::read(&dir),
        "denied" => {
            let log = Log::open(&dir, &Options::default()).unwrap();
            let fault = crate::world::fault();
            ack("deny", log.deny(entry("install", "vim", 1), &fault).unwrap());
        }
        "open" => {
            Log::open(&dir, &Options::default()).unwrap();
        }
        other => panic!("no role {other}"),
    }
}

fn changes(dir: &Path, number: usize, options: &Options) {
    let log = Log::open(dir, options).unwrap();
    for at in 0..number {
        let pending = log.begin(entry("upgrade", "vim", at)).unwrap();
        ack("intent", pending.seq());
        if at % 5 == 4 {
            ack("abort", pending.abort(&crate::world::fault()).unwrap());
        } else {
            ack("commit", pending.commit(&Done::default()).unwrap());
        }
    }
}
