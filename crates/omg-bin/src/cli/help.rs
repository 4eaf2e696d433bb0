//! The layout of `omg --help` and of the examples below a verb's help.

use clap::builder::StyledStr;

use crate::commands::{Group, VERBS};

/// The root's help with verbs under headings, which clap has no words for.
pub(super) fn template() -> StyledStr {
    use std::fmt::Write as _;

    let mut text = String::from("{about}\n\n{usage-heading} {usage}\n");
    for (group, heading) in [(Group::Find, "Find"), (Group::Itself, "OMG itself")] {
        let _ = write!(text, "\n\u{1b}[1m\u{1b}[4m{heading}:\u{1b}[0m\n");
        for entry in VERBS.iter().filter(|entry| entry.group == group) {
            let _ = writeln!(text, "  \u{1b}[1m{:<12}\u{1b}[0m {}", entry.name, entry.about);
        }
    }
    text.push_str("\n{options}\n\nomg help VERB says more, with examples.\n");
    text.into()
}

/// Examples as clap shows them below a verb's options.
pub(super) fn examples(lines: &str) -> StyledStr {
    let lines: Vec<String> = lines.lines().map(|line| format!("  {}", line.trim_start())).collect();
    format!("\u{1b}[1m\u{1b}[4mExamples:\u{1b}[0m\n{}", lines.join("\n")).into()
}
