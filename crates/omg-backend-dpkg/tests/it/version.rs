//! The order of versions, against dpkg itself and against lines that others collected.

use std::cmp::Ordering;
use std::io::Write as _;
use std::process::{Command, Stdio};

use omg_backend_dpkg::version::compare;

use crate::oracle;

/// Asks dpkg for the order of many pairs in one shell; `None` for those it does not accept.
fn ask_dpkg(pairs: &[(String, String)]) -> Option<Vec<Option<Ordering>>> {
    let script = "while IFS='|' read -r a b; do \
        dpkg --compare-versions \"$a\" lt \"$b\"; lt=$?; \
        if [ $lt -eq 0 ]; then echo lt; elif [ $lt -eq 1 ]; then \
        if dpkg --compare-versions \"$a\" eq \"$b\"; then echo eq; else echo gt; fi; else echo bad; fi; done";
    oracle::run("dpkg", &["--version"])?;
    let mut shell = Command::new("sh")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let input: String = pairs.iter().map(|(a, b)| format!("{a}|{b}\n")).collect();
    let mut stdin = shell.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = shell.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let words = String::from_utf8(output.stdout).unwrap();
    Some(
        words
            .lines()
            .map(|word| match word {
                "lt" => Some(Ordering::Less),
                "eq" => Some(Ordering::Equal),
                "gt" => Some(Ordering::Greater),
                _ => None,
            })
            .collect(),
    )
}

/// Versions near each other, many of them against the rules, from a fixed seed.
fn versions(count: usize) -> Vec<(String, String)> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let pieces = [
        "0", "1", "9", "10", "00", "09", "~", "~~", "+", "-", ".", ":", "a", "b", "Z", "rc", "+b1",
        "~bpo", "_", "!",
    ];
    let mut one = move |changed: bool, base: &str| -> String {
        let mut version = if changed {
            base.to_owned()
        } else {
            ["1", "0:1", "1:2", "v", ""][next(5)].to_owned()
        };
        for _ in 0..next(if changed { 3 } else { 6 }) {
            version.push_str(pieces[next(pieces.len())]);
        }
        version
    };
    (0..count)
        .map(|_| {
            let left = one(false, "");
            let right = one(true, &left);
            let other = one(false, "");
            if right.len() % 2 == 0 { (left, right) } else { (right, other) }
        })
        .collect()
}

#[test]
fn it_agrees_with_dpkg() {
    // dpkg takes an empty version for none at all.
    let pairs: Vec<_> =
        versions(600).into_iter().filter(|(a, b)| !a.is_empty() && !b.is_empty()).collect();
    let Some(orders) = ask_dpkg(&pairs) else { return };
    assert_eq!(orders.len(), pairs.len());
    let mut judged = 0;
    for ((left, right), order) in pairs.iter().zip(orders) {
        let Some(order) = order else { continue };
        judged += 1;
        assert_eq!(compare(left, right), order, "{left:?} {right:?}");
    }
    assert!(judged > 200, "{judged}");
}

#[test]
fn it_agrees_with_the_collected_lines() {
    let Some(dir) = oracle::unpack("versions/ordering.tar.gz") else { return };
    let mut judged = 0;
    let mut pending = vec![dir.path().to_path_buf()];
    while let Some(path) = pending.pop() {
        if path.is_dir() {
            pending.extend(std::fs::read_dir(&path).unwrap().flatten().map(|entry| entry.path()));
        } else if path.file_name().is_some_and(|name| name.to_string_lossy().contains("debian")) {
            for line in std::fs::read_to_string(&path)
                .unwrap()
                .lines()
                .filter(|line| !line.starts_with('#'))
            {
                let [left, sign, right] = line.split_whitespace().collect::<Vec<_>>()[..] else {
                    continue;
                };
                let order = match sign {
                    "<" => Ordering::Less,
                    ">" => Ordering::Greater,
                    "=" | "==" => Ordering::Equal,
                    _ => continue,
                };
                judged += 1;
                assert_eq!(compare(left, right), order, "{line}");
            }
        }
    }
    assert!(judged > 0);
}
