//! One transaction: prepared as it was planned, compared with what was approved, and committed.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::mpsc;

use omg_commit::{Commission, Report};
use omg_core::{Action, Code, Conffiles, Notice, NoticeKind, Operation, Plan, Planned};
use omg_failpoint::reach;

use crate::copies::Copies;
use crate::describe::{self, Request, follows};
use crate::error::Error;
use crate::handle::Handle;
use crate::journal::{Comes, Item, Journal};
use crate::lock::Lock;
use crate::native::alpm::{self, PackageReason};
use crate::native::{self, FileInTheWay, Package, Uncommitted};
use crate::planner::{self, AlpmPlanner};
use crate::targets::{self, Files};
use crate::workplace::{self, Workplace};
use crate::{failure, listen};

/// Carries out what was approved.
pub(crate) fn apply(
    planner: &mut AlpmPlanner,
    lock: &mut Lock,
    workplace: &Workplace,
    signatures: &HashMap<String, Vec<u8>>,
    commission: &Commission<'_>,
    report: &dyn Report,
) -> Result<Vec<Notice>, Error> {
    if commission.conffiles == Conffiles::Replace {
        return Err(Error::Conffiles);
    }
    let copies = Copies::lay(workplace, commission, signatures)?;
    let change = commission.change;
    let flags = planner::flags(change);
    let databases = planner.handle.conf.db_path.clone();
    let begun = lock.lend(&databases, || planner.handle.begin_committing(&change.providers, flags));
    let mut request = Request::default();
    let mut unfinished = Vec::new();
    let done = begun.and_then(|()| {
        prepare(planner, commission, &copies, &mut request)?;
        let cache = planner.handle.conf.cache_dirs.first();
        let kept = copies.keep(workplace, cache)?;
        let journal = journal(commission.plan, &kept);
        journal.begin(&workplace.journal)?;
        reach!("alpm.commit.begin");
        let committed = commit(planner, report, &mut unfinished);
        if !unfinished.is_empty() {
            // It is not old and not new: whoever comes next is to finish it.
            journal.fail(&workplace.journal)?;
        }
        let notices = committed?;
        reach!("alpm.commit.done");
        if change.options.as_dependencies && follows(change) {
            mark(planner, &request)?;
        }
        Ok(notices)
    });
    let ended = if unfinished.is_empty() {
        close(planner, lock, workplace)
    } else {
        release(planner, lock, workplace)
    };
    let notices = done?;
    ended?;
    Ok(notices)
}

/// Whatever a transaction came to, libalpm is through with it: nothing is left to finish.
pub(crate) fn close(
    planner: &mut AlpmPlanner,
    lock: &mut Lock,
    workplace: &Workplace,
) -> Result<(), Error> {
    let cleared =
        Journal::remove(&workplace.journal).and_then(|()| workplace::empty(&workplace.keep));
    cleared.and(release(planner, lock, workplace))
}

/// Ends the transaction, and takes pacman's lock back.
fn release(planner: &mut AlpmPlanner, lock: &mut Lock, workplace: &Workplace) -> Result<(), Error> {
    let emptied = workplace::empty(&workplace.packages);
    // None is open if none could be begun.
    let ended = planner.handle.end_if_begun();
    emptied.and(ended)?;
    lock.take_back()
}

/// Is all of a package that was installed in the local database? libalpm does not look whether what it
/// wrote there fits on the disk.
fn is_written(handle: &Handle, name: &str) -> bool {
    let Some(package) = handle.installed(name) else { return false };
    let entry = format!("local/{name}-{}", package.version());
    let read = |file| std::fs::read(handle.conf.db_path.join(&entry).join(file));
    let (Ok(desc), Ok(files)) = (read("desc"), read("files")) else { return false };
    let (mut lines, mut backups, mut in_backup) = (0, 0, false);
    for line in files.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        match line {
            b"%FILES%" => in_backup = false,
            b"%BACKUP%" => in_backup = true,
            _ if in_backup => backups += 1,
            _ => lines += 1,
        }
    }
    desc.ends_with(b"\n\n") && (lines, backups) == native::counts(package)
}

/// Prepares the transaction that has begun.
fn prepare(
    planner: &mut AlpmPlanner,
    commission: &Commission<'_>,
    copies: &Copies<'_>,
    request: &mut Request,
) -> Result<(), Error> {
    let change = commission.change;
    match change.operation {
        Operation::Install | Operation::Upgrade => {
            planner.assemble(change, Files::Copies(&copies.named), request)?;
        }
        Operation::Remove => {
            targets::remove(&planner.handle, &change.targets, request)?;
            planner.prepare()?;
        }
        Operation::Autoremove => {
            let names: Vec<String> =
                commission.plan.changes.iter().map(|change| change.name.clone()).collect();
            targets::remove(&planner.handle, &names, request)?;
            planner.prepare()?;
        }
    }
    let mut plan = describe::plan(&planner.handle, change, request)?;
    plan.sort();
    // A package file is known by its digest. What was planned over may have been a copy of it.
    let is_file = |planned: &Planned| planned.repository.starts_with('/');
    for (planned, approved) in plan.changes.iter_mut().zip(&commission.plan.changes) {
        if is_file(planned) && is_file(approved) && planned.sha256.is_some() {
            planned.repository.clone_from(&approved.repository);
        }
    }
    if plan.digest() == commission.plan.digest() { Ok(()) } else { Err(Error::PlanChanged) }
}

fn journal(plan: &Plan, kept: &BTreeMap<String, PathBuf>) -> Journal {
    let item = |planned: &Planned| {
        let goes = matches!(planned.action, Action::Remove | Action::Purge);
        let version = if goes { &planned.old_version } else { &planned.new_version };
        let comes = kept.get(&planned.name).filter(|_| !goes).map(|file| Comes {
            automatic: planned.automatic,
            sha256: planned.sha256.clone().unwrap_or_default(),
            file: file.clone(),
            old: planned.old_version.clone(),
            again: false,
        });
        Item { name: planned.name.clone(), version: version.clone().unwrap_or_default(), comes }
    };
    Journal::new(plan.changes.iter().map(item).collect())
}

/// Commits what is prepared, and tells of it meanwhile. Where that fails after something was changed,
/// `unfinished` gets the names of packages that were not carried out, the one first at which it failed.
pub(crate) fn commit(
    planner: &mut AlpmPlanner,
    report: &dyn Report,
    unfinished: &mut Vec<String>,
) -> Result<Vec<Notice>, Error> {
    let alpm = &planner.handle.alpm;
    let going = alpm.trans_remove().into_iter().map(|package| package.name().to_owned());
    let coming = alpm.trans_add().into_iter().map(|package| package.name().to_owned());
    let order: Vec<String> = going.chain(coming).collect();
    if order.is_empty() {
        // libalpm takes that for a transaction that was never prepared.
        return Ok(Vec::new());
    }
    let new: Vec<String> =
        alpm.trans_add().into_iter().map(|package| package.name().to_owned()).collect();
    let before = planner.handle.record.borrow().warnings.len();
    planner.handle.record.borrow_mut().errors.clear();
    // libalpm's callbacks outlive what they are lent, so a thread beside them holds the client's ear.
    let (tell, told) = mpsc::channel();
    let heard = listen::attach(alpm, &planner.handle.record, order, tell);
    let done = std::thread::scope(|scope| {
        scope.spawn(|| told.into_iter().for_each(|progress| report.progress(progress)));
        let done = native::commit(&mut planner.handle.alpm);
        listen::detach(&planner.handle.alpm);
        let heard = std::rc::Rc::into_inner(heard).map(std::cell::RefCell::into_inner);
        let mut heard = heard.ok_or(())?;
        heard.blame();
        let left = heard.left();
        Ok::<_, ()>((done, left, heard.notices, heard.output))
    });
    let Ok((done, left, mut notices, output)) = done else {
        return Err(planner.handle.failed("listening to it", alpm::Error::System));
    };
    if let Err(uncommitted) = done {
        *unfinished = left;
        let hint = (!unfinished.is_empty()).then(|| {
            format!("{} packages are not done: `omg recover` finishes that", unfinished.len())
        });
        return Err(failed(planner, uncommitted, hint, output.into()));
    }
    let unwritten: Vec<String> =
        new.into_iter().filter(|name| !is_written(&planner.handle, name)).collect();
    if !unwritten.is_empty() {
        let reason = "its entries in the local database are not whole; is the disk full?".into();
        unfinished.clone_from(&unwritten);
        return Err(Error::Transaction { reason, code: Code::Transaction, causes: unwritten });
    }
    let record = planner.handle.record.borrow();
    let warnings = record.warnings.iter().skip(before).cloned();
    notices.extend(warnings.map(|text| Notice {
        kind: NoticeKind::Note,
        package: String::new(),
        text: format!("warning: {text}"),
    }));
    Ok(notices)
}

fn failed(
    planner: &AlpmPlanner,
    uncommitted: Uncommitted,
    hint: Option<String>,
    output: Vec<String>,
) -> Error {
    let Uncommitted { error, conflicts, invalid } = uncommitted;
    let conflicts = conflicts.iter().map(|file| in_the_way(&planner.handle, file));
    let mut causes: Vec<String> = hint.into_iter().chain(conflicts).chain(invalid).collect();
    let code = match error {
        alpm::Error::PkgInvalidSig | alpm::Error::PkgMissingSig => Code::Signature,
        alpm::Error::PkgInvalidChecksum | alpm::Error::PkgInvalid => Code::Digest,
        _ => Code::Transaction,
    };
    let record = planner.handle.record.borrow();
    causes.extend(record.errors.iter().cloned());
    let tail = output.len().saturating_sub(failure::OUTPUT_LINES);
    causes.extend(output.into_iter().skip(tail));
    Error::Transaction { reason: error.to_string(), code, causes }
}

/// A file that is in the way, in words.
fn in_the_way(handle: &Handle, file: &FileInTheWay) -> String {
    let FileInTheWay { package, path, coming } = file;
    let root = handle.alpm.root();
    let inner = path.strip_prefix(root).unwrap_or(path);
    if *coming {
        return format!("{package}: another package that comes has /{inner}, too");
    }
    let owns = |installed: &Package<'_>| native::has_file(*installed, inner);
    match handle.alpm.localdb().pkgs().into_iter().find(owns) {
        Some(owner) => {
            format!("{package}: /{inner} is there already, and belongs to {}", owner.name())
        }
        None => format!("{package}: /{inner} is there already, and belongs to no package"),
    }
}

/// Targets of an upgrade of the whole system that are to count as installed for others.
fn mark(planner: &AlpmPlanner, request: &Request) -> Result<(), Error> {
    for name in &request.targets {
        if let Some(package) = planner.handle.installed(name)
            && package.reason() != PackageReason::Depend
        {
            native::set_reason(package, PackageReason::Depend)
                .map_err(|error| planner.handle.failed("marking a package", error))?;
        }
    }
    Ok(())
}
