//! What libalpm asks and says while it prepares, and what it is answered.

use std::cell::RefCell;
use std::rc::Rc;

use crate::native::alpm::{Alpm, AnyQuestion, LogLevel, Question};
use crate::native::{conflict, notation};

/// Lines of the log that are kept of one plan.
const MOST_LINES: usize = 1000;

/// A provider that libalpm asked for.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) wanted: String,
    pub(crate) chosen: String,
    pub(crate) options: Vec<String>,
}

/// A choice that can't be made.
#[derive(Clone, Debug)]
pub(crate) struct BadChoice {
    pub(crate) wanted: String,
    pub(crate) chosen: String,
    pub(crate) options: Vec<String>,
}

/// Everything of one plan.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// Who is to provide what: pairs of wanted and chosen.
    pub(crate) providers: Vec<(String, String)>,
    pub(crate) asked: Vec<Asked>,
    pub(crate) bad_choice: Option<BadChoice>,
    /// Installed packages and what replaces them.
    pub(crate) replaced: Vec<(String, String)>,
    /// Installed packages and what they conflict with.
    pub(crate) conflicts: Vec<(String, String)>,
    pub(crate) warnings: Vec<String>,
    pub(crate) errors: Vec<String>,
}

/// The record, shared with the callbacks of one handle.
pub(crate) type Shared = Rc<RefCell<Record>>;

/// Has everything that the handle asks and says recorded.
pub(crate) fn attach(handle: &Alpm) -> Shared {
    let record = Shared::default();
    handle.set_log_cb(Rc::clone(&record), |level, text, record| log(record, level, text));
    handle.set_question_cb(Rc::clone(&record), |question, record| answer(record, question));
    record
}

fn log(record: &Shared, level: LogLevel, text: &str) {
    if !level.intersects(LogLevel::ERROR | LogLevel::WARNING) {
        return;
    }
    let Ok(mut record) = record.try_borrow_mut() else { return };
    let lines =
        if level.intersects(LogLevel::ERROR) { &mut record.errors } else { &mut record.warnings };
    if lines.len() < MOST_LINES {
        lines.push(text.trim_end().to_owned());
    }
}

/// What pacman answers with `--noconfirm`, except that what conflicts with a target goes: a plan is to
/// be looked at before anything happens, and a refusal would not say what it would take.
fn answer(record: &Shared, mut question: AnyQuestion<'_>) {
    let Ok(mut record) = record.try_borrow_mut() else { return };
    let yes = match question.question() {
        // Asked of targets only, which the user named.
        Question::InstallIgnorepkg(_) => true,
        Question::Replace(replace) => {
            let (old, new) = (replace.oldpkg().name(), replace.newpkg().name());
            record.replaced.push((old.to_owned(), new.to_owned()));
            true
        }
        Question::Conflict(question) => {
            let (new, old) = conflict(&question);
            let warning = format!("{old} is removed: it conflicts with {new}");
            record.warnings.push(warning);
            record.conflicts.push((old, new));
            true
        }
        Question::SelectProvider(mut question) => {
            let wanted = notation(&question.depend());
            let name = question.depend().name().to_owned();
            let options: Vec<String> =
                question.providers().into_iter().map(|option| option.name().to_owned()).collect();
            question.set_index(choose(&mut record, wanted, &name, options));
            return;
        }
        // Leaving out what can't be had, deleting files and trusting keys are the user's to decide.
        Question::RemovePkgs(_) | Question::Corrupted(_) | Question::ImportKey(_) => false,
    };
    question.set_answer(yes);
}

/// Index of the provider to take: the chosen one, or the first.
fn choose(record: &mut Record, wanted: String, name: &str, options: Vec<String>) -> i32 {
    let preferred = [wanted.as_str(), name].into_iter().find_map(|wanted| {
        record.providers.iter().find(|(of, _)| of == wanted).map(|(_, chosen)| chosen.clone())
    });
    let index = match &preferred {
        None => 0,
        Some(chosen) => options.iter().position(|option| option == chosen).unwrap_or_else(|| {
            let (wanted, chosen) = (wanted.clone(), chosen.clone());
            record.bad_choice = Some(BadChoice { wanted, chosen, options: options.clone() });
            0
        }),
    };
    if let Some(chosen) = options.get(index).cloned()
        && record.asked.iter().all(|asked| asked.wanted != wanted)
    {
        record.asked.push(Asked { wanted, chosen, options });
    }
    i32::try_from(index).unwrap_or(0)
}
