//! Lists fetched from a mirror on loopback: `omg sync` beside `apt-get update` and `pacman -Sy`.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use omg_fetch::Sha256;
use omg_fetch::testing::Mirror;

use crate::Outcome;
use crate::arch::data;
use crate::host::{Daemon, done, executable, has, timed};
use crate::keys::Keys;
use crate::report::Report;
use crate::sample::{Sample, show};
use crate::systems::{self, Arch};

const RUNS: usize = 5;

/// Until the daemon has done with what changed before.
const REST: Duration = Duration::from_secs(2);

type Failed = Box<dyn std::error::Error>;

/// Runs every part.
pub(crate) fn run(report: &mut Report) -> Outcome {
    report.table("Fetching lists from loopback", &["what", "measured", "goal", "reached"]);
    debian(report)?;
    arch(report)?;
    report.line("\n`omg sync` fetches and verifies as the user; the engine verifies once more and puts all lists into place at once.");
    Ok(())
}

/// Lists in a root, and how they are fetched by the native tool.
struct Case<'a> {
    root: &'a Path,
    /// Directory of the lists, below the root.
    lists: &'a str,
    tool: &'a str,
    theirs: Command,
}

impl Case<'_> {
    fn measure(mut self, report: &mut Report) -> Outcome {
        let daemon = systems::daemon(self.root)?;
        let mut ours = daemon.command(&executable("omg")?);
        ours.arg("--root").arg(self.root).arg("sync");
        for (what, anew) in [("nothing is there yet", true), ("nothing is new", false)] {
            let (mut of_ours, mut of_theirs) = (Vec::new(), Vec::new());
            for round in 0..=RUNS {
                for (command, times) in
                    [(&mut ours, &mut of_ours), (&mut self.theirs, &mut of_theirs)]
                {
                    if anew {
                        empty(&self.root.join(self.lists))?;
                        forget(&daemon)?;
                    }
                    std::thread::sleep(REST);
                    let took = timed(command)?;
                    if round > 0 {
                        times.push(took);
                    }
                }
            }
            let (ours, theirs) = (Sample::new(of_ours).median(), Sample::new(of_theirs).median());
            let ratio = theirs.as_secs_f64() / ours.as_secs_f64();
            report.figure(
                &format!("`omg sync`, {what}; `{}`: {}", self.tool, show(theirs)),
                &format!("{} ({ratio:.1}× faster)", show(ours)),
                "–",
                true,
            );
        }
        Ok(())
    }
}

/// Has the daemon's side download everything anew.
fn forget(daemon: &Daemon) -> Outcome {
    empty(&daemon.cache().join("lists"))?;
    empty(&daemon.cache().join("store/sha256"))
}

/// Removes the files below a directory; directories stay.
fn empty(directory: &Path) -> Outcome {
    if directory.is_dir() {
        done(Command::new("find").arg(directory).args(["-type", "f", "-delete"]))?;
    }
    Ok(())
}

fn debian(report: &mut Report) -> Outcome {
    if !rustix::process::geteuid().is_root() {
        report.line("(only root can change a system: left out)");
        return Ok(());
    }
    if !["apt-get", "gpg", "xz"].into_iter().all(|tool| has(report, tool)) {
        return Ok(());
    }
    let home = tempfile::Builder::new().prefix("omg-bench-").tempdir()?;
    let (site, root) = (home.path().join("site"), home.path().join("root"));
    let keys = Keys::new()?;
    publish(&site, &keys)?;
    let mirror = Mirror::start(&site)?;
    for part in [
        "var/lib/dpkg/info",
        "var/lib/dpkg/updates",
        "var/lib/dpkg/triggers",
        "var/lib/apt/lists/partial",
        "var/cache/apt/archives/partial",
        "var/log/apt",
        "etc/apt/apt.conf.d",
        "etc/apt/preferences.d",
        "usr/share/keyrings",
    ] {
        fs::create_dir_all(root.join(part))?;
    }
    fs::write(root.join("var/lib/dpkg/status"), "")?;
    fs::write(root.join("var/lib/dpkg/arch"), "amd64\n")?;
    fs::write(root.join("etc/os-release"), "ID=debian\n")?;
    fs::copy(keys.public(), root.join("usr/share/keyrings/bench.gpg"))?;
    let line = |keyring: &str| format!("deb [signed-by={keyring}] {} stable main\n", mirror.base());
    fs::write(root.join("etc/apt/sources.list"), line("/usr/share/keyrings/bench.gpg"))?;
    // apt-get takes the path as one of this machine.
    let sources = home.path().join("sources.list");
    fs::write(&sources, line(&keys.public().display().to_string()))?;
    let conf = home.path().join("apt.conf");
    let at = root.display();
    fs::write(
        &conf,
        format!(
            "Dir \"{at}/\";\nDir::Etc::sourcelist \"{}\";\nDir::Etc::sourceparts \"-\";\n\
             Dir::State::status \"{at}/var/lib/dpkg/status\";\nAPT::Architecture \"amd64\";\n\
             APT::Architectures {{ \"amd64\"; }};\nAPT::Sandbox::User \"root\";\n\
             Dir::Bin::methods \"/usr/lib/apt/methods\";\nAcquire::Languages \"none\";\n",
            sources.display()
        ),
    )?;
    fs::write(root.join("etc/apt/apt.conf.d/90languages"), "Acquire::Languages \"none\";\n")?;
    let mut theirs = Command::new("apt-get");
    theirs.env("APT_CONFIG", &conf).env("LC_ALL", "C").arg("update");
    Case { root: &root, lists: "var/lib/apt/lists", tool: "apt-get update", theirs }.measure(report)
}

/// An archive with the largest list of this machine, packed and signed.
fn publish(site: &Path, keys: &Keys) -> Outcome {
    let suite = site.join("dists/stable");
    let folder = suite.join("main/binary-amd64");
    fs::create_dir_all(&folder)?;
    let plain = folder.join("Packages");
    let cat = done(Command::new("/usr/lib/apt/apt-helper").arg("cat-file").arg(largest()?))?;
    fs::write(&plain, cat.stdout)?;
    done(Command::new("xz").args(["-1", "-k", "-T2"]).arg(&plain))?;
    let date = String::from_utf8(done(Command::new("date").arg("-Ru"))?.stdout)?;
    let mut release = format!(
        "Origin: Bench\nLabel: Bench\nSuite: stable\nCodename: stable\nDate: {}\n\
         Architectures: amd64\nComponents: main\nSHA256:\n",
        date.trim()
    );
    for name in ["Packages", "Packages.xz"] {
        let bytes = fs::read(folder.join(name))?;
        writeln!(release, " {} {} main/binary-amd64/{name}", Sha256::of(&bytes), bytes.len())?;
    }
    // Only the packed one is served, as the archive does it.
    fs::remove_file(&plain)?;
    let text = suite.join("Release");
    fs::write(&text, release)?;
    keys.sign("--clearsign", "SHA512", &text, &suite.join("InRelease"))
}

fn largest() -> Result<PathBuf, Failed> {
    let mut all = Vec::new();
    for entry in fs::read_dir("/var/lib/apt/lists")? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().contains("_Packages") {
            all.push((entry.metadata()?.len(), entry.path()));
        }
    }
    all.into_iter().max().map(|(_, path)| path).ok_or_else(|| "no package list".into())
}

fn arch(report: &mut Report) -> Outcome {
    let Some(system) = Arch::new(report)? else { return Ok(()) };
    let site = tempfile::tempdir()?;
    for name in ["core", "extra", "multilib"] {
        let from = data().join("arch/era-2022-09").join(format!("{name}.db"));
        fs::create_dir(site.path().join(name))?;
        fs::write(site.path().join(name).join(format!("{name}.db")), fs::read(from)?)?;
    }
    let mirror = Mirror::start(site.path())?;
    system.offer(&mirror.base())?;
    let theirs = system.pacman(&["-Sy"]);
    Case { root: system.root(), lists: "var/lib/pacman/sync", tool: "pacman -Sy", theirs }
        .measure(report)
}
