//! Diversions: files of one package that another moved out of its way (dpkg-divert(1)).
//!
//! The file has three lines for each: from, to, and the package or `:` for a local one.

use std::path::Path;

use omg_backend::glob::Glob;
use omg_core::{FileMatch, FileOrigin};

use crate::deb822;
use crate::error::Error;
use crate::status::read_settled;

/// Largest file of diversions that is read, bytes.
const LARGEST: u64 = 16 << 20;

/// One diversion.
#[derive(Debug)]
pub(super) struct Diversion {
    from: String,
    to: String,
    package: String,
}

impl Diversion {
    pub(super) fn concerns(&self, path: &str) -> bool {
        self.from == path || self.to == path
    }

    pub(super) fn matches(&self, glob: &Glob) -> bool {
        glob.matches(self.from.as_bytes()) || glob.matches(self.to.as_bytes())
    }

    /// Names the package that diverts, or `local`, and where the file of the others is.
    pub(super) fn as_match(&self) -> FileMatch {
        FileMatch {
            package: if self.package == ":" { "local".to_owned() } else { self.package.clone() },
            architecture: None,
            path: self.to.clone(),
            installed: true,
            origin: FileOrigin::Diversion,
        }
    }
}

/// Reads the diversions; what can't be read becomes a warning.
pub(super) fn read(path: &Path, warnings: &mut Vec<String>) -> Vec<Diversion> {
    let bytes = match read_settled(path, &mut LARGEST.clone()) {
        Ok(bytes) => bytes,
        Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            return Vec::new();
        }
        Err(error) => {
            warnings.push(error.with_cause());
            return Vec::new();
        }
    };
    let text = deb822::clean(bytes);
    let mut lines = text.lines();
    let mut diversions = Vec::new();
    while let (Some(from), Some(to), Some(package)) = (lines.next(), lines.next(), lines.next()) {
        diversions.push(Diversion {
            from: from.to_owned(),
            to: to.to_owned(),
            package: package.to_owned(),
        });
    }
    diversions
}
