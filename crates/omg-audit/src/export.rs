//! Handing records out to what collects them: JSON lines, OCSF, CEF.
//!
//! The cursor is the number of the next record. Whoever collects keeps it after the lines are safe, so a
//! record may be handed out twice and is never left out; `seq` and `log_id` tell the copies apart.

mod cef;
mod json;
mod ocsf;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use omg_core::is_dangerous;

use crate::{Error, Phase, Reader, Record, Result, Subject};

/// A form to hand records out in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Format {
    /// A JSON object for each record, with all that it says.
    Jsonl,
    /// Events of the Open Cybersecurity Schema Framework, version 1.3: an *Application Lifecycle* event
    /// (6002) for each package of a record that ends a change or refuses one, and after a change that was
    /// made a *Software Inventory Info* event (5020) for each package that is there now.
    Ocsf,
    /// ArcSight's Common Event Format, a line for each record.
    Cef,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Jsonl, Self::Ocsf, Self::Cef];

    /// The word used on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Ocsf => "ocsf",
            Self::Cef => "cef",
        }
    }

    /// The format of this word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == word)
    }
}

/// A record with what it leaves to its intent.
struct Whole<'a> {
    record: &'a Record,
    /// Its own subjects; else, if it ends a change, those of the intent.
    subjects: &'a [Subject],
    /// Name of the machine.
    host: &'a str,
}

/// Writes the records from `from` on, one event a line; gives the cursor to go on from.
///
/// # Errors
/// If a record is none, or `out` can't be written to. What was written until then is whole lines.
pub fn export(
    reader: &Reader,
    format: Format,
    from: u64,
    host: &str,
    out: &mut dyn Write,
) -> Result<u64> {
    let mut intents: HashMap<u64, Vec<Subject>> = HashMap::new();
    let mut cursor = from;
    for record in reader.records(from)? {
        let record = record?;
        let of_intent = match record.intent {
            Some(intent) => match intents.remove(&intent) {
                Some(subjects) => subjects,
                None => reader.get(intent)?.map(|it| it.subjects).unwrap_or_default(),
            },
            None => Vec::new(),
        };
        let subjects = if record.subjects.is_empty() { &of_intent } else { &record.subjects };
        let whole = Whole { record: &record, subjects, host };
        write(format, &whole, out).map_err(Error::io("the export".as_ref(), "writing an event"))?;
        cursor = record.seq + 1;
        if record.phase == Phase::Intent {
            intents.insert(record.seq, record.subjects);
        }
    }
    out.flush().map_err(Error::io("the export".as_ref(), "writing an event"))?;
    Ok(cursor)
}

/// One record as a line of JSON, without the line's end.
///
/// # Errors
/// If it can't be encoded, which no record is known to do.
pub fn json(record: &Record) -> Result<String> {
    json::line(record).map_err(Error::io("the export".as_ref(), "encoding a record"))
}

fn write(format: Format, whole: &Whole<'_>, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Jsonl => writeln!(out, "{}", json::line(whole.record)?),
        Format::Cef => writeln!(out, "{}", cef::line(whole)),
        Format::Ocsf => {
            ocsf::events(whole).iter().try_for_each(|event| writeln!(out, "{}", plain(event)?))
        }
    }
}

/// JSON in which no character controls a terminal or hides or reorders text: such stand in strings only,
/// and there they can be written as `\uXXXX`.
fn plain(value: &impl serde::Serialize) -> io::Result<String> {
    let text = serde_json::to_string(value)?;
    if !text.chars().any(is_dangerous) || omg_failpoint::weak!("56") {
        return Ok(text);
    }
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_dangerous(c) {
            let units = &mut [0; 2];
            for unit in c.encode_utf16(units) {
                // Writing to a string can't fail.
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(c);
        }
    }
    Ok(safe)
}
