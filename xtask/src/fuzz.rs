//! The fuzz gate: every target of `fuzz/` for a minute, where a nightly toolchain and cargo-fuzz are.

use crate::shell::{self, Outcome};
use std::process::Command;

/// Seconds for each target.
const SECONDS: u32 = 60;

/// Most memory that a target may take, MiB.
const MEMORY: u32 = 512;

/// The files of `fuzz/fuzz_targets`.
const TARGETS: &[&str] = &["frame", "deb822", "index_image", "alpm", "recipe", "engine"];

/// Runs all targets, or says that the property tests, which are part of `cargo xtask test`, stand for
/// them.
pub(crate) fn run() -> Outcome {
    if !shell::succeeds(nightly(&["--version"]).current_dir(shell::root())) {
        eprintln!(
            "skipped: a nightly toolchain or cargo-fuzz is missing (`cargo install cargo-fuzz --locked`); \
             the property tests cover the same parsers"
        );
        return Ok(());
    }
    for target in TARGETS {
        let time = format!("-max_total_time={SECONDS}");
        let memory = format!("-rss_limit_mb={MEMORY}");
        shell::run(&mut nightly(&["run", target, "--", &time, &memory, "-timeout=5"]))?;
    }
    Ok(())
}

fn nightly(arguments: &[&str]) -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly", "cargo", "fuzz"]).args(arguments).current_dir(shell::root());
    // Set by the cargo that runs us; they name its own toolchain.
    command.env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN").env_remove("RUSTFLAGS");
    command
}
