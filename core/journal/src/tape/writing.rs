//! How commands and answers become entries.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::Tape;
use crate::entry::Body;
use crate::{
    Ask, Command, CommandKind, Effect, Entry, Micros, Op, Outcome, Payload, ROOT, Rerun, Seq, StateChange,
    TapeError, identity,
};

impl Tape {
    /// Gives up every wait below a scope, so that no event or child is left to somebody who is gone.
    pub(super) fn abandon_scope(&mut self, scope: Seq, at: Micros) {
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
                let ask = Ask { target: &target, ..Ask::new(CommandKind::Cancel, "") };
                self.cancel(scope, &ask, identity::digest(b""), at);
            } else {
                self.ops.remove(&seq);
            }
        }
    }

    pub(super) fn cancel(&mut self, scope: Seq, ask: &Ask, digest: Bytes, at: Micros) -> Seq {
        if let Ok(target) = ask.target.parse() {
            self.abandon_scope(target, at);
        }
        let command = self.build(ask, scope, digest, 0, 0, 0, None);
        self.append_command(command, String::new(), None, at)
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) fn build(
        &mut self,
        ask: &Ask,
        scope: Seq,
        digest: Bytes,
        occurrence: u32,
        generation: u32,
        uses: u32,
        identity: Option<&[u8; 16]>,
    ) -> Command {
        let child_id = match ask.kind {
            kind if kind.makes_child() => {
                identity::child_id(&self.started.run_id, identity.unwrap_or(&[0; 16]))
            }
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
            self.state.insert(ask.name.to_owned(), Payload::inline(ask.input.clone()));
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
            code: Bytes::copy_from_slice(ask.code),
            rerun_of: self.older_child(ask, scope),
        }
    }

    /// In a rerun: the older run's child that a new child takes answers from.
    fn older_child(&mut self, ask: &Ask, scope: Seq) -> Option<Rerun> {
        if !matches!(ask.kind, CommandKind::Child | CommandKind::Start) {
            return None;
        }
        let reuse = self.answers.reuse.as_mut()?;
        let path = self.ops.get(&scope).filter(|_| scope != ROOT).map_or("", |op| &*op.path);
        reuse.take_child(path, ask.target)
    }

    pub(super) fn child_of(&self, target: &str) -> String {
        let op = target.parse().ok().and_then(|seq: Seq| self.ops.get(&seq));
        op.filter(|op| op.kind != CommandKind::Join).map_or_else(String::new, |op| op.child_id.to_string())
    }

    pub(super) fn append_command(
        &mut self,
        command: Command,
        path: String,
        identity: Option<[u8; 16]>,
        at: Micros,
    ) -> Seq {
        let seq = self.length;
        let op = Op::of(&command, path, identity, false);
        self.open(seq, &command, op);
        self.append(Body::Command(command), at);
        seq
    }

    pub(super) fn open(&mut self, seq: Seq, command: &Command, op: Op) {
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
                let mut op = op;
                op.reuse_key = self.reuse_key(command);
                self.ops.insert(seq, op);
            }
        }
    }

    fn reuse_key(&self, command: &Command) -> Option<[u8; 16]> {
        let reuse = self.answers.reuse.as_ref()?;
        let scope = self.ops.get(&command.scope).filter(|_| command.scope != ROOT);
        reuse.key(scope.map_or("", |op| &*op.path), command)
    }

    pub(super) fn close_op(&mut self, seq: Seq) {
        let Some(op) = self.ops.remove(&seq) else {
            return;
        };
        if let Some(memo) = self.memos.get_mut(&op.scope)
            && let Some(identity) = &op.identity
        {
            memo.note(identity, seq, |record| record.cancelled = true);
        }
        if op.kind == CommandKind::Call {
            self.memos.remove(&seq);
            let below: Vec<Seq> =
                self.ops.iter().filter(|(_, op)| op.scope == seq).map(|(seq, _)| *seq).collect();
            for seq in below {
                self.close_op(seq);
            }
        }
    }

    pub(super) fn place(&mut self, outcome: &Outcome) -> Outcome {
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
            Outcome::Continued(continued) => {
                let mut continued = continued.clone();
                continued.input = continued.input.as_ref().map(place);
                Outcome::Continued(continued)
            }
            other => other.clone(),
        }
    }

    pub(super) fn append(&mut self, body: Body, at: Micros) -> Micros {
        // A clock that jumps back must not make a journal run backwards.
        let at = at.max(self.last_at);
        self.last_at = at;
        self.fresh.push(Entry { seq: self.length, at, body: Some(body) });
        self.length += 1;
        at
    }

    pub(super) fn check_open(&self) -> Result<(), TapeError> {
        match self.closed {
            true => Err(TapeError::Closed),
            false => Ok(()),
        }
    }
}

/// What a fork was told to change.
pub(super) fn change_states(state: &mut BTreeMap<String, Payload>, changes: &[StateChange]) {
    for change in changes {
        match &change.value {
            Some(value) => state.insert(change.name.clone(), value.clone()),
            None => state.remove(&change.name),
        };
    }
}

pub(super) fn change_state(state: &mut BTreeMap<String, Payload>, command: &Command) {
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
