//! `omg downgrade`: an older version of a package.

use clap::Args;
use omg_core::{Change, Code, Fault, Operation};
use omg_proto::{Query, Reply};

use super::change::{self, Manner};
use super::{Group, Verb, undo};
use crate::distribution::Distribution;
use crate::past::{self, Here};
use crate::render::{choose, somebody_there};
use crate::session::{Session, unexpected};

/// Go back to an older version.
#[derive(Args, Debug)]
pub(crate) struct Downgrade {
    /// PKG or PKG=VERSION
    package: String,
    #[command(flatten)]
    manner: Manner,
}

/// A version that can be had, and the target that brings it.
struct Candidate {
    version: String,
    from: String,
    target: String,
}

impl Verb for Downgrade {
    const NAME: &'static str = "downgrade";
    const GROUP: Group = Group::Change;
    const ABOUT: &'static str = "Go back to an older version of a package";
    const EXAMPLES: &'static str = "\
  omg downgrade vim              asks which of the versions that can be had
  omg downgrade vim=2:9.0.1378-2";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        let (name, version) = match self.package.split_once('=') {
            Some((name, version)) => (name, Some(version)),
            None => (&*self.package, None),
        };
        let (installed, mut candidates) = candidates(session, name)?;
        let target = match version {
            Some(version) => {
                candidates.retain(|it| it.version == version);
                candidates.pop()
            }
            None => pick(session, name, &installed, candidates, self.manner)?,
        };
        let target = target.ok_or_else(|| {
            let wanted = version.unwrap_or("older");
            Fault::new(Code::Gone, format!("no {wanted} version of {name} can be had"))
                .hint("neither a repository nor the cache of packages has one")
        })?;
        let change = Change::new(Operation::Install, [target.target]);
        change::run(session, change, self.manner)
    }
}

/// The newest of the older ones, unless somebody is there to ask.
fn pick(
    session: &Session,
    name: &str,
    installed: &str,
    mut candidates: Vec<Candidate>,
    manner: Manner,
) -> Result<Option<Candidate>, Fault> {
    let asks =
        !manner.assents() && !session.globals.json && session.out.screen.tty() && somebody_there();
    if candidates.len() < 2 || !asks {
        return Ok(if candidates.is_empty() { None } else { Some(candidates.remove(0)) });
    }
    let rows: Vec<String> =
        candidates.iter().map(|it| format!("{}  {}", it.version, it.from)).collect();
    let question = format!("{name} is {installed}. Which version is it to be?");
    let at = choose(&question, &rows, 0, session.out.screen.error_color)?;
    Ok((at < candidates.len()).then(|| candidates.remove(at)))
}

/// Version on this system, and all others that can be had and stand behind it, newest first.
fn candidates(session: &mut Session, name: &str) -> Result<(String, Vec<Candidate>), Fault> {
    let packages = undo::installed(session)?;
    let ((_, architecture), here) =
        packages.iter().find(|((it, _), _)| it == name).ok_or_else(|| {
            Fault::new(Code::NotFound, format!("{name} is not installed"))
                .hint(format!("`omg install {name}=VERSION` installs a version"))
        })?;
    let mut found = Vec::new();
    let answer = session.ask(Query::Info { package: name })?;
    let reply = answer.reply()?;
    let Reply::Info(details) = &reply else { return Err(unexpected(&reply)) };
    // Offers stand newest first; what is behind the installed one is older.
    let mut older = false;
    for offer in
        details.iter().filter(|it| it.architecture == architecture).flat_map(|it| &it.versions)
    {
        if offer.version == here.version {
            older = true;
        } else if older && !matches!(offer.repository, "installed" | "local" | "") {
            found.push(Candidate {
                version: offer.version.to_owned(),
                from: offer.repository.to_owned(),
                target: format!("{name}={}", offer.version),
            });
        }
    }
    let root = undo::root(session);
    let distribution = Distribution::or_debian(Some(&root));
    // What the log knows was here before.
    let all = undo::changes(session)?;
    for (_, subject) in past::of_package(&all, name).collect::<Vec<_>>().into_iter().rev() {
        for version in [&subject.from, &subject.to].into_iter().flatten() {
            if *version == here.version || found.iter().any(|it| it.version == *version) {
                continue;
            }
            let was = Here { version: version.clone(), automatic: None, sha256: None };
            if let Some(path) = past::cached(&root, distribution, name, architecture, &was) {
                let (version, from) = (version.clone(), "cache".to_owned());
                found.push(Candidate { version, from, target: path.display().to_string() });
            }
        }
    }
    Ok((here.version.clone(), found))
}
