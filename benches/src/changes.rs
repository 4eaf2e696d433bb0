//! How soon a change of the system is seen.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use omg_proto::{Query, Reply, Request};

use crate::Outcome;
use crate::host::Daemon;
use crate::report::Report;
use crate::sample::{Sample, show};

/// Changes a root of our own behind the daemon's back, with the system's own tools and by hand.
pub(crate) fn run(report: &mut Report) -> Outcome {
    let root = tempfile::tempdir()?;
    copy(Path::new("/"), root.path())?;
    let daemon = Daemon::start_on(root.path())?;
    report.table(
        "Changes behind the daemon's back, until the answer is new",
        &["what", "median of 5", "goal", "reached"],
    );
    let marked = of(&daemon, |turn| hold(root.path(), turn % 2 == 0))?;
    report.figure(
        "dpkg --set-selections (status rewritten)",
        &show(marked),
        "≤ 1 s",
        marked <= Duration::from_secs(1),
    );
    let refreshed = of(&daemon, |turn| touch_lists(root.path(), turn))?;
    report.figure(
        "a list replaced, as apt-get update does",
        &show(refreshed),
        "≤ 1 s",
        refreshed <= Duration::from_secs(1),
    );
    Ok(())
}

/// Median time from the end of a change to an answer of another generation.
fn of(
    daemon: &Daemon,
    mut change: impl FnMut(u32) -> Outcome,
) -> Result<Duration, Box<dyn std::error::Error>> {
    let mut client = daemon.client()?;
    let mut generation = || match client.call(&Request::One(Query::Ping)).map(|answer| {
        answer.reply().map(|reply| match reply {
            Reply::Pong { generation } => Some(generation),
            _ => None,
        })
    }) {
        Ok(Ok(Some(generation))) => Ok(generation),
        Ok(Ok(None)) => Err("no pong".to_owned()),
        Ok(Err(error)) | Err(error) => Err(error.to_string()),
    };
    let mut times = Vec::new();
    for turn in 0..5 {
        std::thread::sleep(Duration::from_millis(1500));
        let before = generation()?;
        change(turn)?;
        let start = Instant::now();
        while generation()? == before {
            if start.elapsed() > Duration::from_secs(10) {
                return Err("a change was not seen within 10 s".into());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        times.push(start.elapsed());
    }
    Ok(Sample::new(times).median())
}

fn copy(from: &Path, to: &Path) -> Outcome {
    for part in ["etc/apt", "var/lib/dpkg", "var/lib/apt"] {
        let parent = to.join(part).parent().map(Path::to_path_buf).unwrap_or_default();
        std::fs::create_dir_all(&parent)?;
        let status = Command::new("cp").arg("-a").arg(from.join(part)).arg(&parent).status()?;
        if !status.success() {
            return Err(format!("cp of {part} ended with {status}").into());
        }
    }
    Ok(())
}

fn hold(root: &Path, hold: bool) -> Outcome {
    use std::io::Write as _;
    let mut child = Command::new("dpkg")
        .arg("--admindir")
        .arg(root.join("var/lib/dpkg"))
        .arg("--set-selections")
        .stdin(std::process::Stdio::piped())
        .spawn()?;
    if let Some(stdin) = &mut child.stdin {
        stdin.write_all(if hold { b"coreutils hold\n" } else { b"coreutils install\n" })?;
    }
    let status = child.wait()?;
    if status.success() { Ok(()) } else { Err(format!("dpkg ended with {status}").into()) }
}

/// Replaces the smallest list by one with another modification time and one more package.
fn touch_lists(root: &Path, turn: u32) -> Outcome {
    let lists = root.join("var/lib/apt/lists");
    let mut smallest = None;
    for entry in std::fs::read_dir(&lists)? {
        let entry = entry?;
        let size = entry.metadata()?.len();
        if entry.file_name().to_string_lossy().contains("_Packages")
            && smallest.as_ref().is_none_or(|(least, _)| size < *least)
        {
            smallest = Some((size, entry.path()));
        }
    }
    let (_, path) = smallest.ok_or("no package list")?;
    let new = lists.join(format!("partial-{turn}"));
    std::fs::copy(&path, &new)?;
    std::fs::rename(&new, &path)?;
    Ok(())
}
