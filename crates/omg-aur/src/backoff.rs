//! When the AUR may be asked again after it failed or asked us to wait.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::Error;

/// Seconds to wait after the first failure; each further one doubles them.
pub(crate) const FIRST_WAIT_S: u64 = 5;
/// Seconds to wait, at most, when the server names none.
pub(crate) const MOST_WAIT_S: u64 = 600;
/// Seconds to wait, at most, when the server names them.
pub(crate) const MOST_ASKED_WAIT_S: u64 = 3600;

/// Tells seconds since the epoch.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// The system's clock.
pub fn system_clock() -> Clock {
    Arc::new(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}

/// What is remembered of failures. A success forgets them.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    until: u64,
    reason: String,
}

impl Backoff {
    /// May a request be made?
    pub(crate) fn ready(&self, now: u64) -> Result<(), Error> {
        let state = self.lock();
        let seconds = state.until.saturating_sub(now);
        // A wait longer than any that is set here means that the clock was put back.
        if seconds == 0 || seconds > MOST_ASKED_WAIT_S {
            return Ok(());
        }
        Err(Error::Waiting { seconds, reason: state.reason.clone() })
    }

    /// Notes how a request ended. Errors that say nothing of the server's state change nothing.
    pub(crate) fn note<T>(&self, result: &Result<T, Error>, now: u64) {
        let asked = match result {
            Ok(_) => {
                *self.lock() = State::default();
                return;
            }
            Err(Error::Status { status: 429 | 500..=599, retry_after, .. }) => *retry_after,
            Err(Error::Unreachable { .. } | Error::Slow { .. }) => None,
            Err(_) => return,
        };
        let mut state = self.lock();
        let own = FIRST_WAIT_S.saturating_mul(1 << state.failures.min(16)).min(MOST_WAIT_S);
        let wait = asked.map_or(own, |asked| asked.clamp(own, MOST_ASKED_WAIT_S));
        state.failures = state.failures.saturating_add(1);
        state.until = now.saturating_add(wait);
        state.reason = result.as_ref().err().map(ToString::to_string).unwrap_or_default();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(status: u16, retry_after: Option<u64>) -> Result<(), Error> {
        Err(Error::Status { address: "https://x/".into(), status, retry_after })
    }

    fn wait(backoff: &Backoff, now: u64) -> u64 {
        match backoff.ready(now) {
            Err(Error::Waiting { seconds, .. }) => seconds,
            other => other.map_or_else(|error| panic!("{error}"), |()| 0),
        }
    }

    #[test]
    fn waits_double_up_to_a_cap_and_end_with_a_success() {
        let backoff = Backoff::default();
        assert_eq!(wait(&backoff, 1000), 0);
        let mut waits = Vec::new();
        for _ in 0..9 {
            backoff.note(&status(503, None), 1000);
            waits.push(wait(&backoff, 1000));
        }
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320, 600, 600]);
        assert_eq!((wait(&backoff, 1599), wait(&backoff, 1600)), (1, 0));
        backoff.note(&Ok(()), 1000);
        assert_eq!(wait(&backoff, 1000), 0);
        backoff.note(&status(503, None), 1000);
        assert_eq!(wait(&backoff, 1000), 5);
    }

    #[test]
    fn the_server_may_ask_for_more_but_not_for_ever() {
        let backoff = Backoff::default();
        backoff.note(&status(429, Some(60)), 0);
        assert_eq!(wait(&backoff, 0), 60);
        backoff.note(&status(429, Some(0)), 0);
        assert_eq!(wait(&backoff, 0), 10);
        backoff.note(&status(429, Some(u64::MAX)), 0);
        assert_eq!(wait(&backoff, 0), MOST_ASKED_WAIT_S);
    }

    #[test]
    fn what_is_no_fault_of_the_server_sets_no_wait() {
        let backoff = Backoff::default();
        backoff.note(&status(404, Some(60)), 0);
        backoff.note(&Err::<(), _>(Error::Argument { reason: String::new() }), 0);
        assert_eq!(wait(&backoff, 0), 0);
    }

    #[test]
    fn a_clock_put_back_does_not_make_us_wait_for_years() {
        let backoff = Backoff::default();
        backoff.note(&status(503, None), 2_000_000_000);
        assert_eq!(wait(&backoff, 1_000_000_000), 0);
    }
}
