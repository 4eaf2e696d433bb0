//! Why packages are held, and until when: what no native database has room for.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use omg_failpoint::reach;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Name of the file below `var/lib/omg/state`; `docs/formats.md` describes it.
pub(crate) const FILE: &str = "holds.toml";

/// Largest file that is read, bytes.
const LARGEST: u64 = 4 << 20;

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
struct Holds {
    #[serde(default)]
    hold: Vec<Hold>,
}

/// One held package.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Hold {
    package: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Seconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<u64>,
}

/// Notes that the packages are held, or forgets them. Old file or new file, whenever this is cut off.
pub(crate) fn note(
    memory: &Path,
    packages: &[String],
    hold: bool,
    reason: Option<&str>,
    until: Option<u64>,
) -> Result<(), Error> {
    let path = memory.join(FILE);
    let mut holds = read(&path)?;
    holds.hold.retain(|held| !packages.contains(&held.package));
    if hold {
        holds.hold.extend(packages.iter().map(|package| Hold {
            package: package.clone(),
            reason: reason.map(str::to_owned),
            until,
        }));
    }
    holds.hold.sort_by(|a, b| a.package.cmp(&b.package));
    holds.hold.dedup();
    let text = toml::to_string(&holds)
        .map_err(|error| Error::io(&path, "writing it")(io::Error::other(error)))?;
    replace(memory, &path, text.as_bytes())
}

fn read(path: &Path) -> Result<Holds, Error> {
    let failed = || Error::io(path, "reading it");
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Holds::default()),
        Err(error) => return Err(failed()(error)),
        Ok(there) if there.len() > LARGEST => {
            return Err(failed()(io::Error::new(io::ErrorKind::FileTooLarge, "it is too large")));
        }
        Ok(_) => {}
    }
    let text = fs::read_to_string(path).map_err(failed())?;
    toml::from_str(&text).map_err(|error| failed()(io::Error::other(error)))
}

fn replace(directory: &Path, path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let new = path.with_extension("new");
    let write = || -> io::Result<()> {
        let mut file = File::create(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        reach!("commit.holds.before");
        fs::rename(&new, path)?;
        File::open(directory)?.sync_all()?;
        reach!("commit.holds.after");
        Ok(())
    };
    write().map_err(Error::io(path, "writing it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn held_packages_are_noted_once_and_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let names =
            |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        note(dir.path(), &names(&["vim", "apt"]), true, Some("a \"reason\""), Some(7)).unwrap();
        note(dir.path(), &names(&["vim"]), true, None, None).unwrap();
        let holds = read(&dir.path().join(FILE)).unwrap().hold;
        let packages: Vec<_> = holds.iter().map(|held| held.package.as_str()).collect();
        assert_eq!(packages, ["apt", "vim"]);
        assert_eq!(holds[0].reason.as_deref(), Some("a \"reason\""));
        assert_eq!((holds[1].reason.as_deref(), holds[1].until), (None, None));
        note(dir.path(), &names(&["vim", "apt"]), false, None, None).unwrap();
        assert_eq!(read(&dir.path().join(FILE)).unwrap(), Holds::default());
    }
}
