//! Documents: no digest is known, so all there is are limits.

use std::time::Duration;

use omg_core::Code;
use omg_fetch::testing::Fault;
use omg_fetch::{Conditional, Content, Document, DocumentRequest, Error, Fetched};

use crate::support::{World, names, noise};

const CAP: u64 = 16 << 20;

fn of(urls: &[String]) -> DocumentRequest {
    DocumentRequest { urls: urls.to_vec(), cap: CAP, conditional: None }
}

async fn get(world: &World, request: &DocumentRequest) -> Result<Fetched, Error> {
    world.fetcher().fetch_document(request, |_, _| ()).await
}

fn new(fetched: Result<Fetched, Error>) -> Document {
    match fetched.unwrap() {
        Fetched::New(document) => document,
        Fetched::Unchanged => panic!("it is new"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn small_ones_in_memory_and_large_ones_not() {
    let world = World::new();
    for (size, in_memory) in [(0, true), (4 << 20, true), ((4 << 20) + 1, false)] {
        let bytes = noise("x", size);
        world.put("dists/x/InRelease", &bytes);
        let url = world.mirror.url("dists/x/InRelease");
        for url in [url, format!("file://{}/dists/x/InRelease", world.root.path().display())] {
            let document = new(get(&world, &of(std::slice::from_ref(&url))).await);
            assert_eq!(matches!(document.content, Content::Memory(_)), in_memory);
            assert_eq!((document.size, document.url, document.mirror), (size as u64, url, 0));
            assert_eq!(document.sha256, omg_fetch::Sha256::of(&bytes));
            assert_eq!(document.content.into_bytes().unwrap(), bytes);
        }
    }
    assert_eq!(names(&world.dir()), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_here_already_is_not_sent_again() {
    let world = World::new();
    world.put("core.db", b"one");
    let mut request = of(&[world.mirror.url("core.db")]);
    let document = new(get(&world, &request).await);
    let (etag, last_modified) = (document.etag, document.last_modified);
    for conditional in [
        Conditional { etag: etag.clone(), last_modified: last_modified.clone() },
        Conditional { etag, last_modified: None },
        Conditional { etag: None, last_modified },
    ] {
        request.conditional = Some(conditional);
        assert!(matches!(get(&world, &request).await, Ok(Fetched::Unchanged)));
    }
    request.conditional = Some(Conditional { etag: Some("\"other\"".into()), last_modified: None });
    assert_eq!(new(get(&world, &request).await).content.into_bytes().unwrap(), b"one");
    // A mirror that says "unchanged" without having been asked.
    world.mirror.fault("core.db", Fault::Status(304));
    assert_eq!(get(&world, &of(&request.urls)).await.unwrap_err().code(), Code::Network);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_mirror_is_asked() {
    let world = World::new();
    let good = world.another();
    world.put("x", b"good");
    let request = of(&["http://[".into(), world.mirror.url("x"), good.url("x")]);
    for fault in [
        Fault::Status(404),
        Fault::Status(500),
        Fault::Silent,
        Fault::Stall(2),
        Fault::Drip(1, Duration::from_millis(700)),
        Fault::Endless(1 << 30),
        Fault::Redirect(b"/x%0d%0a".to_vec()),
        Fault::Length("3000000000".into()),
    ] {
        world.mirror.mend();
        world.mirror.fault("x", fault.clone());
        let document = new(get(&world, &request).await);
        assert_eq!(document.mirror, 2, "{fault:?}");
        assert_eq!(document.content.into_bytes().unwrap(), b"good");
    }
    assert_eq!(names(&world.dir().join("partial")), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_is_another_thing_than_not_to_be_had() {
    let world = World::new();
    let error =
        get(&world, &of(&[world.mirror.url("x"), world.mirror.url("y")])).await.unwrap_err();
    assert!(error.is_missing() && error.code() == Code::Gone, "{error:?}");
    let path = format!("file://{}/x", world.root.path().display());
    assert!(get(&world, &of(&[path])).await.unwrap_err().is_missing());
    world.mirror.fault("y", Fault::Status(500));
    let error =
        get(&world, &of(&[world.mirror.url("x"), world.mirror.url("y")])).await.unwrap_err();
    assert!(!error.is_missing() && error.code() == Code::Network, "{error:?}");
    assert!(get(&world, &of(&[])).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cap_is_kept() {
    let world = World::new();
    world.put("x", &noise("x", 100_000));
    let urls = [world.mirror.url("x"), format!("file://{}/x", world.root.path().display())];
    for url in urls {
        let mut request = of(&[url]);
        for (cap, fits) in [(100_000, true), (99_999, false), (0, false)] {
            request.cap = cap;
            let fetched = get(&world, &request).await;
            assert_eq!(fetched.is_ok(), fits, "{fetched:?}");
            assert!(fits || fetched.unwrap_err().code() == Code::Limit);
        }
    }
    assert_eq!(names(&world.dir().join("partial")), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_same_version_is_gone_on_with() {
    let world = World::new();
    let bytes = noise("x", 300_000);
    world.put("x", &bytes);
    let request = of(&[world.mirror.url("x")]);
    world.mirror.fault_times("x", Fault::Cut(200_000), 1);
    let document = new(get(&world, &request).await);
    assert_eq!(document.content.into_bytes().unwrap(), bytes);
    assert_eq!(world.mirror.asked()[1].headers["range"], "bytes=200000-");
    // Cut off twice, so the call fails; then the file is another.
    world.mirror.fault("x", Fault::Cut(50_000));
    assert!(get(&world, &request).await.is_err());
    world.mirror.mend();
    let other = noise("y", 250_000);
    world.put("x", &other);
    let document = new(get(&world, &request).await);
    assert_eq!(document.content.into_bytes().unwrap(), other);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_heard_how_far_it_is() {
    let world = World::new();
    world.put("x", &noise("x", 300_000));
    let heard = std::sync::Mutex::new(Vec::new());
    let request = of(&[world.mirror.url("x")]);
    let seen = |done, total| heard.lock().unwrap().push((done, total));
    world.fetcher().fetch_document(&request, seen).await.unwrap();
    let heard = heard.into_inner().unwrap();
    assert_eq!(heard.last(), Some(&(300_000, Some(300_000))));
    assert!(heard.is_sorted());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_do_not_disturb_each_other() {
    let world = World::new();
    let bytes = noise("x", 300_000);
    world.put("x", &bytes);
    world.mirror.fault("x", Fault::Drip(30_000, Duration::from_millis(10)));
    let request = of(&[world.mirror.url("x")]);
    let (one, two, three) =
        tokio::join!(get(&world, &request), get(&world, &request), get(&world, &request));
    for fetched in [one, two, three] {
        assert_eq!(new(fetched).content.into_bytes().unwrap(), bytes);
    }
    assert_eq!(names(&world.dir().join("partial")), Vec::<String>::new());
}
