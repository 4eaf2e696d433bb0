//! What a call does to the system beyond the build: accounts, services, rights, files elsewhere.

use omg_core::Severity::{Caution, Danger, Note};

use super::programs::Call;
use super::risk::{Found, Risk};
use super::scan::{Place, Sight};

/// Programs that change accounts, services, the kernel or the clockwork.
const SYSTEM: [&str; 24] = [
    "useradd",
    "adduser",
    "usermod",
    "groupadd",
    "gpasswd",
    "passwd",
    "chpasswd",
    "visudo",
    "insmod",
    "modprobe",
    "sysctl",
    "iptables",
    "nft",
    "mount",
    "loginctl",
    "sudo",
    "doas",
    "pkexec",
    "su",
    "runuser",
    "pacman",
    "pacman-key",
    "kill",
    "pkill",
];
/// Places in a home directory, or elsewhere, whose files are run or obeyed later.
const PERSISTENT: [&str; 20] = [
    ".ssh/",
    ".config/autostart",
    ".bashrc",
    ".bash_profile",
    ".profile",
    ".zshrc",
    ".xinitrc",
    ".config/systemd",
    "/etc/cron",
    "/var/spool/cron",
    "/etc/systemd/system",
    "/etc/sudoers",
    "/etc/ld.so.preload",
    "/etc/pam.d",
    "/etc/profile.d",
    "/etc/rc.local",
    "/etc/xdg/autostart",
    "/etc/passwd",
    "/etc/shadow",
    "/usr/lib/systemd/system",
];
const SECRET: [&str; 15] = [
    ".ssh",
    ".gnupg",
    ".aws",
    ".mozilla",
    ".config/google-chrome",
    ".config/chromium",
    ".password-store",
    ".netrc",
    ".git-credentials",
    ".bash_history",
    ".docker/config",
    ".kube",
    ".electrum",
    ".bitcoin",
    ".local/share/keyrings",
];

pub(super) fn changes(found: &mut Found, sight: &Sight<'_>, call: &Call) {
    let name = call.name.as_str();
    let verb = call.operands().next().unwrap_or_default();
    let harmless_pacman = name == "pacman" && (call.flag('Q') || call.flag('T'));
    if (SYSTEM.contains(&name) && !harmless_pacman)
        || call.wrapped.is_some_and(|name| SYSTEM.contains(&name))
    {
        sight.mark(found, Risk::SystemChange, Caution);
    }
    if matches!(name, "chattr" | "crontab" | "at") {
        sight.mark(found, Risk::SystemChange, Danger);
    }
    let verbs = ["enable", "start", "restart", "reenable", "link", "mask", "edit", "set-default"];
    if name == "systemctl" && verbs.contains(&verb) {
        sight.mark(found, Risk::SystemChange, Caution);
    }
    if name == "setcap" || (name == "chmod" && call.arguments.iter().any(|word| is_set_id(word))) {
        sight.mark(found, Risk::Privilege, Caution);
    }
    if name == "install" {
        let attached = |word: &String| {
            let mode = word.strip_prefix("--mode=").or_else(|| {
                let short = word.starts_with('-') && !word.starts_with("--");
                word.split_once('m').filter(|_| short).map(|(_, mode)| mode)
            });
            mode.is_some_and(is_set_id)
        };
        let mut pairs = call.arguments.windows(2);
        let apart = pairs.any(|pair| matches!(pair, [m, mode] if m.ends_with('m') && m.starts_with('-') && is_set_id(mode)));
        if apart || call.arguments.iter().any(attached) {
            sight.mark(found, Risk::Privilege, Caution);
        }
    }
}

/// `4755`, `06755`, `u+s`.
fn is_set_id(mode: &str) -> bool {
    let digits = mode.trim_start_matches('0');
    let octal = digits.len() == 4 && digits.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
    (octal && !digits.starts_with('1'))
        || mode.split_once('+').is_some_and(|(who, what)| {
            who.chars().all(|c| "ugoa".contains(c))
                && what.chars().all(|c| "rwxXst".contains(c))
                && what.contains('s')
        })
}

pub(super) fn writes(found: &mut Found, sight: &Sight<'_>, call: &Call) {
    let targets: Vec<&str> = match call.name.as_str() {
        "cp" | "mv" | "ln" | "install" | "rsync" if call.name != "install" || !call.flag('d') => {
            let directory = call.arguments.iter().position(|word| word == "-t").map(|at| at + 1);
            let target = directory.and_then(|at| call.arguments.get(at)).map(String::as_str);
            target.or_else(|| call.operands().last()).into_iter().collect()
        }
        "tee" | "mkdir" | "touch" | "rm" | "rmdir" | "chmod" | "chown" | "install" | "truncate"
        | "shred" => call.operands().collect(),
        "sed" if call.flag('i') => call.operands().skip(1).collect(),
        "dd" => call.operands().filter_map(|word| word.strip_prefix("of=")).collect(),
        "curl" | "wget" => {
            let mut pairs = call.arguments.windows(2);
            let named = pairs.find(
                |pair| matches!(pair, [o, _] if matches!(o.as_str(), "-o" | "-O" | "--output")),
            );
            named.and_then(|pair| pair.last()).map(String::as_str).into_iter().collect()
        }
        _ => return,
    };
    for target in targets {
        written(found, sight, target);
    }
}

/// Something is written to this path.
pub(super) fn written(found: &mut Found, sight: &Sight<'_>, path: &str) {
    let home = is_home(path) && !sight.values.set("HOME");
    let absolute = path.starts_with('/');
    let temporary =
        ["/dev/null", "/dev/stdout", "/dev/stderr", "/dev/fd/", "/dev/tty", "/proc/self/"];
    if (!home && !absolute) || temporary.iter().any(|place| path.starts_with(place)) {
        return;
    }
    if PERSISTENT.iter().any(|place| path.contains(place)) {
        let unit = path.starts_with("/usr/lib/systemd") && sight.place != Place::Install;
        sight.mark(found, Risk::Persistence, if unit { Caution } else { Danger });
    } else if home {
        sight.mark(found, Risk::WritesOutside, sight.at_least(Caution));
    } else if sight.place != Place::Install {
        // Root's scripts work on absolute paths; a build has no business there.
        let severity = if path.starts_with("/tmp/") { Note } else { Caution };
        sight.mark(found, Risk::WritesOutside, severity);
    }
}

fn is_home(path: &str) -> bool {
    ["~", "$HOME", "${HOME", "/home/", "/root"].iter().any(|home| path.starts_with(home))
}

/// A word that names a place of keys or passwords.
pub(super) fn secret(found: &mut Found, sight: &Sight<'_>, word: &str) {
    let private = is_home(word) && SECRET.iter().any(|place| word.contains(place));
    if (private && !sight.values.set("HOME")) || word.starts_with("/etc/shadow") {
        sight.mark(found, Risk::Secrets, Danger);
    }
}

/// bash's own sockets.
pub(super) fn network_file(found: &mut Found, sight: &Sight<'_>, word: &str) {
    if word.contains("/dev/tcp/") || word.contains("/dev/udp/") {
        sight.mark(found, Risk::RawNetwork, Danger);
    }
}
