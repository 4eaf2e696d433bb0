//! Files that are on this machine already: the native tool's cache, and mirrors with `file:`.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use omg_failpoint::weak;
use rustix::fs::{self, Mode, OFlags};

use crate::meter::Meter;
use crate::store::{BLOCK, Partial};
use crate::{Error, Origin, Request, Store, Stored};

/// Tells a thread that nobody waits for it any more, when it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

/// What a thread looks at to hear of that.
#[derive(Clone, Debug)]
pub(crate) struct Stopped(Arc<AtomicBool>);

impl Stop {
    pub(crate) fn listener(&self) -> Stopped {
        Stopped(self.0.clone())
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Copies a whole file, of which no more than `most` bytes may be.
pub(crate) fn copy(
    partial: &mut Partial,
    from: &Path,
    most: u64,
    signed: bool,
    meter: &Meter,
    stopped: &Stopped,
) -> Result<(), Error> {
    let too_large = || Error::TooLarge { url: from.display().to_string(), limit: most, signed };
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let opened = fs::open(from, flags, Mode::empty());
    let file = File::from(opened.map_err(|e| Error::io(from, "opening a file to copy")(e.into()))?);
    let meta = file.metadata().map_err(Error::io(from, "opening a file to copy"))?;
    if !meta.is_file() {
        return Err(Error::Address { url: from.display().to_string(), reason: "it is no file" });
    }
    if meta.len() > most && !weak!("03") {
        return Err(too_large());
    }
    partial.restart()?;
    partial.reserve(meta.len())?;
    if partial.share(&file)? {
        meter.set(partial.length());
        // It may have grown since.
        return if partial.length() > most { Err(too_large()) } else { Ok(()) };
    }
    let mut buffer = vec![0; BLOCK];
    let mut file = file;
    loop {
        let read = match file.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read.map_err(Error::io(from, "reading a file to copy"))?,
        };
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
            return Ok(());
        };
        if stopped.0.load(Ordering::Relaxed) {
            return Err(Error::Worker { context: "copying a file that nobody waits for" });
        }
        if partial.length() + read as u64 > most && !weak!("03") {
            return Err(too_large());
        }
        partial.write(bytes)?;
        meter.set(partial.length());
    }
}

/// Looks for a file in the store, then where the native tool may have it. What was noticed on the
/// way is added to `notes`.
pub(crate) fn find(
    store: &Store,
    request: &Request,
    meter: &Meter,
    stopped: &Stopped,
    notes: &mut Vec<String>,
) -> Result<Option<Stored>, Error> {
    if let Some(blob) = store.get(&request.sha256)? {
        meter.set(blob.size);
        return Ok(Some(Stored::new(&blob, Origin::Store)));
    }
    for path in &request.cached {
        // Missing, unreadable or of another size: that is usual, and not worth a word.
        let Ok(meta) = std::fs::metadata(path) else { continue };
        let fits = request.size.is_none_or(|size| size == meta.len());
        if !meta.is_file() || !fits || File::open(path).is_err() {
            continue;
        }
        // Another name than a download has: a good beginning must not be lost to a bad copy.
        let Some(mut partial) = store.partial(&format!("{}.copy", request.sha256))? else {
            continue;
        };
        let copied = copy(&mut partial, path, meta.len(), true, meter, stopped);
        let from = path.display().to_string();
        let kept = match copied {
            Ok(()) => partial.keep(&request.sha256, &from),
            Err(error) => Err(Box::new((partial, error))),
        };
        match kept {
            Ok(blob) => {
                notes.push(format!("{} was in the cache already: {from}", request.name));
                return Ok(Some(Stored::new(&blob, Origin::Cached(path.clone()))));
            }
            Err(failed) => {
                let (partial, error) = *failed;
                meter.set(0);
                partial.discard()?;
                if matches!(error, Error::Worker { .. }) {
                    return Err(error);
                }
                notes.push(format!(
                    "{} is not taken from the cache: {}",
                    request.name,
                    error.fault()
                ));
            }
        }
    }
    Ok(None)
}
