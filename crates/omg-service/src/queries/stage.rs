//! `Stage`: everything that a change needs is fetched and checked, before anybody asks for the
//! administrator's rights.

mod named;
mod part;

use std::sync::Arc;

use omg_backend::PackageManager;
use omg_core::{
    Artifact, Change, Code, Fault, Grade, Phase, Plan, Planned, Progress, Reporter, Staged, Wanted,
};
use omg_fetch::Fetcher;
use omg_proto::Reply;
use tokio::task::JoinSet;

use crate::catalogue::Catalogue;
use crate::policy::{Court, Evidence, is_artifact_of, is_of};
use crate::queries::plan::planned;

pub(super) use named::resolved;

/// Files that are verified at a time.
const VERIFIED_AT_A_TIME: usize = 4;

/// Files that are named when several are at fault.
const NAMED: usize = 20;

pub(crate) async fn answer<B: PackageManager>(
    catalogue: &Catalogue<B>,
    reporter: &Reporter,
    change: &Change,
    digest: &str,
) -> Result<Reply<'static>, Fault> {
    let fetcher = catalogue.downloads().await?.fetcher.clone();
    // Whoever waits for more than it takes to plan is told that somebody is at work.
    reporter.report(Progress::Step { percent: 0, what: "planning".to_owned() });
    let plan = planned(catalogue.backend(), change).await?;
    catalogue.recent().check(digest, &plan)?;
    let Some(change) = part::of_repositories(change, &plan) else {
        let change = Change { targets: Vec::new(), ..change.clone() };
        let staged = Staged { change, plan: Plan::default(), artifacts: Vec::new() };
        return Ok(Reply::Staged(Box::new(staged)));
    };
    let change = resolved(change)?;
    let mut plan = planned(catalogue.backend(), &change).await?;
    part::without_recipes(&mut plan);
    Ok(Reply::Staged(Box::new(files(catalogue, &fetcher, reporter, change, plan).await?)))
}

/// Brings the files of a plan that is the repositories' alone.
pub(super) async fn files<B: PackageManager>(
    catalogue: &Catalogue<B>,
    fetcher: &Fetcher,
    reporter: &Reporter,
    change: Change,
    mut plan: Plan,
) -> Result<Staged, Fault> {
    let mut wanted = catalogue.backend().wanted(&plan).await?;
    let court = court(catalogue).await?;
    if let Some(court) = &court {
        court.choose_mirrors(&plan, &mut wanted);
        // What is refused in any case is not fetched. Files that the user named are looked at later.
        let mut early = plan.clone();
        early.changes.retain(|planned| {
            planned.new_version.is_none() || wanted.iter().any(|file| is_of(planned, file))
        });
        court.admit(&early, |planned| {
            let file = wanted.iter().find(|file| is_of(planned, file));
            Evidence {
                grade: file.map(|file| file.grade),
                url: file.and_then(|file| file.urls.first().map(String::as_str)),
                licenses: licenses(catalogue, planned),
            }
        })?;
    }
    let mut artifacts = fetched(fetcher, reporter, wanted).await?;
    artifacts.extend(named::artifacts(&change, &plan).await?);
    complete(&plan, &artifacts)?;
    verify(catalogue.shared_backend(), reporter, &mut plan, &mut artifacts).await?;
    if let Some(court) = &court {
        court.admit(&plan, |planned| {
            let artifact = artifacts.iter().find(|artifact| is_artifact_of(planned, artifact));
            Evidence {
                grade: artifact.map(|artifact| artifact.grade),
                url: None,
                licenses: licenses(catalogue, planned),
            }
        })?;
    }
    Ok(Staged { change, plan, artifacts })
}

/// The policies as they are now, if there is any rule.
async fn court<B: PackageManager>(catalogue: &Catalogue<B>) -> Result<Option<Court>, Fault> {
    let Some(rules) = catalogue.options().rules.clone() else { return Ok(None) };
    let read = tokio::task::spawn_blocking(move || Court::of(&rules)).await;
    read.map_err(|error| {
        Fault::caused_by(Code::Internal, "a part of the daemon panicked over the policy", &error)
    })?
}

/// The licences of what comes, where the lists have them.
fn licenses<B: PackageManager>(catalogue: &Catalogue<B>, planned: &Planned) -> Option<Vec<String>> {
    let version = planned.new_version.as_deref()?;
    let query = format!("{}={version}", planned.name);
    let body = crate::queries::info::answer(&catalogue.view(), catalogue, &query).ok()?;
    let Ok(Reply::Info(found)) = Reply::decode(&body) else { return None };
    let of = found.into_iter().find(|it| it.architecture == planned.architecture)?;
    Some(of.licenses.into_iter().map(ToOwned::to_owned).collect())
}

async fn fetched(
    fetcher: &Fetcher,
    reporter: &Reporter,
    wanted: Vec<Wanted>,
) -> Result<Vec<Artifact>, Fault> {
    let items = u32::try_from(wanted.len()).unwrap_or(u32::MAX);
    reporter.report(Progress::Phase { phase: Phase::Download, items });
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let results = fetcher.fetch(wanted, |event| reporter.report(event)).await;
    all(results, "could not be fetched")
}

/// Does each change that brings a version have its file?
fn complete(plan: &Plan, artifacts: &[Artifact]) -> Result<(), Fault> {
    let coming = plan.changes.iter().filter(|change| change.new_version.is_some());
    let mut without =
        coming.filter(|change| !artifacts.iter().any(|it| is_artifact_of(change, it)));
    without.next().map_or(Ok(()), |change| {
        let version = change.new_version.as_deref().unwrap_or_default();
        let message = format!("{} {version} can't be had from anywhere", change.name);
        Err(Fault::new(Code::Gone, message).hint("omg sync"))
    })
}

/// Has the backend say what each file is worth, and notes it.
async fn verify<B: PackageManager>(
    backend: Arc<B>,
    reporter: &Reporter,
    plan: &mut Plan,
    artifacts: &mut [Artifact],
) -> Result<(), Fault> {
    let items = u32::try_from(artifacts.len()).unwrap_or(u32::MAX);
    reporter.report(Progress::Phase { phase: Phase::Verify, items });
    let mut open = artifacts.iter().enumerate().filter_map(|(at, artifact)| {
        let change = plan.changes.iter().find(|change| is_artifact_of(change, artifact))?;
        Some((at, change.clone(), artifact.clone()))
    });
    let mut grades: Vec<Option<Result<Grade, Fault>>> = vec![None; artifacts.len()];
    // Dropped with the call, it ends what is under way.
    let mut tasks = JoinSet::new();
    loop {
        while tasks.len() < VERIFIED_AT_A_TIME
            && let Some((at, change, artifact)) = open.next()
        {
            let backend = backend.clone();
            tasks.spawn(async move {
                let grade = backend.verify_artifact(&change, &artifact).await;
                (at, artifact, grade)
            });
        }
        let Some(done) = tasks.join_next().await else { break };
        let (at, artifact, grade) = done.map_err(|error| {
            Fault::caused_by(Code::Internal, "a part of the daemon panicked over a file", &error)
        })?;
        reporter.report(Progress::File {
            item: u32::try_from(at).unwrap_or(u32::MAX),
            name: artifact.name,
            done: artifact.size,
            total: Some(artifact.size),
            finished: grade.is_ok(),
        });
        if let Some(slot) = grades.get_mut(at) {
            *slot = Some(grade);
        }
    }
    drop(open);
    let mut faults = Vec::new();
    for (artifact, grade) in artifacts.iter_mut().zip(grades) {
        match grade {
            Some(Ok(grade)) => artifact.grade = grade,
            Some(Err(fault)) => faults.push(Err(fault)),
            None => {}
        }
    }
    all::<()>(faults, "are not let in")?;
    for change in plan.changes.iter_mut().filter(|change| change.new_version.is_some()) {
        let artifact = artifacts.iter().find(|artifact| is_artifact_of(change, artifact));
        change.grade = artifact.map(|artifact| artifact.grade.to_string());
    }
    Ok(())
}

/// All of them, or one fault for those that failed.
fn all<T>(results: Vec<Result<T, Fault>>, what: &str) -> Result<Vec<T>, Fault> {
    /// What looks like an attack is not hidden behind a mirror that is down.
    const GRAVE: [Code; 8] = [
        Code::Tampered,
        Code::Signature,
        Code::Digest,
        Code::Archive,
        Code::Rollback,
        Code::Expired,
        Code::Policy,
        Code::Refused,
    ];
    let files = results.len();
    let mut good = Vec::with_capacity(files);
    let mut faults = Vec::new();
    for result in results {
        match result {
            Ok(one) => good.push(one),
            Err(fault) => faults.push(fault),
        }
    }
    if faults.len() <= 1 {
        return faults.pop().map_or(Ok(good), Err);
    }
    let gravity = |fault: &&Fault| GRAVE.iter().position(|code| *code == fault.code);
    let gravest = faults.iter().min_by_key(|fault| gravity(fault).unwrap_or(GRAVE.len()));
    let Some(gravest) = gravest else { return Ok(good) };
    let mut fault = Fault::new(gravest.code, format!("{} of {files} files {what}", faults.len()));
    fault.hint.clone_from(&gravest.hint);
    fault.cause.extend(faults.iter().take(NAMED).map(ToString::to_string));
    if let Some(more @ 1..) = faults.len().checked_sub(NAMED) {
        fault.cause.push(format!("and {more} more"));
    }
    Err(fault)
}
