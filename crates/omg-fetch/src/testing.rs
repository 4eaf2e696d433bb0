//! A mirror on loopback that serves a directory, with latency and faults at a test's command.
//!
//! It speaks HTTP/1.1 with keep-alive, pipelining, ranges, `If-Range`, ETags and dates, as the
//! mirrors of distributions do.
//!
//! ```
//! use omg_fetch::testing::{Fault, Mirror};
//!
//! let dir = tempfile::tempdir()?;
//! std::fs::write(dir.path().join("a.deb"), b"a package")?;
//! let mirror = Mirror::start(dir.path())?;
//! mirror.fault("a.deb", Fault::Status(503));
//! assert!(mirror.url("a.deb").starts_with("http://127.0.0.1:"));
//! # Ok::<(), std::io::Error>(())
//! ```

mod answer;
mod wire;

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// What goes wrong with an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// This status and no body.
    Status(u16),
    /// A redirect with this as `Location`, byte for byte.
    Redirect(Vec<u8>),
    /// A redirect to the same path on another mirror: its base URL.
    Moved(String),
    /// Exactly these bytes, then the end of the connection.
    Raw(Vec<u8>),
    /// Another body.
    Body(Vec<u8>),
    /// The right length, with one bit in the middle of it turned over.
    Flipped,
    /// Only so many bytes of the file, as if that were all.
    Short(u64),
    /// The right head, so many bytes of the body, and a reset.
    Cut(u64),
    /// The right head, so many bytes of the body, and nothing more.
    Stall(u64),
    /// The right head, then so many bytes after each such span.
    Drip(usize, Duration),
    /// The connection is taken and nothing is said.
    Silent,
    /// The body, then zeros without end, without a length; ends after so many bytes.
    Endless(u64),
    /// The same with chunks.
    EndlessChunks(u64),
    /// Another `Content-Length` than the body has.
    Length(String),
    /// The right body in chunks, without a length.
    Chunked,
    /// The right body, said to be packed with gzip.
    Encoded,
    /// The whole file, whatever part was asked for.
    NoRange,
    /// The right part with another `Content-Range`.
    Range(String),
}

/// How long an answer takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Latency {
    /// No longer than it has to.
    #[default]
    None,
    /// The way there and back: each answer comes so long after its question, the first on a
    /// connection twice that; answers to several questions that came together come together.
    Way(Duration),
    /// The server thinks: each answer takes so long, one after the other on one connection.
    Thought(Duration),
}

/// A question as it was heard.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Asked {
    /// Path and query.
    pub path: String,
    /// Headers with names in lower case.
    pub headers: HashMap<String, String>,
    /// Number of the connection, from 0.
    pub connection: u64,
}

/// The mirror. It ends when it is dropped.
#[derive(Debug)]
pub struct Mirror {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    root: PathBuf,
    state: Mutex<State>,
    stopped: AtomicBool,
    connections: AtomicU64,
    sent: AtomicU64,
    /// Questions that are being answered, and the most there ever were.
    busy: AtomicU64,
    most_busy: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    latency: Latency,
    /// Part of a path, what goes wrong with it, and how often.
    faults: Vec<(String, Fault, u64)>,
    asked: Vec<Asked>,
    open: HashMap<u64, TcpStream>,
}

// === impl Mirror ===

impl Mirror {
    /// Serves this directory on 127.0.0.1.
    pub fn start(root: &Path) -> io::Result<Self> {
        Self::start_at(root, IpAddr::V4(Ipv4Addr::LOCALHOST))
    }

    /// Serves this directory on an address of this machine.
    pub fn start_at(root: &Path, address: IpAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((address, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            root: root.to_path_buf(),
            state: Mutex::default(),
            stopped: AtomicBool::new(false),
            connections: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            busy: AtomicU64::new(0),
            most_busy: AtomicU64::new(0),
        });
        let of_thread = shared.clone();
        thread::Builder::new()
            .name("mirror".into())
            .spawn(move || accept(&listener, &of_thread))?;
        Ok(Self { address, shared })
    }

    /// Address and port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of the directory, without a slash at the end.
    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The URL of a file in the directory.
    pub fn url(&self, path: &str) -> String {
        format!("{}/{}", self.base(), path.trim_start_matches('/'))
    }

    /// From now on answers take so long.
    pub fn latency(&self, latency: Latency) {
        self.shared.state().latency = latency;
    }

    /// From now on this goes wrong with every path that has `part` in it. The first that fits counts.
    pub fn fault(&self, part: &str, fault: Fault) {
        self.fault_times(part, fault, u64::MAX);
    }

    /// The same for so many answers only.
    pub fn fault_times(&self, part: &str, fault: Fault, times: u64) {
        self.shared.state().faults.push((part.into(), fault, times));
    }

    /// From now on nothing goes wrong.
    pub fn mend(&self) {
        self.shared.state().faults.clear();
    }

    /// The questions so far, in order.
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.state().asked.clone()
    }

    /// Forgets the questions so far.
    pub fn forget(&self) {
        self.shared.state().asked.clear();
        self.shared.most_busy.store(0, Ordering::Relaxed);
    }

    /// Connections that were ever made.
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Connections that are open.
    pub fn open(&self) -> usize {
        self.shared.state().open.len()
    }

    /// Most questions that were being answered at once.
    pub fn most_busy(&self) -> u64 {
        self.shared.most_busy.load(Ordering::Relaxed)
    }

    /// Bytes of bodies that were handed to the kernel.
    pub fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::Relaxed)
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        for stream in self.shared.state().open.values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        // Wakes the thread that waits for connections.
        let _ = TcpStream::connect(self.address);
    }
}

// === impl Shared ===

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// What goes wrong with the next answer for this path.
    fn next_fault(&self, path: &str) -> Option<Fault> {
        let mut state = self.state();
        let fits = |it: &&mut (String, Fault, u64)| it.2 > 0 && path.contains(it.0.as_str());
        let (_, fault, times) = state.faults.iter_mut().find(fits)?;
        *times = times.saturating_sub(u64::from(*times != u64::MAX));
        Some(fault.clone())
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept() {
        if shared.is_stopped() {
            return;
        }
        let shared = shared.clone();
        // Without a thread the client sees a connection that ends at once.
        let _ = thread::Builder::new().name("mirror".into()).spawn(move || {
            let number = shared.connections.fetch_add(1, Ordering::Relaxed);
            if let Ok(clone) = stream.try_clone() {
                shared.state().open.insert(number, clone);
            }
            // The client may go at any time, which is an error for nobody.
            let _ = wire::serve(&stream, number, &shared);
            let _ = stream.shutdown(Shutdown::Both);
            shared.state().open.remove(&number);
        });
    }
}
