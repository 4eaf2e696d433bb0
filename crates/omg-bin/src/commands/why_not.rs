//! `omg why-not`: what keeps a package, or a version of it, out.

use clap::Args;
use omg_core::{Fault, Planned, WhyNot as Answer};
use omg_proto::{Query, Reply};
use serde::Serialize;

use super::Verb;
use super::plan::{self, Row, Rows, heading, usual_architecture, wrapped};
use crate::render::{Output, Style};
use crate::session::{Session, unexpected};

/// Explain why a package is not installed.
#[derive(Args, Debug)]
pub(crate) struct WhyNot {
    /// The package, or PKG=VERSION
    package: String,
}

#[derive(Serialize)]
struct Body<'a> {
    name: &'a str,
    version: Option<&'a str>,
    installed_version: Option<&'a str>,
    candidate_version: Option<&'a str>,
    possible: bool,
    reasons: &'a [String],
    changes: Vec<Row<'a>>,
}

impl Verb for WhyNot {
    const NAME: &'static str = "why-not";
    const ABOUT: &'static str = "Explain what keeps a package, or a version of it, out";
    const EXAMPLES: &'static str = "\
  omg why-not exim4
  omg why-not vim=2:9.1.0-1      a certain version";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        let answer = session.ask(Query::WhyNot { package: &self.package })?;
        let reply = answer.reply()?;
        let Reply::WhyNot(answer) = &reply else { return Err(unexpected(&reply)) };
        if session.globals.json {
            let body = Body {
                name: &answer.name,
                version: answer.version.as_deref(),
                installed_version: answer.installed_version.as_deref(),
                candidate_version: answer.candidate_version.as_deref(),
                possible: answer.possible,
                reasons: &answer.reasons,
                changes: plan::rows(&answer.changes),
            };
            session.json("omg.why-not/1", body);
        } else {
            write(&mut session.out, answer);
        }
        Ok(0)
    }
}

fn write(out: &mut Output, answer: &Answer) {
    let wanted = match &answer.version {
        Some(version) => format!("{} {version}", answer.name),
        None => answer.name.clone(),
    };
    let there = answer.installed_version.as_deref();
    let newest = there.is_some() && there == answer.candidate_version.as_deref();
    let here = there.is_some() && answer.version.as_deref().is_none_or(|it| there == Some(it));
    if here {
        wrapped(out, 0, Style::Good, &format!("{} is on this system", answer.name));
    } else if answer.possible {
        wrapped(out, 0, Style::Good, &format!("nothing keeps {wanted} out"));
    } else {
        wrapped(out, 0, Style::Bad, &format!("{wanted} can't be installed here"));
    }
    // What keeps out a version that is there already is beside the point.
    for reason in answer.reasons.iter().filter(|_| !(here && newest)) {
        wrapped(out, 2, Style::Plain, reason);
    }
    let versions = [("installed", there), ("candidate", answer.candidate_version.as_deref())];
    for (label, version) in versions {
        if let Some(version) = version {
            out.spaces(2).styled(Style::Dim, label).push(" ");
            out.foreign(Style::Version, version).line();
        }
    }
    if !answer.changes.is_empty() {
        heading(out, "To have it", Style::Heading, answer.changes.len());
        let changes: Vec<&Planned> = answer.changes.iter().collect();
        let usual = usual_architecture(&answer.changes);
        plan::write_rows(out, &Rows { changes: &changes, usual });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::plan::samples::apt;
    use crate::render::Screen;

    fn shown(answer: &Answer) -> String {
        let mut out = Output::new(Screen::terminal(60));
        write(&mut out, answer);
        out.text().to_owned()
    }

    #[test]
    fn reasons_or_what_it_would_take() {
        let mut answer = Answer {
            name: "vim".into(),
            version: Some("3:1".into()),
            installed_version: None,
            candidate_version: Some("2:9.0.1378-2".into()),
            possible: false,
            reasons: vec!["vim 3:1 depends on libc6 (>= 9), which no repository has".into()],
            changes: Vec::new(),
        };
        insta::assert_snapshot!("why_not_impossible", shown(&answer));
        answer.possible = true;
        answer.version = None;
        answer.reasons.clear();
        answer.changes = apt().changes.split_off(6);
        insta::assert_snapshot!("why_not_possible", shown(&answer));
        answer.changes.clear();
        answer.installed_version = answer.candidate_version.clone();
        assert!(shown(&answer).starts_with("vim is on this system\n"));
    }
}
