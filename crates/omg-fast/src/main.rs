//! `omg-fast`: package counts for prompts, in well under a millisecond.
//!
//! The numbers come out of the L0 snapshot that the daemon keeps in the runtime directory. This
//! program starts no daemon, asks nobody, and prints nothing when there is no fresh snapshot (it
//! ends with 3 then), so that a prompt stays clean. `s` and `i` replace this process by
//! `omg search` and `omg info`.
//!
//! In the cargo profile `fast` it is built without the standard library, the C library and an
//! allocator: a static executable of a few kilobytes. In every other profile the same code runs
//! below a usual `main`, so that tests and lints see it. It must not know the wire protocol, the
//! settings or anything that needs to be parsed.
#![cfg_attr(freestanding, no_std, no_main)]

mod counts;
mod sys;
mod text;
mod verb;

#[cfg(all(freestanding, not(panic = "abort")))]
compile_error!(
    "the build script and the cargo profile disagree: a freestanding omg-fast needs panic = \"abort\""
);

use core::ffi::CStr;
use verb::Verb;

/// Exit code: nothing to say, because there is no fresh snapshot.
const NO_SNAPSHOT: i32 = 3;

/// What the process does in the end.
enum End {
    /// Ends with this code.
    Exit(i32),
    /// Becomes `omg VERB`, with the arguments after the first.
    Become(&'static CStr),
}

/// Runs one verb. `arguments` counts what follows it.
fn run(verb: Option<&CStr>, arguments: usize, runtime_dir: Option<&CStr>) -> End {
    let Some(verb) = verb.and_then(|name| Verb::named(name.to_bytes())) else {
        sys::write(sys::STDERR, verb::USAGE);
        return End::Exit(2);
    };
    let count = match verb {
        Verb::Become(name) => return End::Become(name),
        Verb::Say(text) => return print(text),
        Verb::Count(_) if arguments > 0 => {
            sys::write(sys::STDERR, verb::USAGE);
            return End::Exit(2);
        }
        Verb::Count(count) => count,
    };
    counts::read(runtime_dir, |status| {
        let mut line = text::Line::new();
        text::render(&mut line, count, status);
        print(line.bytes())
    })
    .unwrap_or(End::Exit(NO_SNAPSHOT))
}

fn print(text: &[u8]) -> End {
    End::Exit(i32::from(!sys::write(sys::STDOUT, text)))
}

#[cfg(not(freestanding))]
fn main() {
    use std::ffi::CString;
    use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
    use std::os::unix::process::CommandExt as _;

    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let verb = arguments.first().and_then(|verb| CString::new(verb.as_bytes()).ok());
    let directory =
        std::env::var_os("XDG_RUNTIME_DIR").and_then(|path| CString::new(path.into_vec()).ok());
    let end = run(verb.as_deref(), arguments.len().saturating_sub(1), directory.as_deref());
    let code = match end {
        End::Exit(code) => code,
        End::Become(verb) => {
            let verb = std::ffi::OsStr::from_bytes(verb.to_bytes());
            if let Ok(own) = std::env::current_exe() {
                // Returns only if it failed.
                let _error = std::process::Command::new(own.with_file_name("omg"))
                    .arg(verb)
                    .args(arguments.iter().skip(1))
                    .exec();
            }
            sys::write(sys::STDERR, verb::NO_OMG);
            1
        }
    };
    std::process::exit(code);
}
