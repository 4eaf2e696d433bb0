//! `cargo xtask pactest`: pacman's own test cases, with pacman and with omg.
//!
//! The cases come with Debian's source package of pacman and are kept below cargo's target directory.
//! `pactest/suite.py` runs them, `pactest/pacman.py` stands where they expect pacman, and
//! `pactest/expected.txt` says what is to come of each with omg where that is not simply success.

use crate::native;
use crate::packages;
use crate::shell::{self, Outcome};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const SOURCE: &str = "pacman-package-manager";

/// What came of a case: `passes`, `fails`, `not-applicable`, `skipped` or `broken`, and the number of the
/// error that omg refused with, or `-`.
type Verdict = (String, String);

/// A line of the suite.
struct Run {
    case: String,
    with_omg: bool,
    verdict: Verdict,
    detail: String,
}

/// Runs the cases named, or all.
pub(crate) fn run(cases: &[String]) -> Outcome {
    if !packages::for_everybody() {
        return Err("cases change roots; type: sudo -E cargo xtask pactest".to_owned());
    }
    let binaries = binaries()?;
    let suite = suite()?;
    let own = shell::root().join("xtask/pactest");
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let mut command = Command::new("python3");
    command.arg(own.join("suite.py")).arg(suite).arg(&binaries).arg(jobs.to_string()).args(cases);
    let printed = shell::output(&mut command)?;
    let runs =
        String::from_utf8_lossy(&printed).lines().map(read).collect::<Outcome<Vec<Run>>>()?;
    let listed = own.join("expected.txt");
    let listed = fs::read_to_string(&listed).map_err(shell::at(&listed, "reading"))?;
    let page = shell::root().join("docs/pacman-tests.md");
    let page = fs::read_to_string(&page).map_err(shell::at(&page, "reading"))?;
    println!("{}", table(&runs));
    let wrong = compare(&runs, &expected(&listed)?, cases.is_empty(), &page);
    if wrong.is_empty() {
        return Ok(());
    }
    Err(format!("not as xtask/pactest/expected.txt has it:\n  {}", wrong.join("\n  ")))
}

/// Builds what the cases are run with; it lies in one directory.
fn binaries() -> Outcome<PathBuf> {
    if let Some(given) = std::env::var_os("OMG_PACTEST_BINARIES") {
        return Ok(given.into());
    }
    shell::run(&mut shell::cargo(&["build", "--package", "omg-bin"]))?;
    let engine = ["build", "--package", native::ALPM];
    shell::run(&mut shell::cargo(&[&engine, native::alpm_features()?.as_slice()].concat()))?;
    Ok(shell::target()?.join("debug"))
}

/// The directory of the suite, unpacked from the source package.
fn suite() -> Outcome<PathBuf> {
    let folder = shell::target()?.join("pacman-source");
    fs::create_dir_all(&folder).map_err(shell::at(&folder, "creating"))?;
    let archive = if let Some(archive) = orig(&folder)? {
        archive
    } else {
        fetch(&folder)?;
        orig(&folder)?.ok_or("the source package of pacman has no archive")?
    };
    let unpacked = folder.join("suite");
    if !unpacked.join("tests").is_dir() {
        let new = folder.join("suite.new");
        if new.exists() {
            fs::remove_dir_all(&new).map_err(shell::at(&new, "removing"))?;
        }
        fs::create_dir_all(&new).map_err(shell::at(&new, "creating"))?;
        let mut tar = Command::new("tar");
        tar.arg("-xf").arg(archive).arg("-C").arg(&new);
        tar.args(["--strip-components=3", "--wildcards", "*/test/pacman/*"]);
        shell::run(&mut tar)?;
        fs::rename(&new, &unpacked).map_err(shell::at(&unpacked, "renaming"))?;
    }
    Ok(unpacked)
}

fn orig(folder: &Path) -> Outcome<Option<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(shell::at(folder, "listing"))?;
    let mut paths = entries.flatten().map(|entry| entry.path());
    Ok(paths.find(|path| path.to_string_lossy().ends_with(".orig.tar.xz")))
}

/// Has apt fetch and verify the source package from where this system's packages come, with lists of
/// its own: those of the system are left alone.
fn fetch(folder: &Path) -> Outcome {
    let apt = folder.join("apt");
    let parts = apt.join("sources.list.d");
    for folder in [parts.as_path(), &apt.join("lists/partial"), &apt.join("cache/archives/partial")]
    {
        fs::create_dir_all(folder).map_err(shell::at(folder, "creating"))?;
    }
    let mut sources = vec![PathBuf::from("/etc/apt/sources.list")];
    let system = Path::new("/etc/apt/sources.list.d");
    sources.extend(fs::read_dir(system).into_iter().flatten().flatten().map(|entry| entry.path()));
    for source in sources {
        let (Ok(text), Some(name)) = (fs::read_to_string(&source), source.file_name()) else {
            continue;
        };
        let text = text.replace("Types: deb\n", "Types: deb-src\n");
        let lines = text.lines().map(|line| match line.strip_prefix("deb ") {
            Some(rest) => format!("deb-src {rest}\n"),
            None => format!("{line}\n"),
        });
        let to = parts.join(name);
        fs::write(&to, lines.collect::<String>()).map_err(shell::at(&to, "writing"))?;
    }
    for words in [&["update"][..], &["source", "--download-only", SOURCE]] {
        let mut command = Command::new("apt-get");
        command.arg("-o").arg(format!("Dir::Etc::sourceparts={}", parts.display()));
        command.arg("-o").arg(format!("Dir::Etc::sourcelist={}", apt.join("none").display()));
        command.arg("-o").arg(format!("Dir::State::Lists={}", apt.join("lists").display()));
        command.arg("-o").arg(format!("Dir::Cache={}", apt.join("cache").display()));
        shell::run(command.args(words).current_dir(folder))?;
    }
    Ok(())
}

fn read(line: &str) -> Outcome<Run> {
    let words: Vec<&str> = line.split('\t').collect();
    let [case, who, outcome, code, detail] = words.as_slice() else {
        return Err(format!("the suite printed what is no line of it: {line}"));
    };
    Ok(Run {
        case: (*case).to_owned(),
        with_omg: *who == "omg",
        verdict: ((*outcome).to_owned(), (*code).to_owned()),
        detail: (*detail).to_owned(),
    })
}

/// Lines of outcome, code and case; `#` begins a comment.
fn expected(text: &str) -> Outcome<BTreeMap<String, Verdict>> {
    let mut all = BTreeMap::new();
    for line in text.lines().map(|line| line.split('#').next().unwrap_or_default()) {
        match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            [] => {}
            [outcome @ ("passes" | "fails" | "not-applicable"), code, case] => {
                let verdict = ((*outcome).to_owned(), (*code).to_owned());
                if all.insert((*case).to_owned(), verdict).is_some() {
                    return Err(format!("expected.txt has {case} twice"));
                }
            }
            _ => return Err(format!("expected.txt has a line that is none: {line}")),
        }
    }
    Ok(all)
}

/// What is otherwise than expected, one line for each.
fn compare(
    runs: &[Run],
    expected: &BTreeMap<String, Verdict>,
    all: bool,
    page: &str,
) -> Vec<String> {
    let success = ("passes".to_owned(), "-".to_owned());
    let unrun = runs.iter().filter(|run| !run.with_omg && run.verdict.0 == "broken");
    let mut wrong: Vec<String> =
        unrun.map(|run| format!("{}, with pacman: {}", run.case, run.detail)).collect();
    for run in runs.iter().filter(|run| run.with_omg) {
        let wanted = expected.get(&run.case).unwrap_or(&success);
        if *wanted != run.verdict {
            let ((is, code), (was, old)) = (&run.verdict, wanted);
            let detail = &run.detail;
            wrong.push(format!("{}: {is} {code}, expected {was} {old} ({detail})", run.case));
        }
        if run.verdict.0 == "fails" && !page.contains(&format!("`{}`", run.case)) {
            wrong.push(format!("{} is not in docs/pacman-tests.md", run.case));
        }
    }
    if all {
        let ran: BTreeSet<&str> = runs.iter().map(|run| run.case.as_str()).collect();
        let gone = expected.keys().filter(|case| !ran.contains(case.as_str()));
        wrong.extend(gone.map(|case| format!("{case}: there is no such case")));
    }
    wrong
}

/// A line for each class of cases.
fn table(runs: &[Run]) -> String {
    // Cases, passes with pacman, with omg, not applicable, passes with pacman and fails with omg.
    let mut classes: BTreeMap<&str, [usize; 5]> = BTreeMap::new();
    let good: BTreeSet<&str> = runs
        .iter()
        .filter(|run| !run.with_omg && run.verdict.0 == "passes")
        .map(|run| run.case.as_str())
        .collect();
    for run in runs {
        for class in [class(&run.case), "all"] {
            let [cases, pacman, omg, not, differs] = classes.entry(class).or_default();
            match (run.with_omg, run.verdict.0.as_str()) {
                (false, "passes") => *pacman += 1,
                (true, "passes") => *omg += 1,
                (true, "not-applicable") => *not += 1,
                (true, _) if good.contains(run.case.as_str()) => *differs += 1,
                _ => {}
            }
            *cases += usize::from(run.with_omg);
        }
    }
    let all = classes.remove("all");
    let line = |(class, [cases, pacman, omg, not, differs]): (&str, [usize; 5])| {
        format!("| {class:13} | {cases:5} | {pacman:6} | {omg:4} | {not:14} | {differs:7} |\n")
    };
    let head = "| class         | cases | pacman |  omg | not applicable | differs |\n\
                |---------------|-------|--------|------|----------------|---------|\n";
    let last = all.map(|all| line(("all", all))).unwrap_or_default();
    head.to_owned() + &classes.into_iter().map(line).collect::<String>() + &last
}

/// The class of a case: the first word of its name.
fn class(case: &str) -> &str {
    let end = case.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(case.len());
    case.get(..end).unwrap_or(case)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(text: &str) -> Vec<Run> {
        text.lines().map(|line| read(&line.replace(' ', "\t")).unwrap()).collect()
    }

    #[test]
    fn what_is_not_as_expected_is_told() {
        let expected =
            expected("passes OMG-E0004 sync002 # no\nfails - sync003\nfails - gone1\n").unwrap();
        let as_it_should = runs(
            "sync001 omg passes - -\nsync002 omg passes OMG-E0004 -\n\
                                 sync003 omg fails - x\nsync001 pacman fails - -",
        );
        assert!(compare(&as_it_should, &expected, false, "`sync003`").is_empty());
        assert_eq!(compare(&as_it_should, &expected, true, "").len(), 2);
        let not = runs(
            "sync001 omg not-applicable - -\nsync002 omg passes OMG-E0026 -\n\
                        sync003 omg passes - -\nsync003 pacman broken - x",
        );
        assert_eq!(compare(&not, &expected, false, "`sync003`").len(), 4);
    }

    #[test]
    fn expectations_are_read_strictly() {
        for wrong in ["maybe - sync001", "fails sync001", "fails - a\nfails - a"] {
            assert!(expected(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn classes_are_counted() {
        assert_eq!(class("sync-nodepversion01"), "sync");
        let table = table(&runs(
            "sync001 pacman passes - -\nsync001 omg fails - -\n\
                                 hook-a pacman passes - -\nhook-a omg passes - -",
        ));
        let last = table.lines().last().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(last, "| all | 2 | 2 | 1 | 0 | 1 |");
    }
}
