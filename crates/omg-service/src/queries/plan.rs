//! `Plan` and `WhyNot`: asked from the backend, which asks its engine.

use omg_backend::PackageManager;
use omg_core::{Change, Code, Fault, Grade, Operation, Plan, Source, WhyNot};
use omg_proto::Reply;

use crate::catalogue::Catalogue;
use crate::queries::name::{Wanted, unknown};
use crate::view::View;

pub(crate) async fn answer<B: PackageManager>(
    catalogue: &Catalogue<B>,
    change: &Change,
) -> Result<Reply<'static>, Fault> {
    let mut plan = planned(catalogue.backend(), change).await?;
    catalogue.recent().remember(&plan);
    grade(catalogue.backend(), &mut plan).await;
    Ok(Reply::Plan(plan))
}

/// What a change would do now, in order.
pub(super) async fn planned<B: PackageManager>(
    backend: &B,
    change: &Change,
) -> Result<Plan, Fault> {
    check(change)?;
    let mut plan = backend.plan(change).await?;
    plan.sort();
    Ok(plan)
}

/// Notes what is known of the origin of each file, before any is here. A file that the user named is
/// looked at when it is staged.
async fn grade<B: PackageManager>(backend: &B, plan: &mut Plan) {
    if plan.changes.iter().all(|change| change.new_version.is_none()) {
        return;
    }
    let wanted = match backend.wanted(plan).await {
        Ok(wanted) => wanted,
        Err(fault) => {
            // Whoever goes on with the plan is told when it is staged.
            tracing::debug!(%fault, "the files of a plan can't be graded");
            Vec::new()
        }
    };
    let grades: ahash::AHashMap<_, _> = wanted
        .iter()
        .map(|file| ((&*file.name, &*file.architecture, &*file.version), file.grade))
        .collect();
    for change in &mut plan.changes {
        let Some(version) = change.new_version.as_deref() else { continue };
        let grade = grades.get(&(&*change.name, &*change.architecture, version)).copied();
        let recipe = (change.source == Source::Aur).then_some(Grade::Community);
        change.grade = grade.or(recipe).map(|grade| grade.to_string());
    }
}

/// What no engine should be asked.
fn check(change: &Change) -> Result<(), Fault> {
    if change.targets.len() > Change::TARGET_LIMIT {
        return Err(Fault::new(
            Code::Limit,
            format!("more than {} packages at a time", Change::TARGET_LIMIT),
        ));
    }
    if change.targets.is_empty()
        && matches!(change.operation, Operation::Install | Operation::Remove)
    {
        return Err(Fault::new(Code::Usage, "no package is named"));
    }
    let chosen = change.providers.iter().flat_map(|(wanted, package)| [wanted, package]);
    let wrong = change.targets.iter().chain(chosen).find(|name| !is_plain(name));
    wrong.map_or(Ok(()), |name| {
        Err(Fault::new(Code::Usage, format!("'{}' can't be a package", name.escape_debug())))
    })
}

/// Names that begin with a dash would be options to whoever runs a program with them; control
/// characters are in no name, version or path that we could show.
fn is_plain(target: &str) -> bool {
    !target.is_empty() && !target.starts_with('-') && !target.chars().any(char::is_control)
}

pub(crate) async fn why_not<B: PackageManager>(
    view: &View,
    backend: &B,
    package: &str,
) -> Result<Reply<'static>, Fault> {
    let change = Change::new(Operation::Install, [package]);
    check(&change)?;
    let wanted = Wanted::read(view, package);
    let there = view.installed_named(wanted.name).next();
    let installed = there.map(|(_, package)| package.version.to_string());
    let entries = view.find(wanted.name);
    let candidate = entries.iter().find_map(|&entry| {
        let (index, row) = view.index(entry);
        let version = match wanted.repository {
            Some(_) => index.offers(row).find(|it| wanted.is_from(it.repository))?.version,
            None => view.seen(entry)?.version,
        };
        (!version.is_empty()).then(|| version.to_owned())
    });
    let mut answer = WhyNot {
        name: wanted.name.to_owned(),
        version: wanted.version.map(ToOwned::to_owned),
        installed_version: installed,
        candidate_version: candidate,
        possible: true,
        reasons: Vec::new(),
        changes: Vec::new(),
    };
    match backend.plan(&change).await {
        Ok(plan) => possible(&mut answer, plan),
        Err(fault) if fault.code == Code::NotFound && entries.is_empty() => {
            return Err(unknown(view, wanted.name));
        }
        Err(fault) if matches!(fault.code, Code::Unsolvable | Code::NotFound | Code::Refused) => {
            answer.possible = false;
            answer.reasons.push(fault.message);
            answer.reasons.extend(fault.cause);
        }
        Err(fault) => return Err(fault),
    }
    Ok(Reply::WhyNot(answer))
}

fn possible(answer: &mut WhyNot, mut plan: Plan) {
    plan.sort();
    let held = plan.held_back.iter().filter(|held| held.name == answer.name);
    answer.reasons.extend(
        held.map(|held| format!("{} stays at {}: {}", held.name, held.installed_version, held.why)),
    );
    answer.reasons.append(&mut plan.warnings);
    answer.changes = plan.changes;
}
