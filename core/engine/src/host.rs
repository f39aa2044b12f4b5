//! The shell around the engine: a clock, a writer thread, and a byte on a pipe for whoever drives runs.
//!
//! Requests gather in a queue. The writer takes all of them at once (that is the group commit), or a caller who knows that
//! nothing else is running carries them out on its own thread with [`Host::flush`].

use std::collections::HashMap;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use agnt5_journal::Micros;
use agnt5_store::{Durability, Read, SqliteReader, SqliteStore, StoreError};
use bytes::Bytes;
use parking_lot::{Condvar, Mutex};

use crate::engine::{Batch, Engine};
use crate::error::Refusal;
use crate::limits::Limits;
use crate::notice::Notice;
use crate::request::{Reply, Request, Ticket};
use crate::visitor::Visitors;

/// The longest sleep of the writer, so that a clock that was set forward is noticed.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

pub struct Options {
    pub durability: Durability,
    /// Leave interrupted runs alone until somebody resumes them.
    pub ask_first: bool,
    pub limits: Limits,
    /// Gets one byte when notices are there; must not block. `None` for a host nobody drives runs on.
    pub wake: Option<OwnedFd>,
}

/// Owns one store and everything that happens in it.
pub struct Host {
    shared: Arc<Shared>,
    directory: PathBuf,
    limits: Limits,
    reader: Mutex<SqliteReader>,
    writer: Mutex<Option<JoinHandle<()>>>,
    visitors: Mutex<Option<Visitors>>,
}

pub(crate) struct Shared {
    queue: Mutex<Queue>,
    queued: Condvar,
    engine: Mutex<Option<Engine<SqliteStore>>>,
    replies: Mutex<HashMap<Ticket, Result<Reply, Refusal>>>,
    replied: Condvar,
    notices: Mutex<Vec<Notice>>,
    signalled: AtomicBool,
    wake: Option<OwnedFd>,
    tickets: AtomicU64,
    clock: Clock,
}

#[derive(Default)]
struct Queue {
    requests: Vec<(Ticket, Request)>,
    kicked: bool,
    stopping: bool,
    wake: Option<Micros>,
}

/// Wall time that never runs backwards within this process.
#[derive(Default)]
struct Clock(AtomicU64);

impl Clock {
    fn now(&self) -> Micros {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = since.as_micros() as u64;
        self.0.fetch_max(now, Ordering::Relaxed).max(now) as Micros
    }
}

impl Host {
    pub fn open(directory: &Path, options: Options) -> Result<Self, StoreError> {
        let store = SqliteStore::open(directory, options.durability)?;
        let clock = Clock::default();
        let mut engine = Engine::new(store, options.limits, options.ask_first);
        engine.open(clock.now())?;
        let reader = SqliteReader::open(directory)?;
        let shared = Arc::new(Shared {
            queue: Mutex::new(Queue { kicked: true, ..Queue::default() }),
            queued: Condvar::new(),
            engine: Mutex::new(Some(engine)),
            replies: Mutex::default(),
            replied: Condvar::new(),
            notices: Mutex::default(),
            signalled: AtomicBool::new(false),
            wake: options.wake,
            tickets: AtomicU64::new(1),
            clock,
        });
        let writer = {
            let shared = shared.clone();
            std::thread::Builder::new()
                .name("agnt5-writer".to_owned())
                .spawn(move || shared.write_until_stopped())
                .map_err(|error| StoreError::Io(format!("the writer thread cannot be started: {error}")))?
        };
        let visitors = Visitors::serve(directory, shared.clone())?;
        Ok(Self {
            shared,
            directory: directory.to_owned(),
            limits: options.limits,
            reader: Mutex::new(reader),
            writer: Mutex::new(Some(writer)),
            visitors: Mutex::new(Some(visitors)),
        })
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    pub fn now(&self) -> Micros {
        self.shared.clock.now()
    }

    /// Adds to the next transaction; somebody has to [`kick`](Self::kick) or [`flush`](Self::flush).
    pub fn submit(&self, request: Request) {
        self.shared.queue.lock().requests.push((0, request));
    }

    pub fn kick(&self) {
        self.shared.kick();
    }

    /// Carries out a request and waits until it is durable.
    pub fn call(&self, request: Request) -> Result<Reply, Refusal> {
        self.shared.call(request)
    }

    /// Commits everything submitted on this thread, then takes the notices.
    pub fn flush(&self) -> Vec<Notice> {
        self.shared.process(false);
        self.notices()
    }

    pub fn notices(&self) -> Vec<Notice> {
        self.shared.signalled.store(false, Ordering::SeqCst);
        std::mem::take(&mut *self.shared.notices.lock())
    }

    pub fn blob(&self, hash: &[u8; 32]) -> Result<Option<Bytes>, StoreError> {
        self.reader.lock().blob(hash)
    }

    pub fn object_state(&self, object: &str) -> Result<Option<Bytes>, StoreError> {
        self.reader.lock().object(object)
    }

    pub fn live_runs(&self) -> usize {
        let engine = self.shared.engine.lock();
        engine.as_ref().map_or(0, Engine::live_runs)
    }

    /// Leaves live runs interrupted, stops the threads and gives the store free. Later calls do nothing.
    pub fn close(&self) {
        let Some(writer) = self.writer.lock().take() else {
            return;
        };
        if let Some(visitors) = self.visitors.lock().take() {
            visitors.stop();
        }
        self.shared.submit_and_kick(Request::Close);
        self.shared.stop();
        // The writer only waits for the disk; it never waits for Python.
        let _ = writer.join();
        self.shared.engine.lock().take();
        self.shared.refuse_the_rest();
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    pub(crate) fn call(&self, request: Request) -> Result<Reply, Refusal> {
        let ticket = self.tickets.fetch_add(1, Ordering::Relaxed);
        {
            let mut queue = self.queue.lock();
            if queue.stopping {
                return Err(closed());
            }
            queue.requests.push((ticket, request));
            queue.kicked = true;
        }
        self.queued.notify_one();
        let mut replies = self.replies.lock();
        loop {
            if let Some(reply) = replies.remove(&ticket) {
                return reply;
            }
            self.replied.wait(&mut replies);
        }
    }

    fn submit_and_kick(&self, request: Request) {
        self.queue.lock().requests.push((0, request));
        self.kick();
    }

    fn kick(&self) {
        self.queue.lock().kicked = true;
        self.queued.notify_one();
    }

    fn stop(&self) {
        self.queue.lock().stopping = true;
        self.queued.notify_one();
    }

    fn write_until_stopped(&self) {
        loop {
            let stopping = {
                let mut queue = self.queue.lock();
                while !queue.stopping && !queue.kicked {
                    let sleep = self.sleep_for(queue.wake);
                    if sleep.is_zero() || self.queued.wait_for(&mut queue, sleep).timed_out() {
                        let due = queue.wake.is_some_and(|wake| wake <= self.clock.now());
                        if due {
                            break;
                        }
                    }
                }
                queue.kicked = false;
                queue.stopping
            };
            self.process(true);
            if stopping {
                return;
            }
        }
    }

    fn sleep_for(&self, wake: Option<Micros>) -> Duration {
        let until = wake.map(|wake| (wake - self.clock.now()).max(0) as u64);
        until.map_or(LONGEST_SLEEP, |micros| Duration::from_micros(micros).min(LONGEST_SLEEP))
    }

    /// One transaction over all that is queued. `by_writer`: somebody else has to be woken for the notices.
    fn process(&self, by_writer: bool) {
        let mut engine = self.engine.lock();
        let Some(engine) = engine.as_mut() else {
            return;
        };
        // Taken under the engine's lock: requests of one run must not overtake each other.
        let requests = std::mem::take(&mut self.queue.lock().requests);
        let Batch { replies, notices, wake } = engine.process(self.clock.now(), requests);
        {
            let mut queue = self.queue.lock();
            let earlier = match (wake, queue.wake) {
                (Some(new), Some(old)) => new < old,
                (Some(_), None) => true,
                _ => false,
            };
            queue.wake = wake;
            if earlier && !by_writer {
                self.queued.notify_one();
            }
        }
        if !replies.is_empty() {
            self.replies.lock().extend(replies);
            self.replied.notify_all();
        }
        if !notices.is_empty() {
            self.notices.lock().extend(notices);
            if by_writer {
                self.signal();
            }
        }
    }

    fn signal(&self) {
        let Some(wake) = &self.wake else { return };
        if !self.signalled.swap(true, Ordering::SeqCst) {
            // A full pipe means that a byte is there already.
            // SAFETY: the descriptor is owned and open, the buffer is one byte.
            unsafe { libc::write(wake.as_raw_fd(), [0u8].as_ptr().cast(), 1) };
        }
    }

    fn refuse_the_rest(&self) {
        let requests = std::mem::take(&mut self.queue.lock().requests);
        let mut replies = self.replies.lock();
        for (ticket, _) in requests.into_iter().filter(|(ticket, _)| *ticket != 0) {
            replies.insert(ticket, Err(closed()));
        }
        self.replied.notify_all();
    }
}

fn closed() -> Refusal {
    Refusal::new("RuntimeUnavailableError", "the runtime is closed")
}
