//! The maps of the memory store and the indexes derived from them. [`Tables::swap`] is the only way to change anything, so
//! an index never disagrees with its table and every change gives back its own undo.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::is_open;
use crate::record::*;
use crate::store::*;

type Key = (RunNum, u64);
/// When it expires, and the event's number.
pub(super) type Kept = (Micros, i64);

#[derive(Clone, Debug, Default)]
pub(super) struct Tables {
    pub last_run: RunNum,
    pub last_event: i64,
    pub last_wait: i64,
    pub runs: BTreeMap<RunNum, RunRow>,
    pub run_ids: BTreeMap<String, RunNum>,
    pub unfinished: BTreeSet<RunNum>,
    children: BTreeSet<(RunNum, RunNum)>,
    pub segments: BTreeMap<Key, Segment>,
    pub blobs: BTreeMap<BlobHash, Bytes>,
    blob_refs: BTreeSet<(RunNum, BlobHash)>,
    blob_users: BTreeSet<(BlobHash, RunNum)>,
    pub timers: BTreeMap<Key, Micros>,
    pub due: BTreeSet<(Micros, RunNum, u64)>,
    pub waits: BTreeMap<Key, (i64, String)>,
    wait_turns: BTreeMap<(String, i64), Key>,
    pub events: BTreeMap<i64, EventRow>,
    pub event_ids: BTreeMap<String, i64>,
    kept: BTreeSet<(String, i64)>,
    pub expiring: BTreeSet<Kept>,
    assigned: BTreeSet<(RunNum, u64, i64)>,
    targeted: BTreeSet<(RunNum, i64)>,
    pub objects: BTreeMap<String, Bytes>,
    pub shelves: BTreeMap<ShelfNum, Shelf>,
    pub records: BTreeMap<RecordNum, Record>,
    pub record_ids: BTreeMap<(ShelfNum, String), RecordNum>,
}

/// One row as it shall be (`None`: absent). Swapping it in gives the same kind of thing for the row as it was.
#[derive(Clone, Debug)]
pub(super) enum Undo {
    LastRun(RunNum),
    LastEvent(i64),
    LastWait(i64),
    Run(RunNum, Option<RunRow>),
    Segment(Key, Option<Segment>),
    Blob(BlobHash, Option<Bytes>),
    BlobRef(RunNum, BlobHash, bool),
    Timer(Key, Option<Micros>),
    Wait(Key, Option<(i64, String)>),
    Event(i64, Option<EventRow>),
    Object(String, Option<Bytes>),
    Shelf(ShelfNum, Option<Shelf>),
    Record(RecordNum, Option<Record>),
}

/// Puts a row in or takes it out; says what was there.
fn exchange<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, row: Option<V>) -> Option<V> {
    match row {
        Some(row) => map.insert(key, row),
        None => map.remove(&key),
    }
}

/// Moves a row's place in an index from where the old row had it to where the new one has it.
fn reindex<K: Ord>(index: &mut BTreeSet<K>, old: Option<K>, new: Option<K>) {
    if let Some(old) = old {
        index.remove(&old);
    }
    if let Some(new) = new {
        index.insert(new);
    }
}

impl Tables {
    pub fn swap(&mut self, change: Undo) -> Undo {
        use std::mem::replace;
        match change {
            Undo::LastRun(num) => Undo::LastRun(replace(&mut self.last_run, num)),
            Undo::LastEvent(num) => Undo::LastEvent(replace(&mut self.last_event, num)),
            Undo::LastWait(num) => Undo::LastWait(replace(&mut self.last_wait, num)),
            Undo::Run(num, row) => Undo::Run(num, self.swap_run(num, row)),
            Undo::Segment(key, row) => Undo::Segment(key, exchange(&mut self.segments, key, row)),
            Undo::Blob(hash, bytes) => Undo::Blob(hash, exchange(&mut self.blobs, hash, bytes)),
            Undo::BlobRef(run, hash, refers) => {
                let was = self.blob_refs.contains(&(run, hash));
                reindex(&mut self.blob_refs, was.then_some((run, hash)), refers.then_some((run, hash)));
                reindex(&mut self.blob_users, was.then_some((hash, run)), refers.then_some((hash, run)));
                Undo::BlobRef(run, hash, was)
            }
            Undo::Timer(key, due) => {
                let old = exchange(&mut self.timers, key, due);
                let place = |due| (due, key.0, key.1);
                reindex(&mut self.due, old.map(place), due.map(place));
                Undo::Timer(key, old)
            }
            Undo::Wait(key, row) => {
                let old = exchange(&mut self.waits, key, row.clone());
                if let Some((order, name)) = &old {
                    self.wait_turns.remove(&(name.clone(), *order));
                }
                if let Some((order, name)) = row {
                    self.wait_turns.insert((name, order), key);
                }
                Undo::Wait(key, old)
            }
            Undo::Event(num, row) => Undo::Event(num, self.swap_event(num, row)),
            Undo::Object(key, state) => {
                let old = exchange(&mut self.objects, key.clone(), state);
                Undo::Object(key, old)
            }
            Undo::Shelf(num, row) => Undo::Shelf(num, exchange(&mut self.shelves, num, row)),
            Undo::Record(num, row) => Undo::Record(num, self.swap_record(num, row)),
        }
    }

    fn swap_run(&mut self, num: RunNum, row: Option<RunRow>) -> Option<RunRow> {
        let old = self.runs.remove(&num);
        let parent = |row: &RunRow| row.parent.map(|(parent, _)| (parent, num));
        reindex(&mut self.children, old.as_ref().and_then(parent), row.as_ref().and_then(parent));
        let open = |row: &RunRow| is_open(row.status).then_some(num);
        reindex(&mut self.unfinished, old.as_ref().and_then(open), row.as_ref().and_then(open));
        if let Some(old) = &old {
            self.run_ids.remove(&old.id);
        }
        if let Some(row) = row {
            self.run_ids.insert(row.id.clone(), num);
            self.runs.insert(num, row);
        }
        old
    }

    fn swap_event(&mut self, num: i64, row: Option<EventRow>) -> Option<EventRow> {
        let old = self.events.remove(&num);
        let (was, is) = (old.as_ref(), row.as_ref());
        let kept = |row: &EventRow| (row.state == EventState::Kept).then(|| (row.name.clone(), num));
        reindex(&mut self.kept, was.and_then(kept), is.and_then(kept));
        let expiring = |row: &EventRow| (row.state == EventState::Kept).then_some((row.expires, num));
        reindex(&mut self.expiring, was.and_then(expiring), is.and_then(expiring));
        let assigned = |row: &EventRow| match row.state {
            EventState::Assigned { run, seq } => Some((run, seq, num)),
            _ => None,
        };
        reindex(&mut self.assigned, was.and_then(assigned), is.and_then(assigned));
        let target = |row: &EventRow| row.target.map(|run| (run, num));
        reindex(&mut self.targeted, was.and_then(target), is.and_then(target));
        if let Some(old) = &old {
            self.event_ids.remove(&old.id);
        }
        if let Some(row) = row {
            self.event_ids.insert(row.id.clone(), num);
            self.events.insert(num, row);
        }
        old
    }

    fn swap_record(&mut self, num: RecordNum, row: Option<Record>) -> Option<Record> {
        let old = self.records.remove(&num);
        if let Some(old) = &old {
            self.record_ids.remove(&(shelf_of(num), old.id.clone()));
        }
        if let Some(row) = row {
            self.record_ids.insert((shelf_of(num), row.id.clone()), num);
            self.records.insert(num, row);
        }
        old
    }

    pub fn children_of(&self, run: RunNum) -> impl Iterator<Item = RunNum> {
        self.children.range((run, RunNum::MIN)..=(run, RunNum::MAX)).map(|key| key.1)
    }

    pub fn blobs_of(&self, run: RunNum) -> Vec<BlobHash> {
        self.blob_refs.range((run, [0; 32])..=(run, [255; 32])).map(|key| key.1).collect()
    }

    pub fn is_referred(&self, hash: &BlobHash) -> bool {
        self.blob_users.range((*hash, RunNum::MIN)..=(*hash, RunNum::MAX)).next().is_some()
    }

    /// Waits for this name in the order they were put.
    pub fn waits_named(&self, name: &str) -> impl Iterator<Item = Key> {
        self.wait_turns.range((name.to_owned(), i64::MIN)..=(name.to_owned(), i64::MAX)).map(|(_, key)| *key)
    }

    /// Kept events of this name, oldest first.
    pub fn kept_named(&self, name: &str) -> impl Iterator<Item = i64> {
        self.kept.range((name.to_owned(), i64::MIN)..=(name.to_owned(), i64::MAX)).map(|key| key.1)
    }

    pub fn assigned_to(&self, run: RunNum, seq: u64) -> Option<i64> {
        self.assigned.range((run, seq, i64::MIN)..=(run, seq, i64::MAX)).next().map(|key| key.2)
    }

    pub fn events_assigned(&self, run: RunNum) -> Vec<i64> {
        self.assigned.range((run, 0, i64::MIN)..=(run, u64::MAX, i64::MAX)).map(|key| key.2).collect()
    }

    pub fn events_to(&self, run: RunNum) -> impl Iterator<Item = i64> {
        self.targeted.range((run, i64::MIN)..=(run, i64::MAX)).map(|key| key.1)
    }
}
