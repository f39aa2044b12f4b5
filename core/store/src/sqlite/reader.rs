//! A visitor's view of a store, beside its owner or without one. It never writes a row and never takes a lock that the owner
//! could wait for longer than one page of rows; a backup is the one exception.

use std::fs;
use std::mem::ManuallyDrop;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rusqlite::Connection;

use super::failure::Failure;
use super::registry::{Registration, forked};
use super::{Owner, SqliteStore, blobs, connection, directory, read, records, schema, tail};
use crate::Durability;
use crate::error::StoreError;
use crate::platform;
use crate::record::*;
use crate::store::*;

/// How long an owner that lives is given to bring its file to this version before it is taken for an older one.
const MIGRATION: Duration = Duration::from_secs(1);
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Reads a store that this or another process owns, or nobody.
pub struct SqliteReader {
    conn: ManuallyDrop<Connection>,
    dir: PathBuf,
    pid: u32,
    _registration: Registration,
}

/// How a store is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    pub schema_version: u32,
    pub sqlite_version: &'static str,
    pub journal_mode: String,
    pub database_bytes: u64,
    /// Size of the write-ahead log, room for later commits included; 0 after a clean close.
    pub wal_bytes: u64,
    /// Inside the database, for reuse.
    pub free_bytes: u64,
    /// `"ok"`, or what is damaged.
    pub quick_check: String,
}

impl SqliteReader {
    pub fn open(dir: &Path) -> Result<Self> {
        let missing = || StoreError::Unusable(format!("there is no store at {}", dir.display()));
        let dir = fs::canonicalize(dir).map_err(|_| missing())?;
        let file = dir.join("journal.db");
        if !file.is_file() {
            return Err(missing());
        }
        directory::refuse_network(&dir)?;
        let patience = Instant::now() + MIGRATION;
        loop {
            match Self::attach(dir.clone(), &file) {
                Err(StoreError::Outdated(_)) if Instant::now() < patience => {}
                attached => return attached,
            }
            if Owner::of(&dir).is_some() {
                // It may be making the tables right now.
                thread::sleep(LOOK_AGAIN);
                continue;
            }
            // Owning it for a moment migrates it; whoever was faster does it instead.
            match SqliteStore::open(&dir, Durability::Full) {
                Err(error) if !matches!(error, StoreError::Locked { .. }) => return Err(error),
                _ => {}
            }
        }
    }

    fn attach(dir: PathBuf, file: &Path) -> Result<Self> {
        let registration = Registration::new(&dir, false)?;
        let conn = connection::visitor(file).map_err(|failure| unopened(failure, &dir))?;
        schema::check(&conn, file).map_err(|failure| failure.explain(&conn, &dir, 0))?;
        Ok(Self { conn: ManuallyDrop::new(conn), dir, pid: platform::pid(), _registration: registration })
    }

    pub fn directory(&self) -> &Path {
        &self.dir
    }

    /// The owner, if it is alive.
    pub fn owner(&self) -> Option<Owner> {
        Owner::of(&self.dir)
    }

    /// Reads the whole file: seconds for gigabytes.
    pub fn health(&self) -> Result<Health> {
        let size = |name: &str| fs::metadata(self.dir.join(name)).map_or(0, |meta| meta.len());
        let file = self.dir.join("journal.db");
        self.read(|conn| {
            let text = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, String>(0));
            let number = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, u64>(0));
            Ok(Health {
                schema_version: schema::check(conn, &file)? as u32,
                sqlite_version: connection::sqlite_version(),
                journal_mode: text("PRAGMA journal_mode")?,
                database_bytes: size("journal.db"),
                wal_bytes: size("journal.db-wal"),
                free_bytes: number("PRAGMA freelist_count")? * number("PRAGMA page_size")?,
                quick_check: match text("PRAGMA quick_check(1)") {
                    Ok(result) => result,
                    Err(error) => error.to_string(),
                },
            })
        })
    }

    /// Writes a consistent, compact copy to `path`, which must not exist. The owner may go on meanwhile; its WAL grows until
    /// the copy is done.
    pub fn backup(&self, path: &Path) -> Result<()> {
        let cannot = |error: std::io::Error| {
            let why = match error.kind() {
                std::io::ErrorKind::AlreadyExists => {
                    "it exists already; a backup never replaces a file".to_owned()
                }
                _ => error.to_string(),
            };
            StoreError::Unusable(format!("cannot write a backup to {}: {why}", path.display()))
        };
        let Some(name) = path.to_str() else {
            return Err(StoreError::Unusable(format!("{} is no UTF-8 path", path.display())));
        };
        // SQLite accepts an empty file: creating it here makes the refusal atomic and the copy private.
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(cannot)?;
        let copied = self
            .read(|conn| Ok(conn.execute("VACUUM INTO ?1", [name])?))
            .and_then(|_| fs::File::open(path).and_then(|file| file.sync_all()).map_err(cannot));
        if copied.is_err() {
            // Half a copy is worse than none; the error that is reported is the first.
            let _ = fs::remove_file(path);
        }
        copied
    }

    fn read<T>(&self, query: impl FnOnce(&Connection) -> std::result::Result<T, Failure>) -> Result<T> {
        if self.pid != platform::pid() {
            return Err(forked(&self.dir));
        }
        query(&self.conn).map_err(|failure| failure.explain(&self.conn, &self.dir, 0))
    }
}

/// An error from before there is a connection to ask about it.
pub(super) fn unopened(failure: Failure, dir: &Path) -> StoreError {
    match Connection::open_in_memory() {
        Ok(conn) => failure.explain(&conn, dir, 0),
        Err(_) => StoreError::Unusable(format!("the store {} cannot be opened: {failure:?}", dir.display())),
    }
}

impl Drop for SqliteReader {
    fn drop(&mut self) {
        if self.pid == platform::pid() {
            // SAFETY: dropped here and nowhere else. In a forked child it is leaked: closing would touch the parent's locks.
            unsafe { ManuallyDrop::drop(&mut self.conn) }
        }
    }
}

impl Read for SqliteReader {
    fn run(&self, num: RunNum) -> Result<Option<RunRow>> {
        self.read(|conn| Ok(read::run(conn, num)?))
    }

    fn run_by_id(&self, id: &str) -> Result<Option<RunRow>> {
        self.read(|conn| Ok(read::run_by_id(conn, id)?))
    }

    fn list_runs(&self, filter: &RunFilter) -> Result<Vec<RunRow>> {
        self.read(|conn| Ok(read::list_runs(conn, filter)?))
    }

    fn segments(&self, run: RunNum, from_seq: u64, max_bytes: usize) -> Result<Vec<Segment>> {
        self.read(|conn| {
            // The index and the tail must be of one moment.
            let moment = conn.unchecked_transaction()?;
            let unindexed = tail::scan(conn, run)?;
            let segments = tail::journal(conn, run, &unindexed, from_seq, max_bytes)?;
            moment.finish()?;
            Ok(segments)
        })
    }

    fn last_segment(&self, run: RunNum) -> Result<Option<Segment>> {
        self.read(|conn| {
            let moment = conn.unchecked_transaction()?;
            let unindexed = tail::scan(conn, run)?;
            let segment = tail::last(conn, run, &unindexed)?;
            moment.finish()?;
            Ok(segment)
        })
    }

    fn blob(&self, hash: &BlobHash) -> Result<Option<Bytes>> {
        self.read(|conn| Ok(blobs::get(conn, hash)?))
    }

    fn object(&self, object: &str) -> Result<Option<Bytes>> {
        self.read(|conn| Ok(read::object(conn, object)?))
    }

    fn object_call_before(&self, object: &str, at: Micros) -> Result<Option<RunNum>> {
        self.read(|conn| Ok(read::object_call_before(conn, object, at)?))
    }

    fn events(&self, name: Option<&str>, limit: u32) -> Result<Vec<EventRow>> {
        self.read(|conn| Ok(read::events(conn, name, limit)?))
    }

    fn shelf(&self, namespace: &str, kind: &str) -> Result<Option<Shelf>> {
        self.read(|conn| Ok(records::shelf(conn, namespace, kind)?))
    }

    fn shelves(&self) -> Result<Vec<Shelf>> {
        self.read(|conn| Ok(records::shelves(conn)?))
    }

    fn record(&self, shelf: ShelfNum, id: &str) -> Result<Option<Record>> {
        self.read(|conn| Ok(records::record(conn, shelf, id)?))
    }

    fn record_at(&self, num: RecordNum) -> Result<Option<Record>> {
        self.read(|conn| Ok(records::record_at(conn, num)?))
    }

    fn records(&self, filter: &RecordFilter) -> Result<Vec<Record>> {
        self.read(|conn| Ok(records::records(conn, filter)?))
    }

    fn ranked_by_words(&self, query: &RecordQuery, limit: u32) -> Result<Vec<(RecordNum, f64)>> {
        self.read(|conn| Ok(records::ranked_by_words(conn, query, limit)?))
    }

    fn ranked_by_vector(&self, query: &RecordQuery, limit: u32) -> Result<Vec<(RecordNum, f64)>> {
        self.read(|conn| Ok(records::ranked_by_vector(conn, query, limit)?))
    }
}
