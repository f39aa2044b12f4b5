//! Segments and the index that finds them. A segment is appended in rowid order; its entry in `segment_index`, which lies
//! somewhere else for every run, is written later, with thousands of others. What is not in the index yet is the tail: the
//! rows above `meta.indexed`. The owner knows its tail by heart, visitors scan it.
//!
//! Without this, a commit of 200 runs dirties a page of the index for each and costs four times as much.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Result, params};

use super::failure::Failure;
use super::rows::{self, int};
use crate::error::StoreError;
use crate::store::*;

/// A tail is indexed when it has so many rows: a visitor scans them in a millisecond or two ...
const ROWS: usize = 4096;
/// ... or so many bytes.
const BYTES: usize = 8 << 20;

const INDEXED: &str = "(SELECT value FROM meta WHERE key = 'indexed')";

#[derive(Debug, Default)]
struct RunTail {
    /// The highest `first_seq` of the run, indexed or not; `None` when it has no segment.
    last: Option<u64>,
    /// `(first_seq, num)`, ordered.
    rows: Vec<(u64, i64)>,
}

/// The owner's knowledge of the tail.
#[derive(Debug, Default)]
pub(super) struct Tail {
    /// Above every number ever used: a row must not slip below `indexed` when higher ones were deleted.
    next: i64,
    runs: HashMap<RunNum, RunTail>,
    rows: usize,
    bytes: usize,
}

impl Tail {
    /// Reads it from the file: at open, and after a rollback.
    pub fn load(conn: &Connection) -> Result<Self> {
        let sql = format!("SELECT coalesce(max({INDEXED}, (SELECT max(num) FROM segments)), {INDEXED}) + 1");
        let mut tail =
            Self { next: conn.prepare_cached(&sql)?.query_row([], |row| row.get(0))?, ..Self::default() };
        let sql = format!("SELECT run, first_seq, num, length(bytes) FROM segments WHERE num > {INDEXED}");
        let mut query = conn.prepare_cached(&sql)?;
        let mut found = query.query([])?;
        while let Some(row) = found.next()? {
            tail.add(conn, row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)?;
        }
        Ok(tail)
    }

    fn known(&mut self, conn: &Connection, run: RunNum) -> Result<&mut RunTail> {
        use std::collections::hash_map::Entry;
        match self.runs.entry(run) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let sql = "SELECT max(first_seq) FROM segment_index WHERE run = ?1";
                let last = conn.prepare_cached(sql)?.query_row([run], |row| row.get(0))?;
                Ok(entry.insert(RunTail { last, rows: Vec::new() }))
            }
        }
    }

    fn add(&mut self, conn: &Connection, run: RunNum, first_seq: u64, num: i64, bytes: usize) -> Result<()> {
        let known = self.known(conn, run)?;
        known.last = known.last.max(Some(first_seq));
        let at = known.rows.partition_point(|row| row.0 < first_seq);
        known.rows.insert(at, (first_seq, num));
        self.rows += 1;
        self.bytes += bytes;
        Ok(())
    }

    pub fn append(
        &mut self,
        conn: &Connection,
        run: RunNum,
        segment: &Segment,
    ) -> std::result::Result<(), Failure> {
        let first = segment.first_seq;
        let known = self.known(conn, run)?;
        // Nearly always it is the run's highest, and then it cannot be there yet.
        if known.last.is_some_and(|last| first <= last) {
            let tail = known.rows.binary_search_by_key(&first, |row| row.0).is_ok();
            let sql = "SELECT 1 FROM segment_index WHERE run = ?1 AND first_seq = ?2";
            if tail || conn.prepare_cached(sql)?.exists(params![run, int(first)])? {
                let message = format!("run number {run} has a segment at seq {first} already");
                return Err(StoreError::Unusable(message).into());
            }
        }
        let num = self.next;
        conn.prepare_cached(
            "INSERT INTO segments (num, run, first_seq, count, bytes) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![num, run, int(first), segment.count, &segment.bytes[..]])?;
        self.next += 1;
        self.add(conn, run, first, num, segment.bytes.len())?;
        Ok(())
    }

    /// Rows of this run that the index lacks.
    pub fn of(&self, run: RunNum) -> &[(u64, i64)] {
        self.runs.get(&run).map_or(&[], |known| &known.rows)
    }

    pub fn is_long(&self) -> bool {
        self.rows >= ROWS || self.bytes >= BYTES
    }

    /// Moves the tail into the index. Ordered by run, so that neighbours share a page.
    pub fn index(&mut self, conn: &Connection) -> Result<()> {
        let mut rows: Vec<(RunNum, u64, i64)> = Vec::with_capacity(self.rows);
        for (run, known) in self.runs.drain() {
            rows.extend(known.rows.into_iter().map(|(first_seq, num)| (run, first_seq, num)));
        }
        rows.sort_unstable();
        let mut insert =
            conn.prepare_cached("INSERT INTO segment_index (run, first_seq, num) VALUES (?1, ?2, ?3)")?;
        for (run, first_seq, num) in rows {
            insert.execute(params![run, int(first_seq), num])?;
        }
        conn.prepare_cached("UPDATE meta SET value = ?1 WHERE key = 'indexed'")?.execute([self.next - 1])?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }

    /// All segments of a run, wherever they are.
    pub fn delete(&mut self, conn: &Connection, run: RunNum) -> Result<()> {
        if !self.of(run).is_empty() {
            self.index(conn)?;
        }
        self.runs.remove(&run);
        conn.prepare_cached(
            "DELETE FROM segments WHERE num IN (SELECT num FROM segment_index WHERE run = ?1)",
        )?
        .execute([run])?;
        conn.prepare_cached("DELETE FROM segment_index WHERE run = ?1")?.execute([run])?;
        Ok(())
    }
}

/// The tail of one run as a visitor finds it. Belongs into one transaction with [`journal`].
pub(super) fn scan(conn: &Connection, run: RunNum) -> Result<Vec<(u64, i64)>> {
    let sql =
        format!("SELECT first_seq, num FROM segments WHERE num > {INDEXED} AND run = ?1 ORDER BY first_seq");
    conn.prepare_cached(&sql)?.query_map([run], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// The segment with the run's newest entries; the tail is newer than the index.
pub(super) fn last(conn: &Connection, run: RunNum, tail: &[(u64, i64)]) -> Result<Option<Segment>> {
    let num = match tail.last() {
        Some((_, num)) => Some(*num),
        None => {
            let sql = "SELECT num FROM segment_index WHERE run = ?1 ORDER BY first_seq DESC LIMIT 1";
            conn.prepare_cached(sql)?.query_row([run], |row| row.get(0)).optional()?
        }
    };
    let Some(num) = num else { return Ok(None) };
    let mut fetch = conn.prepare_cached("SELECT first_seq, count, bytes FROM segments WHERE num = ?1")?;
    fetch.query_row([num], rows::segment).optional()
}

/// Merges what the index knows with the tail; see `Read::journal`.
pub(super) fn journal(
    conn: &Connection,
    run: RunNum,
    tail: &[(u64, i64)],
    from_seq: u64,
    max_bytes: usize,
) -> Result<Vec<Segment>> {
    let sql = "SELECT max(first_seq) FROM segment_index WHERE run = ?1 AND first_seq <= ?2";
    let covering: Option<u64> =
        conn.prepare_cached(sql)?.query_row(params![run, int(from_seq)], |row| row.get(0))?;
    let in_tail = tail.partition_point(|row| row.0 <= from_seq).checked_sub(1).map(|at| tail[at].0);
    let start = covering.max(in_tail).unwrap_or(from_seq);

    let mut index = conn.prepare_cached(
        "SELECT first_seq, num FROM segment_index WHERE run = ?1 AND first_seq >= ?2 ORDER BY first_seq",
    )?;
    let mut indexed = index
        .query_map(params![run, int(start)], |row| Ok((row.get::<_, u64>(0)?, row.get::<_, i64>(1)?)))?
        .peekable();
    let mut tail = tail[tail.partition_point(|row| row.0 < start)..].iter().copied().peekable();
    let mut fetch = conn.prepare_cached("SELECT first_seq, count, bytes FROM segments WHERE num = ?1")?;
    let (mut out, mut size) = (Vec::new(), 0);
    loop {
        let from_tail = match (indexed.peek(), tail.peek()) {
            (None, None) => break,
            (Some(Ok(row)), Some(late)) => late < row,
            (None, Some(_)) => true,
            (Some(_), _) => false,
        };
        let next = if from_tail { tail.next() } else { indexed.next().transpose()? };
        let Some((first_seq, num)) = next else { break };
        let Some(segment) = fetch.query_row([num], rows::segment).optional()? else {
            return Err(rows::damaged(format!(
                "the index names a segment at seq {first_seq} that is not there"
            )));
        };
        if segment.first_seq + u64::from(segment.count) <= from_seq {
            continue;
        }
        size += segment.bytes.len();
        out.push(segment);
        if size >= max_bytes {
            break;
        }
    }
    Ok(out)
}
