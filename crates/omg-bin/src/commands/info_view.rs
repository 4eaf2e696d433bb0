//! How `omg info` lays out a package: a heading, fields in one column, versions, the long description.

use omg_core::{AurFacts, Details, InstallReason, Offered};

use super::search::popularity;
use crate::render::{Cell, Column, Output, Style, Table, bytes, clean, count, rfc3339, wrap};

/// Columns for the labels, with the gap behind them.
const LABEL: usize = 14;

/// Prose is hard to read in lines longer than this.
const PROSE: usize = 88;

/// Lines are this long off a terminal.
const PIPED: usize = 100;

/// Writes one package.
pub(super) fn write(out: &mut Output, details: &Details<'_>) {
    heading(out, details);
    identity(out, details);
    if let Some(aur) = &details.aur {
        recipe(out, aur);
    }
    space(out, details);
    state(out, details);
    relations(out, details);
    file(out, details);
    versions(out, details);
    description(out, details);
}

fn heading(out: &mut Output, details: &Details<'_>) {
    out.foreign(Style::Match, details.name).push(" ").foreign(Style::Version, details.version);
    match details.installed_version {
        Some(installed) if installed == details.version => {
            out.push("  ").styled(Style::Good, "[installed]");
        }
        Some(installed) => {
            let text = format!("[installed {}]", clean(installed));
            out.push("  ").styled(Style::Warn, &text);
        }
        None => {}
    }
    if details.aur.is_some_and(|aur| aur.out_of_date.is_some()) {
        out.push("  ").styled(Style::Bad, "[out of date]");
    }
    if details.held {
        out.push("  ").styled(Style::Warn, "[held]");
    }
    if details.essential {
        out.push("  ").styled(Style::Bad, "[essential]");
    }
    out.line();
    if !details.description.is_empty() {
        out.foreign(Style::Plain, details.description).line();
    }
    out.line();
}

fn label(out: &mut Output, name: &str) {
    out.styled(Style::Heading, name).spaces(LABEL.saturating_sub(name.len()).max(1));
}

fn field(out: &mut Output, name: &str, value: Option<&str>) {
    if let Some(value) = value.filter(|value| !value.is_empty()) {
        label(out, name);
        out.foreign(Style::Plain, value).line();
    }
}

fn identity(out: &mut Output, details: &Details<'_>) {
    label(out, "Repository");
    let style =
        if details.repository.contains("security") { Style::Security } else { Style::Repository };
    out.foreign(style, details.repository).line();
    let architecture = match details.multi_arch {
        Some(multi_arch) => format!("{} (multi-arch: {multi_arch})", details.architecture),
        None => details.architecture.to_owned(),
    };
    field(out, "Architecture", Some(&architecture));
    let section = match (details.section, details.priority) {
        (Some(section), Some(priority)) => Some(format!("{section} (priority {priority})")),
        (section, priority) => section.or(priority).map(str::to_owned),
    };
    field(out, "Section", section.as_deref());
    let groups = details.groups.join(", ");
    field(out, "Groups", Some(&*groups).filter(|groups| !groups.is_empty()));
    field(out, "Source", details.source_package);
    field(out, "Homepage", details.url);
    field(out, "Maintainer", details.maintainer);
    if !details.licenses.is_empty() {
        field(out, "Licence", Some(&details.licenses.join(", ")));
    }
}

/// What the AUR knows of it. Its maintainer stands among the fields of every package if the backend
/// has it; here is the one who may change the recipe.
fn recipe(out: &mut Output, aur: &AurFacts<'_>) {
    field(out, "Package base", Some(aur.package_base));
    label(out, "Votes");
    let liked = format!("{}, popularity {}", count(aur.votes.into()), popularity(aur));
    out.push(&liked).line();
    label(out, "Recipe by");
    match aur.maintainer {
        Some(name) => out.foreign(Style::Plain, name).line(),
        None => out.styled(Style::Warn, "nobody: it is orphaned").line(),
    };
    let times = [
        ("Submitted", Some(aur.first_submitted), Style::Plain),
        ("Changed", Some(aur.last_modified), Style::Plain),
        ("Out of date", aur.out_of_date, Style::Bad),
    ];
    for (name, time, style) in times {
        if let Some(time) = time {
            label(out, name);
            out.styled(style, &rfc3339(time).to_string()).line();
        }
    }
}

fn space(out: &mut Output, details: &Details<'_>) {
    let parts: Vec<String> = [
        details
            .download_size
            .filter(|size| *size > 0)
            .map(|size| format!("{} to download", bytes(size))),
        details
            .installed_size
            .filter(|size| *size > 0)
            .map(|size| format!("{} on disk", bytes(size))),
    ]
    .into_iter()
    .flatten()
    .collect();
    field(out, "Size", Some(&parts.join(", ")));
}

fn state(out: &mut Output, details: &Details<'_>) {
    if details.installed_version.is_some() {
        let reason = match details.install_reason {
            Some(InstallReason::Explicit) => "you asked for it",
            Some(InstallReason::Dependency) => "another package needs it",
            None => "reason unknown",
        };
        label(out, "Installed");
        match details.installed_at {
            Some(at) => out.push(&rfc3339(at).to_string()).push(", ").push(reason).line(),
            None => out.push(reason).line(),
        };
    }
    if let Some(state) = details.state {
        label(out, "State");
        out.foreign(Style::Bad, state).line();
    }
}

fn relations(out: &mut Output, details: &Details<'_>) {
    let fields: [(&str, &[&str]); 9] = [
        ("Pre-depends", &details.pre_depends),
        ("Depends", &details.depends),
        ("Recommends", &details.recommends),
        ("Suggests", &details.suggests),
        ("Enhances", &details.enhances),
        ("Conflicts", &details.conflicts),
        ("Breaks", &details.breaks),
        ("Replaces", &details.replaces),
        ("Provides", &details.provides),
    ];
    let room = out.screen.columns.unwrap_or(PIPED).saturating_sub(LABEL).max(20);
    for (name, items) in fields {
        if items.is_empty() {
            continue;
        }
        label(out, name);
        let last = items.len() - 1;
        // An item stays on one line: `libc6 (>= 2.34)` is one thing to read.
        let items: Vec<String> = items
            .iter()
            .enumerate()
            .map(|(at, item)| format!("{}{}", clean(item), if at < last { "," } else { "" }))
            .collect();
        for (at, line) in wrap(items.iter().map(String::as_str), room).iter().enumerate() {
            if at > 0 {
                out.spaces(LABEL);
            }
            out.push(line).line();
        }
    }
}

fn file(out: &mut Output, details: &Details<'_>) {
    field(out, "File", details.filename);
    field(out, "SHA-256", details.sha256);
    field(out, "Package URL", Some(&details.purl));
}

fn versions(out: &mut Output, details: &Details<'_>) {
    if details.versions.is_empty() {
        return;
    }
    out.line().styled(Style::Heading, "Versions").line();
    let mut table =
        Table::new(&[Column::Left, Column::Left, Column::Right, Column::Left, Column::Rest]);
    let mut above = None;
    for Offered { version, repository, priority } in &details.versions {
        let again = above == Some(*version);
        above = Some(*version);
        let installed = details.installed_version == Some(*version);
        let candidate = details.candidate_version == Some(*version);
        let style = if candidate { Style::Version } else { Style::Plain };
        let words = match (installed, candidate) {
            (true, true) => "installed, candidate",
            (true, false) => "installed",
            (false, true) => "candidate",
            (false, false) => "",
        };
        let origin =
            if repository.contains("security") { Style::Security } else { Style::Repository };
        table.row([
            Cell::new(Style::Plain, " "),
            Cell::new(style, if again { "" } else { version }),
            Cell::owned(Style::Dim, priority.to_string()),
            Cell::new(origin, repository),
            Cell::new(
                if installed { Style::Good } else { Style::Dim },
                if again { "" } else { words },
            ),
        ]);
    }
    table.write(out);
}

fn description(out: &mut Output, details: &Details<'_>) {
    let Some(text) = details.long_description.as_deref().filter(|text| !text.trim().is_empty())
    else {
        return;
    };
    let room = out.screen.columns.unwrap_or(PIPED).min(PROSE);
    out.line();
    for line in text.lines() {
        // Lists and verbatim lines keep their indentation and their breaks.
        let indent = line.len() - line.trim_start().len();
        let words: Vec<_> = line.split_whitespace().map(clean).collect();
        if words.is_empty() {
            out.line();
        }
        for wrapped in wrap(words.iter().map(AsRef::as_ref), room.saturating_sub(indent).max(20)) {
            out.spaces(indent.min(12)).push(&wrapped).line();
        }
    }
}
