//! Cases with a name: what a plan says beside its changes, and how requests fail.

use std::fs;
use std::path::Path;

use omg_core::{Action, Change, Code, Operation, Plan, Planned, Reason, Scope};

use crate::compare::{Verdict, ask, changes};
use crate::root::{Root, skeleton, suite};

const OFFERED: &str = "\
Package: editor
Version: 2.0-1
Architecture: amd64
Depends: runtime (>= 1.1), display-server
Recommends: spelling
Suggests: manual (>= 1), games | toys
Installed-Size: 2000
Size: 700

Package: runtime
Version: 1.2-1
Architecture: all
Breaks: legacy (<< 2)
Installed-Size: 300
Size: 100

Package: spelling
Version: 1.0-1
Architecture: amd64
Installed-Size: 50
Size: 20

Package: alpha-display
Version: 1.0-1
Architecture: amd64
Priority: optional
Provides: display-server
Size: 30

Package: beta-display
Version: 1.0-1
Architecture: amd64
Priority: important
Provides: display-server
Conflicts: alpha-display
Size: 30

Package: only-provider
Version: 3.0-1
Architecture: amd64
Provides: alone
Size: 30

Package: impossible
Version: 1.0-1
Architecture: amd64
Depends: runtime (>= 9), missing-library
Size: 5

Package: held
Version: 2.0-1
Architecture: amd64
Size: 5

Package: waits
Version: 2.0-1
Architecture: amd64
Depends: newcomer
Size: 5

Package: newcomer
Version: 1.0-1
Architecture: amd64
Size: 5

Package: phased
Version: 2.0-1
Architecture: amd64
Phased-Update-Percentage: 0
Size: 5

Package: plain
Version: 1:2.0-1
Architecture: amd64
Installed-Size: 30
Size: 4321

Package: vital
Version: 1.0-1
Architecture: amd64
Essential: yes
Size: 5

";

const INSTALLED: [(&str, &str, &str); 9] = [
    ("vital", "1.0-1", "Essential: yes\n"),
    ("guarded", "1.0-1", "Protected: yes\n"),
    ("held", "1.0-1", ""),
    ("waits", "1.0-1", ""),
    ("phased", "1.0-1", ""),
    ("plain", "1:1.0-1", "Installed-Size: 10\nDepends: automatic\n"),
    ("automatic", "1.0-1", ""),
    ("legacy", "1.0-1", ""),
    ("needs-legacy", "1.0-1", "Depends: legacy\n"),
];

fn root(dir: &Path) -> Root {
    skeleton(dir, false);
    let mut records = String::new();
    for record in OFFERED.split_inclusive("\n\n") {
        let hash = format!("SHA256: {:064x}\n\n", record.len());
        records.push_str(&format!("{}\nFilename: pool/x.deb\n{hash}", record.trim_end()));
    }
    suite(dir, "stable", "", &[("amd64", records)]);
    let mut status = String::new();
    for (name, version, fields) in INSTALLED {
        let selected = if name == "held" { "hold" } else { "install" };
        status.push_str(&format!(
            "Package: {name}\nStatus: {selected} ok installed\nVersion: {version}\nArchitecture: amd64\nMaintainer: x\n{fields}\n"
        ));
    }
    fs::write(dir.join("var/lib/dpkg/status"), status).unwrap();
    let automatic = "Package: automatic\nArchitecture: amd64\nAuto-Installed: 1\n\n";
    fs::write(dir.join("var/lib/apt/extended_states"), automatic).unwrap();
    // A machine without an id has no phases.
    fs::write(dir.join("etc/machine-id"), "0123456789abcdef0123456789abcdef\n").unwrap();
    Root::new(dir, "amd64")
}

fn install(root: &Root, target: &str) -> Plan {
    root.plan(&Change::new(Operation::Install, [target])).unwrap()
}

fn of<'p>(plan: &'p Plan, name: &str) -> &'p Planned {
    plan.changes.iter().find(|change| change.name == name).unwrap()
}

#[test]
fn a_plan_says_what_comes_and_why() {
    let dir = tempfile::tempdir().unwrap();
    let root = root(dir.path());
    let plan = install(&root, "editor");
    let editor = of(&plan, "editor");
    assert_eq!(editor.action, Action::Install);
    assert_eq!(editor.reason, Reason::Requested);
    assert_eq!(
        (editor.repository.as_str(), editor.architecture.as_str()),
        ("stable/main", "amd64")
    );
    assert_eq!((editor.download_size, editor.installed_size_delta), (700, 2000 * 1024));
    assert_eq!(editor.sha256.as_ref().unwrap().len(), 64);
    assert!(!editor.automatic && of(&plan, "runtime").automatic);
    assert_eq!(of(&plan, "runtime").reason, Reason::Dependency("editor".into()));
    assert_eq!(of(&plan, "runtime").architecture, "all");
    assert_eq!(of(&plan, "spelling").reason, Reason::Recommended("editor".into()));
    // runtime breaks what is installed, and something else needs that.
    assert_eq!(of(&plan, "legacy").action, Action::Remove);
    assert_eq!(of(&plan, "legacy").reason, Reason::Conflict("runtime".into()));
    assert_eq!(of(&plan, "needs-legacy").reason, Reason::Loses("legacy".into()));
    let wanted: Vec<&str> = plan.optional.iter().map(|optional| optional.wanted.as_str()).collect();
    assert_eq!(wanted, ["games | toys", "manual (>= 1)"]);
    let choice = plan.providers.first().unwrap();
    assert_eq!((choice.wanted.as_str(), choice.wanted_by.as_str()), ("display-server", "editor"));
    assert_eq!(choice.options, ["beta-display", "alpha-display"]);
    assert!(plan.changes.iter().any(|change| change.name == choice.chosen));
}

#[test]
fn providers_can_be_chosen() {
    let dir = tempfile::tempdir().unwrap();
    let root = root(dir.path());
    for chosen in ["alpha-display", "beta-display"] {
        for target in ["editor", "display-server"] {
            let mut change = Change::new(Operation::Install, [target]);
            change.providers.push(("display-server".into(), chosen.into()));
            let plan = root.plan(&change).unwrap();
            let displays: Vec<&str> = plan
                .changes
                .iter()
                .map(|c| c.name.as_str())
                .filter(|name| name.ends_with("display"))
                .collect();
            assert_eq!(displays, [chosen], "{target}");
        }
    }
    let plan = install(&root, "display-server");
    assert_eq!(plan.providers.first().unwrap().chosen, "beta-display");
    let mut change = Change::new(Operation::Install, ["display-server"]);
    change.providers.push(("display-server".into(), "runtime".into()));
    assert_eq!(root.plan(&change).unwrap_err().code, Code::NotFound);
    assert_eq!(of(&install(&root, "alone"), "only-provider").reason, Reason::Requested);
}

#[test]
fn what_an_upgrade_keeps_back_is_told_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let root = root(dir.path());
    let mut change = Change::new(Operation::Upgrade, [""; 0]);
    change.options.scope = Scope::Safe;
    let plan = root.plan(&change).unwrap();
    let held: Vec<(&str, &str)> =
        plan.held_back.iter().map(|held| (held.name.as_str(), held.why.as_str())).collect();
    println!("{held:?}");
    assert!(held.contains(&("held", "held")) && held.contains(&("waits", "needs new packages")));
    let phased = held.contains(&("phased", "phased"));
    assert!(phased || plan.changes.iter().any(|change| change.name == "phased"));
    assert_eq!(of(&plan, "plain").reason, Reason::Newer);
    assert_eq!(of(&plan, "plain").old_version.as_deref(), Some("1:1.0-1"));
    // The new version does without it.
    assert_eq!(plan.unneeded, ["automatic"]);
    for scope in [Scope::Safe, Scope::Standard, Scope::Full] {
        change.options.scope = scope;
        let Some((verdict, about)) = ask(&root, &change) else { return };
        assert_eq!(verdict, Verdict::Same, "{about}");
    }
}

#[test]
fn what_is_downloaded_already_is_not_downloaded() {
    let dir = tempfile::tempdir().unwrap();
    let root = root(dir.path());
    assert_eq!(of(&install(&root, "plain"), "plain").download_size, 4321);
    let archive = dir.path().join("var/cache/apt/archives/plain_1%3a2.0-1_amd64.deb");
    fs::write(archive, vec![0; 4321]).unwrap();
    assert_eq!(of(&install(&root, "plain"), "plain").download_size, 0);
}

#[test]
fn faults_name_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let root = root(dir.path());
    let fault = |operation, target: &str| root.plan(&Change::new(operation, [target])).unwrap_err();
    let unknown = fault(Operation::Install, "no-such-package");
    assert_eq!(unknown.code, Code::NotFound);
    assert!(unknown.message.contains("no-such-package"));
    let version = fault(Operation::Install, "plain=7");
    assert_eq!(version.code, Code::NotFound);
    assert!(version.hint.unwrap().contains("1:2.0-1 (stable)"));
    assert_eq!(fault(Operation::Install, "plain/sid").code, Code::NotFound);
    let unmet = fault(Operation::Install, "impossible");
    assert_eq!(unmet.code, Code::Unsolvable);
    assert_eq!(
        unmet.cause,
        [
            "impossible : Depends: runtime (>= 9) but it is not going to be installed",
            "impossible : Depends: missing-library but it is not installable",
        ]
    );
    for name in ["vital", "guarded"] {
        let refused = fault(Operation::Remove, name);
        assert_eq!(refused.code, Code::Refused);
        assert!(refused.message.contains(name));
    }
    for target in ["", "a\u{1b}[31m", "?installed", "desktop^", "/tmp/no-package.txt", "plain/12"] {
        assert_eq!(fault(Operation::Install, target).code, Code::Usage, "{target:?}");
    }
    assert_eq!(fault(Operation::Install, "/nonexistent/x.deb").code, Code::NotFound);
    for operation in [Operation::Install, Operation::Remove] {
        assert_eq!(fault(operation, "./plain.deb").code, Code::Usage);
    }
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    fs::create_dir(path("folder.deb")).unwrap();
    let folder = fault(Operation::Install, &path("folder.deb"));
    assert!(folder.code == Code::Malformed && folder.message.contains("regular"), "{folder:?}");
    fs::write(path("broken.deb"), "broken").unwrap();
    let broken = fault(Operation::Install, &path("broken.deb"));
    assert!(broken.code == Code::Malformed && broken.message.contains("broken.deb"), "{broken:?}");
    assert!(broken.cause.iter().any(|cause| cause.contains("broken.deb")), "{broken:?}");
    assert_eq!(root.plan(&Change::new(Operation::Install, [""; 0])).unwrap_err().code, Code::Usage);
    // What is not there to be removed is no failure, as for apt-get.
    let plan = root.plan(&Change::new(Operation::Remove, ["editor"])).unwrap();
    assert!(plan.is_empty() && plan.warnings.len() == 1);
}

#[test]
fn no_plan_leaves_traces_in_the_next_or_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let root = root(dir.path());
    let before = listing(dir.path());
    let requests: Vec<Change> =
        ["editor", "plain", "vital-", "impossible", "display-server", "automatic-", "held"]
            .into_iter()
            .map(|target| Change::new(Operation::Install, [target]))
            .chain([
                Change::new(Operation::Upgrade, [""; 0]),
                Change::new(Operation::Autoremove, [""; 0]),
            ])
            .collect();
    let answer = |state, request| match root.plan_at(state, request) {
        Ok(plan) => (plan.digest(), format!("{plan:?}")),
        Err(fault) => (String::new(), format!("{fault:?}")),
    };
    // Afresh: a changed state makes the engine open everything anew.
    let fresh: Vec<_> =
        requests.iter().enumerate().map(|(at, request)| answer(at as u64 + 10, request)).collect();
    let warm: Vec<_> = requests.iter().map(|request| answer(5, request)).collect();
    assert_eq!(fresh, warm);
    root.stop();
    let again: Vec<_> = requests.iter().rev().map(|request| answer(5, request)).collect();
    assert_eq!(warm.into_iter().rev().collect::<Vec<_>>(), again);
    assert_eq!(before, listing(dir.path()));
}

#[test]
fn package_files_are_installed_with_what_they_need() {
    let dir = tempfile::tempdir().unwrap();
    let root = root(dir.path());
    let build = dir.path().join("build");
    fs::create_dir_all(build.join("DEBIAN")).unwrap();
    let control = "Package: local\nVersion: 1.0\nArchitecture: amd64\nMaintainer: x <x@example.org>\nDepends: newcomer\nDescription: x\n";
    fs::write(build.join("DEBIAN/control"), control).unwrap();
    let file = dir.path().join("local_1.0_amd64.deb");
    let built =
        std::process::Command::new("dpkg-deb").arg("--build").arg(&build).arg(&file).output();
    if !built.is_ok_and(|output| output.status.success()) {
        assert!(std::env::var_os("CI").is_none(), "dpkg-deb can't be run");
        println!("skipped: dpkg-deb can't be run");
        return;
    }
    let change = Change::new(Operation::Install, [file.to_str().unwrap()]);
    let plan = root.plan(&change).unwrap();
    assert_eq!(of(&plan, "local").reason, Reason::Requested);
    assert_eq!(of(&plan, "newcomer").reason, Reason::Dependency("local".into()));
    println!("{:?}", changes(&root, &plan));
    let Some((verdict, about)) = ask(&root, &change) else { return };
    assert_eq!(verdict, Verdict::Same, "{about}");
}

fn listing(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut next = vec![dir.to_path_buf()];
    while let Some(dir) = next.pop() {
        for entry in fs::read_dir(dir).unwrap().flatten() {
            let data = entry.metadata().unwrap();
            found.push(format!(
                "{} {} {:?}",
                entry.path().display(),
                data.len(),
                data.modified().unwrap()
            ));
            if data.is_dir() {
                next.push(entry.path());
            }
        }
    }
    found.sort();
    found
}
