//! The words of the domain: names, packages, what is installed, and how a request can fail.
//!
//! Every other crate speaks in these types; this one knows nothing of files, sockets, clocks or
//! any one distribution, and never waits.
//!
//! ```
//! use omg_core::{Code, Fault};
//!
//! let fault = Fault::new(Code::NotFound, "no package is called 'ripgrp'").suggest(["ripgrep"]);
//! assert_eq!(fault.code.exit(), 3);
//! assert_eq!(fault.code.id(), "OMG-E0003");
//! ```
#![forbid(unsafe_code)]

mod available;
mod change;
mod distance;
mod escape;
mod fault;
mod generation;
mod grade;
mod installed;
mod order;
mod package;
mod plan;
mod progress;
mod purl;
mod recipe;
mod report;
mod staged;
mod time;

pub use available::{Available, Offer, Relation, RelationKind, Repository, RepositoryId, Sink};
pub use change::{Change, Operation, PlanOptions, Scope};
pub use distance::distance;
pub use escape::{Escaped, escape, is_dangerous};
pub use fault::{Code, EXPLANATIONS, Explanation, Fault};
pub use generation::Generation;
pub use grade::Grade;
pub use installed::{Edge, Installed, InstalledPackage, PackageState};
pub use order::{Conffiles, Notice, NoticeKind, Order, Outcome, Task};
pub use package::{Details, InstallReason, Listed, Offered, Priority, Source, Summary};
pub use plan::{
    Action, Build, GroupRow, HeldBack, OptionalDependency, Plan, Planned, ProviderChoice, Reason,
    WhyNot,
};
pub use progress::{Listener, Phase, Progress, Reporter};
pub use purl::purl;
pub use recipe::{AurFacts, Mark, Refreshed, Review, Severity};
pub use report::{
    CacheCounts, Chain, Counts, Dependent, FileMatch, FileOrigin, Link, SizeRow, Stats, Status,
    TreeRow,
};
pub use staged::{Artifact, SignatureSource, Staged, Wanted};
pub use time::Rfc3339;
