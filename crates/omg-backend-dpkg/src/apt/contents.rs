//! Which package has a file, installed or not: the archive's Contents lists, as apt-file has apt
//! fetch them.
//!
//! A line is a path without its leading slash, white space, and a comma-separated list of
//! `section/package`. The lists of Debian have 670 MB; they are searched while they are unpacked,
//! several at a time, and never kept.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use memchr::memmem::Finder;
use omg_core::{FileMatch, FileOrigin};

use super::compression::{self, Border, Piece};
use super::lists;
use super::settings::Contents;

/// Most matches of one question; a question that has more is not a question for a file.
const MOST_MATCHES: usize = 10_000;
/// Most paths of one package. Debian's largest has 125,000.
const MOST_PATHS: usize = 1_000_000;

/// Directories that commands are in, as the lists write them.
const COMMAND_DIRS: [&str; 7] =
    ["bin", "sbin", "usr/bin", "usr/games", "usr/local/bin", "usr/local/sbin", "usr/sbin"];
/// Directories of `/` that may be links to those of `/usr`, where packages may still name either.
const MERGED_DIRS: [&str; 5] = ["bin/", "sbin/", "lib", "libx32/", "lib64/"];

/// What was found, and what could not be read.
#[derive(Debug, Default)]
pub(crate) struct Found<T> {
    pub(crate) items: Vec<T>,
    pub(crate) warnings: Vec<String>,
}

/// Asked before each piece of a list is looked at; `false` ends a search with what it has so far.
pub(crate) type GoOn<'a> = &'a (dyn Fn() -> bool + Sync);

/// Packages that have an absolute path, or a command of a bare name.
pub(crate) fn owners(files: &[Contents], what: &str, go_on: GoOn<'_>) -> Found<FileMatch> {
    let question = Question::new(what);
    let limits = Limits { last: question.last.as_bytes(), most: MOST_MATCHES, go_on };
    let mut found =
        search(files, &question.needle, limits, |line, file| question.answer(line, file));
    found.items.sort_by(|one, two| (&one.package, &one.path).cmp(&(&two.package, &two.path)));
    found.items.dedup_by(|one, two| one.package == two.package && one.path == two.path);
    found
}

/// Absolute paths of a package, sorted.
pub(crate) fn paths(files: &[Contents], package: &str, go_on: GoOn<'_>) -> Found<String> {
    let needle = format!("/{package}");
    let limits = Limits { last: &[0xff], most: MOST_PATHS, go_on };
    let mut found = search(files, &needle, limits, |line, _| {
        let (path, packages) = split(line)?;
        packages.split(',').any(|entry| name_of(entry) == package).then(|| vec![format!("/{path}")])
    });
    found.items.sort();
    found.items.dedup();
    found
}

struct Question {
    /// What a line that answers it has somewhere.
    needle: String,
    /// Paths without leading slash, any of which may be meant.
    paths: Vec<String>,
    /// The last of them.
    last: String,
}

impl Question {
    fn new(what: &str) -> Self {
        let mut paths: Vec<String> = if what.contains('/') {
            variants(what.trim_start_matches('/'))
        } else {
            COMMAND_DIRS.iter().map(|dir| format!("{dir}/{what}")).collect()
        };
        paths.sort();
        let needle = match paths.as_slice() {
            [only] => only.clone(),
            // The part that all of them have.
            _ => format!("/{}", what.trim_start_matches('/').rsplit('/').next().unwrap_or(what)),
        };
        Self { needle, last: paths.last().cloned().unwrap_or_default(), paths }
    }

    fn answer(&self, line: &str, file: &Contents) -> Option<Vec<FileMatch>> {
        let (path, packages) = split(line)?;
        if !self.paths.iter().any(|wanted| wanted == path) {
            return None;
        }
        let matches = packages.split(',').map(|entry| FileMatch {
            package: name_of(entry).to_owned(),
            architecture: Some(file.architecture.clone()).filter(|name| !name.is_empty()),
            path: format!("/{path}"),
            installed: false,
            origin: FileOrigin::Contents,
        });
        Some(matches.collect())
    }
}

/// A path and the other one it may be written as where `/bin` is a link to `/usr/bin`.
fn variants(path: &str) -> Vec<String> {
    let is_merged = |path: &str| MERGED_DIRS.iter().any(|dir| path.starts_with(dir));
    let mut all = vec![path.to_owned()];
    match path.strip_prefix("usr/") {
        Some(rest) if is_merged(rest) => all.push(rest.to_owned()),
        None if is_merged(path) => all.push(format!("usr/{path}")),
        _ => {}
    }
    all
}

/// Path and packages of a line. Paths may have spaces in them, lists of packages have none.
fn split(line: &str) -> Option<(&str, &str)> {
    let (path, packages) = line.trim_end().rsplit_once([' ', '\t'])?;
    let path = path.trim_end();
    (!path.is_empty()).then_some((path.trim_start_matches("./").trim_start_matches('/'), packages))
}

/// `web/firefox-esr`, `universe/web/epiphany`.
fn name_of(entry: &str) -> &str {
    entry.rsplit('/').next().unwrap_or(entry)
}

/// Where a search ends early.
#[derive(Clone, Copy)]
struct Limits<'a> {
    /// Lists are sorted by path; once one is past this it is left, provided that it was in order
    /// so far.
    last: &'a [u8],
    /// Most items.
    most: usize,
    go_on: GoOn<'a>,
}

/// Runs `answer` over the lines that have `needle`, in all lists.
fn search<T: Send>(
    files: &[Contents],
    needle: &str,
    limits: Limits<'_>,
    answer: impl Fn(&str, &Contents) -> Option<Vec<T>> + Sync,
) -> Found<T> {
    let finder = Finder::new(needle);
    let next = AtomicUsize::new(0);
    let all = Mutex::new(Found { items: Vec::new(), warnings: Vec::new() });
    thread::scope(|scope| {
        for _ in 0..lists::cores().min(files.len()) {
            scope.spawn(|| {
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (items, warning) = search_file(file, &finder, limits, &answer);
                    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                    all.items.extend(items);
                    all.warnings.extend(warning);
                }
            });
        }
    });
    let mut all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    all.items.truncate(limits.most);
    all
}

fn search_file<T>(
    file: &Contents,
    finder: &Finder<'_>,
    limits: Limits<'_>,
    answer: &impl Fn(&str, &Contents) -> Option<Vec<T>>,
) -> (Vec<T>, Option<String>) {
    let mut items = Vec::new();
    let mut order = Order::default();
    let result = compression::read(&file.path, Border::Line, |piece| match piece {
        Piece::Again => {
            items.clear();
            order = Order::default();
            true
        }
        Piece::Text(text) => {
            if !(limits.go_on)() || order.is_past(&text, limits.last) {
                return false;
            }
            for line in lines_with(&text, finder) {
                items.extend(answer(&String::from_utf8_lossy(line), file).into_iter().flatten());
            }
            items.len() < limits.most
        }
    });
    (items, result.err().map(|error| error.with_cause()))
}

/// Lines that have the needle, each once.
fn lines_with<'t>(text: &'t [u8], finder: &'t Finder<'_>) -> impl Iterator<Item = &'t [u8]> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let at = from + finder.find(text.get(from..)?)?;
        let start = memchr::memrchr(b'\n', text.get(..at)?).map_or(0, |at| at + 1);
        let end = memchr::memchr(b'\n', text.get(at..)?).map_or(text.len(), |len| at + len);
        from = end;
        text.get(start..end)
    })
}

/// Pieces that must have come in order before a list is trusted to be sorted. Archives sort their
/// lists; this is for those that don't.
const PIECES_OF_TRUST: u32 = 4;

/// Whether the pieces of a list come in order of path, as far as their first lines tell.
#[derive(Default)]
struct Order {
    pieces: u32,
    before: Vec<u8>,
    broken: bool,
}

impl Order {
    fn is_past(&mut self, piece: &[u8], last: &[u8]) -> bool {
        let end = piece.iter().position(u8::is_ascii_whitespace).unwrap_or(piece.len());
        let first = piece.get(..end).unwrap_or(&[]);
        self.broken |= first < self.before.as_slice();
        self.before.clear();
        self.before.extend_from_slice(first);
        // Names that go on where `last` ends sort after it, but not by much.
        self.pieces += 1;
        !self.broken && self.pieces > PIECES_OF_TRUST && first > last && !first.starts_with(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use omg_backend::work::Searches;
    use std::fmt::Write as _;
    use std::pin::pin;
    use std::sync::{Arc, mpsc};
    use std::task::{Context, Waker};

    fn list(dir: &tempfile::TempDir, text: &str) -> Vec<Contents> {
        let path = dir.path().join("x_Contents-amd64");
        std::fs::write(&path, text).unwrap();
        vec![Contents { path, architecture: "amd64".into() }]
    }

    #[test]
    fn paths_commands_and_packages_are_found() {
        let dir = tempfile::tempdir().unwrap();
        let files = list(
            &dir,
            "bin/bash                shells/bash\n\
             usr/bin/rg\tutils/ripgrep\n\
             usr/games/rg  universe/games/rogue,utils/ripgrep-all\n\
             usr/share/My File.txt   web/two,doc/three\n\
             usr/share/rg utils/other\n",
        );
        let names = |what: &str| {
            owners(&files, what, &|| true)
                .items
                .into_iter()
                .map(|found| found.package)
                .collect::<Vec<_>>()
        };
        assert_eq!(names("rg"), ["ripgrep", "ripgrep-all", "rogue"]);
        assert_eq!(names("/usr/bin/bash"), ["bash"]);
        assert_eq!(names("/bin/bash"), ["bash"]);
        assert_eq!(names("/usr/share/My File.txt"), ["three", "two"]);
        assert!(names("/usr/bin/r").is_empty());
        assert_eq!(paths(&files, "two", &|| true).items, ["/usr/share/My File.txt"]);
        assert_eq!(paths(&files, "ripgrep", &|| true).items, ["/usr/bin/rg"]);
    }

    #[test]
    fn a_list_out_of_order_is_searched_to_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let mut text = String::new();
        for start in ["usr/z", "usr/a"] {
            for i in 0..40_000 {
                let _ = writeln!(text, "{start}{i:06}/file x/pad");
            }
        }
        text.push_str("bin/here x/found\n");
        assert_eq!(owners(&list(&dir, &text), "/bin/here", &|| true).items.len(), 1);
    }

    #[test]
    fn a_missing_list_is_a_warning() {
        let files =
            [Contents { path: "/nonexistent/Contents-amd64".into(), architecture: "amd64".into() }];
        let found = owners(&files, "/bin/x", &|| true);
        assert!(found.items.is_empty());
        assert_eq!(found.warnings.len(), 1);
    }

    /// A list of many pieces that no question ends early: it is not sorted.
    fn long_list(dir: &tempfile::TempDir) -> Vec<Contents> {
        let path = dir.path().join("x_Contents-amd64");
        let line = |i: usize| format!("usr/share/{:06}/file doc/pad\n", (i * 7919) % 400_000);
        std::fs::write(&path, (0..400_000).map(line).collect::<String>()).unwrap();
        vec![Contents { path, architecture: "amd64".into() }]
    }

    fn pieces(files: &[Contents]) -> usize {
        let pieces = AtomicUsize::new(0);
        owners(files, "/usr/share/000001/file", &|| {
            pieces.fetch_add(1, Ordering::SeqCst);
            true
        });
        pieces.into_inner()
    }

    #[tokio::test]
    async fn a_dropped_search_stops_at_the_next_piece_and_keeps_its_place_until_then() {
        let dir = tempfile::tempdir().unwrap();
        let files = long_list(&dir);
        assert!(pieces(&files) >= 20);
        let searches = Searches::new(1);
        let looked = Arc::new(AtomicUsize::new(0));
        let (started, has_started) = mpsc::channel();
        let (open, gate) = mpsc::channel::<()>();
        let gate = std::sync::Mutex::new(gate);
        let count = looked.clone();
        let mut search = Box::pin(searches.run("searching", move |caller| {
            let found = owners(&files, "/usr/share/000001/file", &|| {
                if count.fetch_add(1, Ordering::SeqCst) == 0 {
                    started.send(()).unwrap();
                    gate.lock().unwrap().recv().unwrap();
                }
                !caller.is_gone()
            });
            Ok(found.items)
        }));
        let mut context = Context::from_waker(Waker::noop());
        assert!(search.as_mut().poll(&mut context).is_pending());
        has_started.recv().unwrap();
        drop(search);
        let mut next = pin!(searches.run("searching", |caller| Ok(caller.is_gone())));
        assert!(next.as_mut().poll(&mut context).is_pending());
        open.send(()).unwrap();
        assert!(!next.await.unwrap());
        assert_eq!(looked.load(Ordering::SeqCst), 1);
    }
}
