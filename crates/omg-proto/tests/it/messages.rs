//! Requests and replies.

use omg_core::{
    Artifact, CacheCounts, Change, Code, Counts, Fault, Generation, Grade, GroupRow, Operation,
    Phase, Plan, PlanOptions, Progress, Scope, Staged, Stats, Status, WhyNot,
};
use omg_proto::frame::{ID, REQUEST_LIMIT};
use omg_proto::{
    Error, Found, ListFilter, Query, Reply, Request, StoreTask, providers_text, targets_text,
};
use proptest::prelude::*;

use crate::heap::peak;

/// Largest body of a request.
const BODY: usize = REQUEST_LIMIT as usize - ID;

/// What a body, whatever it is, may cost in memory while it is read.
const MEMORY: usize = 32 * 1024;

/// A query of the kind that a number stands for.
fn query(kind: u8, text: &str, number: u32, flag: bool) -> Query<'_> {
    match kind % 27 {
        0 => Query::Ping,
        1 => Query::Search { query: text, limit: flag.then_some(number) },
        2 => Query::Info { package: text },
        3 => Query::Status,
        4 => Query::Explicit,
        5 => Query::Suggest { query: text, limit: number },
        6 => Query::List { filter: if flag { ListFilter::Orphans } else { ListFilter::Available } },
        7 => Query::Updates { security: flag },
        8 => Query::Rdeps { package: text, installed: flag },
        9 => Query::Why { package: text },
        10 => Query::Owns { path: text },
        11 => Query::Provides { what: text },
        12 => Query::Files { package: text },
        13 => Query::Tree { package: text, depth: number as u16 },
        14 => Query::Size { package: text },
        15 => Query::Stats,
        16 => Query::Plan {
            operation: if flag { Operation::Install } else { Operation::Upgrade },
            targets: text,
            providers: text,
            options: PlanOptions {
                min_age_s: flag.then_some(number.into()),
                scope: if flag { Scope::Full } else { Scope::Safe },
                purge: flag,
                ..PlanOptions::default()
            },
        },
        17 => Query::WhyNot { package: text },
        18 => Query::Groups { group: text },
        19 => Query::Refresh,
        20 => Query::Review { package: text },
        21 => Query::Accept { package: text, commit: text },
        22 | 23 => {
            let change = Change::new(Operation::Remove, [""; 0]);
            if kind % 27 == 22 {
                Query::stage(&change, text, text, text)
            } else {
                Query::build(&change, text, text, text)
            }
        }
        24 => Query::Sync,
        25 => Query::Store { task: if flag { StoreTask::Clear } else { StoreTask::Trim } },
        _ => Query::Archive { name: text, version: text, architecture: text, sha256: text },
    }
}

/// What staging answers, with this text wherever one can be.
fn staged(text: &str, number: u64) -> Staged {
    let mut change = Change::new(Operation::Install, [text]);
    change.providers.push((text.into(), text.into()));
    let artifact = Artifact {
        name: text.into(),
        architecture: text.into(),
        version: text.into(),
        repository: text.into(),
        file_name: text.into(),
        path: text.into(),
        size: number,
        sha256: text.into(),
        signature: number.is_multiple_of(2).then(|| text.as_bytes().to_vec()),
        grade: Grade::ALL[(number % 4) as usize],
    };
    let plan = Plan { warnings: vec![text.into()], ..Plan::default() };
    Staged { change, plan, artifacts: vec![artifact] }
}

/// One event of each kind.
fn events(text: &str, number: u64, flag: bool) -> Vec<Progress> {
    vec![
        Progress::Phase { phase: Phase::Download, items: number as u32 },
        Progress::File {
            item: number as u32,
            name: text.into(),
            done: number,
            total: flag.then_some(number),
            finished: flag,
        },
        Progress::Total {
            done: number,
            total: number,
            rate: number,
            remaining_s: flag.then_some(number as u32),
        },
        Progress::Step { percent: number as u8, what: text.into() },
        Progress::Output { of: text.into(), line: text.into() },
        Progress::Waiting {
            lock: text.into(),
            pid: flag.then_some(number as u32),
            name: flag.then(|| text.into()),
            seconds: number as u32,
        },
        Progress::Note { text: text.into() },
    ]
}

fn parts() -> impl Strategy<Value = (u8, String, u32, bool)> {
    (any::<u8>(), "\\PC{0,20}", any::<u32>(), any::<bool>())
}

proptest! {
    #[test]
    fn requests_come_back(items in prop::collection::vec(parts(), 0..=Request::BATCH_LIMIT)) {
        let queries: Vec<_> = items.iter().map(|(kind, text, number, flag)| query(*kind, text, *number, *flag)).collect();
        for &query in &queries {
            let request = Request::One(query);
            let body = request.encode();
            prop_assert_eq!(Request::decode(&body).unwrap(), request);
        }
        let batch = Request::Batch(queries);
        let body = batch.encode();
        prop_assert_eq!(Request::decode(&body).unwrap(), batch);
    }

    #[test]
    fn replies_come_back(text in "\\PC{0,30}", number: u64, bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..5)) {
        let fault = Fault::new(Code::NotFound, &*text).hint(&*text).suggest([&*text, "b"]);
        let memory = CacheCounts { hits: number, ..CacheCounts::default() };
        let stats = Stats { memory, warnings: vec![text.clone()], ..Stats::default() };
        let packages = Counts { total: number as u32, ..Counts::default() };
        for reply in [
            Reply::Pong { generation: Generation(number) },
            Reply::Search(Found::new(number as u32, [])),
            Reply::Suggest(vec![&text, "x"]),
            Reply::Paths(vec![&text]),
            Reply::Status(Status { packages, data_age_s: Some(number), ..Status::default() }),
            Reply::Stats(stats),
            Reply::Fault(fault),
            Reply::Plan(Plan { warnings: vec![text.clone()], ..Plan::default() }),
            Reply::WhyNot(WhyNot {
                name: text.clone(),
                version: None,
                installed_version: Some(text.clone()),
                candidate_version: None,
                possible: false,
                reasons: vec![text.clone()],
                changes: Vec::new(),
            }),
            Reply::Groups(vec![GroupRow { name: text.clone(), packages: 3, installed: 1 }]),
            Reply::Accepted,
            Reply::Batch(bodies.clone()),
            Reply::Staged(Box::new(staged(&text, number))),
            Reply::Built {
                staged: number.is_multiple_of(2).then(|| Box::new(staged(&text, number))),
                failed: vec![(text.clone(), Fault::new(Code::Build, &*text))],
            },
            Reply::Lists { directory: text.clone(), changed: vec![text.clone()], unchanged: number as u32 },
            Reply::Store { files: number, bytes: number, freed: number },
            Reply::Archived { path: text.clone(), from: text.clone() },
            Reply::Progress(Vec::new()),
            Reply::Progress(events(&text, number, number.is_multiple_of(2))),
        ] {
            let body = reply.encode();
            prop_assert_eq!(Reply::is_progress(&body), matches!(reply, Reply::Progress(_)));
            prop_assert_eq!(Reply::decode(&body).unwrap(), reply);
        }
    }

    #[test]
    fn no_bytes_panic_or_cost_much(bytes in prop::collection::vec(any::<u8>(), 0..4096)) {
        let (_, memory) = peak(|| Request::decode(&bytes).is_ok());
        prop_assert!(memory <= MEMORY, "{memory}");
        let _ = Reply::decode(&bytes);
    }

    /// Random bytes seldom get past the first one; a damaged request does.
    #[test]
    fn no_damaged_request_panics_or_costs_much(
        items in prop::collection::vec(parts(), 0..=Request::BATCH_LIMIT),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut: prop::sample::Index,
    ) {
        let queries = items.iter().map(|(kind, text, number, flag)| query(*kind, text, *number, *flag)).collect();
        let mut bytes = Request::Batch(queries).encode();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let (_, memory) = peak(|| Request::decode(&bytes).is_ok());
        prop_assert!(memory <= MEMORY, "{memory}");
        bytes.truncate(cut.index(bytes.len() + 1));
        let (_, memory) = peak(|| Request::decode(&bytes).is_ok());
        prop_assert!(memory <= MEMORY, "{memory}");
    }

    #[test]
    fn no_damaged_reply_panics(text in "\\PC{0,30}", at: prop::sample::Index, byte: u8) {
        for reply in [
            Reply::Fault(Fault::new(Code::Usage, &*text).suggest([&*text])),
            Reply::Progress(events(&text, 1, true)),
            Reply::Staged(Box::new(staged(&text, 2))),
        ] {
            let mut bytes = reply.encode();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _ = Reply::decode(&bytes);
        }
    }
}

#[test]
fn the_largest_batches_that_fit_a_frame_cost_almost_nothing() {
    for one in [
        Query::Ping,
        Query::Search { query: "", limit: None },
        Query::Search { query: "", limit: Some(0) },
        Query::List { filter: ListFilter::Installed },
        Query::Tree { package: "", depth: 0 },
        query(16, "", 0, false),
        query(16, "", 0, true),
        Query::Refresh,
        Query::Accept { package: "", commit: "" },
        query(22, "", 0, false),
        query(23, "", 0, false),
    ] {
        let mut items = 200;
        loop {
            let body = Request::Batch(vec![one; items]).encode();
            if body.len() > BODY {
                break;
            }
            let (result, memory) = peak(|| Request::decode(&body).map(|_| ()));
            assert!(matches!(result, Err(Error::BatchTooLong { .. })), "{items} × {one:?}");
            assert!(memory <= MEMORY, "{items} × {one:?} cost {memory} bytes");
            items = items * 5 / 4;
        }
    }
}

/// The check for large batches reads two bytes before the codec does; no other spelling of them may
/// get past it.
#[test]
fn no_other_spelling_of_a_large_batch_gets_through() {
    let body = Request::Batch(vec![Query::Ping; 100_000]).encode();
    for at in [0, 1, 2] {
        for byte in 0..=u8::MAX {
            let mut body = body.clone();
            body[at] = byte;
            let (result, memory) = peak(|| Request::decode(&body).is_err());
            assert!(result && memory <= MEMORY, "byte {at} as {byte} cost {memory} bytes");
        }
    }
}

#[test]
fn limits_hold_to_the_last_item_and_byte() {
    let batch = |items| Request::decode(&Request::Batch(vec![Query::Ping; items]).encode()).is_ok();
    assert!(
        batch(Request::BATCH_LIMIT)
            && !batch(Request::BATCH_LIMIT + 1)
            && !batch(254)
            && !batch(255)
    );
    let text = "x".repeat(Query::TEXT_LIMIT + 1);
    let one = |length: usize| {
        Request::decode(&Request::One(Query::Info { package: &text[..length] }).encode())
            .map(|_| ())
    };
    assert!(one(Query::TEXT_LIMIT).is_ok());
    assert!(matches!(one(Query::TEXT_LIMIT + 1), Err(Error::TextTooLong { .. })));
}

/// Each text has its own limit, and so has the second one of a query that has two.
#[test]
fn limits_hold_for_each_text_of_a_plan() {
    let text = "x".repeat(Query::TARGETS_LIMIT + 1);
    let options = PlanOptions::default();
    let plan = |targets: usize, providers: usize| {
        let (targets, providers) = (&text[..targets], &text[..providers]);
        let query = Query::Plan { operation: Operation::Install, targets, providers, options };
        Request::decode(&Request::One(query).encode()).map(|_| ())
    };
    assert!(plan(Query::TARGETS_LIMIT, Query::TEXT_LIMIT).is_ok());
    for over in [plan(Query::TARGETS_LIMIT + 1, 0), plan(0, Query::TEXT_LIMIT + 1)] {
        assert!(matches!(over, Err(Error::TextTooLong { .. })), "{over:?}");
    }
    let change = Change::new(Operation::Upgrade, [""; 0]);
    let long = &text[..=Query::TEXT_LIMIT];
    for over in [
        Query::stage(&change, &text, "", ""),
        Query::stage(&change, "", long, ""),
        Query::stage(&change, "", "", long),
        Query::build(&change, "", "", long),
    ] {
        let body = Request::One(over).encode();
        assert!(matches!(Request::decode(&body), Err(Error::TextTooLong { .. })), "{over:?}");
    }
    let commit = &text[..=Query::TEXT_LIMIT];
    let accept = Request::One(Query::Accept { package: "x", commit }).encode();
    assert!(matches!(Request::decode(&accept), Err(Error::TextTooLong { .. })));
    // The largest of them is well within a frame.
    let body = Request::One(Query::Plan {
        operation: Operation::Install,
        targets: &text[..Query::TARGETS_LIMIT],
        providers: &text[..Query::TEXT_LIMIT],
        options,
    });
    assert!(body.encode().len() < BODY);
}

#[test]
fn a_change_comes_back_from_its_query() {
    let mut change = Change::new(Operation::Install, ["vim", "vim-runtime=2:9.0-1"]);
    change.providers = vec![
        ("sh".into(), "dash".into()),
        ("libfoo.so=1-64".into(), "foo".into()),
        ("java>=8".into(), "jdk".into()),
    ];
    let (targets, providers) = (targets_text(&change), providers_text(&change));
    assert_eq!(Query::plan(&change, &targets, &providers).change(), Some(change.clone()));
    assert_eq!(Query::stage(&change, &targets, &providers, "").change(), Some(change.clone()));
    assert_eq!(Query::build(&change, &targets, &providers, "").change(), Some(change.clone()));
    let nothing = Change::new(Operation::Upgrade, [""; 0]);
    assert_eq!(Query::plan(&nothing, "", "").change(), Some(nothing));
    assert_eq!(Query::Ping.change(), None);
    for wrong in ["sh", "=dash", "sh=", "sh=dash\n\nsh"] {
        assert_eq!(Query::plan(&change, "vim", wrong).change(), None, "{wrong:?}");
    }
}

/// There is no type that could nest, so a nest is only bytes.
#[test]
fn a_million_levels_of_batch_are_an_error() {
    let nested: Vec<u8> = std::iter::repeat_n([1, 1], 1_000_000).flatten().collect();
    assert!(Request::decode(&nested).is_err());
    assert!(Reply::decode(&nested).is_err());
}

#[test]
fn strings_are_borrowed_from_the_body() {
    let body = Request::One(Query::Info { package: "ripgrep" }).encode();
    let Request::One(query) = Request::decode(&body).unwrap() else { panic!() };
    assert!(body.as_ptr_range().contains(&query.text().as_ptr()));
}
