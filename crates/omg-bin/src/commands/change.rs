//! What `install`, `remove`, `update` and `autoremove` share: a change becomes a plan, the user chooses
//! among providers, sees what would be done and agrees, and it is carried out.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use omg_core::{Change, Code, Conffiles, Fault, Operation, Plan, ProviderChoice};
use omg_proto::{Query, Reply, providers_text, targets_text};

use super::carry::{self, Approved};
use super::{builds, plan, suggest};
use crate::engine::{LOCK_TIMEOUT, Terms};
use crate::render::{choose, somebody_there};
use crate::session::{Session, unexpected};

/// Plans made before questions end: each answer may bring new questions.
const ROUNDS: usize = 16;

/// Flags of every verb that changes the system.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(super) struct Manner {
    /// Only show the plan (also --print, --simulate)
    #[arg(
        short = 'n',
        long = "dry-run",
        aliases = ["print", "simulate"],
        short_alias = 'p'
    )]
    dry_run: bool,
    /// Ask nothing (also --noconfirm, --assume-yes)
    #[arg(short, long, aliases = ["noconfirm", "assume-yes"])]
    yes: bool,
    /// Wait so many seconds for another package manager
    #[arg(long, value_name = "SECONDS", default_value_t = LOCK_TIMEOUT, hide_default_value = true)]
    lock_timeout: u32,
    /// Take the package's settings where both changed
    #[arg(long, aliases = ["force-confnew"])]
    new_config: bool,
}

impl Manner {
    /// Has the user said yes beforehand?
    pub(super) fn assents(self) -> bool {
        self.yes
    }

    /// Is the plan only shown?
    pub(super) fn is_dry(self) -> bool {
        self.dry_run
    }

    /// How orders are carried out.
    pub(super) fn terms(self) -> Terms {
        let conffiles = if self.new_config { Conffiles::Replace } else { Conffiles::Keep };
        Terms { conffiles, lock_timeout_s: self.lock_timeout }
    }
}

/// Plans the change, shows it and, without `-n`, carries it out.
pub(super) fn run(session: &mut Session, change: Change, manner: Manner) -> Result<u8, Fault> {
    run_as(session, change, manner, None)
}

/// As [`run`]; `undoes` is the number of the recorded change that this one takes back or repeats.
pub(super) fn run_as(
    session: &mut Session,
    mut change: Change,
    manner: Manner,
    undoes: Option<u64>,
) -> Result<u8, Fault> {
    let plan =
        settle(session, &mut change, manner).map_err(|fault| near(session, &change, fault))?;
    if manner.dry_run || plan.is_empty() {
        show(session, &plan);
        return Ok(0);
    }
    if session.globals.json {
        // Of a change that nobody agreed to, the error is the one object.
        carry::agree(session, &change, &plan, manner)?;
    }
    show(session, &plan);
    carry::agree(session, &change, &plan, manner)?;
    builds::consent(session, &plan, manner)?;
    session.show()?;
    let approved = Approved { change: &change, plan: &plan, terms: manner.terms(), undoes };
    carry::out(session, &approved)?;
    Ok(0)
}

/// The plan. As JSON it is the whole answer of a dry run, and the first of several objects, a line each,
/// where something is done.
pub(super) fn show(session: &mut Session, plan: &Plan) {
    if session.globals.json {
        session.json("omg.plan/1", plan::Body::of(plan));
    } else if session.globals.quiet {
        plan::write_quiet(&mut session.out, plan);
    } else {
        let view = plan::View { plan, now: now(), verbose: session.globals.verbose };
        view.write(&mut session.out);
    }
}

/// Adds names like the one that was not found, unless the backend did.
fn near(session: &mut Session, change: &Change, fault: Fault) -> Fault {
    // What is to be removed may well be a name that is right, of something that is not here.
    let unknown = fault.code == Code::NotFound && change.operation == Operation::Install;
    if !unknown || !fault.suggestions.is_empty() {
        return fault;
    }
    let bare = |target: &str| {
        let name = target.rsplit_once('/').map_or(target, |(_, name)| name);
        name.split([':', '=']).next().unwrap_or(name).to_owned()
    };
    let mut names = change.targets.iter().map(|target| bare(target));
    match names.find(|name| fault.message.contains(name.as_str())) {
        Some(name) => {
            let mut names = suggest::near(session, &name);
            // A name that is right was not what could not be found.
            if names.contains(&name) {
                names.clear();
            }
            fault.suggest(names)
        }
        None => fault,
    }
}

/// Seconds since the epoch.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

/// Plans until no choice is left that the user should make.
fn settle(session: &mut Session, change: &mut Change, manner: Manner) -> Result<Plan, Fault> {
    let globals = &session.globals;
    let asks = !(manner.yes || globals.json || globals.quiet)
        && session.out.screen.tty()
        && somebody_there();
    let mut plan = make(session, change)?;
    for _ in 0..ROUNDS {
        let open = open_choices(&plan, change);
        if !asks || open.is_empty() || !answer(session, change, &open)? {
            break;
        }
        plan = make(session, change)?;
    }
    Ok(plan)
}

fn make(session: &mut Session, change: &Change) -> Result<Plan, Fault> {
    if let Some(wrong) = change.targets.iter().find(|target| target.contains(char::is_control)) {
        let message = format!("'{}' can't be a package", wrong.escape_debug());
        return Err(Fault::new(Code::Usage, message));
    }
    let (targets, providers) = (targets_text(change), providers_text(change));
    let answer = session.ask(Query::plan(change, &targets, &providers))?;
    match answer.reply()? {
        Reply::Plan(plan) => Ok(plan),
        other => Err(unexpected(&other)),
    }
}

/// Choices of several that the user has not made, each once.
fn open_choices(plan: &Plan, change: &Change) -> Vec<ProviderChoice> {
    let mut seen = BTreeSet::new();
    let open = plan.providers.iter().filter(|choice| {
        choice.options.len() > 1
            && change.provider(&choice.wanted).is_none()
            && seen.insert(&choice.wanted)
    });
    open.cloned().collect()
}

/// Asks; true if an answer differs from what the plan has.
fn answer(session: &Session, change: &mut Change, open: &[ProviderChoice]) -> Result<bool, Fault> {
    let mut differs = false;
    for choice in open {
        let by = match choice.wanted_by.as_str() {
            "" => String::new(),
            package => format!(" for {package}"),
        };
        let question = format!("Which package is to provide {}{by}?", choice.wanted);
        let usual = choice.options.iter().position(|option| *option == choice.chosen);
        let color = session.out.screen.error_color;
        let at = choose(&question, &choice.options, usual.unwrap_or(0), color)?;
        if let Some(picked) = choice.options.get(at) {
            differs |= *picked != choice.chosen;
            change.providers.push((choice.wanted.clone(), picked.clone()));
        }
    }
    Ok(differs)
}

/// `WANTED=PKG` of `--provider`.
pub(super) fn provider(text: &str) -> Result<(String, String), String> {
    // From the right: the wanted name may come with a relation, `java-runtime>=17`.
    match text.rsplit_once('=') {
        Some((wanted, package)) if !wanted.is_empty() && !package.is_empty() => {
            Ok((wanted.to_owned(), package.to_owned()))
        }
        _ => Err("expected WANTED=PKG, as in java-runtime=jre-openjdk".to_owned()),
    }
}

/// `3d`, `12h`, `30m`, `45s`, `2w` or `0` as seconds.
pub(super) fn seconds(text: &str) -> Result<u64, String> {
    let wrong = || "expected a number with s, m, h, d or w behind it, or 0".to_owned();
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    let unit = match text.strip_prefix(digits) {
        Some("") if number == 0 => 1,
        Some("s") => 1,
        Some("m") => 60,
        Some("h") => 3_600,
        Some("d") => 86_400,
        Some("w") => 604_800,
        _ => return Err(wrong()),
    };
    number.checked_mul(unit).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        let good = [("0", 0), ("3d", 259_200), ("12h", 43_200), ("2w", 1_209_600), ("0d", 0)];
        for (text, expected) in good {
            assert_eq!(seconds(text), Ok(expected));
        }
        for wrong in ["", "3", "d", "3 d", "-3d", "3dd", "3y", "99999999999999999999d", "1e9h"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_provider_may_be_wanted_in_a_version() {
        let pair = |wanted: &str, package: &str| Ok((wanted.to_owned(), package.to_owned()));
        assert_eq!(provider("sh=dash"), pair("sh", "dash"));
        assert_eq!(
            provider("java-runtime>=17=jre-openjdk"),
            pair("java-runtime>=17", "jre-openjdk")
        );
        assert!(
            provider("dash").is_err() && provider("=dash").is_err() && provider("sh=").is_err()
        );
    }

    #[test]
    fn a_choice_is_asked_for_once_and_only_if_it_is_one() {
        let choice = |wanted: &str, by: &str, options: &[&str]| ProviderChoice {
            wanted: wanted.into(),
            wanted_by: by.into(),
            chosen: options[0].into(),
            options: options.iter().map(|&it| it.into()).collect(),
        };
        let plan = Plan {
            providers: vec![
                choice("awk", "a", &["mawk", "gawk"]),
                choice("awk", "b", &["mawk", "gawk"]),
                choice("fixed", "a", &["one", "two"]),
                choice("single", "a", &["only"]),
            ],
            ..Plan::default()
        };
        let mut change = Change::new(Operation::Install, ["a", "b"]);
        change.providers.push(("fixed".into(), "two".into()));
        let open = open_choices(&plan, &change);
        assert_eq!(open.iter().map(|it| it.wanted.as_str()).collect::<Vec<_>>(), ["awk"]);
    }
}
