//! `Archive`: the file of a version that only the distribution's archive still has.
//!
//! Archives sign nothing of their own. A file is known by what the system's log has of it, its SHA-256,
//! or by its own signature, where the distribution's packages have one.

mod address;

use std::fs::{self, File};
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use omg_backend::PackageManager;
use omg_core::{Artifact, Code, Fault, Grade, Phase, Progress, Reporter, SignatureSource};
use omg_fetch::{Content, DocumentRequest, Fetched, Fetcher, Request, Sha256};
use omg_proto::Reply;

use super::sync::Directory;
use crate::catalogue::Catalogue;
use crate::downloads::{Archive, Layout};

/// Most bytes of the index of one version.
const INDEX: u64 = 1 << 20;

/// Most bytes of a package whose digest is not known. With one the fetcher's own limit holds.
const UNKNOWN: u64 = 256 << 20;

/// Most bytes of a signature beside a file.
const SIGNATURE: u64 = 64 << 10;

/// A file goes after this time. A change may need many, and the first waits for the last.
const KEPT: Duration = Duration::from_hours(24);

/// What is asked for; the digest is empty if it is not known.
pub(crate) struct Asked<'a> {
    pub(crate) name: &'a str,
    pub(crate) version: &'a str,
    pub(crate) architecture: &'a str,
    pub(crate) sha256: &'a str,
}

pub(crate) async fn answer<B: PackageManager>(
    catalogue: &Catalogue<B>,
    reporter: &Reporter,
    asked: &Asked<'_>,
) -> Result<Reply<'static>, Fault> {
    let sha256 = asked.check()?;
    let place = catalogue.downloads().await?;
    let Some(archive) = place.archive.as_ref().filter(|it| !it.base.is_empty()) else {
        return Err(asked.gone("the archive is switched off in the settings"));
    };
    reporter.report(Progress::Phase { phase: Phase::Download, items: 1 });
    let search = Search { asked, sha256, archive, fetcher: &place.fetcher, reporter };
    let found = match archive.layout {
        Layout::Debian => search.debian().await?,
        Layout::Arch => search.arch().await?,
    };
    let size = found.size;
    let (directory, artifact) = found.keep(&archive.directory, asked).await?;
    reporter.report(Progress::Phase { phase: Phase::Verify, items: 1 });
    let grade = catalogue.backend().verify_archived(&artifact).await?;
    if sha256.is_none() && grade == Grade::Risk {
        return Err(asked.unknown(&archive.base, "it has no signature of its own"));
    }
    let name = artifact.name;
    reporter.report(Progress::File {
        item: 0,
        name,
        done: size,
        total: Some(size),
        finished: true,
    });
    directory.keep()?;
    Ok(Reply::Archived { path: artifact.path, from: archive.base.clone() })
}

impl Asked<'_> {
    /// The digest, if what is asked for can be a package at all.
    fn check(&self) -> Result<Option<Sha256>, Fault> {
        let parts = [self.name, self.version, self.architecture];
        if let Some(wrong) = parts.into_iter().find(|part| !address::is_part(part)) {
            let message = format!("'{}' can't be part of a package", omg_core::escape(wrong));
            return Err(Fault::new(Code::Usage, message));
        }
        if self.sha256.is_empty() {
            return Ok(None);
        }
        let wrong = |()| Fault::new(Code::Usage, "the digest is no SHA-256");
        self.sha256.parse().map(Some).map_err(wrong)
    }

    fn gone(&self, why: &str) -> Fault {
        let message = format!("{} {} can't be had any more", self.name, self.version);
        let mut fault = Fault::new(Code::Gone, message).hint("omg config");
        fault.cause.push(why.to_owned());
        fault
    }

    /// It is not asked for, or not taken, because nothing says that it is the right one.
    fn unknown(&self, base: &str, why: &str) -> Fault {
        let why = format!(
            "what {base} has is not taken: {why}, and the system's log has no SHA-256 to know it by"
        );
        self.gone(&why)
    }

    /// A fault of the fetcher in the words of this question.
    fn failed(&self, url: &str, error: &omg_fetch::Error) -> Fault {
        let fault = error.fault();
        match fault.code {
            Code::Gone => self.gone(&format!("{url} is not there")),
            Code::Network | Code::Timeout => {
                let mut fault = Fault { code: Code::Network, ..fault };
                fault.message = format!("{url} can't be asked for: {}", fault.message);
                fault
            }
            _ => fault,
        }
    }
}

/// One search in an archive.
struct Search<'a> {
    asked: &'a Asked<'a>,
    sha256: Option<Sha256>,
    archive: &'a Archive,
    fetcher: &'a Fetcher,
    reporter: &'a Reporter,
}

/// A file on its way out of the archive.
struct Found {
    file_name: String,
    bytes: Bytes,
    size: u64,
    sha256: Sha256,
    signature: Option<Vec<u8>>,
}

/// Where the bytes are.
enum Bytes {
    Stored(PathBuf),
    Document(Content),
}

impl Search<'_> {
    async fn debian(&self) -> Result<Found, Fault> {
        let Asked { name, version, architecture, .. } = *self.asked;
        let base = &self.archive.base;
        let Some(sha256) = self.sha256 else {
            return Err(self.asked.unknown(base, "a .deb has no signature"));
        };
        let file_name = address::deb(name, version, architecture);
        // What was fetched for the change that is taken back may still be here.
        let mut urls = Vec::new();
        if self.fetcher.store().get(&sha256)?.is_none() {
            let index = address::index(base, name, version);
            let (content, ..) = self.document(&index, INDEX).await?;
            let bytes = content.into_bytes().map_err(|error| unwritable(base.as_ref(), &error))?;
            let hashes = address::hashes(&bytes, architecture).map_err(|error| {
                Fault::caused_by(Code::Malformed, format!("{index} makes no sense"), &error)
            })?;
            if hashes.is_empty() {
                return Err(self.asked.gone(&format!("{index} names no file for {architecture}")));
            }
            urls.extend(hashes.iter().map(|hash| address::file(base, hash)));
        }
        self.known(file_name, urls, sha256, None).await
    }

    async fn arch(&self) -> Result<Found, Fault> {
        let Asked { name, version, architecture, .. } = *self.asked;
        let mut missing: Option<Fault> = None;
        for (file_name, url) in address::arch(&self.archive.base, name, version, architecture) {
            let found = match self.sha256 {
                Some(sha256) => {
                    let signature = Some(SignatureSource::Suffix(".sig".to_owned()));
                    self.known(file_name, vec![url], sha256, signature).await
                }
                None => self.signed(file_name, &url).await,
            };
            match found {
                Err(fault) if fault.code == Code::Gone => missing = missing.or(Some(fault)),
                found => return found,
            }
        }
        Err(missing.unwrap_or_else(|| self.asked.gone("the archive has no file of it")))
    }

    /// A file with a digest, into the store.
    async fn known(
        &self,
        file_name: String,
        urls: Vec<String>,
        sha256: Sha256,
        signature: Option<SignatureSource>,
    ) -> Result<Found, Fault> {
        let first = urls.first().cloned().unwrap_or_default();
        let name = self.asked.name.to_owned();
        let request = Request { name, urls, size: None, sha256, signature, cached: Vec::new() };
        let heard = |event| self.reporter.report(event);
        let fetched = self.fetcher.fetch_files(vec![request], heard).await.pop();
        let stored = fetched
            .ok_or_else(|| self.asked.gone("nothing was fetched"))?
            .map_err(|error| self.asked.failed(&first, &error))?;
        let (size, signature) = (stored.size, stored.signature);
        Ok(Found { file_name, bytes: Bytes::Stored(stored.path), size, sha256, signature })
    }

    /// A file whose signature has to speak for it.
    async fn signed(&self, file_name: String, url: &str) -> Result<Found, Fault> {
        let (content, size, sha256) = self.document(url, UNKNOWN).await?;
        let signature = match self.document(&format!("{url}.sig"), SIGNATURE).await {
            Ok((content, ..)) => {
                let bytes = content.into_bytes();
                Some(bytes.map_err(|error| unwritable(url.as_ref(), &error))?)
            }
            Err(fault) if fault.code == Code::Gone => None,
            Err(fault) => return Err(fault),
        };
        Ok(Found { file_name, bytes: Bytes::Document(content), size, sha256, signature })
    }

    async fn document(&self, url: &str, cap: u64) -> Result<(Content, u64, Sha256), Fault> {
        let request = DocumentRequest { urls: vec![url.to_owned()], cap, conditional: None };
        let name = self.asked.name;
        let seen = |done, total| {
            let name = name.to_owned();
            self.reporter.report(Progress::File { item: 0, name, done, total, finished: false });
        };
        let fetched = self.fetcher.fetch_document(&request, seen).await;
        match fetched.map_err(|error| self.asked.failed(url, &error))? {
            Fetched::New(document) => Ok((document.content, document.size, document.sha256)),
            Fetched::Unchanged => {
                let message = format!("{url} answers what was not asked");
                Err(Fault::new(Code::Network, message))
            }
        }
    }
}

impl Found {
    /// Gives it its name, in a directory of its own: the native tools go by names.
    async fn keep(self, parent: &Path, asked: &Asked<'_>) -> Result<(Directory, Artifact), Fault> {
        let directory = Directory::make(parent, KEPT)?;
        let path = directory.path.join(&self.file_name);
        let artifact = Artifact {
            name: asked.name.to_owned(),
            architecture: asked.architecture.to_owned(),
            version: asked.version.to_owned(),
            repository: String::new(),
            path: path.to_str().map(ToOwned::to_owned).ok_or_else(|| {
                let message = format!("{} is no UTF-8", path.display());
                Fault::new(Code::Unwritable, message).hint("set XDG_CACHE_HOME to another path")
            })?,
            file_name: self.file_name,
            size: self.size,
            sha256: self.sha256.to_string(),
            signature: self.signature.clone(),
            grade: Grade::Risk,
        };
        let (bytes, signature) = (self.bytes, self.signature);
        let write = move || {
            let written = write(bytes, signature.as_deref(), &path);
            written.map_err(|error| unwritable(&path, &error))
        };
        tokio::task::spawn_blocking(write).await.map_err(|error| {
            Fault::caused_by(Code::Internal, "a part of the daemon panicked over a file", &error)
        })??;
        Ok((directory, artifact))
    }
}

fn write(bytes: Bytes, signature: Option<&[u8]>, path: &Path) -> io::Result<()> {
    match bytes {
        // A second name costs nothing, and keeps it when the store lets it go.
        Bytes::Stored(stored) => {
            fs::hard_link(&stored, path).or_else(|_| fs::copy(&stored, path).map(drop))?;
        }
        Bytes::Document(Content::Memory(bytes)) => File::create_new(path)?.write_all(&bytes)?,
        Bytes::Document(Content::File(mut from)) => {
            from.rewind()?;
            io::copy(&mut from, &mut File::create_new(path)?)?;
        }
    }
    if let Some(signature) = signature {
        let mut beside = path.as_os_str().to_owned();
        beside.push(".sig");
        File::create_new(PathBuf::from(beside))?.write_all(signature)?;
    }
    Ok(())
}

fn unwritable(path: &Path, error: &io::Error) -> Fault {
    Fault::caused_by(Code::Unwritable, format!("{} can't be written", path.display()), error)
}
