//! The storage seam. The engine speaks to a [`Store`] only; which one holds the data is a choice made at open.
//!
//! A store is a plain map of tables inside one transaction at a time. It decides nothing: no clock, no ids, no
//! ordering of its own. Every change happens between [`Store::begin`] and [`Store::commit`]; a failed commit leaves
//! the tables as they were at `begin`, or poisons the store for good ([`StoreError::poisons`]).

use agnt5_journal::{ComponentKind, Status};
use bytes::Bytes;

use crate::error::StoreError;
use crate::record::*;

/// Microseconds since 1970, UTC.
pub type Micros = i64;
/// The store's own number for a run: small, dense, never reused.
pub type RunNum = i64;
/// BLAKE3 of the uncompressed bytes.
pub type BlobHash = [u8; 32];
pub type Result<T> = std::result::Result<T, StoreError>;

/// What the store keeps of a run beside its journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRow {
    /// 0 in a row that is not stored yet.
    pub num: RunNum,
    pub id: String,
    pub component: String,
    pub kind: ComponentKind,
    pub status: Status,
    /// Grows with every attempt; a writer with an older one is refused.
    pub epoch: u64,
    /// Run and command that asked for this one.
    pub parent: Option<(RunNum, u64)>,
    /// 0 for a run started from outside.
    pub depth: u32,
    /// `"Class\nkey"` when the run is a call of an object's method, else empty.
    pub object: String,
    /// Digest of component and input: tells whether the same id means the same run.
    pub input_digest: Bytes,
    pub created: Micros,
    pub started: Option<Micros>,
    pub ended: Option<Micros>,
    pub cancel_requested: bool,
    /// Its process went away while it ran; it waits to be resumed.
    pub interrupted: bool,
    /// Attempts in a row that ended with the process and recorded nothing new.
    pub crashes: u32,
    /// Why it is paused, or the one-line error of a failed run.
    pub reason: String,
    /// JSON object of strings.
    pub tags: String,
    /// The run it was forked from, and where: entries 1 up to that seq are that run's. 0: it shares none (a rerun).
    pub origin: Option<(RunNum, u64)>,
    /// The fork whose copies of objects it works on; empty: the objects themselves.
    pub overlay: String,
}

/// Some entries of one run, written by one commit. `bytes` is a segment of `agnt5_journal::segment`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    pub first_seq: u64,
    pub count: u32,
    pub bytes: Bytes,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimerRow {
    pub due: Micros,
    pub run: RunNum,
    pub seq: u64,
}

/// A run that awaits an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitRow {
    pub run: RunNum,
    pub seq: u64,
    pub name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventState {
    /// In the mailbox.
    Kept,
    /// Handed to a waiting run, not yet in its journal.
    Assigned { run: RunNum, seq: u64 },
    /// In a journal; the row stays to recognise a repeated id, without its payload.
    Consumed,
    /// Nobody wanted it in time.
    Expired,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// 0 in a row that is not stored yet; grows in the order of arrival.
    pub num: i64,
    pub id: String,
    pub name: String,
    /// Only this run may take it.
    pub target: Option<RunNum>,
    pub payload: Bytes,
    pub sent: Micros,
    pub expires: Micros,
    pub state: EventState,
}

/// Which runs to list, newest first.
#[derive(Clone, Debug, Default)]
pub struct RunFilter {
    pub status: Option<Status>,
    pub component: Option<String>,
    /// Created at or after.
    pub since: Option<Micros>,
    /// Run ids that start with this.
    pub id_prefix: Option<String>,
    /// Only children of this run.
    pub parent: Option<RunNum>,
    /// Only runs that no other run started.
    pub roots: bool,
    /// Only forks and reruns of this run.
    pub origin: Option<RunNum>,
    /// Only runs with a smaller number: the last number of the page before.
    pub before: Option<RunNum>,
    /// 0 means 100.
    pub limit: u32,
}

/// Reading, shared by the owner and by visitors. No call holds a transaction longer than itself.
pub trait Read {
    fn run(&self, num: RunNum) -> Result<Option<RunRow>>;
    fn run_by_id(&self, id: &str) -> Result<Option<RunRow>>;
    fn list_runs(&self, filter: &RunFilter) -> Result<Vec<RunRow>>;
    /// Segments written for this run that hold entries from `from_seq` on, in order, until `max_bytes` are reached (always
    /// at least one).
    fn segments(&self, run: RunNum, from_seq: u64, max_bytes: usize) -> Result<Vec<Segment>>;
    /// The same over the whole journal: a fork's begins with entries of the run it was forked from.
    fn journal(&self, run: RunNum, from_seq: u64, max_bytes: usize) -> Result<Vec<Segment>> {
        crate::sharing::journal(self, run, from_seq, max_bytes)
    }
    /// The state that an object had at `at`: what the last call that had ended by then left behind.
    fn object_call_before(&self, object: &str, at: Micros) -> Result<Option<RunNum>>;
    /// The segment with the newest entries: where a run's end is.
    fn last_segment(&self, run: RunNum) -> Result<Option<Segment>>;
    fn blob(&self, hash: &BlobHash) -> Result<Option<Bytes>>;
    /// State bytes of an object, `"Class\nkey"`.
    fn object(&self, object: &str) -> Result<Option<Bytes>>;
    /// Kept and expired events, oldest first.
    fn events(&self, name: Option<&str>, limit: u32) -> Result<Vec<EventRow>>;

    fn shelf(&self, namespace: &str, kind: &str) -> Result<Option<Shelf>>;
    /// By namespace and kind.
    fn shelves(&self) -> Result<Vec<Shelf>>;
    fn record(&self, shelf: ShelfNum, id: &str) -> Result<Option<Record>>;
    fn record_at(&self, num: RecordNum) -> Result<Option<Record>>;
    fn records(&self, filter: &RecordFilter) -> Result<Vec<Record>>;
    /// Records with any of the words, best first by BM25 over all records of the store; of equals the newer first.
    fn ranked_by_words(&self, query: &RecordQuery, limit: u32) -> Result<Vec<(RecordNum, f64)>>;
    /// Records by cosine with the query's vector, nearest first; of equals the newer first.
    fn ranked_by_vector(&self, query: &RecordQuery, limit: u32) -> Result<Vec<(RecordNum, f64)>>;
    /// Both rankings as one.
    fn search(&self, query: &RecordQuery) -> Result<Vec<Hit>> {
        crate::search::search(self, query)
    }
}

pub trait Store: Read + Send {
    fn begin(&mut self) -> Result<()>;
    /// After `Ok`, everything since `begin` survives the promised kind of crash.
    fn commit(&mut self) -> Result<()>;
    fn rollback(&mut self);

    /// Fails with [`StoreError::Exists`] when the id is taken.
    fn insert_run(&mut self, run: &RunRow) -> Result<RunNum>;
    /// Writes every column but `num` and `id`.
    fn update_run(&mut self, run: &RunRow) -> Result<()>;
    /// Runs that are not terminal with a number above `after`, by number.
    fn unfinished(&self, after: RunNum, limit: u32) -> Result<Vec<RunRow>>;
    /// Removes the copies of objects that a fork made.
    fn drop_overlay(&mut self, overlay: &str) -> Result<()>;
    /// Deletes the run, its journal, timers, waits and the events sent to it, and the blobs nothing refers to any more.
    fn delete_run(&mut self, run: RunNum) -> Result<()>;

    fn append(&mut self, run: RunNum, segment: &Segment) -> Result<()>;
    /// Stores the bytes once and notes that `run` refers to them.
    fn put_blob(&mut self, run: RunNum, hash: &BlobHash, bytes: &[u8]) -> Result<()>;

    /// Replaces the timer of this run and command.
    fn put_timer(&mut self, timer: &TimerRow) -> Result<()>;
    fn delete_timer(&mut self, run: RunNum, seq: u64) -> Result<()>;
    /// The earliest timers due at `now`, by due time, run and seq.
    fn due_timers(&self, now: Micros, limit: u32) -> Result<Vec<TimerRow>>;
    /// When the first timer after `now` is due.
    fn next_due(&self, now: Micros) -> Result<Option<Micros>>;

    fn put_wait(&mut self, wait: &WaitRow) -> Result<()>;
    fn delete_wait(&mut self, run: RunNum, seq: u64) -> Result<()>;
    /// The wait for this name that was put first; `target` limits it to one run. Waits that an assigned event
    /// answers already are passed over.
    fn oldest_wait(&self, name: &str, target: Option<RunNum>) -> Result<Option<WaitRow>>;

    /// False when the id is known already; then nothing changes.
    fn put_event(&mut self, event: &EventRow) -> Result<bool>;
    /// The oldest kept event of this name that `run` may take.
    fn oldest_event(&self, name: &str, run: RunNum) -> Result<Option<EventRow>>;
    /// The event assigned to this run and command.
    fn assigned_event(&self, run: RunNum, seq: u64) -> Result<Option<EventRow>>;
    /// Sets the state; `Consumed` also drops the payload.
    fn set_event_state(&mut self, num: i64, state: EventState) -> Result<()>;
    /// Kept events that were meant for one run are meant for another from now on.
    fn retarget_events(&mut self, from: RunNum, to: RunNum) -> Result<()>;
    /// Marks kept events whose time is over as expired (they stay listed) and says how many.
    fn expire_events(&mut self, now: Micros) -> Result<u64>;

    /// Writes an object's state, or removes it.
    fn put_object(&mut self, object: &str, state: Option<&[u8]>) -> Result<()>;

    /// Makes the shelf, or sets what makes its vectors.
    fn put_shelf(&mut self, namespace: &str, kind: &str, embedder: &str, dimension: u32) -> Result<ShelfNum>;
    /// Puts a record on a shelf that exists, in place of the one with its id.
    fn put_record(&mut self, shelf: ShelfNum, record: &NewRecord) -> Result<()>;
    /// The record is now the one that was used last. False when it was already, or is not there.
    fn use_record(&mut self, shelf: ShelfNum, id: &str) -> Result<bool>;
    fn delete_record(&mut self, shelf: ShelfNum, id: &str) -> Result<bool>;
    /// Takes off what was used longest ago until `capacity` are left; how many went.
    fn trim_records(&mut self, shelf: ShelfNum, capacity: u64) -> Result<u64>;
    /// Takes up to `limit` records off, oldest first; how many went. An empty shelf forgets what made its vectors, and how
    /// many were trimmed.
    fn clear_shelf(&mut self, shelf: ShelfNum, limit: u32) -> Result<u64>;

    /// Counts the runs that this run made. A chain of runs that continue each other is one.
    fn child_count(&self, run: RunNum) -> Result<u64>;
}
