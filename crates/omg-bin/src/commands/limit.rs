//! `--limit`, for verbs whose answer is a list.

use clap::Args;

/// How many results.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct Limit {
    /// At most N results; 0 for all
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
}

impl Limit {
    /// The number asked for, or `unasked`; `None` means all.
    pub(crate) fn or(self, unasked: Option<u32>) -> Option<u32> {
        match self.limit {
            Some(0) => None,
            Some(limit) => Some(limit),
            None => unasked,
        }
    }

    /// Cuts a list to the number asked for; gives back how many were dropped.
    pub(crate) fn cut<T>(self, list: &mut Vec<T>) -> usize {
        let before = list.len();
        if let Some(limit) = self.or(None) {
            list.truncate(limit as usize);
        }
        before - list.len()
    }
}
