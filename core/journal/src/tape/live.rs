//! What happens to a live run: answers arrive, attempts fail, it ends.

use bytes::Bytes;

use super::{Arrival, Source, Taken, Tape};
use crate::entry::Body;
use crate::memo::Memo;
use crate::{
    CancelRequested, CommandKind, Completion, Ended, FailedAttempt, Micros, Outcome, Payload, ROOT, Resumed,
    Seq, TapeError,
};

impl Tape {
    /// Replay is over: names every open command the engine has to watch, and notes the new attempt in the journal.
    pub fn rearm(&mut self, resumed: Option<(u64, &str)>, at: Micros) {
        if let Some((epoch, reason)) = resumed {
            let reason = reason.to_owned();
            self.append(Body::Resumed(Resumed { epoch, reason }), at);
        }
        let mut seqs: Vec<Seq> = (self.ops.iter())
            .filter(|(_, op)| op.recorded && op.scope == ROOT && (op.is_wait() || op.retry_at > 0))
            .map(|(seq, _)| *seq)
            .filter(|seq| !self.rearm.contains(seq) && !self.is_held(*seq))
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
            Arrival::Completed { seq, outcome, logs, meta, began, source } => {
                let op = self.ops.get(&seq)?;
                if op.kind == CommandKind::Call {
                    self.abandon_scope(seq, at);
                }
                let op = self.ops.remove(&seq)?;
                let memo = self.memos.remove(&seq);
                let stored = self.place(&outcome);
                let body = Body::Completion(Completion {
                    command: seq,
                    outcome: Some(stored.into_completion()),
                    attempts: match source {
                        Source::World => op.failed_attempts + 1,
                        _ => op.failed_attempts,
                    },
                    logs,
                    meta,
                    began,
                    reused: if let Source::Reused(reused) = source { reused } else { 0 },
                    given: source == Source::Given,
                    unclaimed: match source {
                        Source::World => memo.map_or_else(Vec::new, |memo| memo.unclaimed()),
                        _ => Vec::new(), // its body did not run
                    },
                });
                self.now = self.append(body, at);
                if op.scope == ROOT {
                    self.answers.note(&op.path);
                }
                let known = outcome.clone();
                if let Some(memo) = self.memos.get_mut(&op.scope)
                    && let Some(identity) = &op.identity
                {
                    memo.note(identity, seq, |record| record.outcome = Some(known));
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
        let failed = FailedAttempt { command: seq, attempt, failure: Some(failure), retry_at, logs, began };
        self.append(Body::FailedAttempt(failed), at);
        true
    }

    /// The last entry. Nothing can be asked or answered after it.
    pub fn end(
        &mut self,
        outcome: Outcome,
        warnings: Vec<String>,
        logs: Bytes,
        object_state: Option<Bytes>,
        at: Micros,
    ) -> Result<(), TapeError> {
        self.check_open()?;
        if let Some(index) = self.next_script_index() {
            return Err(self.returned_early(index).into());
        }
        self.replaying = false;
        if !self.script {
            self.abandon_scope(ROOT, at);
        }
        let outcome = self.place(&outcome);
        let outcome =
            outcome.into_end().ok_or_else(|| TapeError::Damaged("a run cannot end this way".to_owned()))?;
        let object_state = object_state.map(|state| Payload::place_bytes(state, &mut self.spilled));
        let unclaimed = self.memos.get(&ROOT).filter(|_| !self.script).map_or_else(Vec::new, Memo::unclaimed);
        self.append(
            Body::Ended(Ended { outcome: Some(outcome), warnings, logs, object_state, unclaimed }),
            at,
        );
        self.closed = true;
        self.leave_children();
        self.ops.clear();
        Ok(())
    }

    /// The end gives up every answer that is still awaited, and with it the child that would have given it.
    fn leave_children(&mut self) {
        let open = self.open_ops().into_iter().filter(|(_, op)| op.is_awaited_child());
        self.orphans = open.map(|(_, op)| op.child_id.to_string()).collect();
    }

    /// Nothing more may be written through this tape.
    pub fn close(&mut self) {
        self.closed = true;
    }

    pub fn is_closed(&self) -> bool {
        self.closed
    }
}
