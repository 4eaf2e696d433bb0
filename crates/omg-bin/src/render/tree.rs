//! Branches in front of the rows of a tree.

/// The drawing in front of each row, from the rows' depths in the order to print. The root (depth 0)
/// has none.
pub(crate) fn branches(depths: &[usize], unicode: bool) -> Vec<String> {
    let (tee, corner, pipe, gap) = if unicode {
        ("├── ", "└── ", "│   ", "    ")
    } else {
        ("|-- ", "`-- ", "|   ", "    ")
    };
    // From the end: `open[d]` says whether another row of depth d follows below the same parent.
    let mut open: Vec<bool> = Vec::new();
    let mut drawn: Vec<String> = depths
        .iter()
        .rev()
        .map(|&depth| {
            let mut prefix = String::new();
            open.truncate(depth + 1);
            open.resize(depth + 1, false);
            if depth > 0 {
                let above = open.get(1..depth).unwrap_or(&[]);
                for &more in above {
                    prefix.push_str(if more { pipe } else { gap });
                }
                prefix.push_str(if open.last() == Some(&true) { tee } else { corner });
            }
            if let Some(last) = open.last_mut() {
                *last = true;
            }
            prefix
        })
        .collect();
    drawn.reverse();
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_child_gets_the_corner() {
        assert_eq!(
            branches(&[0, 1, 2, 2, 1, 2, 0, 1], true),
            ["", "├── ", "│   ├── ", "│   └── ", "└── ", "    └── ", "", "└── "]
        );
        assert_eq!(branches(&[0, 1, 2, 1], false), ["", "|-- ", "|   `-- ", "`-- "]);
        assert_eq!(branches(&[], true), Vec::<String>::new());
    }
}
