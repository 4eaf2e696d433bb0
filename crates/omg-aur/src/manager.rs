//! The AUR as a package manager that offers recipes and has nothing installed.
//!
//! What is installed from it is in pacman's local database, which another manager reads.

use std::cmp::Ordering;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use omg_backend::{Choice, FetchedLists, Files, Generations, Heard, Known, PackageManager};
use omg_core::{
    Artifact, Change, Code, Details, Fault, Generation, Grade, Installed, Plan, Planned, Refreshed,
    Sink, Source, Wanted,
};
use omg_fetch::Fetcher;

use crate::aur::{Aur, Fresh};
use crate::constraint::bare;
use crate::dump::{self, record};
use crate::work::blocking;

impl PackageManager for Aur {
    fn source(&self) -> Source {
        Source::Aur
    }

    async fn generations(&self) -> Result<Generations, Fault> {
        let path = self.inner.dump.path();
        blocking("looking for changes", move || {
            Ok(Generations { catalogue: generation(&path), installed: Generation::default() })
        })
        .await
    }

    fn watched(&self) -> Vec<PathBuf> {
        vec![self.inner.dump.directory().to_path_buf()]
    }

    fn refreshed_at(&self) -> Option<u64> {
        self.inner.dump.told().map(|origin| origin.checked)
    }

    async fn packages<S: Sink + Send + 'static>(&self, mut sink: S) -> Result<S, Fault> {
        let inner = self.inner.clone();
        blocking("reading the list of the AUR's packages", move || {
            let path = inner.dump.path();
            let uri = inner.http.address.as_str();
            match dump::open(&path)? {
                Some(packed) => {
                    dump::emit(packed, &path.display().to_string(), uri, &mut sink)?;
                }
                None => {
                    dump::announce(uri, &mut sink)?;
                }
            }
            Ok(sink)
        })
        .await
    }

    async fn installed(&self) -> Result<Installed, Fault> {
        Ok(Installed::default())
    }

    fn choose(&self, known: &Known<'_>) -> Choice {
        let newest = known.offers.first().map(|offer| offer.version);
        let order = match (newest, known.installed) {
            (Some(newest), Some(installed)) => (self.inner.compare)(newest, installed),
            (Some(_), None) => Ordering::Equal,
            (None, _) => return Choice::default(),
        };
        Choice {
            offer: order.is_ge().then_some(0),
            upgrade: order.is_gt() && !known.held,
            ignored: order.is_gt() && known.held,
            ..Choice::default()
        }
    }

    fn details<'a>(&self, _: Source, record: &'a str) -> Details<'a> {
        record::details(record)
    }

    fn compare(&self, a: &str, b: &str) -> Ordering {
        (self.inner.compare)(a, b)
    }

    async fn plan(&self, _: &Change) -> Result<Plan, Fault> {
        let message = "recipes of the AUR can be planned only together with Arch's repositories";
        Err(Fault::new(Code::NoBackend, message))
    }

    /// None: recipes are built, and what their builds need is in the plan for itself.
    async fn wanted(&self, _: &Plan) -> Result<Vec<Wanted>, Fault> {
        Ok(Vec::new())
    }

    /// What was built from a recipe is worth what the recipe is worth.
    async fn verify_artifact(&self, _: &Planned, _: &Artifact) -> Result<Grade, Fault> {
        Ok(Grade::Community)
    }

    /// None: the AUR's dump is fetched by [`refresh`](PackageManager::refresh), and by the user.
    async fn fetch_lists(
        &self,
        _: &Fetcher,
        _: &Path,
        _: Heard<'_>,
    ) -> Result<FetchedLists, Fault> {
        Ok(FetchedLists::default())
    }

    async fn refresh(&self) -> Result<Vec<Refreshed>, Fault> {
        let (changed, packages, fetched) = match Aur::refresh(self).await? {
            Fresh::Unchanged { packages } => (false, packages, 0),
            Fresh::New { packages, fetched } => (true, packages, fetched),
        };
        let packages = u32::try_from(packages).unwrap_or(u32::MAX);
        Ok(vec![Refreshed { source: Source::Aur.as_str().into(), changed, packages, fetched }])
    }

    fn alternatives<'a>(&self, item: &'a str) -> Vec<&'a str> {
        let name = bare(item);
        if name.is_empty() { Vec::new() } else { vec![name] }
    }

    async fn files(&self, name: &str, _: &str) -> Result<Vec<String>, Fault> {
        Err(no_files(name))
    }

    fn installed_at(&self, _: &str, _: &str) -> Option<u64> {
        None
    }

    async fn owns(&self, _: &str) -> Result<Files, Fault> {
        Ok(Files::default())
    }

    async fn provides(&self, _: &str) -> Result<Files, Fault> {
        Ok(Files::default())
    }

    async fn available_files(&self, name: &str) -> Result<Vec<String>, Fault> {
        Err(no_files(name))
    }
}

fn no_files(name: &str) -> Fault {
    let name = omg_core::escape(name);
    let message = format!("the files of '{name}' are known only once its recipe has been built");
    Fault::new(Code::NotFound, message)
}

/// The state of the dump: its time, size and inode.
fn generation(path: &Path) -> Generation {
    let numbers = fs::metadata(path).map_or([0; 4], |data| {
        [data.mtime().cast_unsigned(), data.mtime_nsec().cast_unsigned(), data.size(), data.ino()]
    });
    let mut hasher = blake3::Hasher::new();
    for number in numbers {
        hasher.update(&number.to_le_bytes());
    }
    let mut bytes = [0; 8];
    hasher.finalize_xof().fill(&mut bytes);
    Generation(u64::from_le_bytes(bytes))
}
