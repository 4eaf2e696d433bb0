//! What libalpm says while it commits, as progress and as what is left for the user.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::mpsc::Sender;

use omg_core::{Notice, NoticeKind, Phase, Progress};
use omg_failpoint::reach;

use crate::native::alpm::{Alpm, AnyEvent, Event, EventType, Progress as Step};
use crate::{native, record};

/// Lines of output that are kept for a failure.
const LINES: usize = 200;

/// What was heard of one transaction.
#[derive(Debug)]
pub(crate) struct Heard {
    tell: Sender<Progress>,
    record: record::Shared,
    /// The root, with a slash at its end: files are named with it.
    root: String,
    /// Packages in the order in which libalpm takes them: first what goes, then what comes.
    order: Vec<String>,
    /// Operations that began.
    begun: usize,
    /// The hook that runs.
    hook: Option<String>,
    /// The transaction is done, but for the hooks that follow it.
    over: bool,
    told: Option<(u8, String)>,
    /// Errors of the log that a package or hook has been blamed for.
    blamed: usize,
    pub(crate) notices: Vec<Notice>,
    /// The end of what scripts printed.
    pub(crate) output: VecDeque<String>,
}

/// Has everything that is said from here on heard.
pub(crate) fn attach(
    alpm: &Alpm,
    record: &record::Shared,
    order: Vec<String>,
    tell: Sender<Progress>,
) -> Rc<RefCell<Heard>> {
    let heard = Rc::new(RefCell::new(Heard {
        tell,
        record: Rc::clone(record),
        root: alpm.root().to_owned(),
        order,
        begun: 0,
        hook: None,
        over: false,
        told: None,
        blamed: 0,
        notices: Vec::new(),
        output: VecDeque::new(),
    }));
    alpm.set_event_cb(Rc::clone(&heard), |event, heard| {
        if let Ok(mut heard) = heard.try_borrow_mut() {
            heard.event(&event);
        }
    });
    alpm.set_progress_cb(Rc::clone(&heard), |step, name, percent, _, _, heard| {
        if let Ok(mut heard) = heard.try_borrow_mut() {
            heard.progress(step, name, percent);
        }
    });
    heard
}

/// Listens no more.
pub(crate) fn detach(alpm: &Alpm) {
    alpm.set_event_cb((), |_, ()| {});
    alpm.set_progress_cb((), |_, _, _, _, _, ()| {});
}

impl Heard {
    fn event(&mut self, event: &AnyEvent<'_>) {
        match event.event_type() {
            // Which package it is of the event does not say safely: of what comes there is no old one,
            // of what goes no new one, and the crates make references of both.
            EventType::PackageOperationStart => {
                self.begun += 1;
                reach!("alpm.package.begin");
            }
            EventType::PackageOperationDone => {
                reach!("alpm.package.done");
                self.blame();
            }
            EventType::HookRunDone => {
                self.blame();
                self.hook = None;
            }
            EventType::TransactionStart => {
                reach!("alpm.transaction.begin");
            }
            EventType::TransactionDone => {
                reach!("alpm.transaction.done");
                self.over = true;
            }
            EventType::HookStart if self.over => {
                self.tell(Progress::Phase { phase: Phase::Finish, items: 0 });
            }
            EventType::HookRunStart => self.hook(native::hook(event)),
            EventType::ScriptletInfo | EventType::PacnewCreated | EventType::PacsaveCreated => {
                self.detail(&event.event());
            }
            _ => {}
        }
    }

    fn detail(&mut self, event: &Event<'_>) {
        match event {
            Event::ScriptletInfo(info) => self.output(info.line()),
            Event::PacnewCreated(new) => self.conffile(new.file(), "pacnew"),
            Event::PacsaveCreated(save) => self.conffile(save.file(), "pacsave"),
            _ => {}
        }
    }

    fn hook(&mut self, hook: Option<(String, usize, usize)>) {
        let Some((name, position, total)) = hook else {
            self.step(if self.over { 100 } else { 0 }, "running hooks".into());
            self.hook = Some("hook".into());
            return;
        };
        let percent = (position.saturating_sub(1) * 100).checked_div(total).unwrap_or(0);
        self.step(percent, format!("running hook {name} ({position}/{total})"));
        self.hook = Some(name);
    }

    fn progress(&mut self, step: Step, name: &str, percent: i32) {
        let doing = match step {
            Step::AddStart => "installing",
            Step::UpgradeStart => "upgrading",
            Step::DowngradeStart => "downgrading",
            Step::ReinstallStart => "installing again",
            Step::RemoveStart => "removing",
            Step::ConflictsStart => return self.step(0, "looking for files in the way".into()),
            Step::DiskspaceStart => return self.step(0, "looking for space".into()),
            Step::IntegrityStart => return self.step(0, "checking packages".into()),
            Step::KeyringStart => return self.step(0, "looking for keys".into()),
            Step::LoadStart => return self.step(0, "reading packages".into()),
        };
        let total = self.order.len();
        let done = self.begun.saturating_sub(1) * 100 + usize::try_from(percent).unwrap_or(0);
        let what = format!("{doing} {name} ({}/{total})", self.begun);
        self.step(done.checked_div(total).unwrap_or(0), what);
    }

    fn step(&mut self, percent: usize, what: String) {
        let percent = u8::try_from(percent.min(100)).unwrap_or(100);
        let told = Some((percent, what.clone()));
        if self.told != told {
            self.told = told;
            self.tell(Progress::Step { percent, what });
        }
    }

    fn output(&mut self, line: &str) {
        for line in line.trim_end().lines() {
            if self.output.len() == LINES {
                self.output.pop_front();
            }
            self.output.push_back(line.to_owned());
            self.tell(Progress::Output { of: self.current(), line: line.to_owned() });
        }
    }

    /// Packages from the one on that was begun last; none if none was.
    pub(crate) fn left(&self) -> Vec<String> {
        let begun = self.begun.checked_sub(1).and_then(|at| self.order.get(at..));
        begun.map(<[String]>::to_vec).unwrap_or_default()
    }

    /// The hook or package at which libalpm is.
    fn current(&self) -> String {
        let package = self.begun.checked_sub(1).and_then(|at| self.order.get(at));
        self.hook.as_ref().or(package).cloned().unwrap_or_default()
    }

    fn conffile(&mut self, file: &str, suffix: &str) {
        let file = file.strip_prefix(&self.root).map_or_else(|| file.into(), |it| format!("/{it}"));
        let package = self.current();
        let text = format!("{file}.{suffix}");
        self.notices.push(Notice { kind: NoticeKind::Conffile, package, text });
    }

    /// Errors that were logged meanwhile are of the package or hook that is done now. libalpm goes on
    /// after a script that fails.
    pub(crate) fn blame(&mut self) {
        let errors: Vec<String> = match self.record.try_borrow() {
            Ok(record) => record.errors.iter().skip(self.blamed).cloned().collect(),
            Err(_) => return,
        };
        self.blamed += errors.len();
        let package = self.current();
        self.notices.extend(errors.into_iter().map(|text| Notice {
            kind: NoticeKind::Output,
            package: package.clone(),
            text,
        }));
    }

    fn tell(&self, progress: Progress) {
        // Whoever listened is gone; the transaction goes on.
        let _ = self.tell.send(progress);
    }
}
