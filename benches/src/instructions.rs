//! Instruction counts under valgrind: the same for the same code, whatever else the machine does.
//!
//! Each gated path runs on data made here, so the counts depend on code and toolchain alone. More
//! than 1 % above the baseline fails, naming the path. `OMG_BENCH_BASELINE=write` replaces it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::OnceLock;

use omg_core::{
    Available, Offer, Priority, Relation, RelationKind, Repository, RepositoryId, Sink as _, Source,
};
use omg_index::{Builder, Index, Marks};
use omg_proto::{Query, Reply, Request};

use crate::Outcome;
use crate::report::Report;

/// What may grow before it is called worse: one per cent.
const TOLERANCE: f64 = 0.01;

type Work = fn(&Index);

/// Name and work of each path. Every work runs alone between two marks that callgrind sees.
const PATHS: &[(&str, Work)] = &[
    ("index-search-name", |index| search(index, "package-1234")),
    ("index-search-words", |index| search(index, "fast library")),
    ("index-search-typo", |index| search(index, "pakcage-77")),
    ("index-lookup", |index| {
        for at in 0..100 {
            std::hint::black_box(index.find(&format!("package-{}", at * 40)).count());
        }
    }),
    ("codec-request", |_| {
        let bytes = Request::One(Query::Search { query: "vim", limit: Some(20) }).encode();
        drop(std::hint::black_box(Request::decode(&bytes)));
    }),
    ("codec-reply-1000", |_| {
        let bytes = crate::figures::thousand().encode();
        drop(std::hint::black_box(Reply::decode(&bytes)));
    }),
    ("status-scan", |_| {
        // Made before the counting starts. Rows are left out: whether a growing vector has to move
        // depends on the state of the heap.
        static TEXT: OnceLock<String> = OnceLock::new();
        std::hint::black_box(omg_backend_dpkg::deb822::scan(TEXT.get_or_init(stanzas)).count());
    }),
    ("version-compare", |_| {
        for at in 0..1000 {
            let (a, b) = (format!("1:2.{at}~rc1-3"), format!("1:2.{}+b1-3", at % 7));
            std::hint::black_box(omg_backend_dpkg::version::compare(&a, &b));
        }
    }),
];

fn search(index: &Index, query: &str) {
    std::hint::black_box(index.search(query, Some(30), &Marks::new(index.len())));
}

fn stanzas() -> String {
    let stanzas: Vec<String> = (0..1000)
        .map(|at| format!("Package: made-{at}\nStatus: install ok installed\nPriority: optional\nSection: utils\nInstalled-Size: {at}\nMaintainer: Nobody <nobody@example.org>\nArchitecture: amd64\nVersion: 1.{at}-1\nDepends: libc6 (>= 2.36), made-{}\nDescription: made up package\n A longer text,\n in two lines.\n\n", at / 2))
        .collect();
    stanzas.concat()
}

/// 20,000 packages that depend on no machine.
fn index() -> Result<Index, Box<dyn std::error::Error>> {
    let mut builder = Builder::new();
    let repository = Repository {
        name: "made/main".to_owned(),
        source: Source::Apt,
        security: false,
        searched: true,
        uri: "http://example.org".to_owned(),
    };
    let id: RepositoryId = builder.repository(&repository)?;
    for at in 0..20_000_u32 {
        let name =
            format!("{}-{at}", ["package", "lib", "tool", "python3-module"][at as usize % 4]);
        let description = format!(
            "{} thing number {at}",
            ["fast", "small library for", "useful", "library to parse a"][at as usize % 4]
        );
        let needs = format!("lib-{}", at / 4 * 4 + 1);
        builder.package(&Available {
            name: &name,
            architecture: "amd64",
            description: &description,
            section: "utils",
            priority: Priority::Optional,
            task: false,
            essential: false,
            download_size: 1000,
            installed_size: 4000,
            provides: &[],
            relations: &[Relation { kind: RelationKind::Depends, name: &needs }],
            versions: &[Offer {
                version: "1.0-1",
                repository: id,
                priority: 500,
                record: &format!("Package: {name}\n"),
            }],
            candidate: Some(0),
            aur: None,
        })?;
    }
    Ok(Index::open(builder.finish()?.image)?)
}

/// Runs one path once; valgrind counts what happens inside [`gated`].
pub(crate) fn gate(path: &str) -> ExitCode {
    let Some((_, work)) = PATHS.iter().find(|(name, _)| *name == path) else {
        return ExitCode::from(2);
    };
    let Ok(index) = index() else { return ExitCode::FAILURE };
    work(&index);
    gated(*work, &index);
    ExitCode::SUCCESS
}

#[inline(never)]
fn gated(work: Work, index: &Index) {
    work(index);
    std::hint::black_box(index);
}

/// Counts every path and compares.
pub(crate) fn run(report: &mut Report) -> Outcome {
    let mut counts = BTreeMap::new();
    for (name, _) in PATHS {
        let own = std::env::current_exe()?;
        counts.insert(
            (*name).to_owned(),
            count(valgrind().arg("--toggle-collect=*gated*"), &own, &["gate", name])?,
        );
    }
    counts.insert("omg-fast-tc".to_owned(), fast()?);
    compare(&counts, report)
}

/// `omg-fast tc` from start to exit, with a fresh snapshot.
fn fast() -> Result<u64, Box<dyn std::error::Error>> {
    let runtime = tempfile::tempdir()?;
    write_snapshot(runtime.path())?;
    let mut valgrind = valgrind();
    valgrind.env("XDG_RUNTIME_DIR", runtime.path());
    count(&mut valgrind, &crate::host::executable("omg-fast")?, &["tc"])
}

/// Always in the same environment: its size moves the stack, and with it what vectors are aligned to.
fn valgrind() -> Command {
    let mut command = Command::new("valgrind");
    command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin");
    command
}

fn write_snapshot(folder: &Path) -> Outcome {
    use std::os::unix::fs::PermissionsExt as _;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
    let status =
        omg_proto::snapshot::FastStatus::counted([707, 120, 3, 5, 2], std::process::id(), now);
    let file = folder.join(omg_proto::snapshot::FILE_NAME);
    std::fs::write(&file, status.bytes())?;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600))?;
    Ok(())
}

/// Instructions that callgrind collects for one run.
fn count(
    valgrind: &mut Command,
    program: &Path,
    arguments: &[&str],
) -> Result<u64, Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let out: PathBuf = folder.path().join("out");
    let output = valgrind
        .arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(Path::new(".").join(program.file_name().unwrap_or_default()))
        .args(arguments)
        // So that the program's name has the same length wherever it was built.
        .current_dir(program.parent().unwrap_or(Path::new("/")))
        .output()
        .map_err(|error| format!("valgrind can't be started: {error}; apt-get install valgrind"))?;
    if !output.status.success() {
        return Err(format!(
            "{} {arguments:?} under valgrind: {}",
            program.display(),
            String::from_utf8_lossy(&output.stderr)
        )
        .into());
    }
    let text = std::fs::read_to_string(&out)?;
    let total = text
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("totals: ").or_else(|| line.strip_prefix("summary: ")));
    Ok(total.ok_or("callgrind wrote no total")?.trim().parse()?)
}

fn baseline_file() -> PathBuf {
    crate::host::workspace().join("benches/baseline/instructions.tsv")
}

fn compare(counts: &BTreeMap<String, u64>, report: &mut Report) -> Outcome {
    let toolchain = String::from_utf8(Command::new("rustc").arg("--version").output()?.stdout)?
        .trim()
        .to_owned();
    if std::env::var_os("OMG_BENCH_BASELINE").is_some_and(|mode| mode == "write") {
        let rows: Vec<String> =
            counts.iter().map(|(name, count)| format!("{name}\t{count}\n")).collect();
        let rows = rows.concat();
        std::fs::write(baseline_file(), format!("# {toolchain}\n{rows}"))?;
    }
    let text = std::fs::read_to_string(baseline_file()).map_err(|error| {
        format!("{}: {error}; OMG_BENCH_BASELINE=write makes it", baseline_file().display())
    })?;
    let same_toolchain = text.lines().next().is_some_and(|line| line == format!("# {toolchain}"));
    let baseline: BTreeMap<&str, u64> = text
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .filter_map(|(name, count)| Some((name, count.parse().ok()?)))
        .collect();
    report.table("Instructions", &["path", "instructions", "baseline", "change"]);
    for (name, &count) in counts {
        let before = baseline.get(name.as_str()).copied();
        let change = before.map(|before| count as f64 / before as f64 - 1.0);
        let shown =
            change.map_or_else(|| "new".to_owned(), |change| format!("{:+.2} %", change * 100.0));
        report.row(&[
            name,
            &count.to_string(),
            &before.map_or_else(String::new, |before| before.to_string()),
            &shown,
        ]);
        if same_toolchain && change.is_none_or(|change| change > TOLERANCE) {
            report.fail(format!("{name}: {count} instructions, baseline {before:?} ({shown})"));
        }
    }
    for name in baseline.keys().filter(|name| !counts.contains_key(**name)) {
        report.fail(format!("{name}: in the baseline, but not counted"));
    }
    if !same_toolchain {
        report.line(
            "\nThe baseline was counted with another toolchain; nothing is refused on its account.",
        );
    }
    Ok(())
}
