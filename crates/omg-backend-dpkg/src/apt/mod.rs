//! What apt knows: its configuration, sources, lists, preferences, and the choice between versions.

pub(crate) mod arena;
pub(crate) mod catalogue;
mod compression;
mod conf;
mod conf_parse;
pub(crate) mod contents;
pub(crate) mod generation;
mod lists;
mod merge;
mod names;
#[cfg(test)]
mod oracle;
mod pattern;
mod phasing;
mod policy;
mod preferences;
mod read;
mod record;
mod release;
pub(crate) mod settings;
mod sources;
mod stanza;
mod translation;
mod uri;

pub use conf::{BUILD_ARCHITECTURE, Conf};
