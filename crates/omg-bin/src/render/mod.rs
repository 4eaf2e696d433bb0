//! From replies to text: colour, width, tables, trees, sizes and times, JSON, faults, the pager;
//! and questions to the user.
//!
//! Everything is written into an [`Output`] in memory and leaves the process in one write. Text that
//! comes from packages passes through [`text::clean`] on its way, so the only escape sequences on the
//! terminal are the colours that [`Style`] makes.

mod color;
mod emit;
mod fault;
mod human;
mod json;
mod output;
mod progress;
mod prompt;
mod screen;
mod table;
mod text;
mod tree;

pub(crate) use color::{ColorChoice, Style};
pub(crate) use emit::{complain, emit};
pub(crate) use fault::{fault_json, fault_text};
pub(crate) use human::{age, bytes, change_of_size, count, rfc3339, uptime};
pub(crate) use json::Document;
pub(crate) use output::Output;
pub(crate) use progress::{Manner, Show};
pub(crate) use prompt::{agree, choose, confirm, somebody_there};
pub(crate) use screen::Screen;
pub(crate) use table::{Cell, Column, Table};
pub(crate) use text::{clean, cut, width, wrap};
pub(crate) use tree::branches;
