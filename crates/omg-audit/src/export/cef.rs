//! ArcSight's Common Event Format, version 0: a header of seven fields with `|` between, then `key=value`
//! pairs with blanks between. In the header `\` and `|` are escaped, in values `\`, `=` and line breaks
//! (*Implementing ArcSight Common Event Format*, "Character Encoding").

use std::fmt::Write as _;

use omg_core::{Code, escape};

use super::Whole;
use crate::{Phase, Record, Subject};

/// Longest value of a custom string, characters, as the format has it.
const MOST: usize = 4000;

/// Custom strings: what stands in them is named by a label.
const KEYS: [(&str, &str); 4] =
    [("cs1", "cs1Label"), ("cs2", "cs2Label"), ("cs3", "cs3Label"), ("cs4", "cs4Label")];

pub(super) fn line(whole: &Whole<'_>) -> String {
    let record = whole.record;
    let (id, name) = (format!("{}.{}", record.op, record.phase.as_str()), name(record));
    let mut line = format!(
        "CEF:0|OMG|omg|{}|{}|{}|{}|",
        env!("CARGO_PKG_VERSION"),
        header(&id),
        header(&name),
        severity(record)
    );
    let actor = &record.actor;
    let mut pairs = vec![
        ("rt", record.wall_ms.to_string()),
        ("externalId", record.seq.to_string()),
        ("deviceExternalId", record.log_id.to_string()),
        ("dvchost", whole.host.to_owned()),
        ("act", record.op.clone()),
        ("outcome", record.phase.as_str().to_owned()),
        ("suid", actor.person().to_string()),
        ("duid", actor.uid.to_string()),
        ("spid", actor.pid.to_string()),
    ];
    if let Some(outcome) = record.outcome.as_ref().filter(|outcome| outcome.code != 0) {
        pairs.push(("reason", code(outcome.code)));
        pairs.push(("msg", outcome.message.clone()));
    }
    let mut strings = vec![("request", record.request.clone()), ("words", record.words.join(" "))];
    strings.push(("packages", whole.subjects.iter().map(subject).collect::<Vec<_>>().join("; ")));
    if let Some(digest) = record.plan_digest {
        strings.push(("plan", digest.to_string()));
    }
    for ((key, label_key), (label, text)) in KEYS.into_iter().zip(strings) {
        if !text.is_empty() {
            pairs.push((label_key, label.to_owned()));
            pairs.push((key, text.chars().take(MOST).collect()));
        }
    }
    for (at, (key, text)) in pairs.iter().filter(|(_, text)| !text.is_empty()).enumerate() {
        let blank = if at > 0 { " " } else { "" };
        // Writing to a string can't fail.
        let _ = write!(line, "{blank}{key}={}", value(text));
    }
    line
}

fn name(record: &Record) -> String {
    match record.phase {
        Phase::Intent => format!("{} begun", record.op),
        Phase::Commit => format!("{} done", record.op),
        Phase::Abort => format!("{} failed", record.op),
        Phase::Recovered => format!("{} interrupted", record.op),
        Phase::Deny => format!("{} refused", record.op),
        Phase::Export => "records handed out".to_owned(),
        Phase::Rotate => "signing key changed".to_owned(),
    }
}

fn severity(record: &Record) -> u8 {
    match record.phase {
        Phase::Intent | Phase::Commit | Phase::Export | Phase::Rotate => 3,
        Phase::Abort | Phase::Recovered => 5,
        Phase::Deny => 7,
    }
}

/// A fault's id: `OMG-E0010`. Records keep its number only.
pub(super) fn code(number: u16) -> String {
    let known = omg_core::EXPLANATIONS.iter().map(|it| it.code).find(|code| *code as u16 == number);
    known.map_or_else(|| format!("OMG-E{number:04}"), Code::id)
}

fn subject(subject: &Subject) -> String {
    let version = |version: &Option<String>| version.clone().unwrap_or_else(|| "none".into());
    format!(
        "{} {}:{} {} -> {}",
        subject.action,
        subject.name,
        subject.architecture,
        version(&subject.from),
        version(&subject.to)
    )
}

/// One line, without anything that controls a terminal.
fn header(text: &str) -> String {
    if omg_failpoint::weak!("56") {
        return text.to_owned();
    }
    let shown = escape(&text.replace(['\n', '\r'], " ")).to_string();
    shown.replace('\\', "\\\\").replace('|', "\\|")
}

fn value(text: &str) -> String {
    if omg_failpoint::weak!("56") {
        return text.to_owned();
    }
    let mut safe = String::with_capacity(text.len());
    for part in text.split_inclusive(['\n', '\r']) {
        let line = part.trim_end_matches(['\n', '\r']);
        let shown = escape(line).to_string();
        safe.push_str(&shown.replace('\\', "\\\\").replace('=', "\\="));
        safe.push_str(match part.as_bytes().last() {
            Some(b'\n') => "\\n",
            Some(b'\r') => "\\r",
            _ => "",
        });
    }
    safe
}
