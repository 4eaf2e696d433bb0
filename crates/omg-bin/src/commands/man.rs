//! `omg man`: manual pages, made from the command tree.

use std::path::{Path, PathBuf};

use clap::Args;
use omg_core::{Code, Fault};

use super::{Group, Place, Verb};
use crate::session::Session;

/// Print a manual page, or write them all.
#[derive(Args, Debug)]
pub(crate) struct Man {
    /// The verb; without one, omg itself
    verb: Option<String>,
    /// Write every page into this directory
    #[arg(long, alias = "out", value_name = "DIR", conflicts_with = "verb")]
    dir: Option<PathBuf>,
}

impl Verb for Man {
    const NAME: &'static str = "man";
    const GROUP: Group = Group::Itself;
    const ABOUT: &'static str = "Print a manual page, or write all of them";
    const EXAMPLES: &'static str = "\
  omg man search | man -l -
  omg man --dir ~/.local/share/man/man1";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        let pages = pages();
        if let Some(directory) = &self.dir {
            write(directory, &pages)?;
            if session.globals.json {
                session.json("omg.path/1", Place { path: &directory.to_string_lossy() });
            }
            return Ok(0);
        }
        let wanted =
            self.verb.as_deref().map_or_else(|| "omg.1".to_owned(), |verb| format!("omg-{verb}.1"));
        let Some((_, page)) = pages.iter().find(|(name, _)| *name == wanted) else {
            return Err(Fault::new(Code::NotFound, format!("there is no page {wanted}"))
                .hint("`omg --help` lists the verbs"));
        };
        session.text(&String::from_utf8_lossy(page));
        Ok(0)
    }
}

/// File name and text of every page: `omg.1`, `omg-search.1`, …
fn pages() -> Vec<(String, Vec<u8>)> {
    // The heading groups of the help are for terminals; the page lists verbs by itself.
    let mut tree = crate::cli::tree().help_template("{about}");
    tree.build();
    let verbs: Vec<_> = tree.get_subcommands().cloned().collect();
    std::iter::once(tree)
        .chain(verbs)
        .map(|command| {
            let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
            let examples = command.get_after_help().map(ToString::to_string);
            let mut text = Vec::new();
            // Writing into memory does not fail.
            let _ = page(command.after_help(""), examples.as_deref(), &mut text);
            (format!("{name}.1"), text)
        })
        .collect()
}

fn page(command: clap::Command, examples: Option<&str>, text: &mut Vec<u8>) -> std::io::Result<()> {
    use std::io::Write as _;

    let verbs = command.has_subcommands();
    let man = clap_mangen::Man::new(command).section("1").manual("OMG");
    man.render_title(text)?;
    man.render_name_section(text)?;
    man.render_synopsis_section(text)?;
    man.render_description_section(text)?;
    man.render_options_section(text)?;
    if verbs {
        man.render_subcommands_section(text)?;
    }
    if let Some((_, lines)) = examples.and_then(|examples| examples.split_once('\n')) {
        // Verbatim, with the characters that roff takes for commands made harmless.
        let lines = lines.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq");
        writeln!(text, ".SH EXAMPLES\n.nf\n{lines}\n.fi")?;
    }
    writeln!(
        text,
        ".SH \"EXIT STATUS\"\n0 done, 1 failure, 2 usage, 3 not found, 4 can't be solved, 5 declined, 6 no privilege, 7 lock, 8 network, 9 refused, 10 changes pending, 128+n signal"
    )
}

fn write(directory: &Path, pages: &[(String, Vec<u8>)]) -> Result<(), Fault> {
    let wrong = |path: &Path, error: &std::io::Error| {
        Fault::caused_by(Code::Unwritable, format!("{} can't be written", path.display()), error)
    };
    std::fs::create_dir_all(directory).map_err(|error| wrong(directory, &error))?;
    pages.iter().try_for_each(|(name, text)| {
        let path = directory.join(name);
        std::fs::write(&path, text).map_err(|error| wrong(&path, &error))
    })
}
