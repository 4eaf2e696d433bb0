//! Package managers of languages: they fetch code that no checksum of the recipe covers.

use omg_core::Severity::{Caution, Danger, Note};

use super::risk::{Found, Risk};
use super::scan::Sight;

/// Options whose value is the next word, so that it isn't taken for a package.
const VALUED: [&str; 30] = [
    "--cache",
    "--prefix",
    "--registry",
    "--root",
    "--target",
    "-t",
    "--userconfig",
    "--mode",
    "--cwd",
    "-C",
    "--network-timeout",
    "--dir",
    "--store-dir",
    "--filter",
    "--python",
    "--omit",
    "--include",
    "--only",
    "--loglevel",
    "-r",
    "--requirement",
    "-c",
    "--find-links",
    "-f",
    "--features",
    "--path",
    "--git",
    "--modules-folder",
    "--cache-folder",
    "-i",
];

/// Marks a call of a package manager.
pub(super) fn look(found: &mut Found, sight: &Sight<'_>, name: &str, arguments: &[String]) {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (name, words) = match (name, words.as_slice()) {
        ("python" | "python2" | "python3", ["-m", "pip" | "pipx", rest @ ..])
        | ("uv", ["pip", rest @ ..]) => ("pip", rest),
        (name, words) => (name, words),
    };
    let words = operands(words);
    let (verb, packages) = words.split_first().map_or(("", &[][..]), |(verb, rest)| (*verb, rest));
    let has = |option: &str| arguments.iter().any(|word| word == option);
    let severity = match (name, verb) {
        ("gem", "install") if has("--local") => Note,
        ("cargo", "install" | "binstall") if has("--path") => Note,
        ("pip" | "pip2" | "pip3" | "pipx" | "uv", "install" | "download") => {
            match by_name(packages) {
                Caution if has("--no-index") || has("--no-deps") => Note,
                severity => severity,
            }
        }
        ("npm", "install" | "i" | "add" | "ci" | "exec" | "x" | "update")
        | ("pnpm" | "bun", "install" | "i" | "add" | "dlx" | "exec" | "x")
        | ("yarn", "install" | "add" | "dlx" | "global")
        | ("deno", "install" | "run" | "cache")
        | ("gem" | "composer" | "luarocks" | "opam" | "conda" | "flatpak" | "snap", "install")
        | ("cargo", "install" | "binstall")
        | ("composer", "require") => by_name(packages),
        ("npx" | "bunx" | "pnpx", package) if !package.is_empty() => Caution,
        // Locked by the project's own file, and what Arch's guidelines ask for.
        ("cargo", "fetch") | ("go", "mod") | ("dotnet", "restore") => Note,
        ("go", "install" | "get") => {
            if packages.iter().any(|name| name.contains('@')) {
                Caution
            } else {
                Note
            }
        }
        ("yarn", "") | ("bundle", "install") | ("cpan" | "cpanm", _) => Caution,
        ("yay" | "paru" | "pacaur" | "trizen" | "pikaur", _) => Danger,
        _ => return,
    };
    sight.mark(found, Risk::ForeignPackages, sight.at_least(severity));
}

/// A package that is named in the recipe itself and comes from a registry is no part of the project.
fn by_name(packages: &[&str]) -> omg_core::Severity {
    let is_local = |name: &str| {
        name.starts_with(['.', '/', '$', '*'])
            || name.starts_with("file:")
            || [".tgz", ".tar.gz", ".whl", ".gem", ".zip"].iter().any(|end| name.ends_with(end))
    };
    if packages.iter().any(|name| !is_local(name)) { Danger } else { Caution }
}

fn operands<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let mut kept = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if VALUED.contains(word) {
            words.next();
        } else if !word.starts_with('-') {
            kept.push(*word);
        }
    }
    kept
}
