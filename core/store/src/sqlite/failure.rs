//! From SQLite's errors to the store's. What SQLite says is kept; which store, and what to do, is added.

use std::path::Path;

use rusqlite::{Connection, Error, ErrorCode, ffi};

use crate::error::StoreError;
use crate::platform;

/// An error below the seam, before it knows which store it belongs to.
#[derive(Debug)]
pub(super) enum Failure {
    Sqlite(Error),
    Store(StoreError),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Failure {
    /// `writing` is the number of bytes the transaction was about to add, for the message of a full disk.
    pub fn explain(self, conn: &Connection, dir: &Path, writing: u64) -> StoreError {
        match self {
            Self::Store(error) => error,
            Self::Sqlite(error) => {
                // SAFETY: the connection is open, and this only reads a number it holds.
                let errno = unsafe { ffi::sqlite3_system_errno(conn.handle()) };
                explain(&error, errno, dir, writing)
            }
        }
    }
}

fn explain(error: &Error, errno: i32, dir: &Path, writing: u64) -> StoreError {
    let store = dir.display();
    let Error::SqliteFailure(failure, _) = error else {
        return match error {
            Error::FromSqlConversionFailure(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::InvalidColumnType(..) => corrupt(dir, error),
            _ => StoreError::Unusable(format!("the store {store} could not do this: {error}")),
        };
    };
    match failure.code {
        ErrorCode::DiskFull => full(dir, writing),
        ErrorCode::SystemIoFailure if no_room(failure.extended_code, errno) => full(dir, writing),
        ErrorCode::SystemIoFailure => StoreError::Io(format!(
            "the disk of the store {store} failed: {error} (system error {errno}). What was not acknowledged may be lost; \
             the store refuses writes until it is opened again"
        )),
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => corrupt(dir, error),
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Locked {
            path: dir.to_owned(),
            pid: None,
            message: format!(
                "another program holds {store}/journal.db open for writing: {error}. End it and try again"
            ),
        },
        ErrorCode::ReadOnly if failure.extended_code == ffi::SQLITE_READONLY_DBMOVED => {
            StoreError::Hijacked(format!("{store}/journal.db was moved or replaced while it was open"))
        }
        ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied => StoreError::Unusable(
            format!("{store}/journal.db cannot be opened for this: {error} (system error {errno})"),
        ),
        _ => StoreError::Unusable(format!("the store {store} could not do this: {error}")),
    }
}

/// A write that failed for want of room changed nothing that counts. A sync that did is another matter: the kernel may have
/// dropped the pages, so that stays an I/O error.
fn no_room(extended: i32, errno: i32) -> bool {
    let write =
        matches!(extended, ffi::SQLITE_IOERR_WRITE | ffi::SQLITE_IOERR_TRUNCATE | ffi::SQLITE_IOERR_SHMSIZE);
    write && matches!(errno, libc::ENOSPC | libc::EDQUOT | libc::EFBIG)
}

fn full(dir: &Path, writing: u64) -> StoreError {
    let free = platform::free_bytes(dir)
        .map_or_else(|_| "an unknown number of".to_owned(), |bytes| bytes.to_string());
    StoreError::Full(format!(
        "no room for the store {}: {writing} bytes were to be written, {free} bytes are free on its disk \
         (a quota or file size limit may allow less). Nothing of this commit was kept; make room and go on",
        dir.display()
    ))
}

fn corrupt(dir: &Path, error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Corrupt(format!(
        "the store {} is damaged: {error}. It refuses writes; what can still be read can be saved with a backup, \
         and `PRAGMA integrity_check` on that copy tells more",
        dir.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(code: i32, errno: i32) -> &'static str {
        let error = Error::SqliteFailure(ffi::Error::new(code), None);
        explain(&error, errno, Path::new("/s"), 10).class()
    }

    #[test]
    fn room_is_told_from_a_failing_disk() {
        assert_eq!(class(ffi::SQLITE_FULL, 0), "StoreFull");
        assert_eq!(class(ffi::SQLITE_IOERR_WRITE, libc::EDQUOT), "StoreFull");
        assert_eq!(class(ffi::SQLITE_IOERR_WRITE, libc::EIO), "StoreError");
        let sync = Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_IOERR_FSYNC), None);
        assert!(matches!(explain(&sync, libc::ENOSPC, Path::new("/s"), 0), StoreError::Io(_)));
        assert_eq!(class(ffi::SQLITE_CORRUPT_INDEX, 0), "StoreCorrupt");
        assert_eq!(class(ffi::SQLITE_NOTADB, 0), "StoreCorrupt");
        assert_eq!(class(ffi::SQLITE_BUSY, 0), "StoreLocked");
        assert_eq!(class(ffi::SQLITE_READONLY_DBMOVED, 0), "StoreHijacked");
    }
}
