//! Plans, and what else is asked from the backend each time: never cached, never in the way.

use omg_backend::fake::Operation as Asked;
use omg_core::{Action, Change, Code, Operation, Plan, PlanOptions, Reason, WhyNot};

use super::*;

fn plan<'a>(operation: Operation, targets: &'a str, providers: &'a str) -> Query<'a> {
    Query::Plan { operation, targets, providers, options: PlanOptions::default() }
}

const NANO: Query<'_> = Query::Plan {
    operation: Operation::Install,
    targets: "nano",
    providers: "",
    options: PlanOptions {
        scope: omg_core::Scope::Standard,
        recursive: false,
        purge: false,
        follow: false,
        reinstall: false,
        without_recommends: false,
        as_dependencies: false,
        min_age_s: None,
    },
};

fn planned(body: &[u8]) -> Plan {
    match Reply::decode(body) {
        Ok(Reply::Plan(plan)) => plan,
        other => panic!("{other:?}"),
    }
}

impl<S: Answers<Call>> World<S> {
    async fn why_not(&self, package: &str) -> Result<WhyNot, Fault> {
        let body = self.ask(Query::WhyNot { package }).await?;
        match Reply::decode(&body) {
            Ok(Reply::WhyNot(answer)) => Ok(answer),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_plan_names_every_change_and_is_made_anew_each_time() {
    let world = in_memory(Fake::new(packages())).await;
    let changes = |plan: Plan| -> Vec<(Action, String, Reason)> {
        plan.changes.into_iter().map(|it| (it.action, it.name, it.reason)).collect()
    };
    let first = planned(&world.ask(NANO).await.unwrap());
    assert_eq!(changes(first), [(Action::Install, "nano".into(), Reason::Requested)]);
    let all = planned(&world.ask(plan(Operation::Upgrade, "", "")).await.unwrap());
    assert_eq!(changes(all), [(Action::Upgrade, "vim-runtime".into(), Reason::Newer)]);
    let gone = planned(&world.ask(plan(Operation::Autoremove, "", "")).await.unwrap());
    assert_eq!(changes(gone), [(Action::Remove, "leftover".into(), Reason::Unneeded)]);
    let gone = planned(&world.ask(plan(Operation::Remove, "libc6", "")).await.unwrap());
    let lost = (Action::Remove, "vim".into(), Reason::Loses("libc6".into()));
    assert!(changes(gone).contains(&lost));

    // The view need not have noticed a change that the plan does.
    world.fake.change_installed(|packages| {
        packages.get_mut("nano").unwrap().installed = Some("7.2".into());
    });
    assert!(planned(&world.ask(NANO).await.unwrap()).is_empty());
    assert_eq!(world.fake.calls(Asked::Plan), 5);
}

#[tokio::test]
async fn what_no_engine_should_see_is_refused_before() {
    let world = in_memory(Fake::new(packages())).await;
    let many = "vim\n".repeat(Change::TARGET_LIMIT + 1);
    for (query, code) in [
        (plan(Operation::Install, "", ""), Code::Usage),
        (plan(Operation::Remove, "", ""), Code::Usage),
        (plan(Operation::Install, "vim\n\nnano", ""), Code::Usage),
        (plan(Operation::Install, "--root=/x", ""), Code::Usage),
        (plan(Operation::Install, "vim\tx", ""), Code::Usage),
        (plan(Operation::Install, "vim\u{1b}[2J", ""), Code::Usage),
        (plan(Operation::Install, "vim", "editor"), Code::Usage),
        (plan(Operation::Install, "vim", "editor=-x"), Code::Usage),
        (plan(Operation::Install, "vim", "edi\u{7}tor=nano"), Code::Usage),
        (plan(Operation::Install, &many, ""), Code::Limit),
        (Query::WhyNot { package: "" }, Code::Usage),
        (Query::WhyNot { package: "-x" }, Code::Usage),
    ] {
        let fault = world.ask(query).await.unwrap_err();
        assert_eq!(fault.code, code, "{query:?}: {fault:?}");
        assert!(!fault.message.chars().any(char::is_control), "{fault:?}");
    }
    assert_eq!(world.fake.calls(Asked::Plan), 0);
}

#[tokio::test]
async fn why_not_says_what_would_be_done_or_what_is_in_the_way() {
    let mut packages = packages();
    packages.push(FakePackage::new("broken", "1.0", "Needs what nobody has").depends(&["nothing"]));
    let world = in_memory(Fake::new(packages)).await;
    let there = world.why_not("ripgrep").await.unwrap();
    assert!(there.possible && there.reasons.is_empty());
    assert_eq!(there.changes.len(), 1);
    assert_eq!((there.installed_version, there.candidate_version), (None, Some("13.0".into())));
    let broken = world.why_not("broken").await.unwrap();
    assert!(!broken.possible && broken.changes.is_empty());
    assert_eq!(broken.reasons, ["broken depends on nothing, which is not to be had"]);
    let same = world.why_not("libc6").await.unwrap();
    assert!(same.possible && same.changes.is_empty());
    assert_eq!(same.installed_version.as_deref(), Some("2.36"));
    let unknown = world.why_not("ripgrpe").await.unwrap_err();
    assert_eq!(unknown.code, Code::NotFound);
    assert!(unknown.suggestions.contains(&"ripgrep".to_owned()), "{unknown:?}");
    // That the engine is not there is no answer to the question.
    world.fake.fail(Asked::Plan, Some(Fault::new(Code::Engine, "the engine died")));
    assert_eq!(world.why_not("ripgrep").await.unwrap_err().code, Code::Engine);
}

#[tokio::test]
async fn faults_and_panics_of_a_plan_end_that_call_alone() {
    let world = in_memory(Fake::new(packages())).await;
    let fault = Fault::new(Code::Engine, "the engine died twice").hint("omg daemon logs");
    world.fake.fail(Asked::Plan, Some(fault.clone()));
    assert_eq!(world.ask(NANO).await.unwrap_err(), fault);
    world.fake.fail(Asked::Plan, None);
    world.fake.panic_in(Some(Asked::Plan));
    let ping = Query::Search { query: "vim", limit: None };
    let body = world.batch(vec![ping, NANO, ping]).await.unwrap();
    let Ok(Reply::Batch(replies)) = Reply::decode(&body) else { panic!() };
    let codes: Vec<Option<Code>> = replies
        .iter()
        .map(|reply| match Reply::decode(reply) {
            Ok(Reply::Fault(fault)) => Some(fault.code),
            _ => None,
        })
        .collect();
    assert_eq!(codes, [None, Some(Code::Internal), None]);
    world.fake.panic_in(None);
    assert!(!planned(&world.ask(NANO).await.unwrap()).is_empty());
}

#[tokio::test]
async fn everything_else_is_answered_while_a_plan_takes_its_time() {
    let world = in_memory(Fake::new(packages())).await;
    world.fake.hold(Asked::Plan);
    let slow = tokio::spawn(world.front.clone().call(call(NANO)));
    let hung_up = tokio::spawn(world.front.clone().call(call(NANO)));
    until("both to plan", async || world.fake.calls(Asked::Plan) == 2).await;
    assert!(!world.search("vim").await.is_empty());
    assert!(world.ask(Query::Info { package: "vim" }).await.is_ok());
    assert!(world.ask(Query::Groups { group: "" }).await.is_ok());
    // Nobody waits for it any more, so nothing goes on.
    hung_up.abort();
    assert!(hung_up.await.unwrap_err().is_cancelled());
    until("the plan to be dropped", async || world.fake.under_way() == 1).await;
    // The other one outlives a change of the system.
    world.fake.change(|packages| {
        packages.remove("ripgrep");
    });
    world.fake.release(Asked::Plan);
    assert!(!planned(&slow.await.unwrap().unwrap()).is_empty());
    assert_eq!(world.fake.under_way(), 0);
}

#[tokio::test]
async fn plans_cost_more_than_searches() {
    let world = in_memory(Fake::new(packages())).await;
    world.handle.apply(Limits { rate: 1, burst: 50, ..Limits::default() });
    let mut codes = Vec::new();
    for _ in 0..4 {
        codes.push(world.ask(NANO).await.err().map(|fault| fault.code));
    }
    assert_eq!(codes[..2], [None, None]);
    assert_eq!(codes.last(), Some(&Some(Code::Busy)));
    assert!(world.fake.calls(Asked::Plan) < 4);
}

#[tokio::test]
async fn groups_count_what_they_have() {
    let world = in_memory(Fake::new(packages())).await;
    let body = world.ask(Query::Groups { group: "" }).await.unwrap();
    let Ok(Reply::Groups(groups)) = Reply::decode(&body) else { panic!() };
    assert!(!groups.is_empty());
    assert!(groups.is_sorted_by(|a, b| a.name < b.name));
    for group in &groups {
        let body = world.ask(Query::Groups { group: &group.name }).await.unwrap();
        let Ok(Reply::List(members)) = Reply::decode(&body) else { panic!() };
        let installed = members.iter().filter(|it| it.install_reason.is_some()).count();
        assert_eq!((members.len(), installed), (group.packages as usize, group.installed as usize));
        assert!(members.is_sorted_by_key(|member| member.name));
    }
    let fault = world.ask(Query::Groups { group: "nosuch" }).await.unwrap_err();
    assert_eq!(fault.code, Code::NotFound);
}

#[tokio::test]
async fn a_system_without_recipes_says_so() {
    let world = in_memory(Fake::new(packages())).await;
    let review = world.ask(Query::Review { package: "yay" }).await.unwrap_err();
    let accept = world.ask(Query::Accept { package: "yay", commit: "0" }).await.unwrap_err();
    assert_eq!((review.code, accept.code), (Code::Usage, Code::Usage));
    let body = world.ask(Query::Refresh).await.unwrap();
    assert!(matches!(Reply::decode(&body), Ok(Reply::Refreshed(all)) if all.is_empty()));
}
