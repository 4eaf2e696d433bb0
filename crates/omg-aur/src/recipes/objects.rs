//! The files of a commit, read from git's objects: no file of a recipe is ever checked out to be read.

use omg_core::{escape, is_dangerous};

use super::error::RecipeError;
use super::name::CommitId;

/// Files of a recipe, at most.
pub const MAX_FILES: usize = 200;
/// Bytes of one file that are read, at most.
pub const MAX_FILE: u64 = 1 << 20;
/// Bytes of all files of one commit that are read, at most.
pub const MAX_FILES_TOTAL: u64 = 16 << 20;
/// Bytes at the beginning of a file that tell whether it is text, as git does it.
const TEXT_PROBE: usize = 8000;

/// What an entry of a recipe is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileKind {
    /// A file.
    Plain,
    /// A file with the executable bit.
    Executable,
    /// A symbolic link: its content is where it points, and it is not followed.
    Symlink,
    /// A submodule: a commit of another repository, which is not fetched.
    Submodule,
}

/// What is in an entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Content {
    /// Text: no NUL byte near the beginning, and UTF-8; for a symbolic link, where it points.
    Text(String),
    /// Anything else.
    Bytes(Vec<u8>),
    /// Beyond a limit, so not read.
    TooLarge,
    /// None of its own: a submodule.
    Absent,
}

/// One entry of a recipe.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecipeFile {
    /// Path inside the recipe, made safe to show: control and other dangerous characters, and bytes
    /// that are no UTF-8, are written out.
    pub path: String,
    /// What it is.
    pub kind: FileKind,
    /// Size in bytes; 0 for submodules.
    pub size: u64,
    /// What is in it.
    pub content: Content,
    /// The path is unlike what a recipe needs: control characters, `..`, `.git`, no UTF-8.
    pub odd_path: bool,
    /// The path as git has it.
    pub(crate) raw: Vec<u8>,
    object: String,
}

impl RecipeFile {
    /// The text, if this is a file (not a link) and holds text.
    pub fn text(&self) -> Option<&str> {
        match (&self.kind, &self.content) {
            (FileKind::Plain | FileKind::Executable, Content::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The entry that git lists as this file.
    #[cfg(test)]
    pub(crate) fn of(path: &str, content: Content) -> Self {
        let size = match &content {
            Content::Text(text) => text.len() as u64,
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::TooLarge => MAX_FILE + 1,
            Content::Absent => 0,
        };
        Self {
            path: path.into(),
            kind: FileKind::Plain,
            size,
            content,
            odd_path: false,
            raw: path.into(),
            object: String::new(),
        }
    }
}

/// What a commit holds, before and after its files are read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Files {
    /// The entries in git's order, at most 200.
    pub files: Vec<RecipeFile>,
    /// There are more entries than the limit.
    pub more: bool,
}

impl Files {
    /// The file of exactly this path, links and all.
    pub fn get(&self, path: &str) -> Option<&RecipeFile> {
        self.files.iter().find(|file| file.raw == path.as_bytes())
    }

    /// The text of the file of exactly this path.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.get(path)?.text()
    }
}

/// Reads `git ls-tree -r -z -l`: `MODE SP TYPE SP OBJECT SP+ SIZE TAB PATH NUL`.
pub(super) fn listing(bytes: &[u8], cut: bool) -> Result<Files, RecipeError> {
    let mut files = Files { files: Vec::new(), more: cut };
    let mut records: Vec<&[u8]> = bytes.split(|&byte| byte == 0).collect();
    // What follows the last NUL is nothing, or a record that was cut off.
    records.pop();
    for record in records {
        if files.files.len() == MAX_FILES {
            files.more = true;
            break;
        }
        let file =
            entry(record).ok_or(RecipeError::Answer { doing: "listing a recipe's files" })?;
        files.files.push(file);
    }
    Ok(files)
}

fn entry(record: &[u8]) -> Option<RecipeFile> {
    let tab = record.iter().position(|&byte| byte == b'\t')?;
    let (fields, raw) = (record.get(..tab)?, record.get(tab + 1..)?);
    let mut fields = std::str::from_utf8(fields).ok()?.split_ascii_whitespace();
    let (mode, _type, object, size) =
        (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let kind = match mode {
        "100644" | "100664" => FileKind::Plain,
        "100755" => FileKind::Executable,
        "120000" => FileKind::Symlink,
        "160000" => FileKind::Submodule,
        _ => return None,
    };
    CommitId::new(object).ok()?;
    let (path, odd_path) = shown(raw);
    Some(RecipeFile {
        path,
        kind,
        size: size.parse().unwrap_or(0),
        content: if kind == FileKind::Submodule { Content::Absent } else { Content::TooLarge },
        odd_path,
        raw: raw.to_vec(),
        object: object.to_owned(),
    })
}

/// A path made safe to show, and whether it is odd.
fn shown(raw: &[u8]) -> (String, bool) {
    use std::fmt::Write as _;
    let mut path = String::new();
    let mut odd = false;
    for chunk in raw.utf8_chunks() {
        odd |= chunk.valid().chars().any(is_dangerous) || !chunk.invalid().is_empty();
        let _infallible = write!(path, "{}", escape(chunk.valid()));
        for byte in chunk.invalid() {
            let _infallible = write!(path, "\\x{byte:02x}");
        }
    }
    let special =
        |part: &[u8]| matches!(part, b"" | b"." | b"..") || part.eq_ignore_ascii_case(b".git");
    odd |= raw.split(|&byte| byte == b'/').any(special) || raw.starts_with(b"-");
    (path, odd)
}

/// The objects to ask for, one a line, within the limits; and the bytes that will come.
pub(super) fn wanted(files: &Files) -> (String, usize) {
    let (mut lines, mut total, mut headers) = (String::new(), 0, 0);
    for file in &files.files {
        if file.kind == FileKind::Submodule || file.size > MAX_FILE {
            continue;
        }
        if total + file.size > MAX_FILES_TOTAL {
            break;
        }
        total += file.size;
        headers += 128;
        lines.push_str(&file.object);
        lines.push('\n');
    }
    (lines, usize::try_from(total).unwrap_or(usize::MAX).saturating_add(headers))
}

/// Puts what `git cat-file --batch` gave into the files: `OBJECT SP TYPE SP SIZE LF CONTENT LF`, in
/// the order of the question.
pub(super) fn fill(
    files: &mut Files,
    question: &str,
    mut answer: &[u8],
) -> Result<(), RecipeError> {
    let mut asked = question.lines().peekable();
    for file in &mut files.files {
        let due = file.kind != FileKind::Submodule && file.size <= MAX_FILE;
        if !due || asked.next_if(|object| *object == file.object).is_none() {
            continue;
        }
        let (content, rest) =
            blob(answer, &file.object).ok_or(RecipeError::Answer { doing: "reading a recipe" })?;
        file.content = content;
        answer = rest;
    }
    Ok(())
}

fn blob<'a>(answer: &'a [u8], object: &str) -> Option<(Content, &'a [u8])> {
    let end = answer.iter().position(|&byte| byte == b'\n')?;
    let mut header = std::str::from_utf8(answer.get(..end)?).ok()?.split(' ');
    if header.next()? != object || header.next()? != "blob" {
        return None;
    }
    let size: usize = header.next()?.parse().ok()?;
    let start = end + 1;
    let stop = start.checked_add(size)?;
    let (bytes, rest) = (answer.get(start..stop)?, answer.get(stop + 1..)?);
    let probe = bytes.get(..TEXT_PROBE.min(bytes.len()))?;
    let content = match std::str::from_utf8(bytes) {
        Ok(text) if !probe.contains(&0) => Content::Text(text.to_owned()),
        _ => Content::Bytes(bytes.to_vec()),
    };
    Some((content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_answer_of_git_makes_it_panic(bytes in any::<Vec<u8>>(), text in "[ -~\n\0\t]{0,200}") {
            let _refused = listing(&bytes, false);
            let _refused = listing(text.as_bytes(), true);
            let object = "a".repeat(40);
            let mut files = Files { files: vec![RecipeFile::of("x", Content::TooLarge)], more: false };
            if let Some(file) = files.files.first_mut() {
                file.object.clone_from(&object);
                file.size = 3;
            }
            let _refused = fill(&mut files, &object, &bytes);
        }
    }
}
