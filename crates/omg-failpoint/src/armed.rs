//! What the environment asks for.

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
