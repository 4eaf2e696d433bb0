//! The layout of `omg --help` and of the examples below a verb's help.

use clap::builder::StyledStr;

use crate::commands::{Group, VERBS};

/// The root's help with verbs under headings, which clap has no words for.
pub(super) fn template() -> StyledStr {
    use std::fmt::Write as _;

    let mut text = String::from("{about}\n\n{usage-heading} {usage}\n");
    for (group, heading) in [
        (Group::Find, "Find"),
        (Group::Change, "Change"),
        (Group::Past, "Past"),
        (Group::Security, "Security"),
        (Group::Itself, "OMG itself"),
    ] {
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

#[cfg(test)]
mod tests {
    use crate::cli::{root, subcommand, tree};
    use crate::commands::VERBS;

    /// Deriving a verb's arguments sets its description from the type's comment; that must not win.
    #[test]
    fn every_verb_says_what_its_row_says() {
        for entry in VERBS {
            let mut command = subcommand(entry);
            assert_eq!(command.get_about().unwrap().to_string(), entry.about, "{}", entry.name);
            for text in [command.render_help(), command.render_long_help()] {
                assert_eq!(text.to_string().lines().next(), Some(entry.about), "{}", entry.name);
            }
        }
    }

    /// Nor may the comment of the common flags become the program's description.
    #[test]
    fn the_help_begins_with_what_omg_is() {
        for mut command in [root(), tree()] {
            for text in [command.render_help(), command.render_long_help()] {
                let text = text.to_string();
                assert_eq!(
                    text.lines().next(),
                    Some("One command for every package on this system")
                );
            }
        }
    }

    /// Terminals of 80 columns are what most people have.
    #[test]
    fn no_help_is_wider_than_a_terminal() {
        let verbs = VERBS.iter().map(subcommand);
        for mut command in verbs.chain([tree()]) {
            for line in command.render_help().to_string().lines() {
                assert!(crate::render::width(line) <= 80, "{line}");
            }
        }
    }

    #[test]
    fn every_example_is_indented() {
        for entry in VERBS {
            let text = subcommand(entry).render_help().to_string();
            let (_, examples) = text.split_once("Examples:\n").unwrap();
            assert_eq!(examples.trim_end().lines().count(), entry.examples.lines().count());
            for line in examples.trim_end().lines() {
                let command = line.strip_prefix("  ").unwrap_or_default();
                assert!(command.starts_with(|c: char| !c.is_whitespace()), "{line:?}");
                assert!(command.contains("omg "), "{line:?}");
            }
        }
    }
}
