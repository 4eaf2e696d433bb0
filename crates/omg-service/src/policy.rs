//! The policy's first word: what it forbids is not fetched, and nobody is asked for the
//! administrator's rights for it. The engine, as root, asks the system's policy again about its own
//! evidence; the user's own file is asked here alone.

use std::path::{Path, PathBuf};

use omg_core::{Action, Artifact, Fault, Grade, Plan, Planned, Wanted};
use omg_policy::{Actor, Policy, Subject};

/// Which policies there are, and whose requests they are asked about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rules {
    /// Root of the system whose policy binds everybody.
    pub root: PathBuf,
    /// Whose that file must be, besides root.
    pub owner: u32,
    /// The user's own file, which can only tighten.
    pub user: Option<PathBuf>,
    /// The user.
    pub uid: u32,
}

/// Both policies as they are now.
#[derive(Debug)]
pub(crate) struct Court {
    system: Policy,
    user: Policy,
    actor: Actor,
}

/// What is known of a package besides its plan.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evidence<'a> {
    pub(crate) grade: Option<Grade>,
    pub(crate) url: Option<&'a str>,
    /// `None` if not known.
    pub(crate) licenses: Option<Vec<String>>,
}

impl Court {
    /// Reads both; `None` if there is no rule. May block.
    ///
    /// # Errors
    /// A file is there and can't be read, makes no sense, or others may write to it.
    pub(crate) fn of(rules: &Rules) -> Result<Option<Self>, Fault> {
        let system = Policy::system(&rules.root, rules.owner)?;
        let user = match &rules.user {
            Some(path) => Policy::read(path, rules.uid)?,
            None => Policy::default(),
        };
        if system.is_empty() && user.is_empty() {
            return Ok(None);
        }
        // Who asks is a user of this system, wherever the root is.
        let actor = Actor::look_up(rules.uid, Path::new("/etc"))?;
        Ok(Some(Self { system, user, actor }))
    }

    /// May the plan be carried out, as far as this is known?
    ///
    /// # Errors
    /// [`Code::Policy`](omg_core::Code::Policy).
    pub(crate) fn admit<'a>(
        &self,
        plan: &Plan,
        evidence: impl Fn(&Planned) -> Evidence<'a>,
    ) -> Result<(), Fault> {
        let subjects: Vec<Subject> =
            plan.changes.iter().map(|change| subject(change, evidence(change))).collect();
        // Age and licences the engine may know where they are not known here.
        let certain = subjects.iter().any(|subject| {
            let findings = self.system.judge(subject, &self.actor);
            findings.iter().any(|finding| {
                finding.denies()
                    && (finding.rule != "age.minimum" || subject.age_s.is_some())
                    && (finding.rule != "licenses.allow" || subject.licenses.is_some())
            })
        });
        if certain {
            self.system.admit(&subjects, &self.actor)?;
        }
        self.user.admit(&subjects, &self.actor)
    }

    /// Leaves the mirrors that may be used; where none may, all, so that the refusal can name one.
    pub(crate) fn choose_mirrors(&self, plan: &Plan, wanted: &mut [Wanted]) {
        for file in wanted {
            let planned = plan.changes.iter().find(|change| is_of(change, file));
            let Some(planned) = planned else { continue };
            let may = |url: &String| {
                let evidence = Evidence { url: Some(url), ..Evidence::default() };
                let subject = subject(planned, evidence);
                [&self.system, &self.user].into_iter().all(|policy| {
                    let findings = policy.judge(&subject, &self.actor);
                    let denied =
                        |it: &omg_policy::Finding| it.rule == "repositories.mirrors" && it.denies();
                    !findings.iter().any(denied)
                })
            };
            let allowed: Vec<String> = file.urls.iter().filter(|url| may(url)).cloned().collect();
            if !allowed.is_empty() {
                file.urls = allowed;
            }
        }
    }
}

/// Is it the file of this change?
pub(crate) fn is_of(change: &Planned, file: &Wanted) -> bool {
    change.name == file.name
        && change.architecture == file.architecture
        && change.new_version.as_ref() == Some(&file.version)
}

/// Is it the file of this change, now that it is here?
pub(crate) fn is_artifact_of(change: &Planned, artifact: &Artifact) -> bool {
    change.name == artifact.name
        && change.architecture == artifact.architecture
        && change.new_version.as_ref() == Some(&artifact.version)
}

fn subject(planned: &Planned, evidence: Evidence<'_>) -> Subject {
    let comes = !matches!(planned.action, Action::Remove | Action::Purge);
    Subject {
        name: planned.name.clone(),
        action: Some(planned.action),
        origin: Some(planned.source),
        repository: planned.repository.clone(),
        url: evidence.url.map(ToOwned::to_owned),
        grade: evidence.grade,
        age_s: None,
        licenses: evidence.licenses.filter(|all| !all.is_empty()),
        signed: evidence.grade.filter(|_| comes).map(|grade| grade > Grade::Risk),
        post_quantum: false,
    }
}
