//! Long work while it goes on: bars on a terminal, lines off one, events for programs.
//!
//! All of it stands on standard error, but for the events of `--json`, which are standard output's.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use omg_core::{Phase, Progress};

use super::json::harmless;
use super::{Screen, Style, bytes, clean, cut, width};

/// Between two lines off a terminal.
const QUIET: Duration = Duration::from_secs(10);

/// Between two drawings on a terminal.
const FRAME: Duration = Duration::from_millis(66);

/// Files drawn at the same time; the rest is counted in the total.
const BARS: usize = 6;

/// How it is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Manner {
    /// Not at all.
    Silent,
    /// A line for each phase, and one now and then.
    Lines,
    /// Bars that are drawn again and again.
    Bars {
        /// Columns of the terminal.
        columns: usize,
    },
    /// One JSON object a line on standard output.
    Events,
}

impl Manner {
    /// What suits this run.
    pub(crate) fn of(json: bool, quiet: bool, no_progress: bool, screen: &Screen) -> Self {
        let terminal = io::stderr().is_terminal();
        match screen.columns {
            _ if json => Self::Events,
            _ if quiet => Self::Silent,
            Some(columns) if terminal && !no_progress => Self::Bars { columns },
            _ => Self::Lines,
        }
    }
}

struct File {
    item: u32,
    name: String,
    done: u64,
    total: Option<u64>,
}

/// What is known of the work so far.
pub(crate) struct Show {
    manner: Manner,
    color: bool,
    unicode: bool,
    verbose: bool,
    phase: Option<Phase>,
    files: Vec<File>,
    total: Option<(u64, u64, u64, Option<u32>)>,
    step: Option<(u8, String)>,
    /// Lines on the screen that the next drawing takes back.
    drawn: usize,
    last: Option<Instant>,
    waiting: bool,
}

impl Show {
    pub(crate) fn new(manner: Manner, screen: &Screen, verbose: bool) -> Self {
        Self {
            manner,
            color: screen.error_color,
            unicode: screen.unicode,
            verbose,
            phase: None,
            files: Vec::new(),
            total: None,
            step: None,
            drawn: 0,
            last: None,
            waiting: false,
        }
    }

    /// Takes in one thing and shows what is worth it.
    pub(crate) fn hear(&mut self, progress: Progress) {
        if self.manner == Manner::Events {
            return event(&progress);
        }
        match progress {
            Progress::Phase { phase, items } => self.begin(phase, items),
            Progress::File { item, name, done, total, finished } => {
                self.files.retain(|file| file.item != item);
                if !finished {
                    self.files.push(File { item, name, done, total });
                }
            }
            Progress::Total { done, total, rate, remaining_s } => {
                self.total = Some((done, total, rate, remaining_s));
            }
            Progress::Step { percent, what } => self.step = Some((percent.min(100), what)),
            Progress::Output { of, line } => {
                if self.verbose {
                    let of = if of.is_empty() { String::new() } else { format!("{of}: ") };
                    self.say(&format!("  {of}{line}"));
                }
            }
            Progress::Waiting { lock, pid, name, seconds } => {
                self.wait(&lock, pid, name.as_deref(), seconds);
            }
            Progress::Note { text } => self.say(&text),
        }
        self.draw(false);
    }

    /// Takes back what was drawn; the answer follows.
    pub(crate) fn end(&mut self) {
        self.wipe();
        self.files.clear();
        self.total = None;
        self.step = None;
        self.phase = None;
    }

    fn begin(&mut self, phase: Phase, items: u32) {
        // Nothing to fetch is nothing to tell.
        let idle = items == 0 && matches!(phase, Phase::Download | Phase::Verify);
        if self.manner == Manner::Lines && !idle {
            let count = if items > 0 { format!(" ({items})") } else { String::new() };
            self.say(&format!("{}{count}", title(phase)));
        }
        self.files.clear();
        self.total = None;
        self.step = None;
        self.waiting = false;
        self.phase = Some(phase);
        self.last = None;
    }

    /// Who is waited for is told at once, and again every ten seconds.
    fn wait(&mut self, lock: &str, pid: Option<u32>, name: Option<&str>, seconds: u32) {
        let holder = match (name, pid) {
            (Some(name), Some(pid)) => format!("{name} (pid {pid})"),
            (None, Some(pid)) => format!("process {pid}"),
            _ => "another process".to_owned(),
        };
        if !self.waiting || seconds.is_multiple_of(10) {
            self.say(&format!("waiting for {holder}, which holds {lock} ({seconds} s)"));
        }
        self.waiting = true;
    }

    /// A line that stays.
    fn say(&mut self, text: &str) {
        if self.manner == Manner::Silent {
            return;
        }
        self.wipe();
        let text = clean(text);
        let (start, end) =
            if self.color { (Style::Dim.start(), Style::Dim.end()) } else { ("", "") };
        write(&format!("{start}{text}{end}\n"));
    }

    fn wipe(&mut self) {
        if self.drawn > 0 {
            write(&format!("\x1b[{}F\x1b[J", self.drawn));
            self.drawn = 0;
        }
    }

    fn draw(&mut self, now: bool) {
        let pause = match self.manner {
            Manner::Bars { .. } => FRAME,
            Manner::Lines => QUIET,
            Manner::Silent | Manner::Events => return,
        };
        if !now && self.last.is_some_and(|last| last.elapsed() < pause) {
            return;
        }
        let first = self.last.replace(Instant::now()).is_none();
        match self.manner {
            Manner::Bars { columns } => {
                let lines = self.lines(columns);
                self.wipe();
                self.drawn = lines.len();
                write(&lines.iter().map(|line| format!("{line}\n")).collect::<String>());
            }
            // The phase has just been said.
            Manner::Lines if !first => {
                if let Some(text) = self.summary() {
                    self.say(&text);
                }
            }
            _ => {}
        }
    }

    fn lines(&self, columns: usize) -> Vec<String> {
        let mut lines = Vec::new();
        for file in self.files.iter().take(BARS) {
            let share = file.total.map(|total| share(file.done, total));
            let size = bytes(file.done);
            lines.push(self.row(columns, &format!("  {}", clean(&file.name)), share, &size));
        }
        let Some(phase) = self.phase else { return lines };
        match (&self.total, &self.step) {
            (Some((done, total, rate, remaining)), _) => {
                let left = remaining.map_or_else(String::new, |left| format!("  {left} s left"));
                let more =
                    format!("{} of {}  {}/s{left}", bytes(*done), bytes(*total), bytes(*rate));
                lines.push(self.row(columns, title(phase), Some(share(*done, *total)), &more));
            }
            (None, Some((percent, what))) => {
                let percent = usize::from(*percent);
                lines.push(self.row(columns, title(phase), Some(percent), &clean(what)));
            }
            (None, None) => lines.push(self.row(columns, title(phase), None, "")),
        }
        lines
    }

    /// `name  [#####-----]  42%  more`, cut to the terminal.
    fn row(&self, columns: usize, name: &str, percent: Option<usize>, more: &str) -> String {
        let label = columns / 3;
        let bar = (columns / 4).clamp(8, 30);
        let (full, empty) = if self.unicode { ('━', '─') } else { ('#', '-') };
        let drawn = percent.map_or_else(String::new, |percent| {
            let filled = bar * percent / 100;
            let ends: String = std::iter::repeat_n(full, filled)
                .chain(std::iter::repeat_n(empty, bar - filled))
                .collect();
            format!(" {ends} {percent:>3}%")
        });
        let pad = label.saturating_sub(width(name));
        let line = format!("{}{}{drawn}  {more}", cut(name, label, "~"), " ".repeat(pad));
        cut(line.trim_end(), columns.saturating_sub(1), "~").into_owned()
    }

    fn summary(&self) -> Option<String> {
        let phase = self.phase?;
        if let Some((done, total, rate, _)) = self.total {
            return Some(format!(
                "{}: {} of {}, {}/s",
                title(phase),
                bytes(done),
                bytes(total),
                bytes(rate)
            ));
        }
        let (percent, what) = self.step.as_ref()?;
        Some(format!("{}: {percent}%, {what}", title(phase)))
    }
}

impl Drop for Show {
    fn drop(&mut self) {
        self.wipe();
    }
}

fn share(done: u64, total: u64) -> usize {
    if total == 0 { 100 } else { (done.min(total) as u128 * 100 / total as u128) as usize }
}

fn title(phase: Phase) -> &'static str {
    match phase {
        Phase::Sync => "Fetching lists",
        Phase::Download => "Downloading",
        Phase::Verify => "Verifying",
        Phase::Build => "Building",
        Phase::Prepare => "Checking once more",
        Phase::Commit => "Changing the system",
        Phase::Finish => "Finishing",
    }
}

fn event(progress: &Progress) {
    if let Ok(text) = serde_json::to_string(progress) {
        // Whoever reads the events may leave; the work goes on.
        let _ = writeln!(io::stdout().lock(), "{}", harmless(text));
    }
}

fn write(text: &str) {
    let mut out = io::stderr().lock();
    // A terminal that is gone is no reason to stop half way.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(columns: usize) -> Show {
        Show::new(Manner::Bars { columns }, &Screen::terminal(columns), false)
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for columns in [20, 40, 80, 200] {
            let mut show = show(columns);
            show.phase = Some(Phase::Download);
            show.files.push(File {
                item: 0,
                name: "a-package-with-a-name-that-is-long-and-wide-世界".into(),
                done: 5_000_000,
                total: Some(10_000_000),
            });
            show.total = Some((5_000_000, 10_000_000, 1_000_000, Some(5)));
            for line in show.lines(columns) {
                assert!(width(&line) < columns, "{columns}: {line}");
            }
        }
    }

    #[test]
    fn shares_are_between_nothing_and_all() {
        assert_eq!((share(0, 10), share(5, 10), share(20, 10), share(0, 0)), (0, 50, 100, 100));
        assert_eq!(share(u64::MAX, u64::MAX), 100);
    }
}
