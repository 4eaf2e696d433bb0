//! `omg completions`: completion scripts, made from the command tree.

use clap::Args;
use clap_complete::Shell;
use omg_core::Fault;

use super::{Group, Verb};
use crate::session::Session;

/// Print a completion script.
#[derive(Args, Debug)]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Verb for Completions {
    const NAME: &'static str = "completions";
    const GROUP: Group = Group::Itself;
    const ABOUT: &'static str = "Print the completion script of a shell";
    const EXAMPLES: &'static str = "\
  omg completions bash > ~/.local/share/bash-completion/completions/omg
  omg completions zsh > ~/.zfunc/_omg
  omg completions fish > ~/.config/fish/completions/omg.fish";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut crate::cli::tree(), "omg", &mut script);
        session.text(&String::from_utf8_lossy(&script));
        Ok(0)
    }
}
