//! Repositories in memory and an AUR on loopback as one manager.

use omg_aur::{Both, Demands};
use omg_backend::PackageManager as _;
use omg_backend::contract::{Expected, contract, plans};
use omg_backend::fake::{Fake, FakePackage};
use omg_core::{Action, Change, Code, Fault, Operation, Plan, Planned, Reason, Source};

use crate::server::Site;
use crate::world::World;

/// Seconds of a day.
const DAY: u64 = 86_400;
/// The clock of a new site.
const NOW: u64 = 1_700_000_000;

/// A system: what the repositories have, the AUR, and both as one.
struct System {
    fake: Fake,
    site: Site,
    world: World,
    both: Both<Fake>,
}

/// A package of the repositories.
fn package(name: &str, version: &str) -> FakePackage {
    FakePackage::new(name, version, "")
}

/// A package that is only on this system.
fn here(name: &str, version: &str) -> FakePackage {
    FakePackage { versions: Vec::new(), ..package(name, version) }.installed(version, false)
}

/// As pacman's database says of what makepkg built.
fn built(package: FakePackage) -> FakePackage {
    FakePackage { description: "x\n%VALIDATION%\nnone".into(), ..package }
}

impl System {
    fn new(packages: impl IntoIterator<Item = FakePackage>) -> Self {
        Self::with(packages, Demands { min_age_s: 3 * DAY, exempt: vec!["trusted".into()] })
    }

    fn with(packages: impl IntoIterator<Item = FakePackage>, demands: Demands) -> Self {
        let (fake, site, world) = (Fake::new(packages), Site::new(), World::new());
        let state = world.path("state");
        let both = Both::new(fake.clone(), site.aur.clone(), world.recipes(), &state, demands);
        Self { fake, site, world, both }
    }

    async fn plan(&self, change: Change) -> Result<Plan, Fault> {
        self.both.plan(&change).await
    }

    async fn install(&self, targets: &[&str]) -> Plan {
        self.plan(Change::new(Operation::Install, targets.to_vec())).await.unwrap()
    }

    async fn fails(&self, targets: &[&str]) -> Fault {
        self.plan(Change::new(Operation::Install, targets.to_vec())).await.unwrap_err()
    }

    async fn upgrade(&self) -> Plan {
        self.plan(Change::new(Operation::Upgrade, Vec::<String>::new())).await.unwrap()
    }

    /// Nothing answers at the AUR's port any more.
    fn unplug(&self) {
        self.site.server.set_mishap(Some(omg_aur::testing::Mishap::Cut));
    }
}

fn find<'a>(plan: &'a Plan, name: &str) -> &'a Planned {
    plan.changes.iter().find(|change| change.name == name).unwrap()
}

fn names(plan: &Plan) -> Vec<(&str, Source, Action)> {
    plan.changes.iter().map(|change| (&*change.name, change.source, change.action)).collect()
}

fn says(plan: &Plan, words: &str) -> bool {
    plan.warnings.iter().any(|warning| warning.contains(words))
}

#[tokio::test]
async fn both_keep_the_contract() {
    let system = System::new([
        package("go", "1.22").depends(&["libc"]),
        package("libc", "2").installed("1", true),
        package("old", "2").installed("1", false),
        here("here", "1"),
        package("broken", "1").depends(&["nowhere-to-be-had"]),
    ]);
    system.site.add("yay", r#""Depends":["yay-lib>=1"],"MakeDepends":["go"]"#);
    system.site.add("yay-lib", "");
    system.both.refresh().await.unwrap();
    let expected = Expected {
        installed: &[("libc", "1"), ("here", "1")],
        candidates: &[("go", "1.22"), ("yay", "1-1")],
    };
    contract(&system.both, &expected).await;
    for (installable, brings) in [("go", &["libc"][..]), ("yay", &["go", "yay-lib"])] {
        let expected = plans::Expected {
            installable,
            brings,
            removable: "here",
            unsolvable: Some("broken"),
            upgrades: &["libc", "old"],
        };
        plans::plans(&system.both, &expected).await;
    }
}

#[tokio::test]
async fn one_plan_has_the_packages_of_both() {
    let system =
        System::new([package("a", "1").depends(&["c"]), package("c", "1"), package("go", "1")]);
    system.site.add("b", r#""MakeDepends":["go"],"OptDepends":["a: for a","z"]"#);
    system.site.add("a", r#""Version":"9-1""#);
    let plan = system.install(&["a", "b"]).await;
    let (fake, aur) = (Source::Apt, Source::Aur);
    let wanted =
        [("a", fake), ("b", aur), ("c", fake), ("go", fake)].map(|(a, b)| (a, b, Action::Install));
    assert_eq!(names(&plan), wanted);
    assert_eq!(find(&plan, "go").reason, Reason::Build("b".into()));
    assert!(find(&plan, "go").automatic && !find(&plan, "a").automatic);
    assert!(!find(&plan, "b").automatic && find(&plan, "b").reason == Reason::Requested);
    let optional = plan.optional.iter().map(|it| (&*it.wanted, it.satisfied)).collect::<Vec<_>>();
    assert_eq!(optional, [("a", true), ("z", false)]);
    // The same name is in both: the repository's comes, unless the AUR's is named.
    assert_eq!(names(&system.install(&["a"]).await).len(), 2);
    let plan = system.install(&["aur/a", "c"]).await;
    assert_eq!((find(&plan, "a").source, find(&plan, "c").source), (aur, fake));
    assert!(says(&plan, "a is in a repository, too; this takes it from the AUR"));
    // A group is the repositories' matter: nobody's package of that name comes in its place.
    system.site.add("fakes", "");
    let fault = system.fails(&["fakes", "b"]).await;
    assert_eq!(fault.code, Code::NotFound);
    assert!(!system.site.server.requests().iter().any(|it| it.target.contains("fakes")));
}

#[tokio::test]
async fn the_same_question_has_the_same_answer() {
    let system = System::new([package("x", "1"), package("y", "1")]);
    for (name, fields) in [
        ("b", r#""Depends":["virtual","x","y"],"Conflicts":["old"]"#),
        ("p", r#""Provides":["virtual"],"NumVotes":1"#),
        ("q", r#""Provides":["virtual"],"NumVotes":1"#),
    ] {
        system.site.add(name, fields);
    }
    let first = system.install(&["b", "x"]).await;
    for targets in [["b", "x"], ["x", "b"]] {
        let again = system.install(&targets).await;
        assert_eq!((first.digest(), &first.warnings), (again.digest(), &again.warnings));
    }
    assert_eq!(first.builds.iter().map(|it| &*it.package_base).collect::<Vec<_>>(), ["p", "b"]);
    system.site.add("b", r#""Version":"2-1","Depends":["virtual","x","y"]"#);
    system.site.pass(100);
    assert_ne!(first.digest(), system.install(&["b", "x"]).await.digest());
}

#[tokio::test]
async fn what_is_there_is_built_again_only_when_it_is_older_or_asked_for() {
    // The prefix, since the fake takes what is installed for known.
    let system = System::new([here("a", "2-1")]);
    let version = |version: &str| system.site.add("a", &format!(r#""Version":"{version}""#));
    version("2-1");
    let plan = system.install(&["aur/a"]).await;
    assert!(plan.is_empty() && plan.warnings.is_empty(), "{plan:?}");
    let again = |targets: &[&str]| {
        let mut change = Change::new(Operation::Install, targets.to_vec());
        change.options.reinstall = true;
        change
    };
    let plan = system.plan(again(&["aur/a"])).await.unwrap();
    assert_eq!(names(&plan), [("a", Source::Aur, Action::Reinstall)]);
    version("3-1");
    system.site.pass(100);
    assert_eq!(names(&system.install(&["aur/a"]).await), [("a", Source::Aur, Action::Upgrade)]);
    // Recipes that build the newest source are older in the AUR than what they make.
    version("1-1");
    system.site.pass(100);
    let plan = system.install(&["aur/a"]).await;
    assert!(plan.is_empty() && says(&plan, "a 2-1 stays: the AUR has 1-1"), "{plan:?}");
    let down = [("a", Source::Aur, Action::Downgrade)];
    assert_eq!(names(&system.plan(again(&["aur/a"])).await.unwrap()), down);
    assert_eq!(names(&system.install(&["a=1-1"]).await), down);
}

#[tokio::test]
async fn a_version_is_the_aurs_or_an_error_that_names_it() {
    let system = System::new([package("ours", "1")]);
    system.site.add("yay", r#""Version":"12-1""#);
    system.site.add("ours", r#""Version":"2-1""#);
    for target in ["yay=12-1", "yay>=11", "aur/yay=12-1"] {
        assert_eq!(names(&system.install(&[target]).await).len(), 1, "{target}");
    }
    for target in ["yay=13", "aur/yay=13"] {
        let fault = system.fails(&[target]).await;
        assert_eq!(fault.code, Code::NotFound);
        assert_eq!(fault.message, "the AUR has yay 12-1 and no other version, not 13");
    }
    // The repositories know the name, so the version is theirs to have or not.
    assert_eq!(system.fails(&["ours=2-1"]).await.message, "no package is called 'ours=2-1'");
    for target in ["aur/", "aur/../x", "aur/-x", "aur/a b", "aur/a=", "aur/a\u{1b}[2J"] {
        let fault = system.fails(&[target]).await;
        assert_eq!(fault.code, Code::Usage, "{target:?}");
        assert!(!fault.message.contains('\u{1b}'));
    }
}

#[tokio::test]
async fn where_no_package_has_the_name_a_provider_is_chosen() {
    let system = System::new([]);
    system.site.add("few", r#""Provides":["tool=1"],"NumVotes":1"#);
    system.site.add("many", r#""Provides":["tool=2"],"NumVotes":9"#);
    system.site.add("toolbox", "");
    let plan = system.install(&["tool"]).await;
    assert_eq!(names(&plan), [("many", Source::Aur, Action::Install)]);
    assert!(says(&plan, "nothing is called 'tool'; many of the AUR provides it"));
    let choice = plan.providers.first().unwrap();
    assert_eq!((&*choice.wanted, &*choice.wanted_by, &*choice.chosen), ("tool", "", "many"));
    assert_eq!(choice.options, ["many", "few"]);
    assert!(!find(&plan, "many").automatic);
    let choose = |name: &str| {
        let mut change = Change::new(Operation::Install, ["tool"]);
        change.providers = vec![("tool".into(), name.into())];
        change
    };
    assert_eq!(names(&system.plan(choose("few")).await.unwrap())[0].0, "few");
    let fault = system.plan(choose("toolbox")).await.unwrap_err();
    assert!(fault.message.contains("'toolbox' does not provide 'tool'"), "{fault}");
    assert_eq!(names(&system.install(&["tool=1"]).await)[0].0, "few");
    assert_eq!(system.fails(&["tool=3"]).await.code, Code::NotFound);
    let fault = system.fails(&["nothing"]).await;
    assert_eq!((fault.code, &*fault.message), (Code::NotFound, "no package is called 'nothing'"));
    assert_eq!(fault.cause, ["the AUR has no package 'nothing' either"]);
}

#[tokio::test]
async fn what_can_not_be_installed_together_is_no_plan() {
    let system = System::new([
        package("repo", "1"),
        package("tool", "1"),
        here("there", "1"),
        here("gone", "1"),
    ]);
    for (name, fields) in [
        ("a", r#""Conflicts":["b<2"]"#),
        ("b", ""),
        ("b2", r#""PackageBase":"b2","Provides":["b=3"]"#),
        ("c", r#""Provides":["virtual"],"Conflicts":["virtual"]"#),
        ("d", r#""Depends":["repo"],"Conflicts":["repo"]"#),
        ("e", r#""Depends":["b"]"#),
        ("f", r#""Conflicts":["tool","there","there>2"],"MakeDepends":["tool"]"#),
        ("g", r#""MakeDepends":["b"]"#),
    ] {
        system.site.add(name, fields);
    }
    for targets in [&["a", "b"][..], &["b", "a"], &["a", "e"]] {
        let fault = system.fails(targets).await;
        assert_eq!(fault.code, Code::Unsolvable);
        assert_eq!(
            fault.message,
            "'a' can't be installed together with 'b': it conflicts with 'b<2'"
        );
    }
    assert_eq!(system.fails(&["d"]).await.code, Code::Unsolvable);
    // Itself is nobody's conflict, and another version is none.
    assert!(system.install(&["c"]).await.warnings.is_empty());
    assert!(system.install(&["a", "b2"]).await.warnings.is_empty());
    let plan = system.install(&["f"]).await;
    assert_eq!(
        plan.warnings,
        [
            "f conflicts with there, which would have to go",
            "f conflicts with tool: tool, which only builds need, has to go again before the other comes",
        ]
    );
    // What only a build needs has gone by then.
    let plan = system.install(&["a", "g"]).await;
    assert!(says(&plan, "a conflicts with b: b, which only builds need"), "{:?}", plan.warnings);
}

#[tokio::test]
async fn young_recipes_are_refused_unless_they_are_let_through_and_never_in_silence() {
    let system = System::new([]);
    let times = |name: &str, first: u64, last: u64, more: &str| {
        let (first, last) = (NOW - first, NOW - last);
        let fields = format!(r#""FirstSubmitted":{first},"LastModified":{last}{more}"#);
        system.site.add(name, &fields);
    };
    times("old", 9 * DAY, 3 * DAY, "");
    times("fresh", 9 * DAY, 3 * DAY - 1, "");
    times("new", 7200, 7200, "");
    times("user", 9 * DAY, 9 * DAY, r#","Depends":["fresh"]"#);
    times("trusted", 60, 60, "");
    times("split", 9 * DAY, 60, r#","PackageBase":"trusted""#);
    assert!(system.install(&["old"]).await.warnings.is_empty());
    let fault = system.fails(&["fresh"]).await;
    assert_eq!((fault.code, fault.code.exit()), (Code::Refused, 9));
    let words = "the recipe of fresh was changed 2 days ago: hardly anybody can have looked at it";
    assert_eq!(fault.message, words);
    let hint = fault.hint.unwrap();
    assert!(hint.contains("omg aur review fresh") && hint.contains("--min-age 0 fresh"), "{hint}");
    assert!(system.fails(&["new"]).await.message.contains("first submitted 2 hours ago"));
    // What it needs counts, too.
    assert_eq!(system.fails(&["user"]).await.message, words);
    let plan = system.install(&["trusted"]).await;
    assert!(says(&plan, "the recipe of trusted was first submitted 60 seconds ago"));
    // Another package of an exempt base is exempt with it.
    assert!(says(&system.install(&["split"]).await, "the recipe of trusted"));
    for (seconds, allowed) in [(0, true), (2 * DAY, true), (3 * DAY, false)] {
        let mut change = Change::new(Operation::Install, ["fresh"]);
        change.options.min_age_s = Some(seconds);
        match system.plan(change).await {
            Ok(plan) => assert!(allowed && plan.warnings == [words], "{seconds}"),
            Err(fault) => assert!(!allowed && fault.code == Code::Refused, "{seconds}"),
        }
    }
    system.site.pass(1);
    assert!(system.install(&["fresh"]).await.warnings.is_empty());
}

#[tokio::test]
async fn without_the_aur_the_repositories_have_the_word_or_the_list_does() {
    let system = System::new([package("ours", "1")]);
    system.site.add("theirs", "");
    system.unplug();
    let fault = system.fails(&["theirs"]).await;
    assert_eq!((fault.code, fault.code.exit()), (Code::NotFound, 3));
    assert_eq!(fault.message, "no package is called 'theirs'");
    assert!(fault.cause.iter().any(|it| it.contains("the AUR could not be asked")), "{fault}");
    let asked = system.site.asked();
    let fault = system.fails(&["aur/theirs", "ours"]).await;
    assert_eq!((fault.code, fault.code.exit()), (Code::Network, 8));
    // A server that was down a moment ago is not asked again.
    assert_eq!(system.site.asked(), asked);
    assert!(system.install(&["ours"]).await.warnings.is_empty());
    // With a list of packages there is an answer, which says how old it is.
    system.site.server.set_mishap(None);
    system.site.pass(3600);
    system.both.refresh().await.unwrap();
    system.unplug();
    system.site.pass(3 * 3600);
    for targets in [&["theirs"][..], &["aur/theirs"]] {
        let plan = system.install(targets).await;
        assert_eq!(names(&plan), [("theirs", Source::Aur, Action::Install)]);
        assert!(says(&plan, "what is known of the AUR is 3 hours old: "), "{:?}", plan.warnings);
    }
    let fault = system.fails(&["nobodys"]).await;
    assert_eq!(fault.code, Code::NotFound);
}

#[tokio::test]
async fn upgrades_build_what_was_built_and_switch_no_source_in_silence() {
    let system = System::new([
        package("repo", "2").installed("1", false),
        package("lib", "1"),
        // Built here once; a repository has it now.
        built(package("taken", "2").installed("1", false)),
        built(here("mine", "1-1")),
        built(FakePackage { automatic: true, ..here("needed", "1-1") }),
        built(here("current", "1-1")),
        built(here("local", "1-1")),
        // Came from a repository that has it no longer.
        here("dropped", "1-1"),
    ]);
    for name in ["mine", "needed", "dropped", "taken"] {
        system.site.add(name, r#""Version":"3-1","MakeDepends":["lib"]"#);
    }
    system.site.add("current", "");
    let plan = system.upgrade().await;
    let (fake, aur) = (Source::Apt, Source::Aur);
    assert_eq!(
        names(&plan),
        [
            ("lib", fake, Action::Install),
            ("mine", aur, Action::Upgrade),
            ("needed", aur, Action::Upgrade),
        ],
        "the fake's install does not follow"
    );
    assert_eq!(find(&plan, "mine").reason, Reason::Newer);
    assert!(!find(&plan, "mine").automatic && find(&plan, "needed").automatic);
    assert_eq!(find(&plan, "lib").reason, Reason::Build("mine".into()));
    let dropped = "dropped 1-1 is in no repository any more; the AUR has 3-1, which `omg install aur/dropped` would build";
    let taken = "taken was built here; this takes it from the repository fake/main";
    assert_eq!(plan.warnings, [taken, dropped]);
    assert!(plan.held_back.is_empty());
    assert_eq!(system.site.asked(), 1, "all names in one request");
    assert!(says(&system.install(&["taken"]).await, taken));
    // Only what is named.
    let change = Change::new(Operation::Upgrade, ["needed"]);
    let plan = system.plan(change).await.unwrap();
    assert_eq!(plan.builds.iter().map(|it| &*it.package_base).collect::<Vec<_>>(), ["needed"]);
}

#[tokio::test]
async fn what_can_not_be_upgraded_is_held_back_and_the_rest_is_not() {
    let mut packages = vec![package("repo", "2").installed("1", false)];
    packages.extend(["young", "broken", "fine"].map(|name| built(here(name, "1-1"))));
    let system = System::new(packages);
    let time = NOW - 60;
    system.site.add("young", &format!(r#""Version":"2-1","LastModified":{time}"#));
    system.site.add("broken", r#""Version":"2-1","Depends":["nowhere"]"#);
    system.site.add("fine", r#""Version":"2-1""#);
    let plan = system.upgrade().await;
    assert_eq!(names(&plan).iter().map(|it| it.0).collect::<Vec<_>>(), ["fine", "repo"]);
    let held: Vec<_> =
        plan.held_back.iter().map(|it| (&*it.name, &*it.candidate_version, &*it.why)).collect();
    assert_eq!(
        held,
        [
            ("broken", "2-1", "'broken' depends on 'nowhere', which nothing provides"),
            (
                "young",
                "2-1",
                "the recipe of young was changed 60 seconds ago: hardly anybody can have looked at it"
            ),
        ]
    );
    let mut change = Change::new(Operation::Upgrade, Vec::<String>::new());
    change.options.min_age_s = Some(0);
    let plan = system.plan(change).await.unwrap();
    assert!(find(&plan, "young").action == Action::Upgrade && says(&plan, "young was changed"));
    // Also where everything could be resolved together.
    system.site.server.remove("broken");
    system.site.pass(100);
    let plan = system.upgrade().await;
    assert_eq!(names(&plan).iter().map(|it| it.0).collect::<Vec<_>>(), ["fine", "repo"]);
    let held: Vec<_> = plan.held_back.iter().map(|it| &*it.name).collect();
    assert_eq!(held, ["young"]);
    // Two that don't fit together stay, and the rest of the system goes on.
    system.site.add("fine", r#""Version":"2-1","Conflicts":["young"]"#);
    system.site.pass(9 * DAY);
    let plan = system.upgrade().await;
    assert_eq!(names(&plan), [("repo", Source::Apt, Action::Upgrade)]);
    let held: Vec<_> = plan.held_back.iter().map(|it| &*it.name).collect();
    assert_eq!(held, ["fine", "young"]);
}

#[tokio::test]
async fn upgrades_go_on_without_the_aur() {
    let system =
        System::new([package("repo", "2").installed("1", false), built(here("mine", "1-1"))]);
    system.site.add("mine", r#""Version":"2-1""#);
    system.unplug();
    let plan = system.upgrade().await;
    assert_eq!(names(&plan), [("repo", Source::Apt, Action::Upgrade)]);
    assert!(says(&plan, "packages of the AUR are left as they are: the AUR can't be reached"));
    system.site.server.set_mishap(None);
    system.site.pass(3600);
    system.both.refresh().await.unwrap();
    system.unplug();
    system.site.pass(2 * DAY);
    let plan = system.upgrade().await;
    assert_eq!(find(&plan, "mine").action, Action::Upgrade);
    assert!(says(&plan, "what is known of the AUR is 2 days old"), "{:?}", plan.warnings);
    // A change of the system is seen.
    system.fake.change_installed(|packages| {
        packages.get_mut("mine").unwrap().installed = Some("2-1".into());
    });
    assert_eq!(names(&system.upgrade().await), [("repo", Source::Apt, Action::Upgrade)]);
}

#[tokio::test]
async fn recipes_are_reviewed_by_the_name_of_a_package_or_of_the_recipe() {
    let system = System::new([]);
    let commit = system.world.commit(
        "suite",
        &[("PKGBUILD", "pkgname=suite-app\npkgver=1\n"), (".SRCINFO", "pkgbase = suite\n")],
    );
    system.site.add("suite-app", r#""PackageBase":"suite","Maintainer":"somebody""#);
    let review = system.both.review("suite-app").await.unwrap();
    assert_eq!((&*review.package_base, &*review.to), ("suite", commit.as_str()));
    assert_eq!(system.both.review("suite").await.unwrap_err().code, Code::NotFound);
    system.both.refresh().await.unwrap();
    assert_eq!(system.both.review("suite").await.unwrap().package_base, "suite");
    system.both.accept("suite", commit.as_str()).await.unwrap();
    let again = system.both.review("suite-app").await.unwrap();
    assert_eq!(again.from.as_deref(), Some(commit.as_str()));
    let unknown = "0".repeat(40);
    assert_eq!(system.both.accept("suite", &unknown).await.unwrap_err().code, Code::NotFound);
}
