//! What dpkg, maintainer scripts and hooks print, line by line, and how far they are.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd, RawFd};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;

use omg_commit::Report;
use omg_core::Progress;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::pipe::PipeFlags;
use rustix::stdio::{dup2_stderr, dup2_stdout};

use super::error::Error;

/// Lines of the end that a fault repeats.
const TAIL: usize = 60;

/// Longest line, bytes; the rest of it is the next one.
const LINE: usize = 4096;

/// What was heard.
#[derive(Debug, Default)]
struct Heard {
    /// The package that is worked at.
    package: String,
    tail: VecDeque<String>,
    /// What dpkg said went wrong, by package.
    errors: Vec<String>,
}

/// Both ends of a pipe that no child keeps.
fn pipe() -> Result<(OwnedFd, OwnedFd), Error> {
    rustix::pipe::pipe_with(PipeFlags::CLOEXEC).map_err(Error::io(Path::new("pipe"), "making it"))
}

/// Runs `work` with standard output and error of this process, and of all its children, read line by
/// line. `work` gets a descriptor for libapt to write its progress to. Answers with what `work` says,
/// dpkg's own errors and the end of the output.
pub(super) fn heard<T>(
    report: &dyn Report,
    work: impl FnOnce(RawFd) -> T,
) -> Result<(T, Vec<String>), Error> {
    let failed = |error: Errno| Error::io(Path::new("/dev/stderr"), "redirecting it")(error);
    let (output, to_output) = pipe()?;
    let (status, to_status) = pipe()?;
    let (stop, to_stop) = pipe()?;
    let kept_output = io::stdout().as_fd().try_clone_to_owned();
    let kept_output = kept_output.map_err(Error::io(Path::new("/dev/stdout"), "keeping it"))?;
    let kept_error = io::stderr().as_fd().try_clone_to_owned();
    let kept_error = kept_error.map_err(Error::io(Path::new("/dev/stderr"), "keeping it"))?;
    for end in [&output, &status] {
        let flags = rustix::fs::fcntl_getfl(end).map_err(failed)?;
        rustix::fs::fcntl_setfl(end, flags | OFlags::NONBLOCK).map_err(failed)?;
    }
    let all = Mutex::new(Heard::default());
    let result = thread::scope(|scope| {
        let (all, stop) = (&all, &stop);
        let lines = |line: &str| note_line(all, report, line);
        let steps = |line: &str| note_step(all, report, line);
        scope.spawn(move || read(output.into(), stop, lines));
        scope.spawn(move || read(status.into(), stop, steps));
        let redirected = dup2_stdout(&to_output).and_then(|()| dup2_stderr(&to_output));
        let result = redirected.map(|()| work(to_status.as_raw_fd()));
        // A daemon that a script started keeps its end of the pipe: nobody waits for that to be closed.
        let restored = dup2_stdout(&kept_output).and(dup2_stderr(&kept_error));
        drop((to_output, to_status, to_stop));
        result.and_then(|result| restored.map(|()| result))
    });
    let result = result.map_err(failed)?;
    let heard = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut causes = heard.errors;
    causes.extend(heard.tail);
    Ok((result, causes))
}

/// Reads until the pipe ends, or until `stop` ends and nothing is left in the pipe.
fn read(mut from: File, stop: &OwnedFd, mut line: impl FnMut(&str)) {
    let mut buffer = [0; 8192];
    let mut rest: Vec<u8> = Vec::new();
    let mut stopped = false;
    loop {
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                rest.extend_from_slice(buffer.get(..count).unwrap_or_default());
                lines(&mut rest, &mut line);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if stopped {
                    break;
                }
                let mut ready =
                    [PollFd::new(&from, PollFlags::IN), PollFd::new(stop, PollFlags::IN)];
                if poll(&mut ready, None).is_ok() {
                    // What was written before the other end was closed is still to be read.
                    stopped = !ready[1].revents().is_empty();
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    if !rest.is_empty() {
        line(&String::from_utf8_lossy(&rest));
    }
}

/// Takes whole lines off the front. A carriage return ends one as well: bars of progress are written so.
fn lines(rest: &mut Vec<u8>, line: &mut impl FnMut(&str)) {
    let mut start = 0;
    for (at, byte) in rest.iter().enumerate() {
        if matches!(byte, b'\n' | b'\r') || at - start >= LINE {
            let end = if matches!(byte, b'\n' | b'\r') { at } else { at + 1 };
            line(&String::from_utf8_lossy(rest.get(start..end).unwrap_or_default()));
            start = at + 1;
        }
    }
    rest.drain(..start);
}

fn note_line(all: &Mutex<Heard>, report: &dyn Report, line: &str) {
    // dpkg counts files it has read so far on one line.
    let line = line.trim_end();
    if line.is_empty() || (line.starts_with("(Reading database") && !line.ends_with("installed.)"))
    {
        return;
    }
    let mut heard = all.lock().unwrap_or_else(PoisonError::into_inner);
    if heard.tail.len() >= TAIL {
        heard.tail.pop_front();
    }
    heard.tail.push_back(line.to_owned());
    let of = heard.package.clone();
    drop(heard);
    report.progress(Progress::Output { of, line: line.to_owned() });
}

/// A line of libapt: `pmstatus:PACKAGE:PERCENT:WHAT`, `pmerror:…` (`README.progress-reporting` of apt).
fn note_step(all: &Mutex<Heard>, report: &dyn Report, line: &str) {
    let Some((kind, rest)) = line.split_once(':') else { return };
    let Some((package, percent, what)) = step(rest) else { return };
    let mut heard = all.lock().unwrap_or_else(PoisonError::into_inner);
    match kind {
        "pmstatus" => {
            // `dpkg-exec` is none.
            package.clone_into(&mut heard.package);
            drop(heard);
            let percent = percent.clamp(0.0, 100.0) as u8;
            report.progress(Progress::Step { percent, what: what.to_owned() });
        }
        "pmerror" => heard.errors.push(format!("{package}: {what}")),
        _ => {}
    }
}

/// Package, per cent and text. A package may have its architecture behind a colon.
fn step(rest: &str) -> Option<(&str, f32, &str)> {
    let mut from = 0;
    while let Some(at) = rest.get(from..)?.find(':').map(|at| at + from) {
        let after = rest.get(at + 1..)?;
        if let Some((percent, what)) = after.split_once(':')
            && let Ok(percent) = percent.parse::<f32>()
        {
            return Some((rest.get(..at)?, percent, what));
        }
        from = at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_read() {
        assert_eq!(
            step("vim:12.5:Unpacking vim (amd64)"),
            Some(("vim", 12.5, "Unpacking vim (amd64)"))
        );
        assert_eq!(step("a:i386:0.0000:x: y"), Some(("a:i386", 0.0, "x: y")));
        assert_eq!(step("vim"), None);
    }

    #[test]
    fn lines_end_in_many_ways() {
        let mut all = Vec::new();
        let mut rest = b"a\nb\rc".to_vec();
        lines(&mut rest, &mut |line| all.push(line.to_owned()));
        assert_eq!(
            (all.as_slice(), rest.as_slice()),
            (&["a".to_owned(), "b".to_owned()][..], &b"c"[..])
        );
        let mut long = vec![b'x'; LINE * 2 + 10];
        lines(&mut long, &mut |line| assert!(line.len() <= LINE + 1));
        assert!(long.len() < LINE);
    }
}
