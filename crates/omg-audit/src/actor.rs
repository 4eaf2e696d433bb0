//! Who makes a change, as the kernel tells it.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::{Actor, Bytes, Hash, Via};

/// What the kernel says when nobody logged in.
const NO_LOGIN: u32 = u32::MAX;

impl Actor {
    /// This process. `via` is how it came by its rights: this crate looks into no environment, so
    /// whoever started the program says so (`SUDO_UID`, `PKEXEC_UID`, `DOAS_USER`).
    ///
    /// What can't be read is left out: a container without `/proc` must not keep a system from being
    /// changed.
    pub fn of_process(via: Option<Via>) -> Self {
        Self {
            uid: rustix::process::getuid().as_raw(),
            loginuid: loginuid(Path::new("/proc/self/loginuid")),
            pid: std::process::id(),
            exe_sha256: digest(Path::new("/proc/self/exe")),
            via,
        }
    }

    /// The user who wanted it: the one who called `sudo`, else the one who logged in, else the one
    /// whose rights it was done with.
    pub fn person(&self) -> u32 {
        self.via.as_ref().and_then(|via| via.uid).or(self.loginuid).unwrap_or(self.uid)
    }
}

fn loginuid(path: &Path) -> Option<u32> {
    let text = std::fs::read_to_string(path).ok()?;
    text.trim().parse().ok().filter(|uid| *uid != NO_LOGIN)
}

fn digest(path: &Path) -> Option<Hash> {
    let mut file = File::open(path).ok()?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer).ok()? {
            0 => return Some(Bytes(hasher.finalize().into())),
            read => hasher.update(buffer.get(..read)?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_this_process() {
        let actor = Actor::of_process(None);
        assert_eq!(actor.pid, std::process::id());
        let exe = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(actor.exe_sha256, Some(Bytes(Sha256::digest(&exe).into())));
    }

    #[test]
    fn the_person_is_who_called_sudo() {
        let via = Via { program: "sudo".into(), uid: Some(1000), user: None };
        let mut actor = Actor { via: Some(via), loginuid: Some(1001), ..Actor::default() };
        assert_eq!(actor.person(), 1000);
        actor.via = None;
        assert_eq!(actor.person(), 1001);
        actor.loginuid = None;
        assert_eq!(actor.person(), 0);
    }

    #[test]
    fn nobody_logged_in() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("loginuid");
        for (text, expected) in [("4294967295", None), ("1000\n", Some(1000)), ("", None)] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(loginuid(&path), expected);
        }
    }
}
