//! Bodies of functions and methods: commands are looked up in the memo of their scope.

use bytes::Bytes;

use super::{Answer, Arrival, Source, Tape};
use crate::entry::Body;
use crate::memo::{Found, Memo, Record};
use crate::paths::memo_path;
use crate::{Ask, CommandKind, Effect, Micros, Op, Outcome, Payload, ROOT, Seq, TapeError, identity};

impl Tape {
    /// The body of a memo scope starts, perhaps again. Returns its attempt, from 1. Without `reuse`, only what this attempt
    /// recorded answers.
    pub fn begin(&mut self, scope: Seq, reuse: bool) -> Result<u32, TapeError> {
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
        self.memo(scope).begin(failures + 1, reuse);
        Ok(failures + 1)
    }

    pub(super) fn memo(&mut self, scope: Seq) -> &mut Memo {
        if !self.memos.contains_key(&scope) {
            let memo = self.load_memo(scope);
            self.memos.insert(scope, memo);
        }
        self.memos.get_mut(&scope).expect("it was just put there")
    }

    pub(super) fn load_memo(&self, scope: Seq) -> Memo {
        let mut memo = match self.ops.get(&scope) {
            Some(op) => Memo::new(self.identity_of(op), op.path.to_string()),
            None => Memo::new(identity::script_identity(&self.started.run_id, ""), String::new()),
        };
        for seq in self.by_scope.get(&scope).into_iter().flatten() {
            let nested = &self.nested[seq];
            let Some(Body::Command(command)) = &self.recorded[nested.index].body else {
                continue;
            };
            // It is never asked again: the body that gives an operation up once more finds it given up.
            if command.kind() == CommandKind::Cancel {
                continue;
            }
            let identity = memo.identity_of(command.kind(), &command.name, &command.digest, command.r#use);
            let outcome = match command.kind().is_immediate() {
                true => Some(Outcome::Value(Payload::inline(Bytes::new()))),
                false => nested.outcome.clone(),
            };
            let path = memo_path(&memo.path, &command.name, command.occurrence, command.generation, false);
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
                    child_id: match command.kind() {
                        CommandKind::Child | CommandKind::Object if *seq < self.cut => {
                            identity::child_id(&self.started.run_id, &identity)
                        }
                        _ => command.child_id.clone(),
                    },
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
                    Some(&asked.identity),
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
                self.memo(scope).load(asked.identity, ask.name, occurrence, record);
                let seq = self.append_command(command, path, Some(asked.identity), at);
                Ok((seq, self.answer_at_once(scope, seq, ask, &asked.identity, at)))
            }
        }
    }

    pub(super) fn answer_at_once(
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
                source: Source::World,
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
        self.memo(scope).note(identity, seq, |record| record.outcome = Some(outcome));
        known_empty()
    }

    pub(super) fn reopen(&mut self, scope: Seq, ask: &Ask, identity: [u8; 16], record: &Record) {
        if self.ops.contains_key(&record.seq) {
            return;
        }
        let op = Op {
            kind: ask.kind,
            name: ask.name.into(),
            scope,
            path: record.path.as_str().into(),
            identity: Some(identity),
            due: record.due,
            target: ask.target.into(),
            child_id: record.child_id.as_str().into(),
            at_most_once: record.at_most_once,
            failed_attempts: record.failed_attempts,
            retry_at: record.retry_at,
            recorded: true,
            reuse_key: None,
        };
        if op.is_wait() || op.retry_at > 0 {
            self.rearm.push(record.seq);
        }
        self.ops.insert(record.seq, op);
    }
}

pub(super) fn known_empty() -> Answer {
    Answer::Known(Outcome::Value(Payload::inline(Bytes::new())))
}
