//! A store that fails when it is told to. Tests and the engine's simulator wrap a real store with it and let operation
//! `k` fail, for every `k`: what was acknowledged must still be there, and nothing half.

use bytes::Bytes;

use crate::error::StoreError;
use crate::record::*;
use crate::store::*;

/// Whether the failing operation took effect below before the caller was told that it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    Before,
    /// For a commit: it is durable and nobody knows. Only an error that poisons can mean that, because any other
    /// promises that the tables are as they were at `begin`; with such an error it means [`Moment::Before`].
    After,
}

/// Fail the operation with this number, counted from 0 over all that change something: `begin`, `commit` and all between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub at: u64,
    pub moment: Moment,
    pub error: StoreError,
}

/// Passes everything on to `inner`, but for the planned fault. After a fault that poisons, every later change fails the
/// same way; [`FaultyStore::into_inner`] then plays the part of opening the store again.
#[derive(Debug)]
pub struct FaultyStore<S> {
    inner: S,
    plan: Vec<Fault>,
    operations: u64,
    commits: u64,
    /// Set by a fault that does not poison: this transaction can only end in a rollback.
    doomed: Option<StoreError>,
    poison: Option<StoreError>,
}

impl<S: Store> FaultyStore<S> {
    pub fn new(inner: S) -> Self {
        Self { inner, plan: Vec::new(), operations: 0, commits: 0, doomed: None, poison: None }
    }

    /// May be called at any time; faults whose number has passed never happen.
    pub fn plan(&mut self, fault: Fault) {
        self.plan.push(fault);
    }

    /// How many operations were counted: the `at` of the next one.
    pub fn operations(&self) -> u64 {
        self.operations
    }

    /// How many commits took effect below, acknowledged or not.
    pub fn commits(&self) -> u64 {
        self.commits
    }

    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// The store below, with any open transaction rolled back.
    pub fn into_inner(mut self) -> S {
        self.inner.rollback();
        self.inner
    }

    fn due(&mut self) -> Option<Fault> {
        let at = self.operations;
        self.operations += 1;
        let place = self.plan.iter().position(|fault| fault.at == at)?;
        Some(self.plan.swap_remove(place))
    }

    fn usable(&self) -> Result<()> {
        match self.poison.as_ref().or(self.doomed.as_ref()) {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }

    fn fail(&mut self, error: StoreError) -> StoreError {
        let place = if error.poisons() { &mut self.poison } else { &mut self.doomed };
        *place = Some(error.clone());
        error
    }

    fn change<T>(&mut self, operation: impl FnOnce(&mut S) -> Result<T>) -> Result<T> {
        let fault = self.due();
        self.usable()?;
        match fault {
            None => operation(&mut self.inner),
            Some(fault) => {
                if fault.moment == Moment::After {
                    operation(&mut self.inner)?;
                }
                Err(self.fail(fault.error))
            }
        }
    }
}

impl<S: Store> Read for FaultyStore<S> {
    fn run(&self, num: RunNum) -> Result<Option<RunRow>> {
        self.inner.run(num)
    }

    fn run_by_id(&self, id: &str) -> Result<Option<RunRow>> {
        self.inner.run_by_id(id)
    }

    fn list_runs(&self, filter: &RunFilter) -> Result<Vec<RunRow>> {
        self.inner.list_runs(filter)
    }

    fn segments(&self, run: RunNum, from_seq: u64, max_bytes: usize) -> Result<Vec<Segment>> {
        self.inner.segments(run, from_seq, max_bytes)
    }

    fn last_segment(&self, run: RunNum) -> Result<Option<Segment>> {
        self.inner.last_segment(run)
    }

    fn blob(&self, hash: &BlobHash) -> Result<Option<Bytes>> {
        self.inner.blob(hash)
    }

    fn object(&self, object: &str) -> Result<Option<Bytes>> {
        self.inner.object(object)
    }

    fn object_call_before(&self, object: &str, at: Micros) -> Result<Option<RunNum>> {
        self.inner.object_call_before(object, at)
    }

    fn events(&self, name: Option<&str>, limit: u32) -> Result<Vec<EventRow>> {
        self.inner.events(name, limit)
    }

    fn shelf(&self, namespace: &str, kind: &str) -> Result<Option<Shelf>> {
        self.inner.shelf(namespace, kind)
    }

    fn shelves(&self) -> Result<Vec<Shelf>> {
        self.inner.shelves()
    }

    fn record(&self, shelf: ShelfNum, id: &str) -> Result<Option<Record>> {
        self.inner.record(shelf, id)
    }

    fn record_at(&self, num: RecordNum) -> Result<Option<Record>> {
        self.inner.record_at(num)
    }

    fn records(&self, filter: &RecordFilter) -> Result<Vec<Record>> {
        self.inner.records(filter)
    }

    fn ranked_by_words(&self, query: &RecordQuery, limit: u32) -> Result<Vec<(RecordNum, f64)>> {
        self.inner.ranked_by_words(query, limit)
    }

    fn ranked_by_vector(&self, query: &RecordQuery, limit: u32) -> Result<Vec<(RecordNum, f64)>> {
        self.inner.ranked_by_vector(query, limit)
    }
}

impl<S: Store> Store for FaultyStore<S> {
    fn begin(&mut self) -> Result<()> {
        let fault = self.due();
        self.usable()?;
        match fault {
            // A transaction that did not begin has nothing to doom: the next one may work.
            Some(fault) if !fault.error.poisons() => Err(fault.error),
            Some(fault) => Err(self.fail(fault.error)),
            None => self.inner.begin(),
        }
    }

    fn commit(&mut self) -> Result<()> {
        let fault = self.due();
        if let Err(error) = self.usable() {
            self.inner.rollback();
            self.doomed = None;
            return Err(error);
        }
        match fault {
            None => {
                self.inner.commit()?;
                self.commits += 1;
                Ok(())
            }
            Some(fault) => {
                if fault.moment == Moment::After && fault.error.poisons() {
                    self.inner.commit()?;
                    self.commits += 1;
                } else {
                    self.inner.rollback();
                }
                let error = self.fail(fault.error);
                self.doomed = None;
                Err(error)
            }
        }
    }

    fn rollback(&mut self) {
        self.doomed = None;
        self.inner.rollback();
    }

    fn insert_run(&mut self, run: &RunRow) -> Result<RunNum> {
        self.change(|store| store.insert_run(run))
    }

    fn update_run(&mut self, run: &RunRow) -> Result<()> {
        self.change(|store| store.update_run(run))
    }

    fn unfinished(&self, after: RunNum, limit: u32) -> Result<Vec<RunRow>> {
        self.inner.unfinished(after, limit)
    }

    fn delete_run(&mut self, run: RunNum) -> Result<()> {
        self.change(|store| store.delete_run(run))
    }

    fn append(&mut self, run: RunNum, segment: &Segment) -> Result<()> {
        self.change(|store| store.append(run, segment))
    }

    fn put_blob(&mut self, run: RunNum, hash: &BlobHash, bytes: &[u8]) -> Result<()> {
        self.change(|store| store.put_blob(run, hash, bytes))
    }

    fn put_timer(&mut self, timer: &TimerRow) -> Result<()> {
        self.change(|store| store.put_timer(timer))
    }

    fn delete_timer(&mut self, run: RunNum, seq: u64) -> Result<()> {
        self.change(|store| store.delete_timer(run, seq))
    }

    fn due_timers(&self, now: Micros, limit: u32) -> Result<Vec<TimerRow>> {
        self.inner.due_timers(now, limit)
    }

    fn next_due(&self, now: Micros) -> Result<Option<Micros>> {
        self.inner.next_due(now)
    }

    fn put_wait(&mut self, wait: &WaitRow) -> Result<()> {
        self.change(|store| store.put_wait(wait))
    }

    fn delete_wait(&mut self, run: RunNum, seq: u64) -> Result<()> {
        self.change(|store| store.delete_wait(run, seq))
    }

    fn oldest_wait(&self, name: &str, target: Option<RunNum>) -> Result<Option<WaitRow>> {
        self.inner.oldest_wait(name, target)
    }

    fn put_event(&mut self, event: &EventRow) -> Result<bool> {
        self.change(|store| store.put_event(event))
    }

    fn oldest_event(&self, name: &str, run: RunNum) -> Result<Option<EventRow>> {
        self.inner.oldest_event(name, run)
    }

    fn assigned_event(&self, run: RunNum, seq: u64) -> Result<Option<EventRow>> {
        self.inner.assigned_event(run, seq)
    }

    fn set_event_state(&mut self, num: i64, state: EventState) -> Result<()> {
        self.change(|store| store.set_event_state(num, state))
    }

    fn retarget_events(&mut self, from: RunNum, to: RunNum) -> Result<()> {
        self.change(|store| store.retarget_events(from, to))
    }

    fn expire_events(&mut self, now: Micros) -> Result<u64> {
        self.change(|store| store.expire_events(now))
    }

    fn put_object(&mut self, object: &str, state: Option<&[u8]>) -> Result<()> {
        self.change(|store| store.put_object(object, state))
    }

    fn drop_overlay(&mut self, overlay: &str) -> Result<()> {
        self.change(|store| store.drop_overlay(overlay))
    }

    fn put_shelf(&mut self, namespace: &str, kind: &str, embedder: &str, dimension: u32) -> Result<ShelfNum> {
        self.change(|store| store.put_shelf(namespace, kind, embedder, dimension))
    }

    fn put_record(&mut self, shelf: ShelfNum, record: &NewRecord) -> Result<()> {
        self.change(|store| store.put_record(shelf, record))
    }

    fn use_record(&mut self, shelf: ShelfNum, id: &str) -> Result<bool> {
        self.change(|store| store.use_record(shelf, id))
    }

    fn delete_record(&mut self, shelf: ShelfNum, id: &str) -> Result<bool> {
        self.change(|store| store.delete_record(shelf, id))
    }

    fn trim_records(&mut self, shelf: ShelfNum, capacity: u64) -> Result<u64> {
        self.change(|store| store.trim_records(shelf, capacity))
    }

    fn clear_shelf(&mut self, shelf: ShelfNum, limit: u32) -> Result<u64> {
        self.change(|store| store.clear_shelf(shelf, limit))
    }

    fn child_count(&self, run: RunNum) -> Result<u64> {
        self.inner.child_count(run)
    }
}
