//! Which stores this process has open. POSIX locks do not conflict within a process, so a second owner is refused here; and
//! closing a descriptor of a file drops the locks on it, so those we keep on database files are closed with the last handle.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::time::Duration;

use crate::error::StoreError;
use crate::platform::{self, FileId, Guard};

struct Entry {
    /// The process that opened it. A forked child inherits the table, and with it what it must not touch.
    pid: u32,
    handles: u32,
    owned: bool,
    /// Guards of owners that are gone: closing them now would take the locks of the handles that are left.
    parked: Vec<Guard>,
}

static OPEN: Mutex<BTreeMap<FileId, Entry>> = Mutex::new(BTreeMap::new());

/// One open handle on a store; owner or visitor.
#[derive(Debug)]
pub(super) struct Registration {
    dir: FileId,
    pid: u32,
    owner: bool,
}

/// The mutex is held for moments only. But in a child that was forked while another thread held it nobody will ever free
/// it, so waiting is bounded.
fn open() -> Option<MutexGuard<'static, BTreeMap<FileId, Entry>>> {
    for _ in 0..10_000 {
        match OPEN.try_lock() {
            Ok(guard) => return Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_micros(100)),
        }
    }
    None
}

/// What a process hears that was forked from one that has this store open.
pub(super) fn forked(dir: &Path) -> StoreError {
    StoreError::Unusable(format!(
        "this process was forked from one that has the store {} open, and SQLite cannot be used on both sides of a fork. \
         Start the process with \"spawn\" instead, or close the store before the fork",
        dir.display()
    ))
}

impl Registration {
    pub fn new(dir: &Path, owner: bool) -> Result<Self, StoreError> {
        let id = FileId::of(dir).map_err(|error| {
            StoreError::Unusable(format!("there is no store at {}: {error}", dir.display()))
        })?;
        let pid = platform::pid();
        let mut open = open().ok_or_else(|| forked(dir))?;
        let entry = open.entry(id).or_insert(Entry { pid, handles: 0, owned: false, parked: Vec::new() });
        if entry.pid != pid {
            return Err(forked(dir));
        }
        if owner && entry.owned {
            return Err(StoreError::Locked {
                path: dir.to_owned(),
                pid: Some(pid),
                message: format!(
                    "the store {} is open in this process already (pid {pid}); use that runtime, or close it first",
                    dir.display()
                ),
            });
        }
        entry.handles += 1;
        entry.owned |= owner;
        Ok(Self { dir: id, pid, owner })
    }

    /// Keeps the guards until no handle on this store is left in this process.
    pub fn park(&self, guards: impl IntoIterator<Item = Guard>) {
        if let Some(entry) = open().as_mut().and_then(|open| open.get_mut(&self.dir)) {
            entry.parked.extend(guards);
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if self.pid != platform::pid() {
            return;
        }
        let Some(mut open) = open() else { return };
        let Some(entry) = open.get_mut(&self.dir) else {
            return;
        };
        entry.handles -= 1;
        entry.owned &= !self.owner;
        if entry.handles == 0 {
            open.remove(&self.dir);
        }
    }
}
