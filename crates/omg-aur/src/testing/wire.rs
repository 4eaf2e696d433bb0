//! HTTP/1.1, as much of it as one request and one answer for each connection take.

use std::fmt::Write as _;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use super::{Mishap, Request};

/// Bytes of a request, at most.
const MOST_REQUEST_BYTES: u64 = 64 << 10;

/// An answer.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn new(status: u16, body: Vec<u8>) -> Self {
        Self { status, headers: Vec::new(), body }
    }

    fn head(&self, length: Option<u64>) -> String {
        let mut head = format!("HTTP/1.1 {} Answer\r\nConnection: close\r\n", self.status);
        for (name, value) in &self.headers {
            // Writing to a String can't fail.
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if let Some(length) = length {
            let _ = write!(head, "Content-Length: {length}\r\n");
        }
        head.push_str("\r\n");
        head
    }
}

/// Reads the head of a request.
pub(super) fn read(stream: &TcpStream) -> io::Result<Request> {
    let mut lines = BufReader::new(stream.take(MOST_REQUEST_BYTES)).lines();
    let mut next = || lines.next().unwrap_or_else(|| Err(io::ErrorKind::UnexpectedEof.into()));
    let first = next()?;
    let target = first.split(' ').nth(1).unwrap_or("").to_owned();
    let mut headers = Vec::new();
    loop {
        match next()? {
            line if line.is_empty() => return Ok(Request { target, headers }),
            line => headers.push(line),
        }
    }
}

/// Writes an answer.
pub(super) fn write(stream: &mut TcpStream, answer: &Answer) -> io::Result<()> {
    // A 304 has no body, and says nothing of its length.
    let length = (answer.status != 304).then_some(answer.body.len() as u64);
    stream.write_all(answer.head(length).as_bytes())?;
    stream.write_all(&answer.body)
}

/// Writes an answer as the mishap has it.
pub(super) fn go_wrong(
    stream: &mut TcpStream,
    request: &Request,
    answer: &Answer,
    mishap: &Mishap,
    going_on: &dyn Fn() -> bool,
) -> io::Result<()> {
    let redirect = |to: String| Answer {
        status: 302,
        headers: vec![("Location", to)],
        body: b"elsewhere".to_vec(),
    };
    match mishap {
        Mishap::Status(status, seconds) => {
            let mut failed = Answer::new(*status, b"no".to_vec());
            failed.headers.extend(seconds.map(|seconds| ("Retry-After", seconds.to_string())));
            write(stream, &failed)
        }
        Mishap::Redirect(to) => write(stream, &redirect(to.clone())),
        Mishap::Moved if request.target.starts_with("/moved") => write(stream, answer),
        Mishap::Moved => write(stream, &redirect(format!("/moved{}", request.target))),
        Mishap::Body(body) => write(stream, &Answer::new(200, body.clone())),
        Mishap::Promised(length) => {
            stream.write_all(Answer::new(200, Vec::new()).head(Some(*length)).as_bytes())?;
            wait(going_on);
            Ok(())
        }
        Mishap::Silent => {
            wait(going_on);
            Ok(())
        }
        Mishap::Cut => {
            stream.write_all(answer.head(Some(answer.body.len() as u64)).as_bytes())?;
            stream.write_all(answer.body.get(..answer.body.len() / 2).unwrap_or_default())
        }
        Mishap::Endless => {
            stream.write_all(answer.head(None).as_bytes())?;
            while going_on() {
                stream.write_all(&[b' '; 16 << 10])?;
            }
            Ok(())
        }
        Mishap::Dripping(span) => {
            stream.write_all(answer.head(None).as_bytes())?;
            for byte in answer.body.iter().cycle().take_while(|_| going_on()) {
                stream.write_all(&[*byte])?;
                thread::sleep(*span);
            }
            Ok(())
        }
    }
}

fn wait(going_on: &dyn Fn() -> bool) {
    while going_on() {
        thread::sleep(Duration::from_millis(10));
    }
}
