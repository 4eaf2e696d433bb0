//! pacman.conf, against pacman-conf.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use omg_backend_alpm::conf::{Check, Conf, FLAGS, SigLevel, Usage, Verify};

use crate::oracle;

/// A configuration as pacman-conf prints it.
fn printed(conf: &Conf) -> String {
    let mut text = String::from("[options]\n");
    let mut line = |key: &str, value: &str| text.push_str(&format!("{key} = {value}\n"));
    let settings = &conf.settings;
    line("RootDir", conf.root.to_str().unwrap());
    line("DBPath", conf.db_path.to_str().unwrap());
    conf.cache_dirs.iter().for_each(|one| line("CacheDir", one.to_str().unwrap()));
    conf.hook_dirs.iter().for_each(|one| line("HookDir", one.to_str().unwrap()));
    line("GPGDir", conf.gpg_dir.to_str().unwrap());
    line("LogFile", conf.log_file.to_str().unwrap());
    for (key, values) in [
        ("HoldPkg", &conf.hold_pkg),
        ("IgnorePkg", &conf.ignore_pkg),
        ("IgnoreGroup", &conf.ignore_group),
        ("NoUpgrade", &settings.no_upgrade),
        ("NoExtract", &settings.no_extract),
        ("Architecture", &conf.architectures),
    ] {
        for value in values {
            line(key, value);
        }
    }
    settings.xfer_command.iter().for_each(|value| line("XferCommand", value));
    for flag in FLAGS.into_iter().filter(|flag| settings.has(flag)) {
        text.push_str(&format!("{flag}\n"));
    }
    let mut line = |key: &str, value: &str| text.push_str(&format!("{key} = {value}\n"));
    line("ParallelDownloads", &settings.parallel_downloads.to_string());
    let installed = ["KeepInstalled".to_owned()];
    let methods =
        if settings.clean_method.is_empty() { &installed[..] } else { &settings.clean_method };
    for method in methods {
        line("CleanMethod", method);
    }
    let SigLevel { package, database } = conf.sig_level;
    level(&mut text, "SigLevel", &[("Package", package), ("Database", database)]);
    // Of files pacman-conf says only what holds for packages.
    level(&mut text, "LocalFileSigLevel", &[("Package", conf.local_file_sig_level.package)]);
    level(&mut text, "RemoteFileSigLevel", &[("Package", conf.remote_file_sig_level.package)]);
    for repository in &conf.repositories {
        text.push_str(&format!("[{}]\n", repository.name));
        for word in usage(repository.usage) {
            text.push_str(&format!("Usage = {word}\n"));
        }
        let SigLevel { package, database } = repository.sig_level;
        level(&mut text, "SigLevel", &[("Package", package), ("Database", database)]);
        for server in &repository.servers {
            text.push_str(&format!("Server = {server}\n"));
        }
    }
    text
}

fn usage(usage: Usage) -> Vec<&'static str> {
    if usage == Usage::ALL {
        return vec!["All"];
    }
    let all = [
        (usage.sync, "Sync"),
        (usage.search, "Search"),
        (usage.install, "Install"),
        (usage.upgrade, "Upgrade"),
    ];
    all.into_iter().filter_map(|(set, word)| set.then_some(word)).collect()
}

fn level(text: &mut String, key: &str, checks: &[(&str, Check)]) {
    for (what, Check { verify, trust_all }) in checks {
        let verify = match verify {
            Verify::Never => {
                text.push_str(&format!("{key} = {what}Never\n"));
                continue;
            }
            Verify::Optional => "Optional",
            Verify::Required => "Required",
        };
        let trust = if *trust_all { "TrustAll" } else { "TrustedOnly" };
        text.push_str(&format!("{key} = {what}{verify}\n{key} = {what}{trust}\n"));
    }
}

type Directives = BTreeMap<String, Vec<String>>;

/// The sections in their order. pacman-conf leaves out levels that are not set, and writes paths
/// as they stand in the file, with or without a slash at the end.
fn sections(text: &str) -> Vec<(String, Directives)> {
    let mut sections: Vec<(String, Directives)> = Vec::new();
    for line in text.lines() {
        if line.starts_with('[') {
            sections.push((line.to_owned(), Directives::new()));
            continue;
        }
        let (key, value) = line.split_once(" = ").unwrap_or((line, ""));
        let value = if value.starts_with('/') { value.trim_end_matches('/') } else { value };
        let (_, directives) = sections.last_mut().unwrap();
        directives.entry(key.to_owned()).or_default().push(value.to_owned());
    }
    let default = sections[0].1["SigLevel"].clone();
    let package: Vec<String> =
        default.iter().filter(|word| word.starts_with("Package")).cloned().collect();
    for key in ["LocalFileSigLevel", "RemoteFileSigLevel"] {
        sections[0].1.entry(key.to_owned()).or_insert_with(|| package.clone());
    }
    for (_, directives) in sections.iter_mut().skip(1) {
        directives.entry("SigLevel".to_owned()).or_insert_with(|| default.clone());
    }
    sections
}

fn compare(dir: &Path, text: &str) {
    let file = dir.join("pacman.conf");
    fs::write(&file, text.replace("DIR", dir.to_str().unwrap())).unwrap();
    let Some(wanted) = oracle::run("pacman-conf", &["--config", file.to_str().unwrap()], "") else {
        return;
    };
    assert!(!wanted.is_empty(), "pacman-conf refuses {text}");
    let have = printed(&Conf::read_from(Path::new("/"), &file));
    assert_eq!(sections(&have), sections(&wanted), "{text}");
}

#[test]
fn it_agrees_with_pacman_conf() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    write("mirrorlist", "## Arch\n#Server = http://no\nServer = http://m/$repo/os/$arch\n");
    write("b.inc", "[b]\nServer = http://b/$repo\nUsage = Install Upgrade\n");
    write(
        "a.inc",
        "[a]\nInclude = DIR/mirrorlist\n".replace("DIR", dir.path().to_str().unwrap()).as_str(),
    );
    write("options.inc", "IgnorePkg = from include\n[late]\nSigLevel = Never\n");
    for text in [
        "",
        "[options]\n",
        "[options]\nArchitecture = auto\nHoldPkg = pacman glibc\nCheckSpace\nColor\n\
         SigLevel    = Required DatabaseOptional\nLocalFileSigLevel = Optional\n[core]\n\
         Include = DIR/mirrorlist\n[extra]\nServer = http://x/$repo/$arch\nInclude=DIR/mirrorlist\n",
        "[options]\nArchitecture=aarch64 x86_64\nArchitecture = armv7h\nDBPath=/a/b\nDBPath=/c\n\
         CacheDir = /x /y/\nCacheDir = /z\nHookDir = /h\nGPGDir = /g\nLogFile = /l\nLogFile = /m\n\
         XferCommand = /usr/bin/curl -o %o %u\nXferCommand = b\nCleanMethod = KeepCurrent\n\
         NoUpgrade = etc/passwd  etc/group\nNoExtract = usr/share/help/* !usr/share/help/en*\n\
         IgnorePkg = a*\nIgnoreGroup = g h\nParallelDownloads = 7\nUseSyslog\nVerbosePkgLists\n\
         DisableDownloadTimeout\nILoveCandy\nNoProgressBar\n",
        "[options]\nArchitecture = x86_64\n[one]\nSigLevel = PackageRequired DatabaseNever\n[two]\n\
         SigLevel = TrustAll\nUsage = Sync Search\n[three]\nUsage = Search\nUsage = Upgrade\n\
         SigLevel = Never\n[options]\nSigLevel = Required\nRemoteFileSigLevel = PackageTrustAll\n",
        "[options]\nArchitecture = any\nInclude = DIR/options.inc\nServer = http://late/$repo\n[options]\n\
         Include = DIR/[ab].inc\nServer = http://after\n",
        "  [options]  \n\tArchitecture\t=\tx86_64\t\n  # comment\n[core]\nServer = http://a=b/$repo # c\n",
    ] {
        compare(dir.path(), text);
    }
}
