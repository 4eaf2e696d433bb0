use super::*;
use cache::{MOST_ANSWERS, MOST_BYTES};
use proptest::prelude::*;

#[test]
fn requests_keep_to_both_limits() {
    let long = |at: usize| format!("{at:04}-{}", "x+".repeat(60));
    for names in [
        (0..1000).map(|at| format!("p{at}")).collect::<Vec<_>>(),
        (0..100).map(long).collect(),
        vec!["a".into()],
        vec![],
    ] {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let base = "https://aur.archlinux.org/";
        let batches = batches(&names, base.len());
        assert_eq!(batches.concat(), names);
        for batch in &batches {
            assert!(!batch.is_empty() && batch.len() <= MOST_NAMES);
            assert!(base.len() + info_path(batch).len() <= MOST_ADDRESS_BYTES);
        }
    }
}

#[test]
fn names_and_terms_that_could_be_anything_else_are_refused() {
    for bad in ["", "a/b", "..", "-a", "a\nb", "a&arg[]=b", "a b", "a\0"] {
        assert!(check_names(&["ok", bad]).is_err(), "{bad:?}");
    }
    assert_eq!(check_names(&["b", "a", "b"]).unwrap(), ["a", "b"]);
    for bad in ["", ".", "..", "a\nb", "\x1b[2J", &"x".repeat(MOST_TERM_BYTES + 1)] {
        assert!(check_term(bad, false).is_err(), "{bad:?}");
    }
    assert!(check_term("", true).is_ok() && check_term("c++ ide/x?&", false).is_ok());
}

#[test]
fn words_of_fields_lead_back() {
    for by in By::ALL {
        assert_eq!(By::from_word(by.as_str()), Some(by));
    }
}

fn some(count: usize) -> Kept {
    Kept::Packages(vec![Package::default(); count].into())
}

#[test]
fn the_memory_is_bounded_and_forgets_the_oldest() {
    let mut cache = Cache::default();
    for at in 0..3 * MOST_ANSWERS {
        cache.put(format!("{at}"), some(0), at as u64);
    }
    assert!(cache.get("0", 0).is_none());
    assert!(cache.get(&format!("{}", 3 * MOST_ANSWERS - 1), 0).is_some());
    // One answer may be as large as its limit in bytes allows, so these are what counts.
    let large = |count: usize| {
        let text = Some("x".repeat(MOST_BYTES / 10));
        Kept::Packages(vec![Package { description: text, ..Package::default() }; count].into())
    };
    let mut cache = Cache::default();
    cache.put("old".into(), large(5), 1);
    cache.put("renewed".into(), large(1), 2);
    cache.put("renewed".into(), large(1), 3);
    cache.put("new".into(), large(5), 4);
    assert!(cache.get("old", 4).is_none());
    assert_eq!(cache.get("renewed", 10).unwrap().1, 7);
    assert!(cache.get("new", 4).is_some());
    cache.put("alone".into(), large(11), 5);
    assert!(["renewed", "new", "alone"].iter().all(|request| cache.get(request, 5).is_none()));
    for time in 0..100_000 {
        cache.put("same".into(), some(1), time);
    }
    assert!(cache.get("same", 0).is_some());
}

proptest! {
    #[test]
    fn never_panics_on_any_answer(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = answer::packages("p", &bytes, "search");
        let _ = answer::names("p", &bytes);
    }

    #[test]
    fn never_panics_on_answers_that_look_right(
        kind in "(search|multiinfo|error|x)",
        count in 0..3_u64,
        results in proptest::collection::vec(
            "(1|null|\\[\\]|\\{\\}|\\{\"Name\":\"a\",\"PackageBase\":\"a\",\"Version\":\"1\"\\})",
            0..3,
        ),
    ) {
        let text = format!(
            r#"{{"version":5,"type":"{kind}","resultcount":{count},"results":[{}]}}"#,
            results.join(","),
        );
        if let Ok(found) = answer::packages("p", text.as_bytes(), "search") {
            prop_assert_eq!(kind, "search");
            prop_assert_eq!(found.packages.len() + found.warnings.len(), results.len());
        }
    }
}
