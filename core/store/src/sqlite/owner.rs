//! Who owns a store: a record lock on `lock`, and `owner.json` beside it for everybody who wants to know.
//!
//! Nothing but [`claim`] ever opens `lock`. The file `owner.json` is written by rename and may be read at any time; it is
//! believed only while the process it names runs.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::error::StoreError;
use crate::platform::{Attempt, FileLock, ProcessId, pid};
use crate::store::Micros;

/// The process that owns a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    pub process: ProcessId,
    /// When it opened the store.
    pub started: Micros,
}

/// Held for as long as the store is owned.
#[derive(Debug)]
pub(super) struct Claim {
    dir: PathBuf,
    owner: Owner,
    _lock: FileLock,
}

impl Owner {
    /// What `owner.json` says; `None` when there is none or it is no such record.
    fn recorded(dir: &Path) -> Option<Self> {
        let record: Value = serde_json::from_slice(&fs::read(dir.join("owner.json")).ok()?).ok()?;
        let process = ProcessId {
            pid: record["pid"].as_u64()?.try_into().ok()?,
            start: record["process_start"].as_u64()?,
            boot: record["boot"].as_str()?.to_owned(),
        };
        Some(Self { process, started: record["started"].as_i64()? })
    }

    /// The owner of the store in `dir`, if it is alive.
    pub fn of(dir: &Path) -> Option<Self> {
        Self::recorded(dir).filter(|owner| owner.process.is_alive())
    }

    fn write(&self, dir: &Path) -> io::Result<()> {
        let record = json!({
            "pid": self.process.pid,
            "process_start": self.process.start,
            "boot": self.process.boot,
            "started": self.started,
        });
        let fresh = dir.join(format!("owner.json.{}", self.process.pid));
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        file.write_all(format!("{record}\n").as_bytes())?;
        fs::rename(fresh, dir.join("owner.json"))
    }
}

impl Drop for Claim {
    /// Removes the record, if it still is ours; the lock goes right after.
    fn drop(&mut self) {
        let ours =
            self.owner.process.pid == pid() && Owner::recorded(&self.dir).as_ref() == Some(&self.owner);
        if ours {
            // Failing is harmless but for others in this process' lifetime: they would be told it still owns the store.
            let _ = fs::remove_file(self.dir.join("owner.json"));
        }
    }
}

fn now() -> Micros {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as Micros)
}

/// Makes this process the owner, or says who is. The registry must have let us through: a second call in one process
/// would drop the lock of the first.
pub(super) fn claim(dir: &Path) -> Result<Claim, StoreError> {
    let lock = match FileLock::attempt(&dir.join("lock")) {
        Ok(Attempt::Held(lock)) => lock,
        Ok(Attempt::Taken(holder)) => return Err(taken(dir, holder, "")),
        Err(error) => return Err(super::directory::unusable(dir, "take the lock of", &error)),
    };
    if let Some(living) = Owner::of(dir).filter(|owner| owner.process.pid != pid()) {
        // It lives and its lock is gone: something in it opened and closed the lock file.
        return Err(taken(dir, Some(living.process.pid), " (its lock was dropped, but it is alive)"));
    }
    let owner = Owner { process: ProcessId::current(), started: now() };
    owner.write(dir).map_err(|error| super::directory::unusable(dir, "write owner.json in", &error))?;
    Ok(Claim { dir: dir.to_owned(), owner, _lock: lock })
}

fn taken(dir: &Path, holder: Option<u32>, remark: &str) -> StoreError {
    let pid = holder.or_else(|| Owner::of(dir).map(|owner| owner.process.pid));
    let who = pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"));
    StoreError::Locked {
        path: dir.to_owned(),
        pid,
        message: format!(
            "the store {} is owned by {who}{remark}. One process owns a store: reading works beside it, events and cancels \
             reach it through its socket. To take over, end that process; or choose another store",
            dir.display()
        ),
    }
}
