//! Numbers to text, without an allocator and without `core::fmt`.

use crate::verb::Count;
use omg_proto::snapshot::FastStatus;

/// Longest line: five numbers of ten digits and 51 bytes of words.
const CAPACITY: usize = 128;

/// One line of output, built from left to right.
pub(crate) struct Line {
    text: [u8; CAPACITY],
    length: usize,
}

impl Line {
    pub(crate) const fn new() -> Self {
        Self { text: [0; CAPACITY], length: 0 }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.text.get(..self.length).unwrap_or(&self.text)
    }

    fn push(&mut self, byte: u8) {
        if let Some(place) = self.text.get_mut(self.length) {
            *place = byte;
            self.length += 1;
        }
    }

    fn words(&mut self, words: &str) {
        words.bytes().for_each(|byte| self.push(byte));
    }

    fn number(&mut self, number: u32) {
        let mut scale = 1;
        while number / scale >= 10 {
            scale *= 10;
        }
        while scale > 0 {
            // A digit is below 10, so it fits.
            self.push(b'0' + (number / scale % 10) as u8);
            scale /= 10;
        }
    }

    /// A number and what it counts; `s` follows unless it is one.
    fn counted(&mut self, number: u32, what: &str) {
        self.number(number);
        self.words(what);
        if number != 1 {
            self.push(b's');
        }
    }
}

/// Writes what was asked for, with a newline.
pub(crate) fn render(line: &mut Line, count: Count, status: &FastStatus) {
    match count {
        Count::All => all(line, status),
        Count::Total => line.number(status.total.get()),
        Count::Explicit => line.number(status.explicit.get()),
        Count::Orphans => line.number(status.orphans.get()),
        Count::Updates => line.number(status.updates.get()),
    }
    line.push(b'\n');
}

fn all(line: &mut Line, status: &FastStatus) {
    line.counted(status.total.get(), " package");
    line.words(" · ");
    line.number(status.explicit.get());
    line.words(" explicit · ");
    line.counted(status.orphans.get(), " orphan");
    line.words(" · ");
    line.counted(status.updates.get(), " update");
    if status.security_updates.get() > 0 {
        line.words(" (");
        line.number(status.security_updates.get());
        line.words(" security)");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(numbers: [u32; 5]) -> FastStatus {
        FastStatus {
            magic: 0.into(),
            version: 0,
            reserved: [0; 3],
            total: numbers[0].into(),
            explicit: numbers[1].into(),
            orphans: numbers[2].into(),
            updates: numbers[3].into(),
            security_updates: numbers[4].into(),
            pid: 0.into(),
            timestamp: 0.into(),
            checksum: 0.into(),
        }
    }

    fn rendered(count: Count, numbers: [u32; 5]) -> String {
        let mut line = Line::new();
        render(&mut line, count, &status(numbers));
        String::from_utf8(line.bytes().to_vec()).unwrap()
    }

    #[test]
    fn all_counts_in_words() {
        assert_eq!(
            rendered(Count::All, [707, 120, 3, 5, 2]),
            "707 packages · 120 explicit · 3 orphans · 5 updates (2 security)\n"
        );
        assert_eq!(
            rendered(Count::All, [1, 1, 1, 1, 0]),
            "1 package · 1 explicit · 1 orphan · 1 update\n"
        );
        assert_eq!(
            rendered(Count::All, [0; 5]),
            "0 packages · 0 explicit · 0 orphans · 0 updates\n"
        );
    }

    #[test]
    fn the_longest_line_is_whole() {
        let line = rendered(Count::All, [u32::MAX; 5]);
        assert!(line.ends_with("4294967295 updates (4294967295 security)\n"), "{line}");
    }

    #[test]
    fn every_power_of_ten_and_its_neighbours() {
        let mut power = 1_u32;
        loop {
            for number in [power - 1, power, power + 1] {
                assert_eq!(rendered(Count::Total, [number, 0, 0, 0, 0]), format!("{number}\n"));
            }
            let Some(next) = power.checked_mul(10) else { break };
            power = next;
        }
        assert_eq!(rendered(Count::Updates, [0, 0, 0, u32::MAX, 0]), "4294967295\n");
    }
}
