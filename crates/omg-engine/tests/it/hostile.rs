//! Engines that say what they must not.

use omg_core::Code;

use crate::support::{System, names};

/// An engine that writes these bytes and nothing else.
async fn told(bytes: &[u8]) -> omg_core::Fault {
    let system = System::new();
    std::fs::write(system.root.path().join("raw"), bytes).expect("the root is writable");
    let fault = system.plan("vim").await.expect_err("it is no plan");
    assert_eq!(fault.code, Code::Engine, "{fault}");
    fault
}

/// What a real engine says first.
fn greeting() -> Vec<u8> {
    vec![0, 0, 0, 13, 0, 0x45, 0x47, 0x4d, 0x4f, 2, 0, 5, b'0', b'.', b'1', b'.', b'0']
}

#[tokio::test]
async fn what_a_library_prints_is_no_frame() {
    let system = System::new();
    for _ in 0..3 {
        let change = omg_core::Change::new(
            omg_core::Operation::Install,
            ["do:print=\u{1}\u{1}\u{1}Reading package lists...", "vim"],
        );
        let plan = system.engine.plan(omg_core::Generation(1), &change).await.unwrap();
        assert_eq!(names(&plan), ["vim"]);
    }
}

#[tokio::test]
async fn garbage_is_refused() {
    for (bytes, word) in [
        (&b"Segmentation fault\n"[..], "over the limit"),
        (&[0xFF; 100], "over the limit"),
        (&[0, 0, 0, 2, 7, 7], "greeting"),
    ] {
        let fault = told(bytes).await;
        assert!(fault.message.contains(word), "{bytes:?}: {fault}");
    }
}

#[tokio::test]
async fn another_version_is_named() {
    let mut bytes = greeting();
    bytes[9] = 3;
    let fault = told(&bytes).await;
    assert!(fault.message.contains("engine protocol 3"), "{fault}");
}

#[tokio::test]
async fn an_oversized_frame_is_refused() {
    let mut bytes = greeting();
    bytes.extend_from_slice(&(16 * 1024 * 1024 + 1_u32).to_be_bytes());
    let fault = told(&bytes).await;
    assert!(fault.message.contains("frame of 16777217 is over the limit of 16777216"), "{fault}");
}

#[tokio::test]
async fn an_undecodable_answer_is_refused() {
    for (answer, word) in [
        (&[0; 7][..], "message of a wrong length"),
        (&[0; 8], "answer of a wrong length"),
        (&[0, 0, 0, 0, 0, 0, 0, 1, 9], "answer of a wrong length"),
        (&[0, 0, 0, 0, 0, 0, 0, 1, 0, 1], "list of changes of a wrong length"),
        (&[0, 0, 0, 0, 0, 0, 0, 1, 1, 1], "undecodable fault"),
    ] {
        let mut bytes = greeting();
        bytes.extend_from_slice(&u32::try_from(answer.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(answer);
        let fault = told(&bytes).await;
        assert!(fault.message.contains(word), "{fault}");
    }
}

#[tokio::test]
async fn a_plan_that_can_not_be_is_refused_and_the_next_one_is_not() {
    let system = System::new();
    for (target, code, word) in [
        ("do:newline", Code::Malformed, "control character"),
        ("do:many", Code::Limit, "200001"),
        ("do:huge", Code::Limit, "limit"),
    ] {
        let fault = system.plan(target).await.unwrap_err();
        assert_eq!(fault.code, code, "{fault}");
        assert!(fault.message.contains(word), "{fault}");
    }
    let pid = system.pid();
    let plan = system.plan("do:prose").await.unwrap();
    assert_eq!(plan.warnings[0], "two lines", "prose is cleaned instead");
    assert_eq!(system.pid(), pid);
}

#[tokio::test]
async fn a_change_over_the_limits_never_reaches_the_engine() {
    let system = System::new();
    system.plan("vim").await.unwrap();
    let pid = system.pid();
    let fault = system.plan(&"x".repeat(80 * 1024)).await.unwrap_err();
    assert_eq!(fault.code, Code::Limit);
    let targets = (0..2049).map(|number| number.to_string());
    let change = omg_core::Change::new(omg_core::Operation::Install, targets);
    let fault = system.engine.plan(omg_core::Generation(1), &change).await.unwrap_err();
    assert_eq!(fault.code, Code::Limit);
    system.plan("vim").await.unwrap();
    assert_eq!(system.pid(), pid);
}

#[tokio::test]
async fn one_that_says_too_much_is_heard_out() {
    let system = System::new();
    let plan = system.plan("do:flood").await.unwrap();
    assert_eq!(plan.warnings.len(), 1);
    // A crash after it tells the last line still, of a bounded length.
    let change = omg_core::Change::new(omg_core::Operation::Install, ["do:flood", "do:exit=3"]);
    let fault = system.engine.plan(omg_core::Generation(1), &change).await.unwrap_err();
    assert!(fault.message.contains("exit code 3: xxx"), "{fault}");
    assert!(fault.message.len() < 2000, "{}", fault.message.len());
}
