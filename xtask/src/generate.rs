//! `cargo xtask gen`: man pages and completions, as `omg` itself writes them.

use crate::build;
use crate::shell::{self, Outcome};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Shell, and the file that it looks for.
pub(crate) const COMPLETIONS: &[(&str, &str)] =
    &[("bash", "omg"), ("zsh", "_omg"), ("fish", "omg.fish")];

/// Builds `omg` and writes its pages and completions to a directory.
pub(crate) fn run(out: Option<PathBuf>) -> Outcome {
    let (release, _) = build::release()?;
    let out = match out {
        Some(out) => out,
        None => shell::target()?.join("assets"),
    };
    assets(&release.join("omg"), &out)?;
    println!("{}", out.display());
    Ok(())
}

/// Writes `man/*.1` and `completions/SHELL/FILE`.
pub(crate) fn assets(omg: &Path, out: &Path) -> Outcome {
    let man = out.join("man");
    fs::create_dir_all(&man).map_err(shell::at(&man, "creating"))?;
    shell::quietly(Command::new(omg).args(["--quiet", "man", "--dir"]).arg(&man))?;
    for (name, file) in COMPLETIONS {
        let folder = out.join("completions").join(name);
        fs::create_dir_all(&folder).map_err(shell::at(&folder, "creating"))?;
        let text = shell::output(Command::new(omg).args(["completions", name]))?;
        let file = folder.join(file);
        fs::write(&file, text).map_err(shell::at(&file, "writing"))?;
    }
    Ok(())
}
