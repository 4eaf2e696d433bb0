//! What a caller hands over to be recorded.

use omg_core::{Artifact, Plan, Planned, purl};

use crate::{Actor, Evidence, Hash, Subject};

/// A change that is about to be made, or was refused.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Entry {
    /// Request that it belongs to, as the order has it.
    pub request: String,
    /// What it is: `install`, `remove`, `upgrade`, `undo`, `mark`, `hold`, `lists`, `recover`, …
    pub op: String,
    /// What was typed, command and targets. What may hold a secret is left out when it is recorded:
    /// see [`words`](crate::redact::words).
    pub words: Vec<String>,
    /// Who.
    pub actor: Actor,
    /// Digest of the plan that was approved.
    pub plan_digest: Option<Hash>,
    /// Its canonical form.
    pub plan: Option<String>,
    /// What happens to which package.
    pub subjects: Vec<Subject>,
    /// What the decision rested on.
    pub evidence: Option<Evidence>,
    /// BLAKE3 of the lock file that was followed.
    pub lock_blake3: Option<Hash>,
    /// Number of the intent that this change undoes or repeats.
    pub undoes: Option<u64>,
}

impl Entry {
    /// An entry without a plan.
    pub fn new(op: impl Into<String>, request: impl Into<String>, actor: Actor) -> Self {
        Self { op: op.into(), request: request.into(), actor, ..Self::default() }
    }

    /// Takes the digest, the canonical form and the subjects from a plan. `vendor` is the distribution's
    /// id in `os-release`, the namespace of its package URLs.
    #[must_use]
    pub fn plan(mut self, plan: &Plan, vendor: &str) -> Self {
        self.plan_digest = plan.digest().parse().ok();
        self.plan = Some(plan.canonical());
        self.subjects =
            plan.changes.iter().map(|change| Subject::planned(change, vendor)).collect();
        self
    }

    /// Adds to each subject what is known of its file.
    #[must_use]
    pub fn artifacts(mut self, artifacts: &[Artifact]) -> Self {
        for subject in &mut self.subjects {
            let file = artifacts.iter().find(|file| {
                file.name == subject.name
                    && file.architecture == subject.architecture
                    && Some(&file.version) == subject.to.as_ref()
            });
            if let Some(file) = file {
                subject.sha256 = file.sha256.parse().ok();
                subject.size = Some(file.size);
                subject.grade = Some(file.grade.to_string());
            }
        }
        self
    }
}

impl Subject {
    /// What a plan says of one package. Whether it was there for others before is not in a plan:
    /// whoever knows sets `automatic_before`. `vendor` as for [`Entry::plan`].
    pub fn planned(change: &Planned, vendor: &str) -> Self {
        let goes = change.new_version.is_none();
        let version = change.new_version.as_ref().or(change.old_version.as_ref());
        let version = version.map_or("", String::as_str);
        Self {
            action: change.action.as_str().to_owned(),
            purl: purl(change.source, vendor, &change.name, version, &change.architecture),
            name: change.name.clone(),
            architecture: change.architecture.clone(),
            source: change.source.as_str().to_owned(),
            repository: change.repository.clone(),
            from: change.old_version.clone(),
            to: change.new_version.clone(),
            sha256: change.sha256.as_deref().and_then(|text| text.parse().ok()),
            size: None,
            automatic_before: None,
            automatic_after: (!goes).then_some(change.automatic),
            grade: change.grade.clone(),
            signers: Vec::new(),
        }
    }
}

/// What was done when it differs from what was intended, and what is left for the user.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Done {
    /// What was done to which package; empty if exactly what was intended (after a commit) or nothing
    /// (after an abort).
    pub subjects: Vec<Subject>,
    /// What is left for the user, one line each.
    pub notices: Vec<String>,
}

impl From<&omg_core::Outcome> for Done {
    fn from(outcome: &omg_core::Outcome) -> Self {
        let line = |notice: &omg_core::Notice| match notice.package.as_str() {
            "" => notice.text.clone(),
            package => format!("{package}: {}", notice.text),
        };
        Self { subjects: Vec::new(), notices: outcome.notices.iter().map(line).collect() }
    }
}
