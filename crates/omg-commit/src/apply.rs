//! Carrying out a plan: everything is planned, copied and checked again, then recorded, then done.

use std::path::PathBuf;
use std::time::Duration;

use omg_audit::{Bytes, Done, Subject};
use omg_core::{
    Action, Artifact, Change, Code, Fault, NoticeKind, Order, Outcome, Phase, Plan, Planned,
    Progress, Task,
};
use omg_failpoint::{reach, weak};
use omg_verify::digest::{Expected, Sha256};

use crate::case::{self, Case};
use crate::error::Error;
use crate::policy::Judge;
use crate::run::Desk;
use crate::staging::{Copied, LARGEST, Staging};
use crate::state::State;
use crate::{Commission, Committer, Proof, Report};

/// Most lines of a plan that a fault repeats.
const CAUSES: usize = 40;

/// What an order to apply has in it.
struct Asked<'a> {
    change: &'a Change,
    digest: &'a str,
    artifacts: &'a [Artifact],
}

/// Files with what was proven of them.
type Files = Vec<(Proof, PathBuf, std::fs::File)>;

pub(crate) fn apply<C: Committer>(
    desk: &Desk<'_>,
    state: &State,
    case: &mut Case<'_>,
    order: &Order,
) -> Result<Outcome, Fault> {
    let Task::Apply { change, digest, artifacts, .. } = &order.task else {
        return Err(Fault::new(Code::Internal, "the order is none to apply a plan"));
    };
    let judge = Judge::new(desk.root, &case.entry.actor)?;
    let asked = Asked { change, digest, artifacts };
    let patience = Duration::from_secs(order.lock_timeout_s.into());
    reach!("commit.locks.before");
    let mut committer = C::open(desk.root, patience, desk.client)?;
    reach!("commit.locks.after");
    whole(&mut committer)?;
    desk.signals.check()?;
    let staging = Staging::new(&state.staging()?)?;
    let items = u32::try_from(artifacts.len()).unwrap_or(u32::MAX);
    desk.client.progress(Progress::Phase { phase: Phase::Prepare, items });
    let (change, own) = own_files(&staging, &asked)?;
    let plan = as_named(committer.plan(&change)?, &change, asked.change);
    reach!("commit.plan.after");
    same(&plan, &asked)?;
    case.entry = std::mem::take(&mut case.entry).plan(&plan, &desk.vendor);
    for (at, automatic) in committer.automatic(&plan)? {
        if let Some(subject) = case.entry.subjects.get_mut(at) {
            subject.automatic_before = Some(automatic);
        }
    }
    let proofs = committer.proofs(&plan)?;
    complete(&plan, &proofs)?;
    reach!("commit.proofs.after");
    let files = bring(desk, &mut committer, &staging, &plan, proofs, &asked, own)?;
    reach!("commit.verify.after");
    let files = vouched(case, files);
    let proofs: Vec<&Proof> = files.iter().map(|(proof, _, _)| proof).collect();
    case.entry.evidence = Some(judge.plan(&plan, &proofs)?);
    desk.signals.check()?;
    let pending = case.begin()?;
    let items = u32::try_from(plan.changes.len()).unwrap_or(u32::MAX);
    desk.client.progress(Progress::Phase { phase: Phase::Commit, items });
    let commission =
        Commission { change: &change, plan: &plan, files: &files, conffiles: order.conffiles };
    reach!("commit.apply.before");
    let applied = committer.apply(&commission, desk.client);
    reach!("commit.apply.after");
    let (result, notices) = match applied {
        Ok(notices) => (Ok(()), notices),
        Err(fault) => (Err(fault), Vec::new()),
    };
    let mut outcome = Outcome { record: 0, changes: plan.changes.clone(), notices };
    let done = match &result {
        Ok(()) => Done::from(&outcome),
        Err(_) => partly(&mut committer, &plan, &case.entry.subjects),
    };
    outcome.record = case::end(pending, &result, &done)?;
    Ok(outcome)
}

/// Puts down for the log what was found of the files.
fn vouched(case: &mut Case<'_>, files: Vec<(Proof, Copied)>) -> Files {
    for (proof, copied) in &files {
        if let Some(subject) = case.entry.subjects.get_mut(proof.change) {
            subject.sha256 = Some(Bytes(*copied.digests.sha256.as_bytes()));
            subject.size = Some(copied.digests.size);
            subject.grade = Some(proof.grade.to_string());
        }
    }
    files.into_iter().map(|(proof, copied)| (proof, copied.path, copied.file)).collect()
}

/// Refuses where an earlier change ended half way.
fn whole(committer: &mut impl Committer) -> Result<(), Fault> {
    let unfinished = committer.interrupted()?;
    if unfinished.is_empty() {
        return Ok(());
    }
    let mut fault = Fault::new(Code::Interrupted, "an earlier change was cut off");
    fault.cause.extend(unfinished.into_iter().take(CAUSES));
    Err(fault.hint("`omg recover` finishes or reverts it"))
}

/// Copies the package files that the user named, and has the change name the copies: what is planned
/// over is what is installed.
fn own_files(staging: &Staging, asked: &Asked<'_>) -> Result<(Change, Vec<Copied>), Error> {
    let mut change = asked.change.clone();
    let mut copies = Vec::new();
    for target in change.targets.iter_mut().filter(|target| target.starts_with('/')) {
        let artifact = asked.artifacts.iter().find(|artifact| artifact.path == *target);
        let Some(artifact) = artifact else {
            return Err(Error::Missing { package: target.clone() });
        };
        let (_, name) = target.rsplit_once('/').unwrap_or(("", target));
        let directory = staging.below("named")?.join(copies.len().to_string());
        std::fs::create_dir(&directory).map_err(Error::io(&directory, "making it"))?;
        let copied = staging.copy(target, directory.join(name), Some(artifact.size))?;
        // Before anybody looks into it: these are the bytes that were there when it was approved.
        let digest = Sha256::parse(&artifact.sha256).ok();
        let expected = Expected { sha256: digest, sha512: None, size: Some(artifact.size) };
        differs(target, &expected, &copied)?;
        *target = copied.path.display().to_string();
        copies.push(copied);
    }
    Ok((change, copies))
}

/// The plan over copies, in the words of the one over the files that the user named.
fn as_named(mut plan: Plan, copies: &Change, named: &Change) -> Plan {
    for planned in &mut plan.changes {
        let mut pairs = copies.targets.iter().zip(&named.targets);
        if let Some((_, path)) = pairs.find(|(copy, _)| **copy == planned.repository) {
            planned.repository.clone_from(path);
        }
    }
    plan
}

fn differs(path: &str, expected: &Expected, copied: &Copied) -> Result<(), Error> {
    // Digests are not named: a user could learn those of files that only root may read.
    match expected.check(&copied.digests) {
        Ok(()) if expected.has_digest() => Ok(()),
        Ok(()) => Err(Error::Unproven { package: path.to_owned() }),
        Err(omg_verify::Error::Size { .. }) => {
            Err(Error::Differs { path: path.to_owned(), what: "size" })
        }
        Err(_) => Err(Error::Differs { path: path.to_owned(), what: "digest" }),
    }
}

/// Is it the plan that was approved?
fn same(plan: &Plan, asked: &Asked<'_>) -> Result<(), Fault> {
    if plan.digest() == asked.digest || weak!("49") {
        return Ok(());
    }
    let message = "the system is not as it was when the plan was approved; it would do this now";
    let mut fault = Fault::new(Code::PlanChanged, message);
    fault.cause.extend(plan.changes.iter().take(CAUSES).map(line));
    if plan.changes.is_empty() {
        fault.cause.push("nothing".to_owned());
    }
    Err(fault.hint("ask again to see the new plan"))
}

fn line(planned: &Planned) -> String {
    let versions = match (&planned.old_version, &planned.new_version) {
        (Some(old), Some(new)) => format!("{old} -> {new}"),
        (None, Some(version)) | (Some(version), None) => version.clone(),
        (None, None) => String::new(),
    };
    format!("{} {} ({versions})", planned.action.as_str(), planned.name)
}

/// Is there one proof for each file that the plan takes?
fn complete(plan: &Plan, proofs: &[Proof]) -> Result<(), Error> {
    for (at, planned) in plan.changes.iter().enumerate() {
        let takes = !matches!(planned.action, Action::Remove | Action::Purge);
        let count = proofs.iter().filter(|proof| proof.change == at).count();
        if count != usize::from(takes) {
            return Err(Error::Unproven { package: planned.name.clone() });
        }
    }
    Ok(())
}

/// Copies every file and checks the copy.
fn bring<C: Committer>(
    desk: &Desk<'_>,
    committer: &mut C,
    staging: &Staging,
    plan: &Plan,
    proofs: Vec<Proof>,
    asked: &Asked<'_>,
    mut own: Vec<Copied>,
) -> Result<Vec<(Proof, Copied)>, Fault> {
    let mut files = Vec::with_capacity(proofs.len());
    for (at, proof) in proofs.into_iter().enumerate() {
        desk.signals.check()?;
        let planned = plan.changes.get(proof.change);
        let planned =
            planned.ok_or_else(|| Error::Unproven { package: proof.file_name.clone() })?;
        let artifact = asked.artifacts.iter().find(|artifact| is_of(artifact, planned));
        let expected = expected(&proof, planned)?;
        let to = staging.path().join(plain(&proof.file_name)?);
        let copied = match own.iter().position(|own| Some(own.digests.sha256) == expected.sha256) {
            Some(at) if proof.sha256.is_none() => named(own.swap_remove(at), to)?,
            _ => {
                let missing = || Error::Missing { package: planned.name.clone() };
                let artifact = artifact.ok_or_else(missing)?;
                let size = expected.size.unwrap_or_else(|| artifact.size.min(LARGEST));
                staging.copy(&artifact.path, to, Some(size))?
            }
        };
        differs(&copied.path.display().to_string(), &expected, &copied)
            .map_err(|error| blame(error, artifact))?;
        if proof.signed {
            let signature = artifact.and_then(|artifact| artifact.signature.as_deref());
            committer.check_signature(&proof, planned, &copied.file, signature)?;
        }
        desk.client.progress(Progress::File {
            item: u32::try_from(at).unwrap_or(u32::MAX),
            name: proof.file_name.clone(),
            done: copied.digests.size,
            total: Some(copied.digests.size),
            finished: true,
        });
        files.push((proof, copied));
    }
    Ok(files)
}

fn is_of(artifact: &Artifact, planned: &Planned) -> bool {
    artifact.name == planned.name
        && artifact.architecture == planned.architecture
        && Some(&artifact.version) == planned.new_version.as_ref()
}

/// What the file must be: by the root's own lists, else by the plan that was approved.
fn expected(proof: &Proof, planned: &Planned) -> Result<Expected, Error> {
    let text = proof.sha256.as_ref().or(planned.sha256.as_ref());
    let digest = text.and_then(|text| Sha256::parse(text).ok());
    let unproven = || Error::Unproven { package: planned.name.clone() };
    Ok(Expected::sha256(digest.ok_or_else(unproven)?, proof.size))
}

/// The name of a file in staging: never a path.
fn plain(name: &str) -> Result<&str, Error> {
    if name.is_empty() || name.starts_with('.') || name.contains(['/', '\0']) || name.len() > 255 {
        return Err(Error::Order { why: format!("'{name}' is no name of a package file") });
    }
    Ok(name)
}

/// The copy of a file that the user named, under the name that the native tool gives it.
fn named(copied: Copied, to: PathBuf) -> Result<Copied, Error> {
    std::fs::hard_link(&copied.path, &to).map_err(Error::io(&to, "making it"))?;
    Ok(Copied { path: to, ..copied })
}

/// Names the client's file, not the copy, which is gone by the time it is read about.
fn blame(error: Error, artifact: Option<&Artifact>) -> Error {
    match (error, artifact) {
        (Error::Differs { what, .. }, Some(artifact)) => {
            Error::Differs { path: artifact.path.clone(), what }
        }
        (error, _) => error,
    }
}

/// What was done of a plan whose transaction failed.
fn partly(committer: &mut impl Committer, plan: &Plan, intended: &[Subject]) -> Done {
    let left = |text: String| Done { subjects: Vec::new(), notices: vec![text] };
    let mut done = match committer.carried_out(plan) {
        Ok(indexes) => {
            let done = indexes.into_iter().filter_map(|at| intended.get(at));
            Done { subjects: done.cloned().collect(), notices: Vec::new() }
        }
        Err(fault) => left(format!("what was done is not known: {fault}")),
    };
    if let Ok(unfinished) = committer.interrupted() {
        done.notices.extend(unfinished.into_iter().take(CAUSES));
    }
    done
}

/// A notice without a package.
pub(crate) fn note(text: String) -> omg_core::Notice {
    omg_core::Notice { kind: NoticeKind::Note, package: String::new(), text }
}
