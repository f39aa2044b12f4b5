//! How a connection is set up, for the owner and for visitors.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::failure::Failure;
use crate::error::StoreError;

/// What survives what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Every acknowledged commit survives a power loss, if the disk honours flush.
    #[default]
    Full,
    /// A power loss may take the last commits (never the middle of the journal); a crash of the process takes none.
    Process,
}

impl Durability {
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Process => "process",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Full, Self::Process].into_iter().find(|level| level.name() == name)
    }
}

/// How long a connection waits for somebody else's lock.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// 3.7.0 to 3.51.2 can lose commits when two connections reset the WAL at once.
const OLDEST_SAFE: i32 = 3_051_003;

/// The version of the SQLite library in use.
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}

fn common(conn: &Connection) -> rusqlite::Result<()> {
    conn.set_prepared_statement_cache_capacity(64);
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    conn.execute_batch("PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON")
}

/// The owner's connection, in WAL mode; nothing is created but an empty file.
///
/// `secure_delete` overwrites what is deleted with zeros and `auto_vacuum` gives free pages back, so that a deleted run is
/// gone from the file; see `SqliteStore::commit` for its copy in the WAL.
pub(super) fn owner(file: &Path, durability: Durability) -> Result<Connection, Failure> {
    if rusqlite::version_number() < OLDEST_SAFE {
        let message =
            format!("this build has SQLite {}, which can lose commits; 3.51.3 is needed", sqlite_version());
        return Err(StoreError::Unusable(message).into());
    }
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(file, flags | OpenFlags::SQLITE_OPEN_NOFOLLOW)?;
    conn.busy_timeout(PATIENCE)?;
    common(&conn)?;
    conn.execute_batch(
        "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA secure_delete = ON; PRAGMA cache_size = -16384",
    )?;
    let mode: String = conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        let message = format!("{} cannot use a write-ahead log here (journal mode {mode})", file.display());
        return Err(StoreError::Unusable(message).into());
    }
    let synchronous = match durability {
        Durability::Full => "FULL",
        Durability::Process => "NORMAL",
    };
    // `fullfsync` makes macOS flush the disk's own cache; elsewhere it means nothing. Checkpoints are the store's own: an
    // automatic one would move pages of a WAL that is not known to be ours any more.
    conn.execute_batch(&format!(
        "PRAGMA synchronous = {synchronous}; PRAGMA fullfsync = {full}; PRAGMA checkpoint_fullfsync = {full};
         PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = 67108864",
        full = i32::from(durability == Durability::Full),
    ))?;
    Ok(conn)
}

/// A visitor's connection: it cannot write, and its close never checkpoints or deletes a WAL.
pub(super) fn visitor(file: &Path) -> Result<Connection, Failure> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let conn = Connection::open_with_flags(file, flags)?;
    conn.busy_timeout(PATIENCE)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    common(&conn)?;
    conn.execute_batch("PRAGMA cache_size = -4096")?;
    Ok(conn)
}
