//! The cursor of one attempt over one journal: replaying, then live, then closed.
//!
//! It matches what code asks with what is recorded, appends what is new, and hands out recorded answers in recorded order.
//! It holds entries in memory and never stores them; whoever drives it takes the fresh ones out and commits them.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;

use crate::divergence::{describe, describe_recorded};
use crate::entry::Body;
use crate::memo::{Found, Memo, Record};
use crate::{
    Ask, CancelRequested, Command, CommandKind, Completion, ComponentKind, Divergence, Effect,
    Ended, Entry, FailedAttempt, Micros, Op, Outcome, Payload, ROOT, Resumed, Seq, Spilled,
    Started, TapeError, identity,
};

/// What a memo scope answers to a command.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Recorded already.
    Known(Outcome),
    /// Its effect has to be started (again), or its answer awaited.
    Pending,
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
    },
    /// The retry wait of this command is over.
    Retry {
        seq: Seq,
    },
    CancelRun,
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
    /// Ids of runs started here and not awaited.
    started_runs: HashMap<Seq, Box<str>>,
}

impl Tape {
    /// Takes up a journal, whole and in order; entry 0 is `Started`.
    pub fn new(recorded: Vec<Entry>) -> Result<Self, TapeError> {
        let damaged = |what: &str| TapeError::Damaged(what.to_owned());
        let first = recorded.first().ok_or_else(|| damaged("it is empty"))?;
        let Some(Body::Started(started)) = &first.body else {
            return Err(damaged("its first entry is not the start of a run"));
        };
        if recorded
            .iter()
            .enumerate()
            .any(|(index, entry)| entry.seq != index as Seq)
        {
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
            started_runs: HashMap::new(),
            recorded,
        };
        tape.index_memos();
        Ok(tape)
    }

    /// The tape of a run that begins now.
    pub fn begin_run(started: Started, at: Micros) -> Result<Self, TapeError> {
        Self::new(vec![Entry {
            seq: 0,
            at,
            body: Some(Body::Started(started)),
        }])
    }

    fn index_memos(&mut self) {
        for (index, entry) in self.recorded.iter().enumerate() {
            match &entry.body {
                Some(Body::Command(command)) if !self.script || command.scope != ROOT => {
                    if command.kind() == CommandKind::Cancel {
                        let target = command.target.parse().ok();
                        if let Some(nested) = target.and_then(|seq: Seq| self.nested.get_mut(&seq))
                        {
                            nested.cancelled = true;
                        }
                        continue;
                    }
                    if !self.script {
                        change_state(&mut self.state, command);
                    }
                    self.by_scope
                        .entry(command.scope)
                        .or_default()
                        .push(entry.seq);
                    let nested = Nested {
                        index,
                        ..Nested::default()
                    };
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

    /// The run that this command made or awaits.
    pub fn child_id(&self, seq: Seq) -> Option<&str> {
        let recorded = || match &self.recorded.get(seq as usize)?.body {
            Some(Body::Command(command)) => Some(command.child_id.as_str()),
            _ => None,
        };
        let open = self.ops.get(&seq).map(|op| &*op.child_id);
        open.or_else(|| self.started_runs.get(&seq).map(|id| &**id))
            .or_else(recorded)
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

    /// Whether anything is recorded that this tape has not replayed, for messages.
    pub fn next_recorded_entry(&self) -> Option<&Entry> {
        self.recorded[self.position.min(self.recorded.len())..]
            .iter()
            .find(|entry| self.script && !self.is_passed_over(entry))
    }

    /// Fresh entries and the payloads stored beside them, once.
    pub fn take_fresh(&mut self) -> (Vec<Entry>, Vec<Spilled>) {
        (
            std::mem::take(&mut self.fresh),
            std::mem::take(&mut self.spilled),
        )
    }

    /// Open commands found in the journal whose answer the engine has to watch for again, once each.
    pub fn take_rearm(&mut self) -> Vec<Seq> {
        std::mem::take(&mut self.rearm)
    }

    // ---- the script -------------------------------------------------------------------------------------------------

    /// A command of the script. Returns its seq.
    pub fn command(&mut self, ask: &Ask, at: Micros) -> Result<Seq, TapeError> {
        self.check_open()?;
        let digest = identity::digest(&ask.input);
        let occurrence = self.occurrences.get(ask.name).copied().unwrap_or(0);
        if let Some(index) = self.next_script_index() {
            return self.match_recorded(index, ask, digest, occurrence);
        }
        self.replaying = false;
        if ask.kind == CommandKind::Cancel {
            return Ok(self.cancel(ROOT, ask, digest, at));
        }
        let path = segment_of(ask.name, occurrence);
        let identity = identity::script_identity(&self.started.run_id, &path);
        let command = self.build(ask, ROOT, digest, occurrence, 0, 0, &identity);
        self.count(ask.name, occurrence);
        Ok(self.append_command(command, path, identity, at))
    }

    fn match_recorded(
        &mut self,
        index: usize,
        ask: &Ask,
        digest: Bytes,
        occurrence: u32,
    ) -> Result<Seq, TapeError> {
        let entry = &self.recorded[index];
        let path = segment_of(ask.name, occurrence);
        let actual = || describe(ask.kind, ask.name, &digest);
        let command = match &entry.body {
            Some(Body::Command(command)) => command,
            other => {
                let expected = match other {
                    Some(Body::Ended(_)) => "the end of the run",
                    Some(Body::CancelRequested(_)) => "no command: the run was cancelled here",
                    _ => "no further command at this point",
                };
                return Err(Divergence {
                    seq: entry.seq,
                    expected: expected.to_owned(),
                    actual: actual(),
                    path,
                }
                .into());
            }
        };
        let same = command.kind() == ask.kind
            && command.name == ask.name
            && command.digest == digest
            && command.target == ask.target;
        if !same {
            return Err(Divergence {
                seq: entry.seq,
                expected: describe_recorded(command),
                actual: actual(),
                path,
            }
            .into());
        }
        let seq = entry.seq;
        let identity = identity::script_identity(&self.started.run_id, &path);
        let op = Op::of(command, path, identity, true);
        let command = command.clone();
        self.position = index + 1;
        self.count(ask.name, occurrence);
        self.open(seq, &command, op);
        Ok(seq)
    }

    /// The next recorded answer for the script; `None` when the journal has no more (then the tape is live).
    pub fn take_recorded(&mut self) -> Result<Option<Taken>, TapeError> {
        if !self.replaying {
            return Ok(None);
        }
        let Some(index) = self.next_script_index() else {
            self.replaying = false;
            return Ok(None);
        };
        let entry = &self.recorded[index];
        let (seq, at) = (entry.seq, entry.at);
        let taken = match &entry.body {
            Some(Body::Completion(completion)) => {
                let outcome = Outcome::of_completion(&completion.outcome)
                    .ok_or_else(|| TapeError::Damaged(format!("entry {seq} has no outcome")))?;
                let command = completion.command;
                if self.ops.remove(&command).is_none() {
                    return Err(Divergence {
                        seq,
                        path: String::new(),
                        expected: format!("an answer to the command at entry {command}"),
                        actual: "no such command is open".to_owned(),
                    }
                    .into());
                }
                self.memos.remove(&command);
                Taken::Completed {
                    seq: command,
                    outcome,
                }
            }
            Some(Body::CancelRequested(_)) => Taken::CancelRun,
            Some(Body::Ended(_)) => {
                self.closed = true;
                self.replaying = false;
                return Ok(None);
            }
            Some(Body::Command(command)) => {
                return Err(Divergence {
                    seq,
                    path: segment_of(&command.name, command.occurrence),
                    expected: describe_recorded(command),
                    actual: "nothing: the code waits or has returned".to_owned(),
                }
                .into());
            }
            _ => return Err(TapeError::Damaged(format!("entry {seq} cannot be read"))),
        };
        self.now = at;
        self.position = index + 1;
        Ok(Some(taken))
    }

    /// The index of the next entry that concerns the script, after taking note of those it passes over.
    fn next_script_index(&mut self) -> Option<usize> {
        if !self.replaying {
            return None;
        }
        while let Some(entry) = self.recorded.get(self.position) {
            if !self.is_passed_over(entry) {
                return Some(self.position);
            }
            match &entry.body {
                Some(Body::Command(command)) => change_state(&mut self.state, command),
                Some(Body::FailedAttempt(failed)) => {
                    if let Some(op) = self.ops.get_mut(&failed.command) {
                        op.failed_attempts = failed.attempt;
                        op.retry_at = failed.retry_at;
                    }
                }
                _ => {}
            }
            self.position += 1;
        }
        None
    }

    fn is_passed_over(&self, entry: &Entry) -> bool {
        match &entry.body {
            Some(Body::Command(command)) => command.scope != ROOT,
            Some(Body::Completion(completion)) => self.nested.contains_key(&completion.command),
            Some(Body::FailedAttempt(_) | Body::Resumed(_)) => true,
            _ => false,
        }
    }

    fn count(&mut self, name: &str, occurrence: u32) {
        match self.occurrences.get_mut(name) {
            Some(counter) => *counter = occurrence + 1,
            None => {
                self.occurrences.insert(name.into(), occurrence + 1);
            }
        }
    }

    // ---- memos ------------------------------------------------------------------------------------------------------

    /// The body of a memo scope starts, perhaps again. Returns its attempt, from 1.
    pub fn begin(&mut self, scope: Seq) -> Result<u32, TapeError> {
        self.check_open()?;
        let failures = if scope == ROOT {
            if self.script {
                return Err(TapeError::Damaged("a flow's body is no memo".to_owned()));
            }
            self.root_failures
        } else {
            let op = self.ops.get(&scope);
            op.ok_or_else(|| TapeError::Damaged(format!("entry {scope} is no open function")))?
                .failed_attempts
        };
        self.memo(scope).begin(failures + 1);
        Ok(failures + 1)
    }

    fn memo(&mut self, scope: Seq) -> &mut Memo {
        if !self.memos.contains_key(&scope) {
            let memo = self.load_memo(scope);
            self.memos.insert(scope, memo);
        }
        self.memos.get_mut(&scope).expect("it was just put there")
    }

    fn load_memo(&self, scope: Seq) -> Memo {
        let mut memo = match self.ops.get(&scope) {
            Some(op) => Memo::new(op.identity, op.path.to_string()),
            None => Memo::new(
                identity::script_identity(&self.started.run_id, ""),
                String::new(),
            ),
        };
        for seq in self.by_scope.get(&scope).into_iter().flatten() {
            let nested = &self.nested[seq];
            let Some(Body::Command(command)) = &self.recorded[nested.index].body else {
                continue;
            };
            let identity = memo.identity_of(
                command.kind(),
                &command.name,
                &command.digest,
                command.r#use,
            );
            let outcome = match command.kind().is_immediate() {
                true => Some(Outcome::Value(Payload::inline(Bytes::new()))),
                false => nested.outcome.clone(),
            };
            let path = memo_path(
                &memo.path,
                &command.name,
                command.occurrence,
                command.generation,
                false,
            );
            memo.load(
                identity,
                &command.name,
                command.occurrence,
                Record {
                    seq: *seq,
                    generation: command.generation,
                    outcome,
                    cancelled: nested.cancelled,
                    failed_attempts: nested.failed_attempts,
                    retry_at: nested.retry_at,
                    due: command.due,
                    child_id: command.child_id.clone(),
                    path,
                    at_most_once: command.effect() == Effect::AtMostOnce,
                },
            );
        }
        memo
    }

    /// A command of a memo scope.
    pub fn ask(&mut self, scope: Seq, ask: &Ask, at: Micros) -> Result<(Seq, Answer), TapeError> {
        self.check_open()?;
        if scope != ROOT && !self.ops.contains_key(&scope) {
            return Err(TapeError::Closed);
        }
        let digest = identity::digest(&ask.input);
        if ask.kind == CommandKind::Cancel {
            let seq = self.cancel(scope, ask, digest, at);
            return Ok((seq, known_empty()));
        }
        let memo = self.memo(scope);
        let generation = memo.generation;
        let (asked, found) = memo.ask(ask.kind, ask.name, digest);
        match found {
            Found::Answer(seq, outcome) => Ok((seq, Answer::Known(outcome))),
            Found::Open(record) => {
                self.reopen(scope, ask, asked.identity, &record);
                Ok((record.seq, Answer::Pending))
            }
            Found::New { occurrence, marked } => {
                let path = memo_path(&memo.path, ask.name, occurrence, generation, marked);
                let command = self.build(
                    ask,
                    scope,
                    asked.digest,
                    occurrence,
                    generation,
                    asked.uses,
                    &asked.identity,
                );
                let record = Record {
                    seq: self.length,
                    generation,
                    outcome: None,
                    cancelled: false,
                    failed_attempts: 0,
                    retry_at: 0,
                    due: command.due,
                    child_id: command.child_id.clone(),
                    path: path.clone(),
                    at_most_once: ask.at_most_once,
                };
                self.memo(scope)
                    .load(asked.identity, ask.name, occurrence, record);
                let seq = self.append_command(command, path, asked.identity, at);
                Ok((
                    seq,
                    self.answer_at_once(scope, seq, ask, &asked.identity, at),
                ))
            }
        }
    }

    fn answer_at_once(
        &mut self,
        scope: Seq,
        seq: Seq,
        ask: &Ask,
        identity: &[u8; 16],
        at: Micros,
    ) -> Answer {
        if ask.kind == CommandKind::StateGet {
            // Empty bytes mean "no such key": an encoded value is never empty.
            let value = self.state.get(ask.name).cloned();
            let value = value.unwrap_or_else(|| Payload::inline(Bytes::new()));
            let arrival = Arrival::Completed {
                seq,
                outcome: Outcome::Value(value.clone()),
                logs: Bytes::new(),
                meta: Bytes::new(),
                began: 0,
            };
            self.arrive(arrival, at);
            return Answer::Known(Outcome::Value(value));
        }
        if !ask.kind.is_immediate() {
            return Answer::Pending;
        }
        let Answer::Known(outcome) = known_empty() else {
            return Answer::Pending;
        };
        self.memo(scope)
            .note(identity, seq, |record| record.outcome = Some(outcome));
        known_empty()
    }

    fn reopen(&mut self, scope: Seq, ask: &Ask, identity: [u8; 16], record: &Record) {
        if self.ops.contains_key(&record.seq) {
            return;
        }
        let op = Op {
            kind: ask.kind,
            name: ask.name.into(),
            scope,
            path: record.path.as_str().into(),
            identity,
            due: record.due,
            target: ask.target.into(),
            child_id: record.child_id.as_str().into(),
            at_most_once: record.at_most_once,
            failed_attempts: record.failed_attempts,
            retry_at: record.retry_at,
            recorded: true,
        };
        if op.is_wait() || op.retry_at > 0 {
            self.rearm.push(record.seq);
        }
        self.ops.insert(record.seq, op);
    }

    // ---- both -------------------------------------------------------------------------------------------------------

    /// Replay is over: names every open command the engine has to watch, and notes the new attempt in the journal.
    pub fn rearm(&mut self, resumed: Option<(u64, &str)>, at: Micros) {
        if let Some((epoch, reason)) = resumed {
            let reason = reason.to_owned();
            self.append(Body::Resumed(Resumed { epoch, reason }), at);
        }
        let mut seqs: Vec<Seq> = (self.ops.iter())
            .filter(|(_, op)| op.recorded && op.scope == ROOT && (op.is_wait() || op.retry_at > 0))
            .map(|(seq, _)| *seq)
            .filter(|seq| !self.rearm.contains(seq))
            .collect();
        seqs.sort_unstable();
        if self.root_retry_at > 0 {
            seqs.insert(0, ROOT);
        }
        self.rearm.extend(seqs);
    }

    /// Failed attempts of a command (`ROOT`: of the function that is the run).
    pub fn failed_attempts(&self, seq: Seq) -> u32 {
        match seq {
            ROOT => self.root_failures,
            _ => self.ops.get(&seq).map_or(0, |op| op.failed_attempts),
        }
    }

    /// When the next attempt of a command may start; 0 when it may now.
    pub fn retry_at(&self, seq: Seq) -> Micros {
        match seq {
            ROOT => self.root_retry_at,
            _ => self.ops.get(&seq).map_or(0, |op| op.retry_at),
        }
    }

    /// Something arrived at a live run. `None`: nobody waits for it any more.
    pub fn arrive(&mut self, arrival: Arrival, at: Micros) -> Option<Taken> {
        if self.closed || self.replaying {
            return None;
        }
        match arrival {
            Arrival::CancelRun => {
                self.cancel_taken = true;
                self.now = self.append(Body::CancelRequested(CancelRequested {}), at);
                Some(Taken::CancelRun)
            }
            Arrival::Retry { seq: ROOT } => {
                self.root_retry_at = 0;
                Some(Taken::Retry { seq: ROOT })
            }
            Arrival::Retry { seq } => {
                let op = self.ops.get_mut(&seq)?;
                op.retry_at = 0;
                Some(Taken::Retry { seq })
            }
            Arrival::Completed {
                seq,
                outcome,
                logs,
                meta,
                began,
            } => {
                let op = self.ops.get(&seq)?;
                if op.kind == CommandKind::Call {
                    self.abandon_scope(seq, at);
                }
                let op = self.ops.remove(&seq)?;
                let stored = self.place(&outcome);
                let body = Body::Completion(Completion {
                    command: seq,
                    outcome: Some(stored.into_completion()),
                    attempts: op.failed_attempts + 1,
                    logs,
                    meta,
                    began,
                });
                self.now = self.append(body, at);
                self.memos.remove(&seq);
                let known = outcome.clone();
                if let Some(memo) = self.memos.get_mut(&op.scope) {
                    memo.note(&op.identity, seq, |record| record.outcome = Some(known));
                }
                Some(Taken::Completed { seq, outcome })
            }
        }
    }

    /// An attempt of a local effect (`ROOT`: of the function that is the run) failed; the next starts at `retry_at`.
    pub fn fail_attempt(
        &mut self,
        seq: Seq,
        failure: Bytes,
        retry_at: Micros,
        logs: Bytes,
        began: Micros,
        at: Micros,
    ) -> bool {
        if self.closed || self.replaying {
            return false;
        }
        let attempt = if seq == ROOT && !self.script {
            self.root_failures += 1;
            self.root_retry_at = retry_at;
            self.root_failures
        } else {
            let Some(op) = self.ops.get_mut(&seq) else {
                return false;
            };
            op.failed_attempts += 1;
            op.retry_at = retry_at;
            op.failed_attempts
        };
        self.abandon_scope(seq, at);
        let failure = Payload::place_bytes(failure, &mut self.spilled);
        let failed = FailedAttempt {
            command: seq,
            attempt,
            failure: Some(failure),
            retry_at,
            logs,
            began,
        };
        self.append(Body::FailedAttempt(failed), at);
        true
    }

    /// The last entry. Nothing can be asked or answered after it.
    pub fn end(
        &mut self,
        outcome: Outcome,
        warnings: Vec<String>,
        logs: Bytes,
        at: Micros,
    ) -> Result<(), TapeError> {
        self.check_open()?;
        if let Some(index) = self.next_script_index() {
            let seq = self.recorded[index].seq;
            let expected = match &self.recorded[index].body {
                Some(Body::Command(command)) => describe_recorded(command),
                _ => "an answer to an open command".to_owned(),
            };
            let actual = "the code returned".to_owned();
            return Err(Divergence {
                seq,
                path: String::new(),
                expected,
                actual,
            }
            .into());
        }
        self.replaying = false;
        if !self.script {
            self.abandon_scope(ROOT, at);
        }
        let outcome = self.place(&outcome);
        let outcome = outcome
            .into_end()
            .ok_or_else(|| TapeError::Damaged("a run cannot end this way".to_owned()))?;
        self.append(
            Body::Ended(Ended {
                outcome: Some(outcome),
                warnings,
                logs,
            }),
            at,
        );
        self.closed = true;
        self.ops.clear();
        Ok(())
    }

    /// Nothing more may be written through this tape.
    pub fn close(&mut self) {
        self.closed = true;
    }

    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Gives up every wait below a scope, so that no event or child is left to somebody who is gone.
    fn abandon_scope(&mut self, scope: Seq, at: Micros) {
        if !self.memos.contains_key(&scope) {
            return;
        }
        let mut seqs: Vec<Seq> = self
            .ops
            .iter()
            .filter(|(seq, op)| **seq != scope && op.scope == scope)
            .map(|(seq, _)| *seq)
            .collect();
        seqs.sort_unstable();
        for seq in seqs {
            let Some(op) = self.ops.get(&seq) else {
                continue;
            };
            let target = seq.to_string();
            if op.is_wait() || op.kind == CommandKind::Call {
                let ask = Ask {
                    target: &target,
                    ..Ask::new(CommandKind::Cancel, "")
                };
                self.cancel(scope, &ask, identity::digest(b""), at);
            } else {
                self.ops.remove(&seq);
            }
        }
    }

    fn cancel(&mut self, scope: Seq, ask: &Ask, digest: Bytes, at: Micros) -> Seq {
        if let Ok(target) = ask.target.parse() {
            self.abandon_scope(target, at);
        }
        let command = self.build(ask, scope, digest, 0, 0, 0, &[0; 16]);
        self.append_command(command, String::new(), [0; 16], at)
    }

    #[allow(clippy::too_many_arguments)]
    fn build(
        &mut self,
        ask: &Ask,
        scope: Seq,
        digest: Bytes,
        occurrence: u32,
        generation: u32,
        uses: u32,
        identity: &[u8; 16],
    ) -> Command {
        let child_id = match ask.kind {
            kind if kind.makes_child() => identity::child_id(&self.started.run_id, identity),
            CommandKind::Join => ask.target.to_owned(),
            // Giving up a child's answer means giving up the child; a started run goes on without its starter.
            CommandKind::Cancel => self.child_of(ask.target),
            _ => String::new(),
        };
        let effect = match ask.at_most_once {
            true => Effect::AtMostOnce,
            false => Effect::AtLeastOnce,
        };
        if ask.kind == CommandKind::StateSet {
            self.state
                .insert(ask.name.to_owned(), Payload::inline(ask.input.clone()));
        } else if ask.kind == CommandKind::StateDelete {
            self.state.remove(ask.name);
        }
        Command {
            kind: ask.kind as i32,
            name: ask.name.to_owned(),
            scope,
            input: Some(Payload::place_bytes(ask.input.clone(), &mut self.spilled)),
            digest,
            occurrence,
            generation,
            due: ask.due,
            target: ask.target.to_owned(),
            child_id,
            effect: effect as i32,
            child_kind: ask.child_kind as i32,
            r#use: uses,
        }
    }

    fn child_of(&self, target: &str) -> String {
        let op = target.parse().ok().and_then(|seq: Seq| self.ops.get(&seq));
        op.filter(|op| op.kind != CommandKind::Join)
            .map_or_else(String::new, |op| op.child_id.to_string())
    }

    fn append_command(
        &mut self,
        command: Command,
        path: String,
        identity: [u8; 16],
        at: Micros,
    ) -> Seq {
        let seq = self.length;
        let op = Op::of(&command, path, identity, false);
        self.open(seq, &command, op);
        self.append(Body::Command(command), at);
        seq
    }

    fn open(&mut self, seq: Seq, command: &Command, op: Op) {
        match command.kind() {
            CommandKind::Cancel => {
                let target: Option<Seq> = command.target.parse().ok();
                if let Some(target) = target {
                    self.close_op(target);
                }
            }
            CommandKind::StateSet | CommandKind::StateDelete => {
                if op.recorded {
                    change_state(&mut self.state, command);
                }
            }
            CommandKind::Start => {
                self.started_runs.insert(seq, op.child_id);
            }
            kind if kind.is_immediate() => {}
            _ => {
                self.ops.insert(seq, op);
            }
        }
    }

    fn close_op(&mut self, seq: Seq) {
        let Some(op) = self.ops.remove(&seq) else {
            return;
        };
        if let Some(memo) = self.memos.get_mut(&op.scope) {
            memo.note(&op.identity, seq, |record| record.cancelled = true);
        }
        if op.kind == CommandKind::Call {
            self.memos.remove(&seq);
            let below: Vec<Seq> = self
                .ops
                .iter()
                .filter(|(_, op)| op.scope == seq)
                .map(|(seq, _)| *seq)
                .collect();
            for seq in below {
                self.close_op(seq);
            }
        }
    }

    fn place(&mut self, outcome: &Outcome) -> Outcome {
        let spilled = &mut self.spilled;
        let mut place = |payload: &Payload| match payload.as_inline() {
            Some(bytes) => Payload::place_bytes(bytes.clone(), spilled),
            None => payload.clone(),
        };
        match outcome {
            Outcome::Value(payload) => Outcome::Value(place(payload)),
            Outcome::Failure(payload) => Outcome::Failure(place(payload)),
            Outcome::Received(received) => {
                let mut received = received.clone();
                received.payload = received.payload.as_ref().map(place);
                Outcome::Received(received)
            }
            other => other.clone(),
        }
    }

    fn append(&mut self, body: Body, at: Micros) -> Micros {
        // A clock that jumps back must not make a journal run backwards.
        let at = at.max(self.last_at);
        self.last_at = at;
        self.fresh.push(Entry {
            seq: self.length,
            at,
            body: Some(body),
        });
        self.length += 1;
        at
    }

    fn check_open(&self) -> Result<(), TapeError> {
        match self.closed {
            true => Err(TapeError::Closed),
            false => Ok(()),
        }
    }
}

fn change_state(state: &mut BTreeMap<String, Payload>, command: &Command) {
    match command.kind() {
        CommandKind::StateSet => {
            let value = command.input.clone().unwrap_or_default();
            state.insert(command.name.clone(), value);
        }
        CommandKind::StateDelete => {
            state.remove(&command.name);
        }
        _ => {}
    }
}

fn known_empty() -> Answer {
    Answer::Known(Outcome::Value(Payload::inline(Bytes::new())))
}

/// One part of a path: the name, and from the second use on which use it is.
pub(crate) fn segment_of(name: &str, occurrence: u32) -> String {
    match occurrence {
        0 => name.to_owned(),
        n => format!("{name}#{}", n + 1),
    }
}

pub(crate) fn memo_path(
    scope: &str,
    name: &str,
    occurrence: u32,
    generation: u32,
    marked: bool,
) -> String {
    let mut path = match scope {
        "" => segment_of(name, occurrence),
        scope => format!("{scope}/{}", segment_of(name, occurrence)),
    };
    if marked && generation > 1 {
        path.push_str(&format!("@{generation}"));
    }
    path
}
