//! What a run is: its entries, their bytes, and the rules by which a replay follows them.
//!
//! Pure: no clock, no I/O, no randomness. Time and bytes go in, decisions come out. The entries are the generated types
//! of `protos/agnt5/v1/journal.proto`; this crate adds their bytes on disk ([`segment`]), the cursor that replays them
//! ([`Tape`]), and the arithmetic of identity ([`identity`]) and retries ([`retry`]).

mod pb {
    #![allow(clippy::all)]
    include!(concat!(env!("OUT_DIR"), "/agnt5.v1.rs"));
}
pub mod diff;
mod divergence;
pub mod fork;
pub mod identity;
mod memo;
mod op;
mod outcome;
mod paths;
mod payloads;
pub mod portable;
pub mod retry;
mod reuse;
pub mod segment;
mod spill;
mod status;
mod tape;

pub use divergence::{Divergence, TapeError};
pub use op::{Ask, Op};
pub use outcome::Outcome;
pub use paths::Paths;
pub use pb::*;
pub use reuse::Reuse;
pub use spill::{INLINE_LIMIT, Spilled};
pub use status::Status;
pub use tape::{Answer, Arrival, Source, Taken, Tape};

/// Microseconds since 1970, UTC.
pub type Micros = i64;
/// An entry's position in its journal.
pub type Seq = u64;
/// The scope of a run's own body.
pub const ROOT: Seq = 0;
