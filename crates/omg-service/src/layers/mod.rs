//! The layers that belong to no other crate, one file each: layer, service, tests.

mod isolate;
mod limit;
mod parse;
mod split;
mod trace;

pub(crate) use isolate::Isolate;
pub(crate) use limit::Limit;
pub(crate) use parse::Parse;
pub(crate) use split::Split;
pub(crate) use trace::Trace;
