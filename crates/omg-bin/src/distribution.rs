//! Which family of distributions a root belongs to, and what its own tools are called.

use std::cmp::Ordering;
use std::path::Path;

/// Whose files lie below a root.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Distribution {
    /// Debian, Ubuntu and their kin: dpkg and apt.
    Debian,
    /// Arch and its kin: pacman.
    Arch,
}

impl Distribution {
    /// What lies below `root`; `None` if it is neither. Where there is one's database on the other's
    /// system, which is so where somebody builds packages for both, os-release(5) decides.
    pub(crate) fn of(root: &Path) -> Option<Self> {
        let debian = ["var/lib/dpkg/status", "var/lib/dpkg/status.d"]
            .iter()
            .any(|path| root.join(path).exists());
        let arch = root.join("var/lib/pacman/local").is_dir()
            || (!debian && root.join("etc/pacman.conf").is_file());
        match (debian, arch) {
            (true, true) if is_arch(root) => Some(Self::Arch),
            (true, _) => Some(Self::Debian),
            (false, true) => Some(Self::Arch),
            (false, false) => None,
        }
    }

    /// Of the root that a command is about; Debian where it is neither.
    pub(crate) fn or_debian(root: Option<&Path>) -> Self {
        Self::of(root.unwrap_or(Path::new("/"))).unwrap_or(Self::Debian)
    }

    /// Which of two versions is newer, by its own rules.
    pub(crate) fn compare(self, left: &str, right: &str) -> Ordering {
        match self {
            Self::Debian => omg_backend_dpkg::version::compare(left, right),
            Self::Arch => omg_backend_alpm::version::compare(left, right),
        }
    }

    /// Its database, for people.
    pub(crate) fn database(self) -> &'static str {
        match self {
            Self::Debian => "var/lib/dpkg/status",
            Self::Arch => "var/lib/pacman/local",
        }
    }

    /// Its package manager.
    pub(crate) fn manager(self) -> &'static str {
        match self {
            Self::Debian => "dpkg",
            Self::Arch => "pacman",
        }
    }

    /// Fetches the lists of the repositories. On Arch whatever is newer has to follow.
    pub(crate) fn refresh(self) -> &'static str {
        match self {
            Self::Debian => "sudo apt-get update",
            Self::Arch => "sudo pacman -Syu",
        }
    }

    /// Brings installations to an end that stopped half way.
    pub(crate) fn repair(self) -> &'static str {
        match self {
            Self::Debian => "sudo dpkg --configure -a",
            Self::Arch => "sudo pacman -Dk",
        }
    }

    /// Fetches lists of the files of packages that are not installed.
    pub(crate) fn fetch_files(self) -> &'static str {
        match self {
            Self::Debian => "sudo apt-get install apt-file && sudo apt-get update",
            Self::Arch => "sudo pacman -Fy",
        }
    }
}

fn is_arch(root: &Path) -> bool {
    let text = ["etc/os-release", "usr/lib/os-release"]
        .into_iter()
        .find_map(|path| std::fs::read_to_string(root.join(path)).ok())
        .unwrap_or_default();
    let words = text
        .lines()
        .filter_map(|line| line.strip_prefix("ID=").or_else(|| line.strip_prefix("ID_LIKE=")));
    words.flat_map(|value| value.trim_matches(['"', '\'']).split(' ')).any(|word| word == "arch")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_tell_and_os_release_settles_it() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path();
        assert_eq!(Distribution::of(path), None);
        std::fs::create_dir_all(path.join("var/lib/pacman/local")).unwrap();
        assert_eq!(Distribution::of(path), Some(Distribution::Arch));
        std::fs::create_dir_all(path.join("var/lib/dpkg")).unwrap();
        std::fs::write(path.join("var/lib/dpkg/status"), "").unwrap();
        assert_eq!(Distribution::of(path), Some(Distribution::Debian));
        std::fs::create_dir(path.join("etc")).unwrap();
        std::fs::write(path.join("etc/os-release"), "ID=manjaro\nID_LIKE=\"arch linux\"\n")
            .unwrap();
        assert_eq!(Distribution::of(path), Some(Distribution::Arch));
    }
}
