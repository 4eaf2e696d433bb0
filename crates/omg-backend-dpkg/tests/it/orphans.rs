//! Orphans of made-up and other machines, against `apt-get -s autoremove`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use omg_backend_dpkg::status::{self, Settings};
use omg_backend_dpkg::{AutoRemove, running_kernel};

use crate::oracle;

/// A machine in a temporary directory.
struct Machine {
    settings: Settings,
    options: Vec<String>,
    config: PathBuf,
    _dir: Option<tempfile::TempDir>,
}

impl Machine {
    fn new(root: &Path, native: &str, foreign: &[&str]) -> Self {
        for dir in ["var/lib/dpkg", "var/lib/apt", "nothing/partial", "etc"] {
            fs::create_dir_all(root.join(dir)).unwrap();
        }
        let mut settings = Settings::new(root, native);
        settings.foreign = foreign.iter().map(|name| (*name).to_owned()).collect();
        settings.autoremove = AutoRemove {
            never: vec!["^firmware-linux.*".into(), "ker$".into(), "(bad".into()],
            versioned_kernels: vec!["linux-.*".into(), ".*-modules".into()],
            running_kernel: running_kernel(),
            ..AutoRemove::default()
        };
        let place = |name: &str| root.join(name).display().to_string();
        let mut options = vec![
            format!("Dir::State::status={}", place("var/lib/dpkg/status")),
            format!("Dir::State::extended_states={}", place("var/lib/apt/extended_states")),
            format!("Dir::State::lists={}", place("nothing")),
            format!("Dir::Cache={}", place("nothing")),
            format!("APT::Architecture={native}"),
            format!("APT::Architectures::={native}"),
            "pkgCacheGen::ForceEssential::=apt".to_owned(),
        ];
        options.extend(foreign.iter().map(|name| format!("APT::Architectures::={name}")));
        let config = root.join("etc/first.conf");
        fs::write(&config, format!("Dir::Etc \"{}\";\n", place("etc"))).unwrap();
        Self { settings, options, config, _dir: None }
    }

    fn made_up(status: &str, automatic: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let machine = Self::new(dir.path(), "amd64", &["i386"]);
        fs::write(dir.path().join("var/lib/dpkg/status"), status).unwrap();
        let marks: String = automatic
            .split_whitespace()
            .map(|name| {
                let (name, architecture) = name.split_once(':').unwrap_or((name, "amd64"));
                format!("Package: {name}\nArchitecture: {architecture}\nAuto-Installed: 1\n\n")
            })
            .collect();
        fs::write(&machine.settings.extended_states, marks).unwrap();
        Self { _dir: Some(dir), ..machine }
    }

    fn ours(&self) -> BTreeSet<String> {
        let installed = status::read(&self.settings).unwrap();
        let orphans = installed.packages.iter().filter(|package| package.orphan);
        orphans
            .map(|package| match &*package.architecture {
                "all" => package.name.to_string(),
                name if name == self.settings.native => package.name.to_string(),
                name => format!("{}:{name}", package.name),
            })
            .collect()
    }

    /// apt's answer; `None` if it isn't there or refuses the machine as broken.
    fn theirs(&self) -> Option<BTreeSet<String>> {
        let mut command = Command::new("apt-get");
        // Its first configuration says that there is no other.
        command
            .env("APT_CONFIG", &self.config)
            .env("LC_ALL", "C")
            .env_remove("SOURCE_DATE_EPOCH")
            .arg("-s");
        for option in &self.options {
            command.arg("-o").arg(option);
        }
        let rules = &self.settings.autoremove;
        let lists = [
            ("APT::NeverAutoRemove", &rules.never),
            ("APT::VersionedKernelPackages", &rules.versioned_kernels),
        ];
        for (name, values) in lists {
            for value in values.iter().filter(|value| *value != "(bad") {
                command.arg("-o").arg(format!("{name}::={value}"));
            }
        }
        command.arg("-o").arg(format!("APT::AutoRemove::SuggestsImportant={}", rules.suggests));
        command.arg("-o").arg(format!("APT::AutoRemove::RecommendsImportant={}", rules.recommends));
        let output = match command.arg("autoremove").stdin(Stdio::null()).output() {
            Ok(output) => output,
            Err(error) => {
                println!("skipped: apt-get can't be run: {error}");
                return None;
            }
        };
        if !output.status.success() {
            println!(
                "apt refuses: {}",
                String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or("")
            );
            return None;
        }
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let removed = text.lines().filter_map(|line| line.strip_prefix("Remv ")?.split(' ').next());
        Some(removed.map(str::to_owned).collect())
    }

    #[track_caller]
    fn agree(&self, about: &str) -> Option<BTreeSet<String>> {
        let theirs = self.theirs()?;
        let ours = self.ours();
        oracle::assert_same(ours.clone(), theirs, about);
        Some(ours)
    }
}

/// Records out of lines `name architecture version ; Field: value ; …`.
fn status(lines: &str) -> String {
    let mut text = String::new();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut parts = line.split(" ; ");
        let head: Vec<&str> = parts.next().unwrap().split_whitespace().collect();
        let (name, architecture, version) = (head[0], head[1], head[2]);
        let _ = write!(
            text,
            "Package: {name}\nStatus: install ok installed\nPriority: optional\nSection: misc\nMaintainer: x <x@x>\n"
        );
        let _ = write!(text, "Architecture: {architecture}\nVersion: {version}\n");
        let fields: String = parts.map(|field| format!("{field}\n")).collect();
        let _ = write!(text, "{fields}Description: x\n\n");
        if let Some(at) = fields.find("Status: ") {
            let words = fields[at..].lines().next().unwrap();
            text = text.replacen(&format!("{words}\n"), "", 1);
            let last = text.rfind("Status: install ok installed").unwrap();
            text.replace_range(last..last + "Status: install ok installed".len(), words);
        }
    }
    text
}

#[test]
fn dependencies_of_every_kind_keep() {
    let status = status(
        "top amd64 1 ; Depends: need (>= 1), a | b, virt (= 3) ; Pre-Depends: pre ; Recommends: rec, toonew (>= 9) ; Suggests: sug ; Enhances: enh
         need all 1
         pre amd64 1
         a amd64 1
         b amd64 1
         v1 amd64 1 ; Provides: virt (= 3)
         v2 amd64 1 ; Provides: virt (= 4)
         v3 amd64 1 ; Provides: virt
         rec amd64 1 ; Depends: deep
         deep amd64 1
         sug amd64 1
         enh amd64 1
         toonew amd64 1
         loop1 amd64 1 ; Depends: loop2
         loop2 amd64 1 ; Depends: loop1
         held amd64 1 ; Status: hold ok installed ; Depends: byheld
         byheld amd64 1
         ess amd64 1 ; Essential: yes
         prot amd64 1 ; Protected: yes
         imp amd64 1 ; Important: yes
         apt amd64 1
         firmware-linux-free all 1
         maker amd64 1
         half amd64 1 ; Status: install ok half-configured
         gone amd64 1 ; Status: deinstall ok config-files",
    );
    let automatic = "need pre a b v1 v2 v3 rec deep sug enh toonew loop1 loop2 held byheld ess prot imp apt firmware-linux-free maker half gone";
    let mut machine = Machine::made_up(&status, automatic);
    for (recommends, suggests) in [(true, true), (true, false), (false, true), (false, false)] {
        machine.settings.autoremove.recommends = recommends;
        machine.settings.autoremove.suggests = suggests;
        let ours = machine.ours();
        let expected = ["v2", "v3", "enh", "toonew", "loop1", "loop2"];
        assert!(expected.iter().all(|name| ours.contains(*name)), "{ours:?}");
        assert!(
            ![
                "need", "pre", "a", "b", "v1", "held", "byheld", "ess", "prot", "imp", "apt",
                "maker"
            ]
            .iter()
            .any(|name| ours.contains(*name)),
            "{ours:?}"
        );
        machine.agree(&format!("recommends {recommends}, suggests {suggests}"));
    }
}

#[test]
fn architectures_count_as_for_apt() {
    let status = status(
        "top amd64 1 ; Depends: same, tool, any:any, own:i386, nat:native, virtf, virtn
         same amd64 1 ; Multi-Arch: same
         same i386 1 ; Multi-Arch: same
         tool i386 1 ; Multi-Arch: foreign
         any i386 1 ; Multi-Arch: allowed
         own i386 1
         nat amd64 1
         pf i386 1 ; Multi-Arch: foreign ; Provides: virtf
         pn i386 1 ; Provides: virtn
         pn2 amd64 1 ; Provides: virtn
         strange riscv64 1 ; Depends: other
         other riscv64 1
         other2 all 1
         top32 i386 1 ; Depends: lib, onlyall
         lib amd64 1 ; Multi-Arch: same
         lib i386 1 ; Multi-Arch: same
         onlyall all 1 ; Multi-Arch: foreign",
    );
    let automatic = "same same:i386 tool:i386 any:i386 own:i386 nat pf:i386 pn:i386 pn2 other:riscv64 other2 lib lib:i386 onlyall";
    let machine = Machine::made_up(&status, automatic);
    let ours = machine.ours();
    assert!(
        ![
            "same",
            "tool:i386",
            "any:i386",
            "own:i386",
            "nat",
            "pf:i386",
            "pn2",
            "lib:i386",
            "onlyall"
        ]
        .iter()
        .any(|name| ours.contains(*name)),
        "{ours:?}"
    );
    assert!(
        ["same:i386", "pn:i386", "lib", "other2"].iter().all(|name| ours.contains(*name)),
        "{ours:?}"
    );
    machine.agree("architectures");
}

#[test]
fn only_the_latest_of_one_source_and_the_kernels_worth_keeping_stay() {
    let status = status(
        "top amd64 1 ; Depends: jre | old, kmod
         jre11 amd64 11 ; Source: java ; Provides: jre
         jre17 amd64 17 ; Source: java ; Provides: jre
         jre18 amd64 1 ; Source: java (18) ; Provides: jre
         gcj amd64 1 ; Provides: jre
         linux-image-5.10.0-1-amd64 amd64 5.10.1 ; Source: linux ; Provides: kmod
         linux-image-5.10.0-2-amd64 amd64 5.10.2 ; Source: linux ; Provides: kmod
         linux-image-5.10.0-3-amd64 amd64 5.10.3 ; Source: linux ; Provides: kmod
         linux-image-5.10.0-3-amd64-dbg amd64 5.10.3
         linux-headers-5.10.0-3-amd64 amd64 5.10.3
         linux-headers-5.10.0-1-amd64 amd64 5.10.3
         zfs-modules-5.10.0-2-amd64 amd64 1
         linux-image-amd64 amd64 5",
    );
    let automatic = "jre11 jre17 jre18 gcj linux-image-5.10.0-1-amd64 linux-image-5.10.0-2-amd64 linux-image-5.10.0-3-amd64 \
        linux-image-5.10.0-3-amd64-dbg linux-headers-5.10.0-3-amd64 linux-headers-5.10.0-1-amd64 zfs-modules-5.10.0-2-amd64 linux-image-amd64";
    let mut machine = Machine::made_up(&status, automatic);
    let ours = machine.ours();
    assert!(
        ["jre11", "jre17", "linux-image-5.10.0-1-amd64", "linux-headers-5.10.0-1-amd64"]
            .iter()
            .all(|name| ours.contains(*name)),
        "{ours:?}"
    );
    assert!(
        ![
            "jre18",
            "gcj",
            "linux-image-5.10.0-3-amd64",
            "linux-image-5.10.0-2-amd64",
            "zfs-modules-5.10.0-2-amd64"
        ]
        .iter()
        .any(|name| ours.contains(*name)),
        "{ours:?}"
    );
    machine.agree("kernels");
    machine.settings.autoremove.running_kernel = Some("5.10.0-1-amd64".to_owned());
    let ours = machine.ours();
    assert!(
        ours.contains("linux-image-5.10.0-2-amd64") && !ours.contains("linux-image-5.10.0-1-amd64"),
        "{ours:?}"
    );
    machine.settings.autoremove.protect_kernels = false;
    assert!(machine.ours().contains("linux-headers-5.10.0-3-amd64"));
}

#[test]
fn orphans_of_other_machines_are_apts() {
    let Some(dir) = oracle::unpack("debian/roots.tar.gz") else { return };
    let native = [
        ("bullseye-web", "amd64"),
        ("raspbian-car", "armhf"),
        ("riscv64", "riscv64"),
        ("proxmox", "amd64"),
        ("ubuntu-precise-or-bionic", "arm64"),
    ];
    for (name, native) in native {
        let mut machine = Machine::new(&dir.path().join(name), native, &[]);
        for suggests in [true, false] {
            machine.settings.autoremove.suggests = suggests;
            let found = machine.agree(name).map(|orphans| orphans.len());
            println!("{name}: {found:?} orphans");
        }
    }
}

/// Numbers from a fixed seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }

    fn one_of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }

    /// A field with up to two items, each with one of the packages before number `at`.
    fn relation(&mut self, field: &str, at: usize, qualifiers: &[&str]) -> String {
        let items: Vec<String> = (0..=self.below(2))
            .map(|_| {
                let qualifier = self.one_of(qualifiers);
                // What version a provided name has for another architecture is a matter of the
                // order in which apt reads.
                let bound = if field == "Recommends" && qualifier.is_empty() && self.below(2) == 0 {
                    format!(" (>= {})", 1 + self.below(4))
                } else {
                    String::new()
                };
                let other = self.one_of(&["", " | v1", " | v2 (= 2)", " | none"]);
                format!("p{}{qualifier}{bound}{other}", self.below(at))
            })
            .collect();
        format!(" ; {field}: {}", items.join(", "))
    }

    /// The rest of a record.
    fn identity(&mut self) -> String {
        let mut fields = String::new();
        let provided = self.one_of(&["", "", "", "", "", "v1", "v2 (= 2)", "v1, v2 (= 1)", "p3"]);
        if !provided.is_empty() {
            let _ = write!(fields, " ; Provides: {provided}");
        }
        // Where a name and its provider have one source, apt's answer depends on its hash table.
        if provided != "p3" && self.below(3) == 0 {
            let _ = write!(fields, " ; Source: s{} ({})", self.below(3), self.below(3));
        }
        fields
    }
}

/// Runs rounds of random machines; `package` writes the lines of package number `at`.
fn judge(rounds: usize, mut package: impl FnMut(&mut Chance, usize) -> String) {
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let mut agreed = 0;
    for round in 0..rounds {
        let (mut lines, mut automatic) = (String::new(), String::new());
        for at in 0..40 {
            for line in package(&mut chance, at).lines() {
                let mut words = line.split(' ');
                let (name, architecture) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
                if chance.below(5) > 0 {
                    let _ = write!(automatic, "{name}:{} ", architecture.replace("all", "amd64"));
                }
                let _ = writeln!(lines, "{line}");
            }
        }
        let machine = Machine::made_up(&status(&lines), &automatic);
        if let Some(found) = machine.agree(&format!("round {round}\n{lines}")) {
            println!("round {round}: {} orphans", found.len());
            agreed += 1;
        }
    }
    println!("{agreed} of {rounds} rounds agreed");
}

#[test]
fn orphans_of_random_machines_are_apts() {
    judge(12, |chance, at| {
        let mut line =
            format!("p{at} {} {}", chance.one_of(&["amd64", "amd64", "all"]), 1 + chance.below(3));
        for (field, wanted) in
            [("Depends", 3), ("Recommends", 3), ("Suggests", 2), ("Pre-Depends", 1)]
        {
            if at > 0 && chance.below(6) < wanted {
                line.push_str(&chance.relation(field, at, &[""]));
            }
        }
        line + &chance.identity()
    });
}

#[test]
fn orphans_of_random_machines_of_several_architectures_are_apts() {
    judge(12, |chance, at| {
        let kind = chance.one_of(&["no", "foreign", "allowed", "same"]);
        let all: &[&str] = match (kind, chance.below(3)) {
            ("same", 0) => &["amd64", "i386"],
            ("same", _) | (_, 1) => &["i386"],
            (_, 0) => &["all"],
            _ => &["amd64"],
        };
        // Nothing else, so that no machine is broken.
        let mut fields = format!(" 1 ; Multi-Arch: {kind}");
        for field in ["Recommends", "Suggests"] {
            if at > 0 && chance.below(4) > 0 {
                fields.push_str(&chance.relation(field, at, &["", "", ":any", ":i386", ":native"]));
            }
        }
        fields.push_str(&chance.identity());
        all.iter().map(|architecture| format!("p{at} {architecture}{fields}\n")).collect()
    });
}
