//! A package that was built, read as if it were an attack: `.pkg.tar.{zst,xz,gz}`.
//!
//! Format: <https://man.archlinux.org/man/PKGBUILD.5>, a tar archive (POSIX.1-2001, pax) whose
//! `.PKGINFO` names it. Whatever two readers of tar could understand in two ways is refused: then what was
//! looked at here is what pacman will unpack. Nothing is written and nothing is followed.

mod error;
mod limits;
mod packed;
mod paths;
mod pax;
mod pkginfo;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::time::Instant;

use tar::EntryType;

pub use error::ArchiveError;
pub use limits::ArchiveLimits;
pub use paths::{Finding, FindingKind};
pub use pkginfo::PkgInfo;

use error::refused;
use paths::{Kind, Paths};
use pax::Extension;

/// Files that makepkg adds for pacman; pacman unpacks none of them into the root.
const ABOUT: [&str; 5] = [".PKGINFO", ".BUILDINFO", ".MTREE", ".INSTALL", ".CHANGELOG"];

/// What is in a package.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Contents {
    /// What it says of itself.
    pub info: PkgInfo,
    /// Entries.
    pub entries: usize,
    /// Bytes unpacked, headers included.
    pub unpacked: u64,
    /// What is allowed and should be known.
    pub findings: Vec<Finding>,
    /// The script that pacman runs as root.
    pub install: Option<String>,
}

/// Reads a package from its beginning to its end.
///
/// # Errors
/// If it has anything that no package may have, or more of something than the limits allow.
pub fn read(file: &File, limits: &ArchiveLimits) -> Result<Contents, ArchiveError> {
    let size = file.metadata().map_err(ArchiveError::Read)?.len();
    if size > limits.packed {
        return Err(ArchiveError::Limit { what: "bytes packed", limit: limits.packed });
    }
    let unpacked = packed::open(file, size, limits)?;
    let mut reader = Reader {
        limits,
        until: Instant::now() + limits.time,
        paths: Paths::default(),
        about: HashMap::new(),
        entries: 0,
    };
    let mut archive = tar::Archive::new(unpacked);
    reader.read(&mut archive)?;
    let mut rest = archive.into_inner();
    nothing_but_zeros(&mut rest)?;
    let bytes = rest.taken();
    reader.finish(bytes)
}

struct Reader<'a> {
    limits: &'a ArchiveLimits,
    until: Instant,
    paths: Paths,
    about: HashMap<&'static str, Vec<u8>>,
    entries: usize,
}

impl Reader<'_> {
    fn read(&mut self, archive: &mut tar::Archive<impl Read>) -> Result<(), ArchiveError> {
        let mut pending = Extension::default();
        for entry in archive.entries().map_err(packed::told)?.raw(true) {
            let mut entry = entry.map_err(packed::told)?;
            self.entries += 1;
            if self.entries > self.limits.entries {
                let limit = self.limits.entries as u64;
                return Err(ArchiveError::Limit { what: "entries", limit });
            }
            if Instant::now() > self.until {
                let limit = self.limits.time.as_secs();
                return Err(ArchiveError::Limit { what: "seconds to read it", limit });
            }
            let kind = entry.header().entry_type();
            if matches!(kind, EntryType::XHeader | EntryType::GNULongName | EntryType::GNULongLink)
            {
                let bytes = whole(&mut entry, self.limits.extension)?;
                pending.take(kind, &bytes)?;
            } else {
                let extension = std::mem::take(&mut pending);
                self.entry(&mut entry, kind, extension)?;
            }
        }
        if pending == Extension::default() {
            return Ok(());
        }
        Err(refused("", "the archive ends with a header that belongs to no entry"))
    }

    fn entry(
        &mut self,
        entry: &mut tar::Entry<'_, impl Read>,
        kind: EntryType,
        extension: Extension,
    ) -> Result<(), ArchiveError> {
        let header = entry.header();
        let raw = extension.path.unwrap_or_else(|| header.path_bytes().into_owned());
        let path = paths::checked(&raw, kind == EntryType::Directory, self.limits)?;
        let size = header.size().map_err(packed::told)?;
        if extension.size.is_some_and(|it| it != size) && !omg_failpoint::weak!("24") {
            return Err(refused(&path, "it has two sizes"));
        }
        if size > self.limits.entry {
            return Err(ArchiveError::Limit {
                what: "bytes of one file",
                limit: self.limits.entry,
            });
        }
        let mode = header.mode().map_err(packed::told)?;
        let link = extension
            .link
            .or_else(|| header.link_name_bytes().map(std::borrow::Cow::into_owned))
            .unwrap_or_default();
        let kind = match kind {
            EntryType::Regular => Kind::File,
            EntryType::Directory => Kind::Directory,
            EntryType::Symlink => Kind::Symlink,
            EntryType::Link => Kind::Hardlink,
            _ if omg_failpoint::weak!("25") => Kind::File,
            _ => return Err(refused(&path, "it is neither a file, a directory nor a link")),
        };
        if kind != Kind::File && size > 0 {
            return Err(refused(&path, "it is no file and has contents"));
        }
        self.paths.add(&path, kind, &link, mode)?;
        if extension.capability {
            self.paths.find(FindingKind::Capability, &path);
        }
        self.keep(entry, &path, kind)
    }

    /// Keeps what makepkg put in for pacman.
    fn keep(
        &mut self,
        entry: &mut tar::Entry<'_, impl Read>,
        path: &str,
        kind: Kind,
    ) -> Result<(), ArchiveError> {
        if !path.starts_with('.') {
            return Ok(());
        }
        let Some(name) = ABOUT.into_iter().find(|name| *name == path) else {
            if path.starts_with("./") || path.contains('/') {
                return Ok(());
            }
            return Err(refused(
                path,
                "makepkg makes no such file, and pacman would not unpack it",
            ));
        };
        if kind != Kind::File {
            return Err(refused(path, "it is no plain file"));
        }
        if matches!(name, ".PKGINFO" | ".INSTALL") {
            let bytes = whole(entry, self.limits.about)?;
            self.about.insert(name, bytes);
        }
        Ok(())
    }

    fn finish(mut self, unpacked: u64) -> Result<Contents, ArchiveError> {
        let info =
            self.about.get(".PKGINFO").ok_or_else(|| refused(".PKGINFO", "it is missing"))?;
        let info = PkgInfo::parse(info)?;
        let install = self.about.get(".INSTALL").map(|it| String::from_utf8_lossy(it).into_owned());
        if install.is_some() {
            self.paths.find(FindingKind::InstallScript, ".INSTALL");
        }
        Ok(Contents {
            info,
            entries: self.entries,
            unpacked,
            findings: self.paths.findings(),
            install,
        })
    }
}

/// All bytes of an entry that has to be small.
fn whole(entry: &mut impl Read, limit: u64) -> Result<Vec<u8>, ArchiveError> {
    let mut bytes = Vec::new();
    entry.take(limit + 1).read_to_end(&mut bytes).map_err(packed::told)?;
    if bytes.len() as u64 > limit {
        return Err(ArchiveError::Limit { what: "bytes of a header or of .PKGINFO", limit });
    }
    Ok(bytes)
}

/// What follows the end of the archive must be padding; another reader could go on there.
fn nothing_but_zeros(rest: &mut impl Read) -> Result<(), ArchiveError> {
    let mut buffer = [0; 4096];
    loop {
        match rest.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => {
                if buffer.iter().take(read).any(|&byte| byte != 0) {
                    return Err(refused("", "something follows the end of the archive"));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(packed::told(error)),
        }
    }
}
