//! From the command line to a verb and its arguments, and from a result to an exit code.
//!
//! The first word decides. Only the verb it names is built into a clap command; building all of them
//! takes longer than the daemon needs for an answer. `help`, completions and man pages use [`tree`].

mod first;
mod help;
mod pacman;
mod problem;
mod reserved;
mod spelling;

use std::ffi::OsString;
use std::io::Write as _;

use clap::error::ErrorKind;
use clap::{ArgMatches, Args as _, Command, FromArgMatches as _};
use omg_core::{Code, Fault};

use crate::commands::{Entry, VERBS};
use crate::places;
use crate::render::{ColorChoice, Screen, complain, emit, fault_json};
use crate::session::{Globals, Session};
use crate::settings::{Settings, When};
use first::First;

pub(crate) use problem::usage;

/// Runs `omg` with these arguments, the program's name first; gives back the exit code.
pub fn main(arguments: Vec<OsString>) -> u8 {
    let json = first::asks_for_json(&arguments);
    let (result, color) = match run(arguments) {
        Ok(code) => return code,
        Err((fault, color)) => (fault, color),
    };
    if json {
        // Nobody reads any more, if this fails.
        let _ = std::io::stdout().lock().write_all(fault_json(&result).as_bytes());
    } else {
        complain(&result, color);
    }
    result.code.exit()
}

/// The whole command tree, as `omg help`, the man pages and the completions show it.
pub fn tree() -> Command {
    VERBS
        .iter()
        .fold(root(), |root, entry| root.subcommand(subcommand(entry)))
        .help_template(help::template())
}

/// A verb by its name or one of its other spellings.
fn verb(word: &str) -> Option<&'static Entry> {
    VERBS.iter().find(|entry| entry.name == word || entry.aliases.contains(&word))
}

fn root() -> Command {
    let root = Command::new("omg")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .infer_long_args(true);
    let about = "One command for every package on this system";
    Globals::augment_args(root)
        .about(about)
        .override_usage("omg [OPTIONS] VERB [ARGUMENTS]\n       omg [OPTIONS] WORD…  (searches)")
}

fn subcommand(entry: &'static Entry) -> Command {
    let command = Command::new(entry.name)
        .about(entry.about)
        .visible_aliases(entry.aliases.iter().copied())
        .after_help(help::examples(entry.examples));
    (entry.arguments)(command).about(entry.about)
}

/// Faults come with whether standard error takes colour.
fn run(mut arguments: Vec<OsString>) -> Result<u8, (Fault, bool)> {
    let plain = |fault| (fault, Screen::detect(ColorChoice::Auto).error_color);
    let command = match first::word(&mut arguments).map_err(plain)? {
        First::Verb(entry) => root().subcommand(subcommand(entry)),
        First::Help(None) => return show(&mut tree(), None).map_err(plain),
        First::Help(Some(word)) => return help_of(&word).map_err(plain),
        First::Other => tree(),
    };
    let matches = match command.try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) if !error.use_stderr() => return show_error(&error).map_err(plain),
        Err(error) if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            return show_error(&error).map(|_| Code::Usage.exit()).map_err(plain);
        }
        Err(error) => return Err(plain(usage(&error))),
    };
    execute(&matches).map_err(|(fault, color)| match color {
        Some(color) => (fault, color),
        None => plain(fault),
    })
}

fn execute(matches: &ArgMatches) -> Result<u8, (Fault, Option<bool>)> {
    let early = |fault| (fault, None);
    let mut globals = Globals::from_arg_matches(matches).map_err(|error| early(usage(&error)))?;
    let settings = Settings::of_user();
    // A broken settings file must not keep `config` and `doctor` from saying so.
    let ui = settings.map(|settings| settings.ui).unwrap_or_default();
    if globals.color == ColorChoice::Auto {
        globals.color = match ui.color {
            When::Auto => ColorChoice::Auto,
            When::Always => ColorChoice::Always,
            When::Never => ColorChoice::Never,
        };
    }
    if let Some(directory) = globals.directory.take() {
        std::env::set_current_dir(&directory).map_err(|error| {
            early(Fault::caused_by(
                Code::Usage,
                format!("can't work in {}", directory.display()),
                &error,
            ))
        })?;
    }
    if let Some(root) = globals.root.take().or_else(places::root) {
        globals.root = Some(std::path::absolute(&root).unwrap_or(root));
    }
    let mut session = Session::new(globals, &ui);
    let color = Some(session.out.screen.error_color);
    let Some((name, matches)) = matches.subcommand() else {
        return Err(early(Fault::new(Code::Usage, "no verb").hint("omg --help")));
    };
    let entry = verb(name)
        .ok_or_else(|| early(Fault::new(Code::Usage, format!("no verb is called '{name}'"))))?;
    let result = (entry.run)(matches, &mut session);
    let shown = session.show();
    let code = result.map_err(|fault| (fault, color))?;
    shown.map_err(|fault| (fault, color))?;
    Ok(code)
}

/// `omg help VERB`.
fn help_of(word: &str) -> Result<u8, Fault> {
    let Some(entry) = verb(spelling::verb_of(word).unwrap_or(word)) else {
        return Err(problem::unknown_verb(word));
    };
    let mut root = root().subcommand(subcommand(entry));
    root.build();
    show(&mut root, Some(entry.name))
}

fn show(root: &mut Command, name: Option<&str>) -> Result<u8, Fault> {
    let command = match name {
        Some(name) => root.find_subcommand_mut(name).ok_or_else(|| problem::unknown_verb(name))?,
        None => root,
    };
    put(&command.render_help())
}

fn show_error(error: &clap::Error) -> Result<u8, Fault> {
    put(&error.render())
}

fn put(text: &clap::builder::StyledStr) -> Result<u8, Fault> {
    let screen = Screen::detect(ColorChoice::Auto);
    let mut out = crate::render::Output::new(screen);
    let text = if screen.color { text.ansi().to_string() } else { text.to_string() };
    out.push(&text);
    emit(&out, None, false)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_holds_together() {
        tree().debug_assert();
    }

    #[test]
    fn no_spelling_is_taken_twice() {
        let mut all: Vec<_> =
            VERBS.iter().flat_map(|entry| entry.aliases.iter().chain([&entry.name])).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
