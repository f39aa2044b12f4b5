//! Rows and entries as Python sees them: flat, frozen, made once.

use agnt5_journal::entry::Body;
use agnt5_journal::{Effect, Entry, Outcome, Payload, ended};
use agnt5_store::RunRow;
use bytes::Bytes;
use pyo3::prelude::*;

use crate::session::outcome_code;

#[pyclass(frozen, get_all, name = "RunRow", module = "agnt5._core")]
pub struct PyRunRow {
    num: i64,
    id: String,
    component: String,
    kind: i32,
    status: u8,
    epoch: u64,
    parent_id: String,
    depth: u32,
    object_key: String,
    created: i64,
    started: i64,
    ended: i64,
    interrupted: bool,
    crashes: u32,
    reason: String,
    tags: String,
    origin_id: String,
    origin_seq: u64,
}

impl PyRunRow {
    pub fn new(row: RunRow, parent_id: String, origin_id: String) -> Self {
        Self {
            num: row.num,
            id: row.id,
            component: row.component,
            kind: row.kind as i32,
            status: row.status as u8,
            epoch: row.epoch,
            parent_id,
            depth: row.depth,
            object_key: row.object,
            created: row.created,
            started: row.started.unwrap_or(0),
            ended: row.ended.unwrap_or(0),
            interrupted: row.interrupted,
            crashes: row.crashes,
            reason: row.reason,
            tags: row.tags,
            origin_id,
            origin_seq: row.origin.map_or(0, |origin| origin.1),
        }
    }
}

#[pyclass(frozen, get_all, name = "Entry", module = "agnt5._core")]
#[derive(Default)]
pub struct PyEntry {
    seq: u64,
    at: i64,
    body: &'static str,
    run_id: String,
    component: String,
    component_kind: i32,
    python: String,
    code_digest: Vec<u8>,
    code: Vec<u8>,
    parent_id: String,
    kind: i32,
    name: String,
    path: String,
    scope: u64,
    input: Vec<u8>,
    due: i64,
    target: String,
    child_id: String,
    at_most_once: bool,
    command: u64,
    outcome: u8,
    payload: Vec<u8>,
    attempts: u32,
    began: i64,
    logs: Vec<u8>,
    meta: Vec<u8>,
    retry_at: i64,
    warnings: Vec<String>,
    reason: String,
    step_code: Vec<u8>,
    reused: u64,
    given: bool,
    unclaimed: Vec<u64>,
    shift: i64,
    fork_of: String,
    rerun_of: String,
    always: Vec<String>,
    seed: Vec<u8>,
    continues: String,
}

impl PyEntry {
    /// `resolve` finds the bytes of a payload, wherever they are.
    pub fn new<E>(
        entry: Entry,
        path: String,
        mut resolve: impl FnMut(Option<&Payload>) -> Result<Bytes, E>,
    ) -> Result<Self, E> {
        let mut view = Self { seq: entry.seq, at: entry.at, path, ..Self::default() };
        match entry.body {
            Some(Body::Started(started)) => {
                view.body = "started";
                view.component_kind = started.kind;
                view.input = resolve(started.input.as_ref())?.into();
                view.code = resolve(started.code.as_ref())?.into();
                view.code_digest = started.code_digest.into();
                view.run_id = started.run_id;
                view.component = started.component;
                view.python = started.python;
                view.parent_id = started.parent_id;
                view.target = started.object_key;
                view.seed = started.seed.into();
                view.fork_of = started.fork_of;
                view.continues = started.continues;
                if let Some(rerun) = started.rerun_of {
                    (view.rerun_of, view.always) = (rerun.run_id, rerun.always);
                }
            }
            Some(Body::Command(command)) => {
                view.body = "command";
                view.kind = command.kind;
                view.at_most_once = command.effect() == Effect::AtMostOnce;
                view.input = resolve(command.input.as_ref())?.into();
                view.name = command.name;
                view.scope = command.scope;
                view.due = command.due;
                view.target = command.target;
                view.child_id = command.child_id;
                view.step_code = command.code.into();
            }
            Some(Body::Completion(completion)) => {
                view.body = "completion";
                view.set_outcome(Outcome::of_completion(&completion.outcome), resolve)?;
                view.command = completion.command;
                view.attempts = completion.attempts;
                view.began = completion.began;
                view.logs = completion.logs.into();
                view.meta = completion.meta.into();
                view.reused = completion.reused;
                view.given = completion.given;
                view.unclaimed = completion.unclaimed;
            }
            Some(Body::FailedAttempt(failed)) => {
                view.body = "failed_attempt";
                view.command = failed.command;
                view.attempts = failed.attempt;
                view.outcome = outcome_code::FAILURE;
                view.payload = resolve(failed.failure.as_ref())?.into();
                view.retry_at = failed.retry_at;
                view.began = failed.began;
                view.logs = failed.logs.into();
            }
            Some(Body::CancelRequested(_)) => view.body = "cancel_requested",
            Some(Body::Ended(ended)) => {
                view.body = "ended";
                if let Some(ended::Outcome::Continued(continued)) = &ended.outcome {
                    view.child_id = continued.run_id.clone();
                }
                view.set_outcome(Outcome::of_end(&ended.outcome), resolve)?;
                view.warnings = ended.warnings;
                view.logs = ended.logs.into();
                view.unclaimed = ended.unclaimed;
            }
            Some(Body::Resumed(resumed)) => {
                view.body = "resumed";
                view.attempts = resumed.epoch as u32;
                view.reason = resumed.reason;
            }
            Some(Body::Forked(forked)) => {
                view.body = "forked";
                view.fork_of = forked.run_id;
                view.shift = forked.shift;
            }
            None => view.body = "unknown",
        }
        Ok(view)
    }

    fn set_outcome<E>(
        &mut self,
        outcome: Option<Outcome>,
        mut resolve: impl FnMut(Option<&Payload>) -> Result<Bytes, E>,
    ) -> Result<(), E> {
        if let Some(outcome) = outcome {
            self.outcome = outcome_code::of(&outcome);
            self.payload = resolve(outcome.payload())?.into();
        }
        Ok(())
    }
}
