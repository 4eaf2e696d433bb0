//! Kinds of marks: their stable names, and what they mean.

use omg_core::{Mark, Severity};

/// Marks of one review, at most; one more says that there would be others.
pub const MAX_MARKS: usize = 500;
/// Characters of what was seen, at most.
const MAX_TEXT: usize = 200;

macro_rules! risks {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $why:literal;)*) => {
        /// What a mark is about.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Risk { $($(#[$doc])* $variant,)* }

        impl Risk {
            /// All kinds, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable name, in kebab-case.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it means, one sentence.
            pub fn why(self) -> &'static str {
                match self { $(Self::$variant => $why,)* }
            }
        }
    };
}

risks! {
    /// Another maintainer than at the last review.
    MaintainerChanged = "maintainer-changed", "somebody else maintains the package than when it was last reviewed";
    /// Another maintainer, and the last change is young.
    RecentlyAdopted = "recently-adopted", "the package changed hands and was changed shortly after";
    /// First submitted a few days ago.
    NewPackage = "new-package", "the package is so new that few people can have looked at it";
    /// Nobody maintains it.
    Orphaned = "orphaned", "nobody maintains the package, and anybody can adopt it";
    /// Flagged.
    OutOfDate = "out-of-date", "somebody says that there is a newer version upstream";
    /// The reviewed commit is no longer in the history.
    HistoryRewritten = "history-rewritten", "the commit reviewed last is no longer in the history, which the AUR does not allow people to rewrite";
    /// The recipe lacks a file that it needs.
    MissingFile = "missing-file", "a recipe has a PKGBUILD and a .SRCINFO as plain text files";
    /// The two descriptions differ.
    SrcinfoDisagrees = "srcinfo-disagrees", "what .SRCINFO shows is not what PKGBUILD does";
    /// The two descriptions can't be compared.
    SrcinfoNotCompared = "srcinfo-not-compared", "PKGBUILD works this out when it runs, so it can't be compared with .SRCINFO";
    /// There is an install script.
    InstallScript = "install-script", "its functions run as root when the package is installed, upgraded or removed";
    /// There is a hook of pacman.
    PacmanHook = "pacman-hook", "what it says runs as root in later transactions";
    /// A host that sources come from.
    SourceHost = "source-host", "sources come from here";
    /// A host that sources did not come from before.
    NewHost = "new-host", "sources did not come from here when the recipe was last reviewed";
    /// A place where anybody can put anything.
    PasteHost = "paste-host", "anybody can put anything there without a name, and change it";
    /// A host without a name.
    NumericHost = "numeric-host", "a bare network address has no owner that could be known";
    /// An address that looks like another.
    MisleadingAddress = "misleading-address", "what stands before the @ is not the host";
    /// A source without TLS.
    InsecureSource = "insecure-source", "anybody on the way can change what is fetched";
    /// A source without checksum.
    ChecksumSkipped = "checksum-skipped", "nothing tells whether the source is what the maintainer saw";
    /// Fewer checksums than sources.
    ChecksumMissing = "checksum-missing", "the recipe has no checksum for this source";
    /// MD5, SHA-1 or CRC only.
    WeakChecksum = "weak-checksum", "files with the same checksum can be made on purpose";
    /// A moving source.
    UnpinnedSource = "unpinned-source", "a branch is built, so what is built can change without a change of the recipe";
    /// A repository that is not the project's.
    ForeignRepository = "foreign-repository", "the repository belongs to somebody else than the project";
    /// An archive that is not from the project's forge.
    ArchiveElsewhere = "archive-elsewhere", "the archive does not come from where the project's page is, so it need not be what is in its repository";
    /// A download.
    Download = "download", "it fetches something that no checksum of the recipe covers";
    /// A package manager of a language.
    ForeignPackages = "foreign-packages", "another package manager fetches code, and may run it, without a checksum of the recipe";
    /// What is fetched or made is run at once.
    PipedToShell = "piped-to-shell", "what comes out is run unseen";
    /// Something is decoded.
    Decoding = "decoding", "it hides what it holds from a reader";
    /// Long encoded text.
    EncodedText = "encoded-text", "a long text that nobody can read";
    /// Text is run.
    Eval = "eval", "text is put together and then run";
    /// A program in an argument.
    InlineProgram = "inline-program", "a program in another language stands inside an argument";
    /// A word is written so that it can't be found.
    Disguised = "disguised", "the word is written so that nobody finds it by searching";
    /// Characters that don't show.
    HiddenCharacters = "hidden-characters", "characters that reorder or hide text, or control a terminal";
    /// Text far to the right.
    HiddenText = "hidden-text", "text stands far to the right, where few people look";
    /// A connection by hand.
    RawNetwork = "raw-network", "it opens a connection of its own";
    /// Run whenever the recipe is read.
    RunsWhenSourced = "runs-when-sourced", "it runs whenever makepkg reads the recipe, before anything is asked";
    /// A change of the system.
    SystemChange = "system-change", "it changes the system beyond the package's files";
    /// Set-uid, set-gid, capabilities.
    Privilege = "privilege", "the file runs with the rights of its owner, whoever starts it";
    /// A write beside the build.
    WritesOutside = "writes-outside", "it writes outside the build and package directories";
    /// A start-up file or the like.
    Persistence = "persistence", "what stands there is run again later";
    /// Keys and passwords.
    Secrets = "secrets", "keys, passwords or private data are kept there";
    /// A program in the recipe.
    BinaryFile = "binary-file", "what it does can't be read";
    /// A file beyond a limit.
    LargeFile = "large-file", "it is too large to be shown or looked through in full";
    /// A symbolic link.
    Symlink = "symlink", "recipes have no need of links, and a link may lead out of the recipe";
    /// A submodule.
    Submodule = "submodule", "another repository would be fetched, which is not reviewed";
    /// A strange file name.
    UnusualPath = "unusual-path", "the file's name may be taken for something else";
    /// Beyond the limits of the review.
    NotReadInFull = "not-read-in-full", "only a part was looked through";
}

/// Marks as they are found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) marks: Vec<Mark>,
    more: bool,
}

impl Found {
    /// Notes what was seen; the same thing in the same place counts once.
    pub(super) fn add(
        &mut self,
        risk: Risk,
        severity: Severity,
        file: &str,
        line: u32,
        text: &str,
    ) {
        if self.marks.len() >= MAX_MARKS {
            self.more = true;
            return;
        }
        let line = (line > 0).then_some(line);
        let text = one_line(text);
        let same = |mark: &&mut Mark| {
            mark.kind == risk.as_str()
                && mark.file == file
                && mark.line == line
                && mark.text == text
        };
        if let Some(mark) = self.marks.iter_mut().find(same) {
            mark.severity = mark.severity.max(severity);
            return;
        }
        let (kind, why) = (risk.as_str().to_owned(), risk.why().to_owned());
        self.marks.push(Mark { kind, severity, file: file.to_owned(), line, text, why });
    }

    /// The marks, most severe first, then by file and line.
    pub(super) fn finish(mut self) -> Vec<Mark> {
        if self.more {
            let why = Risk::NotReadInFull;
            let text = format!("more than {MAX_MARKS} marks");
            self.marks.push(Mark {
                kind: why.as_str().to_owned(),
                severity: Severity::Danger,
                file: String::new(),
                line: None,
                text,
                why: why.why().to_owned(),
            });
        }
        let order = |mark: &Mark| (std::cmp::Reverse(mark.severity), mark.file.clone(), mark.line);
        self.marks.sort_by_cached_key(order);
        self.marks
    }
}

fn one_line(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.chars().count() <= MAX_TEXT {
        return words;
    }
    words.chars().take(MAX_TEXT).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_stable_words_and_differ() {
        let mut names: Vec<_> = Risk::ALL.iter().map(|risk| risk.as_str()).collect();
        assert!(
            names
                .iter()
                .all(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'))
        );
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Risk::ALL.len());
    }
}
