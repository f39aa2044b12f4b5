//! Quotas that keep one mistake from taking the whole store down.

/// What a run may ask for.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Runs with an attempt that is doing something, at once. Parked ones do not count.
    pub max_active: usize,
    pub max_children: u64,
    pub max_depth: u32,
    /// Bytes of one payload.
    pub max_payload: usize,
    /// Attempts in a row that ended with the process and recorded nothing.
    pub max_crashes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_active: 1_000,
            max_children: 10_000,
            max_depth: 32,
            max_payload: 256 << 20,
            max_crashes: 5,
        }
    }
}
