//! The cursor of one attempt over one journal: replaying, then live, then closed.
//!
//! It matches what code asks with what is recorded, appends what is new, and hands out recorded answers in recorded order.
//! It holds entries in memory and never stores them; whoever drives it takes the fresh ones out and commits them.

mod answers;
mod live;
mod scopes;
mod script;
mod writing;

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;

use self::answers::Answers;
use self::writing::{change_state, change_states};
use crate::entry::Body;
use crate::memo::Memo;
use crate::{
    CommandKind, ComponentKind, Entry, Micros, Op, Outcome, Payload, ROOT, Seq, Spilled, Started, TapeError,
    identity,
};

/// What a memo scope answers to a command.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Recorded already.
    Known(Outcome),
    /// Its effect has to be started (again), or its answer awaited.
    Pending,
}

/// Where an answer comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    #[default]
    World,
    /// An older run's command with this seq.
    Reused(Seq),
    /// A person.
    Given,
}

/// Something the world says to a live run.
#[derive(Clone, Debug)]
pub enum Arrival {
    Completed {
        seq: Seq,
        outcome: Outcome,
        logs: Bytes,
        meta: Bytes,
        began: Micros,
        source: Source,
    },
    /// The retry wait of this command is over.
    Retry {
        seq: Seq,
    },
    CancelRun,
}

impl Arrival {
    /// An answer that no code of this run made.
    pub fn known(seq: Seq, outcome: Outcome, source: Source) -> Self {
        Self::Completed { seq, outcome, logs: Bytes::new(), meta: Bytes::new(), began: 0, source }
    }
}

/// What the code is to be told next.
#[derive(Clone, Debug, PartialEq)]
pub enum Taken {
    Completed { seq: Seq, outcome: Outcome },
    Retry { seq: Seq },
    CancelRun,
}

/// A nested command found in the journal: by its place, with what became of it.
#[derive(Debug, Default)]
struct Nested {
    index: usize,
    outcome: Option<Outcome>,
    cancelled: bool,
    failed_attempts: u32,
    retry_at: Micros,
}

pub struct Tape {
    started: Started,
    /// Whether the run's own body is a script; nested scopes are always memos.
    script: bool,
    recorded: Vec<Entry>,
    /// Next entry the script cursor looks at.
    position: usize,
    nested: HashMap<Seq, Nested>,
    /// Nested commands by scope, in journal order.
    by_scope: HashMap<Seq, Vec<Seq>>,
    memos: HashMap<Seq, Memo>,
    occurrences: HashMap<Box<str>, u32>,
    ops: HashMap<Seq, Op>,
    state: BTreeMap<String, Payload>,
    length: Seq,
    now: Micros,
    last_at: Micros,
    replaying: bool,
    closed: bool,
    cancel_taken: bool,
    root_failures: u32,
    root_retry_at: Micros,
    fresh: Vec<Entry>,
    spilled: Vec<Spilled>,
    rearm: Vec<Seq>,
    orphans: Vec<String>,
    /// Ids of runs started here and not awaited.
    started_runs: HashMap<Seq, Box<str>>,
    /// Of a fork: where its own entries begin, and how far its clock is behind.
    cut: Seq,
    shift: Micros,
    answers: Answers,
}

impl Tape {
    /// Takes up a journal, whole and in order; entry 0 is `Started`.
    pub fn new(recorded: Vec<Entry>) -> Result<Self, TapeError> {
        let damaged = |what: &str| TapeError::Damaged(what.to_owned());
        let first = recorded.first().ok_or_else(|| damaged("it is empty"))?;
        let Some(Body::Started(started)) = &first.body else {
            return Err(damaged("its first entry is not the start of a run"));
        };
        if recorded.iter().enumerate().any(|(index, entry)| entry.seq != index as Seq) {
            return Err(damaged("entries are missing"));
        }
        let script = started.kind() == ComponentKind::Flow;
        let mut tape = Self {
            script,
            started: started.clone(),
            position: 1,
            nested: HashMap::new(),
            by_scope: HashMap::new(),
            memos: HashMap::new(),
            occurrences: HashMap::new(),
            ops: HashMap::new(),
            state: BTreeMap::new(),
            length: recorded.len() as Seq,
            now: first.at,
            last_at: recorded.last().map_or(first.at, |entry| entry.at),
            replaying: script && recorded.len() > 1,
            closed: false,
            cancel_taken: false,
            root_failures: 0,
            root_retry_at: 0,
            fresh: Vec::new(),
            spilled: Vec::new(),
            rearm: Vec::new(),
            orphans: Vec::new(),
            started_runs: HashMap::new(),
            cut: 0,
            shift: 0,
            answers: Answers::of(&recorded),
            recorded,
        };
        tape.index_memos();
        // A fork that shares nothing has no command before which its changes could be met.
        if tape.cut == 1
            && let Some(Body::Forked(forked)) = &tape.recorded[1].body
        {
            change_states(&mut tape.state, &forked.state);
        }
        Ok(tape)
    }

    /// The tape of a run that begins now.
    pub fn begin_run(started: Started, at: Micros) -> Result<Self, TapeError> {
        Self::new(vec![Entry { seq: 0, at, body: Some(Body::Started(started)) }])
    }

    pub(super) fn index_memos(&mut self) {
        for (index, entry) in self.recorded.iter().enumerate() {
            match &entry.body {
                Some(Body::Forked(forked)) => {
                    (self.cut, self.shift) = (entry.seq, forked.shift);
                    if !self.script {
                        change_states(&mut self.state, &forked.state);
                    }
                }
                Some(Body::Command(command)) if !self.script || command.scope != ROOT => {
                    if command.kind() == CommandKind::Cancel {
                        let target = command.target.parse().ok();
                        if let Some(nested) = target.and_then(|seq: Seq| self.nested.get_mut(&seq)) {
                            nested.cancelled = true;
                        }
                        continue;
                    }
                    if !self.script {
                        change_state(&mut self.state, command);
                    }
                    self.by_scope.entry(command.scope).or_default().push(entry.seq);
                    let nested = Nested { index, ..Nested::default() };
                    self.nested.insert(entry.seq, nested);
                }
                Some(Body::Completion(completion)) => {
                    if let Some(nested) = self.nested.get_mut(&completion.command) {
                        nested.outcome = Outcome::of_completion(&completion.outcome);
                    }
                }
                Some(Body::FailedAttempt(failed)) => {
                    if let Some(nested) = self.nested.get_mut(&failed.command) {
                        nested.failed_attempts = failed.attempt;
                        nested.retry_at = failed.retry_at;
                    } else if failed.command == ROOT && !self.script {
                        self.root_failures = failed.attempt;
                        self.root_retry_at = failed.retry_at;
                    }
                }
                Some(Body::CancelRequested(_)) => self.cancel_taken = true,
                _ => {}
            }
        }
    }

    pub fn started(&self) -> &Started {
        &self.started
    }

    pub fn run_id(&self) -> &str {
        &self.started.run_id
    }

    pub fn is_script(&self) -> bool {
        self.script
    }

    pub fn replaying(&self) -> bool {
        self.replaying
    }

    /// Recorded time of the last completion taken.
    pub fn now(&self) -> Micros {
        self.now
    }

    /// Entries, fresh ones included.
    pub fn length(&self) -> Seq {
        self.length
    }

    pub fn op(&self, seq: Seq) -> Option<&Op> {
        self.ops.get(&seq)
    }

    /// What idempotency keys and child ids of an open command are made of: the same for every attempt.
    pub fn identity(&self, seq: Seq) -> Option<[u8; 16]> {
        self.ops.get(&seq).map(|op| self.identity_of(op))
    }

    pub(super) fn identity_of(&self, op: &Op) -> [u8; 16] {
        op.identity.unwrap_or_else(|| identity::script_identity(&self.started.run_id, &op.path))
    }

    /// The run that this command made or awaits.
    pub fn child_id(&self, seq: Seq) -> Option<&str> {
        let recorded = || match &self.recorded.get(seq as usize)?.body {
            Some(Body::Command(command)) => Some(command.child_id.as_str()),
            _ => None,
        };
        let open = self.ops.get(&seq).map(|op| &*op.child_id);
        open.or_else(|| self.started_runs.get(&seq).map(|id| &**id)).or_else(recorded)
    }

    /// Open commands in journal order.
    pub fn open_ops(&self) -> Vec<(Seq, &Op)> {
        let mut open: Vec<_> = self.ops.iter().map(|(seq, op)| (*seq, op)).collect();
        open.sort_unstable_by_key(|(seq, _)| *seq);
        open
    }

    pub fn state(&self, name: &str) -> Option<&Payload> {
        self.state.get(name)
    }

    pub fn state_keys(&self) -> impl Iterator<Item = &str> {
        self.state.keys().map(String::as_str)
    }

    pub fn cancel_taken(&self) -> bool {
        self.cancel_taken
    }

    /// Seq of the next entry that this tape has not replayed; its length when there is none.
    pub fn position(&self) -> Seq {
        self.position.min(self.recorded.len()) as Seq
    }

    /// Whether anything is recorded that this tape has not replayed, for messages.
    pub fn next_recorded_entry(&self) -> Option<&Entry> {
        self.recorded[self.position.min(self.recorded.len())..]
            .iter()
            .find(|entry| self.script && !self.is_passed_over(entry))
    }

    /// Fresh entries and the payloads stored beside them, once.
    pub fn take_fresh(&mut self) -> (Vec<Entry>, Vec<Spilled>) {
        (std::mem::take(&mut self.fresh), std::mem::take(&mut self.spilled))
    }

    /// Open commands found in the journal whose answer the engine has to watch for again, once each.
    pub fn take_rearm(&mut self) -> Vec<Seq> {
        std::mem::take(&mut self.rearm)
    }

    /// Children that an ended run no longer awaits, once.
    pub fn take_orphans(&mut self) -> Vec<String> {
        std::mem::take(&mut self.orphans)
    }
}
