//! Reading from the memory store.

use agnt5_journal::Status;
use bytes::Bytes;

use super::MemoryStore;
use crate::record::*;
use crate::store::*;

impl Read for MemoryStore {
    fn run(&self, num: RunNum) -> Result<Option<RunRow>> {
        Ok(self.tables.runs.get(&num).cloned())
    }

    fn run_by_id(&self, id: &str) -> Result<Option<RunRow>> {
        Ok(self.tables.run_ids.get(id).map(|num| self.tables.runs[num].clone()))
    }

    fn list_runs(&self, filter: &RunFilter) -> Result<Vec<RunRow>> {
        let limit = if filter.limit == 0 { 100 } else { filter.limit as usize };
        let before = filter.before.unwrap_or(RunNum::MAX);
        let wanted = |row: &&RunRow| {
            filter.status.is_none_or(|status| row.status == status)
                && filter.component.as_ref().is_none_or(|component| row.component == *component)
                && filter.since.is_none_or(|since| row.created >= since)
                && filter.id_prefix.as_ref().is_none_or(|prefix| row.id.starts_with(prefix))
                && filter.parent.is_none_or(|parent| row.parent.is_some_and(|(num, _)| num == parent))
                && !(filter.roots && row.parent.is_some())
                && filter.origin.is_none_or(|origin| row.origin.is_some_and(|(num, _)| num == origin))
        };
        let rows = self.tables.runs.range(..before).rev().map(|(_, row)| row);
        Ok(rows.filter(wanted).take(limit).cloned().collect())
    }

    fn last_segment(&self, run: RunNum) -> Result<Option<Segment>> {
        let last = self.tables.segments.range((run, 0)..=(run, u64::MAX)).next_back();
        Ok(last.map(|(_, segment)| segment.clone()))
    }

    fn segments(&self, run: RunNum, from_seq: u64, max_bytes: usize) -> Result<Vec<Segment>> {
        let covering = self.tables.segments.range((run, 0)..=(run, from_seq)).next_back();
        let start = covering.map_or(from_seq, |((_, first), _)| *first);
        let mut size = 0;
        let mut out = Vec::new();
        for segment in self.tables.segments.range((run, start)..=(run, u64::MAX)).map(|(_, segment)| segment)
        {
            if segment.first_seq + u64::from(segment.count) <= from_seq {
                continue;
            }
            size += segment.bytes.len();
            out.push(segment.clone());
            if size >= max_bytes {
                break;
            }
        }
        Ok(out)
    }

    fn blob(&self, hash: &BlobHash) -> Result<Option<Bytes>> {
        Ok(self.tables.blobs.get(hash).cloned())
    }

    fn object(&self, object: &str) -> Result<Option<Bytes>> {
        Ok(self.tables.objects.get(object).cloned())
    }

    fn object_call_before(&self, object: &str, at: Micros) -> Result<Option<RunNum>> {
        let ended = |row: &&RunRow| {
            row.object == object
                && row.status == Status::Completed
                && row.ended.is_some_and(|ended| ended <= at)
        };
        let calls = self.tables.runs.values().filter(ended);
        Ok(calls.max_by_key(|row| (row.ended, row.num)).map(|row| row.num))
    }

    fn events(&self, name: Option<&str>, limit: u32) -> Result<Vec<EventRow>> {
        let listed = |event: &&EventRow| {
            matches!(event.state, EventState::Kept | EventState::Expired)
                && name.is_none_or(|name| event.name == name)
        };
        Ok(self.tables.events.values().filter(listed).take(limit as usize).cloned().collect())
    }

    fn shelf(&self, namespace: &str, kind: &str) -> Result<Option<Shelf>> {
        let named = |shelf: &&Shelf| shelf.namespace == namespace && shelf.kind == kind;
        Ok(self.tables.shelves.values().find(named).cloned())
    }

    fn shelves(&self) -> Result<Vec<Shelf>> {
        let mut all: Vec<Shelf> = self.tables.shelves.values().cloned().collect();
        all.sort_by(|one, other| (&one.namespace, &one.kind).cmp(&(&other.namespace, &other.kind)));
        Ok(all)
    }

    fn record(&self, shelf: ShelfNum, id: &str) -> Result<Option<Record>> {
        Ok(self.find_record(shelf, id).map(|record| Record { vector: None, ..record.clone() }))
    }

    fn record_at(&self, num: RecordNum) -> Result<Option<Record>> {
        Ok(self.tables.records.get(&num).map(|record| Record { vector: None, ..record.clone() }))
    }

    fn records(&self, filter: &RecordFilter) -> Result<Vec<Record>> {
        Ok(self.listed(filter))
    }

    fn ranked_by_words(&self, query: &RecordQuery, limit: u32) -> Result<Vec<(RecordNum, f64)>> {
        Ok(self.words_ranked(query, limit))
    }

    fn ranked_by_vector(&self, query: &RecordQuery, limit: u32) -> Result<Vec<(RecordNum, f64)>> {
        Ok(self.vectors_ranked(query, limit))
    }
}
