//! pacman.conf, against pacman-conf.

use std::fs;
use std::path::Path;

use omg_backend_alpm::conf::{Check, Conf, FLAGS, SigLevel, Usage, Verify};

use crate::oracle;

/// A configuration as pacman-conf prints it.
fn printed(conf: &Conf) -> String {
    let mut text = String::from("[options]\n");
    let mut line = |key: &str, value: &str| text.push_str(&format!("{key} = {value}\n"));
    let settings = &conf.settings;
    line("RootDir", &path(&conf.root, true));
    line("DBPath", &path(&conf.db_path, true));
    conf.cache_dirs.iter().for_each(|one| line("CacheDir", &path(one, true)));
    conf.hook_dirs.iter().for_each(|one| line("HookDir", &path(one, true)));
    line("GPGDir", &path(&conf.gpg_dir, true));
    line("LogFile", &path(&conf.log_file, false));
    for (key, values) in [
        ("HoldPkg", &conf.hold_pkg),
        ("IgnorePkg", &conf.ignore_pkg),
        ("IgnoreGroup", &conf.ignore_group),
        ("NoUpgrade", &settings.no_upgrade),
        ("NoExtract", &settings.no_extract),
        ("Architecture", &conf.architectures),
    ] {
        values.iter().for_each(|value| line(key, value));
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
    methods.iter().for_each(|method| line("CleanMethod", method));
    level(&mut text, "SigLevel", conf.sig_level);
    if conf.local_file_sig_level != conf.sig_level {
        level(&mut text, "LocalFileSigLevel", conf.local_file_sig_level);
    }
    if conf.remote_file_sig_level != conf.sig_level {
        level(&mut text, "RemoteFileSigLevel", conf.remote_file_sig_level);
    }
    for repository in &conf.repositories {
        text.push_str(&format!("[{}]\n", repository.name));
        for word in usage(repository.usage) {
            text.push_str(&format!("Usage = {word}\n"));
        }
        if repository.sig_level != conf.sig_level {
            level(&mut text, "SigLevel", repository.sig_level);
        }
        for server in &repository.servers {
            text.push_str(&format!("Server = {server}\n"));
        }
    }
    text
}

fn path(path: &Path, directory: bool) -> String {
    let text = path.to_str().unwrap().trim_end_matches('/');
    if directory { format!("{text}/") } else { text.to_owned() }
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

fn level(text: &mut String, key: &str, level: SigLevel) {
    for (what, Check { verify, trust_all }) in
        [("Package", level.package), ("Database", level.database)]
    {
        let verify = match verify {
            Verify::Never => {
                text.push_str(&format!("{key} = {what}Never\n"));
                continue;
            }
            Verify::Optional => "Optional",
            Verify::Required => "Required",
        };
        let trust = if trust_all { "TrustAll" } else { "TrustedOnly" };
        text.push_str(&format!("{key} = {what}{verify}\n{key} = {what}{trust}\n"));
    }
}

fn compare(dir: &Path, text: &str) {
    let file = dir.join("pacman.conf");
    fs::write(&file, text.replace("DIR", dir.to_str().unwrap())).unwrap();
    let Some(wanted) = oracle::run("pacman-conf", &["--config", file.to_str().unwrap()], "") else {
        return;
    };
    assert!(!wanted.is_empty(), "pacman-conf refuses {text}");
    // pacman-conf writes paths as they are written, and the default levels of files only if they
    // differ; everything else must be the same, line by line.
    let have = printed(&Conf::read_from(Path::new("/"), &file));
    let paths = ["RootDir", "DBPath", "CacheDir", "HookDir", "GPGDir"];
    let line = |line: &str| match line.split_once(" = ") {
        Some((key, value)) if paths.contains(&key) => {
            format!("{key} = {}/", value.trim_end_matches('/'))
        }
        _ => line.to_owned(),
    };
    let wanted: Vec<String> = wanted.lines().map(line).collect();
    let have: Vec<String> = have.lines().map(line).collect();
    assert_eq!(have, wanted, "{text}");
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
        "[options]\nInclude = DIR/options.inc\nServer = http://late/$repo\n[options]\n\
         Include = DIR/[ab].inc\nServer = http://after\n",
        "  [options]  \n\tArchitecture\t=\tx86_64\t\n  # comment\n[core]\nServer = http://a=b/$repo # c\n",
    ] {
        compare(dir.path(), text);
    }
}
