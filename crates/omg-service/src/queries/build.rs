//! `Build`: recipes become package files, and the files a change of their own.

use omg_backend::PackageManager;
use omg_core::{
    Artifact, Build, Change, Code, Fault, Grade, Operation, Phase, Plan, Progress, Reporter, Staged,
};
use omg_fetch::Fetcher;
use omg_proto::Reply;

use crate::catalogue::Catalogue;
use crate::queries::plan::planned;
use crate::queries::stage;

pub(crate) async fn answer<B: PackageManager>(
    catalogue: &Catalogue<B>,
    reporter: &Reporter,
    change: &Change,
    bases: &str,
) -> Result<Reply<'static>, Fault> {
    let fetcher = catalogue.downloads().await?.fetcher.clone();
    reporter.report(Progress::Step { percent: 0, what: "planning".to_owned() });
    let plan = planned(catalogue.backend(), change).await?;
    let builds = chosen(&plan, bases)?;
    let items = u32::try_from(builds.len()).unwrap_or(u32::MAX);
    reporter.report(Progress::Phase { phase: Phase::Build, items });
    let (built, failed) = all(catalogue.backend(), change, &fetcher, reporter, &builds).await;
    if built.is_empty() {
        return Ok(Reply::Built { staged: None, failed });
    }
    let staged = installed(catalogue, &fetcher, reporter, change, &plan, &built).await?;
    Ok(Reply::Built { staged: Some(Box::new(staged)), failed })
}

/// The builds of a plan that are asked for, in its order.
fn chosen<'a>(plan: &'a Plan, bases: &str) -> Result<Vec<&'a Build>, Fault> {
    let there = |base: &str| plan.builds.iter().any(|build| build.package_base == base);
    if let Some(unknown) = bases.lines().find(|base| !there(base)) {
        let message = format!("no recipe '{}' is in the plan any more", omg_core::escape(unknown));
        return Err(Fault::new(Code::PlanChanged, message).hint("ask again to see the new plan"));
    }
    let asked =
        |build: &&Build| bases.is_empty() || bases.lines().any(|base| base == build.package_base);
    Ok(plan.builds.iter().filter(asked).collect())
}

/// Builds one after the other. One that fails keeps only those from being built that need it.
async fn all<B: PackageManager>(
    backend: &B,
    change: &Change,
    fetcher: &Fetcher,
    reporter: &Reporter,
    builds: &[&Build],
) -> (Vec<Artifact>, Vec<(String, Fault)>) {
    let heard = |event| reporter.report(event);
    let mut built = Vec::new();
    let mut failed: Vec<(&Build, Fault)> = Vec::new();
    for build in builds {
        let needed = build.make_depends.iter().chain(&build.check_depends);
        let missing = needed.into_iter().find_map(|name| {
            failed.iter().find(|(other, _)| other.packages.contains(name)).map(|(other, _)| other)
        });
        let result = match missing {
            None => backend.build(build, change.options, fetcher, &heard).await,
            Some(other) => {
                let message = format!("it needs {}, which was not built", other.package_base);
                Err(Fault::new(Code::Build, message))
            }
        };
        match result {
            Ok(artifacts) => built.extend(artifacts),
            Err(fault) => failed.push((build, fault)),
        }
    }
    let failed = failed.into_iter().map(|(build, fault)| (build.package_base.clone(), fault));
    (built, failed.collect())
}

/// The change that installs what was built, with what that needs of the repositories.
async fn installed<B: PackageManager>(
    catalogue: &Catalogue<B>,
    fetcher: &Fetcher,
    reporter: &Reporter,
    change: &Change,
    plan: &Plan,
    built: &[Artifact],
) -> Result<Staged, Fault> {
    let mut own = Change::new(Operation::Install, built.iter().map(|file| file.path.as_str()));
    own.providers.clone_from(&change.providers);
    let planned_as = |name: &str| plan.changes.iter().find(|change| change.name == name);
    own.options.as_dependencies = change.options.as_dependencies
        || built.iter().all(|file| planned_as(&file.name).is_some_and(|it| it.automatic));
    let own = stage::resolved(own)?;
    let plan = planned(catalogue.backend(), &own).await?;
    let mut staged = stage::files(catalogue, fetcher, reporter, own, plan).await?;
    // A file that anybody may have made is one thing, a reviewed recipe's another.
    let ours = |sha256: &str| built.iter().any(|file| file.sha256 == sha256);
    for artifact in staged.artifacts.iter_mut().filter(|it| ours(&it.sha256)) {
        artifact.grade = artifact.grade.max(Grade::Community);
        let of_file = Some(&artifact.sha256);
        for change in staged.plan.changes.iter_mut().filter(|it| it.sha256.as_ref() == of_file) {
            change.grade = Some(artifact.grade.to_string());
        }
    }
    Ok(staged)
}
