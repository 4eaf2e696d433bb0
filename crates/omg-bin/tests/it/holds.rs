//! Holds with a reason and an end.

use crate::change::{does, shop};
use crate::shop::installed;
use crate::support::Home;

#[test]
fn a_hold_is_told_until_its_time_is_over() {
    let Some(shop) = shop() else { return };
    let root = shop.root();
    let home = Home::over(&root);
    does(&home, &["sync"]);
    does(&home, &["install", "-y", "tool=1.0"]);

    does(&home, &["hold", "tool", "--reason", "the new one is slow", "--until", "30d"]);
    for arguments in [&["update", "-n"][..], &["update", "-y"]] {
        let run = does(&home, arguments);
        assert!(run.stderr.contains("tool is held until 2"), "{run:?}");
        assert!(run.stderr.contains("Z: the new one is slow"), "{run:?}");
    }
    assert_eq!(installed(&root), ["libtool1 1.0", "tool 1.0"]);

    does(&home, &["hold", "tool", "--until", "0"]);
    let run = does(&home, &["update", "-n"]);
    assert!(run.stderr.contains("held no longer with the next update: tool"), "{run:?}");
    assert_eq!(installed(&root), ["libtool1 1.0", "tool 1.0"]);
    let run = does(&home, &["update", "-y", "--no-sync"]);
    assert!(run.stderr.contains("held no longer: tool"), "{run:?}");
    assert_eq!(installed(&root), ["libtool1 1.0", "tool 2.0"]);
    // It is not told again.
    let run = does(&home, &["update", "-y", "--no-sync"]);
    assert!(!run.stderr.contains("held"), "{run:?}");

    // What others let go is not told, either.
    does(&home, &["hold", "tool", "--reason", "for good"]);
    let status = std::fs::read_to_string(root.join("var/lib/dpkg/status")).unwrap();
    crate::plans::write(
        &root,
        "var/lib/dpkg/status",
        &status.replace("hold ok installed", "install ok installed"),
    );
    assert!(!does(&home, &["update", "-n"]).stderr.contains("held"));
}
