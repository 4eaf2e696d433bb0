//! The engine as a process: its command line, its surroundings, its input.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use crate::support::{System, executable};

fn run(arguments: &[&str], input: &[u8]) -> Output {
    let mut engine = Command::new(executable())
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    // It may have ended without reading.
    let _ = engine.stdin.take().expect("a pipe").write_all(input);
    engine.wait_with_output().expect("it ends")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

#[test]
fn it_tells_its_version_and_its_use() {
    let version = run(&["--version"], b"");
    assert!(version.status.success());
    assert_eq!(text(&version.stdout), concat!("small_engine ", env!("CARGO_PKG_VERSION"), "\n"));
    let help = run(&["--help"], b"");
    assert!(help.status.success());
    assert!(text(&help.stdout).starts_with("Usage: small_engine plan|commit --root DIR"));
}

#[test]
fn a_wrong_command_line_is_refused() {
    for arguments in [&["commit", "--root", "/"][..], &[], &["plan"], &["plan", "--root", "here"]] {
        let output = run(arguments, b"");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty());
        assert!(text(&output.stderr).starts_with("small_engine: "));
    }
    assert!(text(&run(&["commit", "--root", "/"], b"").stderr).contains("can't commit"));
}

#[test]
fn it_ends_with_its_input() {
    let output = run(&["plan", "--root", "/"], b"");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(output.stdout.get(..4), Some(&[0, 0, 0, 13][..]), "its greeting");
}

#[test]
fn input_that_is_no_ask_ends_it() {
    let long = (72 * 1024 + 1_u32).to_be_bytes();
    for (input, word) in [
        (&b"install vim\n"[..], "over the limit"),
        (&[0, 0, 0, 9, 1], "reading a frame"),
        (&[0, 0], "reading a frame"),
        (&[0, 0, 0, 1, 0], "greeting"),
    ] {
        let output = run(&["plan", "--root", "/"], input);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains(word), "{}", text(&output.stderr));
    }
    let greeting = [0, 0, 0, 13, 0, 0x45, 0x47, 0x4d, 0x4f, 2, 0, 5, b'0', b'.', b'1', b'.', b'0'];
    let output = run(&["plan", "--root", "/"], &[&greeting[..], &long].concat());
    assert!(text(&output.stderr).contains("frame of 73729 is over the limit of 73728"));
}

#[tokio::test]
async fn it_gets_no_environment_but_its_own() {
    let system = System::new();
    let mut variables = system.plan("do:environment").await.unwrap().warnings;
    variables.pop();
    variables.sort();
    let names: Vec<_> =
        variables.iter().map(|variable| variable.split('=').next().unwrap()).collect();
    assert_eq!(names, ["HOME", "LANG", "LC_ALL", "PATH"]);
}

/// What this process inherited and would pass on: all that Rust opens itself is closed in a child.
fn inherited() -> Vec<String> {
    let fds = std::fs::read_dir("/proc/self/fd").expect("proc is there").flatten();
    let numbers = fds.filter_map(|fd| fd.file_name().into_string().ok());
    numbers
        .filter(|number| !["0", "1", "2"].contains(&number.as_str()))
        .filter_map(|number| {
            let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{number}")).ok()?;
            let flags = info.lines().find_map(|line| line.strip_prefix("flags:"))?.trim();
            let closed = u32::from_str_radix(flags, 8).ok()? & 0o2_000_000 != 0;
            let link = std::fs::read_link(format!("/proc/self/fd/{number}")).ok()?;
            (!closed).then(|| link.display().to_string())
        })
        .collect()
}

#[tokio::test]
async fn it_gets_no_descriptors_but_its_own() {
    // One that a daemon may well have open.
    let open = tempfile::NamedTempFile::new().unwrap();
    let system = System::new();
    let mut links = system.plan("do:descriptors").await.unwrap().warnings;
    links.pop();
    for link in inherited() {
        let at =
            links.iter().position(|own| *own == link).expect("it was inherited by the engine, too");
        links.remove(at);
    }
    links.retain(|link| !link.starts_with("/proc"));
    for link in &mut links {
        link.truncate(link.find(':').unwrap_or(link.len()));
    }
    links.sort();
    assert_eq!(links, ["/dev/null", "pipe", "pipe", "pipe", "pipe"]);
    drop(open);
}
