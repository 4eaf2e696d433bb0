//! `omg explain`: what an error's number means.

use clap::Args;
use omg_core::{Code, EXPLANATIONS, Explanation, Fault};
use serde::Serialize;

use super::{Group, Verb};
use crate::render::{Cell, Column, Style, Table, wrap};
use crate::session::Session;

/// Explain an error.
#[derive(Args, Debug)]
pub(crate) struct Explain {
    /// OMG-E0003, E3 or 3; without one, a list of all
    code: Option<String>,
}

#[derive(Serialize)]
struct Body {
    codes: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    code: String,
    exit: u8,
    title: &'static str,
    text: &'static str,
}

impl Verb for Explain {
    const NAME: &'static str = "explain";
    const GROUP: Group = Group::Itself;
    const ABOUT: &'static str = "Explain an error's number";
    const EXAMPLES: &'static str = "  omg explain OMG-E0020";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        let chosen: Vec<&Explanation> = match &self.code {
            None => EXPLANATIONS.iter().collect(),
            Some(code) => vec![find(code)?],
        };
        if session.globals.json {
            let entry = |it: &&Explanation| Entry {
                code: it.code.id(),
                exit: it.code.exit(),
                title: it.title,
                text: it.text,
            };
            session.json("omg.explain/1", Body { codes: chosen.iter().map(entry).collect() });
        } else if let (Some(_), Some(one)) = (&self.code, chosen.first()) {
            let room = session.out.screen.columns.unwrap_or(80).min(88);
            session.out.styled(Style::Heading, &one.code.id()).push(": ").push(one.title).line();
            session.out.push(&format!("exit code {}", one.code.exit())).line().line();
            for line in wrap(one.text.split(' '), room) {
                session.out.push(&line).line();
            }
        } else {
            let mut table = Table::new(&[Column::Left, Column::Right, Column::Rest])
                .heading(&["CODE", "EXIT", "MEANING"]);
            for one in chosen {
                table.row([
                    Cell::owned(Style::Heading, one.code.id()),
                    Cell::owned(Style::Dim, one.code.exit().to_string()),
                    Cell::new(Style::Plain, one.title),
                ]);
            }
            table.write(&mut session.out);
        }
        Ok(0)
    }
}

fn find(text: &str) -> Result<&'static Explanation, Fault> {
    let upper = text.to_ascii_uppercase();
    let digits = upper.trim_start_matches("OMG-").trim_start_matches('E');
    let number: Option<u16> = digits.parse().ok();
    let found = number.and_then(|number| EXPLANATIONS.iter().find(|it| it.code as u16 == number));
    found.ok_or_else(|| {
        Fault::new(Code::NotFound, format!("no error has the number '{text}'"))
            .hint("`omg explain` lists all")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_finds_it() {
        for text in ["OMG-E0003", "e0003", "E3", "3", "omg-e3"] {
            assert_eq!(find(text).unwrap().code, Code::NotFound, "{text}");
        }
        assert_eq!(find("4711").unwrap_err().code, Code::NotFound);
    }
}
