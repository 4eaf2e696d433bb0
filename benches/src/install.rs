//! Whole changes on real systems, from Enter to the prompt: OMG and the native tool in turn.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::Outcome;
use crate::host::{Daemon, done, executable, timed};
use crate::report::Report;
use crate::sample::{Sample, show};
use crate::systems::{self, Arch, Debian};

const RUNS: usize = 9;

/// Until the daemon has seen a change and made ready for the next request, as between two commands of
/// a person.
const REST: Duration = Duration::from_secs(2);

/// Of OMG's own on top of the native tool, at most.
const OWN: f64 = 0.10;

/// Until a plan with its grades is on the screen.
const SHOWN: Duration = Duration::from_millis(100);

type Failed = Box<dyn std::error::Error>;

/// Runs every part.
pub(crate) fn run(report: &mut Report) -> Outcome {
    report.table(
        "Changing a system: one small package that is in the cache, and plans with grades",
        &["what", "measured", "goal", "reached"],
    );
    debian(report)?;
    arch(report)?;
    report.line("\nWhole processes on a warm daemon. OMG downloads nothing here but looks for the file, verifies it as the user and once more as root, and records intent and outcome durably; apt-get trusts what is in its cache after its digest, pacman runs without signatures, as OMG does in that root.");
    Ok(())
}

fn debian(report: &mut Report) -> Outcome {
    let Some(system) = Debian::new(report)? else { return Ok(()) };
    system.apt_get(&["-d", "install", "hello"])?;
    let (root, twin) = (system.root(), system.twin()?);
    let daemon = systems::daemon(&root)?;
    let purge = ["dpkg", "--purge", "hello"];
    let undo = [&mut system.inside(&purge), &mut twin.inside(&purge)];
    let mut theirs = twin.inside(&["apt-get", "-y", "install", "hello"]);
    changed(report, &daemon, &root, ("hello", "apt-get -y install"), &mut theirs, undo)?;
    for name in ["hello", "imagemagick"] {
        let mut theirs = twin.inside(&["apt-get", "-s", "install", name]);
        let ours = ["install", "-n", name];
        planned(
            report,
            &daemon,
            &root,
            &ours,
            (&mut theirs, &format!("apt-get -s install {name}")),
        )?;
    }
    Ok(())
}

fn arch(report: &mut Report) -> Outcome {
    let Some(system) = Arch::new(report)? else { return Ok(()) };
    let daemon = systems::daemon(system.root())?;
    let remove = [&mut system.pacman(&["-R", "tiny"]), &mut system.pacman(&["-R", "tiny"])];
    let mut theirs = system.pacman(&["-S", "tiny"]);
    changed(report, &daemon, system.root(), ("tiny", "pacman -S"), &mut theirs, remove)?;
    // The second brings nearly everything up to date.
    for (ours, way, name) in [
        (&["install", "-n", "tiny"][..], "-Sp", "tiny"),
        (&["install", "-n", "-u", "openssh"], "-Sup", "openssh"),
    ] {
        let mut theirs = system.pacman(&[way, name]);
        let tool = format!("pacman {way} {name}");
        planned(report, &daemon, system.root(), ours, (&mut theirs, &tool))?;
    }
    Ok(())
}

fn omg(daemon: &Daemon, root: &Path, words: &[&str]) -> Result<Command, Failed> {
    let mut command = daemon.command(&executable("omg")?);
    command.arg("--root").arg(root).args(words).stdin(Stdio::null());
    Ok(command)
}

/// Installs a package in both ways in turn, and takes it away in between.
fn changed(
    report: &mut Report,
    daemon: &Daemon,
    root: &Path,
    (name, tool): (&str, &str),
    theirs: &mut Command,
    undo: [&mut Command; 2],
) -> Outcome {
    let mut ours = omg(daemon, root, &["install", "-y", name])?;
    let (mut of_ours, mut of_theirs) = (Vec::new(), Vec::new());
    let [undo_ours, undo_theirs] = undo;
    for round in 0..=RUNS {
        for (command, undo, times) in [
            (&mut ours, &mut *undo_ours, &mut of_ours),
            (&mut *theirs, &mut *undo_theirs, &mut of_theirs),
        ] {
            std::thread::sleep(REST);
            let took = timed(command)?;
            done(undo)?;
            if round > 0 {
                times.push(took);
            }
        }
    }
    let (ours, theirs) = (Sample::new(of_ours), Sample::new(of_theirs));
    let own = ours.median().as_secs_f64() / theirs.median().as_secs_f64() - 1.0;
    report.figure(
        &format!(
            "`omg install -y {name}`, median of {RUNS}; `{tool} {name}`: {} (minimum {})",
            show(theirs.median()),
            show(theirs.min())
        ),
        &format!("{} (minimum {}, {:+.0} %)", show(ours.median()), show(ours.min()), own * 100.0),
        "≤ +10 %",
        own <= OWN,
    );
    Ok(())
}

/// A plan, until its process has ended.
fn planned(
    report: &mut Report,
    daemon: &Daemon,
    root: &Path,
    words: &[&str],
    (theirs, tool): (&mut Command, &str),
) -> Outcome {
    let mut ours = omg(daemon, root, words)?;
    let shown = String::from_utf8(done(&mut ours)?.stdout)?;
    let grades = ["risk", "community", "verified", "locked"];
    if !grades.iter().any(|grade| shown.split_whitespace().any(|word| word == *grade)) {
        return Err(format!("no grade is shown: {shown}").into());
    }
    let (mut of_ours, mut of_theirs) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        std::thread::sleep(Duration::from_millis(500));
        of_ours.push(timed(&mut ours)?);
        of_theirs.push(timed(theirs)?);
    }
    let (ours, theirs) = (Sample::new(of_ours), Sample::new(of_theirs));
    report.figure(
        &format!("`omg {}`, grades shown; `{tool}`: {}", words.join(" "), show(theirs.median())),
        &format!("{} (most {})", show(ours.median()), show(ours.quantile(1.0))),
        "≤ 100 ms",
        ours.median() <= SHOWN,
    );
    Ok(())
}
