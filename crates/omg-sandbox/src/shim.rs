//! What `omg-sandbox-exec` does: it stands on both sides of bubblewrap.
//!
//! `enter` is outside. It closes what this process inherited, so that neither bubblewrap nor anything in
//! there can reach a file through `/proc/1/fd`, makes the files of the new root, and becomes bubblewrap.
//!
//! `confine` is inside. It sets the limits, gives up the rest by Landlock and seccomp, and becomes the
//! program. Whatever fails ends it with [`FAILED`] before the program has begun.

mod descriptors;
mod fence;
mod filter;
mod spec;

use std::ffi::{OsStr, OsString};
use std::os::fd::IntoRawFd as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::process::{Resource, Rlimit};

pub use filter::FilterError;
pub use spec::Spec;

/// Exit status if the program could not be confined. Builds can end with it as well, so it stands for
/// nothing unless [`COMPLAINT`] begins the only line of output.
pub const FAILED: u8 = 125;
/// What each line about a failure begins with.
pub const COMPLAINT: &str = "omg-sandbox-exec: ";

/// Does what the arguments after the program's own name say. It returns only what went wrong.
pub fn run(mut arguments: impl Iterator<Item = OsString>) -> String {
    let mode = arguments.next();
    let rest: Vec<OsString> = arguments.collect();
    match mode.as_deref().and_then(OsStr::to_str) {
        Some("enter") => enter(&rest),
        Some("confine") => confine(&rest),
        Some("probe") => probe(&rest),
        _ => "this is a part of OMG, which starts it itself to confine builds".to_owned(),
    }
}

/// `enter PATH CONTENT … -- BUBBLEWRAP ARGUMENTS`.
fn enter(arguments: &[OsString]) -> String {
    if let Err(error) = descriptors::close_inherited() {
        return format!("can't close inherited files: {error}");
    }
    let at = arguments.iter().position(|word| word == "--").unwrap_or(arguments.len());
    let (files, rest) = arguments.split_at(at);
    let Some((program, rest)) = rest.get(1..).and_then(<[_]>::split_first) else {
        return "nothing to enter".to_owned();
    };
    let mut command = Command::new(program);
    for file in files.chunks_exact(2) {
        let [path, content] = file else { continue };
        match descriptors::holding(content.as_encoded_bytes()) {
            // It stays open until bubblewrap has read it.
            Ok(file) => {
                command.arg("--ro-bind-data").arg(file.into_raw_fd().to_string()).arg(path);
            }
            Err(error) => return format!("can't make {}: {error}", path.display()),
        }
    }
    let error = command.args(rest).exec();
    format!("can't start {}: {error}", program.display())
}

/// `confine SPEC -- PROGRAM ARGUMENTS`.
fn confine(arguments: &[OsString]) -> String {
    let (spec, rest) = match Spec::parse(arguments) {
        Ok(parsed) => parsed,
        Err(reason) => return reason,
    };
    let Some((program, rest)) = rest.split_first() else {
        return "nothing to confine".to_owned();
    };
    if let Err(reason) = restrict(&spec) {
        return reason;
    }
    let error = Command::new(program).args(rest).exec();
    format!("can't start {}: {error}", program.display())
}

/// `probe SPEC --`: confines itself and says which Landlock there is.
fn probe(arguments: &[OsString]) -> String {
    let confined = Spec::parse(arguments).and_then(|(spec, _)| restrict(&spec));
    match confined {
        Ok(version) => format!("landlock {version}"),
        Err(reason) => reason,
    }
}

/// Limits, Landlock, seccomp, in this order: each takes something away that the one before needs. The
/// answer is the version of Landlock that holds.
fn restrict(spec: &Spec) -> Result<i32, String> {
    for (resource, limit) in limits(spec) {
        let both = Rlimit { current: Some(limit), maximum: Some(limit) };
        rustix::process::setrlimit(resource, both)
            .map_err(|error| format!("can't set the limit {resource:?}: {error}"))?;
    }
    descriptors::close_inherited().map_err(|error| format!("can't close files: {error}"))?;
    rustix::thread::set_no_new_privs(true)
        .map_err(|error| format!("can't give up new privileges: {error}"))?;
    let version = fence::put_up(spec)?;
    filter::apply(spec.profile).map_err(|error| error.to_string())?;
    Ok(version)
}

fn limits(spec: &Spec) -> Vec<(Resource, u64)> {
    let mut limits = vec![
        (Resource::Nproc, spec.processes),
        (Resource::Fsize, spec.file),
        (Resource::Nofile, spec.open_files),
        (Resource::Data, spec.memory),
        (Resource::Cpu, spec.cpu_s),
        (Resource::Core, 0),
    ];
    limits.extend(spec.address_space.map(|limit| (Resource::As, limit)));
    limits
}
