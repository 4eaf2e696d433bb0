//! A record, of `status` or of a list of an archive, as what `omg info` shows.

use omg_core::{Details, Source};

use crate::deb822::Block;
use crate::relation;

#[cfg(test)]
mod tests;

/// Reads the fields of a record. What a record can't say is left empty: the repository, which
/// version is installed or a candidate, the package URL.
pub fn read(record: &str) -> Details<'_> {
    let mut details = Details::empty(Source::Apt);
    let mut description = Description::default();
    for field in (Block { text: record, offset: 0 }).fields() {
        if !description.take(field.name, field.value) {
            take(&mut details, field.name, field.value);
        }
    }
    // Records say where they are built from only if it is not a package of their own name.
    details.source_package = details.source_package.filter(|source| *source != details.name);
    details.description = description.synopsis();
    details.long_description = description.long();
    details
}

fn take<'a>(details: &mut Details<'a>, name: &str, value: &'a str) {
    let word = (!value.is_empty()).then_some(value);
    let items = || relation::items(value).collect::<Vec<_>>();
    match name.to_ascii_lowercase().as_str() {
        "package" => details.name = value,
        "version" => details.version = value,
        "architecture" => details.architecture = value,
        "status" => take_status(details, value),
        "homepage" => details.url = word,
        "maintainer" => details.maintainer = word,
        "section" => details.section = word,
        "priority" => details.priority = word,
        "source" => details.source_package = value.split_ascii_whitespace().next(),
        "multi-arch" => details.multi_arch = word,
        "essential" => details.essential = value.eq_ignore_ascii_case("yes"),
        "depends" => details.depends = items(),
        "pre-depends" => details.pre_depends = items(),
        "recommends" => details.recommends = items(),
        "suggests" => details.suggests = items(),
        "enhances" => details.enhances = items(),
        "conflicts" => details.conflicts = items(),
        "breaks" => details.breaks = items(),
        "replaces" => details.replaces = items(),
        "provides" => details.provides = items(),
        "size" => details.download_size = value.parse().ok(),
        "installed-size" => {
            details.installed_size =
                value.parse::<u64>().ok().and_then(|kib| kib.checked_mul(1024));
        }
        "filename" => details.filename = word,
        "sha256" => details.sha256 = word,
        _ => {}
    }
}

fn take_status<'a>(details: &mut Details<'a>, value: &'a str) {
    details.held = value.split_ascii_whitespace().next() == Some("hold");
    details.state =
        Some(value).filter(|words| *words != "install ok installed" && !words.is_empty());
}

/// A record may have several descriptions: the one that archives leave has only its first line,
/// those with a language are whole.
#[derive(Default)]
struct Description<'a> {
    plain: &'a str,
    english: &'a str,
    other: &'a str,
}

impl<'a> Description<'a> {
    fn take(&mut self, name: &str, value: &'a str) -> bool {
        const START: &str = "description";
        let Some((start, language)) = name.split_at_checked(START.len()) else { return false };
        if !start.eq_ignore_ascii_case(START) {
            return false;
        }
        match language.to_ascii_lowercase().as_str() {
            "" => self.plain = value,
            "-en" => self.english = value,
            "-md5" => {}
            _ => self.other = value,
        }
        true
    }

    /// The fullest one.
    fn best(&self) -> &'a str {
        let all = [self.plain, self.english, self.other];
        let whole = all.iter().find(|text| text.contains('\n'));
        whole.or_else(|| all.iter().find(|text| !text.is_empty())).copied().unwrap_or("")
    }

    fn synopsis(&self) -> &'a str {
        self.best().split('\n').next().unwrap_or("").trim_ascii()
    }

    fn long(&self) -> Option<String> {
        let (_, long) = self.best().split_once('\n')?;
        let text = unfold(long);
        (!text.is_empty()).then_some(text)
    }
}

/// Undoes the folding of a long description (Debian Policy 5.6.13): lines that begin with one space
/// are parts of a paragraph, those with more stand as they are, and ` .` is an empty line.
fn unfold(long: &str) -> String {
    let mut text = String::with_capacity(long.len());
    // Whether the last line is part of a paragraph, which the next may go on with.
    let mut open = false;
    for line in long.split('\n').filter(|line| !line.starts_with('#')) {
        let line = line.trim_ascii_end();
        let line = line.strip_prefix([' ', '\t']).unwrap_or(line);
        if line == "." || line.is_empty() {
            if !text.is_empty() && !text.ends_with("\n\n") {
                text.push_str(if text.ends_with('\n') { "\n" } else { "\n\n" });
            }
            open = false;
        } else if line.starts_with([' ', '\t']) {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
            text.push_str(line);
            text.push('\n');
            open = false;
        } else {
            if open {
                text.push(' ');
            }
            text.push_str(line);
            open = true;
        }
    }
    text.truncate(text.trim_ascii_end().len());
    text
}
