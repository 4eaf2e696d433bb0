//! What a process of root inherits from a user, and what is left of it.
#![expect(
    unsafe_code,
    reason = "the environment of a process can only be changed, and descriptors that nobody owns \
              only be named, by unsafe functions"
)]

use std::ffi::{OsStr, OsString};
use std::os::fd::{BorrowedFd, RawFd};

use omg_audit::Via;
use rustix::fs::Mode;
use rustix::io::{FdFlags, fcntl_setfd};

/// Where programs are looked for. dpkg wants `ldconfig` and `start-stop-daemon` in it.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Longest name of a terminal.
const TERM: usize = 32;

/// Takes away what the user gave: environment, mask, session. Answers with how the process came by its
/// rights.
///
/// To be called before any thread is started.
pub(crate) fn clean() -> Option<Via> {
    let via = via(|name| std::env::var(name).ok());
    let mut kept: Vec<(&str, OsString)> = vec![
        ("PATH", PATH.into()),
        ("LC_ALL", "C.UTF-8".into()),
        ("HOME", "/root".into()),
        // Questions are answered from the order, never by whoever sits at the terminal.
        ("DEBIAN_FRONTEND", "noninteractive".into()),
        ("DEBCONF_NONINTERACTIVE_SEEN", "true".into()),
        ("APT_LISTCHANGES_FRONTEND", "none".into()),
        ("NEEDRESTART_MODE", "l".into()),
    ];
    kept.extend(std::env::var_os("TERM").filter(|term| is_safe(term)).map(|term| ("TERM", term)));
    #[cfg(debug_assertions)]
    kept.extend(
        ["OMG_FAILPOINT", "OMG_WEAKEN"]
            .into_iter()
            .filter_map(|name| Some((name, std::env::var_os(name)?))),
    );
    let names = std::env::vars_os().map(|(name, _)| name);
    let names: Vec<OsString> = names.filter(|_| !omg_failpoint::weak!("41")).collect();
    for name in names {
        // SAFETY: the process has one thread so far, so nobody reads the environment meanwhile.
        unsafe { std::env::remove_var(name) };
    }
    for (name, value) in kept {
        // SAFETY: as above.
        unsafe { std::env::set_var(name, value) };
    }
    rustix::process::umask(Mode::from_raw_mode(0o022));
    // Where it cannot be entered, hooks and scripts are started in directories of their own all the same.
    let _ = rustix::process::chdir("/");
    close();
    leave();
    via
}

/// Keeps descriptors that were inherited, whoever left them open, from whatever is started: hooks and
/// maintainer scripts. This process itself may need them: a debugger's, a profiler's.
fn close() {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return };
    let numbers = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    for number in numbers.filter(|number: &RawFd| *number > 2) {
        // SAFETY: the number was in the list a moment ago, no other thread runs that could have closed
        // it, and if it was the list's own, the call fails. Nothing is read, written or closed by it.
        let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
        let _ = fcntl_setfd(descriptor, FdFlags::CLOEXEC);
    }
}

/// Leaves the terminal's session, so that Ctrl-C reaches neither dpkg nor a maintainer script.
fn leave() {
    if rustix::process::setsid().is_ok() {
        return;
    }
    // The leader of a group may not; in the group of the session's leader it is none any more. Where
    // that fails too, it leads a session already, and whoever made it one keeps terminals away.
    if let Ok(leader) = rustix::process::getsid(None)
        && rustix::process::setpgid(None, Some(leader)).is_ok()
    {
        let _ = rustix::process::setsid();
    }
}

/// Which program gave root's rights to whom, as it says itself: it ran as root.
fn via(get: impl Fn(&str) -> Option<String>) -> Option<Via> {
    let number = |name: &str| get(name).and_then(|text| text.parse().ok());
    let of = |program: &str, uid: Option<u32>, user: Option<String>| {
        let user = user.filter(|user| user.len() <= 256);
        (uid.is_some() || user.is_some()).then(|| Via { program: program.to_owned(), uid, user })
    };
    // run0 sets the names of sudo.
    of("sudo", number("SUDO_UID"), get("SUDO_USER"))
        .or_else(|| of("pkexec", number("PKEXEC_UID"), None))
        .or_else(|| of("doas", None, get("DOAS_USER")))
}

/// Is it the name of a terminal, and nothing that leads a library elsewhere?
fn is_safe(term: &OsStr) -> bool {
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"-+._".contains(byte);
    let bytes = term.as_encoded_bytes();
    !bytes.is_empty() && bytes.len() <= TERM && bytes.iter().all(fits) && bytes[0] != b'.'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_a_word() {
        assert!(is_safe(OsStr::new("xterm-256color")) && is_safe(OsStr::new("screen.xterm")));
        for odd in ["", "../x", "a/b", "a b", "x\u{1b}", &"x".repeat(33)] {
            assert!(!is_safe(OsStr::new(odd)), "{odd}");
        }
    }

    #[test]
    fn the_caller_is_named_by_the_program_that_gave_the_rights() {
        let with = |set: &'static [(&str, &str)]| {
            via(move |name| {
                set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(with(&[]), None);
        let sudo = with(&[("SUDO_UID", "1000"), ("SUDO_USER", "a"), ("PKEXEC_UID", "7")]).unwrap();
        assert_eq!((sudo.program.as_str(), sudo.uid), ("sudo", Some(1000)));
        assert_eq!(with(&[("PKEXEC_UID", "7")]).unwrap().uid, Some(7));
        assert_eq!(with(&[("DOAS_USER", "b")]).unwrap().user.as_deref(), Some("b"));
        assert_eq!(with(&[("SUDO_UID", "x")]), None);
    }
}
