//! Detached signatures.

use omg_core::{Code, SignatureSource};
use omg_fetch::testing::Fault;

use crate::support::{World, assert_is};

fn sig() -> SignatureSource {
    SignatureSource::Suffix(".sig".into())
}

#[tokio::test(flavor = "multi_thread")]
async fn they_come_from_the_mirror_of_their_file() {
    let world = World::new();
    let good = world.another();
    let mut file = world.file("a.pkg", 1000);
    file.urls.push(good.url("a.pkg"));
    file.signature = Some(sig());
    world.put("a.pkg.sig", b"a signature");
    world.mirror.fault("", Fault::Flipped);
    let artifact = world.one(file.clone()).await.unwrap();
    assert_is(&artifact, &file);
    assert_eq!(artifact.signature.as_deref(), Some(b"a signature".as_slice()));
    assert!(
        world.mirror.asked().iter().all(|it| it.path == "/a.pkg"),
        "{:?}",
        world.mirror.asked()
    );
    // The file is in the store now; its signature is not.
    good.forget();
    world.mirror.mend();
    let artifact = world.one(file).await.unwrap();
    assert_eq!(artifact.signature.as_deref(), Some(b"a signature".as_slice()));
    let last = world.mirror.asked().pop().unwrap();
    assert_eq!(last.path, "/a.pkg.sig");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_one_is_none_and_said() {
    let world = World::new();
    let mut file = world.file("a.pkg", 1000);
    file.signature = Some(sig());
    let artifact = world.one(file.clone()).await.unwrap();
    assert_eq!(artifact.signature, None);
    assert!(world.notes().contains("no mirror has a signature of a.pkg"), "{}", world.notes());
    // Another mirror may have it.
    let other = tempfile::tempdir().unwrap();
    std::fs::write(other.path().join("a.pkg.sig"), b"here").unwrap();
    let second = omg_fetch::testing::Mirror::start(other.path()).unwrap();
    file.urls.push(second.url("a.pkg"));
    let artifact = world.one(file).await.unwrap();
    assert_eq!(artifact.signature.as_deref(), Some(b"here".as_slice()));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_can_not_be_had_now_is_no_missing_one() {
    let world = World::new();
    let mut file = world.file("a.pkg", 1000);
    file.signature = Some(sig());
    for (fault, code) in [
        (Fault::Status(503), Code::Network),
        (Fault::Silent, Code::Network),
        (Fault::Body(vec![0; (64 << 10) + 1]), Code::Limit),
        (Fault::Endless(u64::MAX), Code::Limit),
        (Fault::EndlessChunks(u64::MAX), Code::Limit),
        (Fault::Redirect(b"http://169.254.169.254/".to_vec()), Code::Refused),
    ] {
        world.put("a.pkg.sig", b"x");
        world.mirror.mend();
        world.mirror.fault(".sig", fault.clone());
        let fault_of = world.one(file.clone()).await.unwrap_err();
        assert_eq!(fault_of.code, code, "{fault:?} {fault_of}");
        // Nor if another mirror says that there is none.
        let mut two = file.clone();
        let other = world.another();
        other.fault(".sig", Fault::Status(404));
        two.urls.push(other.url("a.pkg"));
        assert_eq!(world.one(two).await.unwrap_err().code, code, "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_the_index_is_passed_on() {
    let world = World::new();
    let mut file = world.file("a.pkg", 1000);
    file.signature = Some(SignatureSource::Inline(b"inline".to_vec()));
    for _ in 0..2 {
        let artifact = world.one(file.clone()).await.unwrap();
        assert_eq!(artifact.signature.as_deref(), Some(b"inline".as_slice()));
    }
    assert_eq!(world.mirror.asked().len(), 1);
}
