//! What can be answered.

use std::cell::RefCell;

use bitcode::{Decode, Encode};
use omg_core::{
    Chain, Dependent, Details, Fault, FileMatch, Generation, GroupRow, Listed, Plan, Progress,
    Refreshed, Review, SizeRow, Staged, Stats, Status, TreeRow, WhyNot,
};

use crate::{Error, Found};

/// The body of a reply frame. Strings are borrowed from the frame.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum Reply<'a> {
    /// To `Ping`.
    Pong {
        /// What is being answered from.
        generation: Generation,
    },
    /// To `Search`.
    Search(Found<'a>),
    /// To `Info`: one entry for each architecture or source that has the name.
    Info(Vec<Details<'a>>),
    /// To `Status`.
    Status(Status),
    /// To `Suggest`, closest first.
    Suggest(Vec<&'a str>),
    /// To `List`, `Explicit` and `Updates`, by name.
    List(Vec<Listed<'a>>),
    /// To `Rdeps`, by strength, then name.
    Rdeps(Vec<Dependent<'a>>),
    /// To `Why`, shortest first.
    Why(Vec<Chain>),
    /// To `Owns` and `Provides`.
    Files {
        /// What was found.
        matches: Vec<FileMatch>,
        /// What would make the answer more complete, if anything.
        hint: Option<String>,
    },
    /// To `Files`: absolute paths.
    Paths(Vec<&'a str>),
    /// To `Tree`, in the order to print.
    Tree(Vec<TreeRow>),
    /// To `Size`, largest first.
    Size(Vec<SizeRow<'a>>),
    /// To `Stats`.
    Stats(Stats),
    /// To `Plan`.
    Plan(Plan),
    /// To `WhyNot`.
    WhyNot(WhyNot),
    /// To `Groups` without a name, by name. With one the answer is a `List`.
    Groups(Vec<GroupRow>),
    /// To `Refresh`.
    Refreshed(Vec<Refreshed>),
    /// To `Review`.
    Review(Review),
    /// To `Accept`.
    Accepted,
    /// It failed.
    Fault(Fault),
    /// To a batch: the encoded reply to each of its queries, in order. None of them is a batch.
    Batch(Vec<Vec<u8>>),
    /// To `Stage`.
    Staged(Box<Staged>),
    /// To `Build`.
    Built {
        /// What was built, as files to be installed together; absent if nothing was.
        staged: Option<Box<Staged>>,
        /// Package bases that were not built, with the reason.
        failed: Vec<(String, Fault)>,
    },
    /// To `Sync`: what [`omg_core::Task::Lists`] takes.
    Lists {
        /// Absolute path of the directory that they were fetched to; empty if nothing has changed.
        directory: String,
        /// Repositories whose lists are newer than those of the system, as users know them.
        changed: Vec<String>,
        /// Repositories whose lists are those of the system.
        unchanged: u32,
    },
    /// To `Store`: what is in it afterwards.
    Store {
        /// Files.
        files: u64,
        /// Bytes of them, and of downloads that were cut off.
        bytes: u64,
        /// Bytes that the task freed.
        freed: u64,
    },
    /// How far a request has come whose answer is still to come, under the same id. An empty list
    /// says that it is still worked on. It is never the last frame of an id.
    Progress(Vec<Progress>),
    /// To `Archive`.
    Archived {
        /// Absolute path of the file; its signature, if it has one, is beside it with `.sig` behind.
        path: String,
        /// Address of the archive that it came from.
        from: String,
    },
}

/// First byte of [`Reply::Progress`]: its place among the replies.
const PROGRESS: u8 = 25;

impl<'a> Reply<'a> {
    /// Reads a reply body. Strings stay borrowed from `body`.
    ///
    /// # Errors
    /// [`Error::Undecodable`].
    pub fn decode(body: &'a [u8]) -> Result<Self, Error> {
        bitcode::decode(body).map_err(|source| Error::Undecodable { what: "reply", source })
    }

    /// Is this the body of a [`Reply::Progress`], after which another frame of the same id comes?
    /// It looks at the first byte alone.
    pub fn is_progress(body: &[u8]) -> bool {
        body.first() == Some(&PROGRESS)
    }

    /// The bytes of this reply's body.
    pub fn encode(&self) -> Vec<u8> {
        /// A buffer that has grown beyond this is not kept: one huge answer would stay in memory.
        const KEPT: usize = 256 * 1024;
        thread_local! {
            // Making the columns' vectors anew takes longer than filling them.
            static BUFFER: RefCell<bitcode::Buffer> = RefCell::default();
        }
        BUFFER.with_borrow_mut(|buffer| {
            let bytes = buffer.encode(self).to_vec();
            if bytes.len() > KEPT {
                *buffer = bitcode::Buffer::new();
            }
            bytes
        })
    }
}
