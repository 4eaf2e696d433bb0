//! A record as JSON, with all that it says.

use std::io;

use omg_core::Rfc3339;
use serde::Serialize;

use crate::Record;

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    #[serde(flatten)]
    record: &'a Record,
}

pub(super) fn line(record: &Record) -> io::Result<String> {
    super::plain(&Line { time: Rfc3339(record.wall_ms / 1000).to_string(), record })
}
