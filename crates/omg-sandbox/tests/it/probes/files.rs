//! Files outside, by every way to them.

use std::fs::{self, File, OpenOptions};
use std::io::Read as _;
use std::os::fd::{AsFd as _, FromRawFd as _};
use std::os::unix::fs::symlink;
use std::path::Path;

use super::{Found, INHERITED, LEAK, SECRET, Sees, World};

type Entry = (&'static str, Sees, fn(&World) -> Found);

pub(super) const PROBES: &[Entry] = &[
    ("ssh-key", Sees::Outside, |world| secret(&world.key())),
    ("ssh-key-by-home", Sees::Outside, |_| {
        let home = std::env::var("HOME").map_err(|error| error.to_string())?;
        secret(&Path::new(&home).join(".ssh/id_ed25519"))
    }),
    ("root-home", Sees::AsRoot, |_| listed("/root")),
    ("shadow", Sees::AsRoot, |_| opened("/etc/shadow")),
    ("run", Sees::Outside, |_| listed("/run")),
    ("sys", Sees::Outside, |_| listed("/sys/class")),
    ("host-tmp", Sees::Outside, |world| listed(&world.place.display().to_string())),
    ("var-log", Sees::Outside, |_| listed("/var/log")),
    ("resolv-conf", Sees::Perhaps("there may be none"), |_| opened("/etc/resolv.conf")),
    ("machine-id", Sees::Perhaps("there may be none"), |_| opened("/etc/machine-id")),
    ("dev-mem", Sees::Perhaps("kernels without it"), |_| opened("/dev/mem")),
    ("dev-kmsg", Sees::Perhaps("kernels that restrict it"), |_| opened("/dev/kmsg")),
    ("block-device", Sees::AsRoot, |_| {
        let text = fs::read_to_string("/proc/partitions").map_err(|error| error.to_string())?;
        let names = text.lines().skip(2).filter_map(|line| line.split_whitespace().nth(3));
        let mut names = names.chain(["loop0", "sda", "vda", "nvme0n1"]);
        let found = names.find_map(|name| opened(&format!("/dev/{name}")).ok());
        found.ok_or_else(|| "none can be opened".into())
    }),
    ("make-block-device", Sees::AsRoot, |_| {
        use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
        let made = mknodat(CWD, "device", FileType::BlockDevice, Mode::RUSR, makedev(7, 0));
        let _removed = fs::remove_file("device");
        made.map(|()| "made a block device".into()).map_err(|error| error.to_string())
    }),
    ("write-usr", Sees::AsRoot, |_| made("/usr/omg-probe")),
    ("write-etc", Sees::AsRoot, |_| made("/etc/omg-probe")),
    ("write-parent", Sees::Outside, |_| made("../beside-the-workspace")),
    ("write-dev", Sees::AsRoot, |_| made("/dev/omg-probe")),
    ("write-own-shim", Sees::Perhaps("there is none outside"), |_| made("/.omg-sandbox-exec")),
    ("write-outside", Sees::Outside, |world| {
        made(&world.place.join("open/x").display().to_string())
    }),
    ("append-outside", Sees::Outside, |world| {
        let file = OpenOptions::new().append(true).open(world.key());
        file.map(|_| "opened the key for writing".into()).map_err(|error| error.to_string())
    }),
    ("symlink-out", Sees::Outside, |world| {
        symlink(world.key(), "link").map_err(|error| error.to_string())?;
        let found = secret(Path::new("link"));
        let _removed = fs::remove_file("link");
        found
    }),
    ("hardlink-out", Sees::Outside, |world| {
        let linked = fs::hard_link(world.key(), "hard").map_err(|error| error.to_string());
        let _removed = fs::remove_file("hard");
        linked.map(|()| "linked the key".into())
    }),
    ("rename-out", Sees::Outside, |world| {
        fs::write("mine", "x").map_err(|error| error.to_string())?;
        let target = world.place.join("open/mine");
        let moved = fs::rename("mine", &target).map_err(|error| error.to_string());
        let _removed = fs::remove_file(target);
        moved.map(|()| "moved a file out".into())
    }),
    ("dot-dot", Sees::Outside, |world| {
        let up = "../".repeat(20);
        secret(Path::new(&format!("{up}{}", world.key().display())))
    }),
    ("proc-root", Sees::Outside, |world| {
        for process in ["self", "1", "2"] {
            let path = format!("/proc/{process}/root{}", world.key().display());
            if let Ok(found) = secret(Path::new(&path)) {
                return Ok(found);
            }
        }
        Err("no root leads there".into())
    }),
    ("directory-of-others", Sees::Outside, |world| {
        listed(&format!("/proc/{}/cwd/", world.process))
    }),
    ("core-pattern", Sees::AsRoot, |_| {
        let file = OpenOptions::new().write(true).open("/proc/sys/kernel/core_pattern");
        file.map(|_| "opened core_pattern for writing".into()).map_err(|error| error.to_string())
    }),
    ("inherited-file", Sees::Outside, inherited),
    ("inherited-by-first", Sees::Perhaps("the first process outside is another"), |_| {
        for process in ["1", "2", "self"] {
            let Ok(files) = fs::read_dir(format!("/proc/{process}/fd")) else { continue };
            for file in files.flatten() {
                let number = file.file_name();
                let above = number.to_str().and_then(|it| it.parse::<u32>().ok()) > Some(2);
                if above && let Ok(found) = secret(&file.path()) {
                    return Ok(found);
                }
            }
        }
        Err("no open file has it".into())
    }),
    ("environment", Sees::Outside, |_| {
        for name in [LEAK, "SSH_AUTH_SOCK"] {
            if std::env::var_os(name).is_some() {
                return Ok(format!("has {name}"));
            }
        }
        Err("not there".into())
    }),
];

/// The secret in a file.
pub(super) fn secret(path: &Path) -> Found {
    let text = read(&mut File::open(path).map_err(|error| error.to_string())?);
    if text.contains(SECRET) {
        Ok(format!("read {}", path.display()))
    } else {
        Err("other text".into())
    }
}

fn read(file: &mut File) -> String {
    let mut bytes = Vec::new();
    let _part = file.take(1 << 16).read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn opened(path: &str) -> Found {
    File::open(path).map(|_| format!("opened {path}")).map_err(|error| error.to_string())
}

fn listed(path: &str) -> Found {
    let entries = fs::read_dir(path).map_err(|error| error.to_string())?.count();
    Ok(format!("{path} has {entries} entries"))
}

fn made(path: &str) -> Found {
    // An existing file is opened for writing, and that is enough.
    let existed = Path::new(path).exists();
    let file = OpenOptions::new().append(true).create(true).open(path);
    if file.is_ok() && !existed {
        let _removed = fs::remove_file(path);
    }
    file.map(|_| format!("wrote {path}")).map_err(|error| error.to_string())
}

#[expect(unsafe_code, reason = "a file that was inherited is known by its number only")]
fn inherited(_: &World) -> Found {
    // SAFETY: nothing else in this program owns this number, if it is open at all.
    let file = unsafe { File::from_raw_fd(INHERITED) };
    let mut file = std::mem::ManuallyDrop::new(file);
    rustix::io::fcntl_getfd(file.as_fd()).map_err(|error| error.to_string())?;
    let text = read(&mut file);
    let _rewound = rustix::fs::seek(file.as_fd(), rustix::fs::SeekFrom::Start(0));
    if text.contains(SECRET) { Ok("read it".into()) } else { Err("another file".into()) }
}
