//! Verifying the log, and handing its records out.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use omg_audit::Reader;
use omg_audit::export::{self, Format};
use omg_audit::verify::{Against, Verdict, verify as check};
use omg_core::{Code, Fault};

use crate::render::Style;
use crate::session::Session;

/// Largest anchor, bytes.
const ANCHOR_LIMIT: u64 = 64 * 1024;

/// Says whether the log is what was written: exit code 0, 1 (it is not) or 2 (something is open).
pub(super) fn verify(
    session: &mut Session,
    directory: &Path,
    anchors: &[PathBuf],
    pin: Option<&Path>,
) -> Result<u8, Fault> {
    let anchors = anchors.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    let against = Against { genesis: pin.map(Path::to_path_buf), anchors, from: 0 };
    let report = check(directory, &against)?;
    let code = report.exit();
    if session.globals.json {
        session.json("omg.audit-verify/1", &report);
        return Ok(code);
    }
    let (style, verdict) = match report.verdict() {
        Verdict::Whole => (Style::Good, "the log is what was written"),
        Verdict::Incomplete => (Style::Warn, "the log is what was written, but something is open"),
        Verdict::Tampered => (Style::Bad, "the log is NOT what was written"),
    };
    session.out.styled(style, verdict);
    if let Some(seq) = report.first_bad() {
        session.out.push(&format!("; record {seq} is the first that does not fit"));
    }
    session.out.line();
    let of =
        |number: u64, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    let text = [
        of(report.records, "record"),
        of(report.checkpoints, "checkpoint"),
        of(report.anchors, "anchor"),
        of(u64::from(report.epochs), "signing key"),
    ]
    .join(", ");
    session.out.styled(Style::Dim, &text).line();
    for finding in &report.findings {
        session.out.spaces(2).foreign(Style::Plain, &finding.text).line();
    }
    if report.anchors == 0 && report.verdict() == Verdict::Whole {
        session.out.note(
            "a log that was cut off or replaced as a whole is seen only against a checkpoint that was \
             kept elsewhere: `omg audit checkpoint`",
        );
    }
    Ok(code)
}

fn read(path: &Path) -> Result<String, Fault> {
    let file = std::fs::File::open(path);
    let text = file.and_then(|file| io::read_to_string(io::Read::take(file, ANCHOR_LIMIT)));
    text.map_err(|error| {
        Fault::caused_by(Code::Unreadable, format!("{} can't be read", path.display()), &error)
    })
}

/// Prints the signed checkpoint of the log's end.
pub(super) fn checkpoint(session: &mut Session, directory: &Path) -> Result<u8, Fault> {
    let reader = Reader::open(directory)?;
    let note = reader.checkpoint().ok_or_else(|| {
        Fault::new(Code::NotFound, "the log has no checkpoint yet")
            .hint("it has one after a change")
    })?;
    session.text(note);
    Ok(0)
}

/// Writes records straight to standard output: a log may be larger than memory should be.
pub(super) fn export(
    session: &mut Session,
    directory: &Path,
    format: &str,
    after: Option<u64>,
) -> Result<u8, Fault> {
    let format = Format::of(format).ok_or_else(|| {
        let known: Vec<_> = Format::ALL.iter().map(|format| format.as_str()).collect();
        Fault::new(Code::Usage, format!("'{format}' is no format"))
            .hint(format!("known are {}", known.join(", ")))
    })?;
    let reader = Reader::open(directory)?;
    let from = after.map_or(0, |seq| seq.saturating_add(1));
    let host = rustix::system::uname();
    let host = host.nodename().to_string_lossy();
    let mut out = io::BufWriter::new(io::stdout().lock());
    let cursor = export::export(&reader, format, from, &host, &mut out)?;
    let flushed = out.flush();
    drop(out);
    if flushed.is_ok() && session.globals.verbose {
        let text = match cursor.checked_sub(1) {
            Some(last) => format!("go on with --after {last}"),
            None => "there are no records yet".to_owned(),
        };
        session.out.note(&text);
    }
    Ok(0)
}
