//! One file per question. Each is a function of a view, and of the backend where the view can't say.

pub(crate) mod archive;
pub(crate) mod build;
pub(crate) mod files;
pub(crate) mod groups;
pub(crate) mod info;
pub(crate) mod list;
pub(crate) mod name;
pub(crate) mod plan;
pub(crate) mod rdeps;
pub(crate) mod search;
pub(crate) mod size;
pub(crate) mod stage;
pub(crate) mod store;
pub(crate) mod suggest;
pub(crate) mod sync;
pub(crate) mod tree;
pub(crate) mod why;
