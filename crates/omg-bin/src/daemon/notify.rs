//! Telling a service manager how the daemon is doing: `sd_notify(3)`, which is a datagram.

use std::ffi::OsStr;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use crate::places::variable;

/// The service manager, if there is one.
#[derive(Debug)]
pub(super) struct Manager {
    socket: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
}

impl Manager {
    /// From `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`.
    pub(super) fn from_environment() -> Self {
        let socket = variable("NOTIFY_SOCKET")
            .and_then(|name| address(&name))
            .and_then(|address| Some((UnixDatagram::unbound().ok()?, address)));
        let number = |name| variable(name).and_then(|text| text.to_str()?.parse::<u64>().ok());
        let ours = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let watchdog =
            number("WATCHDOG_USEC").filter(|&micros| ours && micros > 0).map(Duration::from_micros);
        Self { socket, watchdog }
    }

    /// Was a socket passed for this process, as `sd_listen_fds(3)` says?
    pub(super) fn passed_socket() -> bool {
        let number = |name| variable(name).and_then(|text| text.to_str()?.parse::<u32>().ok());
        number("LISTEN_PID") == Some(std::process::id())
            && number("LISTEN_FDS").is_some_and(|count| count > 0)
    }

    /// Ready to answer, also after a reload.
    pub(super) fn ready(&self) {
        self.say("READY=1\nSTATUS=Answering");
    }

    /// Settings are being read again.
    pub(super) fn reloading(&self) {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let micros = i128::from(now.tv_sec) * 1_000_000 + i128::from(now.tv_nsec) / 1000;
        self.say(&format!("RELOADING=1\nMONOTONIC_USEC={micros}"));
    }

    /// No new connections from here on.
    pub(super) fn stopping(&self) {
        self.say("STOPPING=1\nSTATUS=Ending");
    }

    /// Half of the time within which the watchdog wants to hear of us.
    pub(super) fn watchdog_interval(&self) -> Option<Duration> {
        self.watchdog.map(|time| time / 2).filter(|_| self.socket.is_some())
    }

    /// Still alive.
    pub(super) fn alive(&self) {
        self.say("WATCHDOG=1");
    }

    fn say(&self, text: &str) {
        if let Some((socket, manager)) = &self.socket
            && let Err(error) = socket.send_to_addr(text.as_bytes(), manager)
        {
            tracing::debug!(%error, "the service manager does not listen");
        }
    }
}

/// A path, or a name in the abstract namespace written with a leading `@`.
fn address(name: &OsStr) -> Option<SocketAddr> {
    match name.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name).ok(),
        [b'/', ..] => SocketAddr::from_pathname(name).ok(),
        _ => None,
    }
}
