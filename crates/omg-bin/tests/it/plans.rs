//! Plans of the real engines as `omg` shows them: on a terminal of two widths, in a pipe, as JSON.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::support::{Home, Run};
use crate::terminal::{PLAIN, answer, show};

/// Is the engine's executable beside `omgd`? In CI it must be.
pub(crate) fn has_engine(name: &str) -> bool {
    let omgd = Path::new(env!("CARGO_BIN_EXE_omgd"));
    let there = omgd.with_file_name(name).is_file();
    if !there {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{name} must be built in CI");
        println!("{name} is not built; plans were not tested (cargo build -p {name})");
    }
    there
}

/// Writes a file below a directory, with the directories on the way.
pub(crate) fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// A package of a small Arch repository: name, version, and further lines of its `desc`.
type Offer = (&'static str, &'static str, &'static str);

const OFFERS: &[Offer] = &[
    (
        "editor",
        "9.0-2",
        "%DEPENDS%\nlibedit>=3\njava-runtime\n\n%OPTDEPENDS%\nspell: for spelling\n\n",
    ),
    ("libedit", "3.1-1", ""),
    ("jre-new", "19-1", "%PROVIDES%\njava-runtime=19\n\n"),
    ("jre-old", "11-1", "%PROVIDES%\njava-runtime=11\n\n"),
    ("tool", "1.2.3-4", ""),
    ("rival", "2-1", "%CONFLICTS%\ntool\n\n"),
    ("broken", "1-1", "%DEPENDS%\nnowhere\n\n"),
];

/// A root with one repository, made by tar as repo-add makes it, and two installed packages.
pub(crate) fn arch() -> Option<tempfile::TempDir> {
    if !has_engine("omg-engine-alpm") {
        return None;
    }
    let root = tempfile::tempdir().unwrap();
    write(
        root.path(),
        "etc/pacman.conf",
        "[options]\nArchitecture = x86_64\nSigLevel = Never\n[extra]\nServer = http://127.0.0.1:9/extra\n",
    );
    let entries = root.path().join("entries");
    for (name, version, more) in OFFERS {
        let desc = format!(
            "%FILENAME%\n{name}-{version}-x86_64.pkg.tar.zst\n\n%NAME%\n{name}\n\n%BASE%\n{name}\n\n\
             %VERSION%\n{version}\n\n%DESC%\nThe package {name}\n\n%CSIZE%\n1500000\n\n%ISIZE%\n4000000\n\n\
             %SHA256SUM%\n{}\n\n%ARCH%\nx86_64\n\n{more}",
            "0".repeat(64)
        );
        write(&entries, &format!("{name}-{version}/desc"), &desc);
    }
    for (name, version, more) in
        [("tool", "1.2.1-1", ""), ("libedit", "3.0-1", ""), ("spare", "1-1", "%REASON%\n1\n\n")]
    {
        let desc = format!(
            "%NAME%\n{name}\n\n%VERSION%\n{version}\n\n%BASE%\n{name}\n\n%DESC%\nThe package {name}\n\n\
             %ARCH%\nx86_64\n\n%SIZE%\n3000000\n\n{more}"
        );
        write(root.path(), &format!("var/lib/pacman/local/{name}-{version}/desc"), &desc);
        write(root.path(), &format!("var/lib/pacman/local/{name}-{version}/files"), "%FILES%\n");
    }
    write(root.path(), "var/lib/pacman/local/ALPM_DB_VERSION", "9\n");
    let sync = root.path().join("var/lib/pacman/sync");
    std::fs::create_dir_all(&sync).unwrap();
    let database: PathBuf = sync.join("extra.db");
    let packed = Command::new("tar")
        .args(["--owner=0", "--group=0", "-czf"])
        .arg(&database)
        .arg("-C")
        .arg(&entries)
        .args(OFFERS.iter().map(|(name, version, _)| format!("{name}-{version}")))
        .status();
    assert!(packed.unwrap().success());
    std::fs::remove_dir_all(&entries).unwrap();
    // Their age is shown in whole hours, so that two runs of one test say the same.
    let fetched = SystemTime::now() - Duration::from_mins(190);
    std::fs::File::open(&database).unwrap().set_modified(fetched).unwrap();
    Some(root)
}

/// A small Debian system that is whole, with upgrades, a virtual package and a conflict.
pub(crate) fn debian() -> Option<tempfile::TempDir> {
    if !has_engine("omg-engine-apt") {
        return None;
    }
    let root = tempfile::tempdir().unwrap();
    let record = |name: &str, version: &str, more: &str| {
        format!(
            "Package: {name}\nVersion: {version}\nArchitecture: amd64\nMaintainer: Nobody <n@example.org>\n\
             Installed-Size: 4000\n{more}Description: the package {name}\n"
        )
    };
    let offer = |name: &str, version: &str, more: &str| {
        let file = format!(
            "Filename: pool/{name}_{version}_amd64.deb\nSize: 1500000\nSHA256: {}\n\n",
            "0".repeat(64)
        );
        record(name, version, more) + &file
    };
    let installed = |name: &str, version: &str, more: &str| {
        record(name, version, &format!("Status: install ok installed\n{more}")) + "\n"
    };
    let status = [
        installed("tool", "1.2.1-1", ""),
        installed("spare", "1-1", ""),
        installed("old-mta", "1-1", "Provides: mta\nConflicts: mta\n"),
    ];
    let offers = [
        offer("editor", "2:9.0-2", "Depends: libedit (>= 3), runtime\nSuggests: spell\n"),
        offer("libedit", "3.1-1", ""),
        offer("jre-new", "19-1", "Provides: runtime\n"),
        offer("jre-old", "11-1", "Provides: runtime\n"),
        offer("tool", "1.2.3-4", ""),
        offer("new-mta", "2-1", "Provides: mta\nConflicts: mta\n"),
        offer("broken", "1-1", "Depends: nowhere\n"),
    ];
    write(root.path(), "var/lib/dpkg/status", &status.concat());
    write(root.path(), "var/lib/dpkg/arch", "amd64\n");
    write(
        root.path(),
        "var/lib/apt/extended_states",
        "Package: spare\nArchitecture: amd64\nAuto-Installed: 1\n\n",
    );
    write(
        root.path(),
        "etc/apt/sources.list",
        "deb [trusted=yes] http://example.org/debian bookworm main\n",
    );
    let lists = "var/lib/apt/lists/example.org_debian_dists_bookworm";
    write(root.path(), &format!("{lists}_main_binary-amd64_Packages"), &offers.concat());
    write(
        root.path(),
        &format!("{lists}_Release"),
        "Origin: Debian\nLabel: Debian\nSuite: stable\nCodename: bookworm\nArchitectures: amd64\nComponents: main\n",
    );
    Some(root)
}

/// A home whose settings keep the AUR, which is on the network, out.
fn without_aur(root: &Path) -> Home {
    let home = Home::over(root);
    write(&home.path(".config"), "omg/settings.toml", "[aur]\nenabled = false\n");
    home
}

fn object(run: &Run) -> Value {
    assert_eq!(run.stdout.matches('\n').count(), 1, "{run:?}");
    serde_json::from_str(&run.stdout).unwrap()
}

const DEBIAN_RUNS: &[(&str, &[&str])] = &[
    ("debian_install", &["install", "-n", "editor"]),
    ("debian_install_provider", &["i", "-n", "editor", "--provider", "runtime=jre-old"]),
    ("debian_install_quiet", &["-q", "install", "--simulate", "new-mta"]),
    ("debian_conflict", &["-Sp", "new-mta"]),
    ("debian_refused", &["install", "editor", "spare-"]),
    ("debian_nothing", &["install", "-n", "spare"]),
    ("debian_broken", &["install", "-n", "broken"]),
    ("debian_unknown", &["install", "-n", "editr"]),
    ("debian_purge", &["purge", "-n", "tool"]),
    ("debian_remove", &["remove", "tool"]),
    ("debian_update", &["upgrade", "--dry-run"]),
    ("debian_update_check", &["update", "--check"]),
    ("debian_full_upgrade", &["full-upgrade", "-n"]),
    ("debian_autoremove", &["autoremove", "--print"]),
    ("debian_why_not", &["why-not", "broken"]),
    ("debian_why_not_mta", &["why-not", "new-mta"]),
];

#[test]
fn debian_plans_are_shown_whole() {
    let Some(root) = debian() else { return };
    let home = Home::over(root.path());
    for (name, arguments) in DEBIAN_RUNS {
        insta::assert_snapshot!(*name, home.alone(arguments).shown(), &arguments.join(" "));
    }
    for columns in [80, 40] {
        let shown = show(&home, (columns, 100), PLAIN, &["install", "-ny", "editor", "tool"]);
        assert!(shown.lines().all(|line| line.chars().count() <= columns.into()), "{shown}");
        insta::assert_snapshot!(format!("debian_terminal_{columns}"), shown);
    }
}

const ARCH_RUNS: &[(&str, &[&str])] = &[
    ("arch_install", &["install", "-n", "-u", "editor"]),
    ("arch_install_pacman", &["-Syup", "editor", "--provider", "java-runtime=jre-old"]),
    ("arch_install_quiet", &["install", "-n", "-u", "-q", "editor"]),
    ("arch_partial", &["install", "-n", "editor"]),
    ("arch_refused", &["install", "-u", "editor"]),
    ("arch_conflict", &["install", "-n", "-u", "rival"]),
    ("arch_broken", &["install", "-n", "-u", "broken"]),
    ("arch_unknown", &["install", "-n", "-u", "editr"]),
    ("arch_remove", &["-Rsnp", "tool"]),
    ("arch_remove_unknown", &["remove", "-n", "editor"]),
    ("arch_update", &["update", "-n"]),
    ("arch_update_check", &["update", "--check"]),
    ("arch_autoremove", &["autoremove", "--simulate"]),
    ("arch_why_not", &["why-not", "broken"]),
    ("arch_why_not_here", &["why-not", "spare"]),
];

#[test]
fn arch_plans_are_shown_whole() {
    let Some(root) = arch() else { return };
    let home = without_aur(root.path());
    for (name, arguments) in ARCH_RUNS {
        insta::assert_snapshot!(*name, home.alone(arguments).shown(), &arguments.join(" "));
    }
    for columns in [80, 40] {
        let shown = show(&home, (columns, 100), PLAIN, &["install", "-ny", "-u", "editor"]);
        assert!(shown.lines().all(|line| line.chars().count() <= columns.into()), "{shown}");
        insta::assert_snapshot!(format!("arch_terminal_{columns}"), shown);
    }
}

#[test]
fn a_plan_is_one_object_and_the_same_each_time() {
    let Some(root) = arch() else { return };
    let home = without_aur(root.path());
    let arguments = ["install", "-n", "-u", "--json", "editor"];
    let run = home.alone(&arguments);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(crate::schemas::schema(&arguments, &run), "omg.plan/1");
    let plan = object(&run);
    assert_eq!(plan["digest"].as_str().unwrap().len(), 64);
    let editor =
        plan["changes"].as_array().unwrap().iter().find(|it| it["name"] == "editor").unwrap();
    assert_eq!((&editor["action"], &editor["reason"]), (&"install".into(), &"requested".into()));
    assert_eq!(editor["reason_package"], Value::Null);
    assert_eq!(plan["providers"][0]["options"].as_array().unwrap().len(), 2);
    assert_eq!(home.alone(&arguments), run);
    let other = home.alone(&[&arguments[..], &["--provider", "java-runtime=jre-old"]].concat());
    assert_ne!(object(&other)["digest"], plan["digest"]);
}

#[test]
fn without_dry_run_json_is_the_error_only() {
    let Some(root) = arch() else { return };
    let home = without_aur(root.path());
    let run = home.alone(&["install", "-u", "--json", "editor"]);
    let fault = object(&run);
    assert_eq!((run.code, &fault["schema"]), (5, &"omg.error/1".into()), "{run:?}");
    assert!(fault["hint"].as_str().unwrap().starts_with("--yes"), "{fault}");
    // Nothing that would be done is no error.
    let run = home.alone(&["autoremove", "--json", "-n"]);
    assert_eq!(object(&run)["schema"], "omg.plan/1");
}

#[test]
fn a_choice_is_asked_for_on_a_terminal() {
    let Some(root) = arch() else { return };
    let home = without_aur(root.path());
    let arguments = ["install", "-n", "-u", "editor"];
    let (shown, code) = answer(&home, "7\n2\n", &arguments);
    assert_eq!(code, 0, "{shown}");
    for part in [
        "Which package is to provide java-runtime for editor?",
        "   2  jre-old",
        "default 1",
        "none of the numbers",
        "java-runtime: jre-old for editor",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(answer(&home, "\n", &arguments).0.contains("java-runtime: jre-new for editor"));
    // The end of the input is no answer.
    let (shown, code) = answer(&home, "\u{4}", &arguments);
    assert_eq!(code, 5, "{shown}");
    for flags in [&["-y"][..], &["-q"], &["--provider", "java-runtime=jre-old"]] {
        let (shown, code) = answer(&home, "", &[&arguments[..], flags].concat());
        assert!(code == 0 && !shown.contains("Which package"), "{shown}");
    }
}
