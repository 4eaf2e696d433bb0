//! The fake's archives: where they are said to be, and what they are worth.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use omg_core::{
    Artifact, Build, Code, Fault, Grade, Phase, Plan, Planned, Progress, Source, Wanted,
};
use omg_fetch::Sha256;

use super::FakePackage;
use crate::{FetchedLists, Heard};

/// The archive of a [`FakePackage`], as signed metadata has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FakeArchive {
    /// Where it can be had, best first.
    pub urls: Vec<String>,
    /// Bytes.
    pub size: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
    /// What its repository is worth.
    pub grade: Grade,
}

fn archive<'a>(
    packages: &'a BTreeMap<String, FakePackage>,
    change: &Planned,
) -> Result<&'a FakeArchive, Fault> {
    let archive = packages.get(&change.name).and_then(|package| package.archive.as_ref());
    archive.ok_or_else(|| {
        Fault::new(Code::Gone, format!("the archive of '{}' can't be had", change.name))
    })
}

pub(super) fn wanted(
    packages: &BTreeMap<String, FakePackage>,
    plan: &Plan,
) -> Result<Vec<Wanted>, Fault> {
    let coming = plan.changes.iter().filter_map(|it| Some((it, it.new_version.as_deref()?)));
    // Files that were named and recipes are nowhere to be fetched.
    coming
        .filter(|(change, _)| !change.repository.is_empty() && change.source != Source::Aur)
        .map(|(change, version)| {
            let archive = archive(packages, change)?;
            Ok(Wanted {
                name: change.name.clone(),
                architecture: change.architecture.clone(),
                version: version.to_owned(),
                repository: change.repository.clone(),
                file_name: format!("{}_{version}_{}.fake", change.name, change.architecture),
                urls: archive.urls.clone(),
                size: Some(archive.size),
                sha256: Some(archive.sha256.clone()),
                signature: None,
                cached: Vec::new(),
                grade: archive.grade,
            })
        })
        .collect()
}

pub(super) fn verify(
    packages: &BTreeMap<String, FakePackage>,
    planned: &Planned,
    artifact: &Artifact,
) -> Result<Grade, Fault> {
    if planned.repository.is_empty() {
        return Ok(Grade::Risk);
    }
    let archive = archive(packages, planned)?;
    if (artifact.size, &artifact.sha256) != (archive.size, &archive.sha256) {
        let message = format!("the archive of '{}' is not the one signed for", planned.name);
        return Err(Fault::new(Code::Digest, message));
    }
    Ok(archive.grade)
}

/// Writes one list, `fake_main`, into the directory.
pub(super) fn fetch(into: &Path, heard: Heard<'_>) -> Result<FetchedLists, Fault> {
    heard(Progress::Phase { phase: Phase::Sync, items: 1 });
    let path = into.join("fake_main");
    fs::write(&path, "fake").map_err(|error| {
        let message = format!("{} can't be written", path.display());
        Fault::caused_by(Code::Unwritable, message, &error)
    })?;
    let (name, size) = ("fake/main".to_owned(), 4);
    let file = Progress::File { item: 0, name, done: size, total: Some(size), finished: true };
    heard(file);
    Ok(FetchedLists { changed: vec!["fake/main".into()], ..FetchedLists::default() })
}

/// Makes `NAME_VERSION_all.fake` of each package of a recipe.
pub(super) fn build(
    directory: Option<&Path>,
    broken: &BTreeSet<String>,
    build: &Build,
    heard: Heard<'_>,
) -> Result<Vec<Artifact>, Fault> {
    let base = &build.package_base;
    heard(Progress::Output { of: base.clone(), line: format!("building {base}") });
    let Some(directory) = directory.filter(|_| !broken.contains(base)) else {
        return Err(Fault::new(Code::Build, format!("{base} can't be built")));
    };
    let make = |name: &String| {
        let file_name = format!("{name}_{}_all.fake", build.version);
        let path = directory.join(&file_name);
        let bytes = format!("{name} as it was built");
        fs::write(&path, &bytes).map_err(|error| {
            let message = format!("{} can't be written", path.display());
            Fault::caused_by(Code::Unwritable, message, &error)
        })?;
        Ok(Artifact {
            name: name.clone(),
            architecture: "all".into(),
            version: build.version.clone(),
            repository: "aur".into(),
            file_name,
            path: path.to_string_lossy().into_owned(),
            size: bytes.len() as u64,
            sha256: Sha256::of(bytes.as_bytes()).to_string(),
            signature: None,
            grade: Grade::Community,
        })
    };
    build.packages.iter().map(make).collect()
}
