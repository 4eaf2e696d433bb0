//! Columns that line up and fit the terminal.

use std::borrow::Cow;
use std::ops::Range;

use super::{Output, Style, clean, cut, width};

/// Space between columns.
const GAP: usize = 2;

/// No column is cut below this.
const NARROWEST: usize = 8;

/// One field of a row.
#[derive(Clone, Debug)]
pub(crate) struct Cell<'a> {
    text: Cow<'a, str>,
    style: Style,
    marked: Vec<(Range<usize>, Style)>,
}

impl<'a> Cell<'a> {
    /// Text from a package, made safe.
    pub(crate) fn new(style: Style, text: &'a str) -> Self {
        Self { text: clean(text), style, marked: Vec::new() }
    }

    /// Text that was put together here, made safe.
    pub(crate) fn owned(style: Style, text: String) -> Self {
        let text = match clean(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(clean) => clean,
        };
        Self { text: Cow::Owned(text), style, marked: Vec::new() }
    }

    /// Marks where the words of a query stand in the text; case does not matter.
    #[must_use]
    pub(crate) fn highlight(mut self, words: &[String]) -> Self {
        let lower = self.text.to_ascii_lowercase();
        let mut ranges: Vec<_> = words
            .iter()
            .filter_map(|word| lower.find(word.as_str()).map(|at| at..at + word.len()))
            .collect();
        ranges.sort_by_key(|range| (range.start, range.end));
        ranges.dedup_by(|next, kept| {
            let overlap = next.start <= kept.end;
            if overlap {
                kept.end = kept.end.max(next.end);
            }
            overlap
        });
        self.marked = ranges.into_iter().map(|range| (range, Style::Match)).collect();
        self
    }

    /// Pieces of text behind each other, each in its own style and made safe.
    pub(crate) fn pieces<'p>(pieces: impl IntoIterator<Item = (Style, &'p str)>) -> Self {
        let mut text = String::new();
        let mut marked = Vec::new();
        for (style, piece) in pieces {
            let start = text.len();
            text.push_str(&clean(piece));
            marked.push((start..text.len(), style));
        }
        Self { text: Cow::Owned(text), style: Style::Plain, marked }
    }

    /// The same with text of our own in front, in a style of its own.
    #[must_use]
    pub(crate) fn prefixed(mut self, style: Style, prefix: &'static str) -> Self {
        for (range, _) in &mut self.marked {
            *range = range.start + prefix.len()..range.end + prefix.len();
        }
        self.marked.insert(0, (0..prefix.len(), style));
        self.text = Cow::Owned(format!("{prefix}{}", self.text));
        self
    }

    /// Columns that it takes.
    pub(crate) fn width(&self) -> usize {
        width(&self.text)
    }

    /// Writes it, cut to `columns`; gives back the columns used.
    pub(crate) fn write(&self, out: &mut Output, columns: usize) -> usize {
        let mark = out.screen.pick("…", "...");
        let text = cut(&self.text, columns, mark);
        let mut plain = 0;
        for (range, style) in &self.marked {
            let end = range.end.min(text.len());
            let (Some(before), Some(inside)) =
                (text.get(plain..range.start), text.get(range.start..end))
            else {
                break;
            };
            out.styled(self.style, before).styled(*style, inside);
            plain = end;
        }
        let rest = text.get(plain..).unwrap_or("");
        if !rest.is_empty() {
            out.styled(self.style, rest);
        }
        width(&text)
    }
}

/// How a column behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Column {
    /// As wide as its widest field, text to the left.
    Left,
    /// As wide as its widest field, numbers to the right.
    Right,
    /// As [`Left`](Self::Left), but left out on a terminal that is too narrow for all. The first ones
    /// go first.
    Spare,
    /// What is left of the line; cut there on a terminal. Only sensible as the last one.
    Rest,
}

/// Rows of cells under a fixed set of columns.
#[derive(Debug)]
pub(crate) struct Table<'a> {
    columns: &'static [Column],
    heading: &'static [&'static str],
    cells: Vec<Cell<'a>>,
}

impl<'a> Table<'a> {
    /// An empty one.
    pub(crate) fn new(columns: &'static [Column]) -> Self {
        Self { columns, heading: &[], cells: Vec::new() }
    }

    /// Names the columns. Shown on a terminal only: off one, every line is a row.
    #[must_use]
    pub(crate) fn heading(mut self, heading: &'static [&'static str]) -> Self {
        self.heading = heading;
        self
    }

    /// Adds a row.
    pub(crate) fn row<const N: usize>(&mut self, cells: [Cell<'a>; N]) {
        debug_assert_eq!(N, self.columns.len(), "one cell per column");
        self.cells.extend(cells);
    }

    /// Columns that each column takes if nothing is cut. The last is 0 if it takes the rest.
    fn natural(&self, heading: &[&str]) -> Vec<usize> {
        let mut widths: Vec<usize> = self.columns.iter().map(|_| 0).collect();
        for (width, title) in widths.iter_mut().zip(heading) {
            *width = title.len();
        }
        for row in self.cells.chunks(self.columns.len().max(1)) {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        for (width, column) in widths.iter_mut().zip(self.columns) {
            if *column == Column::Rest {
                *width = 0;
            }
        }
        widths
    }

    /// Columns left for the last one on a line of `columns`.
    pub(crate) fn room(&self, columns: usize) -> usize {
        let used: usize = self.natural(&[]).iter().map(|width| width + GAP).sum();
        columns.saturating_sub(used.saturating_sub(GAP))
    }

    /// Writes all rows.
    pub(crate) fn write(&self, out: &mut Output) {
        let heading = if out.screen.tty() { self.heading } else { &[] };
        let mut widths = self.natural(heading);
        if let Some(columns) = out.screen.columns {
            self.leave_out(&mut widths, columns);
            shrink(&mut widths, columns);
        }
        if !heading.is_empty() && !self.cells.is_empty() {
            let cells: Vec<_> = heading.iter().map(|title| Cell::new(Style::Dim, title)).collect();
            self.write_row(out, &cells, &widths);
        }
        for row in self.cells.chunks(self.columns.len().max(1)) {
            self.write_row(out, row, &widths);
        }
    }

    /// Takes spare columns out, by giving them no width, until a line fits.
    fn leave_out(&self, widths: &mut [usize], columns: usize) {
        for at in 0..self.columns.len() {
            if line(widths) <= columns {
                return;
            }
            if let (Some(Column::Spare), Some(width)) = (self.columns.get(at), widths.get_mut(at)) {
                *width = 0;
            }
        }
    }

    fn write_row(&self, out: &mut Output, row: &[Cell<'_>], widths: &[usize]) {
        let mut used = 0;
        let mut owed = 0;
        for ((cell, column), &column_width) in row.iter().zip(self.columns).zip(widths) {
            if column_width == 0 && *column != Column::Rest {
                continue;
            }
            match column {
                Column::Left | Column::Spare => {
                    out.spaces(owed);
                    let wrote = cell.write(out, column_width);
                    owed = column_width - wrote + GAP;
                }
                Column::Right => {
                    let pad = column_width - cell.width().min(column_width);
                    out.spaces(owed + pad);
                    cell.write(out, column_width);
                    owed = GAP;
                }
                Column::Rest => {
                    out.spaces(owed);
                    let room = out
                        .screen
                        .columns
                        .map_or(usize::MAX, |columns| columns.saturating_sub(used));
                    cell.write(out, room);
                    owed = 0;
                }
            }
            used += column_width + GAP;
        }
        out.line();
    }
}

/// Columns that a line takes. One of no width has no gap either.
fn line(widths: &[usize]) -> usize {
    widths
        .iter()
        .filter(|width| **width > 0)
        .map(|width| width + GAP)
        .sum::<usize>()
        .saturating_sub(GAP)
}

/// Narrows the widest columns until a line fits, or none can be narrowed further.
fn shrink(widths: &mut [usize], columns: usize) {
    loop {
        let over = line(widths).saturating_sub(columns);
        let Some(widest) = widths.iter_mut().max() else { return };
        if over == 0 || *widest <= NARROWEST {
            return;
        }
        // One column at a time in small steps, so that two wide ones share the loss.
        *widest -= over.min(4).min(*widest - NARROWEST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Screen;

    fn sample(screen: Screen) -> String {
        let mut table = Table::new(&[Column::Left, Column::Right, Column::Rest])
            .heading(&["NAME", "SIZE", "WHAT"]);
        table.row([
            Cell::new(Style::Name, "vim"),
            Cell::new(Style::Plain, "12"),
            Cell::new(Style::Plain, "an editor"),
        ]);
        table.row([
            Cell::new(Style::Name, "日本"),
            Cell::new(Style::Plain, "3,456"),
            Cell::new(Style::Plain, "with a description that is long\x1b[31m"),
        ]);
        let mut out = Output::new(screen);
        table.write(&mut out);
        out.text().to_owned()
    }

    #[test]
    fn columns_line_up_and_fit() {
        insta::assert_snapshot!(sample(Screen::terminal(40)), @r"
        NAME   SIZE  WHAT
        vim      12  an editor
        日本  3,456  with a description that is…
        ");
        insta::assert_snapshot!(sample(Screen::pipe()), @r"
        vim      12  an editor
        日本  3,456  with a description that is long\x1b[31m
        ");
    }

    #[test]
    fn matches_are_marked_where_they_stand() {
        let mut out = Output::new(Screen { color: true, ..Screen::terminal(40) });
        let words = ["vim".to_owned(), "im-g".to_owned()];
        Cell::new(Style::Name, "nvim-gtk").highlight(&words).write(&mut out, 40);
        assert_eq!(out.text(), "\x1b[36mn\x1b[0m\x1b[1;36mvim-g\x1b[0m\x1b[36mtk\x1b[0m");
    }

    #[test]
    fn narrow_terminals_cut_the_widest_first() {
        let mut widths = [40, 10, 0];
        shrink(&mut widths, 40);
        assert_eq!(line(&widths), 40);
        assert_eq!(widths[1], 10);
    }
}
