//! The body of a flow: commands are matched in order, recorded answers come in recorded order.

use bytes::Bytes;

use super::Tape;
use super::writing::{change_state, change_states};
use crate::divergence::{Inputs, describe, describe_recorded};
use crate::entry::Body;
use crate::paths::segment_of;
use crate::{
    Ask, Command, CommandKind, Divergence, Entry, Micros, Op, Outcome, ROOT, Seq, Taken, TapeError, ended,
    identity,
};

impl Tape {
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
        // Two hashes for each command are felt; nearly none is asked for its identity.
        let identity = ask.kind.makes_child().then(|| identity::script_identity(&self.started.run_id, &path));
        let command = self.build(ask, ROOT, digest, occurrence, 0, 0, identity.as_ref());
        self.count(ask.name, occurrence);
        Ok(self.append_command(command, path, None, at))
    }

    /// The same for a journal that is only read. `None`: it has no more.
    pub fn command_recorded(&mut self, ask: &Ask) -> Result<Option<Seq>, TapeError> {
        let digest = identity::digest(&ask.input);
        let occurrence = self.occurrences.get(ask.name).copied().unwrap_or(0);
        match self.next_script_index() {
            Some(index) => self.match_recorded(index, ask, digest, occurrence).map(Some),
            None => Ok(None),
        }
    }

    /// The code of a journal that is only read has returned: it must have ended here too, if it has ended.
    pub fn returned_recorded(&mut self) -> Result<(), TapeError> {
        match self.next_script_index() {
            Some(index) if !matches!(self.recorded[index].body, Some(Body::Ended(_))) => {
                Err(self.returned_early(index).into())
            }
            _ => Ok(()),
        }
    }

    /// Whether a journal that is only read ends here as only its code can have ended it: with a value or a successor.
    pub fn at_value(&mut self) -> bool {
        let Some(index) = self.next_script_index() else { return false };
        let Some(Body::Ended(ended)) = &self.recorded[index].body else { return false };
        matches!(ended.outcome, Some(ended::Outcome::Value(_) | ended::Outcome::Continued(_)))
    }

    /// The code returned where the journal goes on.
    pub(super) fn returned_early(&self, index: usize) -> Divergence {
        let (expected, recorded) = match &self.recorded[index].body {
            Some(Body::Command(command)) => (describe_recorded(command), inline_input(command)),
            _ => ("an answer to an open command".to_owned(), Bytes::new()),
        };
        let (seq, actual) = (self.recorded[index].seq, "the code returned".to_owned());
        Divergence { seq, expected, actual, inputs: given(recorded, Bytes::new()), ..Divergence::default() }
    }

    pub(super) fn match_recorded(
        &mut self,
        index: usize,
        ask: &Ask,
        digest: Bytes,
        occurrence: u32,
    ) -> Result<Seq, TapeError> {
        let entry = &self.recorded[index];
        let path = segment_of(ask.name, occurrence);
        let actual = || describe(ask.kind, ask.name, ask.target, &digest);
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
                    inputs: given(Bytes::new(), ask.input.clone()),
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
                inputs: given(inline_input(command), ask.input.clone()),
            }
            .into());
        }
        let seq = entry.seq;
        let mut op = Op::of(command, path, None, true);
        let command = command.clone();
        if seq < self.cut && matches!(command.kind(), CommandKind::Child | CommandKind::Object) {
            op.child_id = identity::child_id(&self.started.run_id, &self.identity_of(&op)).into();
        }
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
                let Some(op) = self.ops.remove(&command) else {
                    return Err(Divergence {
                        seq,
                        path: String::new(),
                        expected: format!("an answer to the command at entry {command}"),
                        actual: "nothing: no such command is open".to_owned(),
                        ..Divergence::default()
                    }
                    .into());
                };
                if seq >= self.cut {
                    self.answers.note(&op.path);
                }
                self.memos.remove(&command);
                Taken::Completed { seq: command, outcome }
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
                    actual: "nothing more at this point".to_owned(),
                    inputs: given(inline_input(command), Bytes::new()),
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
    pub(super) fn next_script_index(&mut self) -> Option<usize> {
        if !self.replaying {
            return None;
        }
        while let Some(entry) = self.recorded.get(self.position) {
            if !self.is_passed_over(entry) {
                return Some(self.position);
            }
            match &entry.body {
                Some(Body::Command(command)) => change_state(&mut self.state, command),
                Some(Body::Forked(forked)) => change_states(&mut self.state, &forked.state),
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

    pub(super) fn is_passed_over(&self, entry: &Entry) -> bool {
        match &entry.body {
            Some(Body::Command(command)) => command.scope != ROOT,
            Some(Body::Completion(completion)) => self.nested.contains_key(&completion.command),
            Some(Body::FailedAttempt(_) | Body::Resumed(_) | Body::Forked(_)) => true,
            _ => false,
        }
    }

    pub(super) fn count(&mut self, name: &str, occurrence: u32) {
        match self.occurrences.get_mut(name) {
            Some(counter) => *counter = occurrence + 1,
            None => {
                self.occurrences.insert(name.into(), occurrence + 1);
            }
        }
    }
}

fn given(recorded: Bytes, asked: Bytes) -> Box<Inputs> {
    Box::new(Inputs { recorded, asked })
}

/// Of a command whose input lies in the entry; a large one lies elsewhere, and is not read for a message.
fn inline_input(command: &Command) -> Bytes {
    command.input.as_ref().and_then(|input| input.as_inline()).cloned().unwrap_or_default()
}
