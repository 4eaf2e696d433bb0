//! Signals: they end an engine that waits, stop an order that is prepared, and nothing that has begun.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::flag;

use crate::error::Error;

/// What signals do at the moment. Children get the default dispositions back: these are handlers, and
/// no handler outlives an exec.
#[derive(Clone, Debug)]
pub(crate) struct Signals {
    /// Between orders: a signal ends the process.
    idle: Arc<AtomicBool>,
    /// One came since the order was read.
    asked: Arc<AtomicBool>,
}

impl Signals {
    pub(crate) fn install() -> io::Result<Self> {
        let signals =
            Self { idle: Arc::new(AtomicBool::new(true)), asked: Arc::new(AtomicBool::new(false)) };
        // sudo passes all of them on.
        for signal in [SIGINT, SIGQUIT, SIGTERM, SIGHUP] {
            flag::register_conditional_shutdown(signal, 128 + signal, signals.idle.clone())?;
            flag::register(signal, signals.asked.clone())?;
        }
        Ok(signals)
    }

    /// An order is worked at from here on.
    pub(crate) fn busy(&self) {
        self.idle.store(false, Ordering::SeqCst);
    }

    /// No order is worked at. A signal that came meanwhile ends the process by the caller.
    pub(crate) fn idle(&self) -> bool {
        self.idle.store(true, Ordering::SeqCst);
        self.asked.load(Ordering::SeqCst)
    }

    pub(crate) fn asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    /// Between two steps of preparing an order.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.asked() { Err(Error::Stopped) } else { Ok(()) }
    }
}
