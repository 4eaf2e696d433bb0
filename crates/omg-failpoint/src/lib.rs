//! Places where a test makes a program stop, fail or forget a check.
//!
//! Both exist in builds with debug assertions only; in a release build the macros are nothing and no
//! name of a place is in the executable.
//!
//! * [`reach!`] marks a place by name. With `OMG_FAILPOINT=NAME=ACTION[,...]` in the environment a process
//!   that comes by does what `ACTION` says: `kill` ends it by SIGKILL, `stop` by SIGSTOP so that a test can
//!   look around, `kill:N` at the N-th time it comes by.
//! * [`weak!`] is true if `OMG_WEAKEN` names this row of the catalogue of attacks (`docs/security.md`), as
//!   in `OMG_WEAKEN=05,14`. A check that is left out then lets a test see that the attack would succeed
//!   without it, and so that the test can fail.
#![forbid(unsafe_code)]

/// Marks a place where a test may stop or kill this process.
#[macro_export]
macro_rules! reach {
    ($name:literal) => {
        #[cfg(debug_assertions)]
        $crate::reached($name);
    };
}

/// Is this row of the catalogue of attacks to be let through? Never in a release build.
#[macro_export]
macro_rules! weak {
    ($row:literal) => {{
        #[cfg(debug_assertions)]
        {
            $crate::weakened($row)
        }
        #[cfg(not(debug_assertions))]
        {
            false
        }
    }};
}

#[cfg(debug_assertions)]
pub use armed::{reached, weakened};

#[cfg(debug_assertions)]
mod armed {
    use std::collections::HashMap;
    use std::sync::{Mutex, OnceLock, PoisonError};

    use rustix::process::{Signal, getpid, kill_process};

    struct Armed {
        signal: Signal,
        /// Times that it may still be passed.
        passes: u64,
    }

    fn armed() -> &'static Mutex<HashMap<String, Armed>> {
        static ARMED: OnceLock<Mutex<HashMap<String, Armed>>> = OnceLock::new();
        ARMED.get_or_init(|| {
            let text = std::env::var("OMG_FAILPOINT").unwrap_or_default();
            let items = text.split(',').filter_map(|item| {
                let (name, action) = item.split_once('=')?;
                let (action, at) = action.split_once(':').unwrap_or((action, "1"));
                let signal = match action {
                    "kill" => Signal::KILL,
                    "stop" => Signal::STOP,
                    _ => return None,
                };
                let passes = at.parse::<u64>().ok()?.saturating_sub(1);
                Some((name.to_owned(), Armed { signal, passes }))
            });
            Mutex::new(items.collect())
        })
    }

    /// What [`reach!`](crate::reach) does.
    pub fn reached(name: &str) {
        let mut armed = armed().lock().unwrap_or_else(PoisonError::into_inner);
        let Some(point) = armed.get_mut(name) else { return };
        if point.passes > 0 {
            point.passes -= 1;
            return;
        }
        let signal = point.signal;
        armed.remove(name);
        drop(armed);
        // A process can always signal itself; if not, the test notices that nothing stopped.
        let _ = kill_process(getpid(), signal);
        // The signal is for the process, and another thread may be the one that takes it: this one goes no
        // further meanwhile.
        std::thread::sleep(std::time::Duration::from_millis(50));
    }

    /// What [`weak!`](crate::weak) asks.
    pub fn weakened(row: &str) -> bool {
        static ROWS: OnceLock<Vec<String>> = OnceLock::new();
        let rows = ROWS.get_or_init(|| {
            let text = std::env::var("OMG_WEAKEN").unwrap_or_default();
            text.split(',').map(|row| row.trim().to_owned()).collect()
        });
        rows.iter().any(|it| it == row)
    }
}
