//! What `omg doctor` looks at.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use omg_core::{Code, Status};
use omg_proto::snapshot::FastStatus;
use omg_proto::{Query, Reply, Request};

use super::Finding;
use crate::render::{age, count};
use crate::session::{Session, reply};
use crate::settings::Settings;
use crate::{connect, places};

/// Lists older than this miss security fixes.
const OLD_LISTS: u64 = 7 * 86_400;

/// Every check, in the order of what depends on what.
pub(super) fn all(session: &mut Session) -> Vec<Finding> {
    let mut findings = vec![settings(), socket_directory(), executable(), cache()];
    let running = daemon();
    let runs = running.verdict == super::Verdict::Ok;
    findings.push(running);
    findings.extend(system(session));
    if runs {
        findings.push(snapshot());
    }
    findings.push(contents(session));
    findings
}

fn settings() -> Finding {
    match Settings::of_user() {
        Ok(settings) => {
            let set = settings.entries().filter(|entry| *entry.origin != crate::settings::Origin::Default).count();
            Finding::ok("settings", if set == 0 { "all defaults".to_owned() } else { format!("{set} set by files") })
        }
        Err(fault) => Finding::of("settings", &fault),
    }
}

fn socket_directory() -> Finding {
    let socket = places::socket();
    let directory = socket.parent().unwrap_or(Path::new("/"));
    let shown = directory.display();
    match directory.symlink_metadata() {
        Err(_) => Finding::ok("socket", format!("{shown} will be made by the daemon")),
        Ok(meta) if meta.uid() != places::uid() => Finding::fail(
            "socket",
            format!("{shown} belongs to uid {}", meta.uid()),
            "set OMG_SOCKET to a path in a directory of your own",
        ),
        Ok(meta) if meta.mode() & 0o077 != 0 => {
            let message = format!("{shown} has mode {:04o}; others may enter", meta.mode() & 0o7777);
            Finding::fail("socket", message, format!("chmod 700 {shown}"))
        }
        Ok(_) => Finding::ok("socket", socket.display().to_string()),
    }
}

fn executable() -> Finding {
    let path = connect::executable();
    let found = path.is_file() || places::variable("PATH").is_some_and(|all| {
        std::env::split_paths(&all).any(|folder| folder.join(&path).is_file())
    });
    if found {
        Finding::ok("omgd", path.display().to_string())
    } else {
        Finding::fail("omgd", "neither beside omg nor on the path", "cargo xtask install")
    }
}

fn cache() -> Finding {
    let Some(directory) = places::cache() else {
        return Finding::warn("cache", "no home directory is set; the index is built at every start", "set XDG_CACHE_HOME");
    };
    if let Err(fault) = places::make(&directory) {
        return Finding::warn("cache", fault.to_string(), format!("make {} writable", directory.display()));
    }
    match tempfile(&directory) {
        Ok(()) => Finding::ok("cache", directory.display().to_string()),
        Err(error) => Finding::warn(
            "cache",
            format!("{} can't be written: {error}; the index is built at every start", directory.display()),
            format!("make {} writable", directory.display()),
        ),
    }
}

/// Makes a file and removes it again.
fn tempfile(directory: &Path) -> std::io::Result<()> {
    let path = directory.join(format!(".doctor-{}", std::process::id()));
    std::fs::File::create_new(&path)?;
    std::fs::remove_file(&path)
}

fn daemon() -> Finding {
    let mut client = match connect::running() {
        Ok(client) => client,
        Err(error) if error.is_absent() => {
            return Finding::warn("daemon", "not running; the next command starts it", "omg daemon start");
        }
        Err(error) => return Finding::of("daemon", &error.fault()),
    };
    let answer = client.call(&Request::One(Query::Stats));
    match answer.as_ref().map(connect::Answer::reply) {
        Ok(Ok(Reply::Stats(stats))) => match stats.warnings.first() {
            None => Finding::ok("daemon", format!("pid {}, {} packages", stats.pid, count(stats.index_packages.into()))),
            Some(first) => Finding::warn(
                "daemon",
                format!("pid {}, with {} warnings: {first}", stats.pid, stats.warnings.len()),
                "omg status --verbose",
            ),
        },
        Ok(Ok(_)) => Finding::fail("daemon", "it answers another question than was asked", "omg daemon stop"),
        Ok(Err(fault)) => Finding::of("daemon", &fault),
        Err(fault) => Finding::of("daemon", fault),
    }
}

/// What the package database says; also whether there is one.
fn system(session: &mut Session) -> Vec<Finding> {
    let bodies = match session.ask_all(&[Query::Status]) {
        Ok(bodies) => bodies,
        Err(fault) => return vec![Finding::of("packages", &fault)],
    };
    match bodies.first().map(|body| reply(body)) {
        Some(Ok(Reply::Status(status))) => vec![packages(&status), lists(&status)],
        Some(Err(fault)) => vec![Finding::of("packages", &fault)],
        _ => Vec::new(),
    }
}

fn packages(status: &Status) -> Finding {
    if status.broken > 0 {
        let message = format!("{} packages are installed half way", status.broken);
        return Finding::fail("packages", message, "sudo dpkg --configure -a");
    }
    Finding::ok("packages", format!("{} installed", count(status.packages.total.into())))
}

fn lists(status: &Status) -> Finding {
    match status.data_age_s {
        _ if status.index_packages == 0 => Finding::fail("lists", "no package is available", "sudo apt-get update"),
        None => Finding::warn("lists", "they were never refreshed", "sudo apt-get update"),
        Some(seconds) if seconds > OLD_LISTS => {
            Finding::warn("lists", format!("refreshed {} ago", age(seconds)), "sudo apt-get update")
        }
        Some(seconds) => Finding::ok("lists", format!("refreshed {} ago", age(seconds))),
    }
}

fn snapshot() -> Finding {
    let path = places::snapshot();
    let bytes = std::fs::read(&path).ok();
    let whole = bytes.as_deref().and_then(|bytes| bytes.try_into().ok()).is_some_and(|bytes| FastStatus::read(bytes).is_some());
    if whole {
        Finding::ok("prompt", path.display().to_string())
    } else {
        let message = format!("{} is missing or damaged; omg-fast prints nothing", path.display());
        Finding::warn("prompt", message, "omg daemon stop; omg daemon start")
    }
}

fn contents(session: &mut Session) -> Finding {
    // A path that no package has: only the answer's hint matters.
    let answer = session.ask(Query::Provides { what: "/nonexistent/omg-doctor" });
    match answer.as_ref().map(connect::Answer::reply) {
        Ok(Ok(Reply::Files { hint: Some(hint), .. })) => Finding::warn("files", "file lists of available packages are missing", hint),
        Ok(Err(fault)) if fault.code == Code::NotFound && fault.hint.is_some() => {
            Finding::warn("files", "file lists of available packages are missing", fault.hint.unwrap_or_default())
        }
        Ok(Err(fault)) if fault.code != Code::NotFound => Finding::of("files", &fault),
        Err(fault) => Finding::of("files", fault),
        _ => Finding::ok("files", "file lists of available packages are there"),
    }
}
