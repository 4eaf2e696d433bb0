//! Order statistics of measured times.

use std::time::{Duration, Instant};

/// Measured durations, sorted.
#[derive(Debug, Default, Clone)]
pub(crate) struct Sample(Vec<Duration>);

impl Sample {
    pub(crate) fn new(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// Times `count` runs of `work`, after one run that does not count.
    pub(crate) fn of(count: usize, mut work: impl FnMut()) -> Self {
        work();
        let times = (0..count).map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        });
        Self::new(times.collect())
    }

    /// The value below which `share` (0 to 1) of the sample lies.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        let last = self.0.len().saturating_sub(1);
        self.0.get((last as f64 * share).round() as usize).copied().unwrap_or_default()
    }

    pub(crate) fn median(&self) -> Duration {
        self.quantile(0.5)
    }

    pub(crate) fn min(&self) -> Duration {
        self.quantile(0.0)
    }
}

/// A duration with three significant digits and its unit.
pub(crate) fn show(time: Duration) -> String {
    let ns = time.as_nanos() as f64;
    let (value, unit) = match ns {
        n if n < 1e3 => (n, "ns"),
        n if n < 1e6 => (n / 1e3, "µs"),
        n if n < 1e9 => (n / 1e6, "ms"),
        n => (n / 1e9, "s"),
    };
    let digits = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.digits$} {unit}")
}
