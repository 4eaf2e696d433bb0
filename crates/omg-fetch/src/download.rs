//! One file from one mirror.

use std::sync::Arc;
use std::time::Duration;

use omg_core::SignatureSource;
use omg_failpoint::weak;
use reqwest::StatusCode;
use tokio::time::{Instant, sleep};

use crate::address::Address;
use crate::copy::{Stop, copy};
use crate::document::Seen;
use crate::http::{Answer, Http, Question};
use crate::meter::Meter;
use crate::store::{Origins, Partial, SMALL};
use crate::{Error, Options, Origin, Request, Store, Stored};

/// How often it is asked whether another has done with a file.
const WAIT: Duration = Duration::from_millis(50);

/// What every download of one call has in common.
#[derive(Clone, Debug)]
pub(crate) struct Transfer {
    pub(crate) http: Arc<Http>,
    pub(crate) store: Store,
    pub(crate) options: Arc<Options>,
    pub(crate) deadline: Instant,
}

/// Bytes of a file, at most, and whether somebody signed for that number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cap {
    pub(crate) most: u64,
    pub(crate) size: Option<u64>,
    /// A digest will be checked.
    pub(crate) digest: bool,
}

/// A file of which nothing more has to be fetched.
#[derive(Debug)]
pub(crate) enum Arrived {
    /// Here, but not in the store yet.
    Whole(Partial),
    /// In the store: another has fetched it meanwhile.
    Stored(Stored),
}

/// What a file on its way has to be, and who hears of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms<'a> {
    pub(crate) cap: Cap,
    pub(crate) meter: &'a Meter,
}

// === impl Transfer ===

impl Transfer {
    /// Fetches a file from this address, up to the last byte, and sees that it has its digest.
    pub(crate) async fn file(
        &self,
        request: &Request,
        address: &Address,
        meter: &Arc<Meter>,
    ) -> Result<Arrived, Error> {
        let mut partial = match self.claim(request).await? {
            Arrived::Whole(partial) => partial,
            stored @ Arrived::Stored(_) => return Ok(stored),
        };
        let most = request.size.unwrap_or(self.options.caps.file);
        let cap = Cap { most, size: request.size, digest: true };
        let mut resumed = partial.length() > 0;
        loop {
            meter.set(partial.length());
            partial = self.body(partial, address, cap, meter).await?;
            match partial.check(&request.sha256, &address.to_string()) {
                Ok(()) => return Ok(Arrived::Whole(partial)),
                // The wrong bytes may be the old ones: this mirror has a second chance.
                Err(_) if resumed => {
                    resumed = false;
                    partial.restart()?;
                }
                Err(error) => {
                    partial.discard()?;
                    return Err(error);
                }
            }
        }
    }

    /// Puts a file into the store that has arrived.
    pub(crate) async fn keep(
        &self,
        partial: Partial,
        request: &Request,
        address: &Address,
    ) -> Result<Stored, Error> {
        let (sha256, from) = (request.sha256, address.to_string());
        let kept = blocking("keeping a file", move || partial.keep(&sha256, &from)).await?;
        match kept {
            Ok(blob) => Ok(Stored::new(&blob, Origin::Mirror(address.to_string()))),
            // After a failed write nobody knows what is on the disk.
            Err(failed) => failed.0.discard().and(Err(failed.1)),
        }
    }

    /// The partial file of a request; or the whole one, if another has fetched it meanwhile.
    async fn claim(&self, request: &Request) -> Result<Arrived, Error> {
        loop {
            let (store, sha256) = (self.store.clone(), request.sha256);
            let claimed = blocking("opening a partial file", move || {
                let partial = store.partial(&sha256.to_string())?;
                Ok(match store.get(&sha256)? {
                    Some(blob) => {
                        // An empty one was made by us just now.
                        partial.filter(|it| it.length() == 0).map_or(Ok(()), |it| it.discard())?;
                        Some(Arrived::Stored(Stored::new(&blob, Origin::Store)))
                    }
                    None => partial.map(Arrived::Whole),
                })
            });
            if let Some(claimed) = claimed.await?? {
                return Ok(claimed);
            }
            if Instant::now() >= self.deadline {
                let reason = "another process fetches the same file, and takes too long".into();
                return Err(Error::Slow { url: request.name.clone(), reason });
            }
            sleep(WAIT).await;
        }
    }

    /// What is missing of a file.
    async fn body(
        &self,
        mut partial: Partial,
        address: &Address,
        cap: Cap,
        meter: &Arc<Meter>,
    ) -> Result<Partial, Error> {
        if cap.size.is_some_and(|size| partial.length() > size) {
            partial.restart()?;
        }
        if cap.size == Some(partial.length()) && partial.length() > 0 {
            return Ok(partial);
        }
        if address.file().is_some() {
            return self.copied(partial, address, cap, meter).await;
        }
        let origins = partial.origins().filter(|origins| origins.url == address.to_string());
        let if_range = origins.as_ref().map(|origins| origins.validator.as_str());
        let mut question = Question { from: partial.length(), if_range, unless: None };
        let mut answered = self.http.ask(address, question, self.deadline).await;
        if let Err(Error::Status { status: 416, .. }) = &answered
            && question.from > 0
        {
            partial.restart()?;
            question = Question::default();
            answered = self.http.ask(address, question, self.deadline).await;
        }
        let answer = answered?;
        let terms = Terms { cap, meter };
        self.receive(&mut partial, address, answer, terms, &mut |_, _| ()).await?;
        let received = partial.length();
        match cap.size {
            Some(length) if received < length => {
                Err(Error::Cut { url: address.to_string(), received, length })
            }
            _ => Ok(partial),
        }
    }

    /// Writes the body of an answer behind what is there, or in its place if it is the whole file.
    pub(crate) async fn receive(
        &self,
        partial: &mut Partial,
        address: &Address,
        mut answer: Answer,
        terms: Terms<'_>,
        seen: Seen<'_>,
    ) -> Result<(), Error> {
        let Terms { cap, meter } = terms;
        let from = partial.length();
        if answer.status == StatusCode::PARTIAL_CONTENT {
            if let Err(error) = answer.check_range(from, cap.size) {
                partial.restart()?;
                return Err(error);
            }
        } else if from > 0 {
            partial.restart()?;
        }
        meter.set(partial.length());
        let announced = answer.announced().map(|length| length.saturating_add(partial.length()));
        check_length(&answer, cap, announced)?;
        if let Some(length) = cap.size.or(announced) {
            partial.reserve(length)?;
        }
        // A document has nothing but its tag to be known by.
        let validator = if cap.digest { answer.validator() } else { answer.strong() };
        let small = cap.size.or(announced).is_some_and(|length| length < SMALL);
        if let Some(validator) = validator.filter(|_| !small) {
            let (url, validator) = (address.to_string(), validator.to_owned());
            partial.note_origins(&Origins { url, validator });
        }
        while let Some(bytes) = answer.chunk().await? {
            meter.received(bytes.len());
            let length = partial.length().saturating_add(bytes.len() as u64);
            if length > cap.most && !weak!("03") {
                partial.restart()?;
                return Err(too_large(&answer.url, cap));
            }
            if let Err(error) = partial.write(&bytes) {
                // What is on the disk now is not known.
                partial.discard()?;
                return Err(error);
            }
            meter.set(partial.length());
            seen(partial.length(), announced);
        }
        Ok(())
    }

    async fn copied(
        &self,
        mut partial: Partial,
        address: &Address,
        cap: Cap,
        meter: &Arc<Meter>,
    ) -> Result<Partial, Error> {
        let path = address.file().unwrap_or_default();
        let (stop, meter) = (Stop::default(), meter.clone());
        let stopped = stop.listener();
        blocking("copying a file", move || {
            copy(&mut partial, &path, cap.most, cap.size.is_some(), &meter, &stopped)?;
            Ok(partial)
        })
        .await?
    }

    /// The signature of a file that this address has; `None` if the mirror says that there is none.
    pub(crate) async fn signature(
        &self,
        source: &SignatureSource,
        address: &Address,
    ) -> Result<Option<Vec<u8>>, Error> {
        let suffix = match source {
            SignatureSource::Inline(signature) => return Ok(Some(signature.clone())),
            SignatureSource::Suffix(suffix) => suffix,
        };
        let address = address.with_suffix(suffix)?;
        let cap = Cap { most: self.options.caps.signature, size: None, digest: false };
        match self.small(&address, cap).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A file that fits into memory.
    async fn small(&self, address: &Address, cap: Cap) -> Result<Vec<u8>, Error> {
        if let Some(path) = address.file() {
            let url = address.clone();
            return blocking("reading a signature", move || {
                use std::io::Read as _;
                let mut bytes = Vec::new();
                let failed = || Error::io(&path, "reading a signature");
                let file = std::fs::File::open(&path).map_err(failed())?;
                file.take(cap.most + 1).read_to_end(&mut bytes).map_err(failed())?;
                if bytes.len() as u64 > cap.most { Err(too_large(&url, cap)) } else { Ok(bytes) }
            })
            .await?;
        }
        let mut answer = self.http.ask(address, Question::default(), self.deadline).await?;
        check_length(&answer, cap, answer.announced())?;
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() as u64 > cap.most && !weak!("03") {
                return Err(too_large(&answer.url, cap));
            }
        }
        Ok(bytes)
    }
}

/// Refuses by what is announced, before any of it is read.
fn check_length(answer: &Answer, cap: Cap, announced: Option<u64>) -> Result<(), Error> {
    match (announced, cap.size) {
        (Some(length), _) if length > cap.most && !weak!("03") => Err(too_large(&answer.url, cap)),
        (Some(received), Some(size)) if received < size => {
            Err(Error::TooSmall { url: answer.url.to_string(), received, size })
        }
        _ => Ok(()),
    }
}

fn too_large(url: &Address, cap: Cap) -> Error {
    Error::TooLarge { url: url.to_string(), limit: cap.most, signed: cap.size.is_some() }
}

/// Does what waits for the disk on a thread that may.
pub(crate) async fn blocking<T: Send + 'static>(
    context: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::Worker { context })
}
