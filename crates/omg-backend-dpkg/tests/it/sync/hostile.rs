//! Rows of the catalogue that need a mirror which lies.

use std::fs;

use omg_core::Code;
use omg_fetch::testing::{Fault, Mirror};

use super::harness::{Archive, Form, Key, Root, Scene, packages};

#[test]
fn row_03_an_endless_release_stops_at_its_limit() {
    let scene = Scene::new("");
    scene.mirror.fault("InRelease", Fault::Endless(64 << 20));
    let staged = tempfile::tempdir().unwrap();
    let fault = scene.root.fetch(staged.path()).unwrap_err();
    assert!(matches!(fault.code, Code::Limit | Code::Digest), "{fault:?}");
    assert!(fs::read_dir(staged.path()).unwrap().next().is_none());
}

#[test]
fn row_11_what_was_refused_once_is_not_kept() {
    let mut scene = Scene::new("");
    scene.root.sync().unwrap();
    let before = scene.root.tree();
    scene.archive.date += 60;
    scene.archive.lists.insert("main/binary-amd64/Packages".into(), packages("2.0"));
    scene.archive.publish(&Key::new("evil"));
    assert_eq!(scene.root.sync().unwrap_err().code, Code::Signature);
    assert_eq!(scene.root.tree(), before);
    scene.archive.publish(&scene.key);
    assert_eq!(scene.root.sync().unwrap().changed.len(), 1);
    assert_ne!(scene.root.tree(), before);
}

#[test]
fn row_13_a_redirect_with_a_line_break_is_not_followed() {
    let scene = Scene::new("");
    let evil = b"/x%0a201%20URI%20Done\r\nX-Evil: 1".to_vec();
    scene.mirror.fault("InRelease", Fault::Redirect(evil));
    let before = scene.root.tree();
    // Either the redirect is refused or, cut at the line break, it leads nowhere.
    assert!(scene.root.sync().is_err());
    assert_eq!(scene.root.tree(), before);
}

#[test]
fn row_14_the_second_mirror_is_believed_no_more_than_the_first() {
    let scene = Scene::new("");
    let mut evil = Archive::new("6.6.6");
    evil.form = Form::Unsigned;
    evil.publish(&Key::new("evil"));
    let second = Mirror::start(evil.dir.path()).unwrap();
    let root = Root::new("mirror+file:/etc/apt/mirrors.txt", "", &scene.key);
    let mirrors = format!("{}\tpriority:1\n{}\tpriority:2\n", scene.mirror.base(), second.base());
    root.write("etc/apt/mirrors.txt", mirrors.as_bytes());
    scene.mirror.fault("", Fault::Status(500));
    let fault = root.sync().unwrap_err();
    assert!(matches!(fault.code, Code::Signature | Code::Network), "{fault:?}");
    assert!(root.tree().is_empty());
    scene.mirror.mend();
    root.sync().unwrap();
}

#[test]
fn lists_that_are_not_those_signed_for_are_not_kept() {
    let scene = Scene::new("");
    for fault in [Fault::Flipped, Fault::Short(10), Fault::Endless(1 << 20)] {
        scene.mirror.mend();
        scene.mirror.fault("by-hash", fault.clone());
        scene.mirror.fault("Packages", fault.clone());
        let before = scene.root.tree();
        let result = scene.root.sync();
        assert!(result.is_err(), "{fault:?}: {result:?}");
        assert_eq!(scene.root.tree(), before);
    }
    scene.mirror.mend();
    scene.root.sync().unwrap();
}
