//! What the engine is asked to do.

use std::collections::HashMap;

use agnt5_journal::{ComponentKind, Entry, Micros, Op, Rerun, Seq, Spilled};
use agnt5_store::RunNum;
use bytes::Bytes;

use crate::memory::MemoryChange;

/// Finds the reply to a request; 0 for requests nobody waits for.
pub type Ticket = u64;

/// A run to be started from outside.
#[derive(Clone, Debug)]
pub struct StartRun {
    pub id: String,
    pub component: String,
    pub kind: ComponentKind,
    pub input: Bytes,
    pub code: Bytes,
    pub code_digest: Bytes,
    pub python: String,
    pub tags: String,
    /// `"Class\nkey"` for the call of an object's method.
    pub object: String,
    /// The older run that it takes answers from.
    pub rerun_of: Option<Rerun>,
}

/// A run that begins with the first entries of another.
#[derive(Clone, Debug)]
pub struct ForkRun {
    pub id: String,
    pub origin_id: String,
    /// The cut is at the last position that is not after this entry.
    pub at: Seq,
    /// Another input: then nothing but the start is shared.
    pub input: Option<Bytes>,
    /// Another version of the code; empty digest: the same.
    pub code: Bytes,
    pub code_digest: Bytes,
    /// It may ask otherwise after the last shared answer.
    pub other_code: bool,
    /// Answers to commands after the cut, by path.
    pub outcomes: Vec<(String, Decision)>,
    /// Execution-scoped state from the cut on; `None` deletes.
    pub state: Vec<(String, Option<Bytes>)>,
    /// What was in flight at the cut gets the answer it had; otherwise it is done again.
    pub reuse: bool,
    /// Object calls act on copies.
    pub overlay: bool,
}

/// A run of the same component as an older one, with answers of that where everything is the same.
#[derive(Clone, Debug)]
pub struct RerunRun {
    pub id: String,
    pub origin_id: String,
    /// Another input; `None`: the same.
    pub input: Option<Bytes>,
    /// Names of steps that are executed in any case.
    pub always: Vec<String>,
}

/// The code that a new run runs, as its start records it.
#[derive(Clone, Debug, Default)]
pub struct Code {
    pub digest: Bytes,
    pub source: Bytes,
    /// Minor version, "3.11".
    pub python: String,
}

/// New entries of a leased run.
#[derive(Debug)]
pub struct Append {
    pub num: RunNum,
    pub key: u64,
    pub epoch: u64,
    pub entries: Vec<Entry>,
    pub spilled: Vec<Spilled>,
    /// Commands found open in the journal, to be watched again.
    pub rearm: Vec<(Seq, Op)>,
    /// Children that the run awaited when it ended: they are asked to stop.
    pub orphans: Vec<String>,
    /// Of the runs that these entries make, by id. Unknown for what another process serves.
    pub codes: Vec<(String, Code)>,
    /// Only durable waits are left.
    pub parked: bool,
}

/// A person's word on a step whose outcome is unknown.
#[derive(Clone, Debug)]
pub enum Decision {
    Value(Bytes),
    Failure(Bytes),
    Retry,
}

#[derive(Debug)]
pub enum Request {
    Serve {
        component: String,
    },
    Start(Box<StartRun>),
    Fork(Box<ForkRun>),
    Rerun(Box<RerunRun>),
    Append(Box<Append>),
    /// The attempt is over without an end.
    Release {
        num: RunNum,
        epoch: u64,
    },
    /// The attempt stops and waits for a person.
    Stop {
        num: RunNum,
        epoch: u64,
        reason: String,
    },
    SendEvent {
        name: String,
        payload: Bytes,
        id: String,
        run_id: String,
        keep: Micros,
    },
    Cancel {
        run_id: String,
    },
    Pause {
        run_id: String,
        reason: String,
    },
    Resume {
        run_id: String,
        decisions: HashMap<String, Decision>,
    },
    Fail {
        run_id: String,
        failure: Bytes,
    },
    Delete {
        run_id: String,
    },
    Prune {
        before: Micros,
    },
    Memory(Box<MemoryChange>),
    /// Marks every live run interrupted; the engine is about to stop.
    Close,
}

/// The answer to a request that was carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    Done,
    /// Whether anything changed; each request says what that means.
    Changed(bool),
    Count(u64),
}
