//! How `omg-sandbox-exec confine` is told what to do: words on its command line.

use std::ffi::{OsStr, OsString};

use crate::{Landlock, Limits, Profile};

/// What is set up before the program begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spec {
    /// Which walls.
    pub profile: Profile,
    /// Whether it goes without Landlock.
    pub landlock: Landlock,
    /// Processes at a time.
    pub processes: u64,
    /// Bytes of a file.
    pub file: u64,
    /// Open files of a process.
    pub open_files: u64,
    /// Bytes of memory of a process.
    pub memory: u64,
    /// Seconds of processor time of a process.
    pub cpu_s: u64,
    /// Bytes of address space of a process.
    pub address_space: Option<u64>,
}

/// Words in front of the program: two names and six numbers.
const WORDS: usize = 8;

impl Spec {
    /// The part of the limits that the kernel keeps for each process.
    pub fn new(profile: Profile, landlock: Landlock, limits: &Limits) -> Self {
        Self {
            profile,
            landlock,
            processes: limits.processes,
            file: limits.file,
            open_files: limits.open_files,
            memory: limits.memory,
            cpu_s: limits.cpu.as_secs().max(1),
            address_space: limits.address_space,
        }
    }

    /// As words, with `--` at the end.
    pub fn words(&self) -> Vec<OsString> {
        let numbers = [
            self.processes,
            self.file,
            self.open_files,
            self.memory,
            self.cpu_s,
            self.address_space.unwrap_or(0),
        ];
        let mut words: Vec<OsString> =
            vec![self.profile.as_str().into(), self.landlock.as_str().into()];
        words.extend(numbers.map(|number| number.to_string().into()));
        words.push("--".into());
        words
    }

    /// Reads what [`words`](Self::words) made; the rest is the program.
    ///
    /// # Errors
    /// If a word is missing or makes no sense.
    pub fn parse(arguments: &[OsString]) -> Result<(Self, &[OsString]), String> {
        let wrong = || "the command line makes no sense".to_owned();
        let (words, rest) = arguments.split_at_checked(WORDS).ok_or_else(wrong)?;
        let rest = rest.split_first().filter(|(dashes, _)| *dashes == "--").ok_or_else(wrong)?.1;
        let mut words = words.iter().map(|word| OsStr::to_str(word).unwrap_or_default());
        let mut word = || words.next().unwrap_or_default();
        let profile = Profile::of(word()).ok_or_else(wrong)?;
        let landlock = Landlock::of(word()).ok_or_else(wrong)?;
        let mut number = || word().parse::<u64>().map_err(|_| wrong());
        let spec = Self {
            profile,
            landlock,
            processes: number()?,
            file: number()?,
            open_files: number()?,
            memory: number()?,
            cpu_s: number()?,
            address_space: Some(number()?).filter(|limit| *limit > 0),
        };
        Ok((spec, rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_written_is_read() {
        let limits = Limits { address_space: Some(1 << 40), ..Limits::default() };
        let spec = Spec::new(Profile::Strict, Landlock::IfAvailable, &limits);
        let mut words = spec.words();
        words.extend(["true".into(), "--".into()]);
        let (read, rest) = Spec::parse(&words).unwrap();
        assert_eq!(read, spec);
        assert_eq!(rest, ["true", "--"]);
    }

    proptest! {
        #[test]
        fn no_words_make_it_panic(words in proptest::collection::vec("[a-z0-9-]{0,9}", 0..12)) {
            let words: Vec<OsString> = words.into_iter().map(OsString::from).collect();
            let _refused = Spec::parse(&words);
        }
    }
}
