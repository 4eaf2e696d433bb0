//! A plan in the JSON contract: `omg.plan/1`.

use omg_core::{Build, HeldBack, OptionalDependency, Plan, Planned, ProviderChoice, Reason};
use serde::Serialize;

use crate::render::rfc3339;

/// The whole plan.
#[derive(Serialize)]
pub(crate) struct Body<'a> {
    digest: String,
    changes: Vec<Row<'a>>,
    builds: Vec<Recipe<'a>>,
    held_back: &'a [HeldBack],
    providers: &'a [ProviderChoice],
    optional: &'a [OptionalDependency],
    unneeded: &'a [String],
    warnings: &'a [String],
    download_size: u64,
    installed_size_delta: i64,
    needs_privilege: bool,
}

impl<'a> Body<'a> {
    /// Of a plan.
    pub(crate) fn of(plan: &'a Plan) -> Self {
        Self {
            digest: plan.digest(),
            changes: rows(&plan.changes),
            builds: plan.builds.iter().map(Recipe::of).collect(),
            held_back: &plan.held_back,
            providers: &plan.providers,
            optional: &plan.optional,
            unneeded: &plan.unneeded,
            warnings: &plan.warnings,
            download_size: plan.download_size(),
            installed_size_delta: plan.installed_size_delta(),
            needs_privilege: plan.needs_privilege(),
        }
    }
}

/// One change.
#[derive(Serialize)]
pub(crate) struct Row<'a> {
    action: &'a str,
    name: &'a str,
    architecture: &'a str,
    old_version: Option<&'a str>,
    new_version: Option<&'a str>,
    source: &'a str,
    repository: &'a str,
    reason: &'a str,
    reason_package: Option<&'a str>,
    automatic: bool,
    download_size: u64,
    installed_size_delta: i64,
    sha256: Option<&'a str>,
    grade: Option<&'a str>,
}

/// All changes.
pub(crate) fn rows(changes: &[Planned]) -> Vec<Row<'_>> {
    changes.iter().map(row).collect()
}

fn row(change: &Planned) -> Row<'_> {
    let (reason, reason_package) = reason(&change.reason);
    Row {
        action: change.action.as_str(),
        name: &change.name,
        architecture: &change.architecture,
        old_version: change.old_version.as_deref(),
        new_version: change.new_version.as_deref(),
        source: change.source.as_str(),
        repository: &change.repository,
        reason,
        reason_package,
        automatic: change.automatic,
        download_size: change.download_size,
        installed_size_delta: change.installed_size_delta,
        sha256: change.sha256.as_deref(),
        grade: change.grade.as_deref(),
    }
}

/// The reason as a word, and the package that it is about.
fn reason(reason: &Reason) -> (&'static str, Option<&str>) {
    match reason {
        Reason::Requested => ("requested", None),
        Reason::Dependency(package) => ("dependency", Some(package)),
        Reason::Recommended(package) => ("recommended", Some(package)),
        Reason::Newer => ("newer", None),
        Reason::ReplacedBy(package) => ("replaced-by", Some(package)),
        Reason::Replaces(package) => ("replaces", Some(package)),
        Reason::Conflict(package) => ("conflict", Some(package)),
        Reason::Loses(package) => ("loses", Some(package)),
        Reason::Unneeded => ("unneeded", None),
        Reason::Build(package) => ("build", Some(package)),
        Reason::Unknown => ("unknown", None),
    }
}

/// A recipe to build, with its times as text.
#[derive(Serialize)]
struct Recipe<'a> {
    package_base: &'a str,
    version: &'a str,
    packages: &'a [String],
    maintainer: Option<&'a str>,
    votes: u32,
    last_modified: String,
    out_of_date: Option<String>,
    make_depends: &'a [String],
    check_depends: &'a [String],
}

impl<'a> Recipe<'a> {
    fn of(build: &'a Build) -> Self {
        Self {
            package_base: &build.package_base,
            version: &build.version,
            packages: &build.packages,
            maintainer: build.maintainer.as_deref(),
            votes: build.votes,
            last_modified: rfc3339(build.last_modified).to_string(),
            out_of_date: build.out_of_date.map(|at| rfc3339(at).to_string()),
            make_depends: &build.make_depends,
            check_depends: &build.check_depends,
        }
    }
}
