//! One answer, right or wrong.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::net::TcpStream;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;

use super::{Asked, Fault, Shared};

/// Bytes written at once.
const BLOCK: usize = 64 << 10;

/// Counts what is written of bodies.
struct Body<'a> {
    stream: &'a TcpStream,
    shared: &'a Shared,
}

/// A file and what of it is asked for.
struct Part {
    file: File,
    etag: String,
    date: String,
    size: u64,
    first: u64,
    length: u64,
    /// It is less than the file.
    partial: bool,
}

/// Answers, and says whether the connection can be used again.
pub(super) fn answer(
    stream: &TcpStream,
    asked: &Asked,
    fault: Option<Fault>,
    shared: &Shared,
) -> io::Result<bool> {
    let mut body = Body { stream, shared };
    match &fault {
        Some(Fault::Status(status)) => {
            return body.head(&format!("{status} As told"), "Content-Length: 0\r\n").map(|()| true);
        }
        Some(Fault::Redirect(location)) => {
            let head = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: ".as_slice();
            return (&*stream).write_all(&[head, location, b"\r\n\r\n"].concat()).map(|()| true);
        }
        Some(Fault::Moved(base)) => {
            let headers = format!("Content-Length: 0\r\nLocation: {base}{}\r\n", asked.path);
            return body.head("302 Found", &headers).map(|()| true);
        }
        Some(Fault::Raw(bytes)) => return (&*stream).write_all(bytes).map(|()| false),
        Some(Fault::Silent) => return body.wait().map(|()| false),
        Some(Fault::Body(bytes)) => {
            body.head("200 OK", &format!("Content-Length: {}\r\n", bytes.len()))?;
            return body.write_all(bytes).map(|()| true);
        }
        _ => {}
    }
    let whole = matches!(fault, Some(Fault::NoRange));
    let Some(mut part) = Part::open(asked, shared, whole)? else {
        return body.head("404 Not Found", "Content-Length: 0\r\n").map(|()| true);
    };
    let version = format!("ETag: {}\r\nLast-Modified: {}\r\n", part.etag, part.date);
    if part.is_known(asked) {
        return body.head("304 Not Modified", &version).map(|()| true);
    }
    if part.first > part.size || (part.partial && part.length == 0) {
        let headers = format!("Content-Range: bytes */{}\r\nContent-Length: 0\r\n", part.size);
        return body.head("416 Range Not Satisfiable", &headers).map(|()| true);
    }
    body.part(&mut part, &version, fault)
}

// === impl Part ===

impl Part {
    fn open(asked: &Asked, shared: &Shared, whole: bool) -> io::Result<Option<Self>> {
        let Some(path) = path(&asked.path) else { return Ok(None) };
        let Ok(file) = File::open(shared.root.join(path)) else { return Ok(None) };
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Ok(None);
        }
        let size = meta.len();
        let etag = format!("\"{:x}-{:x}-{size:x}\"", meta.mtime(), meta.mtime_nsec());
        let date = http_date(meta.mtime());
        let header = |name: &str| asked.headers.get(name);
        let same = header("if-range").is_none_or(|it| *it == etag || *it == date);
        let range = header("range").filter(|_| same && !whole);
        let range =
            range.and_then(|it| it.strip_prefix("bytes=")).and_then(|it| it.split_once('-'));
        let (first, last) = match range {
            Some((first, last)) => {
                (first.parse().unwrap_or(0), last.parse().unwrap_or(size.saturating_sub(1)))
            }
            None => (0, size.saturating_sub(1)),
        };
        let length = (last + 1).min(size).saturating_sub(first);
        let partial = range.is_some();
        Ok(Some(Self { file, etag, date, size, first, length, partial }))
    }

    /// Does the client have this version?
    fn is_known(&self, asked: &Asked) -> bool {
        match (asked.headers.get("if-none-match"), asked.headers.get("if-modified-since")) {
            (Some(etag), _) => *etag == self.etag,
            (None, Some(date)) => *date == self.date,
            (None, None) => false,
        }
    }

    /// So many bytes of the part.
    fn read(&mut self, most: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(self.first))?;
        (&self.file).take(self.length.min(most)).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

// === impl Body ===

impl Body<'_> {
    fn head(&mut self, status: &str, headers: &str) -> io::Result<()> {
        self.stream.write_all(format!("HTTP/1.1 {status}\r\n{headers}\r\n").as_bytes())
    }

    fn part(&mut self, part: &mut Part, version: &str, fault: Option<Fault>) -> io::Result<bool> {
        let (mut status, mut headers) = ("200 OK", version.to_owned());
        let last = (part.first + part.length).saturating_sub(1);
        if part.partial {
            status = "206 Partial Content";
            let mut range = format!("bytes {}-{last}/{}", part.first, part.size);
            if let Some(Fault::Range(other)) = &fault {
                range.clone_from(other);
            }
            headers = format!("{headers}Content-Range: {range}\r\n");
        }
        let length = |length: u64| format!("{headers}Content-Length: {length}\r\n");
        let plain = length(part.length);
        match fault {
            Some(Fault::Endless(most)) => {
                self.head(status, &format!("{headers}Connection: close\r\n"))?;
                return self.endless(part, most, false);
            }
            Some(Fault::EndlessChunks(most)) => {
                self.head(status, &format!("{headers}Transfer-Encoding: chunked\r\n"))?;
                return self.endless(part, most, true);
            }
            Some(Fault::Chunked) => {
                self.head(status, &format!("{headers}Transfer-Encoding: chunked\r\n"))?;
                for chunk in part.read(u64::MAX)?.chunks(1000) {
                    self.chunk(chunk)?;
                }
                self.stream.write_all(b"0\r\n\r\n")?;
                return Ok(true);
            }
            Some(Fault::Flipped) => {
                let mut bytes = part.read(u64::MAX)?;
                let middle = bytes.len() / 2;
                if let Some(byte) = bytes.get_mut(middle) {
                    *byte ^= 1;
                }
                self.head(status, &plain)?;
                self.write_all(&bytes)?;
            }
            Some(Fault::Short(most)) => {
                self.head(status, &length(most.min(part.length)))?;
                self.write_all(&part.read(most)?)?;
            }
            Some(Fault::Cut(most)) => {
                self.head(status, &plain)?;
                self.write_all(&part.read(most)?)?;
                // What was written arrives before the reset does.
                thread::sleep(Duration::from_millis(20));
                set_socket_linger(self.stream, Some(Duration::ZERO))?;
                return Ok(false);
            }
            Some(Fault::Stall(most)) => {
                self.head(status, &plain)?;
                self.write_all(&part.read(most)?)?;
                return self.wait().map(|()| false);
            }
            Some(Fault::Drip(bytes, every)) => {
                self.head(status, &plain)?;
                for drop in part.read(u64::MAX)?.chunks(bytes.max(1)) {
                    thread::sleep(every);
                    self.write_all(drop)?;
                }
            }
            Some(Fault::Length(other)) => {
                self.head(status, &format!("{headers}Content-Length: {other}\r\n"))?;
                self.write_all(&part.read(u64::MAX)?)?;
                return Ok(false);
            }
            Some(Fault::Encoded) => {
                self.head(status, &format!("{plain}Content-Encoding: gzip\r\n"))?;
                self.file(part)?;
            }
            _ => {
                self.head(status, &plain)?;
                self.file(part)?;
            }
        }
        Ok(true)
    }

    fn file(&mut self, part: &mut Part) -> io::Result<()> {
        part.file.seek(SeekFrom::Start(part.first))?;
        io::copy(&mut (&part.file).take(part.length), self).map(|_| ())
    }

    fn endless(&mut self, part: &mut Part, most: u64, chunks: bool) -> io::Result<bool> {
        let bytes = part.read(u64::MAX)?;
        let zeros = vec![0; BLOCK];
        let mut written = 0;
        let mut next = bytes.as_slice();
        while written < most {
            if chunks {
                self.chunk(next)?;
            } else {
                self.write_all(next)?;
            }
            written += next.len() as u64;
            next = &zeros;
        }
        if chunks {
            self.stream.write_all(b"0\r\n\r\n")?;
        }
        Ok(chunks)
    }

    fn chunk(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.stream.write_all(format!("{:x}\r\n", bytes.len()).as_bytes())?;
        self.write_all(bytes)?;
        self.stream.write_all(b"\r\n")
    }

    /// Until the client or the mirror goes.
    fn wait(&self) -> io::Result<()> {
        self.stream.set_read_timeout(Some(Duration::from_millis(50)))?;
        while !self.shared.is_stopped() {
            match self.stream.peek(&mut [0]) {
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                    ) => {}
                _ => return Ok(()),
            }
        }
        Ok(())
    }
}

impl Write for Body<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.stream.write(bytes)?;
        self.shared.sent.fetch_add(written as u64, Ordering::Relaxed);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// The file below the directory that a path names; `None` if it may lead out.
fn path(text: &str) -> Option<PathBuf> {
    let text = text.split(['?', '#']).next()?;
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            bytes.push((digit()? << 4 | digit()?) as u8);
        } else {
            bytes.push(byte);
        }
    }
    let path = String::from_utf8(bytes).ok()?;
    let parts = path.split('/').filter(|part| !matches!(*part, "" | "."));
    parts.map(|part| (part != "..").then_some(part)).collect()
}

/// A date as RFC 9110, section 5.6.7 has it.
fn http_date(seconds: i64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let seconds = u64::try_from(seconds).unwrap_or(0);
    let (days, time) = (seconds / 86_400, seconds % 86_400);
    // Years that begin in March, in eras of 400 years, from 0000-03-01.
    let day = days + 719_468;
    let (era, of_era) = (day / 146_097, day % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let of_calendar = (month + 2) % 12;
    let year = era * 400 + year + u64::from(of_calendar < 2);
    let name =
        |names: &[&'static str], at: u64| names.get(at as usize).copied().unwrap_or_default();
    format!(
        "{}, {day:02} {} {year} {:02}:{:02}:{:02} GMT",
        name(&DAYS, days % 7),
        name(&MONTHS, of_calendar),
        time / 3600,
        time / 60 % 60,
        time % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_the_standard() {
        // RFC 9110, section 5.6.7.
        assert_eq!(http_date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(http_date(951_782_400), "Tue, 29 Feb 2000 00:00:00 GMT");
    }

    #[test]
    fn paths_stay_inside() {
        assert_eq!(path("/a/b%20c?x"), Some("a/b c".into()));
        assert_eq!(path("/./a//b"), Some("a/b".into()));
        assert_eq!(path("/a/../b"), None);
        assert_eq!(path("/a/%2e%2e/b"), None);
        assert_eq!(path("/a/%2"), None);
    }
}
