//! The system's policy, asked by root itself about what it is going to do.
//!
//! This is the one place where the policy has its say in a committing engine. It sees the plan as the
//! engine made it and the proofs as the root's own lists gave them, never what a client claims, and no
//! user's file.

use std::path::Path;
use std::time::SystemTime;

use omg_audit::{Actor as Caller, Bytes, Evidence, Ruling};
use omg_core::{Action, Fault, Grade, Plan, Planned, Task};
use omg_policy::{Actor, Policy, Subject, Verb};
use omg_verify::digest::Sha256;

use crate::Proof;

/// The policy, and who asks.
#[derive(Debug)]
pub(crate) struct Judge {
    policy: Policy,
    actor: Actor,
}

impl Judge {
    /// Reads the policy of the system below `root`.
    ///
    /// # Errors
    /// It can't be read, makes no sense, or others may write to it. Nothing is changed then.
    pub(crate) fn new(root: &Path, caller: &Caller) -> Result<Self, Fault> {
        let owner = rustix::process::geteuid().as_raw();
        let policy = Policy::system(root, owner)?;
        // Who asks is a user of this system, wherever the root is.
        let actor = Actor::look_up(caller.person(), Path::new("/etc"))?;
        Ok(Self { policy, actor })
    }

    /// May `plan` be carried out with these files? Answers with what the decision rested on, for the log.
    ///
    /// # Errors
    /// [`Code::Policy`](omg_core::Code::Policy).
    pub(crate) fn plan(&self, plan: &Plan, proofs: &[&Proof]) -> Result<Evidence, Fault> {
        let subjects: Vec<Subject> = plan
            .changes
            .iter()
            .enumerate()
            .map(|(at, planned)| {
                subject(planned, proofs.iter().find(|proof| proof.change == at).copied())
            })
            .collect();
        self.policy.admit(&subjects, &self.actor)?;
        let grade = proofs.iter().map(|proof| proof.grade).min();
        Ok(Evidence {
            policy: self.ruling(),
            grade: grade.map(|grade| grade.to_string()),
            ..Evidence::default()
        })
    }

    /// May somebody give such an order? For those that are about no package's origin.
    ///
    /// # Errors
    /// [`Code::Policy`](omg_core::Code::Policy).
    pub(crate) fn task(&self, task: &Task) -> Result<Evidence, Fault> {
        let verb = match task {
            // Judged package by package.
            Task::Apply { .. } => return Ok(Evidence::default()),
            Task::Mark { .. } => Verb::Mark,
            Task::Hold { .. } => Verb::Hold,
            Task::Lists { .. } => Verb::Sync,
            Task::Recover => Verb::Recover,
            Task::Clean { .. } => Verb::Clean,
        };
        self.policy.admit_verb(verb, &self.actor)?;
        Ok(Evidence { policy: self.ruling(), ..Evidence::default() })
    }

    /// The policy that let it pass; nothing where there is none.
    fn ruling(&self) -> Option<Ruling> {
        if self.policy.is_empty() {
            return None;
        }
        let text: Vec<&str> = self.policy.texts().collect();
        let sha256 = Bytes(*Sha256::of(text.concat().as_bytes()).as_bytes());
        Some(Ruling { sha256, rule: String::new(), verdict: "allow".to_owned() })
    }
}

fn subject(planned: &Planned, proof: Option<&Proof>) -> Subject {
    let comes = !matches!(planned.action, Action::Remove | Action::Purge);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.map_or(0, |since| since.as_secs());
    Subject {
        name: planned.name.clone(),
        action: Some(planned.action),
        origin: Some(planned.source),
        repository: planned.repository.clone(),
        url: None,
        grade: proof.map(|proof| proof.grade),
        age_s: proof.and_then(|proof| proof.built_at).map(|built| now.saturating_sub(built)),
        licenses: proof.map(|proof| proof.licenses.clone()).filter(|licenses| !licenses.is_empty()),
        // Whatever is better than that was signed, and the signature was verified by the root's keyrings.
        signed: comes.then(|| proof.is_some_and(|proof| proof.grade > Grade::Risk)),
        post_quantum: false,
    }
}
