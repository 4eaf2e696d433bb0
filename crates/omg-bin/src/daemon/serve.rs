//! From settings to the last answer.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use omg_core::{Code, Fault};
use omg_ipc::{Config, Counters, Incoming, Peer, Server, Socket};
use omg_service::{Call, Handle, front};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tower::{Service, ServiceExt as _, service_fn};

use super::arguments::Arguments;
use super::notify::Manager;
use super::reload::{Adjustable, limits};
use super::{journal, system};
use crate::places;
use crate::settings::Settings;

/// How long those who already wait are told why the daemon can't start.
const FAREWELL: Duration = Duration::from_millis(200);

/// How long threads that still read files may keep the process from ending.
const LINGER: Duration = Duration::from_secs(2);

/// Serves until told to end.
pub(super) fn run(arguments: &Arguments) -> Result<(), Fault> {
    let settings = Settings::of_user();
    if arguments.stdio {
        return over_stdio(arguments, settings);
    }
    let settings = settings?;
    let filter = journal::start(&settings.daemon.log)?;
    raise_descriptor_limit();
    let socket = listen(arguments)?;
    let runtime = runtime(settings.daemon.workers)?;
    // A task of its own, because the thread that blocks here is none of those that wait for sockets.
    let arguments = arguments.clone();
    let end = runtime.block_on(async move {
        tokio::spawn(async move { over_socket(&arguments, &settings, filter, socket).await }).await
    });
    runtime.shutdown_timeout(LINGER);
    end.unwrap_or_else(|error| Err(Fault::caused_by(Code::Internal, "the daemon panicked", &error)))
}

async fn over_socket(
    arguments: &Arguments,
    settings: &Settings,
    filter: journal::Filter,
    socket: Socket,
) -> Result<(), Fault> {
    let manager = Arc::new(Manager::from_environment());
    let mut signals = Signals::new()?;
    let config = Config { connections: settings.limits.connections, ..Config::default() };
    let server = Server::new(socket.listener()?, config)?;
    let counters = server.counters();
    let loaded = tokio::select! {
        loaded = system::load(arguments, settings) => loaded,
        () = signals.end() => return Ok(()),
    };
    let catalogue = match loaded {
        Ok(catalogue) => catalogue,
        Err(fault) => {
            tracing::error!(%fault, "the daemon can't start");
            let end = async {
                tokio::time::sleep(FAREWELL).await;
                socket.withdraw();
            };
            server.serve(refusing(&fault), end).await;
            return Err(fault);
        }
    };
    let handle = Handle::new(limits(settings));
    let service = {
        let (catalogue, counters) = (Arc::clone(&catalogue), Arc::clone(&counters));
        front(&catalogue, &handle).map_request(move |incoming: Incoming| {
            catalogue.set_connections(u32::try_from(counters.connections()).unwrap_or(u32::MAX));
            call(incoming)
        })
    };
    let adjustable = Adjustable::new(settings, filter, handle, counters);
    tracing::info!(socket = %socket.path().display(), root = %arguments.root.display(), "answering");
    manager.ready();
    let watchdog = tokio::spawn(reassure(Arc::clone(&manager)));
    let end = async {
        until_end(&mut signals, &adjustable, &manager).await;
        // Whoever comes from here on starts another daemon, which waits for this one to be gone.
        socket.withdraw();
    };
    server.serve(service, end).await;
    watchdog.abort();
    catalogue.shutdown().await;
    // Last, because the next daemon opens the same cache as soon as this is gone.
    drop(socket);
    tracing::info!("ended");
    Ok(())
}

/// Serves the parent process. What goes wrong at the start is the answer to all that it asks.
fn over_stdio(arguments: &Arguments, settings: Result<Settings, Fault>) -> Result<(), Fault> {
    let (settings, wrong) = match settings {
        Ok(settings) => (settings, None),
        Err(fault) => (Settings::default(), Some(fault)),
    };
    journal::start("warn")?;
    let runtime = runtime(settings.daemon.workers)?;
    let end = runtime.block_on(async {
        let mut signals = Signals::new()?;
        tokio::select! {
            end = answer_stdio(arguments, &settings, wrong) => end,
            () = signals.end() => Ok(()),
        }
    });
    // A thread may be waiting for input that never comes.
    runtime.shutdown_background();
    end
}

async fn answer_stdio(
    arguments: &Arguments,
    settings: &Settings,
    wrong: Option<Fault>,
) -> Result<(), Fault> {
    let loaded = match wrong {
        Some(fault) => Err(fault),
        None => system::load(arguments, settings).await,
    };
    match loaded {
        Ok(catalogue) => {
            let service = front(&catalogue, &Handle::new(limits(settings))).map_request(call);
            serve_stdio(service).await;
            catalogue.shutdown().await;
            Ok(())
        }
        Err(fault) => {
            serve_stdio(refusing(&fault)).await;
            Err(fault)
        }
    }
}

fn call(incoming: Incoming) -> Call {
    Call::new(incoming.peer.uid, incoming.peer.pid, incoming.body).reporting(incoming.reporter)
}

async fn serve_stdio<S>(service: S)
where
    S: Service<Incoming, Response = Bytes, Error = Fault> + Clone + Send + 'static,
    S::Future: Send,
{
    let (input, output) = (tokio::io::stdin(), tokio::io::stdout());
    let counters = Arc::<Counters>::default();
    Server::serve_stream(input, output, Peer::this_process(), Config::default(), counters, service)
        .await;
}

/// Answers everything with one fault.
fn refusing(
    fault: &Fault,
) -> impl Service<Incoming, Response = Bytes, Error = Fault, Future: Send> + Clone + Send + 'static
{
    let fault = fault.clone();
    service_fn(move |_| std::future::ready(Err(fault.clone())))
}

/// Binds the socket, or takes over the service manager's.
fn listen(arguments: &Arguments) -> Result<Socket, Fault> {
    if arguments.socket.is_none() && Manager::passed_socket() {
        return Ok(Socket::inherited()?);
    }
    let path = match &arguments.socket {
        Some(path) => path.clone(),
        None => places::socket(),
    };
    Ok(Socket::bind(&path)?)
}

fn runtime(workers: usize) -> Result<Runtime, Fault> {
    let built = Builder::new_multi_thread()
        .worker_threads(workers)
        .thread_name("omgd")
        .enable_all()
        .build();
    built.map_err(|error| Fault::caused_by(Code::Failure, "threads can't be started", &error))
}

/// Every connection is a descriptor, and the usual limit of 1,024 is meant for select(2).
fn raise_descriptor_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "the limit of descriptors stays");
    }
}

/// Tells the service manager's watchdog that tasks still run.
async fn reassure(manager: Arc<Manager>) {
    let Some(interval) = manager.watchdog_interval() else { return };
    loop {
        manager.alive();
        tokio::time::sleep(interval).await;
    }
}

/// Waits for a reason to end; reloads settings as often as asked to.
async fn until_end(signals: &mut Signals, adjustable: &Adjustable, manager: &Manager) {
    loop {
        tokio::select! {
            () = signals.end.recv_any() => break,
            () = adjustable.idle() => {
                tracing::info!("nothing was asked for a while");
                break;
            }
            _ = signals.reload.recv() => {
                manager.reloading();
                match adjustable.reload() {
                    Ok(()) => tracing::info!("settings read again"),
                    Err(fault) => tracing::error!(%fault, "settings stay as they were"),
                }
                manager.ready();
            }
        }
    }
    manager.stopping();
}

/// Signals that the daemon heeds.
struct Signals {
    end: EndSignals,
    reload: Signal,
}

struct EndSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> Result<Self, Fault> {
        let watch = |kind| {
            signal(kind).map_err(|error| {
                Fault::caused_by(Code::Failure, "signals can't be watched", &error)
            })
        };
        let end = EndSignals {
            terminate: watch(SignalKind::terminate())?,
            interrupt: watch(SignalKind::interrupt())?,
        };
        Ok(Self { end, reload: watch(SignalKind::hangup())? })
    }

    async fn end(&mut self) {
        self.end.recv_any().await;
    }
}

impl EndSignals {
    async fn recv_any(&mut self) {
        let received = tokio::select! {
            received = self.terminate.recv() => received,
            received = self.interrupt.recv() => received,
        };
        if received.is_none() {
            // The runtime has no more signals to give, which only its end can mean.
            pending::<()>().await;
        }
    }
}
