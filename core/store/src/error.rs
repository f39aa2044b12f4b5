//! Everything that can go wrong below the engine, in one table.

use std::path::PathBuf;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// A run with this id is stored already. Never shown to users: the engine turns it into an answer.
    #[error("a run with the id {0} exists")]
    Exists(String),
    #[error("{message}")]
    Locked { path: PathBuf, pid: Option<u32>, message: String },
    #[error("{0}")]
    Full(String),
    #[error("{0}")]
    Corrupt(String),
    #[error("{0}")]
    Hijacked(String),
    #[error("{0}")]
    TooNew(String),
    /// Whoever owns it next brings it up to date; a visitor may not.
    #[error("{0}")]
    Outdated(String),
    #[error("{0}")]
    Unusable(String),
    #[error("{0}")]
    Io(String),
}

impl StoreError {
    /// The class of `agnt5.errors` that shows this to a user.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Locked { .. } => "StoreLocked",
            Self::Full(_) => "StoreFull",
            Self::Corrupt(_) => "StoreCorrupt",
            Self::Hijacked(_) => "StoreHijacked",
            Self::TooNew(_) => "StoreTooNew",
            Self::Exists(_) | Self::Outdated(_) | Self::Unusable(_) | Self::Io(_) => "StoreError",
        }
    }

    /// Whether the store refuses every later write. A full disk does not: it works again when there is room.
    pub fn poisons(&self) -> bool {
        !matches!(self, Self::Exists(_) | Self::Full(_) | Self::Locked { .. })
    }
}
