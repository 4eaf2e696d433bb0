//! Row 57: no secret gets into the log.

use std::path::Path;

use omg_audit::redact::{LEFT_OUT, text, words};
use omg_audit::{Actor, Done, Entry, Log, Options};
use omg_core::{Code, Fault};

use crate::child;
use crate::world::{Dice, place};

const SEEDED: usize = 200;

/// Secrets of the kinds that get onto command lines and into messages, each to be found again by its core.
fn seeded() -> Vec<(String, String)> {
    let mut dice = Dice(57);
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    (0..SEEDED)
        .map(|number| {
            let core: String = (0..24)
                .map(|_| char::from(letters[dice.below(letters.len() as u64) as usize]))
                .collect();
            let text = match number % 14 {
                0 => format!("https://user:{core}@mirror.example.org/debian"),
                1 => format!("https://mirror.example.org/debian?token={core}"),
                2 => format!("ghp_{core}"),
                3 => format!("--password={core}"),
                4 => format!("API_KEY={core}"),
                5 => format!("Authorization: Bearer {core}"),
                6 => format!("http://{core}@proxy:3128"),
                7 => format!("glpat-{core}"),
                8 => format!("db_password: {core}"),
                9 => format!("AKIA{core}"),
                10 => format!("npm_{core}"),
                11 => format!("https://example.org/#access_token={core}"),
                12 => format!("-----BEGIN OPENSSH PRIVATE KEY----- {core}"),
                _ => format!("GITHUB_TOKEN='{core}'"),
            };
            (text, core)
        })
        .collect()
}

/// The child's side: records every secret wherever there is room for one.
pub(crate) fn record(dir: &Path) {
    let log = Log::open(dir, &Options::default()).unwrap();
    for (secret, _) in seeded() {
        let words = vec!["install".to_owned(), secret.clone()];
        let entry = Entry { words, ..Entry::new("install", "r", Actor::default()) };
        let message = format!("can't fetch {secret} from the mirror");
        let mut fault = Fault::new(Code::Network, message);
        fault.cause = vec![secret.clone(), format!("while asking {secret}")];
        log.deny(entry.clone(), &fault).unwrap();
        let notices = vec![format!("postinst: {secret}")];
        log.begin(entry).unwrap().commit(&Done { notices, ..Done::default() }).unwrap();
    }
}

fn found(dir: &Path) -> usize {
    let bytes = std::fs::read(dir.join("log.redb")).unwrap();
    let hits = |core: &str| bytes.windows(core.len()).any(|window| window == core.as_bytes());
    let seeded = seeded();
    let missed: Vec<_> =
        seeded.iter().filter(|(_, core)| hits(core)).map(|(text, _)| text).collect();
    if let Some(first) = missed.first() {
        eprintln!("{} found, such as {first}", missed.len());
    }
    missed.len()
}

#[test]
fn seeded_secrets_are_not_in_the_log() {
    for (weaken, expected) in [("57", SEEDED), ("", 0)] {
        let (_keep, dir) = place();
        let (_, status) = child::run("secrets", &dir, &[("OMG_WEAKEN", weaken)]);
        assert!(status.success());
        assert_eq!(found(&dir), expected, "{weaken}");
    }
}

#[test]
fn words_of_package_managers_stay() {
    let ordinary = [
        "install",
        "vim",
        "vim=2:9.0.1378-2",
        "vim/bookworm-backports",
        "libc6:amd64",
        "g++",
        "lib*",
        "--yes",
        "-y",
        "--no-install-recommends",
        "core/pacman",
        "python3.11",
        "foo-1.0-1-x86_64.pkg.tar.zst",
        "./vim.deb",
    ];
    let ordinary: Vec<String> = ordinary.iter().map(|word| (*word).to_owned()).collect();
    assert_eq!(words(&ordinary), ordinary);
}

#[test]
fn other_words_are_left_out() {
    for word in [
        "--token=abc",
        "https://a:b@c/",
        "/home/user/my secret",
        "a=b=c",
        "PASSWORD=x",
        "",
        "$(id)",
    ] {
        assert_eq!(words(&[word.to_owned()]), [LEFT_OUT], "{word}");
    }
}

#[test]
fn ordinary_text_stays() {
    for line in [
        "the signature of vim (2:9.0.1378-2) is not good: made by 4CB50190207B4758A3F73A796ED0E7B82643E131",
        "can't fetch https://deb.debian.org/debian/pool/main/v/vim/vim_9.0.deb: 404 Not Found",
        "dpkg: error processing package foo (--configure): exit status 1",
        "/var/lib/dpkg/lock is held by process 42 (apt-get)",
    ] {
        assert_eq!(text(line), line);
    }
}
