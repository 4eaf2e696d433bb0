//! `omg list`: packages by state.

use clap::Args;
use omg_core::{Code, Fault, InstallReason, Listed, Source};
use omg_proto::{ListFilter, Query, Reply};
use serde::Serialize;

use super::Verb;
use super::limit::Limit;
use super::search::repository;
use crate::render::{Cell, Column, Output, Style, Table};
use crate::session::{Session, unexpected};

/// List packages.
#[derive(Args, Debug)]
pub(crate) struct List {
    /// Only names that match; * and ? as in a shell
    #[arg(value_name = "PATTERN")]
    patterns: Vec<String>,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    limit: Limit,
}

#[derive(Args, Debug)]
#[group(multiple = false)]
struct Which {
    /// On this system (the default)
    #[arg(long)]
    installed: bool,
    /// You asked for them
    #[arg(long, short)]
    explicit: bool,
    /// Other packages needed them
    #[arg(long, short, alias = "auto", alias = "deps")]
    automatic: bool,
    /// Automatic, and needed by nothing any more
    #[arg(long, short)]
    orphans: bool,
    /// Everything that could be installed
    #[arg(long)]
    available: bool,
    /// Installed, and offered by no repository
    #[arg(long)]
    local: bool,
    /// Installed, and a recipe of the AUR makes it
    #[arg(long)]
    aur: bool,
}

impl Which {
    fn filter(&self) -> ListFilter {
        match self {
            Self { explicit: true, .. } => ListFilter::Explicit,
            Self { automatic: true, .. } => ListFilter::Automatic,
            Self { orphans: true, .. } => ListFilter::Orphans,
            Self { available: true, .. } => ListFilter::Available,
            Self { local: true, .. } => ListFilter::Local,
            _ => ListFilter::Installed,
        }
    }
}

/// Packages of `list`, `explicit` and `outdated` in the JSON contract.
#[derive(Serialize)]
pub(super) struct Body<'a> {
    pub(super) packages: &'a [Listed<'a>],
}

impl Verb for List {
    const NAME: &'static str = "list";
    const ALIASES: &'static [&'static str] = &["ls-installed"];
    const ABOUT: &'static str = "List packages: installed, --explicit, --orphans, --available";
    const EXAMPLES: &'static str = "\
  omg list                       what is on this system
  omg list 'python3-*'           only names that match
  omg list --orphans -q          names only, for scripts
  omg list --aur                 what recipes of the AUR made
  omg list --available --json    everything that could be installed";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        let answer = session.ask(Query::List { filter: self.which.filter() })?;
        let reply = answer.reply()?;
        let Reply::List(packages) = reply else { return Err(unexpected(&reply)) };
        let mut packages = packages;
        if self.which.aur {
            packages.retain(|package| package.source == Source::Aur);
        }
        if !self.patterns.is_empty() {
            packages.retain(|package| {
                self.patterns.iter().any(|pattern| matches(pattern, package.name))
            });
            if packages.is_empty() {
                return Err(Fault::new(
                    Code::NotFound,
                    format!("no package here is called {}", self.patterns.join(", ")),
                )
                .hint("`omg list --available PATTERN` looks at what could be installed"));
            }
        }
        let dropped = self.limit.cut(&mut packages);
        show(session, &packages, write);
        if dropped > 0 && session.out.screen.tty() && !session.globals.json {
            session.out.note(&format!("and {dropped} more"));
        }
        Ok(0)
    }
}

/// Shows packages as JSON, as bare names, or as `write` does.
pub(super) fn show(
    session: &mut Session,
    packages: &[Listed<'_>],
    write: fn(&mut Output, &[Listed<'_>]),
) {
    if session.globals.json {
        session.json("omg.list/1", Body { packages });
    } else if session.globals.quiet {
        for package in packages {
            session.out.foreign(Style::Plain, package.name).line();
        }
    } else {
        write(&mut session.out, packages);
    }
}

/// A line each: name, version, architecture, repository, reason, newer version.
pub(super) fn write(out: &mut Output, packages: &[Listed<'_>]) {
    let mut table = Table::new(&[
        Column::Left,
        Column::Left,
        Column::Spare,
        Column::Spare,
        Column::Spare,
        Column::Left,
    ]);
    let arrow = out.screen.pick("→", "->");
    for package in packages {
        let reason = match package.install_reason {
            Some(InstallReason::Explicit) => Cell::new(Style::Plain, "explicit"),
            Some(InstallReason::Dependency) => Cell::new(Style::Dim, "dependency"),
            None => Cell::new(Style::Dim, "-"),
        };
        let newer = match package.new_version {
            Some(version) => {
                let held = if package.held { " [held]" } else { "" };
                Cell::owned(Style::Warn, format!("{arrow} {version}{held}"))
            }
            None => Cell::new(Style::Plain, ""),
        };
        table.row([
            Cell::new(Style::Name, package.name),
            Cell::new(Style::Version, package.version),
            Cell::new(Style::Dim, package.architecture),
            repository(package.repository),
            reason,
            newer,
        ]);
    }
    table.write(out);
}

/// A shell pattern of `*` and `?` against a whole name, in time linear in the product of both lengths.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    // Where to go on after the last star: the pattern behind it, and the name it has eaten so far.
    let mut star: Option<(usize, usize)> = None;
    while let Some(&byte) = name.get(n) {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p + 1, n));
                p += 1;
            }
            Some(&wanted) if wanted == b'?' || wanted == byte => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((after, eaten)) = star else { return false };
                star = Some((after, eaten + 1));
                p = after;
                n = eaten + 1;
            }
        }
    }
    pattern.get(p..).unwrap_or(&[]).iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names() {
        assert!(matches("python3-*", "python3-requests"));
        assert!(matches("*-dev", "libssl-dev"));
        assert!(matches("l*s?l-*v", "libssl-dev"));
        assert!(!matches("python", "python3"));
        assert!(matches("***", ""));
        assert!(!matches("?", ""));
    }
}
