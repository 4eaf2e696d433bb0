use std::cmp::Ordering;

use proptest::prelude::*;

use super::*;

#[test]
fn the_rules_of_deb_version() {
    let ascending = [
        "1.0~~", "1.0~~a", "1.0~", "1.0", "1.0-1", "1.0-1.1", "1.0a", "1.0+b1", "1.0.1", "1.10",
        "1.a", "1:0",
    ];
    for (at, low) in ascending.iter().enumerate() {
        for high in &ascending[at + 1..] {
            assert_eq!(compare(low, high), Ordering::Less, "{low} {high}");
        }
    }
    assert_eq!(compare("0:1.0", "1.0"), Ordering::Equal);
    assert_eq!(compare("1.0-", "1.0"), Ordering::Equal);
    assert_eq!(
        compare("99999999999999999999999999", "99999999999999999999999998"),
        Ordering::Greater
    );
    assert_eq!(compare("", "0"), Ordering::Equal);
}

proptest! {
    #[test]
    fn it_is_a_total_order(a in "[0-9a-c.~+:-]{0,8}", b in "[0-9a-c.~+:-]{0,8}", c in "[0-9a-c.~+:-]{0,8}") {
        prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
        if compare(&a, &b) != Ordering::Greater && compare(&b, &c) != Ordering::Greater {
            prop_assert_ne!(compare(&a, &c), Ordering::Greater);
        }
    }

    #[test]
    fn any_text_is_compared(a in any::<String>(), b in any::<String>()) {
        prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
    }
}
