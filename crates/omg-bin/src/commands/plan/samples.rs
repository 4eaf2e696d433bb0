//! Plans for the tests of what they look like.

use omg_core::{
    Action, Build, HeldBack, OptionalDependency, Plan, Planned, ProviderChoice, Reason, Source,
};

/// A change of a Debian package.
pub(crate) fn planned(action: Action, name: &str) -> Planned {
    let comes = !matches!(action, Action::Remove | Action::Purge);
    Planned {
        action,
        name: name.into(),
        architecture: "amd64".into(),
        old_version: (action != Action::Install).then(|| "1.0-1".into()),
        new_version: comes.then(|| "1.0-2".into()),
        source: Source::Apt,
        repository: if comes { "bookworm/main".into() } else { String::new() },
        reason: Reason::Requested,
        automatic: false,
        download_size: if comes { 1_500_000 } else { 0 },
        installed_size_delta: if comes { 4_000_000 } else { -1_200_000 },
        sha256: None,
        grade: None,
    }
}

/// Installs, upgrades, replaces; keeps something back.
pub(crate) fn apt() -> Plan {
    let new = |name: &str, version: &str, reason| Planned {
        new_version: Some(version.into()),
        reason,
        ..planned(Action::Install, name)
    };
    let mut plan = Plan {
        changes: vec![
            new("vim", "2:9.0.1378-2", Reason::Requested),
            Planned {
                architecture: "all".into(),
                ..new("vim-runtime", "2:9.0.1378-2", Reason::Dependency("vim".into()))
            },
            Planned {
                architecture: "i386".into(),
                ..new("libgpm2", "1.20.7-10+b1", Reason::Dependency("vim".into()))
            },
            Planned {
                old_version: Some("1.6-2.1+deb12u1".into()),
                new_version: Some("1.6-2.1+deb12u3".into()),
                repository: "bookworm-security/main".into(),
                reason: Reason::Newer,
                ..planned(Action::Upgrade, "jq")
            },
            planned(Action::Remove, "exim4-base"),
            Planned {
                reason: Reason::Conflict("postfix".into()),
                ..planned(Action::Purge, "exim4-daemon-light")
            },
            Planned { reason: Reason::Unknown, ..planned(Action::Reinstall, "dash") },
            planned(Action::Downgrade, "nano"),
        ],
        held_back: vec![HeldBack {
            name: "linux-image-amd64".into(),
            architecture: "amd64".into(),
            installed_version: "6.1.140-1".into(),
            candidate_version: "6.1.148-1".into(),
            why: "needs new packages".into(),
        }],
        providers: vec![ProviderChoice {
            wanted: "mail-transport-agent".into(),
            wanted_by: "mutt".into(),
            chosen: "postfix".into(),
            options: vec!["postfix".into(), "exim4-daemon-light".into(), "nullmailer".into()],
        }],
        optional: (0..12)
            .map(|at| OptionalDependency {
                package: "vim".into(),
                wanted: format!("plugin-{at:02}"),
                description: if at % 2 == 0 {
                    "syntax of many languages".into()
                } else {
                    String::new()
                },
                satisfied: at == 3,
            })
            .collect(),
        unneeded: vec!["libonig5".into(), "libjq1".into()],
        warnings: vec!["the lists of bookworm-security are 40 days old".into()],
        ..Plan::default()
    };
    plan.sort();
    plan
}

/// Something from a repository and something to build.
pub(crate) fn arch() -> Plan {
    let go = Planned {
        architecture: "x86_64".into(),
        source: Source::Alpm,
        repository: "extra".into(),
        new_version: Some("2:1.19.1-1".into()),
        ..planned(Action::Install, "go")
    };
    let yay = Planned {
        source: Source::Aur,
        repository: "aur".into(),
        new_version: Some("11.3.0-1".into()),
        name: "yay".into(),
        download_size: 0,
        installed_size_delta: 0,
        ..go.clone()
    };
    Plan {
        changes: vec![go, yay],
        builds: vec![Build {
            package_base: "yay".into(),
            version: "11.3.0-1".into(),
            packages: vec!["yay".into()],
            maintainer: Some("jguer".into()),
            votes: 2143,
            last_modified: 1_000_000,
            out_of_date: Some(1_086_400),
            make_depends: vec!["go".into(), "git".into()],
            check_depends: Vec::new(),
        }],
        ..Plan::default()
    }
}
