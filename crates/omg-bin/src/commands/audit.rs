//! `omg audit`: the log of changes, and what the policy says.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use omg_audit::{Filter, Phase, Reader, Record};
use omg_core::{Action as Done, Change, Code, Fault, Grade, Operation, Plan};
use omg_policy::{Actor, Finding, Policy, Subject, Verdict};
use omg_proto::{Query, Reply, targets_text};
use serde::Serialize;

use super::{Group, Verb, change, undo};
use crate::places;
use crate::render::{Cell, Column, Style, Table, rfc3339};
use crate::session::{Session, unexpected};

mod verify;

/// Records shown unless told otherwise.
const SHOWN: usize = 50;

/// The log of changes, and the policy.
#[derive(Args, Debug)]
pub(crate) struct Audit {
    #[command(subcommand)]
    action: Action,
}

/// Which log.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Which {
    /// Your own log: what was refused before it reached the system
    #[arg(long)]
    user: bool,
}

impl Which {
    fn directory(&self, session: &Session) -> Result<PathBuf, Fault> {
        if !self.user {
            return Ok(undo::log(session));
        }
        let state = places::state().ok_or_else(|| {
            Fault::new(Code::NotFound, "there is no directory of a log of your own")
        })?;
        Ok(state.join("audit"))
    }
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Records of the log, the latest last
    Log {
        #[command(flatten)]
        which: Which,
        /// So many
        #[arg(long, value_name = "N", default_value_t = SHOWN)]
        limit: usize,
        /// Only about these packages
        #[arg(long, value_name = "PKG")]
        package: Vec<String>,
        /// Only these operations: install, remove, upgrade, lists, …
        #[arg(long, value_name = "OP")]
        op: Vec<String>,
        /// Only these kinds: intent, commit, abort, recovered, deny
        #[arg(long, value_name = "KIND", value_parser = phase)]
        phase: Vec<Phase>,
        /// Only by this user
        #[arg(long, value_name = "UID")]
        by: Option<u32>,
        /// Only of the last: 3d, 12h
        #[arg(long, value_name = "TIME", value_parser = change::seconds)]
        since: Option<u64>,
    },
    /// Is the log what was written?
    Verify {
        #[command(flatten)]
        which: Which,
        /// A checkpoint that was kept elsewhere: a file
        #[arg(long, value_name = "FILE")]
        anchor: Vec<PathBuf>,
        /// The public key of the log's beginning, kept elsewhere: a file
        #[arg(long, value_name = "FILE")]
        pin: Option<PathBuf>,
    },
    /// The signed checkpoint of the log's end, to keep elsewhere
    Checkpoint {
        #[command(flatten)]
        which: Which,
    },
    /// Records for another program
    Export {
        #[command(flatten)]
        which: Which,
        /// jsonl, ocsf or cef
        #[arg(long, value_name = "FORMAT", default_value = "jsonl")]
        format: String,
        /// After the record with this number
        #[arg(long, value_name = "SEQ")]
        after: Option<u64>,
    },
    /// What the policy says of packages
    Policy {
        /// Packages; without one, where the policy is and whether it can be read
        packages: Vec<String>,
    },
}

fn phase(word: &str) -> Result<Phase, String> {
    Phase::of(word).ok_or_else(|| {
        let known: Vec<_> = Phase::ALL.iter().map(|phase| phase.as_str()).collect();
        format!("expected one of {}", known.join(", "))
    })
}

impl Verb for Audit {
    const NAME: &'static str = "audit";
    const GROUP: Group = Group::Security;
    const ABOUT: &'static str = "The log of changes: read, verify, export; what the policy says";
    const EXAMPLES: &'static str = "\
  omg audit log --phase deny     what was refused
  omg audit verify               is the log what was written?
  omg audit checkpoint > /mnt/elsewhere/omg.checkpoint
  omg audit verify --anchor /mnt/elsewhere/omg.checkpoint
  omg audit export --format cef --after 1200
  omg audit policy vim           every rule with its verdict";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        match self.action {
            Action::Log { which, limit, package, op, phase, by, since } => {
                let since_ms =
                    since.map(|seconds| change::now().saturating_sub(seconds).saturating_mul(1000));
                let filter = Filter {
                    since_ms,
                    ops: op,
                    packages: package,
                    phases: phase,
                    user: by,
                    ..Filter::default()
                };
                log(session, &which.directory(session)?, &filter, limit)
            }
            Action::Verify { which, anchor, pin } => {
                let directory = which.directory(session)?;
                verify::verify(session, &directory, &anchor, pin.as_deref())
            }
            Action::Checkpoint { which } => verify::checkpoint(session, &which.directory(session)?),
            Action::Export { which, format, after } => {
                verify::export(session, &which.directory(session)?, &format, after)
            }
            Action::Policy { packages } => policy(session, &packages),
        }
    }
}

#[derive(Serialize)]
struct Records<'a> {
    records: &'a [Record],
}

fn log(
    session: &mut Session,
    directory: &Path,
    filter: &Filter,
    limit: usize,
) -> Result<u8, Fault> {
    // Where nothing was ever written there is no directory; one without a log is an error.
    let mut records = if directory.exists() {
        Reader::open(directory)?.select(filter)?
    } else {
        session.out.note("nothing is recorded yet");
        Vec::new()
    };
    let skipped = records.len().saturating_sub(limit);
    records.drain(..skipped);
    if session.globals.json {
        session.json("omg.audit-log/1", Records { records: &records });
        return Ok(0);
    }
    let mut table = Table::new(&[
        Column::Right,
        Column::Left,
        Column::Left,
        Column::Left,
        Column::Left,
        Column::Spare,
    ]);
    for record in &records {
        let style = match record.phase {
            Phase::Commit => Style::Good,
            Phase::Deny => Style::Warn,
            Phase::Abort | Phase::Recovered => Style::Bad,
            _ => Style::Dim,
        };
        let packages: Vec<&str> =
            record.subjects.iter().take(8).map(|subject| subject.name.as_str()).collect();
        let message = record.outcome.as_ref().map_or("", |outcome| outcome.message.as_str());
        table.row([
            Cell::owned(Style::Name, record.seq.to_string()),
            Cell::owned(Style::Dim, rfc3339(record.wall_ms / 1000).to_string()),
            Cell::owned(Style::Dim, super::history::who(&record.actor)),
            Cell::owned(style, record.phase.as_str().to_owned()),
            Cell::new(Style::Plain, &record.op),
            Cell::owned(Style::Plain, format!("{} {message}", packages.join(" "))),
        ]);
    }
    table.write(&mut session.out);
    Ok(0)
}

#[derive(Serialize)]
struct Ruling<'a> {
    package: &'a str,
    allowed: bool,
    repository: &'a str,
    grade: Option<Grade>,
    rules: Vec<Rule<'a>>,
}

#[derive(Serialize)]
struct Rule<'a> {
    #[serde(rename = "rule")]
    name: &'a str,
    verdict: &'static str,
    why: &'a str,
    place: &'a str,
}

#[derive(Serialize)]
struct Verdicts<'a> {
    files: Vec<String>,
    packages: Vec<Ruling<'a>>,
}

fn policy(session: &mut Session, packages: &[String]) -> Result<u8, Fault> {
    let policy = in_force(session)?;
    let actor = Actor::look_up(places::uid(), Path::new("/etc"))?;
    let mut judged: Vec<(Subject, Vec<Finding>)> = Vec::new();
    for package in packages {
        let subject = subject(session, package)?;
        let findings = policy.judge(&subject, &actor);
        judged.push((subject, findings));
    }
    let refused = judged.iter().any(|(_, findings)| findings.iter().any(Finding::denies));
    if session.globals.json {
        let rulings = judged.iter().map(|(subject, findings)| ruling(subject, findings));
        let files = policy.paths().map(|path| path.display().to_string()).collect();
        session.json("omg.policy/1", Verdicts { files, packages: rulings.collect() });
    } else {
        let files: Vec<_> = policy.paths().map(|path| path.display().to_string()).collect();
        let files = if files.is_empty() {
            "no policy: all is allowed".to_owned()
        } else {
            files.join(", ")
        };
        session.out.styled(Style::Dim, &files).line();
        for (subject, findings) in &judged {
            show(session, subject, findings);
        }
    }
    Ok(if refused { Code::Policy.exit() } else { 0 })
}

fn ruling<'a>(subject: &'a Subject, findings: &'a [Finding]) -> Ruling<'a> {
    let rule = |finding: &'a Finding| Rule {
        name: finding.rule,
        verdict: word(finding.verdict),
        why: &finding.why,
        place: &finding.place,
    };
    Ruling {
        package: &subject.name,
        allowed: !findings.iter().any(Finding::denies),
        repository: &subject.repository,
        grade: subject.grade,
        rules: findings.iter().map(rule).collect(),
    }
}

fn show(session: &mut Session, subject: &Subject, findings: &[Finding]) {
    let denied = findings.iter().any(Finding::denies);
    let (style, verdict) = if denied { (Style::Bad, "refused") } else { (Style::Good, "allowed") };
    session.out.foreign(Style::Name, &subject.name).push(": ").styled(style, verdict);
    if let Some(grade) = subject.grade {
        session.out.push(&format!(", grade {grade}"));
    }
    session.out.push(", from ").foreign(Style::Repository, &subject.repository).line();
    let mut table = Table::new(&[Column::Left, Column::Left, Column::Left, Column::Spare]);
    for finding in findings {
        let style = match finding.verdict {
            Verdict::Allow => Style::Good,
            Verdict::Unknown => Style::Dim,
            Verdict::Deny => Style::Bad,
        };
        table.row([
            Cell::owned(style, format!("  {}", word(finding.verdict))),
            Cell::new(Style::Plain, finding.rule),
            Cell::new(Style::Plain, &finding.why),
            Cell::new(Style::Dim, &finding.place),
        ]);
    }
    table.write(&mut session.out);
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allow => "allow",
        Verdict::Unknown => "unknown",
        Verdict::Deny => "deny",
    }
}

/// The system's policy and the user's own.
fn in_force(session: &Session) -> Result<Policy, Fault> {
    let root = undo::root(session);
    let owner = if root == Path::new("/") { 0 } else { places::uid() };
    let system = Policy::system(&root, owner)?;
    let own = match places::settings() {
        Some(directory) => Policy::read(&directory.join("policy.toml"), places::uid())?,
        None => Policy::default(),
    };
    Ok(system.and(own))
}

/// All that is known of a package that somebody might install.
fn subject(session: &mut Session, package: &str) -> Result<Subject, Fault> {
    let answer = session.ask(Query::Info { package })?;
    let reply = answer.reply()?;
    let Reply::Info(details) = &reply else { return Err(unexpected(&reply)) };
    let first = details
        .first()
        .ok_or_else(|| Fault::new(Code::NotFound, format!("no package is called '{package}'")))?;
    let licenses: Vec<String> = first.licenses.iter().map(|it| (*it).to_owned()).collect();
    let mut subject = Subject {
        action: Some(Done::Install),
        origin: Some(first.source),
        repository: first.repository.to_owned(),
        licenses: (!licenses.is_empty()).then_some(licenses),
        ..Subject::named(first.name)
    };
    // The plan of installing it (again) knows the grade; what can't be planned has none.
    let mut change = Change::new(Operation::Install, [package]);
    change.options.reinstall = true;
    if let Ok(plan) = plan(session, &change)
        && let Some(planned) = plan.changes.iter().find(|it| it.name == subject.name)
    {
        subject.grade = planned.grade.as_deref().and_then(Grade::of);
        subject.repository.clone_from(&planned.repository);
        subject.signed = subject.grade.map(|grade| grade > Grade::Risk);
    }
    Ok(subject)
}

fn plan(session: &mut Session, change: &Change) -> Result<Plan, Fault> {
    let targets = targets_text(change);
    let answer = session.ask(Query::plan(change, &targets, ""))?;
    match answer.reply()? {
        Reply::Plan(plan) => Ok(plan),
        other => Err(unexpected(&other)),
    }
}
