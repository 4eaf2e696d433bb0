//! What is heard of a call while it is under way, on its way from the service to its connection.
//!
//! A service never waits for a peer: what it says goes into a bounded queue. A peer that reads slowly
//! hears the latest of each file, of the total, of steps and of waiting only; it hears all phases,
//! notes and lines of output, but for the oldest lines where more than [`WAITING`] bytes wait.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use omg_core::{Listener, Progress, Reporter};
use tokio::sync::Notify;

/// Files whose progress waits at a time. With more of them, what was said first is left out.
const FILES: usize = 256;

/// Bytes that wait for a peer. Beyond them, the oldest lines of output are left out, and counted.
const WAITING: usize = 4 << 20;

/// Bytes of events that one frame takes.
const FRAME: usize = 512 * 1024;

/// Longest line or text that is passed on, bytes.
const TEXT: usize = 4096;

/// The queue of a connection, which works on one call at a time: what earlier ones still say is
/// heard by nobody.
#[derive(Debug, Default)]
pub(super) struct Reports {
    queue: Mutex<Queue>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    /// The call under way. What earlier ones say is dropped.
    call: u64,
    /// Has this call said anything yet?
    spoken: bool,
    events: VecDeque<Progress>,
    /// Of these, files.
    files: usize,
    /// Bytes of them all.
    bytes: usize,
    /// Lines of output that were left out since the last frame.
    omitted: u64,
}

impl Reports {
    /// Begins a call.
    pub(super) fn begin(self: &Arc<Self>) -> Reporter {
        let mut queue = self.lock();
        let call = queue.call.wrapping_add(1);
        if queue.spoken {
            *queue = Queue::default();
        }
        queue.call = call;
        drop(queue);
        Reporter::new(Arc::clone(self) as Arc<dyn Listener>, call)
    }

    /// Waits until something was said.
    pub(super) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// Has the call under way said anything, ever?
    pub(super) fn spoken(&self) -> bool {
        self.lock().spoken
    }

    /// Is anything to be written?
    pub(super) fn waiting(&self) -> bool {
        !self.lock().events.is_empty()
    }

    /// Takes as much as fits a frame. Is there more?
    pub(super) fn take(&self) -> (Vec<Progress>, bool) {
        let mut queue = self.lock();
        let mut events = Vec::new();
        if queue.omitted > 0 {
            let text = format!("{} lines of output are left out here", queue.omitted);
            queue.omitted = 0;
            events.push(Progress::Note { text });
        }
        let mut bytes = 0;
        while bytes < FRAME
            && let Some(event) = queue.pop(0)
        {
            bytes += size(&event);
            events.push(event);
        }
        (events, !queue.events.is_empty())
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener for Reports {
    fn hear(&self, call: u64, mut event: Progress) {
        cut(&mut event);
        let mut queue = self.lock();
        if queue.call != call {
            return;
        }
        queue.spoken = true;
        queue.push(event);
        drop(queue);
        self.arrived.notify_one();
    }
}

impl Queue {
    fn push(&mut self, event: Progress) {
        if let Some(at) = self.overtaken(&event) {
            self.pop(at);
        }
        if matches!(event, Progress::File { .. }) && self.files >= FILES {
            self.leave_out(|event| matches!(event, Progress::File { .. }));
        }
        self.bytes += size(&event);
        self.files += usize::from(matches!(event, Progress::File { .. }));
        self.events.push_back(event);
        while self.bytes > WAITING {
            if self.leave_out(|event| matches!(event, Progress::Output { .. })) {
                self.omitted += 1;
            } else if !self.leave_out(|event| !matches!(event, Progress::Phase { .. })) {
                break;
            }
        }
    }

    /// What there is to leave out because this event says all of it.
    fn overtaken(&self, event: &Progress) -> Option<usize> {
        if !overtakes(event, event) {
            return None;
        }
        // Nothing before a phase is overtaken: files are counted anew in each.
        let of_phase = self.events.iter().enumerate().rev();
        let mut of_phase =
            of_phase.take_while(|(_, earlier)| !matches!(earlier, Progress::Phase { .. }));
        of_phase.find(|(_, earlier)| overtakes(event, earlier)).map(|(at, _)| at)
    }

    /// Takes out the oldest of a kind. Was there one?
    fn leave_out(&mut self, kind: impl Fn(&Progress) -> bool) -> bool {
        let oldest = self.events.iter().position(kind);
        oldest.and_then(|at| self.pop(at)).is_some()
    }

    fn pop(&mut self, at: usize) -> Option<Progress> {
        let event = self.events.remove(at)?;
        self.bytes -= size(&event);
        self.files -= usize::from(matches!(event, Progress::File { .. }));
        Some(event)
    }
}

/// Does a newer event say all that an older one said?
fn overtakes(newer: &Progress, older: &Progress) -> bool {
    match (newer, older) {
        (Progress::File { item, .. }, Progress::File { item: earlier, .. }) => item == earlier,
        (Progress::Total { .. }, Progress::Total { .. })
        | (Progress::Step { .. }, Progress::Step { .. })
        | (Progress::Waiting { .. }, Progress::Waiting { .. }) => true,
        _ => false,
    }
}

/// What an event takes of memory, and more than it takes of a frame.
fn size(event: &Progress) -> usize {
    let text = match event {
        Progress::Phase { .. } | Progress::Total { .. } => 0,
        Progress::File { name, .. } => name.len(),
        Progress::Step { what, .. } => what.len(),
        Progress::Output { of, line } => of.len() + line.len(),
        Progress::Waiting { lock, name, .. } => lock.len() + name.as_ref().map_or(0, String::len),
        Progress::Note { text } => text.len(),
    };
    size_of::<Progress>() + text
}

/// Cuts texts at their limit.
fn cut(event: &mut Progress) {
    let texts: [Option<&mut String>; 2] = match event {
        Progress::Phase { .. } | Progress::Total { .. } => [None, None],
        Progress::File { name, .. } => [Some(name), None],
        Progress::Step { what, .. } => [Some(what), None],
        Progress::Output { of, line } => [Some(of), Some(line)],
        Progress::Waiting { lock, name, .. } => [Some(lock), name.as_mut()],
        Progress::Note { text } => [Some(text), None],
    };
    for text in texts.into_iter().flatten() {
        if text.len() > TEXT {
            text.truncate(text.floor_char_boundary(TEXT));
            text.push('…');
            text.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use omg_core::Phase;

    use super::*;

    fn file(item: u32, done: u64) -> Progress {
        Progress::File { item, name: format!("f{item}"), done, total: None, finished: false }
    }

    fn line(text: impl Into<String>) -> Progress {
        Progress::Output { of: String::new(), line: text.into() }
    }

    fn all(reports: &Reports) -> Vec<Progress> {
        let mut events = Vec::new();
        loop {
            let (some, more) = reports.take();
            events.extend(some);
            if !more {
                return events;
            }
        }
    }

    #[test]
    fn the_newest_of_each_file_is_heard_and_every_line() {
        let reports = Arc::<Reports>::default();
        let reporter = reports.begin();
        reporter.report(Progress::Phase { phase: Phase::Download, items: 2 });
        for done in 0..1000 {
            reporter.report(file(0, done));
            reporter.report(file(1, done));
            if done % 100 == 0 {
                reporter.report(line(format!("{done}")));
            }
        }
        reporter.report(Progress::Phase { phase: Phase::Verify, items: 1 });
        reporter.report(file(0, 0));
        let events = all(&reports);
        assert_eq!(events.iter().filter(|it| matches!(it, Progress::Output { .. })).count(), 10);
        assert_eq!(events.iter().filter(|it| matches!(it, Progress::Phase { .. })).count(), 2);
        let files: Vec<_> =
            events.iter().filter(|it| matches!(it, Progress::File { .. })).cloned().collect();
        assert_eq!(files, [file(0, 999), file(1, 999), file(0, 0)]);
        assert_eq!(events.last(), Some(&file(0, 0)), "the order is kept");
    }

    #[test]
    fn what_waits_is_bounded_and_what_is_left_out_is_counted() {
        let reports = Arc::<Reports>::default();
        let reporter = reports.begin();
        reporter.report(Progress::Phase { phase: Phase::Build, items: 0 });
        for item in 0..10_000 {
            reporter.report(file(item, 1));
        }
        let long = "é".repeat(10_000);
        for _ in 0..5_000 {
            reporter.report(line(&*long));
        }
        let filled = |reports: &Reports| {
            let queue = reports.lock();
            (queue.bytes, queue.files)
        };
        let (bytes, files) = filled(&reports);
        assert!(bytes <= WAITING && files <= FILES);
        let events = all(&reports);
        let Progress::Note { text } = &events[0] else { panic!("{:?}", events[0]) };
        let omitted: usize = text.split(' ').next().unwrap().parse().unwrap();
        let lines = events.iter().filter(|it| matches!(it, Progress::Output { .. })).count();
        assert_eq!(omitted + lines, 5_000);
        assert!(events.contains(&Progress::Phase { phase: Phase::Build, items: 0 }));
        assert_eq!(filled(&reports), (0, 0));
    }

    #[test]
    fn a_call_that_is_over_tells_nobody() {
        let reports = Arc::<Reports>::default();
        let first = reports.begin();
        first.report(file(0, 1));
        let second = reports.begin();
        first.report(file(0, 2));
        assert!(!reports.spoken() && all(&reports).is_empty());
        second.report(file(0, 3));
        assert_eq!(all(&reports), [file(0, 3)]);
    }
}
