//! A whole plan before the court.

use omg_core::{Code, Fault};

use crate::{Actor, Finding, Policy, Subject, Verb};

/// Most refusals that a fault names.
const NAMED: usize = 20;

impl Policy {
    /// Lets a change pass, or says which rules forbid which of its packages.
    ///
    /// # Errors
    /// [`Code::Policy`].
    pub fn admit(&self, subjects: &[Subject], actor: &Actor) -> Result<(), Fault> {
        if omg_failpoint::weak!("policy") {
            return Ok(());
        }
        let refused: Vec<(&Subject, Finding)> = subjects
            .iter()
            .flat_map(|subject| {
                let findings = self.judge(subject, actor).into_iter();
                findings.filter(Finding::denies).map(move |finding| (subject, finding))
            })
            .collect();
        let line = |(subject, finding): &(&Subject, Finding)| {
            format!("{}: {} ({}, {})", subject.name, finding.why, finding.rule, finding.place)
        };
        fault(refused.iter().map(line).collect(), refused.first().map(|(it, _)| it.name.as_str()))
    }

    /// Lets somebody do something that is about no package's origin, or says which rule forbids it.
    ///
    /// # Errors
    /// [`Code::Policy`].
    pub fn admit_verb(&self, verb: Verb, actor: &Actor) -> Result<(), Fault> {
        let findings = self.permits(verb, actor).into_iter().filter(Finding::denies);
        fault(findings.map(|it| format!("{} ({}, {})", it.why, it.rule, it.place)).collect(), None)
    }
}

fn fault(mut causes: Vec<String>, first: Option<&str>) -> Result<(), Fault> {
    if causes.is_empty() {
        return Ok(());
    }
    let all = causes.len();
    causes.truncate(NAMED);
    if all > NAMED {
        causes.push(format!("and {} more", all - NAMED));
    }
    let hint = match first {
        Some(name) => format!("`omg audit policy {name}` shows every rule with its verdict"),
        None => "the policy's section [who] says who may do what".to_owned(),
    };
    let mut fault = Fault::new(Code::Policy, "the policy of this system forbids it").hint(hint);
    fault.cause = causes;
    Err(fault)
}
