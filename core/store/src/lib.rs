//! Where journals live.

mod error;
mod store;

pub use error::StoreError;
pub use store::*;
