//! Rows of the catalogue, on the root's side: the directory is whatever an attacker likes.

use std::fs;

use omg_core::Code;

use super::harness::{Archive, Form, Key, Scene, attack, now, packages, refused};

#[test]
fn row_01_an_older_release_is_a_rollback() {
    attack("01", Code::Rollback, || {
        let mut scene = Scene::new("");
        scene.root.install(scene.staged().path())?;
        let mut old = Archive::new("0.9");
        old.date = scene.archive.date - 60;
        std::mem::swap(&mut scene.archive, &mut old);
        refused(&scene.root, scene.staged().path())
    });
}

#[test]
fn row_01_a_rollback_is_noticed_without_lists() {
    attack("01", Code::Rollback, || {
        let mut scene = Scene::new("");
        scene.root.install(scene.staged().path())?;
        for entry in fs::read_dir(scene.root.lists()).unwrap().flatten() {
            let _ = fs::remove_file(entry.path());
        }
        scene.archive.date -= 60;
        refused(&scene.root, scene.staged().path())
    });
}

#[test]
fn row_02_an_expired_release_is_stale() {
    attack("02", Code::Expired, || {
        let mut scene = Scene::new("");
        scene.archive.valid_until = Some(now() - 60);
        refused(&scene.root, scene.staged().path())
    });
}

#[test]
fn row_02_an_expired_release_that_is_in_place_is_stale() {
    attack("02", Code::Expired, || {
        let mut scene = Scene::new("");
        scene.archive.valid_until = Some(now() + 2);
        scene.archive.publish(&scene.key);
        scene.root.sync()?;
        // The mirror stands still from now on.
        std::thread::sleep(std::time::Duration::from_secs(4));
        let staged = tempfile::tempdir().unwrap();
        scene.root.fetch(staged.path()).map(|_| ())
    });
}

#[test]
fn row_02_a_release_of_times_to_come_is_not_believed() {
    attack("02", Code::Expired, || {
        let mut scene = Scene::new("");
        scene.archive.date = now() + 3600;
        refused(&scene.root, scene.staged().path())
    });
}

#[test]
fn row_05_edited_dependencies_are_not_signed() {
    attack("05", Code::Digest, || {
        let scene = Scene::new("");
        let staged = scene.staged();
        let list = format!("{}main_binary-amd64_Packages", scene.root.prefix());
        let edited = packages("1.0").replacen("Maintainer: x", "Depends: evil", 1);
        fs::write(staged.path().join(list), edited).unwrap();
        refused(&scene.root, staged.path())
    });
}

#[test]
fn row_06_a_new_release_with_old_lists_is_refused() {
    attack("06", Code::Digest, || {
        let mut scene = Scene::new("");
        scene.root.install(scene.staged().path())?;
        scene.archive.date += 60;
        scene.archive.lists.insert("main/binary-amd64/Packages".into(), packages("2.0"));
        let staged = scene.staged();
        let list = format!("{}main_binary-amd64_Packages", scene.root.prefix());
        fs::write(staged.path().join(list), packages("1.0")).unwrap();
        refused(&scene.root, staged.path())
    });
}

#[test]
fn row_06_a_new_release_without_its_lists_is_refused() {
    attack("06", Code::Digest, || {
        let mut scene = Scene::new("");
        scene.root.install(scene.staged().path())?;
        scene.archive.date += 60;
        scene.archive.lists.insert("main/binary-amd64/Packages".into(), packages("2.0"));
        let staged = scene.staged();
        let list = format!("{}main_binary-amd64_Packages", scene.root.prefix());
        fs::remove_file(staged.path().join(list)).unwrap();
        refused(&scene.root, staged.path())
    });
}

#[test]
fn row_08_the_key_of_another_repository_does_not_count() {
    attack("08", Code::Signature, || {
        let mut scene = Scene::new("[signed-by=/usr/share/keyrings/own.gpg]");
        let own = Key::new("own");
        scene.root.write("usr/share/keyrings/own.gpg", &own.public());
        scene.root.install(scene.archive.staged(&scene.root, &own).path())?;
        // The other key is trusted by this system, for other repositories.
        scene.archive.date += 60;
        scene.archive.lists.insert("main/binary-amd64/Packages".into(), packages("2.0"));
        refused(&scene.root, scene.staged().path())
    });
}

#[test]
fn row_08_a_fingerprint_pins_a_key_of_a_keyring() {
    attack("08", Code::Signature, || {
        let pinned = Key::new("pinned");
        let scene = Scene::new(&format!("[signed-by={}]", pinned.fingerprint()));
        scene.root.write("etc/apt/trusted.gpg.d/pinned.gpg", &pinned.public());
        refused(&scene.root, scene.staged().path())
    });
}

#[test]
fn row_12_text_around_what_is_signed_is_refused() {
    attack("12", Code::Signature, || {
        let scene = Scene::new("");
        let staged = scene.staged();
        let path = staged.path().join(format!("{}InRelease", scene.root.prefix()));
        let mut bytes = fs::read(&path).unwrap();
        bytes.extend_from_slice(b"\nSHA256:\n 00 1 evil\n");
        fs::write(&path, bytes).unwrap();
        refused(&scene.root, staged.path())
    });
}

#[test]
fn row_12_two_messages_are_not_one() {
    let scene = Scene::new("");
    let staged = scene.staged();
    let path = staged.path().join(format!("{}InRelease", scene.root.prefix()));
    let bytes = fs::read(&path).unwrap();
    let other = Key::new("other").clearsign("Origin: evil\n");
    for both in [[bytes.clone(), other.clone()].concat(), [other, bytes].concat()] {
        fs::write(&path, both).unwrap();
        let fault = refused(&scene.root, staged.path()).unwrap_err();
        assert_eq!(fault.code, Code::Signature, "{fault:?}");
    }
}

#[test]
fn row_15_what_was_signed_stays_signed() {
    attack("15", Code::Signature, || {
        let mut scene = Scene::new("[allow-insecure=yes]");
        scene.root.install(scene.staged().path())?;
        scene.archive.form = Form::Unsigned;
        scene.archive.date += 60;
        scene.archive.lists.insert("main/binary-amd64/Packages".into(), packages("2.0"));
        refused(&scene.root, scene.staged().path())
    });
}

#[test]
fn row_27_sizes_that_overflow_are_refused() {
    attack("27", Code::Malformed, || {
        let mut scene = Scene::new("");
        scene.archive.fields.push_str("X: y\n");
        let text = scene.archive.release();
        let hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        for size in ["-1", "9223372036854775808", "99999999999999999999"] {
            let odd = format!("{text} {hash} {size} main/other\n");
            let staged = scene.staged();
            let path = staged.path().join(format!("{}InRelease", scene.root.prefix()));
            fs::write(path, scene.key.clearsign(&odd)).unwrap();
            refused(&scene.root, staged.path())?;
            fs::remove_dir_all(scene.root.lists()).unwrap();
            fs::create_dir_all(scene.root.lists()).unwrap();
        }
        Ok(())
    });
}

#[test]
fn names_links_and_strangers_are_refused() {
    let scene = Scene::new("");
    let secret = scene.root.path().join("secret");
    fs::write(&secret, "secret").unwrap();
    let list = format!("{}main_binary-amd64_Packages", scene.root.prefix());
    for name in [format!("{}InRelease", scene.root.prefix()), list.clone()] {
        let staged = scene.staged();
        let path = staged.path().join(name);
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(&secret, &path).unwrap();
        assert!(refused(&scene.root, staged.path()).is_err());
    }
    let staged = scene.staged();
    fs::write(staged.path().join("stranger_Packages"), "x").unwrap();
    let fault = refused(&scene.root, staged.path()).unwrap_err();
    assert_eq!(fault.code, Code::Refused, "{fault:?}");
    let staged = scene.staged();
    fs::remove_file(staged.path().join(&list)).unwrap();
    fs::create_dir(staged.path().join(&list)).unwrap();
    assert!(refused(&scene.root, staged.path()).is_err());
}

#[test]
fn a_repository_that_calls_itself_something_else_needs_consent() {
    let mut scene = Scene::new("");
    scene.root.install(scene.staged().path()).unwrap();
    scene.archive.date += 60;
    scene.archive.fields = scene.archive.fields.replace("Codename: sid", "Codename: other");
    let fault = refused(&scene.root, scene.staged().path()).unwrap_err();
    assert_eq!(fault.code, Code::Refused, "{fault:?}");
    let conf = "Acquire::AllowReleaseInfoChange::Codename \"true\";\n";
    scene.root.write("etc/apt/apt.conf.d/consent", conf.as_bytes());
    refused(&scene.root, scene.staged().path()).unwrap();
}
