//! The command of the native tool that does what a plan says, for as long as OMG itself does not.

use std::borrow::Cow;

use omg_core::{Action, Change, Code, Fault, Operation, Plan, Planned, Reason, Scope, Source};

/// What to say after a plan that is not carried out.
pub(super) fn refusal(change: &Change, plan: &Plan) -> Fault {
    let fault = Fault::new(Code::Usage, "this version plans and does not change anything yet");
    let repositories = command(change, plan).into_iter();
    let builds = plan.builds.iter().map(|build| {
        let base = quoted(&build.package_base);
        format!("`makepkg -si` in a clone of https://aur.archlinux.org/{base}.git")
    });
    let steps: Vec<String> = repositories.chain(builds).collect();
    let hint = format!("-n shows the plan only; to do it: {}", steps.join("; then "));
    fault.hint(hint)
}

/// A line to type, or several with `&&` between; nothing if all of it is built.
fn command(change: &Change, plan: &Plan) -> Option<String> {
    let apt = plan.changes.first().is_none_or(|planned| planned.source == Source::Apt)
        && plan.builds.is_empty();
    if plan.changes.iter().all(|planned| planned.source == Source::Aur) && !plan.builds.is_empty() {
        return None;
    }
    let words = if apt { apt_words(change, plan) } else { pacman_words(change, plan) };
    let words: Vec<_> = words.iter().map(|word| quoted(word)).collect();
    let line = format!("sudo {}", words.join(" "));
    Some(match (change.operation, apt) {
        (Operation::Upgrade, true) => format!("sudo apt-get update && {line}"),
        _ => line,
    })
}

fn apt_words(change: &Change, plan: &Plan) -> Vec<String> {
    let options = &change.options;
    let mut words = vec!["apt-get"];
    match (change.operation, options.scope) {
        (Operation::Install, _) => words.push("install"),
        (Operation::Remove, _) if options.purge => words.push("purge"),
        (Operation::Remove, _) => words.push("remove"),
        (Operation::Upgrade, Scope::Safe) => words.push("upgrade"),
        (Operation::Upgrade, Scope::Standard) => words.extend(["upgrade", "--with-new-pkgs"]),
        (Operation::Upgrade, Scope::Full) => words.push("dist-upgrade"),
        (Operation::Autoremove, _) => words.push("autoremove"),
    }
    let flags = [
        (change.operation == Operation::Remove && options.recursive, "--auto-remove"),
        (change.operation == Operation::Autoremove && options.purge, "--purge"),
        (options.reinstall, "--reinstall"),
        (options.without_recommends, "--no-install-recommends"),
    ];
    words.extend(flags.iter().filter(|(set, _)| *set).map(|(_, flag)| *flag));
    let mut words: Vec<String> = words.into_iter().map(str::to_owned).collect();
    words.extend(targets(change, plan, |planned| {
        let name = name(change, planned);
        match (&planned.new_version, change.operation) {
            (Some(version), _) => format!("{name}={version}"),
            (None, Operation::Install) => format!("{name}-"),
            (None, _) => name,
        }
    }));
    // Those chosen by the user must be named, or apt would take the first.
    if change.operation == Operation::Install {
        words.extend(change.providers.iter().map(|(_, package)| package.clone()));
    }
    words
}

fn pacman_words(change: &Change, plan: &Plan) -> Vec<String> {
    let options = &change.options;
    let files = change.targets.iter().any(|target| target.starts_with('/'));
    let cascades = plan.changes.iter().any(|planned| matches!(planned.reason, Reason::Loses(_)));
    let letters = |operation: &str| {
        let flags = [
            (cascades, 'c'),
            (options.recursive || change.operation == Operation::Autoremove, 's'),
            (options.purge, 'n'),
        ];
        let set = flags.iter().filter(|(set, _)| *set).map(|(_, letter)| *letter);
        std::iter::once('-').chain(operation.chars()).chain(set).collect::<String>()
    };
    let operation = match change.operation {
        Operation::Install if files => "-U".to_owned(),
        Operation::Install if options.follow => "-Syu".to_owned(),
        Operation::Install => "-S".to_owned(),
        Operation::Upgrade => "-Syu".to_owned(),
        Operation::Remove | Operation::Autoremove => letters("R"),
    };
    let mut words = vec!["pacman".to_owned(), operation];
    words.extend(targets(change, plan, |planned| match planned.action {
        Action::Remove | Action::Purge => planned.name.clone(),
        _ if planned.repository.is_empty() => planned.name.clone(),
        _ => format!("{}/{}", planned.repository, planned.name),
    }));
    words
}

/// What the user named, as `spell` writes it; as the user wrote it where the plan does not say, or a
/// file is among it.
fn targets(change: &Change, plan: &Plan, spell: impl Fn(&Planned) -> String) -> Vec<String> {
    let verbatim = change.targets.iter().any(|target| target.starts_with('/'));
    let named = |planned: &&Planned| match change.operation {
        Operation::Install | Operation::Remove => planned.reason == Reason::Requested,
        Operation::Upgrade => false,
        // pacman has no autoremove: it wants the names.
        Operation::Autoremove => planned.source != Source::Apt,
    };
    let found: Vec<String> = plan
        .changes
        .iter()
        .filter(named)
        .filter(|planned| planned.source != Source::Aur || planned.new_version.is_none())
        .map(spell)
        .collect();
    if verbatim || (found.is_empty() && plan.builds.is_empty()) {
        change.targets.clone()
    } else {
        found
    }
}

/// With its architecture, if the user named that.
fn name(change: &Change, planned: &Planned) -> String {
    let qualified = format!("{}:{}", planned.name, planned.architecture);
    if change.targets.iter().any(|target| target.starts_with(&qualified)) {
        qualified
    } else {
        planned.name.clone()
    }
}

/// A word as a POSIX shell takes it.
fn quoted(word: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=+~@,%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return Cow::Borrowed(word);
    }
    Cow::Owned(format!("'{}'", word.replace('\'', "'\\''")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::plan::samples::{apt, arch, planned};

    fn told(change: &Change, plan: &Plan) -> String {
        let fault = refusal(change, plan);
        assert_eq!(fault.code, Code::Usage);
        fault.hint.unwrap().split_once("to do it: ").unwrap().1.to_owned()
    }

    #[test]
    fn apt_gets_the_versions_of_the_plan() {
        let mut change = Change::new(Operation::Install, ["vim", "nano-"]);
        change.options.without_recommends = true;
        assert_eq!(
            told(&change, &apt()),
            "sudo apt-get install --no-install-recommends exim4-base- nano=1.0-2 vim=2:9.0.1378-2"
        );
        change.targets.push("/tmp/a b.deb".into());
        assert_eq!(
            told(&change, &apt()),
            "sudo apt-get install --no-install-recommends vim nano- '/tmp/a b.deb'"
        );
        let mut change = Change::new(Operation::Upgrade, Vec::<String>::new());
        change.options.scope = Scope::Full;
        assert_eq!(told(&change, &apt()), "sudo apt-get update && sudo apt-get dist-upgrade");
        let mut change = Change::new(Operation::Remove, ["vim"]);
        change.options.purge = true;
        let plan = Plan { changes: vec![planned(Action::Purge, "vim")], ..Plan::default() };
        assert_eq!(told(&change, &plan), "sudo apt-get purge vim");
    }

    #[test]
    fn pacman_gets_repositories_and_recipes_get_makepkg() {
        let change = Change::new(Operation::Install, ["yay", "go"]);
        assert_eq!(
            told(&change, &arch()),
            "sudo pacman -S extra/go; then `makepkg -si` in a clone of https://aur.archlinux.org/yay.git"
        );
        let change = Change::new(Operation::Upgrade, Vec::<String>::new());
        assert!(told(&change, &arch()).starts_with("sudo pacman -Syu; then"));
    }

    #[test]
    fn foreign_words_stay_words() {
        assert_eq!(quoted("a'; reboot"), "'a'\\''; reboot'");
        assert_eq!(quoted("$(reboot)"), "'$(reboot)'");
        assert_eq!(quoted(""), "''");
    }
}
