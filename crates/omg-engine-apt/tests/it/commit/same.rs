//! The same requests through the engine and through apt-get leave the same system.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use omg_core::{Action, Change, Code, Operation};

use super::engine::carry_out;
use super::repository::{Package, Repository};
use super::system::{able, copy, differences, system, tree};
use crate::compare::command;
use crate::draw::{Draw, Names};
use crate::root::Root;

/// Packages of the archive.
const PACKAGES: usize = 26;

/// Requests that a run makes in all; `OMG_CHANGES` asks for more.
fn changes() -> usize {
    std::env::var("OMG_CHANGES").ok().and_then(|text| text.parse().ok()).unwrap_or(24)
}

fn seed() -> u64 {
    std::env::var("OMG_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// Versions of every package, some with configuration, most needing packages of lower numbers.
fn packages(draw: &mut Draw, version: &str) -> Vec<Package> {
    let mut all = Vec::new();
    for number in 0..PACKAGES {
        if draw.chance(12) {
            continue;
        }
        let name = format!("p{number}");
        let mut fields = String::new();
        let lower = |draw: &mut Draw| format!("p{}", draw.below(number));
        if number > 0 {
            for (field, chance) in
                [("Pre-Depends", 5), ("Depends", 55), ("Recommends", 20), ("Suggests", 10)]
            {
                if draw.chance(chance) {
                    let _ = writeln!(fields, "{field}: {}", lower(draw));
                }
            }
            if draw.chance(8) {
                let other = lower(draw);
                let _ = writeln!(fields, "Conflicts: {other} (<< 2)\nReplaces: {other}");
            }
        }
        let mut package = Package::new(&name, version).fields(&fields);
        if draw.chance(40) {
            let text = format!("setting of {}\n", if draw.chance(50) { version } else { "all" });
            package = package.conffile(&format!("/etc/{name}.conf"), &text);
        }
        if draw.chance(30) {
            package.files.push((format!("/usr/share/shared-{}/{name}", draw.below(3)), name));
        }
        all.push(package);
    }
    all
}

/// apt-get on a root, for real.
fn apt_get(root: &Path, arguments: &[String]) -> bool {
    let conf = root.with_extension("apt.conf");
    let text = format!(
        "Dir \"{0}/\";\nDir::State::status \"{0}/var/lib/dpkg/status\";\nAPT::Architecture \"amd64\";\nAPT::Architectures {{ \"amd64\"; }};\nDPkg::Options {{ \"--root={0}\"; \"--force-confdef\"; \"--force-confold\"; }};\nDPkg::Pre-Install-Pkgs {{}};\nAPT::Sandbox::User \"root\";\n#clear DPkg::Post-Invoke;\n#clear DPkg::Pre-Install-Pkgs;\n",
        root.display()
    );
    fs::write(&conf, text).unwrap();
    let output = Command::new("apt-get")
        .args(["-y", "--allow-downgrades", "--allow-change-held-packages"])
        .args(arguments)
        .env("APT_CONFIG", conf)
        .env("LC_ALL", "C.UTF-8")
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    if !output.status.success() {
        let log = root.with_extension("apt.log");
        fs::write(log, [output.stdout, output.stderr].concat()).unwrap();
        return false;
    }
    true
}

/// Two equal systems beside each other.
struct Twins {
    _dir: tempfile::TempDir,
    ours: Root,
    theirs: PathBuf,
    repository: Repository,
    names: Names,
}

fn twins(seed: u64) -> Twins {
    let dir = tempfile::tempdir().unwrap();
    let base = fs::canonicalize(dir.path()).unwrap();
    let (ours, theirs) = (base.join("ours"), base.join("theirs"));
    fs::create_dir(&ours).unwrap();
    system(&ours);
    let repository = Repository::new();
    let mut draw = Draw(seed);
    let mut all = Vec::new();
    for (suite, version) in [("stable", "1.0-1"), ("testing", "2.0-1")] {
        let packages = packages(&mut draw, version);
        repository.suite(&ours, suite, &packages);
        all.extend(packages);
    }
    copy(&ours, &theirs);
    for entry in fs::read_dir(repository.pool()).unwrap().flatten() {
        fs::copy(entry.path(), theirs.join("var/cache/apt/archives").join(entry.file_name()))
            .unwrap();
    }
    let names = Names {
        all: (0..PACKAGES).map(|number| format!("p{number}")).collect(),
        installed: Vec::new(),
        versions: all.iter().map(|it| (it.name.clone(), it.version.clone())).collect(),
        suites: vec!["stable".to_owned(), "testing".to_owned()],
    };
    Twins { _dir: dir, ours: Root::new(&ours, "amd64"), theirs, repository, names }
}

impl Twins {
    /// Both do it. Answers whether it could be done.
    fn both(&mut self, change: &Change) -> bool {
        let words = command(change).join(" ");
        let result = carry_out(&self.ours, &self.repository, change);
        let theirs = apt_get(&self.theirs, &command(change));
        let log = || fs::read_to_string(self.theirs.with_extension("apt.log")).unwrap_or_default();
        match &result {
            Ok(_) => assert!(theirs, "only apt-get fails: {words}\n{}", log()),
            Err(fault) => {
                let known = [Code::NotFound, Code::Unsolvable, Code::Usage, Code::Refused];
                assert!(known.contains(&fault.code), "{words}: {fault}");
                assert!(!theirs, "only the engine fails: {words}: {fault}");
            }
        }
        let differ = differences(&tree(&self.ours.path), &tree(&self.theirs));
        let states = "var/lib/apt/extended_states";
        let read = |root: &Path| fs::read_to_string(root.join(states)).unwrap_or_default();
        assert!(
            differ.is_empty(),
            "after {words}: {differ:#?}\n{}\n-- theirs\n{}",
            read(&self.ours.path),
            read(&self.theirs)
        );
        self.names.installed = installed(&self.ours.path);
        result.is_ok()
    }

    /// The user edits a configuration file on both.
    fn edit(&self, draw: &mut Draw) {
        let name = format!("etc/p{}.conf", draw.below(PACKAGES));
        let text = format!("edited {}\n", draw.below(1000));
        for root in [&self.ours.path, &self.theirs] {
            if root.join(&name).exists() {
                fs::write(root.join(&name), &text).unwrap();
            }
        }
    }
}

fn installed(root: &Path) -> Vec<String> {
    let status = fs::read_to_string(root.join("var/lib/dpkg/status")).unwrap();
    let records = status.split("\n\n").filter(|it| it.contains("ok installed"));
    records
        .filter_map(|it| it.strip_prefix("Package: ")?.lines().next().map(str::to_owned))
        .collect()
}

#[test]
fn random_changes_are_those_of_apt_get() {
    if !able() {
        return;
    }
    let mut done = 0;
    let mut refused = 0;
    let each = 12;
    for number in 0..changes().div_ceil(each) as u64 {
        let mut draw = Draw(seed() * 1000 + number);
        let mut twins = twins(seed() * 7919 + number);
        // Something to begin with.
        for _ in 0..3 {
            let change = Change::new(
                Operation::Install,
                [format!("p{}/stable", 10 + draw.below(PACKAGES - 10))],
            );
            twins.both(&change);
        }
        for _ in 0..each {
            if draw.chance(25) {
                twins.edit(&mut draw);
            }
            let change = twins.names.request(&mut draw);
            if twins.both(&change) {
                done += 1;
            } else {
                refused += 1;
            }
        }
        twins.ours.stop();
    }
    println!("{done} changes made, {refused} refused by both");
    assert!(done > refused / 2);
}

#[test]
fn a_chain_of_changes_and_its_undoing() {
    if !able() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = fs::canonicalize(dir.path()).unwrap().join("root");
    fs::create_dir(&path).unwrap();
    system(&path);
    let repository = Repository::new();
    let editor = |version: &str| {
        let conf = format!("as in {version}\n");
        Package::new("editor", version)
            .fields("Depends: runtime\n")
            .conffile("/etc/editor.conf", &conf)
    };
    repository.suite(&path, "stable", &[editor("1.0-1"), Package::new("runtime", "1.0-1")]);
    repository.suite(&path, "testing", &[editor("2.0-1")]);
    let root = Root::new(&path, "amd64");
    let go = |operation: Operation, targets: &[&str]| {
        let change = Change::new(operation, targets.iter().copied());
        let outcome = carry_out(&root, &repository, &change).unwrap();
        (outcome.changes.iter().map(|it| it.action).collect::<Vec<_>>(), tree(&path))
    };
    let start = tree(&path);
    let (actions, first) = go(Operation::Install, &["editor=1.0-1"]);
    assert_eq!(actions, [Action::Install, Action::Install]);
    let (actions, _) = go(Operation::Install, &["editor"]);
    assert_eq!(actions, [Action::Upgrade]);
    let (actions, back) = go(Operation::Install, &["editor=1.0-1"]);
    assert_eq!(actions, [Action::Downgrade]);
    assert_eq!(differences(&first, &back), [""; 0]);
    go(Operation::Remove, &["editor"]);
    assert!(!path.join("usr/share/editor").exists() && path.join("etc/editor.conf").exists());
    // Undone: it comes back as it was.
    let (actions, undone) = go(Operation::Install, &["editor=1.0-1"]);
    assert_eq!(actions, [Action::Install]);
    assert_eq!(differences(&first, &undone), [""; 0]);
    let mut change = Change::new(Operation::Remove, ["editor", "runtime"]);
    change.options.purge = true;
    carry_out(&root, &repository, &change).unwrap();
    let end = tree(&path);
    let left: Vec<_> = end.keys().filter(|it| !start.contains_key(*it)).collect();
    assert!(left.iter().all(|it| it.starts_with("var/lib/")), "{left:?}");
}
