//! An AUR on loopback, in the shape of aurweb's RPC and dump, with faults at a test's command.
//!
//! It answers `rpc/v5/search/TERM?by=FIELD`, `rpc/v5/info?arg[]=NAME`, `rpc/v5/suggest/START`,
//! `rpc/v5/suggest-pkgbase/START`, the older `rpc?v=5&type=…`, and
//! `packages-meta-ext-v1.json.gz` with its ETag. Recorded answers are given verbatim.
//!
//! ```
//! use omg_aur::testing::AurServer;
//!
//! let server = AurServer::start()?;
//! server.add(r#"{"Name":"foo","PackageBase":"foo","Version":"1-1","Depends":["bar"]}"#)?;
//! assert!(server.address().starts_with("http://127.0.0.1:"));
//! # Ok::<(), std::io::Error>(())
//! ```

mod answers;
mod wire;

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// What goes wrong with an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Mishap {
    /// This status, with so many seconds as `Retry-After`.
    Status(u16, Option<u64>),
    /// A redirect to this address.
    Redirect(String),
    /// The same, but only of paths that do not begin with `/moved`, to `/moved` before the path.
    Moved,
    /// Bytes without end.
    Endless,
    /// The right head, then one byte in each such span.
    Dripping(Duration),
    /// The connection is taken and nothing is said.
    Silent,
    /// The right head, half of the body, and the end of the connection.
    Cut,
    /// A body that promises to have this length, and nothing of it.
    Promised(u64),
    /// This body with status 200.
    Body(Vec<u8>),
}

/// The server. It ends when it is dropped.
#[derive(Debug)]
pub struct AurServer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    ended: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    /// Packages by name, as JSON objects.
    packages: BTreeMap<String, Value>,
    /// Recorded answers by `FIELD|TERM`.
    searches: BTreeMap<String, Vec<u8>>,
    dump: Option<Vec<u8>>,
    mishap: Option<Mishap>,
    requests: Vec<Request>,
}

/// A request as it came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// Path and query, verbatim.
    pub target: String,
    /// Header lines, verbatim.
    pub headers: Vec<String>,
}

impl Request {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

impl AurServer {
    /// Starts a server without packages on a free port.
    ///
    /// # Errors
    /// Where no port can be had.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let server = Self { address, shared: shared.clone() };
        thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.ended.load(Ordering::SeqCst) {
                    return;
                }
                let shared = shared.clone();
                if let Ok(stream) = stream {
                    // What the other side does with the connection is the test's affair.
                    thread::spawn(move || drop(serve(stream, &shared)));
                }
            }
        });
        Ok(server)
    }

    /// Its base address.
    pub fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Adds a package, or replaces the one of that name: a JSON object as the RPC's `info` gives.
    ///
    /// # Errors
    /// For what is no JSON object with a `Name`.
    pub fn add(&self, json: &str) -> io::Result<()> {
        let package: Value = serde_json::from_str(json)?;
        let name = package.get("Name").and_then(Value::as_str);
        let name = name.ok_or_else(|| io::Error::other("a package without a name"))?.to_owned();
        self.state().packages.insert(name, package);
        Ok(())
    }

    /// Takes a package away.
    pub fn remove(&self, name: &str) {
        self.state().packages.remove(name);
    }

    /// Adds recorded answers: files `info/NAME` and `search/FIELD|TERM` below a directory.
    ///
    /// # Errors
    /// For files that can't be read or are no JSON.
    pub fn record(&self, directory: &Path) -> io::Result<()> {
        for entry in std::fs::read_dir(directory.join("info"))? {
            let answer: Value = serde_json::from_slice(&std::fs::read(entry?.path())?)?;
            let results = answer.get("results").and_then(Value::as_array);
            for package in results.into_iter().flatten() {
                self.add(&package.to_string())?;
            }
        }
        for entry in std::fs::read_dir(directory.join("search"))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let answer = std::fs::read(entry.path())?;
            self.state().searches.insert(name, answer);
        }
        Ok(())
    }

    /// Gives this as the packed dump instead of one made of the packages.
    pub fn set_dump(&self, packed: Option<Vec<u8>>) {
        self.state().dump = packed;
    }

    /// Makes every answer go wrong from now on, or none.
    pub fn set_mishap(&self, mishap: Option<Mishap>) {
        self.state().mishap = mishap;
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.state().requests.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }
}

impl Drop for AurServer {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for connections; if nobody is there, it has ended.
        drop(TcpStream::connect(self.address));
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn serve(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let request = wire::read(&stream)?;
    let (answer, mishap) = {
        let mut state = shared.state();
        let answer = answers::answer(&state, &request);
        let mishap = state.mishap.clone();
        state.requests.push(request.clone());
        (answer, mishap)
    };
    let going_on = || !shared.ended.load(Ordering::SeqCst);
    match mishap {
        Some(mishap) => wire::go_wrong(&mut stream, &request, &answer, &mishap, &going_on),
        None => wire::write(&mut stream, &answer),
    }
}
