//! Questions to whoever sits at the terminal. They stand on standard error: standard output is for
//! the answer to the command.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use omg_core::{Code, Fault};

use super::{Style, clean};

/// Wrong answers before a question is given up.
const TRIES: usize = 5;

/// Can anybody read a question and type an answer?
pub(crate) fn somebody_there() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks which of several; an empty answer is the one at `usual`. Gives back its place in the list.
///
/// # Errors
/// [`Code::Declined`] if no answer comes.
pub(crate) fn choose(
    question: &str,
    options: &[String],
    usual: usize,
    color: bool,
) -> Result<usize, Fault> {
    let row = |(at, option): (usize, &String)| format!("  {:>2}  {}\n", at + 1, clean(option));
    let rows: String = options.iter().enumerate().map(row).collect();
    say(&format!("{}\n{rows}", heading(question, color)));
    for _ in 0..TRIES {
        say(&format!("Number [1-{}, default {}]: ", options.len(), usual + 1));
        match picked(&line()?, options.len(), usual) {
            Some(at) => return Ok(at),
            None => say("That is none of the numbers.\n"),
        }
    }
    Err(declined())
}

/// Asks yes or no; an empty answer is no.
///
/// # Errors
/// [`Code::Declined`] if no answer comes.
pub(crate) fn confirm(question: &str, color: bool) -> Result<bool, Fault> {
    agree(question, false, color)
}

/// Asks yes or no; an empty answer is `usual`, and one that is neither is no.
///
/// # Errors
/// [`Code::Declined`] if no answer comes.
pub(crate) fn agree(question: &str, usual: bool, color: bool) -> Result<bool, Fault> {
    let choices = if usual { "[Y/n]" } else { "[y/N]" };
    say(&format!("{} {choices} ", heading(question, color)));
    Ok(match line()?.trim().to_ascii_lowercase().as_str() {
        "" => usual,
        answer => matches!(answer, "y" | "yes"),
    })
}

/// The place in a list that an answer names, counted from 1 by people.
fn picked(answer: &str, options: usize, usual: usize) -> Option<usize> {
    match answer.trim() {
        "" => Some(usual),
        number => number.parse::<usize>().ok()?.checked_sub(1).filter(|at| *at < options),
    }
}

fn heading(text: &str, color: bool) -> String {
    let text = clean(text);
    if color {
        format!("{}{text}{}", Style::Heading.start(), Style::Heading.end())
    } else {
        text.into_owned()
    }
}

fn say(text: &str) {
    // A terminal that takes no more text gives no answer either, which is told apart below.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

fn line() -> Result<String, Fault> {
    let mut line = String::new();
    if matches!(io::stdin().lock().read_line(&mut line), Ok(1..)) {
        return Ok(line);
    }
    say("\n");
    Err(declined())
}

fn declined() -> Fault {
    Fault::new(Code::Declined, "the question was not answered")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_names_a_place_or_nothing() {
        assert_eq!(picked("\n", 3, 1), Some(1));
        assert_eq!(picked(" 3\n", 3, 0), Some(2));
        for wrong in ["0", "4", "-1", "one", "99999999999999999999"] {
            assert_eq!(picked(wrong, 3, 0), None, "{wrong}");
        }
    }
}
