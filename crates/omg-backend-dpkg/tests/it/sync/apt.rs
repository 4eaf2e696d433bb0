//! The same mirror, asked by apt-get.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use super::harness::{Form, Key, Root, Scene, packages};

/// What `apt-get update` prints for a root, and whether it is content; `None` without apt-get.
fn update(root: &Root) -> Option<(bool, String)> {
    let path = root.path().display();
    let mut command = Command::new("apt-get");
    command.arg("update").env("LC_ALL", "C").stdin(Stdio::null()).env("APT_CONFIG", conf(root));
    for option in [
        format!("Dir={path}"),
        format!("Dir::State::status={path}/var/lib/dpkg/status"),
        "APT::Sandbox::User=root".into(),
        "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false".into(),
        "Acquire::Retries=0".into(),
    ] {
        command.args(["-o", &option]);
    }
    match command.output() {
        Ok(output) => {
            let text = [output.stdout, output.stderr].concat();
            Some((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
        }
        Err(error) if std::env::var_os("CI").is_none() => {
            println!("skipped: apt-get can't be run: {error}");
            None
        }
        Err(error) => unreachable!("apt-get can't be run: {error}"),
    }
}

fn conf(root: &Root) -> std::path::PathBuf {
    let path = root.path().join("apt-config");
    std::fs::write(&path, format!("Dir \"{}\";\n", root.path().display())).unwrap();
    path
}

fn modified(root: &Root) -> BTreeMap<String, std::time::SystemTime> {
    let time = |path: &Path| std::fs::metadata(path).unwrap().modified().unwrap();
    root.tree().into_keys().map(|name| (name.clone(), time(&root.lists().join(name)))).collect()
}

fn same_as_apt(scene: &Scene, conf: &str) {
    let theirs = Root::new(&scene.mirror.base(), "", &scene.key);
    for root in [&theirs, &scene.root] {
        root.write("etc/apt/apt.conf.d/more", conf.as_bytes());
    }
    let Some((content, text)) = update(&theirs) else { return };
    assert!(content, "{text}");
    let fetched = scene.root.sync().unwrap();
    assert_eq!(fetched.changed.len(), 1, "{fetched:?}");
    let (ours, wanted) = (scene.root.tree(), theirs.tree());
    let names = |tree: &BTreeMap<String, Vec<u8>>| tree.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&ours), names(&wanted));
    for (name, bytes) in
        wanted.iter().filter(|(name, _)| name.rsplit_once('.').is_none_or(|it| it.1 != "lz4"))
    {
        assert!(ours[name] == *bytes, "{name} differs");
    }
    let times = modified(&scene.root);
    let (content, text) = update(&scene.root).unwrap();
    assert!(content && !text.contains("Get:") && text.contains("Hit:"), "{text}");
    assert_eq!(scene.root.tree(), ours);
    assert_eq!(modified(&scene.root), times);
    // And the other way round: what apt fetched is the newest to us.
    let fetched = theirs.sync().unwrap();
    assert_eq!((fetched.changed.len(), fetched.unchanged.len()), (0, 1), "{fetched:?}");
}

#[test]
fn apt_has_the_same_lists_and_finds_ours_to_be_the_newest() {
    same_as_apt(&Scene::new(""), "");
}

#[test]
fn apt_finds_compressed_lists_to_be_the_newest() {
    same_as_apt(&Scene::new(""), "Acquire::GzipIndexes \"true\";\n");
}

#[test]
fn apt_finds_a_release_with_a_signature_beside_it_to_be_the_newest() {
    let mut scene = Scene::new("");
    scene.archive.form = Form::Detached;
    scene.archive.by_hash = false;
    scene.archive.publish(&scene.key);
    same_as_apt(&scene, "");
}

/// Who accepts what, apt-get and we, on the same mirror.
#[test]
fn verdicts_are_those_of_apt() {
    type Case = (&'static str, fn(&mut Scene), bool);
    let cases: [Case; 7] = [
        ("untouched", |_| {}, true),
        (
            "another key",
            |scene| {
                scene.key = Key::new("evil");
                republish(scene, |it| it.date += 60);
            },
            false,
        ),
        (
            "expired",
            |scene| {
                republish(scene, |it| {
                    it.date += 60;
                    it.valid_until = Some(it.date + 60);
                });
            },
            false,
        ),
        ("of times to come", |scene| republish(scene, |it| it.date += 36_000), false),
        (
            "renamed",
            |scene| {
                republish(scene, |it| {
                    it.date += 60;
                    it.fields = it.fields.replace("Origin: Test", "Origin: Other");
                });
            },
            false,
        ),
        (
            "another suite's name",
            |scene| {
                republish(scene, |it| {
                    it.date += 60;
                    it.fields = it.fields.replace("Suite: sid", "Suite: unstable");
                });
            },
            true,
        ),
        (
            "unsigned",
            |scene| {
                republish(scene, |it| {
                    it.date += 60;
                    it.form = Form::Unsigned;
                });
            },
            false,
        ),
    ];
    for (what, edit, accepted) in cases {
        let mut scene = Scene::new("");
        let theirs = Root::new(&scene.mirror.base(), "", &scene.key);
        let Some((content, text)) = update(&theirs) else { return };
        assert!(content, "{text}");
        scene.root.sync().unwrap();
        edit(&mut scene);
        // apt-get update warns and goes on with the old lists where it does not fail.
        let before = theirs.tree();
        let (_, text) = update(&theirs).unwrap();
        let theirs_accepted =
            theirs.tree() != before || (what == "untouched" && !text.contains("W:"));
        let ours = scene.root.sync();
        assert_eq!(theirs_accepted, accepted, "{what}: apt says {text}");
        assert_eq!(ours.is_ok(), accepted, "{what}: {ours:?}");
    }
}

fn republish(scene: &mut Scene, edit: fn(&mut super::harness::Archive)) {
    scene.archive.lists.insert("main/binary-amd64/Packages".into(), packages("2.0"));
    edit(&mut scene.archive);
    scene.archive.publish(&scene.key);
}
