//! Frames between `omg` and a committing engine.
//!
//! After the greetings the client sends [`Order`]s; the engine answers each with any number of
//! [`Event::Progress`] frames and one [`Event::Done`]. It ends when its input does.

use omg_core::{Change, Fault, Order, Outcome, Progress, Task};

use super::{framed, limit, limit_change, text};
use crate::Error;

/// Largest payload of an order, bytes. One file takes about a kilobyte, with its signature.
pub const ORDER_LIMIT: u32 = 8 * 1024 * 1024;

/// Most files of an order.
pub const ARTIFACTS: usize = 16 * 1024;

/// Longest signature, bytes.
pub const SIGNATURE_LIMIT: usize = 64 * 1024;

/// Largest payload of an event, bytes.
pub const EVENT_LIMIT: u32 = 16 * 1024 * 1024;

/// Longest text in an order, bytes.
const TEXT_LIMIT: usize = 4096;

const PROGRESS: u8 = 0;
const OUTCOME: u8 = 1;
const FAULT: u8 = 2;

/// What an engine says of an order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// It goes on.
    Progress(Progress),
    /// It is done, or was refused.
    Done(Result<Outcome, Fault>),
}

/// The frame of an order.
///
/// # Errors
/// [`Error::Limit`]: it is too large.
pub fn order_frame(order: &Order) -> Result<Vec<u8>, Error> {
    check(order)?;
    let frame = framed(|out| out.extend_from_slice(&bitcode::encode(order)));
    limit("frame of an order", frame.len() - super::PREFIX, ORDER_LIMIT as usize)?;
    Ok(frame)
}

/// Reads an order's payload.
///
/// # Errors
/// [`Error::Limit`], [`Error::Undecodable`].
pub fn decode_order(payload: &[u8]) -> Result<Order, Error> {
    limit("frame of an order", payload.len(), ORDER_LIMIT as usize)?;
    let order: Order =
        bitcode::decode(payload).map_err(|source| Error::Undecodable { what: "order", source })?;
    check(&order)?;
    Ok(order)
}

/// The frame of an event. Text in it is made safe to show.
pub fn event_frame(event: Event) -> Vec<u8> {
    let (kind, body) = match event {
        Event::Progress(progress) => (PROGRESS, bitcode::encode(&cleaned(progress))),
        Event::Done(Ok(outcome)) => (OUTCOME, bitcode::encode(&outcome)),
        Event::Done(Err(fault)) => (FAULT, bitcode::encode(&text::cleaned(fault))),
    };
    framed(|out| {
        out.push(kind);
        out.extend_from_slice(&body);
    })
}

/// Reads an event's payload.
///
/// # Errors
/// [`Error::Limit`], [`Error::Length`], [`Error::Undecodable`].
pub fn decode_event(payload: &[u8]) -> Result<Event, Error> {
    limit("frame of an event", payload.len(), EVENT_LIMIT as usize)?;
    let Some((kind, body)) = payload.split_first() else {
        return Err(Error::Length { what: "event" });
    };
    let undecodable = |what| move |source| Error::Undecodable { what, source };
    match *kind {
        PROGRESS => {
            let progress = bitcode::decode(body).map_err(undecodable("progress"))?;
            Ok(Event::Progress(cleaned(progress)))
        }
        OUTCOME => {
            let outcome = bitcode::decode(body).map_err(undecodable("outcome"))?;
            Ok(Event::Done(Ok(outcome)))
        }
        FAULT => {
            let fault = bitcode::decode(body).map_err(undecodable("fault"))?;
            Ok(Event::Done(Err(text::cleaned(fault))))
        }
        _ => Err(Error::Length { what: "event" }),
    }
}

fn check(order: &Order) -> Result<(), Error> {
    limit("request's number", order.request.len(), 64)?;
    match &order.task {
        Task::Apply { change, digest, artifacts, .. } => {
            limit_change(change)?;
            limit("digest", digest.len(), 64)?;
            limit("list of artifacts", artifacts.len(), ARTIFACTS)?;
            for artifact in artifacts {
                limit("path", artifact.path.len(), TEXT_LIMIT)?;
                let signature = artifact.signature.as_ref().map_or(0, Vec::len);
                limit("signature", signature, SIGNATURE_LIMIT)?;
            }
            Ok(())
        }
        Task::Mark { packages, .. } => packages_fit(packages),
        Task::Hold { packages, reason, .. } => {
            packages_fit(packages)?;
            limit("reason", reason.as_ref().map_or(0, String::len), TEXT_LIMIT)
        }
        Task::Lists { directory } => limit("path", directory.len(), TEXT_LIMIT),
        Task::Recover | Task::Clean { .. } => Ok(()),
    }
}

fn packages_fit(packages: &[String]) -> Result<(), Error> {
    limit("list of packages", packages.len(), Change::TARGET_LIMIT)
}

fn cleaned(mut progress: Progress) -> Progress {
    match &mut progress {
        Progress::File { name, .. } => text::clean(name),
        Progress::Step { what, .. } => text::clean(what),
        Progress::Output { of, line } => {
            text::clean(of);
            text::clean(line);
        }
        Progress::Waiting { lock, name, .. } => {
            text::clean(lock);
            name.iter_mut().for_each(text::clean);
        }
        Progress::Note { text } => text::clean(text),
        Progress::Phase { .. } | Progress::Total { .. } => {}
    }
    progress
}

#[cfg(test)]
mod tests {
    use omg_core::{Code, Conffiles, Phase};

    use super::*;

    #[test]
    fn orders_and_events_come_back_as_they_were() {
        let order = Order {
            request: "00".repeat(16),
            task: Task::Mark { packages: vec!["vim".into()], automatic: true },
            conffiles: Conffiles::Keep,
            lock_timeout_s: 120,
        };
        let frame = order_frame(&order).unwrap();
        assert_eq!(decode_order(&frame[super::super::PREFIX..]).unwrap(), order);
        for event in [
            Event::Progress(Progress::Phase { phase: Phase::Commit, items: 2 }),
            Event::Done(Ok(Outcome::default())),
            Event::Done(Err(Fault::new(Code::Lock, "held"))),
        ] {
            let frame = event_frame(event.clone());
            assert_eq!(decode_event(&frame[super::super::PREFIX..]).unwrap(), event);
        }
    }

    #[test]
    fn output_of_foreign_programs_is_one_line() {
        let event =
            Event::Progress(Progress::Output { of: "a".into(), line: "x\x1b[2J\ny".into() });
        let frame = event_frame(event);
        let Event::Progress(Progress::Output { line, .. }) =
            decode_event(&frame[super::super::PREFIX..]).unwrap()
        else {
            panic!("another event");
        };
        assert_eq!(line, "x [2J y");
    }
}
