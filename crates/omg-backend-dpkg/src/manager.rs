//! The whole of a Debian system behind one trait.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use omg_backend::{Choice, Files, Generations, Known, PackageManager};
use omg_core::{Details, Fault, Generation, Installed, Sink, Source};

use crate::apt::generation;
use crate::apt::merge;
use crate::apt::settings::{self, Settings};
use crate::error::Error;
use crate::status;

/// How often a catalogue is read anew because something changed meanwhile.
const ATTEMPTS: u32 = 3;

/// A Debian system below some root directory.
#[derive(Debug, Clone)]
pub struct Dpkg {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    current: Mutex<Current>,
}

/// Settings, and the state of the catalogue that they were read from.
#[derive(Debug, Clone)]
struct Current {
    settings: Arc<Settings>,
    catalogue: Generation,
}

impl Dpkg {
    /// Looks for dpkg's database below `root` and reads apt's settings there.
    pub fn open(root: &Path) -> Result<Self, Error> {
        let current = Current::read(root);
        let status = current.settings.conf.file("Dir::State::status");
        if !status.is_file()
            && !generation::dpkg_dir(&current.settings.conf).join("status.d").is_dir()
        {
            return Err(Error::NoDatabase { path: status });
        }
        Ok(Self {
            inner: Arc::new(Inner { root: root.to_path_buf(), current: Mutex::new(current) }),
        })
    }
}

impl Current {
    fn read(root: &Path) -> Self {
        let settings = Settings::read(root);
        Self { catalogue: generation::catalogue(&settings.conf), settings: Arc::new(settings) }
    }
}

impl Inner {
    fn current(&self) -> Current {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn settings(&self) -> Arc<Settings> {
        self.current().settings
    }

    /// The settings as they stand, read again if anything moved.
    fn refreshed(&self) -> Current {
        let current = self.current();
        if generation::catalogue(&current.settings.conf) == current.catalogue {
            return current;
        }
        let fresh = Current::read(&self.root);
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = fresh.clone();
        fresh
    }

    fn installed(&self) -> Result<Installed, Error> {
        status::read(&settings::installed(&self.refreshed().settings.conf))
    }

    fn generations(&self) -> Generations {
        let current = self.refreshed();
        Generations {
            catalogue: current.catalogue,
            installed: generation::installed(&current.settings.conf),
        }
    }
}

/// Moves work off the async threads.
async fn blocking<T: Send + 'static>(
    context: &'static str,
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::Worker { context })?
}

impl PackageManager for Dpkg {
    fn source(&self) -> Source {
        Source::Apt
    }

    async fn generations(&self) -> Result<Generations, Fault> {
        let inner = self.inner.clone();
        blocking("looking for changes", move || Ok(inner.generations())).await
    }

    fn watched(&self) -> Vec<PathBuf> {
        generation::watched(&self.inner.settings().conf)
    }

    fn refreshed_at(&self) -> Option<u64> {
        generation::refreshed_at(&self.inner.settings().conf)
    }

    async fn packages<S: Sink + Send + 'static>(&self, mut sink: S) -> Result<S, Fault> {
        let inner = self.inner.clone();
        blocking("reading the lists", move || {
            let current = inner.refreshed();
            merge::packages(&current.settings, &mut sink)?;
            Ok(sink)
        })
        .await
    }

    async fn installed(&self) -> Result<Installed, Fault> {
        let inner = self.inner.clone();
        blocking("reading what is installed", move || Ok(inner.installed()?)).await
    }

    fn choose(&self, known: &Known<'_>) -> Choice {
        self.inner.settings().policy.choose(known, known.name)
    }

    fn details<'a>(&self, record: &'a str) -> Details<'a> {
        todo!()
    }

    fn alternatives<'a>(&self, item: &'a str) -> Vec<&'a str> {
        crate::relation::names(item).collect()
    }

    async fn files(&self, name: &str, architecture: &str) -> Result<Vec<String>, Fault> {
        todo!()
    }

    fn installed_at(&self, name: &str, architecture: &str) -> Option<u64> {
        todo!()
    }

    async fn owns(&self, path: &str) -> Result<Files, Fault> {
        todo!()
    }

    async fn provides(&self, what: &str) -> Result<Files, Fault> {
        todo!()
    }

    async fn available_files(&self, name: &str) -> Result<Vec<String>, Fault> {
        todo!()
    }
}
