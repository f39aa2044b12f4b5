//! Shelves and records in the memory store. Ranking by words is the formula of SQLite's FTS5, over all records as there, so
//! that both stores answer alike.

use std::collections::BTreeMap;

use super::MemoryStore;
use super::tables::Undo;
use crate::error::StoreError;
use crate::record::*;
use crate::search::{Best, dot};
use crate::store::*;

// https://www.sqlite.org/fts5.html#the_bm25_function
const K1: f64 = 1.2;
const B: f64 = 0.75;
const LEAST_IDF: f64 = 1e-6;

impl MemoryStore {
    pub(super) fn known_shelf(&self, num: ShelfNum) -> Result<Shelf> {
        let unknown = || StoreError::Unusable(format!("shelf number {num} is not stored"));
        self.tables.shelves.get(&num).cloned().ok_or_else(unknown)
    }

    pub(super) fn on_shelf(&self, shelf: ShelfNum) -> impl DoubleEndedIterator<Item = &Record> {
        let (first, last) = numbers(shelf);
        self.tables.records.range(first..=last).map(|(_, record)| record)
    }

    pub(super) fn find_record(&self, shelf: ShelfNum, id: &str) -> Option<&Record> {
        self.tables.record_ids.get(&(shelf, id.to_owned())).map(|num| &self.tables.records[num])
    }

    pub(super) fn listed(&self, filter: &RecordFilter) -> Vec<Record> {
        let mut wanted: Vec<&Record> = self
            .on_shelf(filter.shelf)
            .rev()
            .filter(|record| admits(record, filter.label.as_ref(), filter.since))
            .collect();
        let place = |record: &Record| match filter.order {
            RecordOrder::Newest => record.num,
            RecordOrder::Used => record.used as i64,
        };
        wanted.sort_by_key(|record| -place(record));
        wanted.retain(|record| filter.before.is_none_or(|before| place(record) < before));
        let view = |record: &Record| Record {
            vector: record.vector.clone().filter(|_| filter.vectors),
            ..record.clone()
        };
        wanted.into_iter().take(filter.limit as usize).map(view).collect()
    }

    pub(super) fn words_ranked(&self, query: &RecordQuery, limit: u32) -> Vec<(RecordNum, f64)> {
        // A document of the index is the shelf's number and the words.
        let documents: Vec<(&Record, Vec<&str>)> = self
            .tables
            .records
            .values()
            .filter(|record| !record.words.is_empty())
            .map(|record| (record, record.words.split(' ').collect()))
            .collect();
        let rows = documents.len() as f64;
        let tokens: usize = documents.iter().map(|(_, words)| words.len() + 1).sum();
        let average = tokens as f64 / rows;
        let mut weights: BTreeMap<&str, f64> = BTreeMap::new();
        for word in &query.words {
            let hits = documents.iter().filter(|(_, words)| words.contains(&word.as_str())).count() as f64;
            let idf = ((rows - hits + 0.5) / (hits + 0.5)).ln();
            weights.insert(word, if idf <= 0.0 { LEAST_IDF } else { idf });
        }
        let mut best = Best::of(limit);
        for (record, words) in documents {
            if shelf_of(record.num) != query.shelf || !admits(record, query.label.as_ref(), query.since) {
                continue;
            }
            let length = (words.len() + 1) as f64;
            let mut score = 0.0;
            let mut found = false;
            for word in &query.words {
                let often = words.iter().filter(|one| *one == word).count() as f64;
                found |= often > 0.0;
                score += weights[word.as_str()]
                    * ((often * (K1 + 1.0)) / (often + K1 * (1.0 - B + B * length / average)));
            }
            if found {
                best.offer(record.num, score);
            }
        }
        best.ranked()
    }

    pub(super) fn vectors_ranked(&self, query: &RecordQuery, limit: u32) -> Vec<(RecordNum, f64)> {
        let mut best = Best::of(limit);
        let Some(vector) = &query.vector else {
            return Vec::new();
        };
        for record in self.on_shelf(query.shelf).filter(|one| admits(one, query.label.as_ref(), query.since))
        {
            if let Some(own) = &record.vector {
                best.offer(record.num, f64::from(dot(vector, &vector_bytes(own))));
            }
        }
        best.ranked()
    }

    pub(super) fn shelve(&mut self, shelf: ShelfNum, new: &NewRecord) -> Result<()> {
        let mut on = self.known_shelf(shelf)?;
        on.clock += 1;
        let old = self.find_record(shelf, &new.id).cloned();
        let num = match &old {
            Some(old) => old.num,
            None => {
                on.next += 1;
                on.count += 1;
                number(shelf, on.next - 1)
            }
        };
        let record = Record {
            num,
            id: new.id.clone(),
            label: new.label.clone(),
            value: new.value.clone(),
            words: new.words.clone(),
            created: old.map_or(new.at, |old| old.created),
            written: new.at,
            revision: on.clock,
            used: on.clock,
            vector: new.vector.clone(),
        };
        self.apply(Undo::Shelf(shelf, Some(on)));
        self.apply(Undo::Record(num, Some(record)));
        Ok(())
    }

    pub(super) fn touch(&mut self, shelf: ShelfNum, id: &str) -> Result<bool> {
        let Some(record) = self.find_record(shelf, id).cloned() else {
            return Ok(false);
        };
        let mut on = self.known_shelf(shelf)?;
        if record.used == on.clock {
            return Ok(false);
        }
        on.clock += 1;
        let used = on.clock;
        self.apply(Undo::Shelf(shelf, Some(on)));
        self.apply(Undo::Record(record.num, Some(Record { used, ..record })));
        Ok(true)
    }

    /// Takes records off a shelf; `trimmed` of them because it was full.
    pub(super) fn unshelve(&mut self, shelf: ShelfNum, nums: &[RecordNum], trimmed: u64) -> Result<()> {
        let mut on = self.known_shelf(shelf)?;
        on.count -= nums.len() as u64;
        on.trimmed += trimmed;
        self.apply(Undo::Shelf(shelf, Some(on)));
        nums.iter().for_each(|num| self.apply(Undo::Record(*num, None)));
        Ok(())
    }

    pub(super) fn least_used(&self, shelf: ShelfNum, count: u64) -> Vec<RecordNum> {
        let mut all: Vec<&Record> = self.on_shelf(shelf).collect();
        all.sort_by_key(|record| record.used);
        all.into_iter().take(count as usize).map(|record| record.num).collect()
    }
}

fn admits(record: &Record, label: Option<&String>, since: Option<Micros>) -> bool {
    label.is_none_or(|label| record.label == *label) && since.is_none_or(|since| record.written >= since)
}
