use super::*;
use crate::contract::{Expected, contract, moves, plans};

fn fake() -> Fake {
    Fake::new([
        FakePackage::new("vim", "9.0", "Vi IMproved")
            .installed("8.2", false)
            .depends(&["libc6 (>= 2.30)", "nano | editor"])
            .files(&["/usr/bin/vim"]),
        FakePackage::new("libc6", "2.36", "GNU C Library").installed("2.36", true),
        FakePackage::new("nano", "7.2", "small editor")
            .provides(&["editor"])
            .files(&["/usr/bin/nano"]),
    ])
}

#[tokio::test]
async fn the_fake_keeps_the_contract() {
    let expected =
        Expected { installed: &[("vim", "8.2")], candidates: &[("vim", "9.0"), ("libc6", "2.36")] };
    let fake = fake();
    contract(&fake, &expected).await;
    assert_eq!(fake.under_way(), 0);
}

#[tokio::test]
async fn the_fake_keeps_the_contract_about_plans() {
    let mut broken = FakePackage::new("broken", "1", "needs what is not there");
    broken = broken.depends(&["nothing-has-this"]);
    let fake = Fake::new([
        FakePackage::new("vim", "9.0", "Vi IMproved").depends(&["libgpm2"]),
        FakePackage::new("libgpm2", "1.2", "mouse"),
        FakePackage::new("nano", "7.2", "small editor").installed("7.1", false),
        broken,
    ]);
    let expected = plans::Expected {
        installable: "vim",
        brings: &["libgpm2"],
        removable: "nano",
        unsolvable: Some("broken"),
        upgrades: &["nano"],
    };
    plans::plans(&fake, &expected).await;
    plans::plans(&crate::Either::<_, Fake>::First(fake.clone()), &expected).await;
    assert_eq!(fake.under_way(), 0);
}

#[tokio::test]
async fn one_of_two_keeps_the_contract() {
    let expected = Expected { installed: &[("vim", "8.2")], ..Expected::default() };
    contract(&crate::Either::<Fake, _>::Second(fake()), &expected).await;
}

#[tokio::test]
async fn its_generations_move_as_told() {
    let fake = fake();
    moves(&fake, (false, false), || {}).await;
    moves(&fake, (false, true), || fake.change_installed(|_| {})).await;
    moves(&fake, (true, true), || fake.change(BTreeMap::clear)).await;
}

#[tokio::test]
#[should_panic(expected = "failed: told to")]
async fn a_backend_that_fails_breaks_the_contract() {
    let fake = fake();
    fake.fail(Operation::Installed, Some(Fault::new(Code::Failure, "told to")));
    contract(&fake, &Expected::default()).await;
}

#[tokio::test]
async fn a_held_operation_waits_and_can_be_dropped() {
    let fake = fake();
    fake.hold(Operation::Owns);
    let asked = tokio::spawn({
        let fake = fake.clone();
        async move { fake.owns("/usr/bin/*").await }
    });
    while fake.under_way() == 0 {
        tokio::task::yield_now().await;
    }
    asked.abort();
    assert!(asked.await.unwrap_err().is_cancelled());
    assert_eq!(fake.under_way(), 0);
    fake.release(Operation::Owns);
    assert_eq!(fake.owns("/usr/bin/*").await.unwrap().matches.len(), 1);
}

#[test]
fn versions_and_patterns() {
    assert!(record::compare("9.10", "9.9").is_gt());
    assert!(record::compare("1.0", "1.0").is_eq());
    assert!(
        record::glob("/usr/*/vi?", "/usr/bin/vim") && !record::glob("/usr/*/vi?", "/usr/bin/vi")
    );
    assert_eq!(record::alternatives("a:any (>= 1) | b [amd64]"), ["a", "b"]);
}
