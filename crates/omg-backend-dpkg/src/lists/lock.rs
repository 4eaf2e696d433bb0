//! apt's lock of the lists.

use std::fs::{self, File};
use std::path::Path;

use rustix::fs::{FlockOperation, fcntl_lock};

use crate::error::Error;

/// apt's lock of the lists, let go of with the process at the latest.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "closing it is what unlocks")] File);

impl Lock {
    /// Takes it, or names who has it.
    pub(super) fn take(lists: &Path) -> Result<Self, Error> {
        fs::create_dir_all(lists).map_err(Error::write(lists, "making the directory of lists"))?;
        let path = lists.join("lock");
        let failed = || Error::write(&path, "locking the lists");
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed())?;
        match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self(file)),
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::ACCESS) => {
                Err(Error::Locked { holder: holder(&file), path })
            }
            Err(error) => Err(failed()(error.into())),
        }
    }
}

/// `process 12 (apt-get)`.
fn holder(file: &File) -> String {
    use rustix::process::{Flock, FlockType, fcntl_getlk};
    let ask = Flock::from(FlockType::WriteLock);
    let pid = fcntl_getlk(file, &ask).ok().flatten().and_then(|lock| lock.pid);
    let Some(pid) = pid.map(rustix::process::Pid::as_raw_nonzero) else {
        return "another process".into();
    };
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    match name.trim() {
        "" => format!("process {pid}"),
        name => format!("process {pid} ({name})"),
    }
}
