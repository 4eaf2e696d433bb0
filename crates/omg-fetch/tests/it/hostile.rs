//! Rows 3, 4, 11, 13, 14, 27 of the catalogue: mirrors that mean harm. Each check is also left out
//! once, to see that the attack would succeed without it.

use std::time::Duration;

use omg_core::{Code, Wanted};
use omg_fetch::testing::{Fault, Mirror};

use crate::child::Job;
use crate::support::{World, assert_code, assert_is, names, noise, options, wanted};

/// What a mirror does, and the code of the refusal.
async fn refuses(fault: Fault, code: Code) {
    let world = World::new();
    let good = world.another();
    let mut file = world.file("a.deb", 50_000);
    world.mirror.fault("a.deb", fault.clone());
    let result = world.one(file.clone()).await;
    assert_eq!(result.as_ref().map_err(|it| it.code), Err(code), "{fault:?} {result:?}");
    assert_eq!(names(&world.dir().join("sha256")), Vec::<String>::new(), "{fault:?}");
    // What came stays out of the way of a good mirror.
    file.urls.push(good.url("a.deb"));
    let result = world.one(file.clone()).await;
    assert_is(&result.unwrap_or_else(|it| panic!("{fault:?}: {it}")), &file);
    assert!(world.notes().contains("another try follows"), "{fault:?} {}", world.notes());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_answer_is_refused_and_the_next_mirror_asked() {
    let raw = |head: &str| Fault::Raw(head.as_bytes().to_vec());
    let location = |text: &str| Fault::Redirect(text.as_bytes().to_vec());
    for (fault, code) in [
        (Fault::Flipped, Code::Digest),
        (Fault::Body(noise("b", 50_000)), Code::Digest),
        (Fault::Body(noise("a.deb", 49_999)), Code::Digest),
        (Fault::Body(noise("b", 50_001)), Code::Digest),
        (Fault::Body(Vec::new()), Code::Digest),
        (Fault::Short(10_000), Code::Digest),
        (Fault::Endless(1 << 30), Code::Digest),
        (Fault::EndlessChunks(1 << 30), Code::Digest),
        (Fault::Status(500), Code::Network),
        (Fault::Status(404), Code::Gone),
        (Fault::Status(206), Code::Network),
        (Fault::Status(204), Code::Network),
        (Fault::Status(304), Code::Network),
        (Fault::Status(101), Code::Network),
        (Fault::Length("-1".into()), Code::Network),
        (Fault::Length("18446744073709551616".into()), Code::Network),
        (Fault::Length("9223372036854775808".into()), Code::Digest),
        (Fault::Length("50001".into()), Code::Digest),
        (Fault::Length("49999".into()), Code::Digest),
        (Fault::Length("50000\r\nContent-Length: 3".into()), Code::Network),
        (raw("HTTP/1.1 200 OK\r\nX: \0\r\n\r\n"), Code::Network),
        (raw("220 ftp ready\r\n"), Code::Network),
        (
            raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n"),
            Code::Network,
        ),
        (raw(""), Code::Network),
        (raw(&format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(1 << 20))), Code::Network),
        (raw(&format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(1 << 16))), Code::Network),
        (location("/x%0a201%20URI%20Done%0aFilename:%20/etc/passwd"), Code::Refused),
        (location("/x%0D%0AHost:%20evil"), Code::Refused),
        (location("/x\ty"), Code::Refused),
        (location("file:///etc/passwd"), Code::Refused),
        (location("ftp://127.0.0.1/a.deb"), Code::Refused),
        (location("http://169.254.169.254/latest/meta-data/"), Code::Refused),
        (location("http://[fe80::1%25lo]/"), Code::Refused),
        (location("http://user:secret@127.0.0.1/"), Code::Refused),
        (location(&format!("/{}", "x".repeat(10_000))), Code::Refused),
        (location("/\u{fc}"), Code::Gone),
        (location(""), Code::Refused),
        (location("/a.deb"), Code::Refused),
    ] {
        tokio::time::timeout(Duration::from_secs(20), refuses(fault.clone(), code))
            .await
            .unwrap_or_else(|_| panic!("{fault:?} takes for ever"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_mirrors_are_left() {
    for fault in [
        Fault::Drip(1, Duration::from_millis(50)),
        Fault::Stall(10_000),
        Fault::Stall(0),
        Fault::Silent,
    ] {
        refuses(fault, Code::Network).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_of_a_call_ends() {
    let world = World::new();
    let file = world.file("a.deb", 50_000_000);
    world.mirror.fault("a.deb", Fault::Drip(1000, Duration::from_millis(10)));
    let options = omg_fetch::Options { overall: Duration::from_millis(500), ..options() };
    let result = world.fetch_with(&world.fetcher_with(options), vec![file]).await.pop().unwrap();
    assert_code(&result, Code::Network);
    assert!(result.unwrap_err().to_string().contains("deadline"));
}

/// A directory with one file, a mirror of it, and a file that is wanted.
struct Attack {
    world: World,
    file: Wanted,
}

impl Attack {
    fn new() -> Self {
        let world = World::new();
        let file = world.file("a.deb", 50_000);
        Self { world, file }
    }

    fn job(&self) -> Job {
        Job::file(&self.world.home.path().join("of-child"), &self.file)
    }

    #[track_caller]
    fn check(&self, row: &'static str, refusal: &str) {
        let said = self.job().run();
        assert!(said.starts_with(&format!("fault {refusal}")), "{said}");
        let said = self.job().weaken(row).run();
        assert!(said.starts_with("ok "), "the attack fails without the check too: {said}");
    }
}

#[test]
fn row_03_endless_data() {
    let attack = Attack::new();
    let most = 40_u64 << 20;
    for (fault, size, code) in [
        (Fault::Endless(most), Some(50_000), "OMG-E0011"),
        (Fault::EndlessChunks(most), Some(50_000), "OMG-E0011"),
        (Fault::Endless(most), None, "OMG-E0023"),
        (Fault::EndlessChunks(most), None, "OMG-E0023"),
    ] {
        let file = Wanted { size, ..attack.file.clone() };
        let attack = Attack { file, world: World::new() };
        attack.world.put("a.deb", &noise("a.deb", 50_000));
        let file = Wanted { urls: vec![attack.world.mirror.url("a.deb")], ..attack.file.clone() };
        let attack = Attack { file, ..attack };
        attack.world.mirror.fault("a.deb", fault.clone());
        let said = attack.job().run();
        assert!(said.starts_with(&format!("fault {code}")), "{said}");
        // What the kernel takes for the client is not the client's.
        assert!(attack.world.mirror.sent() < most / 2, "{}", attack.world.mirror.sent());
        let before = attack.world.mirror.sent();
        let said = attack.job().weaken("03").run();
        assert!(said.starts_with("fault OMG-E0011"), "{said}");
        assert!(attack.world.mirror.sent() - before >= most, "the check is not what stopped it");
    }
}

#[test]
fn row_03_endless_document() {
    let attack = Attack::new();
    attack.world.mirror.fault("a.deb", Fault::EndlessChunks(40 << 20));
    let job = || Job { document: Some(1 << 20), ..attack.job() };
    let said = job().run();
    assert!(said.starts_with("fault OMG-E0023"), "{said}");
    assert!(attack.world.mirror.sent() < 20 << 20, "{}", attack.world.mirror.sent());
    let said = job().weaken("03").run();
    assert!(said.starts_with("ok "), "{said}");
}

#[test]
fn row_11_rejected_bytes_are_not_kept() {
    let attack = Attack::new();
    attack.world.mirror.fault("a.deb", Fault::Flipped);
    let said = attack.job().run();
    assert!(said.starts_with("fault OMG-E0011"), "{said}");
    let dir = attack.world.home.path().join("of-child");
    assert_eq!(names(&dir), Vec::<String>::new());
    // Bad, then good: the good is accepted.
    attack.world.mirror.mend();
    let said = attack.job().run();
    let path = said.strip_prefix("ok ").unwrap();
    assert_eq!(std::fs::read(path).unwrap(), noise("a.deb", 50_000));
    std::fs::remove_dir_all(&dir).unwrap();
    attack.world.mirror.fault("a.deb", Fault::Flipped);
    let said = attack.job().weaken("11").run();
    let path = said.strip_prefix("ok ").expect("the check is not what kept it out");
    assert_ne!(std::fs::read(path).unwrap(), noise("a.deb", 50_000));
}

#[test]
fn row_13_redirect_injection() {
    let attack = Attack::new();
    let location = b"/x%0a201%20URI%20Done%0a".to_vec();
    attack.world.mirror.fault("a.deb", Fault::Redirect(location));
    attack.world.put("x\n201 URI Done\n", &noise("a.deb", 50_000));
    attack.check("13", "OMG-E0009");
}

#[test]
fn row_14_unverified_fallback_mirror() {
    let attack = Attack::new();
    let second = attack.world.another();
    attack.world.mirror.fault("a.deb", Fault::Status(500));
    second.fault("a.deb", Fault::Body(noise("evil", 50_000)));
    let file = Wanted {
        urls: vec![attack.world.mirror.url("a.deb"), second.url("a.deb")],
        ..attack.file.clone()
    };
    Attack { file, ..attack }.check("14", "OMG-E0011");
}

#[tokio::test(flavor = "multi_thread")]
async fn row_14_the_third_mirror_is_good() {
    let world = World::new();
    let (second, third) = (world.another(), world.another());
    let mut file = world.file("a.deb", 50_000);
    file.urls.extend([second.url("a.deb"), third.url("a.deb")]);
    world.mirror.fault("a.deb", Fault::Status(500));
    second.fault("a.deb", Fault::Body(noise("evil", 50_000)));
    assert_is(&world.one(file.clone()).await.unwrap(), &file);
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_are_followed_five_times() {
    let world = World::new();
    let mut chain: Vec<Mirror> = vec![world.another()];
    for _ in 0..5 {
        let mirror = world.another();
        mirror.fault("", Fault::Moved(chain.last().unwrap().base()));
        chain.push(mirror);
    }
    let mut file = world.file("a.deb", 5000);
    file.urls = vec![chain[5].url("a.deb")];
    assert_is(&world.one(file.clone()).await.unwrap(), &file);
    world.mirror.fault("", Fault::Moved(chain[5].base()));
    let other = wanted("b", b"b", &[world.mirror.url("b")]);
    world.put("b", b"b");
    assert_code(&world.one(other).await, Code::Refused);
}

#[tokio::test(flavor = "multi_thread")]
async fn row_27_parts_that_are_none() {
    for range in [
        "bytes 0-49999/50000",
        "bytes 30001-49999/50000",
        "bytes 30000-49999/60000",
        "bytes -1-49999/50000",
        "bytes 30000-9223372036854775808/*",
        "bytes 30000-18446744073709551616/*",
        "bytes 30000-29999/50000",
        "nonsense",
    ] {
        let world = World::new();
        let good = world.another();
        let mut file = world.file("a.deb", 50_000);
        world.mirror.fault_times("a.deb", Fault::Cut(30_000), 1);
        world.mirror.fault("a.deb", Fault::Range(range.into()));
        assert_code(&world.one(file.clone()).await, Code::Network);
        file.urls.push(good.url("a.deb"));
        assert_is(&world.one(file.clone()).await.unwrap(), &file);
    }
}
