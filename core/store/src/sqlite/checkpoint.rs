//! When the WAL is moved into the database. After a commit was found to be in the right file, never inside it; and at once
//! and completely when something was deleted, because the WAL still holds what the database has forgotten.

use std::time::Duration;

use rusqlite::{Connection, Result, ffi};

/// WAL pages (4 KiB) between checkpoints. More make commits smoother and the WAL longer; SQLite's own default is 1000.
const EVERY: u32 = 2000;

#[derive(Debug, Default)]
pub(super) struct Checkpoint {
    /// Written to the WAL since the last checkpoint that moved everything.
    pages: u32,
    /// The end of the WAL in pages, as far as we know: it may be further, never nearer.
    end: u32,
    /// The WAL holds deleted content.
    stale: bool,
}

impl Checkpoint {
    /// Something was deleted: the WAL has to go as soon as no reader needs it.
    pub fn scrub(&mut self) {
        self.stale = true;
    }

    /// Bytes of the WAL in use: a header, and frames of a page and their own header.
    pub fn used(&self) -> u64 {
        32 + u64::from(self.end) * (4096 + 24)
    }

    pub fn after_commit(&mut self, conn: &Connection) -> Result<()> {
        let written = written(conn);
        self.pages += written;
        self.end += written;
        if self.stale {
            // Never wait for a reader here: what it blocks is tried again after the next commit, and at the close.
            conn.busy_timeout(Duration::ZERO)?;
            let truncated = run(conn, "PRAGMA wal_checkpoint(TRUNCATE)");
            conn.busy_timeout(super::connection::PATIENCE)?;
            if truncated? {
                (self.pages, self.end, self.stale) = (0, 0, false);
            }
        } else if self.pages >= EVERY {
            // A reader that pins the WAL is no reason to try after every commit.
            if run(conn, "PRAGMA wal_checkpoint(PASSIVE)")? {
                // The next commit starts over at the front of the WAL.
                (self.pages, self.end) = (0, 0);
            } else {
                self.pages = EVERY / 2;
            }
        }
        Ok(())
    }
}

/// Whether everything was moved.
fn run(conn: &Connection, sql: &str) -> Result<bool> {
    conn.prepare_cached(sql)?.query_row([], |row| {
        let (busy, log, moved): (bool, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(!busy && log == moved)
    })
}

/// Pages this connection has written since it was last asked.
fn written(conn: &Connection) -> u32 {
    let (mut now, mut highest) = (0, 0);
    // SAFETY: the connection is open; the call writes two integers and resets a counter.
    let done = unsafe {
        ffi::sqlite3_db_status(conn.handle(), ffi::SQLITE_DBSTATUS_CACHE_WRITE, &mut now, &mut highest, 1)
    };
    if done == ffi::SQLITE_OK { now.max(0) as u32 } else { 0 }
}
