//! `omg files`: the paths of a package.

use clap::Args;
use omg_core::{Code, Fault};
use omg_proto::{Query, Reply};
use serde::Serialize;

use super::Verb;
use super::limit::Limit;
use crate::distribution::Distribution;
use crate::render::Style;
use crate::session::{Session, unexpected};

/// List the files of a package.
#[derive(Args, Debug)]
pub(crate) struct Files {
    /// The package
    package: String,
    #[command(flatten)]
    limit: Limit,
}

#[derive(Serialize)]
struct Body<'a> {
    package: &'a str,
    paths: &'a [&'a str],
}

impl Verb for Files {
    const NAME: &'static str = "files";
    const ALIASES: &'static [&'static str] = &["contents"];
    const ABOUT: &'static str = "List the files of a package";
    const EXAMPLES: &'static str = "  omg files coreutils";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        let answer = session.ask(Query::Files { package: &self.package })?;
        let reply = answer.reply()?;
        let Reply::Paths(paths) = reply else { return Err(unexpected(&reply)) };
        let mut paths = paths;
        if paths.is_empty() {
            return Err(Fault::new(
                Code::NotFound,
                format!("no files are known of '{}'", self.package),
            )
            .hint(format!(
                "lists of the files of packages that are not installed have to be fetched: {}",
                Distribution::or_debian(session.globals.root.as_deref()).fetch_files()
            )));
        }
        self.limit.cut(&mut paths);
        if session.globals.json {
            session.json("omg.paths/1", Body { package: &self.package, paths: &paths });
        } else {
            for path in &paths {
                session.out.foreign(Style::Plain, path).line();
            }
        }
        Ok(0)
    }
}
