//! What the first word of the command line is.

use std::ffi::{OsStr, OsString};

use omg_core::Fault;

use super::{pacman, problem, reserved, spelling, verb};
use crate::commands::Entry;

/// What the command line begins with, flags aside.
pub(super) enum First {
    /// A verb.
    Verb(&'static Entry),
    /// A call for help, perhaps with a verb.
    Help(Option<String>),
    /// No word, or a flag that no verb stands before: clap has the last word.
    Other,
}

/// Common flags whose value is the next word.
pub(super) const WITH_VALUE: &[&str] = &["-C", "--color", "--root"];

/// Common flags that stand alone.
const ALONE: &[&str] = &["--json", "--no-pager", "--quiet", "--verbose", "-q", "-v", "-qv", "-vq"];

/// Finds the first word behind common flags. If it is no verb and not nearly one, it is something to
/// search for: then `search` is put in front of it.
pub(super) fn word(arguments: &mut Vec<OsString>) -> Result<First, Fault> {
    let mut at = 1;
    while let Some(argument) = arguments.get(at) {
        let Some(text) = argument.to_str() else { return Ok(First::Other) };
        match text {
            _ if WITH_VALUE.contains(&text) => at += 2,
            _ if ALONE.contains(&text) => at += 1,
            _ if text.starts_with("--color=") || text.starts_with("--root=") => at += 1,
            "help" => {
                return Ok(First::Help(
                    arguments.get(at + 1).and_then(|next| next.to_str()).map(str::to_owned),
                ));
            }
            "-h" | "--help" => return Ok(First::Help(None)),
            _ if text.starts_with('-') => {
                let text = text.to_owned();
                if pacman::spell_out(arguments, at) {
                    continue;
                }
                return pacman::too_early(&text).map_or(Ok(First::Other), Err);
            }
            word => {
                let word = spelling::verb_of(word).unwrap_or(word);
                if let Some(entry) = verb(word) {
                    spelling::spell_out(arguments, at);
                    return Ok(First::Verb(entry));
                }
                reserved::check(word)?;
                problem::misspelt(word)?;
                arguments.insert(at, "search".into());
                return Ok(verb("search").map_or(First::Other, First::Verb));
            }
        }
    }
    Ok(First::Other)
}

/// Is there `--json` among the flags? Asked before parsing, because a parse error must be JSON too.
pub(super) fn asks_for_json(arguments: &[OsString]) -> bool {
    arguments
        .iter()
        .skip(1)
        .take_while(|argument| *argument != OsStr::new("--"))
        .any(|it| it == OsStr::new("--json"))
}
