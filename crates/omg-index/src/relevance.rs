//! How well a ranking answers a table of queries: mean reciprocal rank within the first ten, and
//! how often the first answer is right.
//!
//! The table has one query per line: the query, the packages that answer it separated by commas,
//! and the kind of query, separated by tabs. Lines that begin with `#` are left out.
//!
//! ```
//! use omg_index::relevance::Table;
//!
//! let table = Table::parse("node\tnodejs\tcommon\nvim\tvim,vim-tiny\texact\n");
//! let outcome = table.judge(|query| match query {
//!     "vim" => vec!["vi".to_owned(), "vim-tiny".to_owned()],
//!     _ => vec!["nodejs".to_owned()],
//! });
//! assert_eq!(outcome.mrr(), 0.75);
//! assert_eq!(outcome.first(), 0.5);
//! ```

/// Answers beyond this rank don't count.
pub const DEPTH: usize = 10;

/// A query and what answers it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Question<'t> {
    /// What is typed.
    pub query: &'t str,
    /// Packages that answer it, best first.
    pub wanted: Vec<&'t str>,
    /// Kind of query.
    pub kind: &'t str,
}

/// Queries with wanted answers.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Table<'t> {
    /// In the order of the file.
    pub questions: Vec<Question<'t>>,
}

impl<'t> Table<'t> {
    /// Reads a table; lines without two tabs are left out.
    pub fn parse(text: &'t str) -> Self {
        let questions = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
            let mut columns = line.split('\t');
            let (query, wanted, kind) = (columns.next()?, columns.next()?, columns.next()?);
            Some(Question { query, wanted: wanted.split(',').collect(), kind })
        });
        Self { questions: questions.collect() }
    }

    /// Asks every query of `search`, which gives names, best first.
    pub fn judge(&self, mut search: impl FnMut(&str) -> Vec<String>) -> Outcome<'_> {
        let ranks = self.questions.iter().map(|question| {
            let answers = search(question.query);
            let rank = answers
                .iter()
                .take(DEPTH)
                .position(|name| question.wanted.contains(&name.as_str()));
            Judged { question, rank: rank.map(|at| at + 1), answers }
        });
        Outcome { judged: ranks.collect() }
    }
}

/// One query, answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Judged<'t> {
    /// The query.
    pub question: &'t Question<'t>,
    /// Rank of the first acceptable answer, from 1; `None` beyond [`DEPTH`].
    pub rank: Option<usize>,
    /// What was answered.
    pub answers: Vec<String>,
}

/// A whole table, answered.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Outcome<'t> {
    /// In the order of the table.
    pub judged: Vec<Judged<'t>>,
}

impl Outcome<'_> {
    /// Mean of one over the rank of the first acceptable answer; a query without one counts 0.
    pub fn mrr(&self) -> f64 {
        self.mean(|rank| 1.0 / rank as f64)
    }

    /// Share of queries whose first answer is acceptable.
    pub fn first(&self) -> f64 {
        self.mean(|rank| f64::from(u8::from(rank == 1)))
    }

    /// The same for queries of one kind.
    #[must_use]
    pub fn of_kind(&self, kind: &str) -> Self {
        Self { judged: self.judged.iter().filter(|it| it.question.kind == kind).cloned().collect() }
    }

    fn mean(&self, worth: impl Fn(usize) -> f64) -> f64 {
        let sum: f64 = self.judged.iter().filter_map(|it| it.rank).map(worth).sum();
        // The sum of nothing is minus zero.
        (sum + 0.0) / self.judged.len().max(1) as f64
    }
}
