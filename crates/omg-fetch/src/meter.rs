//! What is heard of downloads while they run.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use omg_core::Progress;
use tokio::time::Instant;

/// How often it is looked at, and so how often anything is said of one file.
pub(crate) const TICK: Duration = Duration::from_millis(100);

/// The rate is that of so many ticks.
const RATE_TICKS: usize = 30;

/// How far one file has come.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    done: AtomicU64,
    received: AtomicU64,
}

impl Meter {
    /// Bytes that are here.
    pub(crate) fn set(&self, done: u64) {
        self.done.store(done, Ordering::Relaxed);
    }

    /// Bytes that a mirror has sent.
    pub(crate) fn received(&self, bytes: usize) {
        self.received.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }
}

/// One file as it was last spoken of.
#[derive(Debug)]
struct Line {
    name: String,
    total: Option<u64>,
    said: u64,
    finished: bool,
    failed: bool,
}

/// Speaks of all files of one call.
#[derive(Debug)]
pub(crate) struct Report {
    lines: Vec<Line>,
    /// When, and how many bytes mirrors had sent by then.
    received: VecDeque<(Instant, u64)>,
    said: Option<(u64, u64)>,
}

impl Report {
    pub(crate) fn new<'a>(files: impl Iterator<Item = (&'a str, Option<u64>)>) -> Self {
        let lines = files.map(|(name, total)| Line {
            name: name.to_owned(),
            total,
            said: 0,
            finished: false,
            failed: false,
        });
        Self { lines: lines.collect(), received: VecDeque::from([(Instant::now(), 0)]), said: None }
    }

    /// A file is complete, or has failed for good.
    pub(crate) fn ended(
        &mut self,
        item: usize,
        size: Option<u64>,
        sink: &mut (dyn FnMut(Progress) + Send),
    ) {
        let Some(line) = self.lines.get_mut(item) else { return };
        line.finished = size.is_some();
        line.failed = size.is_none();
        if let Some(size) = size {
            line.said = size;
            line.total = Some(size);
            sink(line.progress(item));
        }
    }

    /// Says what has changed since the last time. To be called once in a [`TICK`] at most.
    pub(crate) fn tick<'a>(
        &mut self,
        meters: impl Iterator<Item = &'a Meter>,
        sink: &mut (dyn FnMut(Progress) + Send),
    ) {
        let (mut done, mut total, mut received) = (0, 0, 0);
        for (item, (line, meter)) in self.lines.iter_mut().zip(meters).enumerate() {
            received += meter.received.load(Ordering::Relaxed);
            if line.failed {
                continue;
            }
            let here = if line.finished { line.said } else { meter.done() };
            if here != line.said {
                line.said = here;
                sink(line.progress(item));
            }
            done += here;
            total += line.total.unwrap_or(here);
        }
        let now = Instant::now();
        self.received.push_back((now, received));
        if self.received.len() > RATE_TICKS {
            self.received.pop_front();
        }
        if self.said == Some((done, total)) {
            return;
        }
        self.said = Some((done, total));
        let rate = self.rate(now, received);
        let left = total.saturating_sub(done);
        let remaining_s = left.checked_div(rate).and_then(|seconds| u32::try_from(seconds).ok());
        sink(Progress::Total { done, total, rate, remaining_s });
    }

    /// Says how all of it ended, whether or not that was said before.
    pub(crate) fn end<'a>(
        &mut self,
        meters: impl Iterator<Item = &'a Meter>,
        sink: &mut (dyn FnMut(Progress) + Send),
    ) {
        self.said = None;
        self.tick(meters, sink);
    }

    fn rate(&self, now: Instant, received: u64) -> u64 {
        let Some((since, before)) = self.received.front() else { return 0 };
        let seconds = now.duration_since(*since).as_secs_f64();
        let bytes = received.saturating_sub(*before) as f64;
        if seconds > 0.0 { (bytes / seconds) as u64 } else { 0 }
    }
}

impl Line {
    fn progress(&self, item: usize) -> Progress {
        Progress::File {
            item: item as u32,
            name: self.name.clone(),
            done: self.said,
            total: self.total,
            finished: self.finished,
        }
    }
}
