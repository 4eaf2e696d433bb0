//! What went wrong, for people and for scripts: code, message, hint, exit code.

use std::fmt;

use bitcode::{Decode, Encode};

/// What went wrong, as a stable number: `OMG-E0003`. Numbers are never reused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Encode, Decode)]
#[repr(u16)]
#[non_exhaustive]
pub enum Code {
    /// Anything that no other code names.
    Failure = 1,
    /// The command line, a pattern or a name is not of the form it must have.
    Usage = 2,
    /// No such package, file or match.
    NotFound = 3,
    /// No set of packages meets the request.
    Unsolvable = 4,
    /// The user said no, or nobody was there to ask.
    Declined = 5,
    /// The operating system refused access.
    Permission = 6,
    /// Another process holds a lock.
    Lock = 7,
    /// The network, or a server on it, does not answer.
    Network = 8,
    /// Refused by verification or policy.
    Refused = 9,
    /// A signature is missing where it must be, wrong, or made by a key that is not trusted here.
    Signature = 10,
    /// Bytes do not have the digest or the size that was signed for them.
    Digest = 11,
    /// Signed metadata is too old to be believed.
    Expired = 12,
    /// Signed metadata is older than what was accepted before.
    Rollback = 13,
    /// The policy of this system forbids it.
    Policy = 14,
    /// An archive has contents that no package may have.
    Archive = 15,
    /// The build can't be confined, so it is not run.
    Sandbox = 16,
    /// The system is not as it was when the plan was approved.
    PlanChanged = 17,
    /// The daemon can't be reached or started.
    Daemon = 20,
    /// The peer on the socket is not whom we expect.
    Peer = 21,
    /// Bytes on the socket are not our protocol.
    Protocol = 22,
    /// A stated limit was exceeded.
    Limit = 23,
    /// Too many requests; try again shortly.
    Busy = 24,
    /// The deadline passed.
    Timeout = 25,
    /// The engine process can't be started, or died.
    Engine = 26,
    /// No way to get the administrator's rights.
    Elevation = 27,
    /// The native tool failed within a transaction.
    Transaction = 28,
    /// Some of it is done and some is not.
    Partial = 29,
    /// A file could not be read.
    Unreadable = 30,
    /// A file was read but makes no sense.
    Malformed = 31,
    /// No supported package database is there.
    NoBackend = 32,
    /// A file could not be written.
    Unwritable = 33,
    /// The settings file is wrong.
    Settings = 34,
    /// The log of changes can't be written, so nothing is changed.
    Audit = 35,
    /// The log of changes was altered.
    Tampered = 36,
    /// An earlier change was cut off and must be finished first.
    Interrupted = 37,
    /// A version that is needed can't be had any more.
    Gone = 38,
    /// Building a recipe failed.
    Build = 39,
    /// A panic was caught; a bug in OMG.
    Internal = 90,
}

impl Code {
    /// Stable id for users: `OMG-E0003`.
    pub fn id(self) -> String {
        format!("OMG-E{:04}", self as u16)
    }

    /// The exit code of a command that ends with this fault.
    pub fn exit(self) -> u8 {
        match self {
            Self::Usage | Self::Settings => 2,
            Self::Unsolvable => 4,
            Self::Declined => 5,
            Self::Lock => 7,
            Self::Network => 8,
            Self::Refused
            | Self::Signature
            | Self::Digest
            | Self::Expired
            | Self::Rollback
            | Self::Policy
            | Self::Archive
            | Self::Sandbox
            | Self::PlanChanged => 9,
            Self::Permission | Self::Elevation => 6,
            Self::Partial => 11,
            Self::NotFound | Self::Gone => 3,
            _ => 1,
        }
    }
}

/// An error as it crosses the wire and reaches the user.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Fault {
    /// What kind; decides the exit code.
    pub code: Code,
    /// What failed, one line, lower case, no full stop.
    pub message: String,
    /// Underlying causes, outermost first.
    pub cause: Vec<String>,
    /// What to type next.
    pub hint: Option<String>,
    /// Names that may have been meant.
    pub suggestions: Vec<String>,
}

impl Fault {
    /// A fault with nothing but a message.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            cause: Vec::new(),
            hint: None,
            suggestions: Vec::new(),
        }
    }

    /// A fault around an error: the error's own text and its sources become the causes.
    pub fn caused_by(
        code: Code,
        message: impl Into<String>,
        error: &(dyn std::error::Error + 'static),
    ) -> Self {
        let mut fault = Self::new(code, message);
        let mut next = Some(error);
        while let Some(error) = next {
            fault.cause.push(error.to_string());
            next = error.source();
        }
        fault
    }

    /// Adds what to type next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds names that may have been meant.
    #[must_use]
    pub fn suggest<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.suggestions.extend(names.into_iter().map(Into::into));
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.cause.iter().try_for_each(|cause| write!(f, ": {cause}"))
    }
}

impl std::error::Error for Fault {}

/// What `omg explain` says of a code.
#[derive(Clone, Copy, Debug)]
pub struct Explanation {
    /// The code.
    pub code: Code,
    /// One line.
    pub title: &'static str,
    /// What it means and what can be done, a paragraph.
    pub text: &'static str,
}

/// Every code with its explanation, in order of number.
pub const EXPLANATIONS: &[Explanation] = &[
    Explanation {
        code: Code::Failure,
        title: "the request failed",
        text: "Something failed that has no number of its own. The causes below the message say what; `omg doctor` looks for common reasons.",
    },
    Explanation {
        code: Code::Usage,
        title: "the command line is wrong",
        text: "An argument is missing, unknown, or not of the form it must have. `omg help VERB` shows the verb's arguments with examples.",
    },
    Explanation {
        code: Code::NotFound,
        title: "nothing matches",
        text: "No package, file or command of that name is known. Suggestions are names that differ by a letter or two. If the package is new, refresh the lists (`sudo apt-get update`) and ask again.",
    },
    Explanation {
        code: Code::Unsolvable,
        title: "the request can't be met",
        text: "No set of packages meets the request: something that is needed is not to be had, or two things exclude each other. The causes name the packages; `omg why-not PKG` asks about one of them. Nothing was changed.",
    },
    Explanation {
        code: Code::Declined,
        title: "declined",
        text: "A question was answered with no, or could not be asked because no terminal is attached. Nothing was changed. `--yes` answers for you.",
    },
    Explanation {
        code: Code::Permission,
        title: "access refused",
        text: "The operating system refused access to a file or socket. The message names it.",
    },
    Explanation {
        code: Code::Lock,
        title: "locked by another process",
        text: "Another process holds the lock. The message names the lock and, where it can be found, the holder.",
    },
    Explanation {
        code: Code::Network,
        title: "the network does not answer",
        text: "A server could not be reached, was too slow, or answered with an error. What is known from before is still answered; try again later, or use `--offline`.",
    },
    Explanation {
        code: Code::Refused,
        title: "refused by policy",
        text: "The change could be made but is refused, because it would leave the system in a state that is not supported, or because its origin is not trusted enough. The message names the rule and what to type instead. Nothing was changed.",
    },
    Explanation {
        code: Code::Signature,
        title: "the signature is not good",
        text: "A signature is missing where it must be, is wrong, or was made by a key that is not trusted for this source: expired, revoked, too weak, or another repository's. The causes name the key. Nothing was changed. If the distribution changed its keys, upgrade its keyring package first.",
    },
    Explanation {
        code: Code::Digest,
        title: "not the bytes that were signed",
        text: "What was received does not have the size or the digest that signed metadata has for it. Nothing of it was used. A mirror in the middle of an update does this for some minutes; `omg sync` and another try usually help. If it stays, the mirror or the way to it alters what it delivers.",
    },
    Explanation {
        code: Code::Expired,
        title: "the metadata is too old",
        text: "Signed metadata says until when it may be believed, or is older than the policy allows. A mirror that stands still looks like this, and so does an attacker who hides updates. `omg sync` from another mirror, or set the clock right.",
    },
    Explanation {
        code: Code::Rollback,
        title: "older than what was there before",
        text: "A mirror delivered signed metadata older than what this system accepted before. What is newer is kept. Another mirror, or the same one later, has it.",
    },
    Explanation {
        code: Code::Policy,
        title: "forbidden by policy",
        text: "A rule of the policy (/etc/omg/policy.toml, or your own stricter one) forbids this change. `omg audit policy PKG` shows every rule with its verdict. Nothing was changed.",
    },
    Explanation {
        code: Code::Archive,
        title: "not a package",
        text: "The archive has contents that no package may have: paths outside the root, links that lead out, names twice, devices, or more than its limits. Nothing of it was unpacked.",
    },
    Explanation {
        code: Code::Sandbox,
        title: "the build can not be confined",
        text: "Building a recipe runs foreign code, which is done only where it can be confined: bubblewrap, user namespaces and seccomp must work. The causes say what is missing. Nothing was built.",
    },
    Explanation {
        code: Code::PlanChanged,
        title: "the system changed meanwhile",
        text: "Between showing the plan and carrying it out the system changed, so the same request would do something else now. Nothing was changed. Ask again to see the new plan.",
    },
    Explanation {
        code: Code::Daemon,
        title: "the daemon can't be reached",
        text: "omgd is not running and could not be started, or ended while answering. `omg daemon logs` shows why; `OMG_NO_DAEMON=1 omg …` works without it.",
    },
    Explanation {
        code: Code::Peer,
        title: "the peer is not trusted",
        text: "The socket, or the directory it is in, belongs to another user, so OMG did not talk to it. Remove it, or set OMG_SOCKET to a path of your own.",
    },
    Explanation {
        code: Code::Protocol,
        title: "not our protocol",
        text: "The other side sent bytes that are not the OMG protocol, or speaks another version of it. After an upgrade, `omg daemon stop` lets the new daemon start.",
    },
    Explanation {
        code: Code::Limit,
        title: "over a limit",
        text: "A frame, file, list or request is larger than its stated limit. The message says which limit; docs/protocol.md and docs/formats.md list them.",
    },
    Explanation {
        code: Code::Busy,
        title: "too many requests",
        text: "The daemon limits requests per user and connections in all. Wait a moment and try again.",
    },
    Explanation {
        code: Code::Timeout,
        title: "too slow",
        text: "The deadline passed before an answer came.",
    },
    Explanation {
        code: Code::Engine,
        title: "the engine is not there",
        text: "Plans are made by a process of its own, omg-engine-apt or omg-engine-alpm, beside omgd. It is not installed, could not be started, or died twice over the same request. Everything that does not need a plan goes on; `omg daemon logs` shows more.",
    },
    Explanation {
        code: Code::Elevation,
        title: "no administrator's rights",
        text: "Changing system packages takes the administrator's rights, and none of sudo, doas, run0 and pkexec could give them. Run the command as root, or name a program in `elevate.with`. Nothing was changed.",
    },
    Explanation {
        code: Code::Transaction,
        title: "the transaction failed",
        text: "dpkg or pacman failed in the middle. The causes have the end of its output. `omg recover` finishes or reverts what was begun; `omg history info` shows how far it came.",
    },
    Explanation {
        code: Code::Partial,
        title: "partly done",
        text: "Some of what was asked for is done and some is not; the message says which. What is done is complete and recorded.",
    },
    Explanation {
        code: Code::Unreadable,
        title: "a file can't be read",
        text: "A file that OMG needs could not be read. The message names the file and the cause.",
    },
    Explanation {
        code: Code::Malformed,
        title: "a file makes no sense",
        text: "A file was read but is not in the format it must be in. The message names the file, the line and what was expected.",
    },
    Explanation {
        code: Code::NoBackend,
        title: "no package database",
        text: "No package database that OMG can read was found under the root. OMG reads dpkg's, at var/lib/dpkg/status, and pacman's, at var/lib/pacman/local.",
    },
    Explanation {
        code: Code::Unwritable,
        title: "a file can't be written",
        text: "A file could not be written. Queries go on without it.",
    },
    Explanation {
        code: Code::Settings,
        title: "the settings are wrong",
        text: "settings.toml has an unknown key or a value of the wrong type. The message names the line. `omg config` shows all keys with their values and where they come from.",
    },
    Explanation {
        code: Code::Audit,
        title: "the log can not be written",
        text: "Every change is recorded before it is made. The log can't be written (no space, wrong owner, damaged), so no change is made; questions are answered as before. `omg audit verify` says whether the log is whole.",
    },
    Explanation {
        code: Code::Tampered,
        title: "the log was altered",
        text: "The log of changes is not what was written: a record, a checkpoint or an anchor does not fit. `omg audit verify` names the first record. The log is kept as it is, as evidence.",
    },
    Explanation {
        code: Code::Interrupted,
        title: "an earlier change is unfinished",
        text: "An earlier change was cut off, by a crash or a power cut, and packages may be half installed. `omg recover` finishes or reverts it; other changes wait for that.",
    },
    Explanation {
        code: Code::Gone,
        title: "that version can not be had any more",
        text: "Undoing or downgrading takes a version that is in no cache, that no configured repository has any more, and that the distribution's archive does not have or has without anything to know it by. The causes name the packages, where was looked, and why that does not count. What can be had is not done without the rest.",
    },
    Explanation {
        code: Code::Build,
        title: "the build failed",
        text: "The recipe was run, confined, and failed. The causes have the end of its output, and name the file with all of it. Other recipes that do not need it were built; `omg resume` tries the rest again.",
    },
    Explanation {
        code: Code::Internal,
        title: "a bug in OMG",
        text: "A part of OMG panicked. The request was ended; everything else goes on. Please report it with the output of `omg daemon logs`.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn explanations_are_sorted_and_distinct() {
        assert!(EXPLANATIONS.windows(2).all(|pair| (pair[0].code as u16) < (pair[1].code as u16)));
    }
}
