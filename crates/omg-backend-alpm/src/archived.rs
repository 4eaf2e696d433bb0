//! Packages that no database has any more, as the distribution's archive delivers them.

use std::fs::File;
use std::path::Path;

use omg_core::{Artifact, Grade};

use crate::archive::{self, Limits, Visit};
use crate::conf::Conf;
use crate::error::Error;
use crate::lists::keys::Keys;

/// What a package says of itself is the first of it: makepkg sorts it to the beginning.
const START: Limits = Limits { unpacked: 64 << 20, entry: 1 << 20, entries: 300_000 };

/// Verifies a package by the `SigLevel` of packages in general. A risk if that lets it in unsigned.
///
/// A good signature says who made it and not what it is, so it must also be the version that was asked
/// for: an archive could deliver another one, as well signed.
pub(crate) fn verify(conf: &Conf, artifact: &Artifact) -> Result<Grade, Error> {
    let path = Path::new(&artifact.path);
    let file = File::open(path).map_err(|error| Error::io(path, "verifying a file", error))?;
    let keys = Keys::read(conf);
    let (what, level) = (&artifact.file_name, conf.sig_level.package);
    let signers = keys.verify(what, &file, artifact.signature.as_deref(), level, false)?;
    let mut info = Info(None);
    let read = archive::walk(path, START, &mut info);
    let found = match (info.0, read) {
        // What comes after it, and how much, is for whoever unpacks it.
        (Some(found), _) => found,
        (None, Err(error)) => return Err(error),
        (None, Ok(())) => return Err(other(artifact, "it has no .PKGINFO")),
    };
    let is = [&artifact.name, &artifact.version, &artifact.architecture];
    if found.iter().ne(is) {
        return Err(other(artifact, &format!("it is {}", omg_core::escape(&found.join(" ")))));
    }
    Ok(keys.grade(&signers))
}

fn other(artifact: &Artifact, reason: &str) -> Error {
    let (what, repository) = (artifact.file_name.clone(), "archive".to_owned());
    Error::Mismatch { what, repository, reason: reason.to_owned() }
}

/// Name, version and architecture in the first `.PKGINFO`, the one that libalpm reads.
struct Info(Option<[String; 3]>);

impl Visit for Info {
    fn wanted(&mut self, path: &[u8]) -> bool {
        path == b".PKGINFO" && self.0.is_none()
    }

    fn file(&mut self, _: &[u8], content: &[u8]) -> Result<(), Error> {
        let text = String::from_utf8_lossy(content);
        let field = |wanted: &str| {
            let fields = text.lines().filter_map(|line| line.split_once('='));
            let mut fields = fields.filter(|(key, _)| key.trim() == wanted);
            fields.next().map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
        };
        self.0 = Some([field("pkgname"), field("pkgver"), field("arch")]);
        Ok(())
    }
}
