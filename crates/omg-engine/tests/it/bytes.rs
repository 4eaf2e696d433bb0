//! Messages as bytes: what is written comes back, and no bytes do harm.

use omg_core::{
    Action, Build, Change, Code, Fault, Generation, HeldBack, Operation, OptionalDependency, Plan,
    PlanOptions, Planned, ProviderChoice, Reason, Scope, Source,
};
use omg_engine::Error;
use omg_engine::wire::{ASK_LIMIT, Ask, Hello, PREFIX, answer_frame, decode_answer, length, read};
use proptest::prelude::*;

use crate::heap::peak;

/// What the documentation of `decode_answer` promises.
const MEMORY: usize = 400 << 20;

fn planned(name: &str) -> Planned {
    Planned {
        action: Action::Upgrade,
        name: name.to_owned(),
        architecture: "x86_64".to_owned(),
        old_version: Some("1:2-3".to_owned()),
        new_version: Some("1:2-4".to_owned()),
        source: Source::Alpm,
        repository: "extra".to_owned(),
        reason: Reason::Dependency("vim".to_owned()),
        automatic: true,
        download_size: 1 << 40,
        installed_size_delta: -5,
        sha256: Some("0f".repeat(32)),
        grade: None,
    }
}

fn build(packages: Vec<String>) -> Build {
    Build {
        package_base: "yay".to_owned(),
        version: "12".to_owned(),
        packages,
        maintainer: Some("somebody".to_owned()),
        votes: 3,
        last_modified: 4,
        out_of_date: None,
        make_depends: vec!["go".to_owned()],
        check_depends: vec![],
    }
}

/// A plan with something in each of its lists.
fn plan(changes: usize) -> Plan {
    let mut plan = Plan {
        changes: (0..changes).map(|number| planned(&format!("package-{number}"))).collect(),
        builds: vec![build(vec!["yay".to_owned()])],
        held_back: vec![HeldBack {
            name: "linux".to_owned(),
            architecture: "x86_64".to_owned(),
            installed_version: "6".to_owned(),
            candidate_version: "7".to_owned(),
            why: "ignored in pacman.conf".to_owned(),
        }],
        providers: vec![ProviderChoice {
            wanted: "java-runtime>=17".to_owned(),
            wanted_by: String::new(),
            chosen: "jre-openjdk".to_owned(),
            options: vec!["jre-openjdk".to_owned(), "jre17-openjdk".to_owned()],
        }],
        optional: vec![OptionalDependency {
            package: "vim".to_owned(),
            wanted: "python".to_owned(),
            description: "plugins in Python".to_owned(),
            satisfied: false,
        }],
        unneeded: vec!["libfoo".to_owned()],
        warnings: vec!["mind the gap".to_owned()],
    };
    plan.sort();
    plan
}

fn payload(frame: &[u8]) -> &[u8] {
    &frame[PREFIX..]
}

/// The payload of an answer with these seven lists, whatever their bytes are.
fn answer(lists: [&[u8]; 7]) -> Vec<u8> {
    let mut out = vec![0, 0, 0, 0, 0, 0, 0, 1, 0];
    for list in lists {
        out.extend_from_slice(&u32::try_from(list.len()).expect("a short list").to_be_bytes());
        out.extend_from_slice(list);
    }
    out
}

#[test]
fn a_plan_comes_back_whole() {
    for changes in [0, 1, 300, 20_000] {
        let plan = plan(changes);
        let frame = answer_frame(7, Ok(plan.clone()));
        assert_eq!(decode_answer(payload(&frame)).unwrap(), (7, Ok(plan)));
    }
}

#[test]
fn a_fault_comes_back_whole() {
    let fault = Fault::new(Code::Unsolvable, "no").hint("yes").suggest(["maybe"]);
    let frame = answer_frame(8, Err(fault.clone()));
    assert_eq!(decode_answer(payload(&frame)).unwrap(), (8, Err(fault)));
}

#[test]
fn the_bytes_are_those_of_the_documentation() {
    let greeting = b"\0\0\0\x0d\0EGMO\x02\0\x050.1.0";
    assert_eq!(Hello::frame(), greeting, "raise the version here and in docs/protocol.md");
    let ask = Ask::frame(1, Generation(0x0123), &Change::new(Operation::Install, ["vim"])).unwrap();
    let id = [0, 0, 0, 0, 0, 0, 0, 1];
    let state = [0, 0, 0, 0, 0, 0, 1, 0x23];
    let change = b"\0\x01\x03vim\0\x01\0\0\0\0\0\0\0";
    assert_eq!(ask, [&[0, 0, 0, 31][..], &id, &state, change].concat());
    let fault = answer_frame(1, Err(Fault::new(Code::Unsolvable, "no")));
    let body = b"\x03\x02no\0\0\0";
    assert_eq!(fault, [&[0, 0, 0, 16][..], &id, &[1], &body[..]].concat());
    let empty = answer_frame(1, Ok(Plan::default()));
    let lists = [0, 0, 0, 1, 0].repeat(7);
    assert_eq!(empty, [&[0, 0, 0, 44][..], &id, &[0], &lists].concat());
    let change = Planned {
        action: Action::Install,
        old_version: None,
        new_version: Some("9.1-1".to_owned()),
        reason: Reason::Requested,
        automatic: false,
        download_size: 4321,
        installed_size_delta: 8192,
        sha256: None,
        ..planned("vim")
    };
    let one = answer_frame(1, Ok(Plan { changes: vec![change], ..Plan::default() }));
    let body =
        b"\x01\x02\x03vim\x06x86_64\0\x01\x059.1-1\x01\x05extra\0\0\x04\xe1\x10\x04\0\x20\0\0";
    let rest = [0, 0, 0, 1, 0].repeat(6);
    assert_eq!(one, [&[0, 0, 0, 81][..], &id, &[0], &[0, 0, 0, 38], body, &rest].concat());
}

#[test]
fn a_length_over_the_limit_takes_no_memory() {
    for claimed in [ASK_LIMIT + 1, u32::MAX] {
        let (result, bytes) = peak(|| length(claimed.to_be_bytes(), ASK_LIMIT));
        assert!(matches!(result, Err(Error::Limit { .. })));
        assert_eq!(bytes, 0);
    }
    let (result, bytes) = peak(|| read(&mut &[0, 1, 0, 0][..], ASK_LIMIT));
    assert!(matches!(result, Err(Error::Pipe { .. })));
    assert!(bytes < 1000, "room is made as bytes come: {bytes}");
}

#[test]
fn a_list_of_too_many_takes_no_memory() {
    let empty = bitcode::encode(&Vec::<String>::new());
    let many = bitcode::encode(&vec![String::new(); 10_000_000]);
    assert!(many.len() < 2 << 20);
    for place in [0, 2, 4, 5, 6] {
        let mut lists = [&empty[..]; 7];
        lists[place] = &many;
        let payload = answer(lists);
        let (result, bytes) = peak(|| decode_answer(&payload));
        assert!(matches!(result, Err(Error::Limit { length: 10_000_000, .. })), "{place}");
        assert!(bytes < 1000, "{place}: {bytes}");
    }
}

#[test]
fn the_worst_plan_takes_no_more_than_is_stated() {
    let short = |count: usize| vec![String::new(); count];
    let change = Planned {
        new_version: None,
        old_version: None,
        repository: String::new(),
        architecture: String::new(),
        reason: Reason::Unknown,
        sha256: None,
        ..planned("")
    };
    let held = HeldBack {
        name: String::new(),
        architecture: String::new(),
        installed_version: String::new(),
        candidate_version: String::new(),
        why: String::new(),
    };
    let optional = OptionalDependency {
        package: String::new(),
        wanted: String::new(),
        description: String::new(),
        satisfied: false,
    };
    let choice = ProviderChoice {
        wanted: String::new(),
        wanted_by: String::new(),
        chosen: String::new(),
        options: short(2_000_000),
    };
    let lists = [
        bitcode::encode(&vec![change; 200_000]),
        bitcode::encode(&vec![build(short(2_000_000))]),
        bitcode::encode(&vec![held; 200_000]),
        bitcode::encode(&vec![choice]),
        bitcode::encode(&vec![optional; 200_000]),
        bitcode::encode(&short(200_000)),
        bitcode::encode(&short(200_000)),
    ];
    let payload = answer(std::array::from_fn(|at| &lists[at][..]));
    let (result, bytes) = peak(|| decode_answer(&payload));
    // All of it is made, and then refused for what it says.
    let (_, answer) = result.unwrap();
    assert!(answer.unwrap_err().message.contains("has no name"));
    assert!((MEMORY / 4..MEMORY).contains(&bytes), "{bytes}");
}

#[test]
fn plans_that_can_not_be_are_refused() {
    let refused = |change: fn(&mut Plan), word: &str| {
        let mut plan = plan(2);
        change(&mut plan);
        let frame = answer_frame(1, Ok(plan));
        let fault = decode_answer(payload(&frame)).unwrap().1.unwrap_err();
        assert_eq!(fault.code, Code::Malformed);
        assert!(fault.message.contains(word), "{fault}");
    };
    refused(|plan| plan.changes[0].name.clear(), "no name");
    refused(|plan| plan.changes[0].name = "package-1".to_owned(), "twice");
    refused(|plan| plan.changes[0].name.push('\u{1b}'), "control character");
    refused(|plan| plan.changes[0].name = "x".repeat(4097), "4097");
    refused(|plan| plan.changes[0].new_version = None, "versions");
    refused(|plan| plan.changes[0].old_version = None, "versions");
    refused(|plan| plan.changes[0].action = Action::Remove, "versions");
    refused(|plan| plan.changes[0].sha256 = Some("0f".to_owned()), "SHA-256");
    refused(|plan| plan.changes[0].repository.push('\t'), "repository");
    refused(|plan| plan.changes[0].reason = Reason::Loses("\n".to_owned()), "package name");
    refused(|plan| plan.builds[0].packages.push("\n".to_owned()), "package name");
    refused(|plan| plan.held_back[0].candidate_version.push('\n'), "version");
    refused(|plan| plan.providers[0].options.push(String::new()), "no name");
    refused(|plan| plan.optional[0].wanted.push('\r'), "dependency");
    refused(|plan| plan.unneeded.push("\u{85}".to_owned()), "package name");
}

fn change() -> impl Strategy<Value = Change> {
    let texts = || prop::collection::vec("\\PC{0,20}", 0..20);
    let pairs = prop::collection::vec(("\\PC{0,9}", "\\PC{0,9}"), 0..5);
    (texts(), pairs, any::<[bool; 6]>(), any::<Option<u64>>()).prop_map(
        |(targets, providers, on, age)| {
            let [recursive, purge, follow, reinstall, without_recommends, as_dependencies] = on;
            let options = PlanOptions {
                scope: Scope::Full,
                recursive,
                purge,
                follow,
                reinstall,
                without_recommends,
                as_dependencies,
                min_age_s: age,
            };
            Change { operation: Operation::Upgrade, targets, providers, options }
        },
    )
}

proptest! {
    #[test]
    fn asks_come_back(id: u64, state: u64, change in change()) {
        let frame = Ask::frame(id, Generation(state), &change).unwrap();
        let payload = read(&mut &frame[..], ASK_LIMIT).unwrap().unwrap();
        let ask = Ask { id, state: Generation(state), change };
        prop_assert_eq!(Ask::decode(&payload).unwrap(), ask);
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Hello::decode(&bytes);
        let (_, memory) = peak(|| Ask::decode(&bytes).is_ok());
        prop_assert!(memory < 200_000, "{memory}");
        let (_, memory) = peak(|| decode_answer(&bytes).is_ok());
        prop_assert!(memory < 200_000, "{memory}");
        let _ = read(&mut &bytes[..], ASK_LIMIT);
    }

    #[test]
    fn no_change_of_an_answer_panics(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
        whole: bool,
    ) {
        let frame = answer_frame(7, Ok(plan(3)));
        let mut bytes = payload(&frame).to_vec();
        for (at, value) in edits {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if !whole {
            bytes.truncate(cut.index(bytes.len()));
        }
        let (_, memory) = peak(|| decode_answer(&bytes).is_ok());
        prop_assert!(memory < MEMORY, "{memory}");
    }

    #[test]
    fn no_bytes_in_a_list_panic(
        place in 0_usize..7,
        start in prop::collection::vec(prop_oneof![0_u8..4, Just(255), any::<u8>()], 0..24),
        zeros in 0_usize..2000,
    ) {
        let empty = [0];
        let list = [start, vec![0; zeros]].concat();
        let mut lists = [&empty[..]; 7];
        lists[place] = &list;
        let payload = answer(lists);
        let (_, memory) = peak(|| decode_answer(&payload).is_ok());
        prop_assert!(memory < 200_000_000, "{memory}");
    }
}
