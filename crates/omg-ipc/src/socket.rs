//! Listening sockets: one daemon at a time, in a directory that only its owner can enter.
//!
//! Who may hold a socket is decided by flock(2) on a file beside it, which the kernel releases
//! however the holder ends. So a socket left by a dead daemon is taken over without asking whether
//! its process id still means the same process, and two daemons that start at once can't both win.

use std::fs::{File, Permissions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::fd::{AsFd, FromRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{
    DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, PermissionsExt as _,
};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, Mode, OFlags};

use crate::peer::own_uid;
use crate::{Error, Peer};

/// Longest path that fits a Unix socket address, in bytes; see unix(7).
const PATH_LIMIT: usize = 107;

/// How long a daemon that is ending is waited for; its own deadlines are below this.
const PATIENCE: Duration = Duration::from_secs(10);

/// First descriptor that a service manager passes; see `sd_listen_fds(3)`.
const FIRST_INHERITED: i32 = 3;

/// A listening socket. Dropping it removes the socket's file, if it was made here.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
    made: Option<Made>,
}

/// What was put into the file system.
#[derive(Debug)]
struct Made {
    path: PathBuf,
    /// Device and inode: another daemon's socket at the same path is not ours to remove.
    identity: (u64, u64),
    lock: Lock,
}

impl Socket {
    /// Listens at `path`. Its directory is made if missing, and must belong to us alone. Waits for a
    /// daemon that is just ending there.
    ///
    /// # Errors
    /// [`Error::Live`] when another daemon serves it; [`Error::Directory`], [`Error::NotASocket`],
    /// [`Error::Path`].
    pub fn bind(path: &Path) -> Result<Self, Error> {
        if path.as_os_str().as_bytes().len() > PATH_LIMIT {
            let problem = io::Error::new(
                io::ErrorKind::InvalidInput,
                "a socket's path has at most 107 bytes",
            );
            return Err(Error::path(path, "binding the socket", problem));
        }
        own_directory(path)?;
        let lock = Lock::take(path)?;
        clear(path)?;
        let listener = UnixListener::bind(path)
            .map_err(|source| Error::path(path, "binding the socket", source))?;
        // Nobody else can enter the directory, so the moment before this line is harmless.
        std::fs::set_permissions(path, Permissions::from_mode(0o600))
            .map_err(|source| Error::path(path, "setting the socket's mode", source))?;
        let meta = path
            .symlink_metadata()
            .map_err(|source| Error::path(path, "looking at the socket", source))?;
        let made = Made { path: path.to_owned(), identity: (meta.dev(), meta.ino()), lock };
        Ok(Self { listener, path: path.to_owned(), made: Some(made) })
    }

    /// Takes over descriptor 3, as passed by a service manager; see `sd_listen_fds(3)`. The caller
    /// has checked that `LISTEN_PID` is this process, and calls this once, before any thread starts.
    ///
    /// # Errors
    /// [`Error::NotActivated`] if it is anything but a listening Unix stream socket.
    pub fn inherited() -> Result<Self, Error> {
        let descriptor = inherited_descriptor().ok_or(Error::NotActivated)?;
        let listens = rustix::net::sockopt::socket_acceptconn(&descriptor).unwrap_or(false)
            && rustix::net::sockopt::socket_domain(&descriptor)
                == Ok(rustix::net::AddressFamily::UNIX)
            && rustix::net::sockopt::socket_type(&descriptor)
                == Ok(rustix::net::SocketType::STREAM);
        if !listens {
            return Err(Error::NotActivated);
        }
        let listener = UnixListener::from(descriptor);
        let path = listener
            .local_addr()
            .ok()
            .and_then(|address| address.as_pathname().map(Path::to_owned));
        Ok(Self { listener, path: path.unwrap_or_default(), made: None })
    }

    /// Removes the socket's file, so that nobody new comes. Those who are connected stay, and no
    /// other daemon takes the place before this is dropped.
    pub fn withdraw(&self) {
        if let Some(made) = &self.made {
            made.remove_socket();
        }
    }

    /// Where it listens; empty if it was inherited without a name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A second handle of the listening socket, for [`Server`](crate::Server).
    ///
    /// # Errors
    /// [`Error::Path`].
    pub fn listener(&self) -> Result<UnixListener, Error> {
        let copy = self
            .listener
            .try_clone()
            .map_err(|source| Error::path(&self.path, "duplicating the socket", source))?;
        copy.set_nonblocking(true)
            .map_err(|source| Error::path(&self.path, "setting the socket's mode", source))?;
        Ok(copy)
    }
}

impl Made {
    fn remove_socket(&self) {
        if self.path.symlink_metadata().is_ok_and(|meta| (meta.dev(), meta.ino()) == self.identity)
        {
            // Whatever goes wrong, the next daemon clears it away under the lock.
            drop(std::fs::remove_file(&self.path));
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let Some(made) = self.made.take() else { return };
        made.remove_socket();
        made.lock.remove();
    }
}

/// Makes `OwnedFd` of the first inherited descriptor, if it is open.
#[expect(unsafe_code, reason = "a descriptor passed by number has no safe constructor")]
fn inherited_descriptor() -> Option<OwnedFd> {
    // SAFETY: the borrow lasts for this call only, in which nothing closes descriptors; fcntl
    // answers EBADF if the number is not open.
    let borrowed = unsafe { std::os::fd::BorrowedFd::borrow_raw(FIRST_INHERITED) };
    rustix::io::fcntl_setfd(borrowed, rustix::io::FdFlags::CLOEXEC).ok()?;
    // SAFETY: the line above shows that it is open. By the contract of `sd_listen_fds(3)` it was
    // passed for this process to own, and the caller asks for it once.
    Some(unsafe { OwnedFd::from_raw_fd(FIRST_INHERITED) })
}

/// The file beside the socket, locked for as long as this lives.
#[derive(Debug)]
struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    fn take(socket: &Path) -> Result<Self, Error> {
        let mut name = socket.as_os_str().to_owned();
        name.push(".lock");
        let path = PathBuf::from(name);
        let failed = |context, source: rustix::io::Errno| Error::path(&path, context, source);
        let began = Instant::now();
        loop {
            let flags = OFlags::CREATE | OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let descriptor = rustix::fs::open(&path, flags, Mode::from_raw_mode(0o600))
                .map_err(|errno| failed("opening the lock", errno))?;
            let mut file = File::from(descriptor);
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                // Its holder is ending, or has not bound its socket yet.
                Err(rustix::io::Errno::WOULDBLOCK)
                    if socket.symlink_metadata().is_err() && began.elapsed() < PATIENCE =>
                {
                    std::thread::sleep(Duration::from_millis(2));
                    continue;
                }
                Err(rustix::io::Errno::WOULDBLOCK) => {
                    let pid = holder(&mut file).or_else(|| listening_pid(socket));
                    return Err(Error::Live { path: socket.to_owned(), pid });
                }
                Err(errno) => return Err(failed("locking", errno)),
            }
            // A daemon that just ended may have removed the name between our open and our lock; then
            // the lock is on a file that nobody else will ever open.
            let same = |meta: &std::fs::Metadata| {
                file.metadata()
                    .is_ok_and(|mine| (mine.dev(), mine.ino()) == (meta.dev(), meta.ino()))
            };
            if !path.symlink_metadata().is_ok_and(|meta| same(&meta)) {
                continue;
            }
            let note = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
            note.map_err(|source| Error::path(&path, "writing the lock", source))?;
            return Ok(Self { file, path });
        }
    }

    /// Removes the name, then lets go.
    fn remove(self) {
        drop(std::fs::remove_file(&self.path));
        drop(self.file);
    }
}

/// The process that a lock file names.
fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// The process that answers at `path`.
fn listening_pid(path: &Path) -> Option<u32> {
    Peer::of(UnixStream::connect(path).ok()?).ok()?.pid
}

/// Removes a dead daemon's socket. The lock is held.
fn clear(path: &Path) -> Result<(), Error> {
    match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(Error::path(path, "looking at the old socket", source)),
        Ok(meta) if !meta.file_type().is_socket() => {
            return Err(Error::NotASocket { path: path.to_owned() });
        }
        Ok(_) => {}
    }
    // A service manager holds its sockets without our lock.
    if let Ok(stream) = UnixStream::connect(path) {
        let pid = Peer::of(stream.as_fd()).ok().and_then(|peer| peer.pid);
        return Err(Error::Live { path: path.to_owned(), pid });
    }
    std::fs::remove_file(path)
        .map_err(|source| Error::path(path, "removing the old socket", source))
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes the socket's directory if it is missing, and refuses one that others own or may enter.
fn own_directory(path: &Path) -> Result<(), Error> {
    let directory = directory_of(path);
    match std::fs::DirBuilder::new().mode(0o700).create(directory) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(source) => return Err(Error::path(directory, "making the socket's directory", source)),
    }
    let meta = directory
        .symlink_metadata()
        .map_err(|source| Error::path(directory, "looking at the socket's directory", source))?;
    let refused = |problem| Err(Error::Directory { path: directory.to_owned(), problem });
    let ours = own_uid();
    if !meta.is_dir() {
        refused("not a directory".to_owned())
    } else if meta.uid() != ours {
        refused(format!("the socket's directory belongs to uid {}, not to uid {ours}", meta.uid()))
    } else if meta.mode() & 0o077 != 0 {
        refused(format!(
            "the socket's directory has mode {:04o}; others must have no access",
            meta.mode() & 0o7777
        ))
    } else {
        Ok(())
    }
}

/// What a client looks at before it connects: a directory of a third user is a trap, because its
/// owner can put any socket there.
pub(crate) fn check_before_connecting(path: &Path) -> Result<(), Error> {
    let directory = directory_of(path);
    let meta = match directory.symlink_metadata() {
        Ok(meta) => meta,
        Err(source) if source.kind() == io::ErrorKind::NotFound => {
            return Err(Error::Absent { path: path.to_owned(), source });
        }
        Err(source) => {
            return Err(Error::path(directory, "looking at the socket's directory", source));
        }
    };
    let ours = own_uid();
    if meta.uid() == ours || meta.uid() == 0 {
        Ok(())
    } else {
        let problem =
            format!("the socket's directory belongs to uid {}, not to uid {ours}", meta.uid());
        Err(Error::Directory { path: directory.to_owned(), problem })
    }
}
