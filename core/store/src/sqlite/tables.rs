//! The storage seam on SQLite: every call is one or two prepared statements of `read` and `write`.

use bytes::Bytes;

use super::store::SqliteStore;
use super::{blobs, read, records, tail, write};
use crate::record::*;
use crate::store::*;

impl Read for SqliteStore {
    fn run(&self, num: RunNum) -> Result<Option<RunRow>> {
        self.query(|conn| read::run(conn, num))
    }

    fn run_by_id(&self, id: &str) -> Result<Option<RunRow>> {
        self.query(|conn| read::run_by_id(conn, id))
    }

    fn list_runs(&self, filter: &RunFilter) -> Result<Vec<RunRow>> {
        self.query(|conn| read::list_runs(conn, filter))
    }

    fn segments(&self, run: RunNum, from_seq: u64, max_bytes: usize) -> Result<Vec<Segment>> {
        self.query(|conn| tail::journal(conn, run, self.tail.of(run), from_seq, max_bytes))
    }

    fn last_segment(&self, run: RunNum) -> Result<Option<Segment>> {
        self.query(|conn| tail::last(conn, run, self.tail.of(run)))
    }

    fn blob(&self, hash: &BlobHash) -> Result<Option<Bytes>> {
        self.query(|conn| blobs::get(conn, hash))
    }

    fn object(&self, object: &str) -> Result<Option<Bytes>> {
        self.query(|conn| read::object(conn, object))
    }

    fn object_call_before(&self, object: &str, at: Micros) -> Result<Option<RunNum>> {
        self.query(|conn| read::object_call_before(conn, object, at))
    }

    fn events(&self, name: Option<&str>, limit: u32) -> Result<Vec<EventRow>> {
        self.query(|conn| read::events(conn, name, limit))
    }

    fn shelf(&self, namespace: &str, kind: &str) -> Result<Option<Shelf>> {
        self.query(|conn| records::shelf(conn, namespace, kind))
    }

    fn shelves(&self) -> Result<Vec<Shelf>> {
        self.query(records::shelves)
    }

    fn record(&self, shelf: ShelfNum, id: &str) -> Result<Option<Record>> {
        self.query(|conn| records::record(conn, shelf, id))
    }

    fn record_at(&self, num: RecordNum) -> Result<Option<Record>> {
        self.query(|conn| records::record_at(conn, num))
    }

    fn records(&self, filter: &RecordFilter) -> Result<Vec<Record>> {
        self.query(|conn| records::records(conn, filter))
    }

    fn ranked_by_words(&self, query: &RecordQuery, limit: u32) -> Result<Vec<(RecordNum, f64)>> {
        self.query(|conn| records::ranked_by_words(conn, query, limit))
    }

    fn ranked_by_vector(&self, query: &RecordQuery, limit: u32) -> Result<Vec<(RecordNum, f64)>> {
        self.query(|conn| records::ranked_by_vector(conn, query, limit))
    }
}

impl Store for SqliteStore {
    fn begin(&mut self) -> Result<()> {
        self.begin_transaction()
    }

    fn commit(&mut self) -> Result<()> {
        self.commit_transaction()
    }

    fn rollback(&mut self) {
        self.undo();
    }

    fn insert_run(&mut self, run: &RunRow) -> Result<RunNum> {
        self.change(|conn| write::insert_run(conn, run))
    }

    fn update_run(&mut self, run: &RunRow) -> Result<()> {
        self.change(|conn| write::update_run(conn, run))
    }

    fn unfinished(&self, after: RunNum, limit: u32) -> Result<Vec<RunRow>> {
        self.query(|conn| read::unfinished(conn, after, limit))
    }

    fn delete_run(&mut self, run: RunNum) -> Result<()> {
        self.deleted |= self.change_segments(|conn, tail| Ok(write::delete_run(conn, tail, run)?))?;
        Ok(())
    }

    fn append(&mut self, run: RunNum, segment: &Segment) -> Result<()> {
        self.writing += segment.bytes.len() as u64;
        self.change_segments(|conn, tail| tail.append(conn, run, segment))
    }

    fn put_blob(&mut self, run: RunNum, hash: &BlobHash, bytes: &[u8]) -> Result<()> {
        self.writing += bytes.len() as u64;
        self.change(|conn| blobs::put(conn, run, hash, bytes))
    }

    fn put_timer(&mut self, timer: &TimerRow) -> Result<()> {
        self.change(|conn| write::put_timer(conn, timer))
    }

    fn delete_timer(&mut self, run: RunNum, seq: u64) -> Result<()> {
        self.change(|conn| write::delete_timer(conn, run, seq))
    }

    fn due_timers(&self, now: Micros, limit: u32) -> Result<Vec<TimerRow>> {
        self.query(|conn| read::due_timers(conn, now, limit))
    }

    fn next_due(&self, now: Micros) -> Result<Option<Micros>> {
        self.query(|conn| read::next_due(conn, now))
    }

    fn put_wait(&mut self, wait: &WaitRow) -> Result<()> {
        self.change(|conn| write::put_wait(conn, wait))
    }

    fn delete_wait(&mut self, run: RunNum, seq: u64) -> Result<()> {
        self.change(|conn| write::delete_wait(conn, run, seq))
    }

    fn oldest_wait(&self, name: &str, target: Option<RunNum>) -> Result<Option<WaitRow>> {
        self.query(|conn| read::oldest_wait(conn, name, target))
    }

    fn put_event(&mut self, event: &EventRow) -> Result<bool> {
        self.writing += event.payload.len() as u64;
        self.change(|conn| write::put_event(conn, event))
    }

    fn oldest_event(&self, name: &str, run: RunNum) -> Result<Option<EventRow>> {
        self.query(|conn| read::oldest_event(conn, name, run))
    }

    fn assigned_event(&self, run: RunNum, seq: u64) -> Result<Option<EventRow>> {
        self.query(|conn| read::assigned_event(conn, run, seq))
    }

    fn set_event_state(&mut self, num: i64, state: EventState) -> Result<()> {
        self.change(|conn| write::set_event_state(conn, num, state))
    }

    fn retarget_events(&mut self, from: RunNum, to: RunNum) -> Result<()> {
        self.change(|conn| write::retarget_events(conn, from, to))
    }

    fn expire_events(&mut self, now: Micros) -> Result<u64> {
        self.change(|conn| write::expire_events(conn, now))
    }

    fn put_object(&mut self, object: &str, state: Option<&[u8]>) -> Result<()> {
        self.writing += state.map_or(0, |state| state.len() as u64);
        self.change(|conn| write::put_object(conn, object, state))
    }

    fn drop_overlay(&mut self, overlay: &str) -> Result<()> {
        self.change(|conn| write::drop_overlay(conn, overlay))
    }

    fn put_shelf(&mut self, namespace: &str, kind: &str, embedder: &str, dimension: u32) -> Result<ShelfNum> {
        self.change(|conn| records::put_shelf(conn, namespace, kind, embedder, dimension))
    }

    fn put_record(&mut self, shelf: ShelfNum, record: &NewRecord) -> Result<()> {
        let vector = record.vector.as_ref().map_or(0, |vector| vector.len() * 4);
        self.writing += (record.value.len() + record.words.len() + vector) as u64;
        self.change(|conn| records::put_record(conn, shelf, record))
    }

    fn use_record(&mut self, shelf: ShelfNum, id: &str) -> Result<bool> {
        self.change(|conn| records::use_record(conn, shelf, id))
    }

    fn delete_record(&mut self, shelf: ShelfNum, id: &str) -> Result<bool> {
        let deleted = self.change(|conn| records::delete_record(conn, shelf, id))?;
        self.deleted |= deleted;
        Ok(deleted)
    }

    fn trim_records(&mut self, shelf: ShelfNum, capacity: u64) -> Result<u64> {
        self.change(|conn| records::trim_records(conn, shelf, capacity))
    }

    fn clear_shelf(&mut self, shelf: ShelfNum, limit: u32) -> Result<u64> {
        let count = self.change(|conn| records::clear_shelf(conn, shelf, limit))?;
        self.deleted |= count > 0;
        Ok(count)
    }

    fn child_count(&self, run: RunNum) -> Result<u64> {
        self.query(|conn| read::child_count(conn, run))
    }
}
