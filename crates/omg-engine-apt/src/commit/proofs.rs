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
///
/// A file in no repository is let through without a list if it is one of `named`, SHA-256 of the files
/// that the user named; without that list, by whoever looks at it again.
pub(super) fn proofs(
    root: &Path,
    plan: &Plan,
    named: Option<&[String]>,
) -> Result<Vec<Proof>, omg_core::Fault> {
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
        } else if let Some(named) = named {
            let own = |sha256: &String| named.contains(sha256);
            if !change.sha256.as_ref().is_some_and(own) {
                return Err(Error::Unproven { package: change.name.clone() }.into());
            }
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

#[cfg(test)]
mod tests {
    use omg_core::{Action, Code, Reason, Source};

    use super::*;

    #[test]
    fn what_is_in_no_repository_was_named_by_the_user_or_is_refused() {
        let sha256 = "ab".repeat(32);
        let change = Planned {
            action: Action::Install,
            name: "tool".into(),
            architecture: "amd64".into(),
            old_version: None,
            new_version: Some("1.0-1".into()),
            source: Source::Apt,
            repository: String::new(),
            reason: Reason::Requested,
            automatic: false,
            download_size: 0,
            installed_size_delta: 0,
            sha256: Some(sha256.clone()),
            grade: None,
        };
        let plan = Plan { changes: vec![change], ..Plan::default() };
        let root = Path::new("/nonexistent");
        // libapt has a digest for everything that a list has, also one that nobody signed.
        assert_eq!(proofs(root, &plan, Some(&[])).unwrap_err().code, Code::Digest);
        let named = proofs(root, &plan, Some(&[sha256])).unwrap();
        assert_eq!((named.len(), named[0].grade), (1, Grade::Risk));
    }
}
