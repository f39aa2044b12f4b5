//! Why a request was not carried out.

use agnt5_store::StoreError;

/// A refusal changes nothing; the store is as it was before the request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The class of `agnt5.errors` that shows this to a user.
    pub class: &'static str,
    pub message: String,
    /// Process that owns the store, for StoreLocked.
    pub pid: Option<u32>,
}

impl Refusal {
    pub fn new(class: &'static str, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), pid: None }
    }

    pub fn not_found(id: &str) -> Self {
        Self::new("RunNotFound", format!("there is no run {id} in this store; `agnt5 runs` lists them"))
    }
}

impl From<&StoreError> for Refusal {
    fn from(error: &StoreError) -> Self {
        let pid = match error {
            StoreError::Locked { pid, .. } => *pid,
            _ => None,
        };
        Self { class: error.class(), message: error.to_string(), pid }
    }
}
