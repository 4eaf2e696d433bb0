//! `Owns`, `Provides`, `Files`: questions for the backend's file lists.

use omg_backend::{Files, PackageManager};
use omg_core::{Code, Fault, FileMatch, FileOrigin};
use omg_proto::Reply;

use crate::queries::name::Wanted;
use crate::view::{Entry, View};

/// Most matches in an answer; a pattern like `*` matches every file there is.
const MATCHES: usize = 20_000;

pub(crate) async fn owns<B: PackageManager>(
    backend: &B,
    path: &str,
) -> Result<Reply<'static>, Fault> {
    let files = backend.owns(path).await?;
    let missing = || Fault::new(Code::NotFound, format!("no installed package owns '{path}'"));
    reply(files, missing)
}

pub(crate) async fn provides<B: PackageManager>(
    view: &View,
    backend: &B,
    what: &str,
) -> Result<Reply<'static>, Fault> {
    let mut files = backend.provides(what).await?;
    if !what.contains('/') {
        files.matches.extend(virtuals(view, what));
        // Stable: within the installed ones, and within the others, files stay before virtual names.
        files.matches.sort_by_key(|found| !found.installed);
    }
    let missing = || Fault::new(Code::NotFound, format!("no package is known to have '{what}'"));
    reply(files, missing)
}

/// Packages that provide this virtual package.
fn virtuals<'a>(view: &'a View, name: &'a str) -> impl Iterator<Item = FileMatch> + 'a {
    let offered = view.offered.index.providers(name).map(Entry::Offered);
    let local = view.local.providers(name).map(Entry::Local);
    offered.chain(local).filter_map(move |entry| view.seen(entry)).map(move |seen| FileMatch {
        package: seen.row.name.to_string(),
        architecture: Some(seen.row.architecture.to_string()),
        path: name.to_string(),
        installed: seen.installed.is_some(),
        origin: FileOrigin::Virtual,
    })
}

fn reply(files: Files, missing: impl FnOnce() -> Fault) -> Result<Reply<'static>, Fault> {
    let Files { mut matches, mut hint } = files;
    if matches.is_empty() {
        let mut fault = missing();
        fault.hint = hint;
        return Err(fault);
    }
    if matches.len() > MATCHES {
        hint = Some(format!("only the first {MATCHES} of {} matches are shown", matches.len()));
        matches.truncate(MATCHES);
    }
    Ok(Reply::Files { matches, hint })
}

/// The encoded reply: it borrows from paths that end with this call.
pub(crate) async fn paths<B: PackageManager>(
    view: &View,
    backend: &B,
    package: &str,
) -> Result<Vec<u8>, Fault> {
    let wanted = Wanted::read(view, package);
    let paths = if let Ok(numbers) = wanted.installed(view) {
        let mut paths = Vec::new();
        for package in numbers.into_iter().filter_map(|number| view.package(number)) {
            paths.extend(backend.files(&package.name, &package.architecture).await?);
        }
        paths
    } else {
        wanted.entries(view)?;
        backend.available_files(wanted.name).await?
    };
    Ok(Reply::Paths(paths.iter().map(String::as_str).collect()).encode())
}
