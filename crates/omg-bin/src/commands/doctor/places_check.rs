//! Checks of OMG's own files: settings, runtime directory, socket, cache, snapshot.

use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;

use omg_core::Status;
use omg_proto::snapshot::{FastStatus, SIZE};
use rustix::fs::{Access, access};

use super::Check;
use crate::places;
use crate::settings::Settings;

/// Do the settings make sense?
pub(super) fn settings() -> Check {
    match Settings::of_user() {
        Ok(settings) => {
            let set = settings
                .entries()
                .filter(|entry| *entry.origin != crate::settings::Origin::Default)
                .count();
            Check::ok(
                "settings",
                if set == 0 { "all as built in".to_owned() } else { format!("{set} set by you") },
            )
        }
        Err(fault) => Check::fault("settings", &fault),
    }
}

/// Is the directory of the socket ours alone?
pub(super) fn runtime() -> Check {
    let socket = places::socket();
    let directory = socket.parent().unwrap_or(Path::new("/"));
    let shown = directory.display();
    match directory.symlink_metadata() {
        Err(error) => Check::warn(
            "runtime",
            format!("{shown}: {error}"),
            "it is made when the daemon starts: omg daemon start",
        ),
        Ok(meta) if !meta.is_dir() => Check::fail(
            "runtime",
            format!("{shown} is no directory"),
            "set OMG_SOCKET to a path in a directory of your own",
        ),
        Ok(meta) if meta.uid() != places::uid() && meta.uid() != 0 => Check::fail(
            "runtime",
            format!("{shown} belongs to uid {}", meta.uid()),
            "set OMG_SOCKET to a path in a directory of your own",
        ),
        // The sticky bit keeps others from replacing what is ours.
        Ok(meta) if meta.mode() & 0o022 != 0 && meta.mode() & 0o1000 == 0 => Check::fail(
            "runtime",
            format!("{shown} can be written by others"),
            format!("chmod 700 {shown}"),
        ),
        Ok(meta) => Check::ok("runtime", format!("{shown}, mode {:04o}", meta.mode() & 0o7777)),
    }
}

/// Is the socket one, and ours alone?
pub(super) fn socket() -> Check {
    let path = places::socket();
    let shown = path.display();
    match path.symlink_metadata() {
        Err(error) => {
            Check::fail("socket", format!("{shown}: {error}"), "omg daemon stop, then ask again")
        }
        Ok(meta) if !meta.file_type().is_socket() => {
            Check::fail("socket", format!("{shown} is no socket"), format!("rm {shown}"))
        }
        Ok(meta) if meta.uid() != places::uid() => Check::fail(
            "socket",
            format!("{shown} belongs to uid {}", meta.uid()),
            "set OMG_SOCKET to a path of your own",
        ),
        Ok(meta) if meta.mode() & 0o077 != 0 => Check::fail(
            "socket",
            format!("{shown} is open to others"),
            format!("chmod 600 {shown}"),
        ),
        Ok(meta) => Check::ok("socket", format!("{shown}, mode {:04o}", meta.mode() & 0o7777)),
    }
}

/// Can the index be stored?
pub(super) fn cache() -> Check {
    let Some(directory) = places::cache() else {
        return Check::warn(
            "cache",
            "no place for it: HOME is not set; the index is built at every start",
            "export HOME=…",
        );
    };
    let shown = directory.display();
    let existing = directory.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    match access(existing, Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) if existing == directory => Check::ok("cache", shown.to_string()),
        Ok(()) => Check::ok("cache", format!("{shown}, to be made")),
        Err(error) => Check::warn(
            "cache",
            format!(
                "{} can't be written ({error}); the index is built at every start",
                existing.display()
            ),
            format!("chmod u+w {}", existing.display()),
        ),
    }
}

/// Do prompts see what is true?
pub(super) fn snapshot(status: &Status) -> Check {
    let path = places::snapshot();
    let shown = path.display();
    let again = "omg daemon stop, then ask again";
    let Ok(bytes) = std::fs::read(&path) else {
        return Check::warn(
            "snapshot",
            format!("{shown} is not there; prompts show no counts"),
            again,
        );
    };
    let Some(snapshot) = bytes.first_chunk::<SIZE>().and_then(FastStatus::read) else {
        return Check::warn(
            "snapshot",
            format!("{shown} is damaged; prompts show no counts"),
            again,
        );
    };
    let counts = status.packages;
    if (snapshot.total.get(), snapshot.explicit.get(), snapshot.updates.get())
        == (counts.total, counts.explicit, counts.updates)
    {
        Check::ok("snapshot", shown.to_string())
    } else {
        Check::warn("snapshot", format!("{shown} has other counts than the daemon"), again)
    }
}
