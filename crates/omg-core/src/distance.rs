//! How far apart two words are.

/// Edits between two words, in characters: each added, dropped or changed counts one, and so do two
/// neighbours swapped.
///
/// This is the optimal string alignment: no part of a word is edited twice, so it is no metric
/// (`ca` → `abc` takes 3, though `ca` → `ac` → `abc` would be 2). Time is the product of the lengths,
/// so the lengths are the caller's to limit.
///
/// ```
/// assert_eq!(omg_core::distance("serach", "search"), 1);
/// ```
pub fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    // Row `i` of the table says how far the first `i` characters of `a` are from each beginning of `b`.
    let mut above: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    let mut before = None;
    for (i, x) in a.chars().enumerate() {
        let mut below = Vec::with_capacity(row.len());
        below.push(i + 1);
        let mut left = i + 1;
        let mut previous = None;
        for (j, (&y, pair)) in b.iter().zip(row.windows(2)).enumerate() {
            let &[diagonal, up] = pair else { continue };
            let mut best = (diagonal + usize::from(x != y)).min(up + 1).min(left + 1);
            if before == Some(y) && previous == Some(x) {
                let swapped = j.checked_sub(1).and_then(|j| above.get(j));
                best = swapped.map_or(best, |swapped| best.min(swapped + 1));
            }
            below.push(best);
            left = best;
            previous = Some(y);
        }
        above = std::mem::replace(&mut row, below);
        before = Some(x);
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, with nothing remembered.
    fn defined(a: &[char], b: &[char]) -> usize {
        let ([a_head @ .., x], [b_head @ .., y]) = (a, b) else { return a.len() + b.len() };
        let changed = defined(a_head, b_head) + usize::from(x != y);
        let best = changed.min(defined(a_head, b) + 1).min(defined(a, b_head) + 1);
        match (a_head, b_head) {
            ([a_rest @ .., before_x], [b_rest @ .., before_y])
                if before_x == y && before_y == x =>
            {
                best.min(defined(a_rest, b_rest) + 1)
            }
            _ => best,
        }
    }

    #[test]
    fn slips_are_counted_as_people_make_them() {
        assert_eq!(distance("serach", "search"), 1);
        assert_eq!(distance("", "why"), 3);
        assert_eq!(distance("why", ""), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("ca", "abc"), 3);
        assert_eq!(distance("naïve", "naive"), 1);
    }

    proptest! {
        #[test]
        fn it_is_what_the_definition_says(a in "[abé]{0,5}", b in "[abé]{0,5}") {
            let (x, y): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
            prop_assert_eq!(distance(&a, &b), defined(&x, &y));
            prop_assert_eq!(distance(&a, &b), distance(&b, &a));
        }
    }
}
