//! How fast an answer has to come.

use std::time::Duration;

use tokio::time::Instant;

use crate::{Error, Options};

/// The window is looked at this often, so that a mirror which stops is noticed soon after.
const SLICES: usize = 4;

/// The rate of one answer, over the last window.
#[derive(Debug)]
pub(crate) struct Pace {
    rate: u64,
    window: Duration,
    /// Nothing is expected before.
    begins: Instant,
    deadline: Instant,
    slice_ends: Instant,
    /// Bytes of the last slices, oldest first; the slice under way is the last of them.
    slices: [u64; SLICES + 1],
}

impl Pace {
    /// An answer that is asked for now. It has the time for a connection and one window until the
    /// rate is looked at.
    pub(crate) fn new(options: &Options, deadline: Instant) -> Self {
        let now = Instant::now();
        Self {
            rate: options.rate,
            window: options.window,
            begins: now + options.connect + options.window,
            deadline,
            slice_ends: now + options.window / SLICES as u32,
            slices: [0; SLICES + 1],
        }
    }

    /// The head must be here by then.
    pub(crate) fn head_until(&self) -> Instant {
        self.begins.min(self.deadline)
    }

    /// [`Pace::check`] is to be called by then.
    pub(crate) fn until(&self) -> Instant {
        self.slice_ends.min(self.deadline)
    }

    pub(crate) fn came(&mut self, bytes: usize) {
        if let Some(current) = self.slices.last_mut() {
            *current += bytes as u64;
        }
    }

    /// Fails if the answer was too slow over the last window, or is too late.
    pub(crate) fn check(&mut self, now: Instant, url: &impl ToString) -> Result<(), Error> {
        if now >= self.deadline {
            let reason = "the deadline passed before the last byte".into();
            return Err(Error::Slow { url: url.to_string(), reason });
        }
        if now < self.slice_ends {
            return Ok(());
        }
        let bytes: u64 = self.slices.iter().skip(1).sum();
        let wanted = self.rate as f64 * self.window.as_secs_f64();
        let slow = now >= self.begins && (bytes as f64) < wanted;
        if slow && !omg_failpoint::weak!("04") {
            let (rate, window) = (self.rate, self.window.as_secs_f32());
            let reason = format!("less than {rate} bytes a second over {window} s");
            return Err(Error::Slow { url: url.to_string(), reason });
        }
        self.slice_ends = now + self.window / SLICES as u32;
        self.slices.rotate_left(1);
        if let Some(current) = self.slices.last_mut() {
            *current = 0;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds until an answer that brings this many bytes in each second is left, if ever.
    fn left_after(bytes_at: impl Fn(u64) -> usize) -> Option<u64> {
        let begin = Instant::now();
        let mut pace = Pace::new(&Options::default(), begin + Duration::from_hours(24));
        (1..600).find(|second| {
            pace.came(bytes_at(*second));
            pace.check(begin + Duration::from_secs(*second), &"x").is_err()
        })
    }

    #[test]
    fn row_04_a_slow_mirror_is_left_within_35_seconds() {
        let test = "pace::tests::row_04_a_slow_mirror_is_left_within_35_seconds";
        if std::env::var_os("OMG_WEAKEN").is_some() {
            assert_eq!(left_after(|_| 1), None, "the attack fails without the check, too");
            return;
        }
        let weakened = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test])
            .env("OMG_WEAKEN", "04")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&weakened.stdout);
        assert!(weakened.status.success() && said.contains("1 passed"), "{said}");
        assert!(left_after(|_| 1).is_some_and(|second| second <= 35));
        assert!(left_after(|_| 0).is_some_and(|second| second <= 35));
        assert!(left_after(|_| 1000).is_some_and(|second| second <= 35));
        // A good beginning is no credit.
        let stops = left_after(|second| if second < 100 { 10 << 20 } else { 1 });
        assert!(stops.is_some_and(|second| (120..=135).contains(&second)), "{stops:?}");
        assert_eq!(left_after(|_| 1100), None);
        // Nor are pauses shorter than the window a crime.
        assert_eq!(left_after(|second| if second % 18 == 0 { 40_000 } else { 0 }), None);
    }
}
