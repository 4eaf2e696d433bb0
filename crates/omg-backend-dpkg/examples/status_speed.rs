//! How long a dpkg status file of 5 MB takes: `cargo run --release -p omg-backend-dpkg --example status_speed`.
#![expect(clippy::print_stdout, reason = "prints figures; that is all it does")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use omg_backend_dpkg::{deb822, files, status};

const BYTES: usize = 5_000_000;

fn measure<T>(what: &str, mut run: impl FnMut() -> T) {
    let mut times: Vec<Duration> = Vec::new();
    for _ in 0..300 {
        let start = Instant::now();
        black_box(run());
        times.push(start.elapsed());
    }
    times.sort_unstable();
    println!("{what:<28} median {:>8.1?}  least {:>8.1?}", times[times.len() / 2], times[0]);
}

fn main() -> std::io::Result<()> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "/var/lib/dpkg/status".to_owned());
    let real = deb822::clean(std::fs::read(path)?);
    let mut text = String::new();
    for copy in 0.. {
        for block in deb822::scan(&real) {
            let renamed = block.text.replacen("Package: ", &format!("Package: x{copy}-"), 1);
            let _ = write!(text, "{renamed}\n\n");
        }
        if text.len() >= BYTES {
            break;
        }
    }
    println!("{} bytes, {} stanzas", text.len(), deb822::scan(&text).count());
    let names =
        |block: deb822::Block<'_>| memchr::memchr(b'\n', block.text.as_bytes()).unwrap_or(0);
    measure("memchr count of newlines", || memchr::memchr_iter(b'\n', text.as_bytes()).count());
    measure("scan: stanzas", || deb822::scan(&text).count());
    measure("scan: stanzas and names", || deb822::scan(&text).map(names).sum::<usize>());
    measure("index: compact rows", || status::rows(&text));
    measure("index: with descriptions", || {
        let found = status::rows(&text);
        found.rows.iter().map(|row| row.description(&text).len()).sum::<usize>()
    });
    measure("every line of every stanza", || deb822::stanzas(&text).count());
    let mut settings = status::Settings::new(std::path::Path::new("/"), "amd64");
    // Debian's own configuration.
    settings.autoremove.never =
        ["^firmware-linux.*", "^linux-firmware$", "^linux-image-[a-z0-9]*$"]
            .map(str::to_owned)
            .into();
    settings.autoremove.versioned_kernels =
        ["linux-.*", "kfreebsd-.*", "gnumach-.*", ".*-modules", ".*-kernel"]
            .map(str::to_owned)
            .into();
    measure("this machine, with graph", || status::read(&settings));
    let Ok(installed) = status::read(&settings) else { return Ok(()) };
    measure("this machine, file lists", || files::Lists::read(&settings.admin, Some(&installed)));
    let Ok(lists) = files::Lists::read(&settings.admin, Some(&installed)) else { return Ok(()) };
    measure("owner of a path", || lists.owners("/usr/bin/dpkg"));
    measure("owners of a pattern", || lists.owners("*/bin/v*"));
    measure("packages with a command", || lists.commands("dpkg"));
    Ok(())
}
