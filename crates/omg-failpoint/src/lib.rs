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
//!
//! With the feature `disk`, tests have file systems whose power can be cut.
#![deny(unsafe_code)]

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
mod armed;
#[cfg(feature = "disk")]
pub mod disk;

#[cfg(debug_assertions)]
pub use armed::{reached, weakened};
