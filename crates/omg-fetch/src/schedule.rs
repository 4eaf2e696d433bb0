//! Which file is fetched next, and from where.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use omg_core::{Progress, SignatureSource};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};

use crate::address::Address;
use crate::copy::{Stop, find};
use crate::download::{Arrived, Transfer, blocking};
use crate::meter::{Meter, Report, TICK};
use crate::{Error, Request, Sha256, Stored};

/// Times that one mirror is asked for one file.
const MOST_TRIES: u32 = 3;

/// Until a mirror is asked again for a file that it failed to deliver.
const PAUSE: Duration = Duration::from_millis(250);

type Sink<'a> = &'a mut (dyn FnMut(Progress) + Send);

/// All files of one call.
#[derive(Debug)]
pub(crate) struct Schedule {
    transfer: Transfer,
    jobs: Vec<Job>,
    /// Places for downloads, in all and by host.
    places: Arc<Semaphore>,
    hosts: HashMap<String, Arc<Semaphore>>,
    /// A place has become free.
    freed: Arc<Notify>,
    /// Times that a mirror failed in this call.
    blame: HashMap<String, u32>,
    tasks: JoinSet<Done>,
    /// Who is doing what: a job, and one of its sources unless it looks on this machine.
    running: HashMap<Id, (usize, Option<usize>)>,
}

/// One file.
#[derive(Debug)]
struct Job {
    request: Arc<Request>,
    sources: Vec<Source>,
    state: State,
    /// The file, while its signature is missing.
    stored: Option<Stored>,
    errors: Vec<Error>,
    meter: Arc<Meter>,
}

/// One address of a file.
#[derive(Debug)]
struct Source {
    address: Address,
    origin: String,
    tries: u32,
    spent: bool,
}

#[derive(Debug)]
enum State {
    /// Nobody has looked on this machine yet.
    New,
    /// To be fetched, but not before.
    Waiting(Instant),
    Running,
    Ended(Result<Stored, Error>),
}

/// What a task comes back with.
#[derive(Debug)]
enum Done {
    Found(Result<Option<Stored>, Error>, Vec<String>),
    /// The file, as far as it is there, and the signature.
    Fetched(Option<Stored>, Result<Option<Vec<u8>>, Error>),
    /// The mirror did not deliver. The place is taken until that is noted, so that nobody else asks
    /// the mirror before.
    Failed(Error, Slot),
}

// === impl Schedule ===

impl Schedule {
    pub(crate) fn new(transfer: Transfer, requests: Vec<Result<Request, Error>>) -> Self {
        Self {
            places: Arc::new(Semaphore::new(transfer.options.connections.max(1))),
            hosts: HashMap::new(),
            freed: Arc::default(),
            transfer,
            jobs: requests.into_iter().map(Job::of).collect(),
            blame: HashMap::new(),
            tasks: JoinSet::new(),
            running: HashMap::new(),
        }
    }

    /// Fetches everything. Dropping this future aborts its tasks.
    pub(crate) async fn run(mut self, sink: Sink<'_>) -> Vec<Result<Stored, Error>> {
        let names = self.jobs.iter().map(|job| (job.request.name.as_str(), job.request.size));
        let mut report = Report::new(names);
        let mut ticks = interval_at(Instant::now() + TICK, TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.start();
            if self.jobs.iter().all(|job| matches!(job.state, State::Ended(_))) {
                break;
            }
            tokio::select! {
                Some(joined) = self.tasks.join_next_with_id() => {
                    self.settle(joined, &mut report, sink);
                }
                () = self.freed.notified() => {}
                _ = ticks.tick() => report.tick(self.meters(), sink),
                () = sleep_until(self.transfer.deadline) => self.give_up(),
            }
        }
        report.end(self.meters(), sink);
        let late = |job: Job| match job.state {
            State::Ended(result) => result,
            _ => Err(job.late()),
        };
        self.jobs.into_iter().map(late).collect()
    }

    fn meters(&self) -> impl Iterator<Item = &Meter> {
        self.jobs.iter().map(|job| &*job.meter)
    }

    /// Starts as much as may run at once: first what has most bytes to come, so that at the end
    /// nothing large is alone.
    fn start(&mut self) {
        let now = Instant::now();
        let mut order: Vec<usize> = (0..self.jobs.len()).collect();
        order.retain(|at| self.jobs.get(*at).is_some_and(|job| job.is_ready(now)));
        order.sort_by_key(|at| std::cmp::Reverse(self.jobs.get(*at).map(Job::left)));
        for at in order {
            if self.places.available_permits() == 0 {
                return;
            }
            self.start_job(at);
        }
    }

    fn start_job(&mut self, at: usize) {
        let Some(job) = self.jobs.get_mut(at) else { return };
        let (request, meter) = (job.request.clone(), job.meter.clone());
        let place = |of: &Arc<Semaphore>| of.clone().try_acquire_owned().ok();
        let Some(first) = place(&self.places) else { return };
        if matches!(job.state, State::New) {
            let slot = Slot { permits: vec![first], freed: self.freed.clone() };
            let task = look(self.transfer.clone(), request, meter, slot);
            self.running.insert(self.tasks.spawn(task).id(), (at, None));
            job.state = State::Running;
            return;
        }
        let Some(best) = job.best(&self.blame) else { return job.fail() };
        let Some(source) = job.sources.get_mut(best) else { return };
        let per_host = self.transfer.options.per_host.max(1);
        let host = self.hosts.entry(source.origin.clone());
        let host = host.or_insert_with(|| Arc::new(Semaphore::new(per_host)));
        let Some(second) = place(host) else { return };
        let slot = Slot { permits: vec![first, second], freed: self.freed.clone() };
        source.tries += 1;
        let task = Attempt {
            transfer: self.transfer.clone(),
            request,
            stored: job.stored.clone(),
            address: source.address.clone(),
            meter,
            slot,
        };
        self.running.insert(self.tasks.spawn(task.run()).id(), (at, Some(best)));
        job.state = State::Running;
    }

    fn settle(
        &mut self,
        joined: Result<(Id, Done), JoinError>,
        report: &mut Report,
        sink: Sink<'_>,
    ) {
        let (id, done) = match joined {
            Ok((id, done)) => (id, done),
            Err(error) => {
                let failed = Error::Worker { context: "fetching a file" };
                (error.id(), Done::Found(Err(failed), Vec::new()))
            }
        };
        let Some((at, source)) = self.running.remove(&id) else { return };
        let Some(job) = self.jobs.get_mut(at) else { return };
        for text in job.take(done, source, &mut self.blame) {
            sink(Progress::Note { text });
        }
        if let State::Ended(result) = &job.state {
            report.ended(at, result.as_ref().ok().map(|stored| stored.size), sink);
        }
    }

    /// The time is over: ends everything that runs.
    fn give_up(&mut self) {
        self.tasks.abort_all();
        self.running.clear();
        for job in &mut self.jobs {
            if !matches!(job.state, State::Ended(_)) {
                job.errors.push(job.late());
                job.fail();
            }
        }
    }
}

/// A place among the downloads under way. It is given back when the last byte is here: what then
/// waits for the disk keeps nobody from the network.
#[derive(Debug)]
struct Slot {
    permits: Vec<OwnedSemaphorePermit>,
    freed: Arc<Notify>,
}

/// One try at one mirror.
struct Attempt {
    transfer: Transfer,
    request: Arc<Request>,
    stored: Option<Stored>,
    address: Address,
    meter: Arc<Meter>,
    slot: Slot,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.permits.clear();
        self.freed.notify_one();
    }
}

async fn look(transfer: Transfer, request: Arc<Request>, meter: Arc<Meter>, slot: Slot) -> Done {
    let stop = Stop::default();
    let stopped = stop.listener();
    let looked = blocking("looking for a file", move || {
        let mut notes = Vec::new();
        let found = find(&transfer.store, &request, &meter, &stopped, &mut notes);
        (found, notes)
    });
    let looked = looked.await;
    drop(slot);
    match looked {
        Ok((found, notes)) => Done::Found(found, notes),
        Err(error) => Done::Found(Err(error), Vec::new()),
    }
}

impl Attempt {
    async fn run(self) -> Done {
        let Self { transfer, request, mut stored, address, meter, slot } = self;
        let (transfer, request, address) = (&transfer, &*request, &address);
        let mut partial = None;
        if stored.is_none() {
            match transfer.file(request, address, &meter).await {
                Ok(Arrived::Stored(here)) => stored = Some(here),
                Ok(Arrived::Whole(whole)) => partial = Some(whole),
                Err(error) => return Done::Failed(error, slot),
            }
        }
        let signature = async move {
            let signature = match &request.signature {
                Some(source) => transfer.signature(source, address).await,
                None => Ok(None),
            };
            drop(slot);
            signature
        };
        let keeping = async {
            match partial {
                Some(partial) => transfer.keep(partial, request, address).await.map(Some),
                None => Ok(None),
            }
        };
        match tokio::join!(keeping, signature) {
            (Ok(kept), signature) => Done::Fetched(kept.or(stored), signature),
            (Err(error), _) => Done::Fetched(None, Err(error)),
        }
    }
}

// === impl Job ===

impl Job {
    fn of(request: Result<Request, Error>) -> Self {
        match request {
            Ok(request) => Self::new(request),
            Err(error) => {
                let nothing = Request {
                    name: String::new(),
                    urls: Vec::new(),
                    size: None,
                    sha256: Sha256::of(&[]),
                    signature: None,
                    cached: Vec::new(),
                };
                Self { state: State::Ended(Err(error)), ..Self::new(nothing) }
            }
        }
    }

    fn new(request: Request) -> Self {
        let mut errors = Vec::new();
        let mut sources = Vec::new();
        for url in &request.urls {
            match Address::parse(url) {
                Ok(address) => {
                    let origin = address.origin();
                    sources.push(Source { address, origin, tries: 0, spent: false });
                }
                Err(error) => errors.push(error),
            }
        }
        let (request, meter) = (Arc::new(request), Arc::default());
        Self { request, sources, state: State::New, stored: None, errors, meter }
    }

    fn is_ready(&self, now: Instant) -> bool {
        match self.state {
            State::New => true,
            State::Waiting(until) => until <= now,
            State::Running | State::Ended(_) => false,
        }
    }

    /// Bytes to come. A file of unknown size may be large.
    fn left(&self) -> u64 {
        self.request.size.map_or(u64::MAX, |size| size.saturating_sub(self.meter.done()))
    }

    /// The source to ask: the first, but mirrors that failed come after those that did not.
    fn best(&self, blame: &HashMap<String, u32>) -> Option<usize> {
        let open = self.sources.iter().enumerate().filter(|(_, source)| !source.spent);
        let best = open.min_by_key(|(at, source)| {
            (blame.get(&source.origin).copied().unwrap_or(0), source.tries, *at)
        });
        best.map(|(at, _)| at)
    }

    /// Takes in what a task came back with, and gives what is to be said of it.
    fn take(
        &mut self,
        done: Done,
        source: Option<usize>,
        blame: &mut HashMap<String, u32>,
    ) -> Vec<String> {
        self.state = State::Waiting(Instant::now());
        let mut notes = Vec::new();
        match done {
            Done::Found(found, said) => {
                notes = said;
                match found {
                    Ok(Some(stored)) => self.found(stored),
                    Ok(None) => {}
                    Err(error) => self.state = State::Ended(Err(error)),
                }
            }
            Done::Failed(error, slot) => {
                notes.extend(self.failed(error, source, blame));
                drop(slot);
            }
            Done::Fetched(stored, result) => {
                self.stored = stored.or(self.stored.take());
                match result {
                    Ok(signature) => notes.extend(self.complete(signature, source)),
                    Err(error) => notes.extend(self.failed(error, source, blame)),
                }
            }
        }
        notes
    }

    /// The file is on this machine. What remains is a signature beside it on a mirror, if at all.
    fn found(&mut self, mut stored: Stored) {
        match &self.request.signature {
            Some(SignatureSource::Suffix(_)) => self.stored = Some(stored),
            Some(SignatureSource::Inline(signature)) => {
                stored.signature = Some(signature.clone());
                self.state = State::Ended(Ok(stored));
            }
            None => self.state = State::Ended(Ok(stored)),
        }
    }

    /// The file is here, and its mirror has said what it has for a signature.
    fn complete(&mut self, signature: Option<Vec<u8>>, source: Option<usize>) -> Option<String> {
        let missing = signature.is_none() && self.request.signature.is_some();
        if missing {
            // Another mirror may have it.
            let source = source.and_then(|source| self.sources.get_mut(source))?;
            source.spent = true;
            if self.sources.iter().any(|source| !source.spent) {
                return None;
            }
        }
        if missing && !self.errors.is_empty() {
            // A mirror that did not answer may have it: that is not the same as that there is none.
            self.fail();
            return None;
        }
        let mut stored = self.stored.take()?;
        stored.signature = signature;
        self.state = State::Ended(Ok(stored));
        missing.then(|| format!("no mirror has a signature of {}", self.request.name))
    }

    fn failed(
        &mut self,
        error: Error,
        source: Option<usize>,
        blame: &mut HashMap<String, u32>,
    ) -> Option<String> {
        if error.is_local() {
            self.state = State::Ended(Err(error));
            return None;
        }
        let source = source.and_then(|source| self.sources.get_mut(source))?;
        // A mirror that lacks one file is not worse for others.
        if !error.is_missing() {
            *blame.entry(source.origin.clone()).or_default() += 1;
        }
        source.spent = !error.is_transient() || source.tries >= MOST_TRIES;
        self.state = State::Waiting(Instant::now() + PAUSE * (source.tries - 1));
        let mut note = format!("{}: {}", self.request.name, error.fault());
        self.errors.push(error);
        if self.sources.iter().all(|source| source.spent) {
            self.fail();
            return None;
        }
        note.push_str("; another try follows");
        Some(note)
    }

    /// No source is left.
    fn fail(&mut self) {
        let reasons = std::mem::take(&mut self.errors);
        let name = self.request.name.clone();
        self.state = State::Ended(Err(Error::AllFailed { name, reasons }));
    }

    fn late(&self) -> Error {
        let reason = "the deadline passed before the last byte".into();
        Error::Slow { url: self.request.name.clone(), reason }
    }
}
