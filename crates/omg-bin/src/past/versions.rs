//! Where a version of the past can still be had: a repository, the native caches.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::way::Here;
use crate::distribution::Distribution;

/// Compressions of Arch packages.
const PACKED: [&str; 4] = ["zst", "xz", "gz", "bz2"];

/// The file of a version in the native tool's cache, if it is there and is the one that the log knows.
pub(crate) fn cached(
    root: &Path,
    distribution: Distribution,
    name: &str,
    architecture: &str,
    was: &Here,
) -> Option<PathBuf> {
    let candidates: Vec<PathBuf> = match distribution {
        Distribution::Debian => {
            let version = was.version.replace(':', "%3a");
            let directory = root.join("var/cache/apt/archives");
            vec![directory.join(format!("{name}_{version}_{architecture}.deb"))]
        }
        Distribution::Arch => {
            let directory = root.join("var/cache/pacman/pkg");
            let stem = format!("{name}-{}-{architecture}.pkg.tar", was.version);
            PACKED.iter().map(|packed| directory.join(format!("{stem}.{packed}"))).collect()
        }
    };
    candidates.into_iter().find(|path| is(path, was.sha256.as_deref()))
}

/// Is it a file, with this digest if one is known?
fn is(path: &Path, sha256: Option<&str>) -> bool {
    let Ok(file) = File::open(path) else { return false };
    let whole = file.metadata().is_ok_and(|meta| meta.is_file());
    let digest = |file| omg_verify::digest::file(file, omg_verify::digest::Also::default(), None);
    whole
        && sha256.is_none_or(|wanted| {
            digest(&file).is_ok_and(|found| found.sha256.to_string() == wanted)
        })
}
