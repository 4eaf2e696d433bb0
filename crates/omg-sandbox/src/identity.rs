//! Who runs what is confined.

/// A user and group by number. What is confined never runs as root.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Identity {
    /// User id; not 0.
    pub uid: u32,
    /// Group id; not 0.
    pub gid: u32,
}

impl Identity {
    /// Who this process is, unless it is root.
    pub fn own() -> Option<Self> {
        let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
        (!uid.is_root()).then_some(Self { uid: uid.as_raw(), gid: gid.as_raw() })
    }
}
