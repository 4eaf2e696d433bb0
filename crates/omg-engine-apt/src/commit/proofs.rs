//! What the root's own lists say of the files of a plan, and who signed them.

use std::path::Path;

use omg_backend_dpkg::lists::{Chain, Evidence, Offered, Trust, verify_chain};
use omg_commit::Proof;
use omg_core::{Grade, Plan, Planned};

use super::error::Error;
use super::known::Known;
use crate::describe::file_name;

/// One proof for each file that the plan takes. What a list says counts only if its suite is signed for by
/// a key that its source allows, or the source is trusted without.
pub(super) fn proofs(root: &Path, plan: &Plan) -> Result<Vec<Proof>, omg_core::Fault> {
    let comes: Vec<(usize, &Planned, &str)> = plan
        .changes
        .iter()
        .enumerate()
        .filter_map(|(at, change)| Some((at, change, change.new_version.as_deref()?)))
        .collect();
    let offered: Vec<_> =
        comes.iter().filter(|(_, change, _)| !change.repository.is_empty()).collect();
    let wanted: Vec<Offered> =
        offered.iter().map(|(_, change, version)| is(change, version)).collect();
    let (chain, found) = if wanted.is_empty() {
        (Chain::default(), Vec::new())
    } else {
        let known = Known::open(root);
        let chain = verify_chain(root, &known)?;
        known.keep();
        let found = chain.find(root, &wanted);
        (chain, found)
    };
    let mut proofs = Vec::new();
    for (at, change, version) in comes {
        let mut proof = Proof {
            change: at,
            file_name: file_name(&change.name, version, &change.architecture),
            sha256: None,
            size: None,
            signed: false,
            grade: Grade::Risk,
            licenses: Vec::new(),
            built_at: None,
        };
        if !change.repository.is_empty() {
            let this = is(change, version);
            let at = wanted.iter().position(|wanted| *wanted == this);
            let lists = at.and_then(|at| found.get(at)).map_or(&[][..], Vec::as_slice);
            let evidence = vouched(&chain, lists, change)?;
            proof.grade = chain.grade(evidence);
            proof.sha256.clone_from(&evidence.sha256);
            proof.size = Some(evidence.size);
        }
        proofs.push(proof);
    }
    Ok(proofs)
}

fn is(change: &Planned, version: &str) -> Offered {
    Offered {
        name: change.name.clone(),
        architecture: change.architecture.clone(),
        version: version.to_owned(),
    }
}

/// The best evidence for the file that was approved.
fn vouched<'e>(
    chain: &Chain,
    lists: &'e [Evidence],
    change: &Planned,
) -> Result<&'e Evidence, Error> {
    let approved = |it: &&Evidence| it.sha256.is_some() && it.sha256 == change.sha256;
    let trust = |it: &Evidence| chain.lists.get(it.list).map(|list| &list.trust);
    let trusted = |it: &&Evidence| !matches!(trust(it), None | Some(Trust::Unsigned));
    if let Some(evidence) = lists.iter().filter(approved).find(trusted) {
        return Ok(evidence);
    }
    let problems = lists.iter().filter_map(|it| chain.lists.get(it.list));
    let problems: Vec<String> = problems
        .filter(|list| !list.problem.is_empty())
        .map(|list| format!("{}: {}", list.suite, list.problem))
        .collect();
    if problems.is_empty() {
        return Err(Error::Unproven { package: change.name.clone() });
    }
    Err(Error::Unsigned { package: change.name.clone(), problems })
}
