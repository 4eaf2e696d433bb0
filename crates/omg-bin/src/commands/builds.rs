//! Recipes of a plan: reviewed before, built confined, installed in the order in which they need each
//! other.

use omg_core::{Build, Code, Fault, Plan, Planned, Reason, Severity, Staged};
use omg_proto::{Query, Reply, providers_text, targets_text};

use super::carry::{self, Approved, Carried};
use super::change::Manner;
use super::{aur, resume, review_view};
use crate::render::{Show, agree, somebody_there};
use crate::session::{Session, unexpected};

/// Has every recipe of the plan been looked at? What was not is shown and asked about; where nobody can
/// be asked, a recipe with grave marks is refused.
///
/// # Errors
/// [`Code::Declined`], [`Code::Refused`].
pub(super) fn consent(session: &mut Session, plan: &Plan, manner: Manner) -> Result<(), Fault> {
    for build in &plan.builds {
        look(session, build, manner)?;
    }
    Ok(())
}

fn look(session: &mut Session, build: &Build, manner: Manner) -> Result<(), Fault> {
    let base = &*build.package_base;
    let answer = session.ask(Query::Review { package: base })?;
    let reply = answer.reply()?;
    let Reply::Review(review) = &reply else { return Err(unexpected(&reply)) };
    if review.from.as_deref() == Some(review.to.as_str()) {
        return Ok(());
    }
    let grave = review.marks.iter().any(|mark| mark.severity == Severity::Danger);
    let asks = session.out.screen.tty() && somebody_there() && !session.globals.json;
    if !asks || manner.assents() {
        if grave {
            let message = format!("the recipe of {base} has marks that somebody should look at");
            return Err(Fault::new(Code::Refused, message).hint(format!(
                "`omg aur review {base}` shows them, and remembers it as reviewed"
            )));
        }
        return aur::remember(session, base, &review.to);
    }
    review_view::write(&mut session.out, review);
    session.show()?;
    let question = format!("Build {base} from this recipe?");
    if agree(&question, !grave, session.out.screen.error_color)? {
        aur::remember(session, base, &review.to)
    } else {
        Err(Fault::new(Code::Declined, format!("{base} was declined; nothing was changed")))
    }
}

/// Builds all recipes of the plan and installs what comes of them.
///
/// # Errors
/// [`Code::Partial`] if some could not be built; all that do not need them are done. [`Code::Build`] if
/// nothing came of it.
pub(super) fn carry(
    session: &mut Session,
    approved: &Approved<'_>,
    show: &mut Show,
    carried: &mut Carried,
) -> Result<(), Fault> {
    let mut failures = Failures::new();
    for batch in batches(approved.plan) {
        let done = part(session, approved, &batch, show, carried, &mut failures);
        if let Err(fault) = done {
            // What comes after it is not begun; it can be gone on with.
            let base = batch.first().map_or("", |build| &build.package_base);
            failures.push((base.to_owned(), fault.clone()));
            resume::remember(approved.change, &failures)?;
            return Err(fault);
        }
    }
    resume::remember(approved.change, &failures)?;
    let Some((base, first)) = failures.first() else { return Ok(()) };
    show.end();
    let (code, rest) = if carried.outcomes.is_empty() {
        (Code::Build, "nothing was changed")
    } else {
        carried.tell(session);
        (Code::Partial, "the rest is done")
    };
    let message = match failures.len() {
        1 => format!("{base} could not be built; {rest}"),
        more => format!("{more} recipes could not be built, {base} among them; {rest}"),
    };
    let again = if failures.len() == 1 { "it" } else { "them" };
    let again = format!("`omg resume` tries {again} again");
    let first_step = first.hint.as_ref().filter(|_| failures.len() == 1);
    let hint = first_step.map_or_else(|| again.clone(), |step| format!("{step}; then {again}"));
    let mut fault = Fault::new(code, message).hint(hint);
    fault.cause.clone_from(&first.cause);
    fault.cause.insert(0, first.message.clone());
    fault.cause.extend(failures.iter().skip(1).map(|(base, fault)| format!("{base}: {fault}")));
    Err(fault)
}

/// Builds recipes that need nothing of each other, and installs what comes of them.
fn part(
    session: &mut Session,
    approved: &Approved<'_>,
    batch: &[&Build],
    show: &mut Show,
    carried: &mut Carried,
    failures: &mut Failures,
) -> Result<(), Fault> {
    let mut bases = Vec::new();
    for recipe in batch {
        if let Some(base) = missing(approved.plan, recipe, failures) {
            let message = format!("it needs {base}, which was not built");
            failures.push((recipe.package_base.clone(), Fault::new(Code::Build, message)));
        } else {
            bases.push(recipe.package_base.as_str());
        }
    }
    if bases.is_empty() {
        return Ok(());
    }
    let (staged, failed) = build(session, approved, &bases, show)?;
    failures.extend(failed);
    match staged {
        Some(staged) => carry::commit(session, &staged, approved, show, carried),
        None => Ok(()),
    }
}

/// A recipe that was not built and makes what this one needs.
fn missing(plan: &Plan, build: &Build, failures: &Failures) -> Option<String> {
    let failed = |base: &str| failures.iter().any(|(failed, _)| failed == base);
    let mut others = plan.builds.iter().filter(|other| failed(&other.package_base));
    others.find(|other| needs(plan, build, other)).map(|other| other.package_base.clone())
}

/// Does a recipe, or what it makes, need what another makes?
fn needs(plan: &Plan, build: &Build, other: &Build) -> bool {
    let of_build = |change: &Planned| match &change.reason {
        Reason::Dependency(by) | Reason::Build(by) => build.packages.contains(by),
        _ => false,
    };
    let named = build.make_depends.iter().chain(&build.check_depends);
    let wanted = plan.changes.iter().filter(|it| of_build(it)).map(|it| &it.name);
    named.chain(wanted).any(|name| other.packages.contains(name))
}

/// Recipes that are built together: what others need is installed before these are built.
fn batches(plan: &Plan) -> Vec<Vec<&Build>> {
    let mut batches: Vec<Vec<&Build>> = vec![Vec::new()];
    for build in &plan.builds {
        if let Some(last) = batches.last_mut() {
            last.push(build);
        }
        let automatic =
            |change: &Planned| change.automatic && build.packages.contains(&change.name);
        if plan.changes.iter().any(automatic)
            || plan.builds.iter().any(|other| needs(plan, other, build))
        {
            batches.push(Vec::new());
        }
    }
    batches.retain(|batch| !batch.is_empty());
    batches
}

/// Bases of recipes, and why there is nothing of them.
type Failures = Vec<(String, Fault)>;

type Built = (Option<Box<Staged>>, Failures);

fn build(
    session: &mut Session,
    approved: &Approved<'_>,
    bases: &[&str],
    show: &mut Show,
) -> Result<Built, Fault> {
    let change = approved.change;
    let (targets, providers) = (targets_text(change), providers_text(change));
    let bases = bases.join("\n");
    let query = Query::build(change, &targets, &providers, &bases);
    let answer = session.ask_with(query, &mut |progress| show.hear(progress))?;
    match answer.reply()? {
        Reply::Built { staged, failed } => Ok((staged, failed)),
        other => Err(unexpected(&other)),
    }
}
