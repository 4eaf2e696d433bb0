//! Ways out, tried inside each profile; and outside first, where they have to lead somewhere.
//!
//! A probe is a small program step that says what it got hold of. This test program runs all of them three
//! times: as root and as an unprivileged user outside, where every probe has to succeed at least once
//! unless its entry says why it can't, and confined, where none may.

mod files;
mod kernel;
mod network;
mod processes;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use omg_sandbox::{Confinement, Limits, Profile};

use crate::site::{NOBODY, Site, is_root, skip};

/// What nobody in there may get to see.
pub(crate) const SECRET: &str = "canary-7f3a91";
/// An open file that everybody inherits.
const INHERITED: i32 = 77;
/// Environment of the probes: where the canaries are.
const PLACE: &str = "OMG_PROBE_PLACE";
const HOST: &str = "OMG_PROBE_HOST";
/// A variable that is in the environment of whoever starts the build.
pub(crate) const LEAK: &str = "OMG_PROBE_LEAK";

/// What a probe got hold of, or what held it back.
pub(crate) type Found = Result<String, String>;

/// Whether a probe has to succeed outside.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sees {
    /// For somebody: root or a user.
    Outside,
    /// For root; so it is not seen to succeed if a user runs the tests.
    AsRoot,
    /// Not everywhere, because of this.
    Perhaps(&'static str),
}

pub(crate) struct Probe {
    pub(crate) name: &'static str,
    pub(crate) sees: Sees,
    pub(crate) step: fn(&World) -> Found,
}

/// Where the canaries are.
pub(crate) struct World {
    pub(crate) place: PathBuf,
    /// A process outside.
    pub(crate) process: i32,
    pub(crate) tcp: u16,
    pub(crate) udp: u16,
}

impl World {
    fn of_environment() -> Self {
        let host = env::var(HOST).unwrap();
        let mut numbers = host.split(' ');
        let mut number = || numbers.next().unwrap();
        Self {
            place: env::var(PLACE).unwrap().into(),
            process: number().parse().unwrap(),
            tcp: number().parse().unwrap(),
            udp: number().parse().unwrap(),
        }
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.place.join("home/.ssh/id_ed25519")
    }

    pub(crate) fn abstract_name(&self) -> String {
        format!("omg-probe-{}", self.place.display())
    }
}

fn all() -> Vec<Probe> {
    let lists = [files::PROBES, network::PROBES, processes::PROBES, kernel::PROBES];
    lists
        .into_iter()
        .flatten()
        .map(|(name, sees, step)| Probe { name, sees: *sees, step: *step })
        .collect()
}

/// A line for each probe.
#[test]
#[ignore = "it is started by the other tests, outside and confined"]
fn inside() {
    let world = World::of_environment();
    for probe in all() {
        let (word, what) = match (probe.step)(&world) {
            Ok(what) => ("ESCAPED", what),
            Err(what) => ("contained", what),
        };
        println!("probe {} {word}: {}", probe.name, what.replace('\n', " "));
    }
    println!("probe end contained: ");
}

/// Starts confinement as a user who is not root.
#[test]
#[ignore = "it is started by the other tests, as another user"]
fn confined() {
    let profile = Profile::of(&env::var("OMG_PROBE_PROFILE").unwrap()).unwrap();
    let place = PathBuf::from(env::var(PLACE).unwrap());
    let shim = place.join("omg-sandbox-exec");
    let confinement = Confinement::new(profile, &shim);
    for line in run_confined(&confinement, &place, &env::var(HOST).unwrap()) {
        println!("{line}");
    }
}

fn run_confined(confinement: &Confinement, place: &Path, host: &str) -> Vec<String> {
    let confinement =
        confinement.clone().limits(Limits { wall: Duration::from_mins(1), ..Limits::default() });
    let arguments = ["probes::inside", "--exact", "--ignored", "--nocapture", "--test-threads=1"];
    let mut lines = Vec::new();
    let ended = confinement
        .command(&place.join("workspace"), "/probe", &arguments)
        .read_only(&place.join("probe"), Path::new("/probe"))
        .read_only(&place.join("setuid"), Path::new("/setuid"))
        .variable(PLACE, place)
        .variable(HOST, host)
        .run(None, &mut |line| lines.push(line.to_owned()))
        .unwrap();
    assert_eq!(ended.status, Some(0), "{lines:#?}");
    lines
}

/// The canaries, and those who guard them.
struct Zoo {
    site: Site,
    sleeper: Child,
    host: String,
    _sockets: Vec<UnixListener>,
    _tcp: std::net::TcpListener,
}

impl Drop for Zoo {
    fn drop(&mut self) {
        let _gone = self.sleeper.kill();
        let _reaped = self.sleeper.wait();
    }
}

impl Zoo {
    fn new() -> Option<Self> {
        let site = Site::new()?;
        for part in ["home", "home/.ssh", "run", "open", "secret"] {
            fs::create_dir(site.path(part)).unwrap();
        }
        let mode = |part: &str, mode| {
            fs::set_permissions(site.path(part), fs::Permissions::from_mode(mode)).unwrap();
        };
        fs::write(site.path("home/.ssh/id_ed25519"), SECRET).unwrap();
        mode("home/.ssh/id_ed25519", 0o666);
        mode("open", 0o777);
        // So that a file can be made beside the workspace.
        mode("", 0o777);
        fs::copy(env::current_exe().unwrap(), site.path("probe")).unwrap();
        fs::copy("/usr/bin/id", site.path("setuid")).unwrap();
        mode("probe", 0o755);
        mode("setuid", 0o4755);
        let mut sockets = Vec::new();
        for name in ["docker.sock", "bus", "agent"] {
            let path = site.path("run").join(name);
            sockets.push(UnixListener::bind(&path).unwrap());
            fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
        }
        let name = format!("omg-probe-{}", site.path("").display());
        let name = name.trim_end_matches('/');
        let address = SocketAddr::from_abstract_name(name).unwrap();
        sockets.push(UnixListener::bind_addr(&address).unwrap());
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let ports = (tcp.local_addr().unwrap().port(), udp.local_addr().unwrap().port());
        // A name server that always answers; it ends with the test program.
        std::thread::spawn(move || {
            let mut packet = [0; 64];
            while let Ok((size, from)) = udp.recv_from(&mut packet) {
                let _lost = udp.send_to(&packet[..size], from);
            }
        });
        let mut sleeper = Command::new("sleep");
        sleeper.arg("600").env("OMG_PROBE_OTHER", SECRET).arg0(format!("sleep-{SECRET}"));
        if is_root() {
            sleeper.uid(NOBODY.uid).gid(NOBODY.gid);
        }
        let sleeper = sleeper.spawn().unwrap();
        let host = format!("{} {} {}", sleeper.id(), ports.0, ports.1);
        Some(Self { site, sleeper, host, _sockets: sockets, _tcp: tcp })
    }

    fn place(&self) -> PathBuf {
        self.site.directory.path().to_path_buf()
    }

    /// This test program, with one test, everything leaking, and an open file that is inherited.
    fn again(&self, test: &str, user: bool, profile: Option<Profile>) -> Vec<String> {
        let key = self.site.path("home/.ssh/id_ed25519");
        let script = format!("exec \"$@\" {INHERITED}<{}", key.display());
        // Not sh: dash knows no file above 9.
        let mut command = Command::new("/bin/bash");
        command
            .args(["-c", &script, "bash"])
            .arg(self.site.path("probe"))
            .args([test, "--exact", "--ignored", "--nocapture", "--test-threads=1"])
            .env(PLACE, self.place())
            .env(HOST, &self.host)
            .env(LEAK, SECRET)
            .env("SSH_AUTH_SOCK", self.site.path("run/agent"))
            .env("HOME", self.site.path("home"))
            .env("OMG_PROBE_PROFILE", profile.map_or("", Profile::as_str))
            .current_dir(self.site.workspace())
            .stdin(Stdio::null())
            .stderr(Stdio::inherit());
        if user && is_root() {
            command.uid(NOBODY.uid).gid(NOBODY.gid);
        }
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}");
        text.lines().map(str::to_owned).collect()
    }
}

/// Which probes got out, and what each said.
fn verdicts(lines: &[String]) -> BTreeMap<String, (bool, String)> {
    let mut verdicts = BTreeMap::new();
    for line in lines {
        // The harness writes the name of its test in front of the first.
        let Some((_, rest)) = line.split_once("probe ") else { continue };
        let Some((name, rest)) = rest.split_once(' ') else { continue };
        let Some((word, what)) = rest.split_once(": ") else { continue };
        verdicts.insert(name.to_owned(), (word == "ESCAPED", what.to_owned()));
    }
    assert!(verdicts.contains_key("end"), "the probes did not come to their end: {lines:#?}");
    verdicts.remove("end");
    assert_eq!(verdicts.len(), all().len(), "{lines:#?}");
    verdicts
}

fn none_escapes(profile: Profile, started: &str, lines: &[String]) {
    let verdicts = verdicts(lines);
    let escaped: Vec<_> = verdicts.iter().filter(|(_, (escaped, _))| *escaped).collect();
    assert!(escaped.is_empty(), "{profile}, started by {started}: {escaped:#?}");
    eprintln!("{profile}, started by {started}: {} probes contained", verdicts.len());
}

#[test]
fn the_probes_can_see() {
    let Some(zoo) = Zoo::new() else { return };
    let as_user = verdicts(&zoo.again("probes::inside", true, None));
    let as_root = is_root().then(|| verdicts(&zoo.again("probes::inside", false, None)));
    let mut blind = Vec::new();
    let mut unseen = Vec::new();
    for probe in all() {
        let user = &as_user[probe.name];
        let root = as_root.as_ref().map(|verdicts| &verdicts[probe.name]);
        let seen = user.0 || root.is_some_and(|(escaped, _)| *escaped);
        match probe.sees {
            _ if seen => {}
            Sees::Outside => blind.push((probe.name, user, root)),
            Sees::AsRoot if is_root() => blind.push((probe.name, user, root)),
            Sees::AsRoot => unseen.push(format!("{} (only root sees it)", probe.name)),
            Sees::Perhaps(reason) => unseen.push(format!("{} ({reason})", probe.name)),
        }
    }
    eprintln!("{} probes, not seen to succeed here: {unseen:?}", all().len());
    assert!(blind.is_empty(), "these see nothing where there is nothing in the way: {blind:#?}");
}

#[test]
fn no_probe_gets_out_of_a_build_that_root_started() {
    let Some(zoo) = Zoo::new() else { return };
    if !is_root() {
        return skip("only root can start a build for another user");
    }
    for profile in [Profile::Build, Profile::Strict] {
        let confinement = zoo.site.confinement(profile);
        let lines = run_confined(&confinement, &zoo.place(), &zoo.host);
        none_escapes(profile, "root", &lines);
    }
}

#[test]
fn no_probe_gets_out_of_a_build_that_a_user_started() {
    let Some(zoo) = Zoo::new() else { return };
    for profile in [Profile::Build, Profile::Strict] {
        let lines = zoo.again("probes::confined", true, Some(profile));
        none_escapes(profile, "a user", &lines);
    }
    let key = fs::read_to_string(zoo.site.path("home/.ssh/id_ed25519")).unwrap();
    assert_eq!(key, SECRET, "the canary is what it was");
    assert_eq!(fs::read_dir(zoo.site.path("open")).unwrap().count(), 0);
}
