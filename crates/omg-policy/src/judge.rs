//! One package, one person, every rule.

use omg_core::{Action, Grade, Source as Origin};

use crate::file::Unknown;
use crate::load::Source;
use crate::pattern::matches;
use crate::{Policy, Rules};

/// What somebody wants to do, as `[who]` names it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Verb {
    /// Have something that is not here.
    Install,
    /// Have something no longer.
    Remove,
    /// Have another version.
    Upgrade,
    /// Put fetched lists into place.
    Sync,
    /// Say whether packages are wanted for themselves.
    Mark,
    /// Keep packages, or let them go.
    Hold,
    /// Empty the cache.
    Clean,
    /// Repair.
    Recover,
    /// Build a recipe.
    Build,
}

impl Verb {
    /// Its word in `[who]`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Remove => "remove",
            Self::Upgrade => "upgrade",
            Self::Sync => "sync",
            Self::Mark => "mark",
            Self::Hold => "hold",
            Self::Clean => "clean",
            Self::Recover => "recover",
            Self::Build => "build",
        }
    }

    /// What an action of a plan is.
    pub fn of(action: Action) -> Self {
        match action {
            Action::Install | Action::Reinstall => Self::Install,
            Action::Upgrade | Action::Downgrade => Self::Upgrade,
            Action::Remove | Action::Purge => Self::Remove,
        }
    }
}

/// Who wants it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Actor {
    /// Real user, before any elevation.
    pub uid: u32,
    /// Name, where the user database has one.
    pub name: Option<String>,
    /// Names of all groups.
    pub groups: Vec<String>,
}

impl Actor {
    /// Somebody of whom nothing but the number is known.
    pub fn uid(uid: u32) -> Self {
        Self { uid, ..Self::default() }
    }

    fn is(&self, who: &str) -> bool {
        match who.strip_prefix('@') {
            Some(group) => self.groups.iter().any(|it| it == group),
            None => {
                who == "*"
                    || self.name.as_deref() == Some(who)
                    || who.parse::<u32>().is_ok_and(|uid| uid == self.uid)
            }
        }
    }
}

/// What is to be judged, with all that is known of it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Subject {
    /// Name.
    pub name: String,
    /// What happens to it; `None` where only its being installed is asked about.
    pub action: Option<Action>,
    /// Kind of origin.
    pub origin: Option<Origin>,
    /// Repository, as plans have it.
    pub repository: String,
    /// Where it is fetched from, where that is known.
    pub url: Option<String>,
    /// How well its origin is verified.
    pub grade: Option<Grade>,
    /// Seconds since this version was published.
    pub age_s: Option<u64>,
    /// Licences; `None` where they are not known.
    pub licenses: Option<Vec<String>>,
    /// Is it, or the list that has its digest, signed, and was that verified?
    pub signed: Option<bool>,
    /// Was a post-quantum signature verified, too?
    pub post_quantum: bool,
}

impl Subject {
    /// A package of which only the name is known.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    fn comes(&self) -> bool {
        !matches!(self.action, Some(Action::Remove | Action::Purge))
    }
}

/// What a rule says.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Verdict {
    /// It passes.
    Allow,
    /// What the rule asks for is not known, and the rule lets that pass.
    Unknown,
    /// It is refused.
    Deny,
}

/// One rule's verdict.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The rule: `packages.ban`.
    pub rule: &'static str,
    /// What it says.
    pub verdict: Verdict,
    /// Why, one line.
    pub why: String,
    /// File and line of the rule.
    pub place: String,
}

impl Finding {
    /// Is the subject refused?
    pub fn denies(&self) -> bool {
        self.verdict == Verdict::Deny
    }
}

impl Policy {
    /// What every rule that is about such a subject says of it.
    pub fn judge(&self, subject: &Subject, actor: &Actor) -> Vec<Finding> {
        let mut findings = Vec::new();
        for file in &self.files {
            let mut court = Court { file, findings: &mut findings };
            if let Some(action) = subject.action {
                court.person(Verb::of(action), actor);
            }
            if subject.origin == Some(Origin::Aur) && subject.comes() {
                court.person(Verb::Build, actor);
                court.aur();
            }
            court.names(subject);
            if subject.comes() {
                court.origin(subject);
                court.trust(subject);
                court.age(subject);
                court.licenses(subject);
            }
        }
        findings
    }

    /// May this person do this at all?
    pub fn permits(&self, verb: Verb, actor: &Actor) -> Vec<Finding> {
        let mut findings = Vec::new();
        for file in &self.files {
            Court { file, findings: &mut findings }.person(verb, actor);
        }
        findings
    }
}

/// One file's rules at work.
struct Court<'a> {
    file: &'a Source,
    findings: &'a mut Vec<Finding>,
}

impl<'a> Court<'a> {
    fn rules(&self) -> &'a Rules {
        &self.file.rules
    }

    fn say(&mut self, rule: &'static str, verdict: Verdict, why: impl Into<String>) {
        let place = format!("{}:{}", self.file.path.display(), self.file.line(rule));
        self.findings.push(Finding { rule, verdict, why: why.into(), place });
    }

    fn pass(&mut self, rule: &'static str, passes: bool, why: impl Into<String>) {
        self.say(rule, if passes { Verdict::Allow } else { Verdict::Deny }, why);
    }

    /// `None` is what is not known.
    fn known(&mut self, rule: &'static str, passes: Option<bool>, or: Unknown, why: String) {
        match (passes, or) {
            (Some(passes), _) => self.pass(rule, passes, why),
            (None, Unknown::Allow) => self.say(rule, Verdict::Unknown, why),
            (None, Unknown::Deny) => self.say(rule, Verdict::Deny, why),
        }
    }

    fn person(&mut self, verb: Verb, actor: &Actor) {
        let Some(list) = self.rules().who.get(verb.as_str()) else { return };
        let may = list.iter().any(|who| actor.is(who));
        let name = actor.name.clone().unwrap_or_else(|| format!("user {}", actor.uid));
        let not = if may { "may" } else { "may not" };
        self.pass("who", may, format!("{name} {not} {}", verb.as_str()));
    }

    fn names(&mut self, subject: &Subject) {
        let name = &subject.name;
        let packages = &self.rules().packages;
        let banned = packages.ban.iter().find(|pattern| matches(pattern, name));
        if !packages.ban.is_empty() && subject.comes() {
            let why = match banned {
                Some(pattern) => format!("{name} is banned by '{pattern}'"),
                None => format!("{name} is not banned"),
            };
            self.pass("packages.ban", banned.is_none(), why);
        }
        let required = packages.require.iter().find(|pattern| matches(pattern, name));
        if let (Some(pattern), false) = (required, subject.comes()) {
            self.pass("packages.require", false, format!("{name} is required by '{pattern}'"));
        }
    }

    fn origin(&mut self, subject: &Subject) {
        let repository = &*subject.repository;
        let rules = &self.rules().repositories;
        if let Some(allowed) = &rules.allow {
            let fits = allowed.iter().any(|pattern| matches(pattern, repository));
            let not = if fits { "is" } else { "is not" };
            self.pass("repositories.allow", fits, format!("'{repository}' {not} allowed"));
        }
        if let Some(pattern) = rules.deny.iter().find(|pattern| matches(pattern, repository)) {
            let why = format!("'{repository}' is denied by '{pattern}'");
            self.pass("repositories.deny", false, why);
        }
        if let (Some(mirrors), Some(url)) = (&rules.mirrors, &subject.url) {
            let fits = mirrors.iter().any(|pattern| matches(pattern, url));
            let not = if fits { "is" } else { "is not" };
            self.pass("repositories.mirrors", fits, format!("{url} {not} at an allowed mirror"));
        }
    }

    fn trust(&mut self, subject: &Subject) {
        if let Some(least) = self.rules().grade.minimum {
            let grade = subject.grade;
            let why = match grade {
                Some(grade) => format!("grade {grade}, at least {least} is asked for"),
                None => format!("no grade is known, at least {least} is asked for"),
            };
            self.known("grade.minimum", grade.map(|it| it >= least), Unknown::Deny, why);
        }
        let rules = self.rules().signatures;
        if rules.required {
            let why = match subject.signed {
                Some(true) => "a good signature vouches for it",
                Some(false) => "no signature vouches for it",
                None => "it is not known whether a signature vouches for it",
            };
            self.known("signatures.required", subject.signed, Unknown::Deny, why.to_owned());
        }
        if rules.post_quantum {
            let why = if subject.post_quantum {
                "a post-quantum signature was verified, too"
            } else {
                "no post-quantum signature was verified"
            };
            self.pass("signatures.post_quantum", subject.post_quantum, why);
        }
    }

    fn age(&mut self, subject: &Subject) {
        let rules = self.rules().age;
        let Some(least) = rules.minimum else { return };
        let why = match subject.age_s {
            Some(age) => format!("is {age} s old, at least {least} s are asked for"),
            None => "its age is not known".to_owned(),
        };
        let passes = subject.age_s.map(|age| age >= least);
        self.known("age.minimum", passes, rules.unknown, why);
    }

    fn licenses(&mut self, subject: &Subject) {
        let rules = &self.rules().licenses;
        if rules.allow.is_none() && rules.deny.is_empty() {
            return;
        }
        let any = |patterns: &[String], license: &str| {
            patterns.iter().any(|pattern| matches(pattern, license))
        };
        let Some(licenses) = subject.licenses.as_ref().filter(|all| !all.is_empty()) else {
            let why = "its licence is not known".to_owned();
            return self.known("licenses.allow", None, rules.unknown, why);
        };
        let wrong = licenses.iter().find(|license| {
            any(&rules.deny, license)
                || rules.allow.as_ref().is_some_and(|allowed| !any(allowed, license))
        });
        let why = match wrong {
            Some(license) => format!("licence '{license}' is not allowed"),
            None => format!("licences {} are allowed", licenses.join(", ")),
        };
        self.pass("licenses.allow", wrong.is_none(), why);
    }

    fn aur(&mut self) {
        if !self.rules().aur.allow {
            self.pass("aur.allow", false, "recipes of the AUR are not allowed");
        }
    }
}
