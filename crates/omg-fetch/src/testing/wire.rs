//! One connection: questions as they come, answers when their time has come.

use std::collections::HashMap;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

use super::{Asked, Latency, Shared, answer};

/// Bytes of the head of a question, at most.
const MOST_HEAD_BYTES: u64 = 64 << 10;

/// Reads questions here and answers them on another thread, so that several can be under way.
pub(super) fn serve(stream: &TcpStream, number: u64, shared: &Arc<Shared>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (questions, to_answer) = channel();
    let (writer, of_writer) = (stream.try_clone()?, shared.clone());
    let answering = thread::Builder::new()
        .name("mirror".into())
        .spawn(move || answers(&writer, &to_answer, &of_writer))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Ok(Some(asked)) = question(&mut reader, number) {
        let heard = Instant::now();
        shared.state().asked.push(asked.clone());
        if questions.send((asked, heard)).is_err() {
            break;
        }
    }
    drop(questions);
    let _ = answering.join();
    Ok(())
}

fn answers(stream: &TcpStream, questions: &Receiver<(Asked, Instant)>, shared: &Shared) {
    let mut first = true;
    for (asked, heard) in questions {
        // Not in the `match`: nobody else could answer meanwhile.
        let latency = shared.state().latency;
        match latency {
            Latency::None => {}
            Latency::Way(span) => {
                let due = heard + if first { span * 2 } else { span };
                thread::sleep(due.saturating_duration_since(Instant::now()));
            }
            Latency::Thought(span) => thread::sleep(span),
        }
        first = false;
        let busy = shared.busy.fetch_add(1, Ordering::Relaxed) + 1;
        shared.most_busy.fetch_max(busy, Ordering::Relaxed);
        let fault = shared.next_fault(&asked.path);
        let answered = answer::answer(stream, &asked, fault, shared);
        shared.busy.fetch_sub(1, Ordering::Relaxed);
        if !matches!(answered, Ok(true)) || shared.is_stopped() {
            let _ = stream.shutdown(std::net::Shutdown::Both);
            return;
        }
    }
}

/// The next question; `None` at the end of the connection.
fn question(reader: &mut BufReader<TcpStream>, connection: u64) -> io::Result<Option<Asked>> {
    let mut head = reader.take(MOST_HEAD_BYTES);
    let mut line = String::new();
    if head.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let path = line.split(' ').nth(1).unwrap_or_default();
    // A proxy is asked for whole URLs.
    let path = path
        .split_once("://")
        .map_or(path, |(_, rest)| rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"));
    let mut asked = Asked { path: path.to_owned(), headers: HashMap::new(), connection };
    loop {
        let mut line = String::new();
        if head.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let Some((name, value)) = line.trim_end().split_once(':') else { return Ok(Some(asked)) };
        asked.headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
}
