//! Last stage: what the build left is taken out of its reach, and looked at as if it were an attack.
//!
//! The build is over and none of its processes are left when this runs, but everything below its directory
//! is its doing. So files are opened relative to a directory that is ours, through no link; copied; and the
//! copy is what is read, digested and handed on.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use omg_core::{Artifact, Grade};
use rustix::fs::OFlags;
use sha2::{Digest as _, Sha256};

use super::archive::{self, ArchiveError, ArchiveLimits, Contents, Finding};
use super::checkout::below;
use super::error::{BuildError, shown};
use super::sums::hexadecimal;

/// Files where packages should be, at most.
const MAX_PRODUCTS: usize = 2000;
/// What a package's file is called behind its name, version and architecture.
const SUFFIXES: [&str; 3] = [".pkg.tar.zst", ".pkg.tar.xz", ".pkg.tar.gz"];

/// What was to be built.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    pub(super) base: String,
    /// Every package of the base, for this architecture.
    pub(super) packages: Vec<String>,
    /// `None` if the recipe counts it while it is built.
    pub(super) version: Option<String>,
    pub(super) architecture: String,
    pub(super) grade: Grade,
}

/// A package that was taken over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Product {
    /// The file.
    pub artifact: Artifact,
    /// What should be known of it.
    pub findings: Vec<Finding>,
    /// The script that pacman runs as root, to be shown.
    pub install: Option<String>,
}

/// Takes the packages out of `out` below `workspace` into `into`, which only we can write to.
///
/// # Errors
/// If there is anything else than the packages that were to be built, or one is missing.
pub(super) fn collect(
    workspace: &Path,
    out: &str,
    into: &Path,
    expected: &Expected,
    limits: &ArchiveLimits,
) -> Result<Vec<Product>, BuildError> {
    const DOING: &str = "taking over what was built";
    let io = |error: std::io::Error| BuildError::io(&workspace.join(out), DOING, error);
    let root: OwnedFd = File::open(workspace).map_err(io)?.into();
    let directory = below(&root, Path::new(out), OFlags::DIRECTORY)
        .map_err(|_| planted(out, "it is no directory any more"))?;
    let mut names = Vec::new();
    let listed = rustix::fs::Dir::read_from(&directory).map_err(|error| io(error.into()))?;
    for entry in listed {
        let entry = entry.map_err(|error| io(error.into()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name != "." && name != ".." {
            names.push(name);
        }
        if names.len() > MAX_PRODUCTS {
            return Err(planted(out, "there are too many files in it"));
        }
    }
    names.sort_unstable();
    let mut products: Vec<Product> = Vec::new();
    for name in &names {
        let taken = Taking { directory: &directory, workspace, out, into, expected, limits };
        if let Some(product) = taken.take(name)? {
            if products.iter().any(|it| it.artifact.name == product.artifact.name) {
                return Err(planted(name, "the package is there twice"));
            }
            products.push(product);
        }
    }
    let built = |package: &&String| products.iter().any(|it| it.artifact.name == **package);
    if let Some(missing) = expected.packages.iter().find(|package| !built(package)) {
        return Err(BuildError::unfit(format!("the build made no package '{missing}'")));
    }
    Ok(products)
}

struct Taking<'a> {
    directory: &'a OwnedFd,
    workspace: &'a Path,
    out: &'a str,
    into: &'a Path,
    expected: &'a Expected,
    limits: &'a ArchiveLimits,
}

impl Taking<'_> {
    /// One file; `None` for debugging symbols that nobody asked for.
    fn take(&self, name: &str) -> Result<Option<Product>, BuildError> {
        if !SUFFIXES.iter().any(|suffix| name.ends_with(suffix)) {
            return Err(planted(name, "it is no package"));
        }
        let mut file = self.open(name)?;
        let new = self.into.join(".new");
        let taken = self.copy(&mut file, name, &new).and_then(|(copy, size, sha256)| {
            let contents = archive::read(&copy, self.limits)
                .and_then(|contents| self.is_expected(&contents).map(|()| contents));
            let refused = |source| BuildError::Product { name: shown(name), source };
            Ok((contents.map_err(refused)?, size, sha256))
        });
        let (contents, size, sha256) = match taken {
            Ok(taken) => taken,
            Err(error) => {
                let _left = fs::remove_file(&new);
                return Err(error);
            }
        };
        let info = &contents.info;
        if info.name == format!("{}-debug", self.expected.base)
            && !self.expected.packages.contains(&info.name)
        {
            let _left = fs::remove_file(&new);
            return Ok(None);
        }
        // The name is made of what was checked, not taken from the build.
        let suffix = SUFFIXES.iter().find(|suffix| name.ends_with(**suffix)).unwrap_or(&"");
        let file_name = format!("{}-{}-{}{suffix}", info.name, info.version, info.architecture);
        if file_name != name {
            let _left = fs::remove_file(&new);
            return Err(planted(name, "its name is not that of the package in it"));
        }
        let path = self.into.join(&file_name);
        fs::rename(&new, &path)
            .map_err(|error| BuildError::io(&path, "keeping a package", error))?;
        Ok(Some(self.product(contents, file_name, &path, size, sha256)))
    }

    fn product(
        &self,
        contents: Contents,
        file_name: String,
        path: &Path,
        size: u64,
        sha256: String,
    ) -> Product {
        let artifact = Artifact {
            name: contents.info.name,
            architecture: contents.info.architecture,
            version: contents.info.version,
            repository: "aur".to_owned(),
            file_name,
            path: path.display().to_string(),
            size,
            sha256,
            signature: None,
            grade: self.expected.grade,
        };
        Product { artifact, findings: contents.findings, install: contents.install }
    }

    fn open(&self, name: &str) -> Result<File, BuildError> {
        if omg_failpoint::weak!("31") {
            // As a careless builder does it: by path, wherever that leads.
            let path: PathBuf = self.workspace.join(self.out).join(name);
            return File::open(&path).map_err(|error| BuildError::io(&path, "opening", error));
        }
        let opened = below(self.directory, Path::new(name), OFlags::empty());
        let file = File::from(opened.map_err(|_| planted(name, "it can't be opened as a file"))?);
        let metadata = file.metadata();
        let metadata =
            metadata.map_err(|error| BuildError::io(Path::new(name), "looking at it", error))?;
        if !metadata.is_file() {
            return Err(planted(name, "it is no file"));
        }
        if metadata.nlink() != 1 {
            return Err(planted(name, "it has another name somewhere"));
        }
        Ok(file)
    }

    /// A copy that the build never had, with its size and SHA-256.
    fn copy(
        &self,
        from: &mut File,
        name: &str,
        new: &Path,
    ) -> Result<(File, u64, String), BuildError> {
        let io = |error| BuildError::io(new, "copying what was built", error);
        // From a copy that was cut off.
        let _none = fs::remove_file(new);
        let mut to = fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(new)
            .map_err(io)?;
        let (mut digest, mut size) = (Sha256::new(), 0_u64);
        let mut buffer = vec![0; 1 << 17];
        loop {
            let read = from.read(&mut buffer).map_err(io)?;
            let bytes = buffer.get(..read).unwrap_or_default();
            if bytes.is_empty() {
                break;
            }
            size += read as u64;
            if size > self.limits.packed {
                let source =
                    ArchiveError::Limit { what: "bytes packed", limit: self.limits.packed };
                return Err(BuildError::Product { name: shown(name), source });
            }
            digest.update(bytes);
            to.write_all(bytes).map_err(io)?;
        }
        to.sync_all().map_err(io)?;
        Ok((to, size, hexadecimal(&digest.finalize())))
    }

    /// Is it one of the packages that were to be built?
    fn is_expected(&self, contents: &Contents) -> Result<(), ArchiveError> {
        let (info, expected) = (&contents.info, self.expected);
        let wrong = |reason: String| Err(ArchiveError::Info { reason });
        if info.base != expected.base {
            return wrong(format!("it is of '{}', not of '{}'", info.base, expected.base));
        }
        let is_debug = info.name == format!("{}-debug", expected.base);
        if !expected.packages.contains(&info.name) && !is_debug {
            return wrong(format!("the recipe has no package '{}'", info.name));
        }
        if let Some(version) = expected.version.as_ref().filter(|it| **it != info.version) {
            return wrong(format!("it is of version {}, not {version}", info.version));
        }
        if info.architecture != "any" && info.architecture != expected.architecture {
            return wrong(format!("it is for {}", info.architecture));
        }
        Ok(())
    }
}

fn planted(name: &str, reason: &'static str) -> BuildError {
    BuildError::Planted { name: shown(name), reason }
}
