//! Decides whether this build does without the Rust runtime, and tells the linker so.
//!
//! That is so in the cargo profile `fast`, whose panics abort. The profile is read from the place
//! that cargo gives us to write to, because `CARGO_CFG_PANIC` shows the target's default and not
//! the profile's choice; `src/main.rs` refuses to compile if the two disagree.

use std::env;
use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(freestanding)");
    let out = env::var("OUT_DIR").unwrap_or_default();
    if profile(Path::new(&out)).as_deref() != Some("fast") {
        return;
    }
    println!("cargo::rustc-cfg=freestanding");
    // One segment for everything: fewer pages to map and to fault in, which is most of the time
    // that this program takes.
    for argument in [
        "-nostartfiles",
        "-nostdlib",
        "-static",
        "-no-pie",
        "-Wl,-z,noseparate-code",
        "-Wl,--build-id=none",
    ] {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
}

/// The folder above the last `build`: `target/[TRIPLE/]PROFILE/build/…/out`.
fn profile(out: &Path) -> Option<String> {
    let parts: Vec<_> = out.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    let build = parts.iter().rposition(|part| part == "build")?;
    parts.get(build.checked_sub(1)?).map(|part| part.clone().into_owned())
}
