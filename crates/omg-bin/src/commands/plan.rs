//! A plan as text and as JSON.

mod extras;
mod json;
mod rows;
#[cfg(test)]
pub(super) mod samples;
mod view;

pub(super) use extras::wrapped;
pub(super) use json::{Body, Row, rows};
pub(super) use rows::{Rows, write as write_rows};
pub(super) use view::{View, heading, usual_architecture, write_quiet};
