//! The contract of all backends, over roots that the real pacman made and over broken ones.

use std::fs;
use std::time::Duration;

use omg_backend::PackageManager as _;
use omg_backend::contract::{Expected, contract, moves};
use omg_backend_alpm::{Alpm, Error};
use omg_core::Code;

use crate::catalogue::Catalogue;
use crate::roots::{self, Root};

const SOME: [&str; 6] = ["filesystem-", "bc-", "acl-", "attr-", "bzip2-", "less-"];

fn system() -> Option<Root> {
    if !roots::programs(&["pacman", "fakeroot"]) {
        return None;
    }
    let root = Root::new("IgnoreGroup = base", &["core", "extra", "none"]);
    root.install(&roots::packages(&SOME)?);
    for name in ["core.db", "extra.db"] {
        // Not copied: the data may be read-only.
        let database = fs::read(roots::arch("era-2022-09")?.join(name)).unwrap();
        fs::write(root.sync().join(name), database).unwrap();
    }
    Some(root)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_system_holds_the_contract() {
    let Some(root) = system() else { return };
    let alpm = Alpm::open(root.path()).unwrap();
    let expected = Expected {
        installed: &[("bc", "1.07.1-1"), ("filesystem", "2017.10-2")],
        candidates: &[("bc", "1.07.1-4"), ("linux", "5.19.7.arch1-1")],
    };
    contract(&alpm, &expected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_repositories_of_a_large_system_hold_the_contract() {
    let Some(merged) = roots::arch("merged") else { return };
    let names = ["chaotic-aur", "core", "extra", "multilib", "archlinuxcn"];
    let root = Root::new("", &names);
    for name in names {
        let file = format!("{name}.db");
        fs::copy(merged.join(&file), root.sync().join(&file)).unwrap();
    }
    root.entry("linux", "1-1", "%DEPENDS%\nkmod\n\n");
    contract(&Alpm::open(root.path()).unwrap(), &Expected::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_and_broken_systems_hold_the_contract() {
    let root = Root::new("", &[]);
    let alpm = Alpm::open(root.path()).unwrap();
    contract(&alpm, &Expected::default()).await;
    root.entry("good", "1-1", "%DEPENDS%\nnothing\n\n%PROVIDES%\n\n%REASON%\n1\n");
    root.entry("other", "2-1", "%NAME%\ngood\n");
    for name in ["cut-1-1", "no\nname-1-1", "..-1-1", "-x-1-1", "nothing"] {
        fs::create_dir(root.local().join(name)).unwrap();
    }
    fs::write(root.local().join("cut-1-1/desc"), "%NAME%\ncu").unwrap();
    fs::write(root.local().join("good-1-1/files"), b"%FILES%\nusr/\nusr/\xff\x01\n\n").unwrap();
    root.configure("IgnorePkg = [", &["core", "gone"]);
    fs::write(root.sync().join("core.db"), b"\x1f\x8b garbage").unwrap();
    fs::write(root.sync().join("core.files"), b"\x28\xb5\x2f\xfd garbage").unwrap();
    contract(&alpm, &Expected { installed: &[("good", "1-1")], candidates: &[] }).await;
    assert_eq!(alpm.installed().await.unwrap().warnings.len(), 6);
    assert!(alpm.provides("/usr/bin/x").await.unwrap().matches.is_empty());
}

#[tokio::test]
async fn changes_move_the_generation_of_what_they_change() {
    let Some(root) = system() else { return };
    let alpm = Alpm::open(root.path()).unwrap();
    let names = |installed: omg_core::Installed| {
        installed.packages.iter().map(|package| package.name.to_string()).collect::<Vec<_>>()
    };
    let (catalogue, installed) = ((true, false), (false, true));
    moves(&alpm, (false, false), || drop(root.pacman(&["-Qi"]))).await;
    moves(&alpm, installed, || root.change(&["-D", "--asdeps", "bc"])).await;
    assert!(alpm.installed().await.unwrap().named("bc")[0].orphan);
    moves(&alpm, installed, || root.change(&["-D", "--asexplicit", "bc"])).await;
    assert!(!alpm.installed().await.unwrap().named("bc")[0].automatic);
    moves(&alpm, installed, || root.change(&["-Rdd", "--noscriptlet", "bc"])).await;
    assert!(!names(alpm.installed().await.unwrap()).contains(&"bc".to_owned()));
    let bc = roots::packages(&["bc-"]).unwrap();
    moves(&alpm, installed, || root.install(&bc)).await;
    moves(&alpm, installed, || root.install(&bc)).await;
    let other = roots::arch("signed-2017-12").unwrap().join("core.db");
    let replace = || fs::write(root.sync().join("core.db"), fs::read(&other).unwrap()).unwrap();
    moves(&alpm, catalogue, replace).await;
    moves(&alpm, catalogue, || fs::write(root.sync().join("core.files"), "x").unwrap()).await;
    moves(&alpm, catalogue, || fs::remove_file(root.sync().join("core.files")).unwrap()).await;
    moves(&alpm, (false, false), || fs::write(root.sync().join("core.db.part"), "x").unwrap())
        .await;
    moves(&alpm, (true, true), || root.configure("IgnorePkg = bc\nHoldPkg = a*", &["extra"])).await;
    let now = alpm.installed().await.unwrap();
    assert!(now.named("bc")[0].held && now.named("acl")[0].essential);
    let found = alpm.packages(Catalogue::default()).await.unwrap();
    assert!(found.records("bash").is_empty(), "core is configured no more");
}

#[test]
fn what_may_change_is_watched() {
    let root = Root::new("", &["core"]);
    let alpm = Alpm::open(root.path()).unwrap();
    let watched = alpm.watched();
    for path in ["var/lib/pacman", "var/lib/pacman/local", "var/lib/pacman/sync", "etc"] {
        assert!(watched.contains(&root.path().join(path)), "{path}");
    }
    assert_eq!(alpm.refreshed_at(), None);
    fs::write(root.sync().join("core.db"), "").unwrap();
    assert!(alpm.refreshed_at().is_some_and(|time| time > 1_000_000_000));
}

#[tokio::test]
async fn what_is_no_arch_system_is_told() {
    let none = tempfile::tempdir().unwrap();
    let error = Alpm::open(none.path()).unwrap_err();
    assert!(matches!(error, Error::NoDatabase { .. }));
    assert_eq!(error.fault().code, Code::NoBackend);
    let root = Root::new("", &[]);
    root.entry("a", "1-1", "");
    root.write("var/lib/pacman/local/ALPM_DB_VERSION", "8\n");
    let alpm = Alpm::open(root.path()).unwrap();
    let fault = alpm.installed().await.unwrap_err();
    assert_eq!(
        (fault.code, fault.hint.as_deref()),
        (Code::Malformed, Some("sudo pacman-db-upgrade"))
    );
    // pacman says the same.
    if roots::programs(&["pacman"]) {
        let said = String::from_utf8(root.run(&["-Q"]).stderr).unwrap();
        assert!(said.contains("pacman-db-upgrade"), "{said}");
    }
}

/// Readers that come and go while pacman changes the system see states of it, and no errors.
#[test]
fn readers_work_beside_pacman() {
    let Some(root) = system() else { return };
    let alpm = Alpm::open(root.path()).unwrap();
    let packages = roots::packages(&["bc-", "less-", "acl-"]).unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..5 {
                root.change(&["-Rdd", "--noscriptlet", "bc", "less", "acl"]);
                root.install(&packages);
            }
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        // Reading the repositories goes on to its end; a few of these are enough.
        let mut reads = 0..5;
        runtime.block_on(async {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let before = alpm.generations().await.unwrap();
                let installed = alpm.installed().await.unwrap();
                let owners = alpm.owns("/usr/bin/bzip2").await.unwrap();
                assert_eq!(owners.matches.len(), 1);
                // A caller that does not wait leaves nothing behind.
                let short = Duration::from_micros(100);
                drop(tokio::time::timeout(short, alpm.provides("bzip2")).await);
                drop(tokio::time::timeout(short, alpm.installed()).await);
                if reads.next().is_some() {
                    let all = alpm.packages(Catalogue::default());
                    drop(tokio::time::timeout(short, all).await);
                }
                let after = alpm.generations().await.unwrap();
                if before == after {
                    assert!(installed.named("filesystem").len() == 1, "{:?}", installed.warnings);
                }
            }
        });
        drop(runtime);
    });
    let last = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let last = last.block_on(alpm.installed()).unwrap();
    assert_eq!((last.packages.len(), last.warnings.len()), (SOME.len(), 0));
}
