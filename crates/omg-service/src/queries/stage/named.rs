//! Package files that the user named.

use std::fs::{self, File, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use omg_core::{Artifact, Change, Code, Fault, Grade, Plan};
use omg_verify::digest;

/// Most bytes of a signature beside a file.
const SIGNATURE: u64 = 64 << 10;

/// The same change, with files named by paths that lead through no link: the engine, as root, follows
/// none.
pub(in crate::queries) fn resolved(mut change: Change) -> Result<Change, Fault> {
    for target in change.targets.iter_mut().filter(|target| target.starts_with('/')) {
        let path =
            fs::canonicalize(&*target).map_err(|error| unreadable(target.as_ref(), &error))?;
        let path = path.into_os_string().into_string();
        *target = path.map_err(|path| {
            let message = format!("{} is no UTF-8", PathBuf::from(path).display());
            Fault::new(Code::Usage, message).hint("give the file another name")
        })?;
    }
    Ok(change)
}

/// The files that a change names, each as it is now. Which package a file is, its digest says: the
/// plan has it.
pub(super) async fn artifacts(change: &Change, plan: &Plan) -> Result<Vec<Artifact>, Fault> {
    let targets = change.targets.iter().filter(|target| target.starts_with('/'));
    let targets: Vec<String> = targets.cloned().collect();
    if targets.is_empty() {
        return Ok(Vec::new());
    }
    let read = tokio::task::spawn_blocking(move || {
        targets.into_iter().map(artifact).collect::<Result<Vec<_>, Fault>>()
    });
    let mut artifacts = read.await.map_err(|error| {
        Fault::caused_by(Code::Internal, "a part of the daemon panicked over a file", &error)
    })??;
    for artifact in &mut artifacts {
        let digest = Some(&artifact.sha256);
        let planned = plan.changes.iter().find(|change| change.sha256.as_ref() == digest);
        // A file of what is there already is in no change.
        let Some(planned) = planned else { continue };
        artifact.name.clone_from(&planned.name);
        artifact.architecture.clone_from(&planned.architecture);
        artifact.version = planned.new_version.clone().unwrap_or_default();
        artifact.repository.clone_from(&planned.repository);
    }
    Ok(artifacts)
}

fn artifact(path: String) -> Result<Artifact, Fault> {
    let file = open(path.as_ref())?;
    let digests =
        digest::file(&file, digest::Also::default(), None).map_err(|error| error.fault(&path))?;
    let file_name = path.rsplit('/').next().unwrap_or_default().to_owned();
    Ok(Artifact {
        name: file_name.clone(),
        architecture: String::new(),
        version: String::new(),
        repository: String::new(),
        file_name,
        signature: signature(&path)?,
        path,
        size: digests.size,
        sha256: digests.sha256.to_string(),
        grade: Grade::Risk,
    })
}

/// What stands in `FILE.sig`, as `pacman -U` has it.
fn signature(path: &str) -> Result<Option<Vec<u8>>, Fault> {
    let path = format!("{path}.sig");
    if fs::symlink_metadata(&path).is_err() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    let read = open(path.as_ref())?.take(SIGNATURE + 1).read_to_end(&mut bytes);
    read.map_err(|error| unreadable(path.as_ref(), &error))?;
    if bytes.len() as u64 > SIGNATURE {
        let message = format!("{path} is larger than {SIGNATURE} bytes");
        return Err(Fault::new(Code::Limit, message));
    }
    Ok(Some(bytes))
}

/// Opens a regular file, without waiting for the other end of what is none.
fn open(path: &Path) -> Result<File, Fault> {
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOFOLLOW;
    let flags = i32::try_from(flags.bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path);
    let file = file.map_err(|error| unreadable(path, &error))?;
    let meta = file.metadata().map_err(|error| unreadable(path, &error))?;
    if meta.is_file() {
        Ok(file)
    } else {
        Err(Fault::new(Code::Usage, format!("{} is no file", path.display())))
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Fault {
    let code = match error.kind() {
        std::io::ErrorKind::NotFound => Code::NotFound,
        std::io::ErrorKind::PermissionDenied => Code::Permission,
        _ => Code::Unreadable,
    };
    Fault::caused_by(code, format!("{} can't be read", path.display()), error)
}
