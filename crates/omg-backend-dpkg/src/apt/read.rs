//! Small files and directories of configuration, read with limits.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::Error;

/// Largest configuration, sources, preferences or release file that is read, bytes. Debian's
/// largest Release files have 4 MiB.
pub(crate) const LARGEST_TEXT: u64 = 32 << 20;

/// The text of a small file; bytes that are not UTF-8 are replaced.
pub(crate) fn read_text(path: &Path) -> Result<String, Error> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST_TEXT + 1).read_to_end(&mut bytes))
        .map_err(|source| Error::io(path, "reading it", source))?;
    if bytes.len() as u64 > LARGEST_TEXT {
        return Err(Error::TooLarge { path: path.to_path_buf(), limit: LARGEST_TEXT });
    }
    Ok(String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// The files of a `….d` directory that apt would read, sorted by name: regular, not hidden, of one
/// of these extensions (`""`: none), and of letters, digits, `_`, `-`, `:` and periods.
pub(crate) fn list_dir(
    dir: &Path,
    extensions: &[&str],
    warnings: &mut Vec<String>,
) -> Vec<PathBuf> {
    if dir == Path::new("/dev/null") {
        return Vec::new();
    }
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            warnings.push(Error::io(dir, "listing it", error).with_cause());
            return Vec::new();
        }
    };
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| entry.file_name().to_str().is_some_and(|name| is_taken(name, extensions)))
        .map(|entry| entry.path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    files
}

fn is_taken(name: &str, extensions: &[&str]) -> bool {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    !name.starts_with('.')
        && !name.ends_with('.')
        && extensions.contains(&extension)
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-:.".contains(&byte))
}
