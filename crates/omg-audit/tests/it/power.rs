//! The power fails: the file system loses all that was not made durable.

use omg_failpoint::disk::Disk;

use crate::child;
use crate::crash::nothing_lost;
use crate::world::{Dice, cases, place};

#[test]
fn what_was_acknowledged_outlives_the_power() {
    let (keep, _) = place();
    let disk = match Disk::within(keep.path()) {
        Ok(disk) => disk,
        Err(why) => {
            eprintln!(
                "nothing was tested of power cuts: no file system can be mounted here: {why}"
            );
            return;
        }
    };
    let dir = disk.path().join("audit");
    let mut dice = Dice(u64::from(std::process::id()));
    let mut acks = Vec::new();
    for case in 0..cases(12) {
        let mut writer = child::start("endless", &dir, &[]);
        // The power goes first, then the writer: until then it may acknowledge what is durable only.
        let said = 1 + dice.below(9) as usize;
        acks.extend(child::ended_after(&mut writer, said, || disk.cut().unwrap()));
        writer.wait().unwrap();
        disk.restore().unwrap();
        nothing_lost(&dir, &acks, &format!("case {case}"));
    }
    assert!(acks.len() >= cases(12), "the writers came to nothing: {}", acks.len());
}
