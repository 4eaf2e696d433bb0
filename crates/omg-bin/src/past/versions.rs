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
    let names: Vec<String> = match distribution {
        Distribution::Debian => {
            let version = was.version.replace(':', "%3a");
            vec![format!("{name}_{version}_{architecture}.deb")]
        }
        Distribution::Arch => {
            let stem = format!("{name}-{}-{architecture}.pkg.tar", was.version);
            PACKED.iter().map(|packed| format!("{stem}.{packed}")).collect()
        }
    };
    let directories = directories(root, distribution);
    let mut candidates = directories.iter().flat_map(|it| names.iter().map(|name| it.join(name)));
    candidates.find(|path| is(path, was.sha256.as_deref()))
}

/// All versions of a package whose files the native tool's cache has.
pub(crate) fn in_cache(
    root: &Path,
    distribution: Distribution,
    name: &str,
    architecture: &str,
) -> Vec<(String, PathBuf)> {
    let directories = directories(root, distribution);
    let files = directories.iter().filter_map(|it| std::fs::read_dir(it).ok()).flatten().flatten();
    let found = files.filter_map(|file| {
        let file_name = file.file_name();
        let (own, version, of) = parts(distribution, file_name.to_str()?)?;
        let fits = own == name && [architecture, "all", "any"].contains(&of);
        (fits && file.path().is_file()).then(|| (version, file.path()))
    });
    found.collect()
}

/// Where the native tool keeps package files.
fn directories(root: &Path, distribution: Distribution) -> Vec<PathBuf> {
    match distribution {
        Distribution::Debian => vec![root.join("var/cache/apt/archives")],
        Distribution::Arch => omg_backend_alpm::conf::Conf::read(root).cache_dirs,
    }
}

/// Name, version and architecture in the name of a package's file.
fn parts(distribution: Distribution, file: &str) -> Option<(&str, String, &str)> {
    match distribution {
        Distribution::Debian => {
            let (name, rest) = file.strip_suffix(".deb")?.split_once('_')?;
            let (version, architecture) = rest.rsplit_once('_')?;
            Some((name, version.replace("%3a", ":"), architecture))
        }
        Distribution::Arch => {
            let (stem, packed) = file.rsplit_once(".pkg.tar.")?;
            if !PACKED.contains(&packed) {
                return None;
            }
            let (rest, architecture) = stem.rsplit_once('-')?;
            let at = rest.rmatch_indices('-').nth(1)?.0;
            Some((rest.get(..at)?, rest.get(at + 1..)?.to_owned(), architecture))
        }
    }
}

/// Is it a file, with this digest if one is known?
pub(crate) fn is(path: &Path, sha256: Option<&str>) -> bool {
    let Ok(file) = File::open(path) else { return false };
    let whole = file.metadata().is_ok_and(|meta| meta.is_file());
    let digest = |file| omg_verify::digest::file(file, omg_verify::digest::Also::default(), None);
    whole
        && sha256.is_none_or(|wanted| {
            digest(&file).is_ok_and(|found| found.sha256.to_string() == wanted)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_have_versions() {
        let arch = |file| parts(Distribution::Arch, file);
        assert_eq!(arch("lib-x-1:2.0-1-any.pkg.tar.zst"), Some(("lib-x", "1:2.0-1".into(), "any")));
        for other in
            ["a-1-1-any.pkg.tar.zst.sig", "a-1-1-any.pkg.tar.zst.part", "1-any.pkg.tar.xz", "x"]
        {
            assert_eq!(arch(other), None, "{other}");
        }
        let debian = |file| parts(Distribution::Debian, file);
        assert_eq!(debian("a_2%3a1.0-1_amd64.deb"), Some(("a", "2:1.0-1".into(), "amd64")));
        assert_eq!(debian("lock"), None);
    }
}
