//! Who is at the other end, as the kernel knows it.

use std::io;
use std::os::fd::AsFd;

/// The process at the other end of a socket, as it was when it connected (or, seen from a client,
/// began to listen).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Peer {
    /// Its user.
    pub uid: u32,
    /// Its process id; absent when it is in a pid namespace that we can't see.
    pub pid: Option<u32>,
}

impl Peer {
    /// Asks the kernel. Nothing that the peer sent or bound has a part in the answer.
    ///
    /// # Errors
    /// What getsockopt(2) says for `SO_PEERCRED`.
    pub fn of(socket: impl AsFd) -> io::Result<Self> {
        let credentials = rustix::net::sockopt::socket_peercred(socket)?;
        let pid = u32::try_from(credentials.pid.as_raw_nonzero().get()).ok();
        Ok(Self { uid: credentials.uid.as_raw(), pid })
    }

    /// This process itself: the peer on a pair of pipes that its parent holds.
    pub fn this_process() -> Self {
        Self { uid: own_uid(), pid: Some(std::process::id()) }
    }
}

/// The user that this process acts as.
pub(crate) fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}
