//! The rows of a plan's groups: a table where it fits, else a few lines for each package.

use std::borrow::Cow;

use omg_core::{Action, Grade, Planned, Reason};

use super::super::search::repository;
use crate::render::{Cell, Column, Output, Style, Table, bytes, change_of_size, clean, cut, width};

/// Columns in front of every row.
const INDENT: usize = 2;

/// A reason that gets fewer columns than this is not worth a column.
const REASON: usize = 16;

/// Changes of one group.
pub(crate) struct Rows<'a> {
    /// In the order of the plan.
    pub(crate) changes: &'a [&'a Planned],
    /// The architecture that goes without saying.
    pub(crate) usual: &'a str,
}

/// Writes them.
pub(crate) fn write(out: &mut Output, rows: &Rows<'_>) {
    // Of what is left out on a narrow terminal, where it comes from goes first.
    let mut table = Table::new(&[
        Column::Left,
        Column::Left,
        Column::Spare,
        Column::Left,
        Column::Spare,
        Column::Left,
    ]);
    let sizes = rows.changes.iter().map(|change| width(&size(change))).max().unwrap_or(0);
    let mark = out.screen.pick("…", "...");
    let reasons = out.screen.columns.map_or(usize::MAX, |columns| (columns / 3).max(REASON));
    for change in rows.changes {
        table.row([
            Cell::pieces([
                (Style::Plain, "  "),
                (style(change.action), &*name(change, rows.usual)),
            ]),
            versions(out, change),
            repository(&change.repository),
            grade(change),
            Cell::owned(Style::Dim, format!("{:>sizes$}", size(change))),
            Cell::owned(
                Style::Dim,
                cut(&clean(&reason(&change.reason)), reasons, mark).into_owned(),
            ),
        ]);
    }
    let fits = |columns: usize| {
        let needed = |change: &&Planned| {
            (width(&clean(&name(change, rows.usual))), versions(out, change).width())
        };
        let widths = rows.changes.iter().map(needed);
        let (names, versions) =
            widths.fold((0, 0), |widest, next| (widest.0.max(next.0), widest.1.max(next.1)));
        INDENT + names + 2 + versions + 2 + REASON <= columns
    };
    if out.screen.columns.is_none_or(fits) {
        table.write(out);
    } else {
        rows.changes.iter().for_each(|change| stacked(out, change, rows.usual));
    }
}

/// A name with its reason, and below it the versions: nothing of those is cut while a line has room
/// for one of them.
fn stacked(out: &mut Output, change: &Planned, usual: &str) {
    let columns = out.screen.columns.unwrap_or(usize::MAX);
    out.spaces(INDENT);
    let mut room = columns.saturating_sub(INDENT);
    room -= Cell::owned(style(change.action), name(change, usual).into_owned()).write(out, room);
    let reason = Cell::owned(Style::Dim, reason(&change.reason));
    if room > INDENT + 8 {
        out.spaces(INDENT);
        reason.write(out, room - INDENT);
    }
    out.line();
    let below = columns.saturating_sub(2 * INDENT);
    let line = versions(out, change);
    let size = Cell::owned(Style::Dim, size(change));
    out.spaces(2 * INDENT);
    if line.width() <= below {
        line.write(out, below);
        if line.width() + INDENT + size.width() <= below {
            out.spaces(INDENT);
            size.write(out, below);
        }
    } else {
        Cell::new(Style::Dim, change.old_version.as_deref().unwrap_or("")).write(out, below);
        let arrow = out.screen.pick("→ ", "-> ");
        out.line().spaces(2 * INDENT).push(arrow);
        let version = change.new_version.as_deref().unwrap_or("");
        Cell::new(Style::Version, version).write(out, below.saturating_sub(width(arrow)));
    }
    out.line();
}

/// Name, with an architecture that does not go without saying.
pub(crate) fn name<'a>(change: &'a Planned, usual: &str) -> Cow<'a, str> {
    match change.architecture.as_str() {
        "" | "all" | "any" => Cow::Borrowed(&change.name),
        architecture if architecture == usual => Cow::Borrowed(&change.name),
        architecture => Cow::Owned(format!("{}:{architecture}", change.name)),
    }
}

/// How well its origin is verified.
fn grade(change: &Planned) -> Cell<'_> {
    let grade = change.grade.as_deref().unwrap_or("");
    let style = match Grade::of(grade) {
        Some(Grade::Risk) => Style::Bad,
        Some(Grade::Community) => Style::Warn,
        Some(Grade::Verified | Grade::Locked) => Style::Good,
        None => Style::Dim,
    };
    Cell::new(style, grade)
}

fn style(action: Action) -> Style {
    match action {
        Action::Remove | Action::Purge => Style::Gone,
        Action::Downgrade => Style::Warn,
        Action::Install | Action::Upgrade | Action::Reinstall => Style::Name,
    }
}

/// The version that goes or comes, or old → new with the part marked that changes.
pub(crate) fn versions(out: &Output, change: &Planned) -> Cell<'static> {
    let (old, new) = match (&change.old_version, &change.new_version) {
        (Some(old), Some(new)) if change.action != Action::Reinstall => (old, new),
        (_, Some(new)) => return Cell::owned(Style::Version, new.clone()),
        (Some(old), None) => {
            let suffix = if change.action == Action::Purge { " (with settings)" } else { "" };
            return Cell::pieces([(Style::Dim, old.as_str()), (Style::Warn, suffix)]);
        }
        (None, None) => return Cell::new(Style::Plain, ""),
    };
    let (same, fresh) = new.split_at(same_start(old, new));
    let stale = old.get(same.len()..).unwrap_or("");
    let arrow = out.screen.pick(" → ", " -> ");
    let (style, marked) = match change.action {
        Action::Downgrade => (Style::Plain, Style::Warn),
        _ => (Style::Version, Style::Fresh),
    };
    Cell::pieces([
        (Style::Dim, same),
        (Style::Plain, stale),
        (Style::Dim, arrow),
        (style, same),
        (marked, fresh),
    ])
}

/// Bytes at the start that both versions share, up to a place where a reader would part them: never
/// inside a number.
fn same_start(old: &str, new: &str) -> usize {
    let common = old.char_indices().zip(new.chars()).take_while(|((_, a), b)| a == b);
    let end = common.last().map_or(0, |((at, c), _)| at + c.len_utf8());
    let goes_on = |text: &str| {
        text.get(end..).and_then(|rest| rest.chars().next()).is_some_and(|c| c.is_ascii_digit())
    };
    let start = new.get(..end).unwrap_or("");
    if goes_on(old) || goes_on(new) {
        start.trim_end_matches(|c: char| c.is_ascii_digit()).len()
    } else {
        end
    }
}

/// What is downloaded for what comes; what is freed by what goes.
fn size(change: &Planned) -> String {
    match change.new_version {
        Some(_) if change.download_size > 0 => bytes(change.download_size),
        Some(_) => String::new(),
        None if change.installed_size_delta == 0 => String::new(),
        None => change_of_size(change.installed_size_delta),
    }
}

/// Why, in a few words.
fn reason(reason: &Reason) -> String {
    match reason {
        Reason::Requested => "requested".to_owned(),
        Reason::Dependency(package) => format!("needed by {package}"),
        Reason::Recommended(package) => format!("recommended by {package}"),
        Reason::ReplacedBy(package) => format!("replaced by {package}"),
        Reason::Replaces(package) => format!("replaces {package}"),
        Reason::Conflict(package) => format!("conflicts with {package}"),
        Reason::Loses(package) => format!("needs {package}"),
        Reason::Unneeded => "no longer needed".to_owned(),
        Reason::Build(package) => format!("to build {package}"),
        Reason::Newer | Reason::Unknown => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_part_where_readers_part_them() {
        let parted = |old, new: &'static str| new.split_at(same_start(old, new));
        assert_eq!(parted("1.6-2.1+deb12u1", "1.6-2.1+deb12u3"), ("1.6-2.1+deb12u", "3"));
        assert_eq!(parted("1.19-1", "1.110-1"), ("1.", "110-1"));
        assert_eq!(parted("9.0", "10.0"), ("", "10.0"));
        assert_eq!(parted("1.0", "1.0.1"), ("1.0", ".1"));
        assert_eq!(parted("1.0", "1.01"), ("1.", "01"));
        assert_eq!(parted("1.0é1", "1.0é2"), ("1.0é", "2"));
        assert_eq!(parted("1.0", "1.0"), ("1.0", ""));
    }
}
