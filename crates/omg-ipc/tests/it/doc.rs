//! The bytes in docs/protocol.md are the bytes of the code.

use omg_core::{Source, Summary};
use omg_proto::frame::{Envelope, Hello, REPLY_LIMIT, REQUEST_LIMIT};
use omg_proto::{Found, Query, Reply, Request};

use crate::support::{Daemon, frames};

const TEXT: &str = include_str!("../../../../docs/protocol.md");

/// The bytes of the hex dump that follows `<!-- NAME -->`. Each line is hex up to a `|`.
fn dump(name: &str) -> Vec<u8> {
    let (_, rest) = TEXT.split_once(&format!("<!-- {name} -->")).expect("the dump is there");
    let block = rest.split("```").nth(1).expect("a code block follows");
    let lines = block.lines().skip(1);
    lines
        .flat_map(|line| line.split('|').next().unwrap_or_default().split_whitespace())
        .map(|byte| u8::from_str_radix(byte, 16).expect("two hex digits"))
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .chunks(16)
        .map(|line| line.iter().map(|byte| format!("{byte:02x} ")).collect::<String>() + "\n")
        .collect()
}

#[test]
fn the_greeting_is_as_documented() {
    let mut out = Vec::new();
    Hello::ours("0.1.0", 4321).write(&mut out);
    assert_eq!(dump("hello"), out, "{}", hex(&out));
}

#[test]
fn the_requests_are_as_documented() {
    for (name, request) in [
        ("search", Request::One(Query::Search { query: "vim", limit: Some(20) })),
        ("ping", Request::One(Query::Ping)),
        ("batch", Request::Batch(vec![Query::Ping, Query::Info { package: "vim" }])),
    ] {
        let mut out = Vec::new();
        Envelope { id: 1, body: &request.encode() }.write(&mut out, REQUEST_LIMIT).unwrap();
        assert_eq!(dump(name), out, "{name}:\n{}", hex(&out));
    }
}

#[test]
fn the_reply_is_as_documented() {
    let package = Summary {
        name: "vim",
        version: "2:9.0.1378-2",
        source: Source::Apt,
        repository: "bookworm/main",
        architecture: "amd64",
        description: "Vi IMproved",
        installed_version: None,
        score: 100,
        aur: None,
    };
    let reply = Reply::Search(Found::new(42, [package]));
    let mut out = Vec::new();
    Envelope { id: 1, body: &reply.encode() }.write(&mut out, REPLY_LIMIT).unwrap();
    assert_eq!(dump("reply"), out, "{}", hex(&out));
}

/// An encoded reply with `count` packages of all shapes.
pub(crate) fn packages(count: u32) -> Vec<u8> {
    let texts: Vec<String> = (0..count).map(|number| "é".repeat(number as usize)).collect();
    let packages = (0..count).zip(&texts).map(|(number, text)| Summary {
        name: text,
        version: "1",
        source: if number.is_multiple_of(3) { Source::Runtime } else { Source::Aur },
        repository: "main",
        architecture: "all",
        description: text,
        installed_version: number.is_multiple_of(2).then_some(text),
        score: number * 1000 + 70_000,
        aur: None,
    });
    Reply::Search(Found::new(u32::MAX, packages)).encode()
}

/// The same, as the client in Python prints it.
fn printed(count: u32) -> String {
    let row = |number: u32| {
        let text = "é".repeat(number as usize);
        let installed = if number.is_multiple_of(2) { text.as_str() } else { "None" };
        format!("{text}\t1\tmain\tall\t{text}\t{installed}\t{}\n", number * 1000 + 70_000)
    };
    (0..count).map(row).collect::<String>() + &format!("{count} of {}\n", u32::MAX)
}

/// It was written from the document, so it fails when the document does not suffice.
#[test]
fn a_client_in_another_language_understands_every_column() {
    let daemon = Daemon::start(omg_ipc::Config::default());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/client.py");
    let output = match std::process::Command::new("python3")
        .arg(script)
        .arg(&daemon.socket)
        .arg("packages")
        .output()
    {
        Ok(output) => output,
        Err(error) => {
            println!("skipped: python3: {error}");
            return;
        }
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), printed(300));
    daemon.end();
}

/// A client that knows nothing but the document.
#[test]
fn the_documented_bytes_are_answered() {
    let daemon = Daemon::start(omg_ipc::Config::default());
    let mut raw = daemon.raw();
    raw.send(&[dump("hello"), dump("search")].concat());
    raw.0.shutdown(std::net::Shutdown::Write).unwrap();
    let answers = frames(&raw.rest());
    assert_eq!((answers.len(), answers[0].0), (1, 1));
    daemon.end();
}

#[test]
fn the_limits_are_as_documented() {
    let config = omg_ipc::Config::default();
    for fact in [
        format!("| request payload | {REQUEST_LIMIT} bytes"),
        format!("| reply payload | {REPLY_LIMIT} bytes"),
        format!("| queries in a batch | {}", Request::BATCH_LIMIT),
        format!("| text in a query | {} bytes", Query::TEXT_LIMIT),
        format!("| connections | {}", config.connections),
        format!("| time to complete a frame | {} s", config.frame_deadline.as_secs()),
        format!("| time to take in an answer | {} s", config.write_deadline.as_secs()),
    ] {
        assert!(TEXT.contains(&fact), "missing: {fact}");
    }
}
