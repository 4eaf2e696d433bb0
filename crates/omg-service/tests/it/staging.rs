//! Staging, builds, lists and the store, over a mirror on loopback.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use omg_backend::fake::{FakeArchive, Operation as Asked};
use omg_core::{Action, Change, Code, Grade, Operation, Phase, Plan, Progress, Reporter, Staged};
use omg_fetch::testing::{Fault as Wrong, Latency, Mirror};
use omg_fetch::{Fetcher, Sha256};
use omg_proto::{StoreTask, targets_text};
use omg_service::{Downloads, Place, Rules};

use super::*;

/// A mirror, a store, and a world that stages from one into the other.
struct Yard<S> {
    world: World<S>,
    mirror: Mirror,
    directory: tempfile::TempDir,
}

fn archive(mirror: &Mirror, name: &str, bytes: &[u8]) -> FakeArchive {
    FakeArchive {
        urls: vec![mirror.url(name)],
        size: bytes.len() as u64,
        sha256: Sha256::of(bytes).to_string(),
        grade: Grade::Verified,
    }
}

fn bytes(name: &str) -> Vec<u8> {
    name.as_bytes().repeat(20_000)
}

/// Packages `a`, which needs `b`; `c` by itself; and the recipes `r`, which needs `s`, and `t`.
async fn yard(policy: Option<&str>) -> Yard<impl Answers<Call>> {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path().canonicalize().unwrap();
    for part in ["mirror", "cache", "root/etc/omg", "built"] {
        fs::create_dir_all(at.join(part)).unwrap();
    }
    if let Some(text) = policy {
        let path = at.join("root/etc/omg/policy.toml");
        fs::write(&path, text).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        fs::set_permissions(&path, mode).unwrap();
    }
    let mirror = Mirror::start(&at.join("mirror")).unwrap();
    let mut packages = vec![
        FakePackage::new("a", "1.0", "Needs b").depends(&["b"]),
        FakePackage::new("b", "1.0", "Needed by a"),
        FakePackage::new("c", "1.0", "By itself"),
        FakePackage::new("r", "1.0", "Needs s").depends(&["s"]).recipe(),
        FakePackage::new("s", "1.0", "Needed by r").recipe(),
        FakePackage::new("t", "1.0", "By itself").recipe(),
        FakePackage::new("old", "1.0", "To go").installed("1.0", false),
    ];
    for package in packages.iter_mut().filter(|package| !package.recipe) {
        let bytes = bytes(&package.name);
        fs::write(at.join("mirror").join(&package.name), &bytes).unwrap();
        package.archive = Some(archive(&mirror, &package.name, &bytes));
    }
    let fake = Fake::new(packages);
    fake.build_into(&at.join("built"), &[]);
    let place = at.join("cache");
    let downloads = Downloads::new(move || {
        let store = omg_fetch::Store::open(&place.join("store"))?;
        let fetcher = Fetcher::new(omg_fetch::Options::default(), store)?;
        Ok(Place { fetcher, lists: place.join("lists"), archive: None })
    });
    let uid = rustix::process::geteuid().as_raw();
    let user = Some(at.join("user.toml"));
    let options = Options {
        downloads: Some(downloads),
        rules: Some(Rules { root: at.join("root"), owner: uid, user, uid }),
        ..Options::default()
    };
    Yard { world: world(fake, Store::in_memory(), options).await, mirror, directory }
}

/// A call whose progress is kept.
fn telling(query: Query<'_>) -> (Call, Arc<Mutex<Vec<Progress>>>) {
    let events = Arc::<Mutex<Vec<Progress>>>::default();
    let kept = events.clone();
    let listener = move |event| kept.lock().unwrap().push(event);
    (call(query).reporting(Reporter::new(Arc::new(listener), 0)), events)
}

fn staged(body: &[u8]) -> Staged {
    match Reply::decode(body) {
        Ok(Reply::Staged(staged)) => *staged,
        other => panic!("{other:?}"),
    }
}

fn install(targets: &[&str]) -> Change {
    Change::new(Operation::Install, targets.iter().copied())
}

impl<S: Answers<Call>> Yard<S> {
    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().canonicalize().unwrap().join(name)
    }

    async fn plan(&self, change: &Change) -> Plan {
        let targets = targets_text(change);
        let body = self.world.ask(Query::plan(change, &targets, "")).await.unwrap();
        let Ok(Reply::Plan(plan)) = Reply::decode(&body) else { panic!() };
        plan
    }

    async fn stage(&self, change: &Change, digest: &str) -> Result<Staged, Fault> {
        let targets = targets_text(change);
        let body = self.world.ask(Query::stage(change, &targets, "", digest)).await?;
        Ok(staged(&body))
    }

    async fn build(
        &self,
        change: &Change,
        bases: &str,
    ) -> (Option<Box<Staged>>, Vec<(String, Fault)>) {
        let targets = targets_text(change);
        let body = self.world.ask(Query::build(change, &targets, "", bases)).await.unwrap();
        match Reply::decode(&body) {
            Ok(Reply::Built { staged, failed }) => (staged, failed),
            other => panic!("{other:?}"),
        }
    }

    async fn store(&self, task: StoreTask) -> (u64, u64, u64) {
        let body = self.world.ask(Query::Store { task }).await.unwrap();
        match Reply::decode(&body) {
            Ok(Reply::Store { files, bytes, freed }) => (files, bytes, freed),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plan_needs_is_here_with_its_digest_and_its_grade() {
    let yard = yard(None).await;
    let change = install(&["a"]);
    let plan = yard.plan(&change).await;
    let grades: Vec<Option<&str>> = plan.changes.iter().map(|it| it.grade.as_deref()).collect();
    assert_eq!(grades, [Some("verified"); 2], "known before anything is fetched");
    assert!(yard.mirror.asked().is_empty());
    let targets = targets_text(&change);
    let digest = plan.digest();
    let (call, events) = telling(Query::stage(&change, &targets, "", &digest));
    let staged = staged(&yard.world.front.clone().call(call).await.unwrap());
    assert_eq!((&staged.change, staged.plan.digest()), (&change, digest));
    assert_eq!(staged.plan.changes[0].grade.as_deref(), Some("verified"));
    let names: Vec<&str> = staged.artifacts.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    for artifact in &staged.artifacts {
        assert_eq!(fs::read(&artifact.path).unwrap(), bytes(&artifact.name));
        assert_eq!(Path::new(&artifact.path), fs::canonicalize(&artifact.path).unwrap());
    }
    let events = events.lock().unwrap();
    let phases: Vec<(Phase, u32)> = events
        .iter()
        .filter_map(|event| match event {
            Progress::Phase { phase, items } => Some((*phase, *items)),
            _ => None,
        })
        .collect();
    assert_eq!(phases, [(Phase::Download, 2), (Phase::Verify, 2)]);
    let finished =
        events.iter().filter(|it| matches!(it, Progress::File { finished: true, .. })).count();
    assert!(finished >= 4, "both files are fetched and verified: {events:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_fetched_for_a_plan_that_was_not_approved() {
    let yard = yard(None).await;
    let change = install(&["a"]);
    let digest = yard.plan(&change).await.digest();
    yard.world.fake.change(|packages| packages.get_mut("a").unwrap().depends = vec!["c".into()]);
    let fault = yard.stage(&change, &digest).await.unwrap_err();
    assert_eq!(fault.code, Code::PlanChanged);
    assert_eq!(fault.cause, ["now: install c 1.0", "no longer: install b 1.0"]);
    // Of a plan that nobody remembers, all that is known is what it is now.
    let fault = yard.stage(&change, "0123").await.unwrap_err();
    assert_eq!(fault.cause, ["now: install a 1.0", "now: install c 1.0"]);
    assert!(yard.mirror.asked().is_empty());
    assert_eq!(yard.stage(&change, "").await.unwrap().artifacts.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_nobody_signed_for_are_refused() {
    let yard = yard(None).await;
    yard.mirror.fault("/b", Wrong::Flipped);
    let fault = yard.stage(&install(&["a"]), "").await.unwrap_err();
    assert_eq!((fault.code, fault.code.exit()), (Code::Digest, 9));
    assert_eq!(yard.world.fake.calls(Asked::VerifyArtifact), 0);
    // With a mirror that is down as well, the graver of both is told.
    yard.mirror.fault("/c", Wrong::Status(404));
    let fault = yard.stage(&install(&["a", "c"]), "").await.unwrap_err();
    assert_eq!(fault.code, Code::Digest);
    assert_eq!(fault.message, "2 of 3 files could not be fetched");
    assert_eq!(fault.cause.len(), 2);
    yard.mirror.mend();
    yard.stage(&install(&["a", "c"]), "").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_the_distribution_does_not_let_in_stops_it_all() {
    let yard = yard(None).await;
    let wrong = Fault::new(Code::Signature, "the key was revoked");
    yard.world.fake.fail(Asked::VerifyArtifact, Some(wrong.clone()));
    let fault = yard.stage(&install(&["c"]), "").await.unwrap_err();
    assert_eq!(fault, wrong);
    yard.world.fake.fail(Asked::VerifyArtifact, None);
    let gone = |packages: &mut std::collections::BTreeMap<String, FakePackage>| {
        packages.get_mut("c").unwrap().archive = None;
    };
    yard.world.fake.change(gone);
    assert_eq!(yard.stage(&install(&["c"]), "").await.unwrap_err().code, Code::Gone);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_needs_no_file() {
    let yard = yard(None).await;
    let change = Change::new(Operation::Remove, ["old"]);
    let staged = yard.stage(&change, "").await.unwrap();
    assert_eq!(staged.plan.changes[0].action, Action::Remove);
    assert!(staged.artifacts.is_empty() && staged.plan.changes[0].grade.is_none());
}

/// One of them fetches, the other one waits for it.
#[tokio::test(flavor = "multi_thread")]
async fn two_who_want_the_same_file_have_it_fetched_once() {
    let yard = yard(None).await;
    yard.mirror.latency(Latency::Way(Duration::from_millis(50)));
    let change = install(&["c"]);
    let (one, two) = tokio::join!(yard.stage(&change, ""), yard.stage(&change, ""));
    assert_eq!(one.unwrap().artifacts, two.unwrap().artifacts);
    let all = bytes("c").len() as u64;
    assert!(yard.mirror.sent() < 2 * all, "{} of {all} bytes were sent", yard.mirror.sent());
}

/// What had come when the client went away is not fetched again.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_dropped_is_gone_on_with_by_the_next() {
    let yard = yard(None).await;
    let large = vec![7; 8 << 20];
    fs::write(yard.path("mirror/c"), &large).unwrap();
    let archive = archive(&yard.mirror, "c", &large);
    yard.world.fake.change(|packages| packages.get_mut("c").unwrap().archive = Some(archive));
    yard.mirror.fault_times("/c", Wrong::Stall(6 << 20), 1);
    let change = install(&["c"]);
    let targets = targets_text(&change);
    let (call, events) = telling(Query::stage(&change, &targets, "", ""));
    let under_way = tokio::spawn(yard.world.front.clone().call(call));
    until("most of it", async || {
        let far =
            |event: &Progress| matches!(event, Progress::File { done, .. } if *done > 5 << 20);
        events.lock().unwrap().iter().any(far)
    })
    .await;
    under_way.abort();
    assert!(under_way.await.unwrap_err().is_cancelled());
    until("the connection to end", async || yard.mirror.open() == 0).await;
    let before = yard.mirror.sent();
    yard.stage(&change, "").await.unwrap();
    let rest = yard.mirror.sent() - before;
    assert!(rest < 4 << 20, "{rest} bytes were sent again");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_else_is_answered_while_files_come() {
    let yard = yard(None).await;
    yard.mirror.fault("/c", Wrong::Stall(10));
    let change = install(&["c"]);
    let targets = targets_text(&change);
    let query = Query::stage(&change, &targets, "", "");
    let slow = tokio::spawn(yard.world.front.clone().call(call(query)));
    until("the mirror to be asked", async || !yard.mirror.asked().is_empty()).await;
    assert!(!yard.world.search("By itself").await.is_empty());
    assert_eq!(yard.plan(&install(&["a"])).await.changes.len(), 2);
    slow.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_the_user_names_is_found_by_its_digest() {
    let yard = yard(None).await;
    let file = yard.path("own_2.0_all.fake");
    fs::write(&file, "a package of mine").unwrap();
    fs::write(yard.path("own_2.0_all.fake.sig"), "signed").unwrap();
    std::os::unix::fs::symlink(yard.path(""), yard.path("link")).unwrap();
    let named = yard.path("link/own_2.0_all.fake");
    let change = install(&[named.to_str().unwrap(), "c"]);
    let digest = yard.plan(&change).await.digest();
    let staged = yard.stage(&change, &digest).await.unwrap();
    // The engine follows no link.
    assert_eq!(staged.change.targets, [file.to_str().unwrap(), "c"]);
    let own = staged.artifacts.iter().find(|it| it.path == file.to_str().unwrap()).unwrap();
    assert_eq!((&*own.name, &*own.version, &*own.architecture), ("own", "2.0", "all"));
    assert_eq!(own.sha256, Sha256::of(b"a package of mine").to_string());
    assert_eq!((own.size, own.signature.as_deref()), (17, Some(&b"signed"[..])));
    assert_eq!(own.grade, Grade::Risk);
    let planned = staged.plan.changes.iter().find(|it| it.name == "own").unwrap();
    assert_eq!(planned.grade.as_deref(), Some("risk"));

    // A pipe in its place keeps nobody waiting.
    fs::write(&file, "another").unwrap();
    let fault = yard.stage(&change, &digest).await.unwrap_err();
    assert_eq!(fault.code, Code::PlanChanged);
    fs::remove_file(&file).unwrap();
    assert_eq!(yard.stage(&change, "").await.unwrap_err().code, Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_has_its_say_before_anything_is_fetched() {
    let yard = yard(Some("[packages]\nban = [\"b\"]\n")).await;
    let fault = yard.stage(&install(&["a"]), "").await.unwrap_err();
    assert_eq!((fault.code, fault.code.exit()), (Code::Policy, 9));
    assert!(yard.mirror.asked().is_empty());
    yard.stage(&install(&["c"]), "").await.unwrap();
    // The user's own file only tightens, and counts from the next call on.
    let own = yard.path("user.toml");
    fs::write(&own, "[grade]\nminimum = \"locked\"\n[packages]\nban = []\n").unwrap();
    fs::set_permissions(&own, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    assert_eq!(yard.stage(&install(&["c"]), "").await.unwrap_err().code, Code::Policy);
    fs::write(&own, "[grade").unwrap();
    let fault = yard.stage(&install(&["c"]), "").await.unwrap_err();
    assert!(
        fault.to_string().contains("user.toml"),
        "a policy that can't be read forbids: {fault}"
    );
}

/// What only the engine knows, only the engine refuses.
#[tokio::test(flavor = "multi_thread")]
async fn an_age_that_is_not_known_here_is_for_the_engine_to_judge() {
    let yard = yard(Some("[age]\nminimum = \"3d\"\nunknown = \"deny\"\n")).await;
    yard.stage(&install(&["c"]), "").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_allowed_mirrors_are_asked() {
    let yard = yard(Some("[repositories]\nmirrors = [\"http://127.0.0.1:*\"]\n")).await;
    let other = "http://127.0.0.2:9/c".to_owned();
    yard.world.fake.change(|packages| {
        let archive = packages.get_mut("c").unwrap().archive.as_mut().unwrap();
        archive.urls.insert(0, other.clone());
    });
    let (call, events) = telling(Query::Stage {
        operation: Operation::Install,
        targets: "c",
        providers: "",
        options: omg_core::PlanOptions::default(),
        digest: "",
    });
    yard.world.front.clone().call(call).await.unwrap();
    let events = events.lock().unwrap().clone();
    assert!(!events.iter().any(|it| matches!(it, Progress::Note { .. })), "{events:?}");
    yard.world.fake.change(|packages| {
        packages.get_mut("a").unwrap().depends.clear();
        packages.get_mut("a").unwrap().archive.as_mut().unwrap().urls = vec![other];
    });
    assert_eq!(yard.stage(&install(&["a"]), "").await.unwrap_err().code, Code::Policy);
}

#[tokio::test(flavor = "multi_thread")]
async fn recipes_become_files_of_a_change() {
    let yard = yard(None).await;
    let change = install(&["r", "a"]);
    let plan = yard.plan(&change).await;
    let bases: Vec<&str> = plan.builds.iter().map(|it| it.package_base.as_str()).collect();
    assert_eq!(bases, ["s", "r"]);
    let grade = plan.changes.iter().find(|it| it.name == "r").unwrap().grade.as_deref();
    assert_eq!(grade, Some("community"));
    // First what the repositories have.
    let staged = yard.stage(&change, &plan.digest()).await.unwrap();
    assert_eq!(staged.change.targets, ["a"]);
    assert!(staged.plan.builds.is_empty());
    // Then the recipe that another one needs.
    let (built, failed) = yard.build(&change, "s").await;
    let built = built.unwrap();
    assert!(failed.is_empty());
    assert_eq!(built.change.targets, [yard.path("built/s_1.0_all.fake").to_str().unwrap()]);
    assert!(built.change.options.as_dependencies, "nobody asked for s itself");
    assert_eq!((built.artifacts[0].grade, &*built.artifacts[0].name), (Grade::Community, "s"));
    assert_eq!(built.plan.changes[0].grade.as_deref(), Some("community"));
    yard.world.fake.change(|packages| {
        packages.get_mut("s").unwrap().installed = Some("1.0".into());
        packages.get_mut("a").unwrap().installed = Some("1.0".into());
    });
    let (built, failed) = yard.build(&change, "").await;
    assert!(failed.is_empty());
    let built = built.unwrap();
    assert_eq!(built.artifacts.len(), 1);
    assert!(!built.change.options.as_dependencies);
    // It is built, and in no plan any more.
    yard.world
        .fake
        .change(|packages| packages.get_mut("r").unwrap().installed = Some("1.0".into()));
    let targets = targets_text(&change);
    let query = Query::build(&change, &targets, "", "r");
    assert_eq!(yard.world.ask(query).await.unwrap_err().code, Code::PlanChanged);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_fails_takes_along_only_those_that_need_it() {
    let yard = yard(None).await;
    yard.world.fake.build_into(&yard.path("built"), &["s"]);
    let (built, failed) = yard.build(&install(&["r", "t"]), "").await;
    let failed: Vec<(&str, Code)> =
        failed.iter().map(|(base, fault)| (base.as_str(), fault.code)).collect();
    assert_eq!(failed, [("s", Code::Build), ("r", Code::Build)]);
    assert_eq!(built.unwrap().artifacts[0].name, "t");
    assert_eq!(yard.world.fake.calls(Asked::Build), 2);
    let (built, failed) = yard.build(&install(&["s"]), "").await;
    assert!(built.is_none() && failed.len() == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_come_into_a_directory_of_their_own() {
    let yard = yard(None).await;
    let body = yard.world.ask(Query::Sync).await.unwrap();
    let Ok(Reply::Lists { directory, changed, unchanged }) = Reply::decode(&body) else { panic!() };
    assert_eq!((changed, unchanged), (vec!["fake/main".to_owned()], 0));
    assert_eq!(fs::read_to_string(Path::new(&directory).join("fake_main")).unwrap(), "fake");
    let again = yard.world.ask(Query::Sync).await.unwrap();
    let Ok(Reply::Lists { directory: other, .. }) = Reply::decode(&again) else { panic!() };
    assert_ne!(directory, other);
    // What fails leaves nothing behind.
    yard.world.fake.fail(Asked::FetchLists, Some(Fault::new(Code::Rollback, "older")));
    let fault = yard.world.ask(Query::Sync).await.unwrap_err();
    assert_eq!(fault.code, Code::Rollback);
    assert_eq!(fs::read_dir(yard.path("cache/lists")).unwrap().count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_is_counted_and_cleared() {
    let yard = yard(None).await;
    assert_eq!(yard.store(StoreTask::Count).await, (0, 0, 0));
    yard.stage(&install(&["a", "c"]), "").await.unwrap();
    let (files, bytes, freed) = yard.store(StoreTask::Count).await;
    assert!(files == 3 && bytes >= 60_000 && freed == 0, "{files} files, {bytes} bytes");
    assert_eq!(yard.store(StoreTask::Trim).await, (files, bytes, 0));
    assert_eq!(yard.store(StoreTask::Clear).await, (0, 0, bytes));
}

#[tokio::test]
async fn a_daemon_without_a_place_says_so() {
    let world = in_memory(Fake::new(packages())).await;
    for query in [Query::Sync, Query::Store { task: StoreTask::Count }] {
        assert_eq!(world.ask(query).await.unwrap_err().code, Code::Unwritable);
    }
    // In a batch nobody could tell whose progress it is.
    let fault = world.batch(vec![Query::Ping, Query::Sync]).await.unwrap_err();
    assert_eq!(fault.code, Code::Usage);
}
