//! What the programs do that a script calls.

use omg_core::Severity::{Caution, Danger, Note};

use super::effects::{changes, network_file, secret, writes};
use super::risk::{Found, Risk};
use super::scan::{Place, Sight};
use super::script::{Command, commands};
use super::sources::host_risk;
use super::values::Values;
use super::words::{Piece, Word};

/// Programs that run another one, which is what matters.
const WRAPPERS: [&str; 22] = [
    "sudo",
    "doas",
    "pkexec",
    "env",
    "command",
    "builtin",
    "exec",
    "nohup",
    "nice",
    "ionice",
    "setsid",
    "timeout",
    "stdbuf",
    "time",
    "xargs",
    "fakeroot",
    "busybox",
    "torsocks",
    "proxychains",
    "torify",
    "catchsegv",
    "parallel",
];
const SHELLS: [&str; 8] = ["sh", "bash", "dash", "zsh", "ksh", "ash", "fish", "rbash"];
const INTERPRETERS: [&str; 8] =
    ["python", "python2", "python3", "perl", "ruby", "node", "php", "lua"];
const DOWNLOADERS: [&str; 14] = [
    "curl",
    "wget",
    "wget2",
    "aria2c",
    "axel",
    "lftp",
    "ftp",
    "tftp",
    "http",
    "https",
    "curlie",
    "xh",
    "youtube-dl",
    "yt-dlp",
];
const NETWORK: [&str; 6] = ["nc", "ncat", "netcat", "socat", "telnet", "ssh"];
/// Programs at top level that only look at texts, the clock or the machine.
const HARMLESS: [&str; 50] = [
    "[[", "[", "test", "((", ":", "true", "false", "unset", "declare", "typeset", "export",
    "readonly", "local", "shopt", "set", "shift", "for", "case", "select", "echo", "printf",
    "return", "msg", "msg2", "warning", "error", "plain", "date", "uname", "sed", "grep", "cut",
    "tr", "awk", "gawk", "head", "tail", "sort", "basename", "dirname", "cat", "expr", "nproc",
    "wc", "vercmp", "eval", "source", ".", "exit", "let",
];

/// A call of a program: its name without path and wrappers, and its arguments as far as known.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) name: String,
    pub(super) arguments: Vec<String>,
    /// How many words of the command stand before the arguments; they line up unless a variable held
    /// several words.
    skipped: usize,
    pub(super) wrapped: Option<&'static str>,
}

/// A script found in an argument or a here-document.
pub(super) struct Inner {
    pub(super) text: String,
    pub(super) line: u32,
}

impl Call {
    pub(super) fn of(command: &Command<'_>, values: &Values) -> Option<Self> {
        let text = |word: &&Word| values.one(word).unwrap_or_else(|| word.text());
        let mut words: Vec<String> = command.words.iter().map(text).collect();
        let first = command.words.first()?;
        // A variable may hold a whole command line, and so may an array.
        if first.literal().is_none() {
            let line = values.expand(first).filter(|line| !line.is_empty());
            let line = line.unwrap_or_else(|| vec![first.text()]);
            let line = line.iter().flat_map(|text| text.split_whitespace()).map(str::to_owned);
            words.splice(..1, line);
        }
        let (mut at, mut wrapped) = (0, None);
        for _ in 0..8 {
            let name = program(words.get(at)?);
            let Some(wrapper) = WRAPPERS.into_iter().find(|wrapper| *wrapper == name) else {
                break;
            };
            let asks = ["-v", "-V"].iter().any(|flag| words.get(at + 1).is_some_and(|w| w == flag));
            if wrapper == "command" && asks {
                break;
            }
            wrapped = wrapped.or(Some(wrapper));
            let mut next = at + 1;
            while let Some(word) = words.get(next) {
                let number = word.starts_with(|c: char| c.is_ascii_digit());
                let passed = word.starts_with('-') || word.contains('=') || number;
                if !passed {
                    break;
                }
                next += 1;
            }
            if words.get(next).is_none() {
                break;
            }
            at = next;
        }
        let name = program(words.get(at)?).to_owned();
        let arguments = words.get(at + 1..)?.to_vec();
        Some(Self { name, arguments, skipped: at + 1, wrapped })
    }

    fn has(&self, argument: &str) -> bool {
        self.arguments.iter().any(|given| given == argument)
    }

    /// Short options in one word count each: `-Dm4755` has `D` and `m`.
    pub(super) fn flag(&self, letter: char) -> bool {
        let short = |word: &&String| word.starts_with('-') && !word.starts_with("--");
        self.arguments.iter().filter(short).any(|word| word.contains(letter))
    }

    pub(super) fn operands(&self) -> impl Iterator<Item = &str> {
        self.arguments.iter().map(String::as_str).filter(|word| !word.starts_with('-'))
    }

    /// Does it bring foreign bytes, or turn hidden ones into text?
    fn is_doubtful(&self) -> bool {
        DOWNLOADERS.contains(&self.name.as_str()) || self.decodes()
    }

    fn decodes(&self) -> bool {
        match self.name.as_str() {
            "base64" | "base32" | "basenc" => {
                self.flag('d') || self.flag('D') || self.has("--decode")
            }
            "openssl" => {
                matches!(self.arguments.first().map(String::as_str), Some("enc" | "base64"))
                    && self.has("-d")
            }
            "xxd" => self.flag('r'),
            "uudecode" => true,
            "tr" => {
                self.arguments.iter().any(|word| word.contains("N-ZA-M") || word.contains("n-za-m"))
            }
            _ => false,
        }
    }
}

/// `/usr/bin/curl` is `curl`, and `python3.12` is `python3`.
fn program(word: &str) -> &str {
    let name = word.rsplit('/').next().unwrap_or(word);
    if name.starts_with("python3.") || name.starts_with("python2.") {
        return name.get(..7).unwrap_or(name);
    }
    name
}

/// Marks what a call does, and gives the scripts that it runs.
pub(super) fn look(found: &mut Found, sight: &Sight<'_>, call: &Call) -> Vec<Inner> {
    for argument in &call.arguments {
        network_file(found, sight, argument);
        secret(found, sight, argument);
        if let Some(risk) = host_risk(argument) {
            sight.mark(found, risk, Danger);
        }
    }
    downloads(found, sight, call);
    super::fetchers::look(found, sight, &call.name, &call.arguments);
    changes(found, sight, call);
    writes(found, sight, call);
    if call.decodes() {
        sight.mark(found, Risk::Decoding, sight.at_least(Caution));
    }
    if sight.sourced() {
        let substituted = sight.command.substituted;
        let harmless = HARMLESS.contains(&call.name.as_str());
        if !harmless {
            sight.mark(found, Risk::RunsWhenSourced, Caution);
        } else if substituted {
            sight.mark(found, Risk::RunsWhenSourced, Note);
        }
    }
    runs(found, sight, call)
}

fn downloads(found: &mut Found, sight: &Sight<'_>, call: &Call) {
    let name = call.name.as_str();
    if DOWNLOADERS.contains(&name) {
        sight.mark(found, Risk::Download, sight.at_least(Caution));
    }
    if NETWORK.contains(&name) {
        let severity = if name == "ssh" { sight.at_least(Caution) } else { Danger };
        sight.mark(found, Risk::RawNetwork, severity);
    }
    let remote = |word: &str| word.contains(':') && !word.starts_with(['$', '/', '.']);
    if matches!(name, "scp" | "rsync" | "sftp") && call.operands().any(remote) {
        sight.mark(found, Risk::Download, sight.at_least(Caution));
    }
    let mut operands = call.operands();
    let (verb, second) = (operands.next().unwrap_or_default(), operands.next().unwrap_or_default());
    let fetches = match name {
        // `git -C DIRECTORY submodule …`
        "git" => {
            let verbs = ["clone", "fetch", "pull", "ls-remote", "submodule"];
            call.arguments.iter().any(|word| verbs.contains(&word.as_str()))
        }
        "svn" => matches!(verb, "checkout" | "co" | "export" | "update" | "up"),
        "hg" | "bzr" => matches!(verb, "clone" | "pull" | "branch"),
        _ => false,
    };
    if fetches {
        // `git submodule` is usually made to use sources that were fetched before.
        let local = second.starts_with(['$', '/', '.']) || call.has("submodule");
        let severity = if local { Note } else { Caution };
        sight.mark(found, Risk::Download, sight.at_least(severity));
    }
}

/// Shells, interpreters, `eval` and `source`: what they are given to run.
fn runs(found: &mut Found, sight: &Sight<'_>, call: &Call) -> Vec<Inner> {
    let name = call.name.as_str();
    let line = sight.command.line;
    let words = sight.command.words.get(call.skipped..).unwrap_or_default();
    let made =
        words.iter().any(|word| word.pieces.iter().any(|piece| matches!(piece, Piece::Command(_))));
    if matches!(name, "eval" | "source" | ".") {
        let text = call.arguments.join(" ");
        let stdin = text == "/dev/stdin";
        let bad = stdin || (made && (name != "eval" || doubtful(words, sight.values)));
        if bad {
            sight.mark(found, Risk::PipedToShell, Danger);
        }
        if name != "eval" {
            return Vec::new();
        }
        let root = sight.place == Place::Install;
        sight.mark(found, Risk::Eval, if root { Danger } else { Caution });
        return vec![Inner { text, line }];
    }
    let shell = SHELLS.contains(&name);
    if !shell && !INTERPRETERS.contains(&name) && !matches!(name, "su" | "runuser") {
        return Vec::new();
    }
    let inline = call.arguments.iter().position(|word| {
        let short = word.starts_with('-') && !word.starts_with("--");
        short && (word.contains('c') || (!shell && word.contains('e')))
    });
    if let Some(text) = inline.and_then(|at| call.arguments.get(at + 1)) {
        if made && doubtful(words, sight.values) {
            sight.mark(found, Risk::PipedToShell, Danger);
        }
        if shell || matches!(name, "su" | "runuser") {
            return vec![Inner { text: text.clone(), line }];
        }
        let signs = [
            "http://",
            "https://",
            "urllib",
            "socket",
            "base64",
            "exec(",
            "eval(",
            "subprocess",
            "b64",
        ];
        if signs.iter().any(|sign| text.contains(sign)) {
            sight.mark(found, Risk::InlineProgram, sight.at_least(Caution));
        }
        return Vec::new();
    }
    if made && call.operands().next().is_some_and(|word| word.starts_with("$(…)")) {
        // `bash <(curl …)`
        sight.mark(found, Risk::PipedToShell, Danger);
    }
    from_stdin(found, sight, call, shell)
}

/// A shell or interpreter that reads its program from a pipe, a here-document or a string.
fn from_stdin(found: &mut Found, sight: &Sight<'_>, call: &Call, shell: bool) -> Vec<Inner> {
    let told = call.arguments.iter().any(|word| word == "-s" || word == "-");
    let file = call.operands().any(|word| word != "/dev/stdin");
    let module = call.has("-m") || call.has("--version") || call.has("-v");
    if (file && !told) || module {
        return Vec::new();
    }
    if let Some(feeder) = &sight.fed_by {
        let bad = shell || feeder.is_doubtful();
        sight.mark(found, Risk::PipedToShell, if bad { Danger } else { Caution });
    }
    if !shell {
        return Vec::new();
    }
    let mut inner = Vec::new();
    for (sign, word) in &sight.command.redirects {
        let made = word.pieces.iter().any(|piece| matches!(piece, Piece::Command(_)));
        if made {
            sight.mark(found, Risk::PipedToShell, Danger);
        } else if *sign == "<<<" {
            let text = sight.values.one(word).unwrap_or_else(|| word.text());
            inner.push(Inner { text, line: word.line });
        }
    }
    let documents = sight.command.documents.iter();
    inner.extend(documents.map(|(text, line)| Inner { text: (*text).to_owned(), line: *line }));
    inner
}

/// Does a substitution in these words download or decode?
fn doubtful(words: &[&Word], values: &Values) -> bool {
    let mut pieces: Vec<&Piece> = words.iter().flat_map(|word| &word.pieces).collect();
    while let Some(piece) = pieces.pop() {
        match piece {
            Piece::Command(tokens) => {
                let calls = commands(tokens);
                if calls
                    .iter()
                    .filter_map(|command| Call::of(command, values))
                    .any(|call| call.is_doubtful())
                {
                    return true;
                }
            }
            Piece::Variable { inside, .. } => pieces.extend(inside),
            _ => {}
        }
    }
    false
}
