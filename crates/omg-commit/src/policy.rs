//! The system's policy, asked by root itself about what it is going to do.
//!
//! This is the one place where the policy has its say in a committing engine. It sees the plan as the
//! engine made it and the proofs as the root's own lists gave them, never what a client claims.

use std::path::Path;

use omg_audit::Evidence;
use omg_core::{Code, Fault, Plan};

use crate::Proof;

/// The policy of the system below `root`.
const FILE: &str = "etc/omg/policy.toml";

/// May `plan` be carried out with these files? Answers with what the decision rested on, for the log.
///
/// # Errors
/// [`Code::Policy`]. A system that has a policy is not changed by an engine that can't apply it.
pub(crate) fn judge(root: &Path, _plan: &Plan, proofs: &[&Proof]) -> Result<Evidence, Fault> {
    let path = root.join(FILE);
    if path.symlink_metadata().is_ok() {
        let message = format!("{} is there, and this engine can't apply it", path.display());
        return Err(Fault::new(Code::Policy, message).hint("install an engine that does"));
    }
    let grade = proofs.iter().map(|proof| proof.grade).min();
    Ok(Evidence { grade: grade.map(|grade| grade.to_string()), ..Evidence::default() })
}
