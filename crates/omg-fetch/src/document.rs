//! Documents: files whose digest nobody has signed for, such as `InRelease` or a sync database.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::StatusCode;
use tokio::time::sleep;

use crate::address::Address;
use crate::copy::{Stop, copy};
use crate::download::{Cap, Terms, Transfer, blocking};
use crate::http::Question;
use crate::meter::Meter;
use crate::store::Partial;
use crate::{Error, Sha256};

/// Bytes of a document that are kept in memory; a larger one is in a file without a name.
pub(crate) const MOST_BYTES_IN_MEMORY: u64 = 4 << 20;

/// Times that one mirror is asked.
const MOST_TRIES: u32 = 2;

/// Until it is asked again.
const PAUSE: Duration = Duration::from_millis(250);

/// Hears how many bytes came, and of how many.
pub(crate) type Seen<'a> = &'a mut (dyn FnMut(u64, Option<u64>) + Send);

/// A document that is wanted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DocumentRequest {
    /// Where it can be had: whole URLs (`http`, `https`, `file`), best first.
    pub urls: Vec<String>,
    /// Bytes, at most.
    pub cap: u64,
    /// The version that is here already.
    pub conditional: Option<Conditional>,
}

/// The version of a document that is here already, as [`Document`] had it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Conditional {
    /// Its ETag.
    pub etag: Option<String>,
    /// When it was last changed, as the mirror wrote it.
    pub last_modified: Option<String>,
}

/// What there was to fetch.
#[derive(Debug)]
pub enum Fetched {
    /// The version that is here already is the newest, says the mirror.
    Unchanged,
    /// A document.
    New(Document),
}

/// A document as a mirror delivered it. Nothing of it is verified.
#[derive(Debug)]
pub struct Document {
    /// Its bytes.
    pub content: Content,
    /// Bytes.
    pub size: u64,
    /// Their digest.
    pub sha256: Sha256,
    /// What names this version at this mirror.
    pub etag: Option<String>,
    /// When it was last changed, as the mirror wrote it.
    pub last_modified: Option<String>,
    /// Where it came from in the end: the mirror's URL or what that redirects to.
    pub url: String,
    /// Which of the URLs asked for that was.
    pub mirror: usize,
}

/// Bytes of a document.
#[derive(Debug)]
pub enum Content {
    /// In memory: up to 4 MiB.
    Memory(Vec<u8>),
    /// In a file that has no name and is gone when it is closed.
    File(File),
}

impl Content {
    /// All of it, in memory. No more than the cap of its request.
    pub fn into_bytes(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Memory(bytes) => Ok(bytes),
            Self::File(file) => {
                let mut bytes = vec![0; usize::try_from(file.metadata()?.len()).unwrap_or(0)];
                file.read_exact_at(&mut bytes, 0)?;
                Ok(bytes)
            }
        }
    }
}

// === impl Transfer ===

impl Transfer {
    /// Fetches a document from the first of its mirrors that delivers it.
    pub(crate) async fn document(
        &self,
        request: &DocumentRequest,
        seen: Seen<'_>,
    ) -> Result<Fetched, Error> {
        let cap =
            Cap { most: request.cap.min(self.options.caps.document), size: None, digest: false };
        let mut reasons = Vec::new();
        for (mirror, url) in request.urls.iter().enumerate() {
            let address = match Address::parse(url) {
                Ok(address) => address,
                Err(error) => {
                    reasons.push(error);
                    continue;
                }
            };
            for again in 1..=MOST_TRIES {
                let unless = request.conditional.as_ref();
                match self.document_from(&address, mirror, cap, unless, seen).await {
                    Ok(fetched) => return Ok(fetched),
                    Err(error) if error.is_local() => return Err(error),
                    Err(error) => {
                        let pause = error.is_transient() && again < MOST_TRIES;
                        reasons.push(error);
                        if !pause {
                            break;
                        }
                        sleep(PAUSE).await;
                    }
                }
            }
        }
        let name = request.urls.first().map(|url| Address::parse(url).map(|it| it.to_string()));
        let name = name.and_then(Result::ok).unwrap_or_else(|| "a document".into());
        Err(Error::AllFailed { name, reasons })
    }

    async fn document_from(
        &self,
        address: &Address,
        mirror: usize,
        cap: Cap,
        unless: Option<&Conditional>,
        seen: Seen<'_>,
    ) -> Result<Fetched, Error> {
        let mut partial = self.document_partial(address).await?;
        let meter = Arc::new(Meter::default());
        let mut document = Document {
            content: Content::Memory(Vec::new()),
            size: 0,
            sha256: Sha256::of(&[]),
            etag: None,
            last_modified: None,
            url: address.to_string(),
            mirror,
        };
        if let Some(path) = address.file() {
            let (stop, meter) = (Stop::default(), meter.clone());
            let stopped = stop.listener();
            partial = blocking("copying a document", move || {
                let copied = copy(&mut partial, &path, cap.most, false, &meter, &stopped);
                copied.or_else(|error| partial.discard().and(Err(error))).map(|()| partial)
            })
            .await??;
        } else {
            // Only what is still the same version is gone on with.
            let origins = partial.origins().filter(|it| it.url == document.url);
            if origins.is_none() && partial.length() > 0 {
                partial.restart()?;
            }
            let if_range = origins.as_ref().map(|it| it.validator.as_str());
            let question = Question { from: partial.length(), if_range, unless };
            let answer = match self.http.ask(address, question, self.deadline).await {
                Ok(answer) => answer,
                Err(error) => {
                    // What is there can't be gone on with, or there is nothing.
                    let useless = matches!(error, Error::Status { .. }) || partial.length() == 0;
                    return if useless { partial.discard().and(Err(error)) } else { Err(error) };
                }
            };
            if answer.status == StatusCode::NOT_MODIFIED {
                partial.discard()?;
                return Ok(Fetched::Unchanged);
            }
            document.etag.clone_from(&answer.etag);
            document.last_modified.clone_from(&answer.last_modified);
            document.url = answer.url.to_string();
            let resumable = answer.strong().is_some();
            let terms = Terms { cap, meter: &meter };
            let received = self.receive(&mut partial, address, answer, terms, seen).await;
            if let Err(error) = received {
                let kept = resumable && error.is_transient() && partial.length() > 0;
                return if kept { Err(error) } else { partial.discard().and(Err(error)) };
            }
        }
        document.size = partial.length();
        document.sha256 = partial.digest();
        document.content = blocking("reading a document", move || content(partial)).await??;
        Ok(Fetched::New(document))
    }

    /// Where a document is written: under a name by which it is gone on with, unless another does
    /// the same now.
    async fn document_partial(&self, address: &Address) -> Result<Partial, Error> {
        static TURN: AtomicU64 = AtomicU64::new(0);
        let (store, name) = (self.store.clone(), Sha256::of(address.url().as_str().as_bytes()));
        blocking("opening a partial file", move || {
            let mut name = format!("u-{name}");
            loop {
                if let Some(partial) = store.partial(&name)? {
                    return Ok(partial);
                }
                let (pid, turn) = (std::process::id(), TURN.fetch_add(1, Ordering::Relaxed));
                name = format!("t-{pid}-{turn}");
            }
        })
        .await?
    }
}

/// Takes a document out of the store.
fn content(partial: Partial) -> Result<Content, Error> {
    let (length, path) = (partial.length(), partial.path().to_path_buf());
    let file = partial.detach()?;
    if length > MOST_BYTES_IN_MEMORY {
        return Ok(Content::File(file));
    }
    let mut bytes = vec![0; length as usize];
    file.read_exact_at(&mut bytes, 0).map_err(Error::io(&path, "reading a document"))?;
    Ok(Content::Memory(bytes))
}
