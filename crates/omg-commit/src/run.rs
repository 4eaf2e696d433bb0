//! The life of a committing engine: greetings, one order after the other, the end of its input.

use std::any::Any;
use std::collections::HashSet;
use std::fs::File;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;

use omg_audit::{Actor, Log, Options, Via};
use omg_core::{Code, Fault, Order, Outcome, Task};
use omg_engine::Error as PipeError;
use omg_engine::wire::{self, HELLO_LIMIT, Hello, ORDER_LIMIT};

use crate::case::Case;
use crate::client::{Client, Writer};
use crate::signals::Signals;
use crate::state::State;
use crate::{Committer, apply, surroundings, tasks};

/// The role `commit`: carries out orders on the system under `root` until standard input ends.
///
/// Environment, file mask and the terminal's session are left behind; children inherit neither end of the
/// client's pipes. A signal ends the process while it waits for an order, stops an order that is still
/// prepared, and does nothing to a transaction that has begun.
///
/// To be called first thing in `main`, while the process has one thread.
pub fn run<C: Committer>(root: &Path) -> ExitCode {
    let via = surroundings::clean();
    match serve::<C>(root, via) {
        Ok(code) => code,
        Err(error) => {
            // Where standard error is closed, nobody is left to be told.
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn serve<C: Committer>(root: &Path, via: Option<Via>) -> Result<ExitCode, PipeError> {
    let (mut orders, answers) = omg_engine::take_stdio()?;
    let failed = |context| move |source| PipeError::Pipe { context, source };
    let signals = Signals::install().map_err(failed("listening to signals"))?;
    answers.send(&Hello::frame())?;
    let Some(hello) = wire::read(&mut orders, HELLO_LIMIT)? else { return Ok(ExitCode::SUCCESS) };
    Hello::decode(&hello)?;
    let (client, writer): (Client, Writer) =
        Client::new(answers, signals.clone()).map_err(failed("starting a thread"))?;
    let vendor = vendor(root);
    let desk = Desk { root, via, vendor, client: &client, signals: &signals };
    let ended = take_orders::<C>(&desk, &mut orders);
    drop(client);
    writer.finish();
    ended
}

fn take_orders<C: Committer>(desk: &Desk<'_>, orders: &mut File) -> Result<ExitCode, PipeError> {
    let mut office = None;
    let mut seen = HashSet::new();
    while let Some(payload) = wire::read(orders, ORDER_LIMIT)? {
        desk.signals.busy();
        let order = wire::decode_order(&payload)?;
        let result = if seen.insert(order.request.clone()) {
            guarded(|| desk.carry_out::<C>(&mut office, &order))
        } else {
            Err(Fault::new(Code::Usage, "an order of this number was given before"))
        };
        desk.client.done(result);
        if desk.signals.idle() {
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What all orders have in common.
pub(crate) struct Desk<'a> {
    pub(crate) root: &'a Path,
    via: Option<Via>,
    /// The distribution's id, for package URLs.
    pub(crate) vendor: String,
    pub(crate) client: &'a Client,
    pub(crate) signals: &'a Signals,
}

/// What is opened for the first order and kept.
pub(crate) struct Office {
    pub(crate) state: State,
    log: Log,
    actor: Actor,
}

impl Desk<'_> {
    fn open(&self) -> Result<Office, Fault> {
        let state = State::open(self.root)?;
        let options = Options { world_readable: true, ..Options::default() };
        let log = Log::open(&state.audit(), &options)?;
        Ok(Office { state, log, actor: Actor::of_process(self.via.clone()) })
    }

    fn carry_out<C: Committer>(
        &self,
        office: &mut Option<Office>,
        order: &Order,
    ) -> Result<Outcome, Fault> {
        let office = match office {
            Some(office) => office,
            None => office.insert(self.open()?),
        };
        let mut case = Case::new(&office.log, order, office.actor.clone());
        let result = match &order.task {
            Task::Apply { .. } => apply::apply::<C>(self, &office.state, &mut case, order),
            _ => tasks::carry_out::<C>(self, &office.state, &mut case, order),
        };
        result.map_err(|fault| case.refused(fault))
    }
}

/// `ID` in os-release(5); empty if there is none.
fn vendor(root: &Path) -> String {
    let text = ["etc/os-release", "usr/lib/os-release"]
        .into_iter()
        .find_map(|path| std::fs::read_to_string(root.join(path)).ok())
        .unwrap_or_default();
    let id = text.lines().find_map(|line| line.strip_prefix("ID="));
    id.map(|id| id.trim().trim_matches(['"', '\'']).to_owned()).unwrap_or_default()
}

fn guarded<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let mut fault =
            Fault::new(Code::Internal, "the engine panicked while it changed the system");
        fault.cause.extend(message(&*panic));
        Err(fault.hint("`omg recover` looks at what was begun; please report it"))
    })
}

fn message(panic: &(dyn Any + Send)) -> Option<String> {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).map(str::to_owned)
}
