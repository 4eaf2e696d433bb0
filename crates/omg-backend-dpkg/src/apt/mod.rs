//! What apt knows: its configuration, sources, lists, preferences, and the choice between versions.

pub(crate) mod arena;
pub(crate) mod catalogue;
pub(crate) mod compression;
mod conf;
mod conf_parse;
pub(crate) mod contents;
pub(crate) mod generation;
pub(crate) mod lists;
mod merge;
mod names;
#[cfg(test)]
mod oracle;
mod pattern;
mod phasing;
mod policy;
mod preferences;
pub(crate) mod read;
mod record;
pub(crate) mod release;
pub(crate) mod settings;
pub(crate) mod sources;
pub(crate) mod stanza;
mod translation;
pub(crate) mod uri;
pub(crate) mod whence;

pub(crate) use conf::parse_bool;
pub use conf::{BUILD_ARCHITECTURE, Conf};
