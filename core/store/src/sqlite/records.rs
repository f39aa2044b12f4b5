//! Statements on shelves and records. `records_words` is an index over `records` that SQLite does not keep by itself: every
//! change of a record's words goes through `unindex` and `index`.

use bytes::Bytes;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Result, Row, params, params_from_iter};

use super::failure::Failure;
use super::rows::{damaged, int};
use crate::record::*;
use crate::search::{Best, dot};
use crate::store::Micros;

type Done<T = ()> = std::result::Result<T, Failure>;

const SHELF: &str = "num, namespace, kind, embedder, dimension, next, clock, count, trimmed";
const RECORD: &str = "r.num, r.id, r.label, r.value, r.words, r.created, r.written, r.revision, r.used";

fn shelf_row(row: &Row<'_>) -> Result<Shelf> {
    Ok(Shelf {
        num: row.get(0)?,
        namespace: row.get(1)?,
        kind: row.get(2)?,
        embedder: row.get(3)?,
        dimension: row.get(4)?,
        next: row.get(5)?,
        clock: row.get(6)?,
        count: row.get(7)?,
        trimmed: row.get(8)?,
    })
}

fn record_row(row: &Row<'_>) -> Result<Record> {
    Ok(Record {
        num: row.get(0)?,
        id: row.get(1)?,
        label: row.get(2)?,
        value: Bytes::copy_from_slice(row.get_ref(3)?.as_blob()?),
        words: row.get(4)?,
        created: row.get(5)?,
        written: row.get(6)?,
        revision: row.get(7)?,
        used: row.get(8)?,
        vector: None,
    })
}

pub(super) fn shelf(conn: &Connection, namespace: &str, kind: &str) -> Result<Option<Shelf>> {
    let sql = format!("SELECT {SHELF} FROM shelves WHERE namespace = ?1 AND kind = ?2");
    conn.prepare_cached(&sql)?.query_row([namespace, kind], shelf_row).optional()
}

pub(super) fn shelves(conn: &Connection) -> Result<Vec<Shelf>> {
    let sql = format!("SELECT {SHELF} FROM shelves ORDER BY namespace, kind");
    conn.prepare_cached(&sql)?.query_map([], shelf_row)?.collect()
}

pub(super) fn record(conn: &Connection, shelf: ShelfNum, id: &str) -> Result<Option<Record>> {
    let sql = format!("SELECT {RECORD} FROM records r WHERE r.shelf = ?1 AND r.id = ?2");
    conn.prepare_cached(&sql)?.query_row(params![shelf, id], record_row).optional()
}

pub(super) fn record_at(conn: &Connection, num: RecordNum) -> Result<Option<Record>> {
    let sql = format!("SELECT {RECORD} FROM records r WHERE r.num = ?1");
    conn.prepare_cached(&sql)?.query_row([num], record_row).optional()
}

/// Clauses of a WHERE and their values.
#[derive(Default)]
struct Clauses {
    sql: String,
    values: Vec<Value>,
}

impl Clauses {
    fn and(&mut self, clause: &str, value: impl Into<Value>) {
        self.values.push(value.into());
        let joint = if self.sql.is_empty() { "" } else { " AND " };
        self.sql.push_str(&format!("{joint}{clause} ?{}", self.values.len()));
    }

    fn only(&mut self, label: Option<&String>, since: Option<Micros>) {
        if let Some(label) = label {
            self.and("r.label =", label.clone());
        }
        if let Some(since) = since {
            self.and("r.written >=", since);
        }
    }
}

pub(super) fn records(conn: &Connection, filter: &RecordFilter) -> Result<Vec<Record>> {
    let mut wanted = Clauses::default();
    let column = match filter.order {
        RecordOrder::Newest => {
            let (first, last) = numbers(filter.shelf);
            wanted.and("r.num >=", first);
            wanted.and("r.num <=", last);
            "r.num"
        }
        RecordOrder::Used => {
            wanted.and("r.shelf =", filter.shelf);
            "r.used"
        }
    };
    wanted.only(filter.label.as_ref(), filter.since);
    if let Some(before) = filter.before {
        wanted.and(&format!("{column} <"), before);
    }
    let vector = if filter.vectors { ", v.vector" } else { "" };
    let join = if filter.vectors { "LEFT JOIN vectors v ON v.num = r.num" } else { "" };
    let sql = format!(
        "SELECT {RECORD}{vector} FROM records r {join} WHERE {} ORDER BY {column} DESC LIMIT {}",
        wanted.sql, filter.limit
    );
    let mut query = conn.prepare(&sql)?;
    let row = |row: &Row<'_>| {
        let mut record = record_row(row)?;
        if filter.vectors
            && let Some(bytes) = row.get_ref(9)?.as_blob_or_null()?
        {
            let vector = vector_of(bytes);
            record.vector =
                Some(vector.ok_or_else(|| damaged(format!("record {} has a damaged vector", record.num)))?);
        }
        Ok(record)
    };
    query.query_map(params_from_iter(wanted.values), row)?.collect()
}

/// Weight 0: the shelf's own number in the index only says which rows are meant.
const BM25: &str = "bm25(records_words, 0.0, 1.0)";

pub(super) fn ranked_by_words(
    conn: &Connection,
    query: &RecordQuery,
    limit: u32,
) -> Result<Vec<(RecordNum, f64)>> {
    let any = query.words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" OR ");
    let mut wanted = Clauses::default();
    wanted.and("records_words MATCH", format!("shelf : \"{}\" AND words : ({any})", query.shelf));
    wanted.only(query.label.as_ref(), query.since);
    let join = if wanted.values.len() > 1 { "JOIN records r ON r.num = records_words.rowid" } else { "" };
    let sql = format!(
        "SELECT records_words.rowid, -{BM25} FROM records_words {join} WHERE {} ORDER BY {BM25}, records_words.rowid DESC
           LIMIT {limit}",
        wanted.sql
    );
    let mut statement = conn.prepare(&sql)?;
    statement.query_map(params_from_iter(wanted.values), |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// Looks at every vector of the shelf: exact, and quick enough for as many as a shelf may hold.
pub(super) fn ranked_by_vector(
    conn: &Connection,
    query: &RecordQuery,
    limit: u32,
) -> Result<Vec<(RecordNum, f64)>> {
    let Some(vector) = &query.vector else {
        return Ok(Vec::new());
    };
    let (first, last) = numbers(query.shelf);
    let mut wanted = Clauses::default();
    wanted.and("v.num >=", first);
    wanted.and("v.num <=", last);
    wanted.only(query.label.as_ref(), query.since);
    let join = if wanted.values.len() > 2 { "JOIN records r ON r.num = v.num" } else { "" };
    let sql = format!("SELECT v.num, v.vector FROM vectors v {join} WHERE {}", wanted.sql);
    let mut statement = conn.prepare(&sql)?;
    let mut rows = statement.query(params_from_iter(wanted.values))?;
    let mut best = Best::of(limit);
    while let Some(row) = rows.next()? {
        let num: RecordNum = row.get(0)?;
        let bytes = row.get_ref(1)?.as_blob()?;
        if bytes.len() != vector.len() * 4 {
            return Err(damaged(format!("the vector of record {num} has {} bytes", bytes.len())));
        }
        best.offer(num, f64::from(dot(vector, bytes)));
    }
    Ok(best.ranked())
}

pub(super) fn put_shelf(
    conn: &Connection,
    namespace: &str,
    kind: &str,
    embedder: &str,
    dimension: u32,
) -> Result<ShelfNum> {
    let sql = "INSERT INTO shelves (namespace, kind, embedder, dimension, next, clock, count, trimmed)
                 VALUES (?1, ?2, ?3, ?4, 1, 0, 0, 0)
               ON CONFLICT (namespace, kind) DO UPDATE SET embedder = excluded.embedder, dimension = excluded.dimension
               RETURNING num";
    conn.prepare_cached(sql)?.query_row(params![namespace, kind, embedder, dimension], |row| row.get(0))
}

fn tick(conn: &Connection, shelf: ShelfNum) -> Done<u64> {
    let mut tick =
        conn.prepare_cached("UPDATE shelves SET clock = clock + 1 WHERE num = ?1 RETURNING clock")?;
    match tick.query_row([shelf], |row| row.get(0)).optional()? {
        Some(clock) => Ok(clock),
        None => Err(missing(shelf).into()),
    }
}

pub(crate) fn missing(shelf: ShelfNum) -> crate::StoreError {
    crate::StoreError::Unusable(format!("shelf number {shelf} is not stored"))
}

pub(super) fn put_record(conn: &Connection, shelf: ShelfNum, new: &NewRecord) -> Done {
    let clock = int(tick(conn, shelf)?);
    let num = match record(conn, shelf, &new.id)? {
        Some(old) => {
            unindex(conn, &old)?;
            let sql = "UPDATE records SET label = ?2, value = ?3, words = ?4, written = ?5, revision = ?6, used = ?6
                         WHERE num = ?1";
            let put = params![old.num, new.label, &new.value[..], new.words, new.at, clock];
            conn.prepare_cached(sql)?.execute(put)?;
            old.num
        }
        None => {
            let sql =
                "UPDATE shelves SET next = next + 1, count = count + 1 WHERE num = ?1 RETURNING next - 1";
            let place = conn.prepare_cached(sql)?.query_row([shelf], |row| row.get(0))?;
            let num = number(shelf, place);
            let sql =
                "INSERT INTO records (num, shelf, id, label, value, words, created, written, revision, used)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?8)";
            let put = params![num, shelf, new.id, new.label, &new.value[..], new.words, new.at, clock];
            conn.prepare_cached(sql)?.execute(put)?;
            num
        }
    };
    if !new.words.is_empty() {
        let sql = "INSERT INTO records_words (rowid, shelf, words) VALUES (?1, ?2, ?3)";
        conn.prepare_cached(sql)?.execute(params![num, shelf, new.words])?;
    }
    match &new.vector {
        Some(vector) => {
            let sql = "INSERT INTO vectors (num, vector) VALUES (?1, ?2)
                         ON CONFLICT (num) DO UPDATE SET vector = excluded.vector";
            conn.prepare_cached(sql)?.execute(params![num, vector_bytes(vector)])?;
        }
        None => {
            conn.prepare_cached("DELETE FROM vectors WHERE num = ?1")?.execute([num])?;
        }
    }
    Ok(())
}

/// What was used last needs no write: it stays the one that was used last.
pub(super) fn use_record(conn: &Connection, shelf: ShelfNum, id: &str) -> Done<bool> {
    let sql = "SELECT r.num FROM records r JOIN shelves s ON s.num = r.shelf
                 WHERE r.shelf = ?1 AND r.id = ?2 AND r.used < s.clock";
    let Some(num) = conn.prepare_cached(sql)?.query_row(params![shelf, id], |row| row.get(0)).optional()?
    else {
        return Ok(false);
    };
    let (num, clock): (RecordNum, u64) = (num, tick(conn, shelf)?);
    conn.prepare_cached("UPDATE records SET used = ?2 WHERE num = ?1")?.execute(params![num, int(clock)])?;
    Ok(true)
}

/// The index has to be told what it knows of a row to forget it.
fn unindex(conn: &Connection, old: &Record) -> Result<()> {
    if old.words.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO records_words (records_words, rowid, shelf, words) VALUES ('delete', ?1, ?2, ?3)";
    conn.prepare_cached(sql)?.execute(params![old.num, shelf_of(old.num), old.words]).map(drop)
}

fn remove(conn: &Connection, old: &Record) -> Result<()> {
    unindex(conn, old)?;
    conn.prepare_cached("DELETE FROM vectors WHERE num = ?1")?.execute([old.num])?;
    conn.prepare_cached("DELETE FROM records WHERE num = ?1")?.execute([old.num])?;
    Ok(())
}

pub(super) fn delete_record(conn: &Connection, shelf: ShelfNum, id: &str) -> Result<bool> {
    let Some(old) = record(conn, shelf, id)? else {
        return Ok(false);
    };
    remove(conn, &old)?;
    conn.prepare_cached("UPDATE shelves SET count = count - 1 WHERE num = ?1")?.execute([shelf])?;
    Ok(true)
}

pub(super) fn trim_records(conn: &Connection, shelf: ShelfNum, capacity: u64) -> Result<u64> {
    let held: Option<u64> = conn
        .prepare_cached("SELECT count FROM shelves WHERE num = ?1")?
        .query_row([shelf], |row| row.get(0))
        .optional()?;
    let over = held.unwrap_or_default().saturating_sub(capacity);
    if over == 0 {
        return Ok(0);
    }
    let sql = format!("SELECT {RECORD} FROM records r WHERE r.shelf = ?1 ORDER BY r.used LIMIT ?2");
    let oldest: Vec<Record> = conn
        .prepare_cached(&sql)?
        .query_map(params![shelf, int(over)], record_row)?
        .collect::<Result<_>>()?;
    for record in &oldest {
        remove(conn, record)?;
    }
    let sql = "UPDATE shelves SET count = count - ?2, trimmed = trimmed + ?2 WHERE num = ?1";
    conn.prepare_cached(sql)?.execute(params![shelf, oldest.len()])?;
    Ok(oldest.len() as u64)
}

pub(super) fn clear_shelf(conn: &Connection, shelf: ShelfNum, limit: u32) -> Result<u64> {
    let (first, last) = numbers(shelf);
    let sql = "SELECT num FROM records WHERE num BETWEEN ?1 AND ?2 ORDER BY num LIMIT 1 OFFSET ?3";
    let until: Option<RecordNum> =
        conn.prepare_cached(sql)?.query_row(params![first, last, limit], |row| row.get(0)).optional()?;
    let last = until.map_or(last, |until| until - 1);
    let sql = "INSERT INTO records_words (records_words, rowid, shelf, words)
                 SELECT 'delete', num, shelf, words FROM records WHERE num BETWEEN ?1 AND ?2 AND words != ''";
    conn.prepare_cached(sql)?.execute([first, last])?;
    conn.prepare_cached("DELETE FROM vectors WHERE num BETWEEN ?1 AND ?2")?.execute([first, last])?;
    let count = conn
        .prepare_cached("DELETE FROM records WHERE num BETWEEN ?1 AND ?2")?
        .execute([first, last])? as u64;
    conn.prepare_cached("UPDATE shelves SET count = count - ?2 WHERE num = ?1")?
        .execute([shelf, int(count)])?;
    let sql = "UPDATE shelves SET embedder = '', dimension = 0, trimmed = 0 WHERE num = ?1 AND count = 0";
    conn.prepare_cached(sql)?.execute([shelf])?;
    Ok(count)
}
