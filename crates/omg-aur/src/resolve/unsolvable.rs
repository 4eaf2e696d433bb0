//! Why a request for packages of the AUR can't be met.

use omg_core::Code;

/// Why a request can't be met.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unsolvable {
    /// The AUR has no such package.
    #[error("the AUR has no package '{name}'")]
    NoTarget {
        /// The name asked for.
        name: String,
        /// Packages that provide it.
        provided_by: Vec<String>,
    },
    /// Nothing satisfies a dependency.
    #[error("'{package}' {kind} '{dependency}', which nothing provides{}", found(offers))]
    Missing {
        /// Who wants it.
        package: String,
        /// How: `depends on`, `needs for building`, `needs for its tests`.
        kind: &'static str,
        /// The dependency as written.
        dependency: String,
        /// What there is of that name, as `name version`, though of another version.
        offers: Vec<String>,
    },
    /// The package chosen to provide something does not.
    #[error("'{chosen}' does not provide '{wanted}'; these do: {}", options.join(", "))]
    NoProvider {
        /// The dependency as written.
        wanted: String,
        /// The package that was chosen.
        chosen: String,
        /// Packages that do.
        options: Vec<String>,
    },
    /// Packages that need each other before they can be built.
    #[error("these need each other before they can be built: {}", path.join(" -> "))]
    Cycle {
        /// The bases in order; the first is repeated at the end.
        path: Vec<String>,
    },
    /// Packages of one plan that can't be installed together.
    #[error(
        "'{package}' can't be installed together with '{other}': it conflicts with '{conflict}'"
    )]
    Conflict {
        /// Who says so.
        package: String,
        /// Whom it means.
        other: String,
        /// The conflict as written.
        conflict: String,
    },
    /// The request grows beyond its limit.
    #[error("the request needs more than {limit} packages of the AUR")]
    TooMany {
        /// The limit.
        limit: usize,
    },
}

fn found(offers: &[String]) -> String {
    if offers.is_empty() { String::new() } else { format!(" (there is {})", offers.join(", ")) }
}

impl Unsolvable {
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::NoTarget { .. } => Code::NotFound,
            Self::TooMany { .. } => Code::Limit,
            Self::NoProvider { .. } => Code::Usage,
            Self::Missing { .. } | Self::Cycle { .. } | Self::Conflict { .. } => Code::Unsolvable,
        }
    }

    pub(crate) fn suggestions(&self) -> &[String] {
        match self {
            Self::NoTarget { provided_by, .. } => provided_by,
            Self::NoProvider { options, .. } => options,
            _ => &[],
        }
    }

    pub(crate) fn advice(&self) -> Option<String> {
        match self {
            Self::NoTarget { name, .. } => Some(format!("omg search {name}")),
            Self::Missing { dependency, .. } => {
                Some(format!("omg search {}", crate::constraint::bare(dependency)))
            }
            _ => None,
        }
    }
}
