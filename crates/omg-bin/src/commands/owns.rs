//! `omg owns`: the installed package that a path belongs to.

use std::path::{Component, Path, PathBuf};

use clap::Args;
use omg_core::{Code, Fault};
use omg_proto::{Query, Reply};

use super::limit::Limit;
use super::{Verb, found};
use crate::session::{Session, unexpected};

/// Find the installed package that a file belongs to.
#[derive(Args, Debug)]
pub(crate) struct Owns {
    /// A path, a command, or a pattern with * and ?
    path: String,
    #[command(flatten)]
    limit: Limit,
}

impl Verb for Owns {
    const NAME: &'static str = "owns";
    const ALIASES: &'static [&'static str] = &["owner"];
    const ABOUT: &'static str = "Find the installed package that a file belongs to";
    const EXAMPLES: &'static str = "\
  omg owns /usr/bin/vim
  omg owns ls                    a command is looked up in PATH
  omg owns '*/bin/*sum'          a pattern, as dpkg -S takes it";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        let path = place(&self.path)?;
        let answer = session.ask(Query::Owns { path: &path })?;
        let reply = answer.reply()?;
        let Reply::Files { matches, hint } = reply else { return Err(unexpected(&reply)) };
        let mut matches = matches;
        if matches.is_empty() {
            let fault = Fault::new(Code::NotFound, format!("no installed package owns {path}"));
            let other = format!("`omg provides {path}` looks at packages that are not installed");
            return Err(fault.hint(hint.unwrap_or(other)));
        }
        self.limit.cut(&mut matches);
        found::show(session, &path, &matches, hint.as_deref());
        Ok(0)
    }
}

/// What was meant: a pattern as it is, a bare word as a file here or a command in PATH.
fn place(text: &str) -> Result<String, Fault> {
    if text.contains(['*', '?', '[']) {
        return Ok(text.to_owned());
    }
    if !text.contains('/') && std::fs::symlink_metadata(text).is_err() {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let command =
            std::env::split_paths(&path).map(|dir| dir.join(text)).find(|file| file.is_file());
        if let Some(command) = command.as_deref().and_then(Path::to_str) {
            return Ok(command.to_owned());
        }
    }
    absolute(text)
}

/// An absolute path without `.` and `..`. Links are left as they are: a package may own the link.
pub(super) fn absolute(text: &str) -> Result<String, Fault> {
    let full = std::path::absolute(text).map_err(|error| {
        Fault::caused_by(Code::Unreadable, format!("'{text}' can't be made absolute"), &error)
    })?;
    let mut plain = PathBuf::new();
    for part in full.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    let name = plain.into_os_string().into_string();
    name.map_err(|_| Fault::new(Code::Usage, "the current directory's path is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_made_plain() {
        assert_eq!(absolute("/usr/./lib/../bin//vim").unwrap(), "/usr/bin/vim");
        assert_eq!(place("*/vim").unwrap(), "*/vim");
    }
}
