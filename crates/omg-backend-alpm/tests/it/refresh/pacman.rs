//! The same mirror, asked by pacman.

use std::process::{Command, Stdio};

use super::harness::{Key, Root, Scene, database, now, put};

/// What `pacman -Sy` prints for a root, and whether it is content; `None` where it can't be run.
fn pacman(root: &Root) -> Option<(bool, String)> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: pacman -Sy is for root only");
        return None;
    }
    let path = root.path().display();
    let output = Command::new("pacman")
        .args(["-Sy", "--noconfirm", "--root", &format!("{path}")])
        .args(["--dbpath", &format!("{path}/var/lib/pacman")])
        .args(["--config", &format!("{path}/etc/pacman.conf")])
        .args(["--cachedir", &format!("{path}/var/cache/pacman/pkg")])
        .args(["--gpgdir", &format!("{path}/etc/pacman.d/gnupg")])
        .args(["--logfile", &format!("{path}/pacman.log")])
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output();
    match output {
        Ok(output) => {
            let text = [output.stdout, output.stderr].concat();
            Some((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
        }
        Err(error) if std::env::var_os("CI").is_none() => {
            eprintln!("skipped: pacman can't be run: {error}");
            None
        }
        Err(error) => unreachable!("pacman can't be run: {error}"),
    }
}

#[test]
fn pacman_has_the_same_databases_and_finds_ours_to_be_the_newest() {
    for level in ["Required", "Optional", "Never"] {
        let scene = Scene::new(level);
        let theirs = Root::new(&[scene.mirror.base()], level, &scene.key);
        for root in [&theirs, &scene.root] {
            if root.gnupg(&scene.key).is_none() {
                eprintln!("skipped: gpg can't be run");
                return;
            }
        }
        let Some((content, text)) = pacman(&theirs) else { return };
        assert!(content, "{level}: {text}");
        assert_eq!(scene.root.sync().unwrap().changed, ["core.db"]);
        let (ours, wanted) = (scene.root.tree(), theirs.tree());
        assert_eq!(ours.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>(), "{level}");
        for (name, (bytes, _)) in &wanted {
            assert!(ours[name].0 == *bytes, "{level}: {name} differs");
        }
        assert_eq!(ours["core.db"].1, wanted["core.db"].1, "{level}: the time of the database");
        // Whatever it prints: it is content, and no database went over the wire.
        let sent = scene.mirror.sent();
        let (content, text) = pacman(&scene.root).unwrap();
        assert!(content, "{level}: {text}");
        let more = scene.mirror.sent() - sent;
        assert!(more < ours["core.db"].0.len() as u64, "{level}: {more} bytes: {text}");
        assert_eq!(scene.root.tree()["core.db"], ours["core.db"], "{level}");
        let again = theirs.sync().unwrap();
        assert_eq!(again.unchanged, ["core.db"], "{level}");
    }
}

#[test]
fn verdicts_are_those_of_pacman() {
    type Sign = fn(&Scene) -> Option<Key>;
    let cases: [(&str, &str, Sign, bool); 5] = [
        ("Required", "signed by nobody", |_| None, false),
        ("Required", "signed by a stranger", |_| Some(Key::new("stranger")), false),
        ("Optional", "signed by a stranger", |_| Some(Key::new("stranger")), false),
        ("Optional", "signed by nobody", |_| None, true),
        ("Never", "signed by a stranger", |_| Some(Key::new("stranger")), true),
    ];
    for (level, what, sign, accepted) in cases {
        let scene = Scene::new(level);
        let theirs = Root::new(&[scene.mirror.base()], level, &scene.key);
        for root in [&theirs, &scene.root] {
            if root.gnupg(&scene.key).is_none() {
                eprintln!("skipped: gpg can't be run");
                return;
            }
        }
        let signer = sign(&scene);
        put(scene.dir.path(), &database("2.0-1", now()), signer.as_ref(), now());
        let Some((content, text)) = pacman(&theirs) else { return };
        assert_eq!(content, accepted, "{level}, {what}: {text}");
        let ours = scene.root.sync();
        assert_eq!(ours.is_ok(), accepted, "{level}, {what}: {ours:?}");
    }
}
