//! Row 58: disks that are full. They are small tmpfs, in a mount namespace of their own.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use omg_core::Code;
use omg_fetch::Store;

use crate::child::{alone, is_alone};
use crate::support::{World, assert_is, names, skip};

/// How to start a process that may mount, or `None` after saying that there is no way.
fn mounting() -> Option<&'static [&'static str]> {
    let ways: [&[&str]; 2] = [&["unshare", "-m"], &["unshare", "-Urm"]];
    let try_it = "d=$(mktemp -d) && mount -t tmpfs none $d && umount $d && rmdir $d";
    let works = |way: &&&[&str]| {
        let mut command = Command::new(way[0]);
        let output = command.args(&way[1..]).args(["sh", "-c", try_it]).output();
        output.is_ok_and(|output| output.status.success())
    };
    let way = ways.iter().find(works).copied();
    if way.is_none() {
        skip("no mount namespace can be had: nothing is known of full disks");
    }
    way
}

fn mount(dir: &Path, options: &str) {
    let status =
        Command::new("mount").args(["-t", "tmpfs", "-o", options, "none"]).arg(dir).status();
    assert!(status.unwrap().success());
}

fn wrong(world: &World) -> Vec<String> {
    let dir = world.dir().join("sha256");
    let mut names = names(&dir);
    names.retain(|name| {
        let bytes = std::fs::read(dir.join(&name[..2]).join(name)).unwrap();
        omg_fetch::Sha256::of(&bytes).to_string() != *name
    });
    names
}

#[test]
fn row_58_a_full_disk_costs_what_does_not_fit_and_nothing_else() {
    if !is_alone() {
        let Some(way) = mounting() else { return };
        let name = "disk::row_58_a_full_disk_costs_what_does_not_fit_and_nothing_else";
        alone(name, way, &[]);
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for kib in [64, 300, 1024, 1500, 4096] {
        for (size, sizes_known) in [(300_000, true), (200_000, true), (200_000, false)] {
            let world = World::new();
            let dir = world.dir();
            mount(&dir, &format!("size={kib}k"));
            let world = World { store: Store::open(&dir).unwrap(), ..world };
            let mut files: Vec<_> = (0..10).map(|at| world.file(&format!("f{at}"), size)).collect();
            if !sizes_known {
                world.mirror.fault("", omg_fetch::testing::Fault::Chunked);
                for file in &mut files {
                    file.size = None;
                }
            }
            let results = runtime.block_on(world.fetch(files.clone()));
            let here = results.iter().filter(|result| result.is_ok()).count();
            assert!(here <= kib * 1024 / size, "{here} in {kib} KiB");
            assert!(here >= (kib * 1024 / size).min(10).saturating_sub(4), "{here} in {kib} KiB");
            for fault in results.into_iter().filter_map(Result::err) {
                assert_eq!(fault.code, Code::Unwritable, "{fault}");
                assert_eq!(fault.hint.as_deref(), Some("omg clean"));
            }
            assert_eq!(wrong(&world), Vec::<String>::new());
            // With room again, everything comes.
            let remount = format!("mount -o remount,size=64m {}", dir.display());
            assert!(Command::new("sh").args(["-c", &remount]).status().unwrap().success());
            for (result, file) in runtime.block_on(world.fetch(files.clone())).iter().zip(&files) {
                let file = omg_core::Wanted { size: Some(size as u64), ..file.clone() };
                assert_is(result.as_ref().unwrap(), &file);
            }
            assert_eq!(names(&dir.join("partial")), Vec::<String>::new());
            assert!(Command::new("umount").arg("-l").arg(&dir).status().unwrap().success());
        }
    }
}

#[test]
fn old_files_make_room() {
    if !is_alone() {
        let Some(way) = mounting() else { return };
        alone("disk::old_files_make_room", way, &[]);
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = World::new();
    mount(&world.dir(), "size=2m");
    let world = World { store: Store::open(&world.dir()).unwrap(), ..world };
    let old = world.file("old", 1_000_000);
    let artifact = runtime.block_on(world.one(old)).unwrap();
    let then = SystemTime::now() - Duration::from_hours(24);
    std::fs::File::open(&artifact.path).unwrap().set_modified(then).unwrap();
    let new = world.file("new", 1_500_000);
    assert_is(&runtime.block_on(world.one(new.clone())).unwrap(), &new);
    assert!(!Path::new(&artifact.path).exists());
    assert!(Command::new("umount").arg("-l").arg(world.dir()).status().unwrap().success());
}
