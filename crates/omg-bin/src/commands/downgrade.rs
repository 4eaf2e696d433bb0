//! `omg downgrade`: an older version of a package.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use clap::Args;
use omg_core::{Change, Code, Fault, Operation};
use omg_proto::{Query, Reply};

use super::archived::Search;
use super::change::{self, Manner};
use super::{Group, Verb, undo};
use crate::distribution::Distribution;
use crate::past::{self, Had, Here};
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

/// A package as it is, and what it could be.
struct Found {
    installed: String,
    architecture: String,
    candidates: Vec<Candidate>,
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
        let distribution = Distribution::or_debian(Some(&undo::root(session)));
        let Found { installed, architecture, mut candidates } = candidates(session, name)?;
        let target = match version {
            Some(version) => {
                match distribution.compare(version, &installed) {
                    Ordering::Less => candidates.retain(|it| it.version == version),
                    Ordering::Equal => {
                        undo::nothing(session, &format!("{name} is {installed} already"));
                        return Ok(0);
                    }
                    Ordering::Greater => return Err(newer(name, version, &installed)),
                }
                match candidates.into_iter().next() {
                    None => Some(archived(session, name, &architecture, version)?),
                    here => here,
                }
            }
            None => pick(session, name, &installed, candidates, self.manner)?,
        };
        let target = target.ok_or_else(|| {
            let message = format!("no version of {name} older than {installed} can be had");
            let hint = "neither a repository nor the cache of packages has one; \
                        `omg downgrade PKG=VERSION` asks the distribution's archive";
            Fault::new(Code::Gone, message).hint(hint)
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

/// The version that only the distribution's archive may have.
fn archived(
    session: &mut Session,
    name: &str,
    architecture: &str,
    version: &str,
) -> Result<Candidate, Fault> {
    let was = Here { version: version.to_owned(), automatic: None, sha256: None };
    let mut search = Search::new(session, BTreeMap::new());
    let found = search.find(session, name, architecture, &was)?;
    let Some(Had::File(path)) = found else {
        return Err(search.gone(&format!("{name} {version} can't be had")));
    };
    let (from, target) = ("archive".to_owned(), path.display().to_string());
    Ok(Candidate { version: version.to_owned(), from, target })
}

/// Version on this system, and all older ones that can be had, newest first.
fn candidates(session: &mut Session, name: &str) -> Result<Found, Fault> {
    let packages = undo::installed(session)?;
    let ((_, architecture), here) =
        packages.iter().find(|((it, _), _)| it == name).ok_or_else(|| {
            Fault::new(Code::NotFound, format!("{name} is not installed"))
                .hint(format!("`omg install {name}=VERSION` installs a version"))
        })?;
    let root = undo::root(session);
    let distribution = Distribution::or_debian(Some(&root));
    let mut found: Vec<Candidate> = Vec::new();
    let answer = session.ask(Query::Info { package: name })?;
    let reply = answer.reply()?;
    let Reply::Info(details) = &reply else { return Err(unexpected(&reply)) };
    let offers = details.iter().filter(|it| it.architecture == architecture);
    for offer in offers.flat_map(|it| &it.versions) {
        if !matches!(offer.repository, "installed" | "local" | "") {
            found.push(Candidate {
                version: offer.version.to_owned(),
                from: offer.repository.to_owned(),
                target: format!("{name}={}", offer.version),
            });
        }
    }
    for (version, path) in past::in_cache(&root, distribution, name, architecture) {
        let (from, target) = ("cache".to_owned(), path.display().to_string());
        found.push(Candidate { version, from, target });
    }
    found.retain(|it| distribution.compare(&it.version, &here.version).is_lt());
    // What a repository offers stands before the same from the cache.
    found.sort_by(|a, b| distribution.compare(&b.version, &a.version));
    found.dedup_by(|later, first| later.version == first.version);
    let (installed, architecture) = (here.version.clone(), architecture.clone());
    Ok(Found { installed, architecture, candidates: found })
}

fn newer(name: &str, version: &str, installed: &str) -> Fault {
    let message = format!("{version} is no older version of {name}: {installed} is here");
    Fault::new(Code::Usage, message).hint(format!("omg install {name}={version}"))
}
