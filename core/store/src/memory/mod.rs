//! The reference store: what every other store must answer, in ordered maps. It survives nothing.

mod read;
mod records;
mod tables;

use std::collections::HashSet;

use agnt5_journal::Status;
use bytes::Bytes;

use crate::error::StoreError;
use crate::record::*;
use crate::store::*;
use tables::{Kept, Tables, Undo};

/// Tables in memory with an undo log, so a rollback costs what the transaction wrote.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    tables: Tables,
    undo: Vec<Undo>,
    open: bool,
}

impl MemoryStore {
    pub fn new() -> Self {
        Self::default()
    }

    fn apply(&mut self, change: Undo) {
        let before = self.tables.swap(change);
        self.undo.push(before);
    }

    fn within(&self) -> Result<()> {
        if self.open {
            Ok(())
        } else {
            Err(StoreError::Unusable("a change needs an open transaction".into()))
        }
    }
}

impl Store for MemoryStore {
    fn begin(&mut self) -> Result<()> {
        if self.open {
            return Err(StoreError::Unusable("a transaction is open already".into()));
        }
        self.open = true;
        Ok(())
    }

    fn commit(&mut self) -> Result<()> {
        self.within()?;
        self.undo.clear();
        self.open = false;
        Ok(())
    }

    fn rollback(&mut self) {
        while let Some(change) = self.undo.pop() {
            self.tables.swap(change);
        }
        self.open = false;
    }

    fn insert_run(&mut self, run: &RunRow) -> Result<RunNum> {
        self.within()?;
        if self.tables.run_ids.contains_key(&run.id) {
            return Err(StoreError::Exists(run.id.clone()));
        }
        let num = self.tables.last_run + 1;
        self.apply(Undo::LastRun(num));
        self.apply(Undo::Run(num, Some(RunRow { num, ..run.clone() })));
        Ok(num)
    }

    fn update_run(&mut self, run: &RunRow) -> Result<()> {
        self.within()?;
        let Some(old) = self.tables.runs.get(&run.num) else {
            return Err(unknown_run(run.num));
        };
        let row = RunRow { id: old.id.clone(), ..run.clone() };
        self.apply(Undo::Run(run.num, Some(row)));
        Ok(())
    }

    fn unfinished(&self, after: RunNum, limit: u32) -> Result<Vec<RunRow>> {
        let Some(first) = after.checked_add(1) else {
            return Ok(Vec::new());
        };
        let nums = self.tables.unfinished.range(first..).take(limit as usize);
        Ok(nums.map(|num| self.tables.runs[num].clone()).collect())
    }

    fn delete_run(&mut self, run: RunNum) -> Result<()> {
        self.within()?;
        if !self.tables.runs.contains_key(&run) {
            return Ok(());
        }
        let all = (run, 0)..=(run, u64::MAX);
        let segments: Vec<_> = self.tables.segments.range(all.clone()).map(|(key, _)| *key).collect();
        segments.into_iter().for_each(|key| self.apply(Undo::Segment(key, None)));
        let timers: Vec<_> = self.tables.timers.range(all.clone()).map(|(key, _)| *key).collect();
        timers.into_iter().for_each(|key| self.apply(Undo::Timer(key, None)));
        let waits: Vec<_> = self.tables.waits.range(all).map(|(key, _)| *key).collect();
        waits.into_iter().for_each(|key| self.apply(Undo::Wait(key, None)));
        let sent: Vec<_> = self.tables.events_to(run).collect();
        sent.into_iter().for_each(|num| self.apply(Undo::Event(num, None)));
        for num in self.tables.events_assigned(run) {
            self.set_event_state(num, EventState::Kept)?;
        }
        for hash in self.tables.blobs_of(run) {
            self.apply(Undo::BlobRef(run, hash, false));
            if !self.tables.is_referred(&hash) {
                self.apply(Undo::Blob(hash, None));
            }
        }
        self.apply(Undo::Run(run, None));
        Ok(())
    }

    fn append(&mut self, run: RunNum, segment: &Segment) -> Result<()> {
        self.within()?;
        let key = (run, segment.first_seq);
        if self.tables.segments.contains_key(&key) {
            return Err(taken(run, segment.first_seq));
        }
        self.apply(Undo::Segment(key, Some(segment.clone())));
        Ok(())
    }

    fn put_blob(&mut self, run: RunNum, hash: &BlobHash, bytes: &[u8]) -> Result<()> {
        self.within()?;
        if !self.tables.blobs.contains_key(hash) {
            self.apply(Undo::Blob(*hash, Some(Bytes::copy_from_slice(bytes))));
        }
        self.apply(Undo::BlobRef(run, *hash, true));
        Ok(())
    }

    fn put_timer(&mut self, timer: &TimerRow) -> Result<()> {
        self.within()?;
        self.apply(Undo::Timer((timer.run, timer.seq), Some(timer.due)));
        Ok(())
    }

    fn delete_timer(&mut self, run: RunNum, seq: u64) -> Result<()> {
        self.within()?;
        self.apply(Undo::Timer((run, seq), None));
        Ok(())
    }

    fn due_timers(&self, now: Micros, limit: u32) -> Result<Vec<TimerRow>> {
        let due = self.tables.due.range(..=(now, RunNum::MAX, u64::MAX)).take(limit as usize);
        Ok(due.map(|&(due, run, seq)| TimerRow { due, run, seq }).collect())
    }

    fn next_due(&self, now: Micros) -> Result<Option<Micros>> {
        let later =
            now.checked_add(1).and_then(|next| self.tables.due.range((next, RunNum::MIN, 0)..).next());
        Ok(later.map(|key| key.0))
    }

    fn put_wait(&mut self, wait: &WaitRow) -> Result<()> {
        self.within()?;
        let key = (wait.run, wait.seq);
        // A wait that is put again keeps its turn.
        let order = match self.tables.waits.get(&key) {
            Some((order, _)) => *order,
            None => {
                self.apply(Undo::LastWait(self.tables.last_wait + 1));
                self.tables.last_wait
            }
        };
        self.apply(Undo::Wait(key, Some((order, wait.name.clone()))));
        Ok(())
    }

    fn delete_wait(&mut self, run: RunNum, seq: u64) -> Result<()> {
        self.within()?;
        self.apply(Undo::Wait((run, seq), None));
        Ok(())
    }

    fn oldest_wait(&self, name: &str, target: Option<RunNum>) -> Result<Option<WaitRow>> {
        let mut waits = self.tables.waits_named(name);
        let free = waits.find(|(run, seq)| {
            target.is_none_or(|target| target == *run) && self.tables.assigned_to(*run, *seq).is_none()
        });
        Ok(free.map(|(run, seq)| WaitRow { run, seq, name: name.to_owned() }))
    }

    fn put_event(&mut self, event: &EventRow) -> Result<bool> {
        self.within()?;
        if self.tables.event_ids.contains_key(&event.id) {
            return Ok(false);
        }
        let num = self.tables.last_event + 1;
        self.apply(Undo::LastEvent(num));
        self.apply(Undo::Event(num, Some(EventRow { num, ..event.clone() })));
        Ok(true)
    }

    fn oldest_event(&self, name: &str, run: RunNum) -> Result<Option<EventRow>> {
        let mut kept = self.tables.kept_named(name).map(|num| &self.tables.events[&num]);
        Ok(kept.find(|event| event.target.is_none_or(|target| target == run)).cloned())
    }

    fn assigned_event(&self, run: RunNum, seq: u64) -> Result<Option<EventRow>> {
        Ok(self.tables.assigned_to(run, seq).map(|num| self.tables.events[&num].clone()))
    }

    fn set_event_state(&mut self, num: i64, state: EventState) -> Result<()> {
        self.within()?;
        let Some(event) = self.tables.events.get(&num) else {
            return Err(StoreError::Unusable(format!("event {num} is not stored")));
        };
        let payload = if state == EventState::Consumed { Bytes::new() } else { event.payload.clone() };
        let event = EventRow { state, payload, ..event.clone() };
        self.apply(Undo::Event(num, Some(event)));
        Ok(())
    }

    fn retarget_events(&mut self, from: RunNum, to: RunNum) -> Result<()> {
        self.within()?;
        let meant = |event: &&EventRow| event.target == Some(from) && event.state == EventState::Kept;
        let events: Vec<EventRow> = self.tables.events.values().filter(meant).cloned().collect();
        for event in events {
            self.apply(Undo::Event(event.num, Some(EventRow { target: Some(to), ..event })));
        }
        Ok(())
    }

    fn expire_events(&mut self, now: Micros) -> Result<u64> {
        self.within()?;
        let over: Vec<Kept> = self.tables.expiring.range(..=(now, i64::MAX)).copied().collect();
        for &(_, num) in &over {
            self.set_event_state(num, EventState::Expired)?;
        }
        Ok(over.len() as u64)
    }

    fn put_object(&mut self, object: &str, state: Option<&[u8]>) -> Result<()> {
        self.within()?;
        self.apply(Undo::Object(object.to_owned(), state.map(Bytes::copy_from_slice)));
        Ok(())
    }

    fn drop_overlay(&mut self, overlay: &str) -> Result<()> {
        self.within()?;
        let suffix = crate::sharing::overlay_suffix(overlay);
        let copies: Vec<String> =
            self.tables.objects.keys().filter(|key| key.ends_with(&suffix)).cloned().collect();
        copies.into_iter().for_each(|key| self.apply(Undo::Object(key, None)));
        Ok(())
    }

    fn put_shelf(&mut self, namespace: &str, kind: &str, embedder: &str, dimension: u32) -> Result<ShelfNum> {
        self.within()?;
        let embedder = embedder.to_owned();
        let shelf = match self.shelf(namespace, kind)? {
            Some(old) => Shelf { embedder, dimension, ..old },
            None => {
                let num = self.tables.shelves.keys().next_back().map_or(1, |last| last + 1);
                let (namespace, kind) = (namespace.to_owned(), kind.to_owned());
                Shelf { num, namespace, kind, embedder, dimension, next: 1, clock: 0, count: 0, trimmed: 0 }
            }
        };
        let num = shelf.num;
        self.apply(Undo::Shelf(num, Some(shelf)));
        Ok(num)
    }

    fn put_record(&mut self, shelf: ShelfNum, record: &NewRecord) -> Result<()> {
        self.within()?;
        self.shelve(shelf, record)
    }

    fn use_record(&mut self, shelf: ShelfNum, id: &str) -> Result<bool> {
        self.within()?;
        self.touch(shelf, id)
    }

    fn delete_record(&mut self, shelf: ShelfNum, id: &str) -> Result<bool> {
        self.within()?;
        let Some(num) = self.find_record(shelf, id).map(|record| record.num) else {
            return Ok(false);
        };
        self.unshelve(shelf, &[num], 0)?;
        Ok(true)
    }

    fn trim_records(&mut self, shelf: ShelfNum, capacity: u64) -> Result<u64> {
        self.within()?;
        let held = self.tables.shelves.get(&shelf).map_or(0, |shelf| shelf.count);
        let oldest = self.least_used(shelf, held.saturating_sub(capacity));
        if !oldest.is_empty() {
            self.unshelve(shelf, &oldest, oldest.len() as u64)?;
        }
        Ok(oldest.len() as u64)
    }

    fn clear_shelf(&mut self, shelf: ShelfNum, limit: u32) -> Result<u64> {
        self.within()?;
        if !self.tables.shelves.contains_key(&shelf) {
            return Ok(0);
        }
        let oldest: Vec<RecordNum> = self.on_shelf(shelf).take(limit as usize).map(|one| one.num).collect();
        self.unshelve(shelf, &oldest, 0)?;
        let on = self.known_shelf(shelf)?;
        if on.count == 0 {
            let empty = Shelf { embedder: String::new(), dimension: 0, trimmed: 0, ..on };
            self.apply(Undo::Shelf(shelf, Some(empty)));
        }
        Ok(oldest.len() as u64)
    }

    fn child_count(&self, run: RunNum) -> Result<u64> {
        let rows = self.tables.children_of(run).filter_map(|num| self.tables.runs.get(&num));
        let asked: HashSet<Option<(RunNum, u64)>> = rows.map(|row| row.parent).collect();
        Ok(asked.len() as u64)
    }
}

fn unknown_run(run: RunNum) -> StoreError {
    StoreError::Unusable(format!("run number {run} is not stored"))
}

fn taken(run: RunNum, seq: u64) -> StoreError {
    StoreError::Unusable(format!("run number {run} has a segment at seq {seq} already"))
}

fn is_open(status: Status) -> bool {
    !status.is_terminal()
}
