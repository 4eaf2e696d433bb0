//! `omg status`: counts, the age of the data, and how the daemon is.

use clap::Args;
use omg_core::{CacheCounts, Counts, Fault, Stats};
use omg_proto::{Query, Reply};
use serde::Serialize;

use super::Verb;
use crate::distribution::Distribution;
use crate::render::{Output, Style, age, bytes, count, uptime};
use crate::session::{Session, reply, unexpected};

/// Lists older than this are worth a word, seconds.
pub(super) const OLD: u64 = 7 * 86_400;

/// Columns for the labels.
const LABEL: usize = 10;

/// Show counts and the daemon.
#[derive(Args, Debug)]
pub(crate) struct Status {}

#[derive(Serialize)]
struct Body<'a> {
    packages: Counts,
    broken: u32,
    daemon: Daemon<'a>,
    data_age_s: Option<u64>,
}

/// `null` everywhere when no daemon runs that others could use.
#[derive(Serialize, Default)]
struct Daemon<'a> {
    running: bool,
    pid: Option<u32>,
    uptime_s: Option<u64>,
    generation: Option<String>,
    index_packages: u32,
    index_bytes: Option<u64>,
    rss_bytes: Option<u64>,
    requests: Option<u64>,
    connections: Option<u32>,
    coalesced: Option<u64>,
    cache: Option<Cache>,
    warnings: &'a [String],
}

#[derive(Serialize)]
struct Cache {
    memory: CacheCounts,
    disk: CacheCounts,
}

impl Verb for Status {
    const NAME: &'static str = "status";
    const ABOUT: &'static str = "Show counts of packages, the age of the data, and the daemon";
    const EXAMPLES: &'static str = "\
  omg status
  omg status --verbose           with memory and cache hits
  omg status --json";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        let bodies = session.ask_all(&[Query::Status, Query::Stats])?;
        let [status, stats] = bodies.as_slice() else {
            return Err(unexpected(&Reply::Batch(bodies)));
        };
        let status = match reply(status)? {
            Reply::Status(status) => status,
            other => return Err(unexpected(&other)),
        };
        let stats = match reply(stats)? {
            Reply::Stats(stats) => stats,
            other => return Err(unexpected(&other)),
        };
        let running = session.over_socket();
        if session.globals.json {
            let daemon = if running {
                daemon(&stats)
            } else {
                Daemon { index_packages: stats.index_packages, ..Daemon::default() }
            };
            let body = Body {
                packages: status.packages,
                broken: status.broken,
                daemon,
                data_age_s: status.data_age_s,
            };
            session.json("omg.status/1", body);
        } else if session.globals.quiet {
            let Counts { total, explicit, orphans, updates, security_updates } = status.packages;
            session
                .out
                .push(&format!("{total} {explicit} {orphans} {updates} {security_updates}"))
                .line();
        } else {
            let ours = Distribution::or_debian(session.globals.root.as_deref());
            write(&mut session.out, ours, &status, running.then_some(&stats));
            if session.globals.verbose {
                write_more(&mut session.out, &stats);
            }
        }
        Ok(0)
    }
}

fn daemon(stats: &Stats) -> Daemon<'_> {
    Daemon {
        running: true,
        pid: Some(stats.pid),
        uptime_s: Some(stats.uptime_s),
        generation: Some(stats.generation.to_string()),
        index_packages: stats.index_packages,
        index_bytes: Some(stats.index_bytes),
        rss_bytes: Some(stats.rss_bytes),
        requests: Some(stats.requests),
        connections: Some(stats.connections),
        coalesced: Some(stats.coalesced),
        cache: Some(Cache { memory: stats.memory, disk: stats.disk }),
        warnings: &stats.warnings,
    }
}

fn label<'a>(out: &'a mut Output, name: &str) -> &'a mut Output {
    out.styled(Style::Heading, name).spaces(LABEL.saturating_sub(name.len()))
}

fn write(
    out: &mut Output,
    distribution: Distribution,
    status: &omg_core::Status,
    stats: Option<&Stats>,
) {
    let Counts { total, explicit, orphans, updates, security_updates } = status.packages;
    let number = |it: u32| count(it.into());
    label(out, "packages").push(&format!(
        "{} installed, {} explicit",
        number(total),
        number(explicit)
    ));
    if orphans > 0 {
        out.push(", ").styled(Style::Warn, &format!("{} needed by nothing", number(orphans)));
        out.styled(Style::Dim, "  omg list --orphans");
    }
    label(out.line(), "updates");
    match (updates, security_updates) {
        (0, _) => out.styled(Style::Good, "none"),
        (updates, 0) => {
            out.styled(Style::Warn, &number(updates)).styled(Style::Dim, "  omg outdated")
        }
        (updates, security) => {
            out.styled(Style::Warn, &number(updates)).push(", ");
            out.styled(Style::Security, &format!("{} for security", number(security)));
            out.styled(Style::Dim, "  omg outdated")
        }
    };
    out.line();
    if status.broken > 0 {
        label(out, "broken")
            .styled(Style::Bad, &format!("{} half installed", number(status.broken)));
        out.styled(Style::Dim, "  ").styled(Style::Dim, distribution.repair()).line();
    }
    label(out, "lists").push(&format!("{} packages", number(status.index_packages)));
    match status.data_age_s {
        Some(seconds) if seconds > OLD => {
            out.push(", ").styled(Style::Warn, &format!("refreshed {} ago", age(seconds)));
            out.styled(Style::Dim, "  ").styled(Style::Dim, distribution.refresh())
        }
        Some(seconds) => out.push(&format!(", refreshed {} ago", age(seconds))),
        None => out
            .push(", ")
            .styled(Style::Warn, "never refreshed")
            .styled(Style::Dim, "  ")
            .styled(Style::Dim, distribution.refresh()),
    };
    label(out.line(), "daemon");
    match stats {
        Some(stats) => out.push(&format!(
            "pid {}, up {}, {}",
            stats.pid,
            uptime(stats.uptime_s),
            bytes(stats.rss_bytes)
        )),
        None => out.styled(Style::Dim, "none; one was started for this answer"),
    };
    out.line();
}

fn write_more(out: &mut Output, stats: &Stats) {
    label(out.line(), "index")
        .push(&bytes(stats.index_bytes))
        .push(", generation ")
        .push(&stats.generation.to_string());
    label(out.line(), "requests").push(&format!(
        "{} answered, {} waited for an equal one, {} connections open",
        count(stats.requests),
        count(stats.coalesced),
        count(stats.connections.into())
    ));
    out.line();
    for (name, tier) in [("memory", stats.memory), ("disk", stats.disk)] {
        let asked = tier.hits + tier.misses;
        let share = (tier.hits * 100)
            .checked_div(asked)
            .map_or_else(String::new, |share| format!(" ({share} %)"));
        label(out, name).push(&format!(
            "{} hits{share}, {} misses, {} evicted, {} entries, {}",
            count(tier.hits),
            count(tier.misses),
            count(tier.evictions),
            count(tier.entries),
            bytes(tier.bytes)
        ));
        out.line();
    }
    for warning in &stats.warnings {
        label(out, "warning").foreign(Style::Warn, warning).line();
    }
}
