//! Where entries would go: inside the root, once, and never through a link.

use std::collections::HashMap;

use omg_core::is_dangerous;
use unicode_normalization::UnicodeNormalization as _;

use super::ArchiveLimits;
use super::error::{ArchiveError, refused};

/// Findings that are kept.
const MAX_FINDINGS: usize = 1000;
/// Bytes of a part of a path; what file systems take.
const MAX_PART: usize = 255;
/// Places that decide who may do what, or what runs by itself.
const SENSITIVE: [&str; 14] = [
    "etc/sudoers",
    "etc/sudoers.d/",
    "etc/pam.d/",
    "etc/ld.so.preload",
    "etc/ld.so.conf.d/",
    "etc/cron",
    "etc/profile.d/",
    "etc/pacman.d/",
    "etc/omg/",
    "usr/share/libalpm/hooks/",
    "usr/share/polkit-1/rules.d/",
    "var/lib/pacman/",
    "var/lib/omg/",
    "root/",
];
/// Places that belong to the kernel, to users or to the moment; no package has files there.
const FOREIGN: [&str; 6] = ["proc/", "sys/", "dev/", "run/", "tmp/", "home/"];

/// Something allowed that should be known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// What.
    pub kind: FindingKind,
    /// Which entry; made safe to show by this module's rules.
    pub path: String,
}

/// What should be known.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FindingKind {
    /// It runs with the rights of its owner.
    Setuid,
    /// It runs with the rights of its group.
    Setgid,
    /// It has capabilities.
    Capability,
    /// Everybody may write to it.
    WorldWritable,
    /// It is in a place that decides who may do what, or what runs by itself.
    Sensitive,
    /// Another entry differs from it by upper and lower case only, as files of Linux's own headers do.
    CaseCollision,
    /// The script that pacman runs as root.
    InstallScript,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    File,
    Directory,
    Symlink,
    Hardlink,
    /// Only named as part of another path.
    Implied,
}

/// The entries so far.
#[derive(Default, Debug)]
pub(super) struct Paths {
    known: HashMap<String, Kind>,
    /// By what a file system could take for the same: each with the path that came first.
    composed: HashMap<String, String>,
    folded: HashMap<String, String>,
    findings: Vec<Finding>,
}

/// The path of an entry without the slash of a directory.
pub(super) fn checked(
    raw: &[u8],
    directory: bool,
    limits: &ArchiveLimits,
) -> Result<String, ArchiveError> {
    let shown = String::from_utf8_lossy(raw);
    let wrong = |reason| Err(refused(&shown, reason));
    if raw.len() > limits.path {
        return wrong("its path is too long");
    }
    let Ok(text) = std::str::from_utf8(raw) else {
        return wrong("its path is not UTF-8");
    };
    let path = if directory { text.strip_suffix('/').unwrap_or(text) } else { text };
    if omg_failpoint::weak!("21") {
        return Ok(path.to_owned());
    }
    if path.starts_with('/') {
        return wrong("its path is absolute");
    }
    if path.chars().any(|c| c.is_control() || is_dangerous(c)) {
        return wrong("its path has characters that hide something");
    }
    let mut depth = 0;
    for part in path.split('/') {
        depth += 1;
        match part {
            ".." => return wrong("its path leads out of the root"),
            "" | "." => return wrong("its path has an empty part"),
            _ if part.len() > MAX_PART => return wrong("a part of its path is too long"),
            _ => {}
        }
    }
    if depth > limits.depth {
        return wrong("its path is too deep");
    }
    if FOREIGN.iter().any(|place| path.starts_with(place)) {
        return wrong("no package has files in this place");
    }
    Ok(path.to_owned())
}

impl Paths {
    /// Adds an entry whose path is [`checked`].
    pub(super) fn add(
        &mut self,
        path: &str,
        kind: Kind,
        link: &[u8],
        mode: u32,
    ) -> Result<(), ArchiveError> {
        self.above(path)?;
        let there = self.known.get(path);
        // A directory in a link's place: its rights would be set on what the link leads to.
        let over_link = there == Some(&Kind::Symlink) && kind == Kind::Directory;
        let left_out =
            if over_link { omg_failpoint::weak!("23") } else { omg_failpoint::weak!("29") };
        match there {
            None => {}
            Some(Kind::Implied) if kind == Kind::Directory => {}
            Some(Kind::Implied) => {
                return Err(refused(path, "other entries need a directory in its place"));
            }
            Some(_) if left_out => {}
            Some(_) => return Err(refused(path, "it is there twice")),
        }
        match kind {
            Kind::Symlink => target(path, link)?,
            Kind::Hardlink => self.linked(path, link)?,
            _ => {}
        }
        self.alike(path)?;
        self.known.insert(path.to_owned(), kind);
        if kind != Kind::Symlink {
            self.look(path, kind, mode);
        }
        Ok(())
    }

    /// Notes something about an entry.
    pub(super) fn find(&mut self, kind: FindingKind, path: &str) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(Finding { kind, path: path.to_owned() });
        }
    }

    pub(super) fn findings(self) -> Vec<Finding> {
        self.findings
    }

    /// Everything above an entry must be a directory, before it and after it.
    fn above(&mut self, path: &str) -> Result<(), ArchiveError> {
        for (at, _) in path.match_indices('/') {
            let Some(above) = path.get(..at) else { continue };
            match self.known.get(above) {
                Some(Kind::Directory | Kind::Implied) => {}
                // Then what comes next would be written where the link leads.
                Some(_) if !omg_failpoint::weak!("22") => {
                    return Err(refused(path, "what it would be in is a link or a file"));
                }
                Some(_) => {}
                None => {
                    self.alike(above)?;
                    self.known.insert(above.to_owned(), Kind::Implied);
                }
            }
        }
        Ok(())
    }

    /// A hard link gives a file that came before another name, and nothing else.
    fn linked(&self, path: &str, link: &[u8]) -> Result<(), ArchiveError> {
        let known = std::str::from_utf8(link).ok().and_then(|link| self.known.get(link));
        match known {
            Some(Kind::File | Kind::Hardlink) => Ok(()),
            _ if omg_failpoint::weak!("22") => Ok(()),
            _ => {
                Err(refused(path, "it is a hard link to something that the package does not have"))
            }
        }
    }

    fn alike(&mut self, path: &str) -> Result<(), ArchiveError> {
        if path.is_ascii() {
            self.fold(path, path.to_ascii_lowercase());
            return Ok(());
        }
        let composed: String = path.nfc().collect();
        let lower = composed.to_lowercase();
        let first = self.composed.entry(composed).or_insert_with(|| path.to_owned());
        if first != path && !omg_failpoint::weak!("29") {
            return Err(refused(path, "another entry has the same name in other characters"));
        }
        self.fold(path, lower);
        Ok(())
    }

    fn fold(&mut self, path: &str, lower: String) {
        let first = self.folded.entry(lower).or_insert_with(|| path.to_owned());
        if first != path {
            self.find(FindingKind::CaseCollision, path);
        }
    }

    fn look(&mut self, path: &str, kind: Kind, mode: u32) {
        if mode & 0o4000 != 0 {
            self.find(FindingKind::Setuid, path);
        }
        if mode & 0o2000 != 0 && kind != Kind::Directory {
            self.find(FindingKind::Setgid, path);
        }
        let sticky = mode & 0o1000 != 0 && kind == Kind::Directory;
        if mode & 0o002 != 0 && !sticky {
            self.find(FindingKind::WorldWritable, path);
        }
        if kind == Kind::File && SENSITIVE.iter().any(|place| path.starts_with(place)) {
            self.find(FindingKind::Sensitive, path);
        }
    }
}

/// Where a symbolic link leads: an absolute path counts from the root, a relative one may not climb above
/// it.
fn target(path: &str, link: &[u8]) -> Result<(), ArchiveError> {
    let wrong = |reason| Err(refused(path, reason));
    let Ok(text) = std::str::from_utf8(link) else {
        return wrong("it is a link to a path that is not UTF-8");
    };
    if text.is_empty() || text.chars().any(|c| c.is_control() || is_dangerous(c)) {
        return wrong("it is a link to a path with characters that hide something");
    }
    if omg_failpoint::weak!("22") {
        return Ok(());
    }
    let mut depth = if text.starts_with('/') { 0 } else { path.matches('/').count() };
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => match depth.checked_sub(1) {
                Some(above) => depth = above,
                None => return wrong("it is a link that leads out of the root"),
            },
            _ => depth += 1,
        }
    }
    Ok(())
}
