//! `omg hook`: shell functions for prompts and for commands that are not there.

use clap::{Args, ValueEnum};
use omg_core::Fault;

use super::{Group, Verb};
use crate::session::Session;

/// Print shell functions.
#[derive(Args, Debug)]
pub(crate) struct Hook {
    /// The shell
    shell: Shell,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

impl Verb for Hook {
    const NAME: &'static str = "hook";
    const GROUP: Group = Group::Itself;
    const ABOUT: &'static str = "Print shell functions: prompt counts, help for missing commands";
    const EXAMPLES: &'static str = "\
  eval \"$(omg hook bash)\"       in ~/.bashrc; then PS1='$(omg_prompt)'\"$PS1\"
  eval \"$(omg hook zsh)\"     in ~/.zshrc; then PROMPT='$(omg_prompt)'$PROMPT
  omg hook fish | source     in ~/.config/fish/config.fish";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        session.text(match self.shell {
            Shell::Bash => include_str!("hook/omg.bash"),
            Shell::Zsh => include_str!("hook/omg.zsh"),
            Shell::Fish => include_str!("hook/omg.fish"),
        });
        Ok(0)
    }
}
