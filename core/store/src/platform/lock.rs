//! Record locks. [`FileLock`] says who owns a store; [`Guard`] keeps others from taking an owner's WAL away.
//!
//! POSIX locks belong to the process: a forked child does not inherit them (an owner's death always frees the store), two
//! opens inside one process do not conflict (the registry sees to that), and closing any descriptor of the file drops them.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

fn record(kind: libc::c_int, start: i64, length: i64) -> libc::flock {
    // SAFETY: flock is plain integers; all zero is a valid value.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = kind as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    lock.l_start = start;
    lock.l_len = length;
    lock
}

fn control(file: &File, command: libc::c_int, lock: &mut libc::flock) -> io::Result<()> {
    // SAFETY: the descriptor is open and `lock` is a valid flock for the whole call.
    match unsafe { libc::fcntl(file.as_raw_fd(), command, lock as *mut libc::flock) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

fn conflicts(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EACCES))
}

/// An exclusive lock on a whole file that nothing else in this process may ever open. Freed by drop or death.
#[derive(Debug)]
pub struct FileLock {
    _file: File,
}

pub enum Attempt {
    Held(FileLock),
    /// Another process holds it; its pid, where it is visible from here.
    Taken(Option<u32>),
}

impl FileLock {
    /// Creates the file (mode 0600) when it is missing. Never waits.
    pub fn attempt(path: &Path) -> io::Result<Attempt> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW)
            .open(path)?;
        match control(&file, libc::F_SETLK, &mut record(libc::F_WRLCK, 0, 0)) {
            Ok(()) => Ok(Attempt::Held(Self { _file: file })),
            Err(error) if conflicts(&error) => {
                let mut holder = record(libc::F_WRLCK, 0, 0);
                control(&file, libc::F_GETLK, &mut holder)?;
                let known = holder.l_type != libc::F_UNLCK as libc::c_short && holder.l_pid > 0;
                Ok(Attempt::Taken(known.then_some(holder.l_pid as u32)))
            }
            Err(error) => Err(error),
        }
    }
}

/// A shared lock on the bytes that SQLite's exclusive locks would need, held through a descriptor of our own.
///
/// On Linux it is an open-file-description lock: no `close` elsewhere in the process drops it, and it conflicts even with
/// another SQLite library in the same process. So nobody can believe to be the last user of the database and delete the
/// WAL under its owner. A forked child may keep it alive after the owner's death, which stops nothing but that deletion.
/// Elsewhere it is a POSIX lock that [`Guard::hold`] must renew before each commit is acknowledged.
#[derive(Debug)]
pub struct Guard {
    file: File,
    start: i64,
    length: i64,
}

impl Guard {
    #[cfg(target_os = "linux")]
    const SET: libc::c_int = libc::F_OFD_SETLK;
    #[cfg(not(target_os = "linux"))]
    const SET: libc::c_int = libc::F_SETLK;
    /// Whether a lock once held stays, whatever this process opens and closes.
    pub const LASTS: bool = cfg!(target_os = "linux");

    /// Opens without locking. The caller must keep the guard until SQLite has closed the file in this process.
    pub fn open(path: &Path, start: i64, length: i64) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.custom_flags(libc::O_NOFOLLOW).open(path)?;
        Ok(Self { file, start, length })
    }

    /// False when somebody holds the exclusive lock already.
    pub fn hold(&self) -> io::Result<bool> {
        match control(&self.file, Self::SET, &mut record(libc::F_RDLCK, self.start, self.length)) {
            Ok(()) => Ok(true),
            Err(error) if conflicts(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Lets SQLite's own close clean up. The descriptor stays open.
    pub fn release(&self) {
        // Where the lock is a POSIX one it is SQLite's own as well, and SQLite gives it back itself.
        if Self::LASTS {
            let freed = control(&self.file, Self::SET, &mut record(libc::F_UNLCK, self.start, self.length));
            debug_assert!(freed.is_ok(), "unlocking a held descriptor cannot fail: {freed:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_guard_outlives_a_stray_close_and_stops_an_exclusive_lock_of_the_same_process() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let guard = Guard::open(&path, 100, 1).unwrap();
        assert!(guard.hold().unwrap());
        drop(File::open(&path).unwrap());
        let other = OpenOptions::new().read(true).write(true).open(&path).unwrap();
        let refused = control(&other, libc::F_SETLK, &mut record(libc::F_WRLCK, 90, 20)).unwrap_err();
        assert!(conflicts(&refused));
        guard.release();
        control(&other, libc::F_SETLK, &mut record(libc::F_WRLCK, 90, 20)).unwrap();
        assert!(!guard.hold().unwrap());
    }
}
