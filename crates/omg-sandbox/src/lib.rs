//! Confines foreign code: the build of a recipe runs in a world of its own.
//!
//! Three walls, one inside the other, each by a part of the kernel that fails apart from the others:
//!
//! * bubblewrap makes namespaces for users, processes, network, mounts, IPC and host name, with a root
//!   that has the system's programs read-only and one directory to write to;
//! * Landlock lets nothing be written elsewhere, even if a mount were;
//! * seccomp takes away system calls that no build needs and that kernels were broken through.
//!
//! Limits hold for time, memory, processes, files and disk. If a wall can't be built nothing is run:
//! see [`Confinement::check`]. The wall between bubblewrap and the program is put up by
//! `omg-sandbox-exec`, an executable of this crate that stands beside `omgd`.
//!
//! This crate must not know of recipes, packages or the network, and reads no environment.

mod confinement;
mod error;
mod identity;
mod limits;
mod profile;
mod root;
pub mod shim;
mod watch;

pub use confinement::{Confined, Confinement, Ended, HOME, SHIM, Standing, WORKSPACE};
pub use error::SandboxError;
pub use identity::Identity;
pub use limits::{Exceeded, Limits};
pub use profile::{Landlock, Profile};
pub use watch::{DiskUsage, disk_usage};
