//! The files of a recipe: what they are, and which are looked through as scripts.

use omg_core::Severity::{Caution, Danger, Note};

use super::risk::{Found, Risk};
use super::scan::{Place, scan, scan_entries};
use crate::recipes::{Content, FileKind, Files, RecipeFile};

/// Beginnings of files that people look at but nobody runs: images, fonts, signatures' keys.
const PICTURES: [&[u8]; 8] =
    [b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\0\0\x01\0", b"RIFF", b"icns", b"\x99\x01", b"OTTO"];

/// Marks every file; `old` are those of the last review.
pub(super) fn look(found: &mut Found, files: &Files, old: Option<&Files>) {
    for name in ["PKGBUILD", ".SRCINFO"] {
        if files.text(name).is_none() {
            found.add(Risk::MissingFile, Danger, name, 0, name);
        }
    }
    if files.more {
        let text = format!("more than {} files", crate::recipes::MAX_FILES);
        found.add(Risk::NotReadInFull, Danger, "", 0, &text);
    }
    for file in &files.files {
        let path = file.path.as_str();
        if file.odd_path {
            found.add(Risk::UnusualPath, Danger, path, 0, path);
        }
        match &file.content {
            Content::Text(target) if file.kind == FileKind::Symlink => {
                let leaves = target.starts_with('/') || target.contains("..");
                let named = is_install(path) || matches!(path, "PKGBUILD" | ".SRCINFO");
                let severity = if leaves || named { Danger } else { Caution };
                found.add(Risk::Symlink, severity, path, 0, &format!("{path} -> {target}"));
            }
            Content::Text(text) => script(found, file, text, old),
            Content::Bytes(_) if file.kind == FileKind::Symlink => {
                found.add(Risk::Symlink, Danger, path, 0, path);
            }
            Content::Bytes(bytes) => binary(found, file, bytes),
            Content::TooLarge => {
                let text = format!("{path}: {} bytes", file.size);
                found.add(Risk::LargeFile, Caution, path, 0, &text);
            }
            Content::Absent => found.add(Risk::Submodule, Caution, path, 0, path),
        }
    }
}

fn is_install(path: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, end)| end == "install")
}

fn script(found: &mut Found, file: &RecipeFile, text: &str, old: Option<&Files>) {
    let path = file.path.as_str();
    let end = path.rsplit_once('.').map_or("", |(_, end)| end);
    match (path, end) {
        ("PKGBUILD", _) => scan(found, path, text, 1, Place::Recipe),
        (".SRCINFO", _) => {}
        (_, "install") => {
            installs(found, file, text, old);
            scan(found, path, text, 1, Place::Install);
        }
        (_, "hook") => {
            found.add(Risk::PacmanHook, Note, path, 0, path);
            scan_entries(found, path, text, Place::Install);
        }
        (_, "service" | "timer" | "desktop" | "path" | "socket") => {
            scan_entries(found, path, text, Place::Script);
        }
        (_, "sh" | "bash" | "zsh") => scan(found, path, text, 1, Place::Script),
        _ => {
            let first = text.lines().next().unwrap_or_default();
            let shell = ["sh", "bash", "dash", "zsh", "ksh"];
            let program = first.split([' ', '/', '\t']).any(|word| shell.contains(&word));
            if first.starts_with("#!") && program {
                scan(found, path, text, 1, Place::Script);
            }
        }
    }
}

/// Says whether an install script is new, changed or as it was.
fn installs(found: &mut Found, file: &RecipeFile, text: &str, old: Option<&Files>) {
    let path = file.path.as_str();
    let (state, severity) = match old.map(|old| old.get(path).and_then(RecipeFile::text)) {
        None => ("", Note),
        Some(None) => (" is new", Caution),
        Some(Some(before)) if before != text => (" was changed", Caution),
        Some(Some(_)) => (" is unchanged", Note),
    };
    found.add(Risk::InstallScript, severity, path, 0, &format!("{path}{state}"));
}

fn binary(found: &mut Found, file: &RecipeFile, bytes: &[u8]) {
    let path = file.path.as_str();
    let program =
        bytes.starts_with(b"\x7fELF") || bytes.starts_with(b"MZ") || bytes.starts_with(b"!<arch>");
    let severity = if program || file.kind == FileKind::Executable {
        Danger
    } else if PICTURES.iter().any(|start| bytes.starts_with(start)) {
        Note
    } else {
        Caution
    };
    let text = format!("{path}: {} bytes", file.size);
    found.add(Risk::BinaryFile, severity, path, 0, &text);
    let script = ["PKGBUILD", ".SRCINFO"].contains(&path) || is_install(path);
    if script {
        found.add(Risk::NotReadInFull, Danger, path, 0, "not UTF-8 text");
    }
}
