//! The files under an open store, and whether they are still the ones it writes to.
//!
//! When another SQLite believes to be the last user of a database it deletes the WAL. An owner whose locks were dropped
//! (any `open` and `close` of the file in its process does that) would go on writing to the deleted file, and commits that
//! it acknowledges would be gone. Two answers: guards that keep anybody from being "the last", and a look at the files
//! before each commit is acknowledged, for what no lock can stop (`rm`, a replaced file).

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::platform::{FileId, Guard};

/// SQLite's SHARED range (`SHARED_FIRST` in os.h: PENDING_BYTE 0x40000000 + 2). An exclusive lock needs all 510 bytes.
const SHARED_FIRST: i64 = 0x4000_0002;
const SHARED_SIZE: i64 = 510;
/// `UNIX_SHM_DMS` in os_unix.c: held shared by everybody who has the shared memory mapped. Who can lock it exclusively
/// takes the memory for left over and truncates it.
const SHM_DMS: i64 = (22 + 8) * 4 + 8;

/// Room is made when less than this is left, so much at a time, and never beyond the size at which a WAL starts over.
const MARGIN: u64 = 128 << 10;
const CHUNK: u64 = 1 << 20;
const LONGEST: u64 = 16 << 20;
static ZEROS: [u8; CHUNK as usize] = [0; CHUNK as usize];

#[derive(Debug)]
struct Watched {
    path: PathBuf,
    id: FileId,
}

#[derive(Debug)]
pub(super) struct Files {
    watched: Vec<Watched>,
    /// For [`Files::make_room`] only. SQLite holds no locks on a WAL, so this one may be closed at any time.
    wal: File,
    guards: Vec<Guard>,
}

impl Files {
    /// Call it when SQLite has all three files open, which it has after its first transaction.
    pub fn watch(database: &Path) -> io::Result<Self> {
        let beside = |suffix: &str| {
            let mut name = database.as_os_str().to_owned();
            name.push(suffix);
            PathBuf::from(name)
        };
        let shm = beside("-shm");
        let watched = [database.to_owned(), beside("-wal"), shm.clone()];
        let watched = watched.map(|path| FileId::of(&path).map(|id| Watched { path, id }));
        let watched: Vec<_> = watched.into_iter().collect::<io::Result<_>>()?;
        let guards = vec![Guard::open(database, SHARED_FIRST, SHARED_SIZE)?, Guard::open(&shm, SHM_DMS, 1)?];
        let wal = OpenOptions::new().append(true).open(&watched[1].path)?;
        Ok(Self { watched, wal, guards })
    }

    /// Whether somebody else is about to delete the WAL; if not, from now on nobody is.
    pub fn guard(&self) -> Result<(), StoreError> {
        for (guard, file) in self.guards.iter().zip([&self.watched[0], &self.watched[2]]) {
            match guard.hold() {
                Ok(true) => {}
                Ok(false) => {
                    return Err(hijacked(
                        &file.path,
                        "is locked by another program that takes it for its own",
                    ));
                }
                Err(error) => {
                    return Err(StoreError::Io(format!("cannot lock {}: {error}", file.path.display())));
                }
            }
        }
        Ok(())
    }

    /// That what SQLite writes to is what the next process will read.
    pub fn check(&self) -> Result<(), StoreError> {
        if !Guard::LASTS {
            self.guard()?;
        }
        for file in &self.watched {
            match FileId::of(&file.path) {
                Ok(id) if id == file.id => {}
                Ok(_) => {
                    return Err(hijacked(
                        &file.path,
                        "was replaced by another file while the store was open",
                    ));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Err(hijacked(&file.path, "was deleted while the store was open"));
                }
                Err(error) => {
                    return Err(StoreError::Io(format!("cannot look at {}: {error}", file.path.display())));
                }
            }
        }
        Ok(())
    }

    /// Lets SQLite's close tidy up. The guards themselves must outlive every connection of this process.
    pub fn release(self) -> Vec<Guard> {
        for guard in &self.guards {
            guard.release();
        }
        self.guards
    }

    /// Writes zeros behind the WAL when its next frames would make the file longer. A sync of a file that grows also waits
    /// for the file system's own journal and takes two to three times as long. Zeros are no valid frame: a reader stops
    /// at them as it does at the frames of an older round.
    pub fn make_room(&mut self, used: u64) {
        let Ok(length) = self.wal.seek(SeekFrom::End(0)) else { return };
        // Where the WAL is longer than we think (a reader kept it from starting over) nothing is added: it is only a gift.
        if length < used + MARGIN && length + CHUNK <= LONGEST {
            // Without room for it the commit that needs it will say so.
            let _ = self.wal.write_all(&ZEROS);
        }
    }

    /// The guards as they are, to be kept.
    pub fn into_guards(self) -> Vec<Guard> {
        self.guards
    }
}

fn hijacked(path: &Path, what: &str) -> StoreError {
    StoreError::Hijacked(format!(
        "{} {what}. The last commit was not acknowledged and the store takes no more: another program (perhaps sqlite3 in \
         this process) got at the journal's files. Open the store again, and read it through agnt5 only",
        path.display()
    ))
}
