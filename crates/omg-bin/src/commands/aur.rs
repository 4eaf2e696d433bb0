//! `omg aur`: recipes of the Arch User Repository.

use clap::{Args, Subcommand};
use omg_core::{Fault, Refreshed, Review};
use omg_proto::{Query, Reply};
use serde::Serialize;

use super::{Group, Verb, review_view};
use crate::render::{Style, bytes, confirm, count, somebody_there};
use crate::session::{Session, unexpected};

/// Look at recipes of the AUR.
#[derive(Args, Debug)]
pub(crate) struct Aur {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Show what changed in a recipe since its last review
    Review {
        /// The package, or its base
        package: String,
        /// Remember it as reviewed, without asking
        #[arg(long)]
        accept: bool,
    },
    /// Fetch the AUR's list of packages anew
    Sync,
}

#[derive(Serialize)]
struct Reviewed<'a> {
    #[serde(flatten)]
    review: &'a Review,
    accepted: bool,
}

#[derive(Serialize)]
struct Sources<'a> {
    sources: &'a [Refreshed],
}

impl Verb for Aur {
    const NAME: &'static str = "aur";
    const GROUP: Group = Group::Change;
    const ABOUT: &'static str = "Review recipes of the AUR; fetch its list of packages";
    const EXAMPLES: &'static str = "\
  omg aur review yay             what changed, what to look at
  omg aur review --accept yay    and remember it as reviewed
  omg aur sync";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        match self.action {
            Action::Review { package, accept } => review(session, &package, accept),
            Action::Sync => sync(session),
        }
    }
}

fn review(session: &mut Session, package: &str, accept: bool) -> Result<u8, Fault> {
    let answer = session.ask(Query::Review { package })?;
    let reply = answer.reply()?;
    let Reply::Review(review) = &reply else { return Err(unexpected(&reply)) };
    let news = review.from.as_deref() != Some(review.to.as_str());
    if session.globals.json {
        if accept && news {
            remember(session, package, &review.to)?;
        }
        let accepted = accept || !news;
        session.json("omg.review/1", Reviewed { review, accepted });
        return Ok(0);
    }
    review_view::write(&mut session.out, review);
    if !news {
        return Ok(0);
    }
    let asks = !accept && session.out.screen.tty() && somebody_there();
    // Shown before it is accepted: what can't be shown must not count as seen.
    session.show()?;
    let accepted =
        accept || (asks && confirm("Remember this as reviewed?", session.out.screen.error_color)?);
    if accepted {
        remember(session, package, &review.to)?;
        session.out.note(&format!("{} is remembered as reviewed", review.package_base));
    } else if !asks {
        session.out.note("not remembered as reviewed; --accept does that");
    }
    Ok(0)
}

pub(super) fn remember(session: &mut Session, package: &str, commit: &str) -> Result<(), Fault> {
    let answer = session.ask(Query::Accept { package, commit })?;
    match answer.reply()? {
        Reply::Accepted => Ok(()),
        other => Err(unexpected(&other)),
    }
}

fn sync(session: &mut Session) -> Result<u8, Fault> {
    let answer = session.ask(Query::Refresh)?;
    let reply = answer.reply()?;
    let Reply::Refreshed(sources) = &reply else { return Err(unexpected(&reply)) };
    if session.globals.json {
        session.json("omg.refresh/1", Sources { sources });
        return Ok(0);
    }
    if sources.is_empty() {
        session.out.note("nothing here is fetched without the administrator's rights");
    }
    for Refreshed { source, changed, packages, fetched } in sources {
        let news = if *changed {
            format!("{} fetched", bytes(*fetched))
        } else {
            "nothing new".to_owned()
        };
        session.out.foreign(Style::Repository, source);
        session.out.push(&format!(": {} packages, {news}", count((*packages).into()))).line();
    }
    Ok(0)
}
