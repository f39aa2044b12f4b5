//! Where journals live: the storage seam, its reference in memory, and SQLite.
//!
//! A store keeps what it is given and decides nothing. It depends on the journal crate for words (status, kind) and looks
//! into a segment only to trim what a fork shares.

mod error;
mod faults;
mod memory;
pub mod platform;
mod record;
mod search;
mod sharing;
mod sqlite;
mod store;

pub use error::StoreError;
pub use faults::{Fault, FaultyStore, Moment};
pub use memory::MemoryStore;
pub use record::*;
pub use search::{query_words, words};
pub use sharing::overlay_suffix;
pub use sqlite::{Durability, Health, Owner, SqliteReader, SqliteStore, sqlite_version};
pub use store::*;
