//! pacman itself.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use omg_core::{Action, Change, Operation, Plan};
use omg_engine_alpm::AlpmPlanner;

use crate::root::Root;

/// What pacman printed, and whether it succeeded.
pub(crate) struct Ran {
    pub(crate) success: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Is pacman here? Without it nothing can be compared, which only a developer's machine may do.
pub(crate) fn available() -> bool {
    let there = Command::new("pacman").arg("-V").stdout(Stdio::null()).status().is_ok();
    if !there {
        eprintln!("SKIPPED: pacman is not installed, so no plan is compared with its own");
        assert!(std::env::var("CI").as_deref() != Ok("true"), "pacman must be there in CI");
    }
    there
}

/// Runs pacman on a root, and only on that.
pub(crate) fn pacman(root: &Root, arguments: &[&str]) -> Ran {
    let path = |below: &str| root.path().join(below).into_os_string();
    let mut command = Command::new("pacman");
    // It insists on being root for what would change something, also below a directory of ours.
    let prints = arguments.iter().any(|one| *one == "--print-format" || one.starts_with("-Q"));
    if !prints && !is_root() {
        command = Command::new("fakeroot");
        command.arg("pacman");
    }
    command.arg("--config").arg(path("etc/pacman.conf"));
    command.arg("--root").arg(root.path()).arg("--dbpath").arg(root.database());
    command.arg("--cachedir").arg(path("var/cache/pacman/pkg"));
    command.arg("--logfile").arg(path("pacman.log")).arg("--hookdir").arg(path("hooks"));
    command.arg("--gpgdir").arg(path("gnupg")).arg("--noconfirm").args(arguments);
    // libalpm in a test beside this one changes the directory of the whole process.
    let output = command.current_dir("/").env("LC_ALL", "C").stdin(Stdio::null()).output().unwrap();
    Ran {
        success: output.status.success(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

pub(crate) fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().unwrap();
    output.stdout == b"0\n"
}

/// The same request as pacman's arguments, without those that say whether it prints.
fn arguments(change: &Change) -> Vec<&str> {
    let mut arguments = match change.operation {
        Operation::Install if change.options.follow => vec!["-Su"],
        Operation::Install => vec!["-S"],
        Operation::Upgrade => vec!["-Su"],
        Operation::Remove if change.options.recursive => vec!["-Rs"],
        Operation::Remove => vec!["-R"],
        Operation::Autoremove => panic!("pacman has no such operation"),
    };
    if change.operation == Operation::Install {
        if change.targets.iter().any(|target| target.starts_with('/')) {
            arguments = vec!["-U"];
        }
        if !change.options.reinstall {
            arguments.push("--needed");
        }
    }
    arguments.extend(change.targets.iter().map(String::as_str));
    arguments
}

/// What `-Sp`, `-Sup`, `-Up` and `-Rp` print, or `None` if pacman refuses.
pub(crate) fn printed(root: &Root, change: &Change) -> Result<BTreeSet<String>, String> {
    let mut all = arguments(change);
    all.extend(["--print", "--print-format", "%n %v %r"]);
    let ran = pacman(root, &all);
    if !ran.success {
        return Err(ran.stdout + &ran.stderr);
    }
    let lines = ran.stdout.lines().filter(|line| line.split(' ').count() == 3);
    // pacman -R says so on standard output, in four words and a space.
    Ok(lines.map(str::to_owned).collect())
}

/// What pacman would do if it were to do it and removed what is in the way: names with versions, and
/// ` [removal]` after those that go. It stops when it finds no server to download from.
pub(crate) fn intended(root: &Root, change: &Change) -> (Option<BTreeSet<String>>, String) {
    let mut all = arguments(change);
    all.extend(["--ask", "4"]);
    let ran = pacman(root, &all);
    let text = ran.stdout + &ran.stderr;
    if text.contains(" there is nothing to do") {
        return (Some(BTreeSet::new()), text);
    }
    let Some(line) = text.lines().find(|line| line.starts_with("Packages (")) else {
        return (None, text);
    };
    let (_, list) = line.split_once(") ").unwrap();
    let list = list.replace(" [removal]", "\u{1}");
    let words: Vec<&str> = list.split_whitespace().collect();
    // It lists twice what is replaced and comes again; a plan has one change of it.
    let comes_again = |one: &str| {
        one.ends_with('\u{1}')
            && words.iter().any(|other| !other.ends_with('\u{1}') && name(other) == name(one))
    };
    let all = words.iter().filter(|one| !comes_again(one));
    (Some(all.map(|one| one.replace('\u{1}', " [removal]")).collect()), text)
}

/// The name in NAME-VERSION-RELEASE.
fn name(word: &str) -> Option<&str> {
    word.rsplitn(3, '-').nth(2)
}

/// Our plan in the words of [`printed`]: of an installation what comes, of a removal what goes.
pub(crate) fn in_print(plan: &Plan, operation: Operation) -> BTreeSet<String> {
    let removal = matches!(operation, Operation::Remove | Operation::Autoremove);
    let changes = plan.changes.iter().filter(|change| goes(change.action) == removal);
    changes
        .map(|change| {
            let version = change.new_version.as_ref().or(change.old_version.as_ref()).unwrap();
            let from_file = removal || change.repository.starts_with('/');
            let repository = if from_file { "local" } else { &change.repository };
            format!("{} {version} {repository}", change.name)
        })
        .collect()
}

/// Our plan in the words of [`intended`].
fn in_intent(plan: &Plan) -> BTreeSet<String> {
    plan.changes
        .iter()
        .map(|change| {
            let version = change.new_version.as_ref().or(change.old_version.as_ref()).unwrap();
            let mark = if goes(change.action) { " [removal]" } else { "" };
            format!("{}-{version}{mark}", change.name)
        })
        .collect()
}

fn goes(action: Action) -> bool {
    matches!(action, Action::Remove | Action::Purge)
}

/// What a comparison ended with, for counting.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Equal {
    /// Both would do the same.
    Done,
    /// Both would do nothing.
    Nothing,
    /// Both refuse.
    Refused,
    /// Both would do the same, which is not what `pacman -Sp` prints, because of a conflict.
    Cleared,
    /// Both refuse because of a conflict, which `pacman -Sp` does not see.
    Conflict,
}

/// Compares our plan, before partial upgrades are refused, with pacman's.
///
/// Plans equal what `-Sp`, `-Sup` and `-Rp` print, with two classes of exceptions, both of what pacman
/// does not look at if it only prints:
/// * With `--print` it skips conflicts (`ALPM_TRANS_FLAG_NOCONFLICTS`), those among targets and those
///   with what is installed; a plan that did so could not be carried out.
/// * It prints nothing of what goes when something comes.
///
/// Where either may matter, the plan is compared with what pacman intends when it is really run and told
/// to remove what is in the way. A plan may differ from what is printed only if pacman, really run,
/// speaks of a conflict.
pub(crate) fn compare(
    root: &Root,
    planner: &mut AlpmPlanner,
    change: &Change,
) -> Result<Equal, String> {
    let ours = planner.resolve(change);
    let theirs = printed(root, change);
    let plain = match (&ours, &theirs) {
        (Ok(plan), Ok(printed)) => same(change, &in_print(plan, change.operation), printed)
            .map(|()| if plan.is_empty() { Equal::Nothing } else { Equal::Done }),
        (Err(_), Err(_)) => return Ok(Equal::Refused),
        (Ok(plan), Err(text)) => {
            Err(format!("{change:?}: pacman refuses: {text}\nours: {:?}", in_intent(plan)))
        }
        (Err(error), Ok(printed)) => {
            Err(format!("{change:?}: ours refuses: {error:?}\npacman: {printed:?}"))
        }
    };
    let removes = ours.as_ref().is_ok_and(|plan| plan.changes.iter().any(|one| goes(one.action)));
    if change.operation == Operation::Remove || (plain.is_ok() && !removes) {
        return plain;
    }
    let (intent, text) = intended(root, change);
    if plain.is_err() && !text.contains("in conflict") && !text.contains("conflicts with") {
        return plain;
    }
    match (ours, intent) {
        (Ok(plan), Some(intent)) => {
            same(change, &in_intent(&plan), &intent)?;
            Ok(plain.unwrap_or(Equal::Cleared))
        }
        (Err(_), None) => Ok(Equal::Conflict),
        (Ok(plan), None) => {
            Err(format!("{change:?}: pacman refuses: {text}\nours: {:?}", in_intent(&plan)))
        }
        (Err(error), Some(intent)) => {
            Err(format!("{change:?}: ours refuses: {error:?}\npacman: {intent:?}"))
        }
    }
}

fn same(change: &Change, ours: &BTreeSet<String>, theirs: &BTreeSet<String>) -> Result<(), String> {
    if ours == theirs {
        return Ok(());
    }
    let only_ours: Vec<_> = ours.difference(theirs).collect();
    let only_theirs: Vec<_> = theirs.difference(ours).collect();
    Err(format!("{change:?}: only ours: {only_ours:?}; only pacman's: {only_theirs:?}"))
}
