//! What must not be done: refused, recorded, and the system as it was. Each attack is seen to succeed
//! against an engine that leaves the check out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use omg_audit::{Phase, Reader};
use omg_core::{Change, Code, Fault, Operation, Order, Outcome, Plan, Progress, Task};

use super::engine::{Engine, apply};
use super::repository::{Package, Repository};
use super::system::{able, differences, system, tree};
use crate::root::Root;

/// A root with one package to be had, and the plan that installs it.
struct Scene {
    _dir: tempfile::TempDir,
    path: PathBuf,
    repository: Repository,
    change: Change,
    plan: Plan,
}

fn scene() -> Scene {
    let dir = tempfile::tempdir().unwrap();
    let path = fs::canonicalize(dir.path()).unwrap().join("root");
    fs::create_dir(&path).unwrap();
    system(&path);
    let repository = Repository::new();
    repository.suite(&path, "stable", &[good()]);
    let change = Change::new(Operation::Install, ["tool"]);
    let root = Root::new(&path, "amd64");
    let plan = root.plan(&change).unwrap();
    root.stop();
    Scene { _dir: dir, path, repository, change, plan }
}

fn good() -> Package {
    let mut package = Package::new("tool", "1.0-1");
    "good".clone_into(&mut package.files[0].1);
    package
}

/// A package of the same size with something else in it.
fn evil(into: &Path) -> PathBuf {
    let mut package = good();
    "evil".clone_into(&mut package.files[0].1);
    fs::create_dir_all(into).unwrap();
    package.build(into)
}

impl Scene {
    fn order(&self) -> Order {
        apply(&self.change, &self.plan, &self.repository)
    }

    fn give(&self, order: &Order, environment: &[(&str, &str)]) -> Result<Outcome, Fault> {
        Engine::start_with(&self.path, environment).order(order).1
    }

    fn installed(&self) -> Option<String> {
        fs::read_to_string(self.path.join("usr/share/tool/data")).ok()
    }

    fn denials(&self) -> usize {
        let log = self.path.join("var/lib/omg/audit");
        let reader = Reader::open(&log).unwrap();
        reader
            .records(0)
            .unwrap()
            .filter(|record| record.as_ref().is_ok_and(|record| record.phase == Phase::Deny))
            .count()
    }

    /// The order is refused with this code, nothing differs, one refusal is recorded.
    fn refused(&self, order: &Order, code: Code) -> Fault {
        // The first order makes what is ours below the root.
        let before = tree(&self.path);
        let denials = if self.path.join("var/lib/omg/audit").exists() { self.denials() } else { 0 };
        let fault = self.give(order, &[]).unwrap_err();
        assert_eq!(fault.code, code, "{fault}");
        assert!([7, 9].contains(&code.exit()), "{code:?}: a lock, or a refusal");
        assert_eq!(differences(&before, &tree(&self.path)), [""; 0]);
        assert_eq!(self.denials(), denials + 1);
        fault
    }
}

fn with_artifact(order: &Order, edit: impl Fn(&mut omg_core::Artifact)) -> Order {
    let mut order = order.clone();
    if let Task::Apply { artifacts, .. } = &mut order.task {
        artifacts.iter_mut().for_each(edit);
    }
    order
}

#[test]
fn files_that_are_not_what_was_signed_are_refused() {
    if !able() {
        return;
    }
    let scene = scene();
    let order = scene.order();
    let evil = evil(&scene.path.with_extension("evil"));
    assert_eq!(fs::metadata(&evil).unwrap().len(), scene.plan.changes[0].download_size);
    let path = evil.display().to_string();
    // Whatever the client claims of its digest.
    let tampered = with_artifact(&order, |it| {
        it.path.clone_from(&path);
        it.sha256 = "00".repeat(32);
    });
    scene.refused(&tampered, Code::Digest);
    let none = with_artifact(&order, |it| it.name = "other".to_owned());
    scene.refused(&none, Code::Digest);
    // A list that nobody signed for.
    let list = scene
        .path
        .join("var/lib/apt/lists/repo.test_debian_dists_stable_main_binary-amd64_Packages");
    let text = fs::read_to_string(&list).unwrap();
    fs::write(&list, text.replace("a package of a test", "a package of a pest")).unwrap();
    scene.refused(&order, Code::Signature);
    fs::write(&list, text).unwrap();
    scene.give(&order, &[]).unwrap();
    assert_eq!(scene.installed().as_deref(), Some("good"));
}

#[test]
fn links_are_not_followed() {
    if !able() {
        return;
    }
    let scene = scene();
    let link = scene.path.with_extension("link");
    let order = scene.order();
    let Task::Apply { artifacts, .. } = &order.task else { return };
    std::os::unix::fs::symlink(&artifacts[0].path, &link).unwrap();
    let linked = with_artifact(&order, |it| it.path = link.display().to_string());
    scene.refused(&linked, Code::Refused);
    scene.give(&linked, &[("OMG_WEAKEN", "22")]).unwrap();
    assert_eq!(scene.installed().as_deref(), Some("good"));
}

#[test]
fn only_the_plan_that_was_approved_is_carried_out() {
    if !able() {
        return;
    }
    let scene = scene();
    let mut order = scene.order();
    if let Task::Apply { digest, .. } = &mut order.task {
        *digest = "00".repeat(32);
    }
    let fault = scene.refused(&order, Code::PlanChanged);
    assert_eq!(fault.cause, ["install tool (1.0-1)"]);
    scene.give(&order, &[("OMG_WEAKEN", "49")]).unwrap();
    assert_eq!(scene.installed().as_deref(), Some("good"));
    // What was approved once is not done twice.
    scene.refused(&scene.order(), Code::PlanChanged);
    let mut engine = Engine::start(&scene.path);
    let order = scene.order();
    assert_eq!(engine.order(&order).1.unwrap_err().code, Code::PlanChanged);
    assert_eq!(engine.order(&order).1.unwrap_err().code, Code::Usage);
}

/// Swaps the file after it was verified.
fn swapped(environment: &[(&str, &str)]) -> Option<String> {
    let scene = scene();
    let evil = evil(&scene.path.with_extension("evil"));
    let order = scene.order();
    let Task::Apply { artifacts, .. } = &order.task else { return None };
    let mut all = vec![("OMG_FAILPOINT", "commit.verify.after=stop")];
    all.extend_from_slice(environment);
    let mut engine = Engine::start_with(&scene.path, &all);
    engine.send(&order);
    let pid = engine.child.id();
    stopped(pid);
    fs::rename(evil, &artifacts[0].path).unwrap();
    signal(pid, "CONT");
    engine.finish().unwrap().1.unwrap();
    scene.installed()
}

fn stopped(pid: u32) {
    for _ in 0..3000 {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        if stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" T")) {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("the engine did not stop");
}

fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill").arg(format!("-{name}")).arg(pid.to_string()).status();
    assert!(sent.unwrap().success());
}

#[test]
fn what_was_verified_is_what_is_installed() {
    if !able() {
        return;
    }
    assert_eq!(swapped(&[("OMG_WEAKEN", "30")]).as_deref(), Some("evil"));
    assert_eq!(swapped(&[]).as_deref(), Some("good"));
}

/// A process that holds the lock of other package managers, for as long as a test takes.
fn hold(scene: &Scene) -> Option<Child> {
    let lock = scene.path.join("var/lib/dpkg/lock-frontend");
    let text = "import fcntl,sys,time\nf=open(sys.argv[1],'w')\nfcntl.lockf(f,fcntl.LOCK_EX)\nprint('x',flush=True)\ntime.sleep(60)\n";
    let started =
        Command::new("python3").args(["-c", text]).arg(&lock).stdout(Stdio::piped()).spawn();
    let Ok(mut holder) = started else {
        println!("SKIPPED: no python3 to hold a lock");
        assert!(std::env::var("CI").as_deref() != Ok("true"), "python3 must be here in CI");
        return None;
    };
    std::io::Read::read_exact(holder.stdout.as_mut().unwrap(), &mut [0]).unwrap();
    Some(holder)
}

#[test]
fn row_60_the_lock_is_what_keeps_the_engine_from_a_system_that_is_changed() {
    if !able() {
        return;
    }
    let scene = scene();
    let Some(mut holder) = hold(&scene) else { return };
    let mut order = scene.order();
    order.lock_timeout_s = 0;
    scene.refused(&order, Code::Lock);
    scene.give(&order, &[("OMG_WEAKEN", "60")]).unwrap();
    assert_eq!(scene.installed().as_deref(), Some("good"));
    holder.kill().unwrap();
    holder.wait().unwrap();
}

#[test]
fn a_lock_is_waited_for_and_its_holder_named() {
    if !able() {
        return;
    }
    let scene = scene();
    let Some(mut holder) = hold(&scene) else { return };
    let mut order = scene.order();
    order.lock_timeout_s = 1;
    let fault = scene.refused(&order, Code::Lock);
    assert!(fault.message.contains(&format!("python3 (process {})", holder.id())), "{fault}");
    let mut order = scene.order();
    order.lock_timeout_s = 60;
    let mut engine = Engine::start(&scene.path);
    engine.send(&order);
    let Some(omg_engine::wire::Event::Progress(Progress::Waiting { pid, name, .. })) =
        engine.hear()
    else {
        panic!("nobody is waited for");
    };
    assert_eq!((pid, name.as_deref()), (Some(holder.id()), Some("python3")));
    holder.kill().unwrap();
    holder.wait().unwrap();
    engine.finish().unwrap().1.unwrap();
    assert_eq!(scene.installed().as_deref(), Some("good"));
}

#[test]
fn a_signal_stops_what_has_not_begun_and_nothing_else() {
    if !able() {
        return;
    }
    for (place, goes_on) in [("commit.plan.after", false), ("commit.dpkg.before", true)] {
        let scene = scene();
        let action = format!("{place}=stop");
        let mut engine = Engine::start_with(&scene.path, &[("OMG_FAILPOINT", &action)]);
        engine.send(&scene.order());
        let pid = engine.child.id();
        stopped(pid);
        for name in ["TERM", "INT", "HUP", "QUIT", "CONT"] {
            signal(pid, name);
        }
        let (_, result) = engine.finish().unwrap();
        if goes_on {
            result.unwrap();
            assert_eq!(scene.installed().as_deref(), Some("good"));
        } else {
            assert_eq!(result.unwrap_err().code, Code::Declined);
            assert_eq!((scene.installed(), scene.denials()), (None, 1));
        }
    }
}
