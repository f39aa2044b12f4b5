//! What a run is: its entries, their bytes, and the rules by which a replay follows them.
//!
//! Pure: no clock, no I/O, no randomness. Time and bytes go in, decisions come out.

mod pb {
    include!(concat!(env!("OUT_DIR"), "/agnt5.v1.rs"));
}
mod status;

pub use pb::*;
pub use status::Status;
