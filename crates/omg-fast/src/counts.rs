//! Finds the snapshot and decides whether to believe it.
//!
//! Anybody may write to `/dev/shm`, and a file may change under its reader. So: no link is
//! followed, the owner must be us, the file is read once into memory of ours and its checksum
//! covers every byte, and an old one is as good as none.

use crate::sys::{self, Fd};
use core::ffi::CStr;
use omg_proto::snapshot::{FILE_NAME, FastStatus, SIZE};

/// Seconds after which a snapshot is stale: two and a half times as long as a daemon that can read
/// the system takes to renew it.
const FRESH: u64 = 150;

/// Below it, the directories of those who have no `XDG_RUNTIME_DIR`.
const RUN_USER: &[u8] = b"/run/user/";
const SHM: &[u8] = b"/dev/shm/omg-";

/// [`FILE_NAME`] for the kernel.
const NAME: &CStr = match CStr::from_bytes_with_nul(&terminated()) {
    Ok(name) => name,
    Err(_) => c"",
};

const fn terminated() -> [u8; FILE_NAME.len() + 1] {
    let mut name = [0; FILE_NAME.len() + 1];
    let (text, _) = name.split_at_mut(FILE_NAME.len());
    text.copy_from_slice(FILE_NAME.as_bytes());
    name
}

/// Hands over the counts, if there are any to be trusted.
pub(crate) fn read<T>(
    runtime_dir: Option<&CStr>,
    then: impl FnOnce(&FastStatus) -> T,
) -> Option<T> {
    let uid = sys::euid();
    let directory = directory(runtime_dir, uid)?;
    let file = sys::open_file(&directory, NAME)?;
    let stat = sys::stat(&file)?;
    if !stat.is_file() || stat.uid() != uid || stat.size() != SIZE as u64 || stat.others_write() {
        return None;
    }
    let mut bytes = [0; SIZE];
    if !sys::read(&file, &mut bytes) {
        return None;
    }
    let status = FastStatus::read(&bytes)?;
    (sys::now().abs_diff(status.timestamp.get()) <= FRESH).then(|| then(status))
}

/// `$XDG_RUNTIME_DIR`, `/run/user/UID` or `/dev/shm/omg-UID`: the first that is a directory of ours,
/// as the daemon chooses. After `su` the variable still names the other user's.
fn directory(runtime_dir: Option<&CStr>, uid: u32) -> Option<Fd> {
    let named = runtime_dir.filter(|path| path.to_bytes().first() == Some(&b'/'));
    named.and_then(|path| ours(path, uid)).or_else(|| {
        [RUN_USER, SHM].into_iter().find_map(|prefix| {
            let mut path = [0; 24];
            ours(numbered(&mut path, prefix, uid)?, uid)
        })
    })
}

fn ours(path: &CStr, uid: u32) -> Option<Fd> {
    let directory = sys::open_directory(path)?;
    (sys::stat(&directory)?.uid() == uid).then_some(directory)
}

/// The prefix with the user's number behind it; at most 13 + 10 bytes and a NUL.
fn numbered<'a>(path: &'a mut [u8; 24], prefix: &[u8], uid: u32) -> Option<&'a CStr> {
    let mut digits = [0; 10];
    let mut rest = uid;
    let mut first = digits.len();
    loop {
        first -= 1;
        // A digit is below 10, so it fits.
        *digits.get_mut(first)? = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    let text = prefix.iter().chain(digits.get(first..)?);
    path.iter_mut().zip(text).for_each(|(place, byte)| *place = *byte);
    CStr::from_bytes_until_nul(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_every_length_of_uid() {
        for uid in [0, 9, 10, 1000, 65_534, u32::MAX] {
            for prefix in [RUN_USER, SHM] {
                let expected = format!("{}{uid}", std::str::from_utf8(prefix).unwrap());
                let mut path = [0; 24];
                assert_eq!(numbered(&mut path, prefix, uid).unwrap().to_str().unwrap(), expected);
            }
        }
    }

    #[test]
    fn the_name_is_the_one_of_the_protocol() {
        assert_eq!(NAME.to_str().unwrap(), FILE_NAME);
    }
}
