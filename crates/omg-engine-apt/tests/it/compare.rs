//! One request, made of the engine and of apt-get, and whether they agree.

use std::collections::BTreeSet;

use omg_core::{Action, Change, Code, Fault, Operation, Plan, Scope};

use crate::root::{Root, Said};

/// How two answers relate.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Verdict {
    /// The same changes, the same lists, or both refuse.
    Same,
    /// Both refuse.
    BothFail,
    /// apt-get leaves the choice between providers of a named virtual package to the user; the engine
    /// makes it and tells.
    Provider,
    /// apt-get warns and goes on with `-s`; the engine refuses to remove what is essential.
    Essential,
    /// The same changes, but apt-get finds no order to make them in: a circle of dependencies that
    /// its simulation can't break. The engine doesn't order.
    Order,
    /// None of these.
    Different,
}

/// The command line of apt-get that means the same.
pub(crate) fn command(change: &Change) -> Vec<String> {
    let options = change.options;
    let mut words: Vec<&str> = match (change.operation, options.scope) {
        (Operation::Install, _) => vec!["install"],
        (Operation::Remove, _) => vec!["remove"],
        (Operation::Autoremove, _) => vec!["autoremove"],
        (Operation::Upgrade, Scope::Safe) => vec!["upgrade"],
        (Operation::Upgrade, Scope::Standard) => vec!["upgrade", "--with-new-pkgs"],
        (Operation::Upgrade, Scope::Full) => vec!["dist-upgrade"],
    };
    if change.operation == Operation::Upgrade && !change.targets.is_empty() {
        words = vec!["install", "--only-upgrade"];
    }
    if options.recursive {
        words.push("--autoremove");
    }
    if options.purge {
        words.push("--purge");
    }
    if options.reinstall {
        words.push("--reinstall");
    }
    if options.without_recommends {
        words.push("--no-install-recommends");
    }
    words.into_iter().map(str::to_owned).chain(change.targets.iter().cloned()).collect()
}

/// Both answers to a request; `None` if there is no apt-get.
pub(crate) fn ask(root: &Root, change: &Change) -> Option<(Verdict, String)> {
    let said = root.apt_get(&command(change))?;
    let planned = root.plan(change);
    let (verdict, about) = judge(root, change, &said, &planned);
    let about = format!("apt-get -s {}\n{about}", command(change).join(" "));
    Some((verdict, about))
}

fn judge(
    root: &Root,
    change: &Change,
    said: &Said,
    planned: &Result<Plan, Fault>,
) -> (Verdict, String) {
    let essential = said.text.contains("The following essential packages will be removed");
    let virtual_package = said.text.contains("is a virtual package provided by");
    match planned {
        Err(fault) if fault.code == Code::Refused && essential => {
            (Verdict::Essential, String::new())
        }
        Err(fault) if !said.ok => {
            let expected = if said.text.contains("Unable to locate package")
                || said.text.contains("was not found")
            {
                Code::NotFound
            } else {
                fault.code
            };
            // Where essential packages are named, apt-get may fail for what needs them.
            let expected = if fault.code == Code::Refused { Code::Refused } else { expected };
            let known = matches!(
                fault.code,
                Code::NotFound | Code::Unsolvable | Code::Usage | Code::Refused
            );
            let verdict = if known && fault.code == expected {
                Verdict::BothFail
            } else {
                Verdict::Different
            };
            (verdict, format!("{fault:?}\n{}", said.text))
        }
        Err(fault) => {
            (Verdict::Different, format!("only the engine fails: {fault:?}\n{}", said.text))
        }
        Ok(plan) if !said.ok => {
            let chosen = plan.providers.iter().any(|choice| choice.wanted_by.is_empty());
            let circle = ["E: Conf Broken", "Fatal, conflicts violated", "MaxLoopCount reached"];
            let circle = circle.iter().any(|message| said.text.contains(message));
            let ours: BTreeSet<String> = changes(root, plan)
                .iter()
                .filter_map(|line| line.split(' ').nth(1).map(str::to_owned))
                .collect();
            let verdict = if chosen && virtual_package {
                Verdict::Provider
            } else if circle && ours == announced(root, &said.text) {
                Verdict::Order
            } else {
                Verdict::Different
            };
            (verdict, format!("only apt-get fails: {:?}\n{}", changes(root, plan), said.text))
        }
        Ok(plan) => {
            let mut about =
                differences("changes", &changes(root, plan), &simulated(root, &said.text));
            about += &differences(
                "no longer required",
                &plan.unneeded.iter().cloned().collect(),
                &listed(&said.text, "no longer required:"),
            );
            if change.operation == Operation::Upgrade && change.targets.is_empty() {
                let held = plan
                    .held_back
                    .iter()
                    .map(|held| qualified(root, &held.name, &held.architecture));
                let kept = listed(&said.text, "kept back:");
                let kept = kept.iter().map(|name| full(root, name)).collect();
                about += &differences("kept back", &held.collect(), &kept);
            }
            let verdict = if about.is_empty() { Verdict::Same } else { Verdict::Different };
            (verdict, about)
        }
    }
}

fn differences(what: &str, ours: &BTreeSet<String>, theirs: &BTreeSet<String>) -> String {
    if ours == theirs {
        return String::new();
    }
    let excess: Vec<_> = ours.difference(theirs).take(10).collect();
    let missing: Vec<_> = theirs.difference(ours).take(10).collect();
    format!("{what}: excess {excess:?}, missing {missing:?}\n")
}

fn qualified(root: &Root, name: &str, architecture: &str) -> String {
    let architecture = if architecture == "all" { root.native } else { architecture };
    format!("{name}:{architecture}")
}

fn full(root: &Root, name: &str) -> String {
    if name.contains(':') { name.to_owned() } else { format!("{name}:{}", root.native) }
}

/// A plan's changes in the words of the simulation.
pub(crate) fn changes(root: &Root, plan: &Plan) -> BTreeSet<String> {
    let lines = plan.changes.iter().map(|change| {
        let name = qualified(root, &change.name, &change.architecture);
        let old = change.old_version.as_deref().unwrap_or("-");
        match change.action {
            Action::Remove => format!("Remv {name} {old}"),
            Action::Purge => format!("Purg {name} {old}"),
            _ => format!("Inst {name} {old} {}", change.new_version.as_deref().unwrap_or("-")),
        }
    });
    lines.collect()
}

/// The lines of a simulation. What is removed for a moment only, to break a circle, comes back by an
/// `Inst` of its own.
fn simulated(root: &Root, text: &str) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for line in text.lines() {
        let Some((kind, rest)) = line.split_once(' ') else { continue };
        if !["Inst", "Remv", "Purg"].contains(&kind) {
            continue;
        }
        let (name, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let old = rest.strip_prefix('[').and_then(|rest| rest.split(']').next()).unwrap_or("-");
        let name = full(root, name);
        lines.insert(if kind == "Inst" {
            let new = rest.split('(').nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or("-");
            format!("Inst {name} {old} {new}")
        } else {
            format!("{kind} {name} {old}")
        });
    }
    let back: BTreeSet<String> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("Inst "))
        .filter_map(|line| line.split(' ').next().map(str::to_owned))
        .collect();
    lines.retain(|line| {
        line.starts_with("Inst") || !back.contains(line.split(' ').nth(1).unwrap_or(""))
    });
    lines
}

/// The names of one of apt-get's lists.
fn listed(text: &str, heading: &str) -> BTreeSet<String> {
    let mut lines = text.lines().skip_while(|line| !line.trim_end().ends_with(heading));
    lines.next();
    let names = lines.take_while(|line| line.starts_with("  ")).flat_map(str::split_whitespace);
    names.map(str::to_owned).collect()
}

/// The names that apt-get lists before it looks for an order.
fn announced(root: &Root, text: &str) -> BTreeSet<String> {
    let headings = [
        "NEW packages will be installed:",
        "will be upgraded:",
        "will be REMOVED:",
        "will be DOWNGRADED:",
    ];
    let names = headings.iter().flat_map(|heading| listed(text, heading));
    names.map(|name| full(root, name.trim_end_matches('*'))).collect()
}
