//! The tables, and how an older file becomes a newer one. `PRAGMA user_version` is the number of migrations a file has been
//! through. Each one commits together with its number, so a crash leaves the old schema or the new one, never half.
//!
//! Rules: a migration that was released never changes; what an older version could misread is a new migration.

use std::path::Path;

use rusqlite::Connection;

use super::failure::Failure;
use crate::error::StoreError;

/// "AGN5": tells a journal from any other SQLite file.
const APPLICATION_ID: i32 = 0x4147_4E35;

pub(super) const MIGRATIONS: &[&str] = &[VERSION_1, VERSION_2, VERSION_3];

/// Segments are appended in rowid order: runs that commit together share pages. `segment_index` names those up to
/// `meta.indexed`; see `tail`. `runs_open` holds only what is not terminal (status < 4), so recovery does not read a long history.
const VERSION_1: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES ('owner_epoch', 0), ('indexed', 0);

CREATE TABLE runs (
  num INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, component TEXT NOT NULL, kind INTEGER NOT NULL,
  status INTEGER NOT NULL, epoch INTEGER NOT NULL, parent INTEGER, parent_seq INTEGER, depth INTEGER NOT NULL,
  object TEXT NOT NULL, input_digest BLOB NOT NULL, created INTEGER NOT NULL, started INTEGER, ended INTEGER,
  cancel_requested INTEGER NOT NULL, interrupted INTEGER NOT NULL, crashes INTEGER NOT NULL, reason TEXT NOT NULL,
  tags TEXT NOT NULL) STRICT;
CREATE INDEX runs_open ON runs (num) WHERE status < 4;
CREATE INDEX runs_component ON runs (component);
CREATE INDEX runs_parent ON runs (parent) WHERE parent IS NOT NULL;

CREATE TABLE segments (
  num INTEGER PRIMARY KEY, run INTEGER NOT NULL, first_seq INTEGER NOT NULL, count INTEGER NOT NULL,
  bytes BLOB NOT NULL) STRICT;
CREATE TABLE segment_index (
  run INTEGER NOT NULL, first_seq INTEGER NOT NULL, num INTEGER NOT NULL, PRIMARY KEY (run, first_seq))
  STRICT, WITHOUT ROWID;

CREATE TABLE blobs (
  num INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, size INTEGER NOT NULL, compressed INTEGER NOT NULL,
  bytes BLOB NOT NULL) STRICT;
CREATE TABLE blob_refs (run INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (run, hash)) STRICT, WITHOUT ROWID;
CREATE INDEX blob_refs_hash ON blob_refs (hash);

CREATE TABLE timers (
  run INTEGER NOT NULL, seq INTEGER NOT NULL, due INTEGER NOT NULL, PRIMARY KEY (run, seq)) STRICT, WITHOUT ROWID;
CREATE INDEX timers_due ON timers (due, run, seq);

CREATE TABLE waits (
  num INTEGER PRIMARY KEY, run INTEGER NOT NULL, seq INTEGER NOT NULL, name TEXT NOT NULL, UNIQUE (run, seq)) STRICT;
CREATE INDEX waits_name ON waits (name);

CREATE TABLE events (
  num INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, target INTEGER,
  payload BLOB NOT NULL, sent INTEGER NOT NULL, expires INTEGER NOT NULL, state INTEGER NOT NULL,
  assigned_run INTEGER, assigned_seq INTEGER) STRICT;
CREATE INDEX events_kept ON events (name) WHERE state = 0;
CREATE INDEX events_expiring ON events (expires) WHERE state = 0;
CREATE INDEX events_assigned ON events (assigned_run, assigned_seq) WHERE state = 1;
CREATE INDEX events_target ON events (target) WHERE target IS NOT NULL;
CREATE INDEX events_listed ON events (num) WHERE state IN (0, 3);

CREATE TABLE objects (num INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, state BLOB NOT NULL) STRICT;
";

/// Forks share entries with the run they come from, and copies of objects with their children.
const VERSION_2: &str = "
ALTER TABLE runs ADD COLUMN origin INTEGER;
ALTER TABLE runs ADD COLUMN origin_seq INTEGER;
ALTER TABLE runs ADD COLUMN overlay TEXT NOT NULL DEFAULT '';
CREATE INDEX runs_origin ON runs (origin) WHERE origin IS NOT NULL;
CREATE INDEX runs_object ON runs (object, ended) WHERE object != '';
";

/// Memory. Vectors lie apart, close together: a search reads all of a shelf. Words are stored as this crate splits them,
/// between blanks, which the tokenizer `ascii` leaves as they are. `secure-delete` takes a deleted row's words out of the
/// index at once, instead of when its parts are merged some day.
const VERSION_3: &str = "
CREATE TABLE shelves (
  num INTEGER PRIMARY KEY, namespace TEXT NOT NULL, kind TEXT NOT NULL, embedder TEXT NOT NULL, dimension INTEGER NOT NULL,
  next INTEGER NOT NULL, clock INTEGER NOT NULL, count INTEGER NOT NULL, trimmed INTEGER NOT NULL,
  UNIQUE (namespace, kind)) STRICT;
CREATE TABLE records (
  num INTEGER PRIMARY KEY, shelf INTEGER NOT NULL, id TEXT NOT NULL, label TEXT NOT NULL, value BLOB NOT NULL,
  words TEXT NOT NULL, created INTEGER NOT NULL, written INTEGER NOT NULL, revision INTEGER NOT NULL,
  used INTEGER NOT NULL, UNIQUE (shelf, id)) STRICT;
CREATE INDEX records_used ON records (shelf, used);
CREATE INDEX records_label ON records (shelf, label);
CREATE TABLE vectors (num INTEGER PRIMARY KEY, vector BLOB NOT NULL) STRICT;
CREATE VIRTUAL TABLE records_words USING fts5 (
  shelf, words, content = 'records', content_rowid = 'num', tokenize = 'ascii');
INSERT INTO records_words (records_words, rank) VALUES ('secure-delete', 1);
";

fn version(conn: &Connection) -> rusqlite::Result<usize> {
    conn.query_row("PRAGMA user_version", [], |row| row.get(0))
}

fn too_new(file: &Path, found: usize, known: usize) -> StoreError {
    StoreError::TooNew(format!(
        "the store {} has schema version {found}; this agnt5 knows versions up to {known}. \
         Upgrade agnt5, or choose another store",
        file.display()
    ))
}

/// Brings the file to the newest version. Call it with the store's lock held.
pub(super) fn migrate(conn: &Connection, file: &Path, steps: &[&str]) -> Result<(), Failure> {
    let found = known_version(conn, file)?;
    if found > steps.len() {
        return Err(too_new(file, found, steps.len()).into());
    }
    for (at, step) in steps.iter().enumerate().skip(found) {
        let done = conn.execute_batch(&format!(
            "BEGIN IMMEDIATE; {step}; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {}; COMMIT",
            at + 1
        ));
        if let Err(error) = done {
            if !conn.is_autocommit() {
                conn.execute_batch("ROLLBACK")?;
            }
            return Err(error.into());
        }
    }
    Ok(())
}

/// For visitors, who must not migrate.
pub(super) fn check(conn: &Connection, file: &Path) -> Result<usize, Failure> {
    let (found, known) = (known_version(conn, file)?, MIGRATIONS.len());
    if found > known {
        return Err(too_new(file, found, known).into());
    }
    if found < known {
        return Err(StoreError::Outdated(format!(
            "the store {} has schema version {found}, this agnt5 reads version {known}, and a process with an older \
             agnt5 owns it: let that end, and look again",
            file.display()
        ))
        .into());
    }
    Ok(found)
}

/// The version of a file that is ours, or empty. All is read in one transaction: another process may just be making it.
fn known_version(conn: &Connection, file: &Path) -> Result<usize, Failure> {
    let looking = conn.unchecked_transaction()?;
    let id: i32 = looking.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let tables: i64 = looking.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if id == APPLICATION_ID || (id == 0 && tables == 0) {
        return Ok(version(&looking)?);
    }
    let message =
        format!("{} is an SQLite database, but not a journal of agnt5; nothing was changed", file.display());
    Err(StoreError::Unusable(message).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEXT: &str = "ALTER TABLE meta ADD COLUMN note TEXT NOT NULL DEFAULT 'none'";

    fn file() -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.db");
        (dir, path)
    }

    fn and(step: &str) -> Vec<&str> {
        [MIGRATIONS, &[step]].concat()
    }

    #[test]
    fn an_old_file_goes_through_the_steps_it_lacks_and_keeps_its_rows() {
        let (_dir, path) = file();
        let conn = Connection::open(&path).unwrap();
        migrate(&conn, &path, MIGRATIONS).unwrap();
        conn.execute("UPDATE meta SET value = 7 WHERE key = 'owner_epoch'", []).unwrap();
        migrate(&conn, &path, &and(NEXT)).unwrap();
        let row: (i64, String) = conn
            .query_row("SELECT value, note FROM meta WHERE key = 'owner_epoch'", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        assert_eq!(row, (7, "none".into()));
        assert_eq!(version(&conn).unwrap(), MIGRATIONS.len() + 1);
        migrate(&conn, &path, &and(NEXT)).unwrap();
    }

    #[test]
    fn a_step_that_fails_halfway_leaves_the_old_schema() {
        let (_dir, path) = file();
        let conn = Connection::open(&path).unwrap();
        migrate(&conn, &path, MIGRATIONS).unwrap();
        let broken = format!("{NEXT}; INSERT INTO nowhere VALUES (1)");
        assert!(migrate(&conn, &path, &and(&broken)).is_err());
        assert_eq!(version(&conn).unwrap(), MIGRATIONS.len());
        assert!(conn.prepare("SELECT note FROM meta").is_err(), "the column went with the rollback");
        check(&conn, &path).unwrap();
    }

    #[test]
    fn a_newer_file_is_refused_by_number_and_another_program_s_file_by_name() {
        let (_dir, path) = file();
        let conn = Connection::open(&path).unwrap();
        migrate(&conn, &path, &and(NEXT)).unwrap();
        let Err(Failure::Store(StoreError::TooNew(message))) = migrate(&conn, &path, MIGRATIONS) else {
            panic!()
        };
        let (found, known) = (MIGRATIONS.len() + 1, MIGRATIONS.len());
        let told = [format!("version {found}"), format!("up to {known}")];
        assert!(told.iter().all(|part| message.contains(part)), "{message}");

        let (_dir, path) = file();
        let conn = Connection::open(&path).unwrap();
        conn.execute_batch("CREATE TABLE songs (name)").unwrap();
        let Err(Failure::Store(StoreError::Unusable(message))) = migrate(&conn, &path, MIGRATIONS) else {
            panic!()
        };
        assert!(message.contains("not a journal"), "{message}");
    }
}
