//! The owner's handle. Every transaction begins with the owner's epoch and every commit ends with a look at the files, so
//! nothing is acknowledged that the next process would not find.

use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::checkpoint::Checkpoint;
use super::failure::Failure;
use super::files::Files;
use super::owner::{Claim, claim};
use super::reader::unopened;
use super::registry::{Registration, forked};
use super::tail::Tail;
use super::{Durability, connection, directory, schema};
use crate::error::StoreError;
use crate::platform;
use crate::store::Result;

/// Free pages given back to the file system by one commit that deletes runs.
const VACUUM_PAGES: u32 = 2000;

/// The store in a directory, owned by this process until the drop.
///
/// After [`StoreError::Io`], [`StoreError::Corrupt`] or [`StoreError::Hijacked`] it answers what it can read and refuses
/// every change with the same error, until it is opened again. After [`StoreError::Full`] the transaction is rolled back
/// by `commit` or `rollback` and the next one may work. A forked child gets [`StoreError::Unusable`] for everything.
pub struct SqliteStore {
    conn: ManuallyDrop<Connection>,
    files: Option<Files>,
    dir: PathBuf,
    pid: u32,
    epoch: i64,
    open: bool,
    /// Why the open transaction cannot commit any more.
    doomed: Option<StoreError>,
    poison: RefCell<Option<StoreError>>,
    /// Payload bytes of the open transaction.
    pub(super) writing: u64,
    /// The open transaction deleted something that shall not be found any more.
    pub(super) deleted: bool,
    pub(super) tail: Tail,
    /// The open transaction changed the tail: a rollback makes it unknown.
    tail_touched: bool,
    checkpoint: Checkpoint,
    // Dropped last, in this order: the store is free when nothing of it is open any more.
    _claim: Claim,
    registration: Registration,
}

impl SqliteStore {
    /// Opens or creates the store in `dir` and owns it. `Locked` when somebody does already, `TooNew` for a file of a later
    /// version, `Unusable` where SQLite would lose data.
    pub fn open(dir: &Path, durability: Durability) -> Result<Self> {
        let dir = directory::prepare(dir)?;
        let registration = Registration::new(&dir, true)?;
        let claim = claim(&dir)?;
        let file = dir.join("journal.db");
        let conn = connection::owner(&file, durability).map_err(|failure| unopened(failure, &dir))?;
        let ready = schema::migrate(&conn, &file, schema::MIGRATIONS)
            .and_then(|()| Ok((next_epoch(&conn)?, Tail::load(&conn)?)));
        let (epoch, tail) = ready.map_err(|failure| failure.explain(&conn, &dir, 0))?;
        let files =
            Files::watch(&file).map_err(|error| directory::unusable(&dir, "watch the files of", &error))?;
        let store = Self {
            conn: ManuallyDrop::new(conn),
            files: Some(files),
            dir,
            pid: platform::pid(),
            epoch,
            open: false,
            doomed: None,
            poison: RefCell::new(None),
            writing: 0,
            deleted: false,
            tail,
            tail_touched: false,
            checkpoint: Checkpoint::default(),
            _claim: claim,
            registration,
        };
        if let Some(files) = &store.files {
            files.guard()?;
        }
        Ok(store)
    }

    pub fn directory(&self) -> &Path {
        &self.dir
    }

    /// Grows with every owner of this store.
    pub fn owner_epoch(&self) -> i64 {
        self.epoch
    }

    fn usable(&self) -> Result<()> {
        if self.pid != platform::pid() {
            return Err(forked(&self.dir));
        }
        match &*self.poison.borrow() {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }

    /// Remembers what makes every later write unsafe.
    fn note(&self, error: StoreError) -> StoreError {
        if matches!(error, StoreError::Io(_) | StoreError::Corrupt(_) | StoreError::Hijacked(_)) {
            self.poison.borrow_mut().get_or_insert_with(|| error.clone());
        }
        error
    }

    fn explain(&self, failure: impl Into<Failure>) -> StoreError {
        self.note(failure.into().explain(&self.conn, &self.dir, self.writing))
    }

    fn check_files(&self) -> Result<()> {
        self.files.as_ref().map_or(Ok(()), Files::check).map_err(|error| self.note(error))
    }

    pub(super) fn query<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        if self.pid != platform::pid() {
            return Err(forked(&self.dir));
        }
        read(&self.conn).map_err(|error| self.explain(error))
    }

    pub(super) fn change<T, F: Into<Failure>>(
        &mut self,
        write: impl FnOnce(&Connection) -> std::result::Result<T, F>,
    ) -> Result<T> {
        self.usable()?;
        if let Some(error) = &self.doomed {
            return Err(error.clone());
        }
        if !self.open {
            return Err(StoreError::Unusable("a change needs an open transaction".into()));
        }
        write(&self.conn).map_err(|failure| {
            let error = self.explain(failure);
            // A refused row leaves the transaction whole; SQLite may have rolled back after anything else.
            if !matches!(error, StoreError::Exists(_) | StoreError::Unusable(_)) {
                self.doomed = Some(error.clone());
            }
            error
        })
    }

    pub(super) fn change_segments<T>(
        &mut self,
        write: impl FnOnce(&Connection, &mut Tail) -> std::result::Result<T, Failure>,
    ) -> Result<T> {
        let mut tail = std::mem::take(&mut self.tail);
        self.tail_touched = true;
        let done = self.change(|conn| write(conn, &mut tail));
        self.tail = tail;
        done
    }

    fn run_cached(&self, sql: &str) -> rusqlite::Result<()> {
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query([])?;
        while rows.next()?.is_some() {}
        Ok(())
    }

    pub(super) fn begin_transaction(&mut self) -> Result<()> {
        self.usable()?;
        if self.open {
            return Err(StoreError::Unusable("a transaction is open already".into()));
        }
        self.check_files()?;
        (self.writing, self.deleted, self.doomed, self.tail_touched) = (0, false, None, false);
        self.run_cached("BEGIN IMMEDIATE").map_err(|error| self.explain(error))?;
        self.open = true;
        let epoch =
            self.conn.prepare_cached(EPOCH).and_then(|mut query| query.query_row([], |row| row.get(0)));
        let checked = match epoch {
            Ok(epoch) if self.epoch == epoch => Ok(()),
            Ok(epoch) => Err(self.note(self.replaced(epoch))),
            Err(error) => Err(self.explain(error)),
        };
        if checked.is_err() {
            self.undo();
        }
        checked
    }

    fn replaced(&self, epoch: i64) -> StoreError {
        let owner = super::Owner::of(&self.dir).filter(|owner| owner.process.pid != self.pid);
        let who = owner
            .map_or_else(|| "another owner".to_owned(), |owner| format!("process {}", owner.process.pid));
        StoreError::Hijacked(format!(
            "{who} took over the store {} (owner {epoch}, we are {}). This process writes nothing to it any more; \
             something here may have opened and closed its lock file",
            self.dir.display(),
            self.epoch
        ))
    }

    pub(super) fn commit_transaction(&mut self) -> Result<()> {
        let done = self.try_commit();
        if done.is_err() {
            self.undo();
        }
        self.open = false;
        done?;
        // The commit is acknowledged from here on: what goes wrong below is heard at the next one.
        if self.deleted {
            self.checkpoint.scrub();
        }
        if let Err(error) = self.checkpoint.after_commit(&self.conn) {
            self.explain(error);
        }
        if let Some(files) = &mut self.files {
            files.make_room(self.checkpoint.used());
        }
        Ok(())
    }

    fn try_commit(&mut self) -> Result<()> {
        self.usable()?;
        if !self.open {
            return Err(StoreError::Unusable("there is no open transaction".into()));
        }
        if let Some(error) = self.doomed.take() {
            return Err(error);
        }
        if self.deleted {
            let vacuum = format!("PRAGMA incremental_vacuum({VACUUM_PAGES})");
            self.run_cached(&vacuum).map_err(|error| self.explain(error))?;
        }
        if self.tail.is_long() {
            self.change_segments(|conn, tail| Ok(tail.index(conn)?))?;
        }
        self.run_cached("COMMIT").map_err(|error| self.explain(error))?;
        self.check_files()
    }

    /// Ends the open transaction without its changes. Whatever goes wrong here leaves tables nobody knows: poison.
    pub(super) fn undo(&mut self) {
        if self.pid != platform::pid() {
            return;
        }
        self.open = false;
        self.doomed = None;
        if !self.conn.is_autocommit()
            && let Err(error) = self.run_cached("ROLLBACK")
        {
            let error = self.explain(error);
            self.note(StoreError::Io(format!("a transaction could not be rolled back: {error}")));
        }
        if std::mem::take(&mut self.tail_touched) {
            match Tail::load(&self.conn) {
                Ok(tail) => self.tail = tail,
                Err(error) => {
                    let error = self.explain(error);
                    self.note(StoreError::Io(format!(
                        "the journal could not be read after a rollback: {error}"
                    )));
                }
            }
        }
    }
}

const EPOCH: &str = "SELECT value FROM meta WHERE key = 'owner_epoch'";

/// From now on every older owner is refused.
fn next_epoch(conn: &Connection) -> rusqlite::Result<i64> {
    conn.query_row("UPDATE meta SET value = value + 1 WHERE key = 'owner_epoch' RETURNING value", [], |row| {
        row.get(0)
    })
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        if self.pid != platform::pid() {
            // A forked child: closing would give the parent's files a last checkpoint. Everything is left as it is.
            if let Some(files) = self.files.take() {
                std::mem::forget(files);
            }
            return;
        }
        self.undo();
        let strange = matches!(*self.poison.borrow(), Some(StoreError::Hijacked(_)));
        let untouched =
            strange && self.conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).is_ok();
        let guards = match self.files.take() {
            // Not our files any more: with the guards held, SQLite cannot delete anything.
            Some(files) if untouched => files.into_guards(),
            Some(files) => files.release(),
            None => Vec::new(),
        };
        // SAFETY: dropped here and nowhere else.
        unsafe { ManuallyDrop::drop(&mut self.conn) }
        self.registration.park(guards);
    }
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore")
            .field("dir", &self.dir)
            .field("epoch", &self.epoch)
            .finish_non_exhaustive()
    }
}
