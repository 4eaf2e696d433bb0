//! The order of versions, against vercmp and the lines that others collected.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use omg_backend_alpm::conf::Conf;
use omg_backend_alpm::sync;
use omg_backend_alpm::version::compare;

use crate::oracle::{self, Root};
use crate::sync::Everything;

/// Asks vercmp for the order of many pairs in one shell.
fn ask_vercmp(pairs: &[(String, String)]) -> Option<Vec<Ordering>> {
    oracle::run("vercmp", &["1", "1"], "")?;
    let input = pairs.iter().flat_map(|(a, b)| [a.as_str(), "\n", b, "\n"]).collect::<String>();
    let script = "while IFS= read -r a && IFS= read -r b; do vercmp \"$a\" \"$b\"; done";
    let output = oracle::run("sh", &["-c", script], &input)?;
    let number = |line: &str| line.trim().parse::<i32>().unwrap().cmp(&0);
    Some(output.lines().map(number).collect())
}

/// Versions near each other, many of them against the rules, from a fixed seed.
fn nasty(count: usize) -> Vec<(String, String)> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let pieces = [
        "0", "1", "9", "10", "00", "09", "~", "..", "+", "-", ".", ":", "a", "b", "Z", "rc", "+b1",
        "_", "-1", "-2", "é", "alpha", "!",
    ];
    let mut one = move |base: &str| -> String {
        let mut version = match base {
            "" => ["1", "0:1", "1:2", "v", "."][next(5)].to_owned(),
            base => base.to_owned(),
        };
        for _ in 0..next(if base.is_empty() { 6 } else { 3 }) {
            version.push_str(pieces[next(pieces.len())]);
        }
        version
    };
    (0..count)
        .map(|number| {
            let left = one("");
            let right = if number % 3 == 0 { one("") } else { one(&left) };
            (left, right)
        })
        .collect()
}

#[test]
fn it_agrees_with_vercmp() {
    let mut pairs = nasty(1500);
    if let Some(root) = Root::with_databases("arch/merged") {
        let mut all = Everything::default();
        sync::read(&Conf::read(root.dir.path()), &mut all).unwrap();
        let versions: BTreeSet<String> =
            all.offers.into_iter().map(|(_, _, version)| version).collect();
        // Neighbours in the order of bytes are the hard cases.
        let versions: Vec<String> = versions.into_iter().collect();
        pairs.extend(versions.windows(2).step_by(20).map(|two| (two[0].clone(), two[1].clone())));
    }
    let Some(orders) = ask_vercmp(&pairs) else { return };
    assert_eq!(orders.len(), pairs.len());
    for ((left, right), order) in pairs.iter().zip(orders) {
        assert_eq!(compare(left, right), order, "{left:?} {right:?}");
    }
}
