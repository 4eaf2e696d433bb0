//! Policies as files, and what they forbid.
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail by panicking")]

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use omg_core::{Action, Code, Fault, Grade, Source};
use omg_policy::{Actor, Error, Policy, SYSTEM_PATH, Subject, Verb, Verdict};
use proptest::prelude::*;

fn policy(text: &str) -> Policy {
    Policy::parse("policy.toml", text).unwrap()
}

fn comes(name: &str) -> Subject {
    Subject {
        action: Some(Action::Install),
        origin: Some(Source::Apt),
        repository: "bookworm/main".into(),
        url: Some("https://deb.debian.org/debian/pool/x.deb".into()),
        grade: Some(Grade::Verified),
        signed: Some(true),
        ..Subject::named(name)
    }
}

/// The rules that refuse it.
fn refused(text: &str, subject: &Subject) -> Vec<&'static str> {
    let actor = Actor { uid: 1000, name: Some("ada".into()), groups: vec!["staff".into()] };
    let findings = policy(text).judge(subject, &actor);
    findings.iter().filter(|finding| finding.denies()).map(|finding| finding.rule).collect()
}

type Case = (&'static str, &'static str, fn(&mut Subject));

/// A rule, its text, and what makes a good subject a bad one.
const RULES: &[Case] = &[
    ("packages.ban", "[packages]\nban = [\"telnet*\"]", |it| it.name = "telnetd".into()),
    ("packages.require", "[packages]\nrequire = [\"vi?\"]", |it| it.action = Some(Action::Purge)),
    ("repositories.allow", "[repositories]\nallow = [\"bookworm/*\"]", |it| {
        it.repository = "sid/main".into();
    }),
    ("repositories.deny", "[repositories]\ndeny = [\"sid/*\"]", |it| {
        it.repository = "sid/main".into();
    }),
    ("repositories.mirrors", "[repositories]\nmirrors = [\"https://deb.debian.org/*\"]", |it| {
        it.url = Some("https://evil.example/debian/x.deb".into());
    }),
    ("grade.minimum", "[grade]\nminimum = \"verified\"", |it| it.grade = Some(Grade::Community)),
    ("grade.minimum", "[grade]\nminimum = \"community\"", |it| it.grade = None),
    ("signatures.required", "[signatures]\nrequired = true", |it| it.signed = Some(false)),
    ("signatures.required", "[signatures]\nrequired = true", |it| it.signed = None),
    ("who", "[who]\ninstall = [\"@staff\"]\nremove = [\"root\"]", |it| {
        it.action = Some(Action::Remove);
    }),
    ("licenses.allow", "[licenses]\ndeny = [\"AGPL*\"]", |it| {
        it.licenses = Some(vec!["MIT".into(), "AGPL-3.0-only".into()]);
    }),
    ("aur.allow", "[aur]\nallow = false", |it| it.origin = Some(Source::Aur)),
];

#[test]
fn each_rule_refuses_what_it_is_about_and_nothing_else() {
    for (rule, text, spoil) in RULES {
        let mut subject = comes("vim");
        assert_eq!(refused(text, &subject), Vec::<&str>::new(), "{text}");
        spoil(&mut subject);
        assert_eq!(refused(text, &subject), [*rule], "{text}");
        assert_eq!(refused("", &subject), Vec::<&str>::new());
    }
}

#[test]
fn what_is_not_known_is_said_and_refused_only_where_the_policy_says_so() {
    let subject = comes("vim");
    let actor = Actor::uid(0);
    for (rule, section) in [
        ("age.minimum", "age]\nminimum = \"3d\""),
        ("licenses.allow", "licenses]\nallow = [\"MIT\"]"),
    ] {
        let lax = policy(&format!("[{section}")).judge(&subject, &actor);
        assert_eq!((lax[0].rule, lax[0].verdict), (rule, Verdict::Unknown));
        let strict = policy(&format!("[{section}\nunknown = \"deny\"")).judge(&subject, &actor);
        assert_eq!((strict[0].rule, strict[0].verdict), (rule, Verdict::Deny));
    }
    let old = Subject { age_s: Some(259_200), ..comes("vim") };
    let young = Subject { age_s: Some(259_199), ..comes("vim") };
    assert!(refused("[age]\nminimum = \"3d\"", &old).is_empty());
    assert_eq!(refused("[age]\nminimum = \"3d\"", &young), ["age.minimum"]);
}

#[test]
fn two_files_must_both_be_met() {
    let system = policy("[packages]\nban = [\"a\"]\n[grade]\nminimum = \"verified\"");
    let user = policy("[packages]\nban = [\"b\"]\n[grade]\nminimum = \"risk\"");
    let both = system.and(user);
    let denies =
        |subject: &Subject| both.admit(std::slice::from_ref(subject), &Actor::uid(0)).is_err();
    assert!(denies(&comes("a")) && denies(&comes("b")) && !denies(&comes("c")));
    assert!(
        denies(&Subject { grade: Some(Grade::Community), ..comes("c") }),
        "a user's file loosens nothing"
    );
}

#[test]
fn a_refusal_names_package_rule_and_place() {
    let policy = policy("\n[packages]\nban = [\"telnet*\"]\n[who]\nsync = [\"0\"]\n");
    let fault: Fault = policy.admit(&[comes("vim"), comes("telnetd")], &Actor::uid(0)).unwrap_err();
    assert_eq!((fault.code, fault.code.exit()), (Code::Policy, 9));
    assert_eq!(
        fault.cause,
        ["telnetd: telnetd is banned by 'telnet*' (packages.ban, policy.toml:3)"]
    );
    assert!(policy.admit_verb(Verb::Sync, &Actor::uid(0)).is_ok());
    assert_eq!(policy.admit_verb(Verb::Sync, &Actor::uid(5)).unwrap_err().code, Code::Policy);
    assert!(policy.admit_verb(Verb::Clean, &Actor::uid(5)).is_ok());
}

#[test]
fn without_the_check_what_is_banned_passes() {
    let admitted = || {
        let policy = policy("[packages]\nban = [\"telnet*\"]\n");
        policy.admit(&[comes("telnetd")], &Actor::uid(0)).is_ok()
    };
    if std::env::var_os("OMG_WEAKEN").is_some() {
        assert!(admitted(), "it is refused without the check, too");
        return;
    }
    assert!(!admitted());
    let weakened = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "without_the_check_what_is_banned_passes"])
        .env("OMG_WEAKEN", "policy")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&weakened.stdout);
    assert!(weakened.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn what_is_misspelt_is_named_with_its_line() {
    for (text, line, word) in [
        ("[packages]\nbann = []\n", 2, "bann"),
        ("[grade]\n\nminimum = \"best\"\n", 3, "verified"),
        ("[age]\nminimum = \"3\"\n", 2, "3d"),
        ("[who]\ninstal = [\"*\"]\n", 2, "instal"),
        ("version = 2\n", 1, "2"),
        ("[x\n", 1, ""),
    ] {
        match Policy::parse("policy.toml", text) {
            Err(Error::Malformed { line: at, what, .. }) => {
                assert_eq!(at, line, "{text}: {what}");
                assert!(what.contains(word), "{text}: {what}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn only_its_owner_may_be_able_to_write_it() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join(SYSTEM_PATH);
    let ours = rustix::process::geteuid().as_raw();
    assert_eq!(Policy::system(root.path(), ours).unwrap(), Policy::default());
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, "[aur]\nallow = false\n").unwrap();
    let mode = |mode| std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
    mode(0o644);
    assert!(!Policy::system(root.path(), ours).unwrap().is_empty());
    for wrong in [0o664, 0o646] {
        mode(wrong);
        assert!(matches!(Policy::system(root.path(), ours), Err(Error::Owner { .. })));
    }
    mode(0o644);
    if ours != 0 {
        assert!(matches!(Policy::system(root.path(), ours + 1), Err(Error::Owner { .. })));
    }
    std::fs::rename(&path, root.path().join("elsewhere")).unwrap();
    symlink(root.path().join("elsewhere"), &path).unwrap();
    assert!(Policy::system(root.path(), ours).is_err(), "a link is no policy");
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "#".repeat(300 * 1024)).unwrap();
    mode(0o644);
    assert!(matches!(Policy::read(Path::new(&path), ours), Err(Error::Limit { .. })));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,400}") {
        let _ = Policy::parse("policy.toml", &text);
    }

    #[test]
    fn a_second_file_never_allows_more(
        system in prop::sample::subsequence(RULES, 0..RULES.len()),
        user in prop::sample::subsequence(RULES, 0..RULES.len()),
        spoiled in 0..RULES.len(),
    ) {
        // A section may stand once in a file: one rule a file, then.
        let all = |rules: &[Case]| rules.iter().fold(Policy::default(), |all, (_, text, _)| all.and(policy(text)));
        let mut subject = comes("vim");
        RULES[spoiled].2(&mut subject);
        let actor = Actor::uid(7);
        let alone = all(&system).admit(std::slice::from_ref(&subject), &actor);
        let both = all(&system).and(all(&user)).admit(std::slice::from_ref(&subject), &actor);
        prop_assert!(both.is_err() || alone.is_ok());
    }
}
