//! `omg suggest`: names like a misspelt one.

use clap::Args;
use omg_core::{Code, Fault};
use omg_proto::{Query, Reply};
use serde::Serialize;

use super::Verb;
use super::limit::Limit;
use crate::render::Style;
use crate::session::{Session, unexpected};

/// Suggestions unless asked otherwise.
const DEFAULT: u32 = 10;

/// Suggestions below an error.
const BELOW_AN_ERROR: u32 = 5;

/// Find names like a misspelt one.
#[derive(Args, Debug)]
pub(crate) struct Suggest {
    /// A name, perhaps misspelt
    name: String,
    #[command(flatten)]
    limit: Limit,
}

#[derive(Serialize)]
struct Body<'a> {
    query: &'a str,
    suggestions: &'a [&'a str],
}

impl Verb for Suggest {
    const NAME: &'static str = "suggest";
    const ABOUT: &'static str = "Find names like a misspelt one";
    const EXAMPLES: &'static str = "  omg suggest chromum";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        let limit = self.limit.or(Some(DEFAULT)).unwrap_or(u32::MAX);
        let answer = session.ask(Query::Suggest { query: &self.name, limit })?;
        let reply = answer.reply()?;
        let Reply::Suggest(names) = &reply else { return Err(unexpected(&reply)) };
        if names.is_empty() {
            return Err(Fault::new(Code::NotFound, format!("no name is like '{}'", self.name)));
        }
        if session.globals.json {
            session.json("omg.suggest/1", Body { query: &self.name, suggestions: names });
        } else {
            for name in names {
                session.out.foreign(Style::Name, name).line();
            }
        }
        Ok(0)
    }
}

/// Names for "did you mean". An error on the way only means that there are none.
pub(super) fn near(session: &mut Session, query: &str) -> Vec<String> {
    let Ok(answer) = session.ask(Query::Suggest { query, limit: BELOW_AN_ERROR }) else {
        return Vec::new();
    };
    match answer.reply() {
        Ok(Reply::Suggest(names)) => names.into_iter().map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}
