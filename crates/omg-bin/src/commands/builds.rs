//! Recipes of a plan: reviewed before, built confined, installed in the order in which they need each
//! other.

use omg_core::{Build, Code, Fault, Phase, Plan, Progress, Severity, Staged};
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
/// [`Code::Partial`] if some could not be built; all that do not need them are done.
pub(super) fn carry(
    session: &mut Session,
    approved: &Approved<'_>,
    show: &mut Show,
    carried: &mut Carried,
) -> Result<(), Fault> {
    let mut failures: Vec<(String, Fault)> = Vec::new();
    for batch in batches(approved.plan) {
        show.hear(Progress::Phase {
            phase: Phase::Build,
            items: u32::try_from(batch.len()).unwrap_or(u32::MAX),
        });
        let (staged, failed) = build(session, approved, &batch, show)?;
        failures.extend(failed);
        if let Some(staged) = staged {
            carry::commit(session, &staged, approved, show, carried)?;
        }
    }
    resume::remember(approved.change, &failures)?;
    let Some((base, first)) = failures.first() else { return Ok(()) };
    show.end();
    let message = match failures.len() {
        1 => format!("{base} could not be built; everything else is done"),
        more => format!("{more} recipes could not be built, {base} among them; the rest is done"),
    };
    let mut fault = Fault::new(Code::Partial, message).hint("`omg resume` tries them again");
    fault.cause.clone_from(&first.cause);
    fault.cause.insert(0, first.message.clone());
    fault.cause.extend(failures.iter().skip(1).map(|(base, fault)| format!("{base}: {fault}")));
    Err(fault)
}

/// Recipes that are built together: what others need is installed before these are built.
fn batches(plan: &Plan) -> Vec<Vec<&str>> {
    let mut batches = vec![Vec::new()];
    for build in &plan.builds {
        if let Some(last) = batches.last_mut() {
            last.push(build.package_base.as_str());
        }
        let needed = plan
            .changes
            .iter()
            .any(|change| change.automatic && build.packages.contains(&change.name));
        if needed {
            batches.push(Vec::new());
        }
    }
    batches.retain(|batch| !batch.is_empty());
    batches
}

type Built = (Option<Box<Staged>>, Vec<(String, Fault)>);

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
