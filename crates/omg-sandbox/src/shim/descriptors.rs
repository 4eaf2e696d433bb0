//! Open files that a program begins with.
#![expect(unsafe_code, reason = "files of which only the number is known are closed by the kernel")]

use std::io::{self, Write as _};
use std::os::fd::OwnedFd;

use rustix::fs::MemfdFlags;

/// Closes all but standard input, output and error.
pub(super) fn close_inherited() -> io::Result<()> {
    // SAFETY: no value of this program owns a file above 2 at this point: it has opened none, or let go of
    // those that it opened; so none is used after it is closed. The call takes no pointers.
    let closed = unsafe { libc::close_range(3, libc::c_uint::MAX, 0) };
    if closed == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// A file in memory that holds these bytes, stands at its beginning, and outlives `exec`.
pub(super) fn holding(bytes: &[u8]) -> io::Result<OwnedFd> {
    use std::io::Seek as _;
    let mut file = std::fs::File::from(rustix::fs::memfd_create("root", MemfdFlags::empty())?);
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file.into())
}
