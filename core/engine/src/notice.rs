//! What the engine tells those who drive runs.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use agnt5_journal::{Arrival, Entry, Reuse, Seq, Status};
use agnt5_store::{RunNum, RunRow};
use parking_lot::Mutex;

use crate::request::Decision;

/// Answers that reached a leased run and were not taken yet.
pub type Inbox = Arc<Mutex<VecDeque<Arrival>>>;

/// The right to drive one run, until its epoch is outdated.
#[derive(Debug)]
pub struct Lease {
    pub num: RunNum,
    /// Unique among the leases of this engine.
    pub key: u64,
    pub epoch: u64,
    pub row: RunRow,
    pub entries: Vec<Entry>,
    pub inbox: Inbox,
    /// Why an earlier attempt did not finish; empty when the run was only evicted or is new.
    pub resumed: String,
    /// A person resumed it, knowing that a body of its own that may run once may have run.
    pub by_person: bool,
    /// That person's word on uncertain steps, by path.
    pub decisions: HashMap<String, Decision>,
    /// In a rerun: what it may take from the older run.
    pub reuse: Option<Reuse>,
}

#[derive(Debug)]
pub enum Notice {
    Leased(Box<Lease>),
    /// Entries up to and including `seq` are durable.
    Durable {
        key: u64,
        seq: Seq,
    },
    /// The inbox has something.
    Arrived {
        key: u64,
    },
    Ended {
        run_id: String,
        status: Status,
    },
    /// The attempt is dead: whatever it would still write is refused.
    Lost {
        key: u64,
        class: &'static str,
        message: String,
    },
}
