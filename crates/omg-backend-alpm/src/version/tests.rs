use std::cmp::Ordering;

use proptest::prelude::*;

use super::*;

#[test]
fn the_rules_of_vercmp() {
    // The list of vercmp(8), and epochs.
    let ascending = [
        "1.0a", "1.0b", "1.0beta", "1.0p", "1.0pre", "1.0rc", "1.0", "1.0.a", "1.0.1", "1.1",
        "1.10", "1:0",
    ];
    for (at, low) in ascending.iter().enumerate() {
        for high in &ascending[at + 1..] {
            assert_eq!(compare(low, high), Ordering::Less, "{low} {high}");
        }
    }
    assert_eq!(compare("0:1.0", "1.0"), Ordering::Equal);
    assert_eq!(compare("1.0-1", "1.0"), Ordering::Equal);
    assert_eq!(compare("1.0-2", "1.0-1"), Ordering::Greater);
    assert_eq!(compare("00001", "1"), Ordering::Equal);
}

#[test]
fn what_is_not_an_order_can_be_sorted() {
    let mut all = ["1-1", "1", "2-1", "1-2", "1:0", "2-1"].map(str::to_owned).to_vec();
    sort_newest_first(&mut all, |text| text);
    assert_eq!(all, ["1:0", "2-1", "2-1", "1-2", "1-1", "1"]);
}

proptest! {
    #[test]
    fn any_text_is_compared(a in any::<String>(), b in any::<String>(), near in "[0-9a-c.~+:_-]{0,8}") {
        prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
        prop_assert_eq!(compare(&a, &near), compare(&near, &a).reverse());
        prop_assert_eq!(compare(&a, &a), Ordering::Equal);
    }

    #[test]
    fn sorting_keeps_every_item(mut all in prop::collection::vec("[0-9a-c.:-]{0,5}", 0..12)) {
        let mut before = all.clone();
        sort_newest_first(&mut all, |text| text);
        let mut after = all;
        before.sort();
        after.sort();
        prop_assert_eq!(before, after);
    }
}
