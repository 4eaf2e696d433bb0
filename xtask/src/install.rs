//! `cargo xtask install`: everything that users need, below a prefix.

use crate::shell::{self, Outcome};
use crate::{build, generate, native, packages};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Shell, and where its completions go below the prefix.
const COMPLETIONS: &[(&str, &str)] = &[
    ("bash", "share/bash-completion/completions"),
    ("zsh", "share/zsh/site-functions"),
    ("fish", "share/fish/vendor_completions.d"),
];

/// The path that the units name; replaced by the prefix's.
const UNIT_BINARY: &str = "/usr/bin/omgd";

/// Builds and copies.
pub(crate) fn run(prefix: Option<PathBuf>) -> Outcome {
    packages::require(packages::BUILD)?;
    packages::require(native::engine().1)?;
    let (release, fast) = build::release()?;
    let prefix = absolute(prefix)?;
    let binaries = prefix.join("bin");
    for executable in build::executables(&release).iter().chain([&fast]) {
        copy(executable, &binaries, 0o755)?;
    }
    let assets = shell::target()?.join("assets");
    generate::assets(&release.join("omg"), &assets)?;
    copy_all(&assets.join("man"), &prefix.join("share/man/man1"))?;
    for (name, folder) in COMPLETIONS {
        copy_all(&assets.join("completions").join(name), &prefix.join(folder))?;
    }
    units(&prefix, &binaries)?;
    println!("\nInstalled below {}.", prefix.display());
    if !on_path(&binaries) {
        println!("{} is not in PATH.", binaries.display());
    }
    println!("To have systemd start the daemon when it is first needed:");
    if !systemd_reads(&prefix) {
        let units = prefix.join("share/systemd/user");
        println!("  systemctl --user link {0}/omgd.socket {0}/omgd.service", units.display());
    }
    println!("  systemctl --user daemon-reload && systemctl --user enable --now omgd.socket");
    Ok(())
}

/// What was asked for; without it `/usr/local` for root and `~/.local` for others.
fn absolute(prefix: Option<PathBuf>) -> Outcome<PathBuf> {
    let prefix = match prefix {
        Some(prefix) => prefix,
        None if packages::for_everybody() => PathBuf::from("/usr/local"),
        None => {
            PathBuf::from(std::env::var_os("HOME").ok_or("HOME is not set; give --prefix DIR")?)
                .join(".local")
        }
    };
    std::path::absolute(&prefix).map_err(shell::at(&prefix, "resolving"))
}

/// Whether systemd finds user units below this prefix by itself (systemd.unit(5)).
fn systemd_reads(prefix: &Path) -> bool {
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local"));
    prefix == Path::new("/usr/local")
        || prefix == Path::new("/usr")
        || home.is_some_and(|home| home == prefix)
}

/// User units, naming the daemon below this prefix, with what builds need where recipes are built.
fn units(prefix: &Path, binaries: &Path) -> Outcome {
    let folder = prefix.join("share/systemd/user");
    for unit in ["omgd.service", "omgd.socket"] {
        let source = shell::root().join("packaging/systemd").join(unit);
        let text = fs::read_to_string(&source).map_err(shell::at(&source, "reading"))?;
        let text = text.replace(UNIT_BINARY, &binaries.join("omgd").to_string_lossy());
        put(&folder.join(unit), text.as_bytes(), 0o644)?;
    }
    if native::is_arch() {
        let builds = shell::root().join("packaging/systemd/builds.conf");
        copy(&builds, &folder.join("omgd.service.d"), 0o644)?;
    }
    Ok(())
}

fn copy_all(from: &Path, to: &Path) -> Outcome {
    for entry in fs::read_dir(from).map_err(shell::at(from, "listing"))? {
        let entry = entry.map_err(shell::at(from, "listing"))?;
        copy(&entry.path(), to, 0o644)?;
    }
    Ok(())
}

fn copy(from: &Path, folder: &Path, mode: u32) -> Outcome {
    let name = from.file_name().ok_or_else(|| format!("{} has no name", from.display()))?;
    let content = fs::read(from).map_err(shell::at(from, "reading"))?;
    put(&folder.join(name), &content, mode)
}

/// Writes beside the final name and renames, so that a running executable is replaced whole.
fn put(path: &Path, content: &[u8], mode: u32) -> Outcome {
    let folder = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder).map_err(shell::at(folder, "creating"))?;
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    fs::write(&new, content).map_err(shell::at(&new, "writing"))?;
    fs::set_permissions(&new, fs::Permissions::from_mode(mode))
        .map_err(shell::at(&new, "setting the mode of"))?;
    fs::rename(&new, path).map_err(shell::at(path, "replacing"))?;
    println!("{}", path.display());
    Ok(())
}

fn on_path(folder: &Path) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|entry| entry == folder))
}
