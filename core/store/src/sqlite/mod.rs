//! The store on disk: one SQLite file in WAL mode, one owner process, any number of visitors.
//!
//! An acknowledged commit is in the file that the next process will open; where that cannot be told for sure, the commit is
//! not acknowledged and the store refuses all further writes. No file of a store may be opened by other means while a
//! connection is open in this process: closing it would drop SQLite's locks.

mod blobs;
mod checkpoint;
mod connection;
mod directory;
mod failure;
mod files;
mod owner;
mod read;
mod reader;
mod records;
mod registry;
mod rows;
mod schema;
mod store;
mod tables;
mod tail;
mod write;

pub use connection::{Durability, sqlite_version};
pub use owner::Owner;
pub use reader::{Health, SqliteReader};
pub use store::SqliteStore;
