//! `omg search`: packages by words in their names and descriptions, best first.

use clap::Args;
use omg_core::{AurFacts, Code, Fault, Summary};
use omg_proto::{Query, Reply};
use serde::Serialize;

use super::limit::Limit;
use super::{Verb, suggest};
use crate::render::{Cell, Column, Output, Style, Table, count};
use crate::session::{Session, unexpected};

/// Results on a terminal unless asked otherwise: about a screen.
const ON_A_TERMINAL: u32 = 30;

/// A description that gets fewer columns than this goes to a line of its own.
const READABLE: usize = 32;

/// Search packages.
#[derive(Args, Debug)]
pub(crate) struct Search {
    /// Words; all must match, in any order
    #[arg(required = true, value_name = "WORD")]
    words: Vec<String>,
    #[command(flatten)]
    limit: Limit,
}

#[derive(Serialize)]
struct Body<'a> {
    query: &'a str,
    total: u32,
    packages: &'a [Summary<'a>],
}

impl Verb for Search {
    const NAME: &'static str = "search";
    const ALIASES: &'static [&'static str] = &["s", "find"];
    const ABOUT: &'static str = "Find packages by words in name and description, best first";
    const EXAMPLES: &'static str = "\
  omg search json processor      both words, in any order
  omg search ripgrp              a typo finds it too
  omg search --limit 0 python    every match, not only the best
  omg vim                        no verb means search";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        let query = self.words.join(" ");
        let tty = session.out.screen.tty() && !session.globals.json;
        let limit = self.limit.or(tty.then_some(session.search_limit.unwrap_or(ON_A_TERMINAL)));
        let answer = session.ask(Query::Search { query: &query, limit })?;
        let reply = answer.reply()?;
        let Reply::Search(found) = &reply else { return Err(unexpected(&reply)) };
        let total = found.total;
        let packages: &[Summary<'_>] = &found.packages().collect::<Vec<_>>();
        if packages.is_empty() {
            return Err(no_match(session, &query));
        }
        if session.globals.json {
            session.json("omg.search/1", Body { query: &query, total, packages });
        } else if session.globals.quiet {
            for package in packages {
                session.out.foreign(Style::Plain, package.name).line();
            }
        } else {
            write(&mut session.out, &query, total, packages);
        }
        Ok(0)
    }
}

fn no_match(session: &mut Session, query: &str) -> Fault {
    let fault = Fault::new(Code::NotFound, format!("no package matches '{query}'"));
    let fault = fault.suggest(suggest::near(session, query));
    if query.contains(' ') {
        fault.hint("all words must match; try fewer of them")
    } else {
        fault.hint(format!("`omg provides {query}` looks for a file or command of that name"))
    }
}

/// Writes results: a table where descriptions have room, two lines each where they don't; off a
/// terminal a line each whose first four columns have no spaces inside.
fn write(out: &mut Output, query: &str, total: u32, packages: &[Summary<'_>]) {
    let words: Vec<String> = query.split_whitespace().map(str::to_ascii_lowercase).collect();
    let Some(columns) = out.screen.columns else { return write_piped(out, packages) };
    let mut table =
        Table::new(&[Column::Left, Column::Left, Column::Left, Column::Left, Column::Rest]);
    for package in packages {
        table.row([
            mark(out, package),
            name(package, &words),
            version(out, package),
            origin(package, false),
            Cell::new(Style::Plain, package.description),
        ]);
    }
    if table.room(columns) >= READABLE {
        table.write(out);
    } else {
        write_pairs(out, &words, packages, columns);
    }
    let shown = packages.len() as u64;
    if u64::from(total) > shown {
        let dots = out.screen.pick("…", "...");
        let more =
            format!("{dots} and {} more (--limit 0 for all)", count(u64::from(total) - shown));
        out.styled(Style::Dim, &more).line();
    }
}

fn write_piped(out: &mut Output, packages: &[Summary<'_>]) {
    let mut table =
        Table::new(&[Column::Left, Column::Left, Column::Left, Column::Left, Column::Rest]);
    for package in packages {
        table.row([
            Cell::new(Style::Name, package.name),
            Cell::new(Style::Version, package.version),
            repository(package.repository),
            package
                .installed_version
                .map_or_else(|| Cell::new(Style::Dim, "-"), |it| Cell::new(Style::Good, it)),
            Cell::new(Style::Plain, package.description),
        ]);
    }
    table.write(out);
}

fn write_pairs(out: &mut Output, words: &[String], packages: &[Summary<'_>], columns: usize) {
    for package in packages {
        let mut room = columns.saturating_sub(mark(out, package).write(out, 1));
        let cells = [name(package, words), version(out, package), origin(package, true)];
        for (at, cell) in cells.iter().enumerate() {
            // The first one that does not fit is cut, and ends the line.
            if room < 3 {
                break;
            }
            if at > 0 || !matches!(out.text().chars().next_back(), Some('\n') | None) {
                out.spaces(1);
                room -= 1;
            }
            room -= cell.write(out, room);
        }
        out.line().spaces(4);
        Cell::new(Style::Plain, package.description).write(out, columns.saturating_sub(4));
        out.line();
    }
}

/// A tick for what is installed, an arrow for what is installed in another version.
pub(super) fn mark(out: &Output, package: &Summary<'_>) -> Cell<'static> {
    match package.installed_version {
        None => Cell::new(Style::Plain, " "),
        Some(version) if version == package.version => {
            Cell::owned(Style::Good, out.screen.pick("✓", "*").to_owned())
        }
        Some(_) => Cell::owned(Style::Warn, out.screen.pick("↑", "^").to_owned()),
    }
}

/// The name; a package of the AUR is told apart from one of the same name in a repository, in the
/// notation that `install` takes.
fn name<'a>(package: &Summary<'a>, words: &[String]) -> Cell<'a> {
    let name = Cell::new(Style::Name, package.name).highlight(words);
    match package.aur {
        Some(_) => name.prefixed(Style::Repository, "aur/"),
        None => name,
    }
}

/// Where it comes from; of the AUR, what its users think of it.
fn origin<'a>(package: &Summary<'a>, narrow: bool) -> Cell<'a> {
    let Some(aur) = &package.aur else { return repository(package.repository) };
    let liked = format!("(+{} {})", aur.votes, popularity(aur));
    let flags = [
        (aur.out_of_date.is_some(), Style::Bad, "[out of date]"),
        (aur.maintainer.is_none(), Style::Warn, "[orphaned]"),
    ];
    let flags = flags.into_iter().filter(|(set, ..)| *set).map(|(_, style, text)| (style, text));
    let liked = (Style::Dim, liked.as_str());
    // What comes last is cut on a narrow terminal: not the warnings.
    let mut words: Vec<(Style, &str)> = flags.collect();
    words.insert(if narrow { words.len() } else { 0 }, liked);
    let spaced = words.iter().enumerate().flat_map(|(at, word)| {
        let gap = if at == 0 { "" } else { " " };
        [(Style::Plain, gap), *word]
    });
    Cell::pieces(spaced)
}

/// The AUR's popularity as its pages show it: `0.56`.
pub(super) fn popularity(aur: &AurFacts<'_>) -> String {
    format!("{:.2}", f64::from(aur.popularity) / 1e6)
}

/// The candidate's version; after the installed one where they differ.
fn version<'a>(out: &Output, package: &Summary<'a>) -> Cell<'a> {
    match package.installed_version {
        Some(installed) if installed != package.version => {
            let arrow = out.screen.pick("→", "->");
            Cell::owned(Style::Warn, format!("{installed} {arrow} {}", package.version))
        }
        _ => Cell::new(Style::Version, package.version),
    }
}

/// A repository, told apart if security fixes come from it.
pub(super) fn repository(name: &str) -> Cell<'_> {
    let style = if name.contains("security") { Style::Security } else { Style::Repository };
    Cell::new(style, name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Screen;
    use omg_core::Source;

    #[test]
    fn recipes_of_the_aur_are_marked() {
        let plain = Summary {
            name: "yay",
            version: "11.3.0-1",
            source: Source::Alpm,
            repository: "extra",
            architecture: "x86_64",
            description: "A pacman wrapper and AUR helper",
            installed_version: Some("11.3.0-1"),
            score: 1,
            aur: None,
        };
        let aur = AurFacts {
            package_base: "yay",
            maintainer: Some("jguer"),
            votes: 2143,
            popularity: 21_456_789,
            ..AurFacts::default()
        };
        let dead = AurFacts { maintainer: None, out_of_date: Some(1), ..aur };
        let packages = [
            plain,
            Summary {
                source: Source::Aur,
                repository: "aur",
                aur: Some(aur),
                installed_version: None,
                ..plain
            },
            Summary { name: "yay-\x1b[31m", repository: "aur", aur: Some(dead), ..plain },
        ];
        for (name, screen) in [
            ("search_aur_wide", Screen::terminal(120)),
            ("search_aur_narrow", Screen::terminal(40)),
            ("search_aur_piped", Screen::pipe()),
        ] {
            let mut out = Output::new(screen);
            write(&mut out, "yay", 3, &packages);
            insta::assert_snapshot!(name, out.text());
            let fits = |line: &str| {
                screen.columns.is_none_or(|columns| crate::render::width(line) <= columns)
            };
            assert!(out.text().lines().all(fits), "{}", out.text());
        }
    }
}
