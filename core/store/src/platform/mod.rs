//! What differs between operating systems: record locks, process identity, file identity, file systems, peers.
//!
//! Everything above this module is the same on every platform. Linux and macOS are supported; another target fails to
//! compile here instead of losing data later. Nothing here may open a database file and close it again: closing *any*
//! descriptor of a file drops every POSIX lock this process holds on it.

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
compile_error!("agnt5-store needs POSIX record locks and supports Linux and macOS only");

mod file;
mod lock;
mod peer;
mod process;

pub use file::{FileId, free_bytes, network_file_system};
pub use lock::{Attempt, FileLock, Guard};
pub use peer::peer_uid;
pub use process::{ProcessId, pid};
