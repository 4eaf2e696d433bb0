//! How long plans take, beside `apt-get -s`. Printed, never asserted: `cargo test --release -p
//! omg-engine-apt --test it speed -- --ignored --nocapture`.

use std::path::Path;
use std::time::{Duration, Instant};

use omg_core::{Change, Operation, Scope};

use crate::compare::command;
use crate::root::Root;

#[test]
#[ignore = "a measurement"]
fn speed_of_plans_on_this_machine() {
    let root = Root::new(Path::new("/"), "amd64");
    let begun = Instant::now();
    let first = root.plan(&Change::new(Operation::Install, ["hello"]));
    println!(
        "first plan, with opening: {:?} {:?}",
        begun.elapsed(),
        first.map(|plan| plan.changes.len())
    );
    let mut requests: Vec<Change> = ["hello", "cowsay", "mc", "gimp", "vlc", "default-jdk"]
        .into_iter()
        .map(|name| Change::new(Operation::Install, [name]))
        .collect();
    requests.push(Change::new(Operation::Remove, ["perl-modules-5.36"]));
    requests.push(Change::new(Operation::Autoremove, [""; 0]));
    for scope in [Scope::Safe, Scope::Standard, Scope::Full] {
        let mut change = Change::new(Operation::Upgrade, [""; 0]);
        change.options.scope = scope;
        requests.push(change);
    }
    for change in &requests {
        let mut waited = Vec::new();
        let mut busy = Vec::new();
        let mut size = 0;
        for _ in 0..7 {
            // Between two requests of a user, the engine takes back the marks of the first.
            std::thread::sleep(Duration::from_millis(400));
            let begun = Instant::now();
            size = root.plan(change).map_or(0, |plan| plan.changes.len());
            waited.push(begun.elapsed());
            let begun = Instant::now();
            let again = root.plan(change);
            busy.push(begun.elapsed());
            assert_eq!(again.map_or(0, |plan| plan.changes.len()), size);
        }
        waited.sort();
        busy.sort();
        let begun = Instant::now();
        let said = root.apt_get(&command(change));
        println!(
            "{:40} {size:4} changes: median {:>8.1?} warm, {:>8.1?} back to back, apt-get -s {:>8.1?}{}",
            command(change).join(" "),
            waited[3],
            busy[3],
            begun.elapsed(),
            if said.is_some_and(|said| said.ok) { "" } else { " (refuses)" },
        );
    }
}
