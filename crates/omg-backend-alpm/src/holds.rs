//! Packages that `omg hold` keeps as they are: more of `IgnorePkg`, in a file of OMG's own.
//!
//! `var/lib/omg/state/holds` below the root has one name a line; what follows a `#` is a comment. Only
//! the committing engine writes it.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The file, below the root.
pub const FILE: &str = "var/lib/omg/state/holds";

/// Largest file that is read, bytes.
const LARGEST: u64 = 1 << 20;

/// Names of held packages; none if nothing was ever held. A line that can't be a name is passed over.
pub fn read(root: &Path) -> Vec<String> {
    let mut text = String::new();
    // No file is the usual case; what can't be read holds nothing, as with an unreadable pacman.conf.
    let read =
        File::open(root.join(FILE)).and_then(|file| file.take(LARGEST).read_to_string(&mut text));
    if read.is_err() {
        return Vec::new();
    }
    names(&text)
}

fn names(text: &str) -> Vec<String> {
    text.lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim())
        .filter(|name| is_name(name))
        .map(str::to_owned)
        .collect()
}

/// Has it only what PKGBUILD(5) allows in a name? Patterns are none.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"@._+-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_nothing_else() {
        let text = "# held\nlinux\n  vim # because\n\n*\na b\ngtk2+extra\n";
        assert_eq!(names(text), ["linux", "vim", "gtk2+extra"]);
        assert!(read(Path::new("/nonexistent")).is_empty());
    }
}
