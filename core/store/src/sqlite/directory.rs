//! The directory of a store: `journal.db` (with `-wal` and `-shm`), `lock`, `owner.json`, `socket`. Made so that only its
//! user can look in and no version control picks it up; refused where SQLite would lose data.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::platform;

/// Makes the directory if need be and returns its real path.
pub(super) fn prepare(dir: &Path) -> Result<PathBuf, StoreError> {
    let cannot = |doing: &'static str| move |error: io::Error| unusable(dir, doing, &error);
    let fresh = match fs::read_dir(dir) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(cannot("create"))?;
            true
        }
        Err(error) => return Err(unusable(dir, "open", &error)),
    };
    let dir = fs::canonicalize(dir).map_err(cannot("find"))?;
    refuse_network(&dir)?;
    if fresh {
        // Only where we start from nothing: in a directory with other things in it this would hide them from git.
        fs::write(dir.join(".gitignore"), "*\n").map_err(cannot("write to"))?;
    }
    Ok(dir)
}

pub(super) fn refuse_network(dir: &Path) -> Result<(), StoreError> {
    match platform::network_file_system(dir) {
        Ok(None) => Ok(()),
        Ok(Some(kind)) => Err(StoreError::Unusable(format!(
            "the store {} lies on a network file system ({kind}), where file locks and shared memory cannot be trusted and \
             journals get lost. Put it on a local disk",
            dir.display()
        ))),
        Err(error) => Err(unusable(dir, "examine the disk of", &error)),
    }
}

pub(super) fn unusable(dir: &Path, doing: &str, error: &io::Error) -> StoreError {
    let why = match error.raw_os_error() {
        Some(libc::EROFS) => "its file system is read-only. A store needs a writable local disk".to_owned(),
        Some(libc::EACCES | libc::EPERM) => {
            "no permission to write there. A store needs a directory that this user may write to".to_owned()
        }
        Some(libc::ENOSPC | libc::EDQUOT) => {
            let free = platform::free_bytes(dir).unwrap_or(0);
            return StoreError::Full(format!(
                "no room for the store {}: {free} bytes are free on its disk",
                dir.display()
            ));
        }
        _ => error.to_string(),
    };
    StoreError::Unusable(format!("cannot {doing} the store {}: {why}", dir.display()))
}
