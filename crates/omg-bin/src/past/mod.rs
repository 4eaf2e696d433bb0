//! The past of a system as its log tells it: changes, and the way back to what was.

mod changes;
mod refusals;
mod versions;
mod way;

pub(crate) use changes::{Past, digest, of_package};
pub(crate) use refusals::noted;
pub(crate) use versions::{cached, in_cache, is};
pub(crate) use way::{Had, Here, Packages, State, before, through, way};
