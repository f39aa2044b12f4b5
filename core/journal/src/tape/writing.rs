//! How commands and answers become entries.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::Tape;
use crate::entry::Body;
use crate::{
    Ask, Command, CommandKind, Effect, Entry, Micros, Op, Outcome, Payload, Seq, TapeError, identity,
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
        let command = self.build(ask, scope, digest, 0, 0, 0, &[0; 16]);
        self.append_command(command, String::new(), [0; 16], at)
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
        }
    }

    pub(super) fn child_of(&self, target: &str) -> String {
        let op = target.parse().ok().and_then(|seq: Seq| self.ops.get(&seq));
        op.filter(|op| op.kind != CommandKind::Join).map_or_else(String::new, |op| op.child_id.to_string())
    }

    pub(super) fn append_command(
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
                self.ops.insert(seq, op);
            }
        }
    }

    pub(super) fn close_op(&mut self, seq: Seq) {
        let Some(op) = self.ops.remove(&seq) else {
            return;
        };
        if let Some(memo) = self.memos.get_mut(&op.scope) {
            memo.note(&op.identity, seq, |record| record.cancelled = true);
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
