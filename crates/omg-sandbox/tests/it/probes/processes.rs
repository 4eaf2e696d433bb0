//! Other processes, and more rights than one has.
#![expect(unsafe_code, reason = "system calls that no library would make for us")]

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{Found, SECRET, Sees, World};

type Entry = (&'static str, Sees, fn(&World) -> Found);

pub(super) const PROBES: &[Entry] = &[
    ("environment-of-others", Sees::Outside, |_| in_proc("environ", SECRET)),
    ("command-lines-of-others", Sees::Outside, |_| in_proc("cmdline", &format!("sleep-{SECRET}"))),
    ("kill-outside", Sees::Outside, |world| {
        // SAFETY: no signal is sent, only the right to send one is asked for.
        answer(i64::from(unsafe { libc::kill(world.process, 0) }), "may signal it")
    }),
    ("pidfd-outside", Sees::Outside, |world| {
        // SAFETY: takes two numbers.
        let answered = unsafe { libc::syscall(libc::SYS_pidfd_open, world.process, 0) };
        answer(answered, "has a pidfd of it")
    }),
    ("ptrace", Sees::Outside, |_| {
        in_child("may trace", || {
            // SAFETY: takes no pointers for this request.
            unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) }
        })
    }),
    ("ptrace-outside", Sees::Outside, |world| {
        let process = world.process;
        // SAFETY: seizing does not stop it, and ends with the child.
        in_child("traces it", || unsafe { libc::ptrace(libc::PTRACE_SEIZE, process, 0, 0) })
    }),
    ("read-memory", Sees::Outside, |_| {
        let (from, mut to) = ([1_u8; 8], [0_u8; 8]);
        let remote = libc::iovec { iov_base: from.as_ptr().cast_mut().cast(), iov_len: 8 };
        let local = libc::iovec { iov_base: to.as_mut_ptr().cast(), iov_len: 8 };
        // SAFETY: both vectors are of this process, alive, and 8 bytes long.
        let read = unsafe {
            libc::process_vm_readv(libc::getpid(), &raw const local, 1, &raw const remote, 1, 0)
        };
        answer(read as i64, "copies memory")
    }),
    ("steal-file", Sees::Outside, |_| {
        // SAFETY: takes numbers only.
        unsafe {
            let own = libc::syscall(libc::SYS_pidfd_open, libc::getpid(), 0);
            answer(libc::syscall(libc::SYS_pidfd_getfd, own, 0, 0), "takes files of processes")
        }
    }),
    ("setuid-program", Sees::AsRoot, |world| {
        let paths = ["/setuid".to_owned(), world.place.join("setuid").display().to_string()];
        for path in paths.iter().filter(|path| Path::new(path).exists()) {
            let output = Command::new(path).output().map_err(|error| error.to_string())?;
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            if text.contains("euid=0") {
                return Ok(text);
            }
        }
        Err("it stays who it is".into())
    }),
    ("new-privileges", Sees::Outside, |_| status("NoNewPrivs:", |value| value == "0")),
    ("capabilities", Sees::AsRoot, |_| {
        status("CapEff:", |value| !value.trim_matches('0').is_empty())
    }),
    ("capabilities-to-get", Sees::Outside, |_| {
        status("CapBnd:", |value| !value.trim_matches('0').is_empty())
    }),
    ("no-filter", Sees::Outside, |_| status("Seccomp:", |value| value == "0")),
    ("root", Sees::AsRoot, |_| {
        status("Uid:", |value| value.split_whitespace().any(|uid| uid == "0"))
    }),
    ("become-root", Sees::AsRoot, |_| {
        // SAFETY: takes a number; in a child of its own.
        in_child("is root", || i64::from(unsafe { libc::setuid(0) }))
    }),
    ("many-processes", Sees::Outside, |_| {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nproc).maximum;
        if limit.is_none_or(|limit| limit > 10_000) {
            Ok(format!("{limit:?}"))
        } else {
            Err(format!("{limit:?}"))
        }
    }),
    ("raise-limits", Sees::Perhaps("root without CAP_SYS_RESOURCE"), |_| {
        in_child("raises limits", || {
            let limit = libc::rlimit { rlim_cur: 1 << 20, rlim_max: 1 << 20 };
            // SAFETY: the structure is alive.
            i64::from(unsafe { libc::setrlimit(libc::RLIMIT_NPROC, &raw const limit) })
        })
    }),
];

/// Does `/proc/*/NAME` have this text?
fn in_proc(name: &str, text: &str) -> Found {
    let own = std::process::id().to_string();
    for entry in fs::read_dir("/proc").map_err(|error| error.to_string())?.flatten() {
        if entry.file_name().to_str() == Some(&own) {
            continue;
        }
        let bytes = fs::read(entry.path().join(name)).unwrap_or_default();
        if String::from_utf8_lossy(&bytes).contains(text) {
            return Ok(entry.path().join(name).display().to_string());
        }
    }
    Err("no process has it".into())
}

fn status(key: &str, escaped: impl Fn(&str) -> bool) -> Found {
    let text = fs::read_to_string("/proc/self/status").map_err(|error| error.to_string())?;
    let value = text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default().trim();
    if escaped(value) { Ok(format!("{key} {value}")) } else { Err(format!("{key} {value}")) }
}

pub(super) fn answer(returned: i64, what: &str) -> Found {
    if returned < 0 {
        return Err(std::io::Error::last_os_error().to_string());
    }
    Ok(what.to_owned())
}

/// Does something in a child, which ends at once: what it does to itself does not stay.
pub(super) fn in_child(what: &str, step: impl FnOnce() -> i64) -> Found {
    // SAFETY: the child makes system calls only, and ends by `_exit`.
    unsafe {
        let child = libc::fork();
        if child == 0 {
            let returned = step();
            let errno = if returned < 0 { *libc::__errno_location() } else { 0 };
            libc::_exit(errno.clamp(0, 255));
        }
        if child < 0 {
            return Err("no child".into());
        }
        let mut status = 0;
        while libc::waitpid(child, &raw mut status, 0) < 0 {}
        // A child that asked to be traced stops nowhere before its end.
        if libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0 {
            return Ok(what.to_owned());
        }
        let error = std::io::Error::from_raw_os_error(libc::WEXITSTATUS(status));
        Err(error.to_string())
    }
}
