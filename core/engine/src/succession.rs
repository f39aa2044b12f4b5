//! A run that hands over to a successor: a new run of the same component, in its place for everybody who waits.
//!
//! The successor is no child. It has its predecessor's parent and depth, so that a chain may go on for ever; the last run
//! of the chain is the one that answers.

use agnt5_journal::{Continued, Outcome, Payload, Spilled, Started, Status, identity};
use agnt5_store::{RunNum, RunRow, Store, StoreError};
use bytes::Bytes;

use crate::children::input_digest;
use crate::engine::{Engine, Handled};

impl<S: Store> Engine<S> {
    /// Creates the successor of a run that has just ended, in the same transaction.
    pub(crate) fn continue_run(
        &mut self,
        row: &RunRow,
        continued: &Continued,
        spilled: &[Spilled],
    ) -> Result<(), StoreError> {
        let input = self.bytes_of(continued.input.as_ref(), spilled)?;
        let mut seed = [0; 32];
        identity::derive(continued.run_id.as_bytes(), "seed", &mut seed);
        let code = self.codes.remove(&continued.run_id).unwrap_or_default();
        let mut beside = Vec::new();
        let started = Started {
            run_id: continued.run_id.clone(),
            component: row.component.clone(),
            kind: row.kind as i32,
            input: continued.input.clone(),
            seed: Bytes::copy_from_slice(&seed),
            code_digest: code.digest,
            code: (!code.source.is_empty()).then(|| Payload::spill(code.source, &mut beside)),
            python: code.python,
            overlay: row.overlay.clone(),
            continues: row.id.clone(),
            ..Started::default()
        };
        let successor = RunRow {
            num: 0,
            id: continued.run_id.clone(),
            status: Status::Pending,
            epoch: 0,
            input_digest: input_digest(&row.component, &row.object, &input),
            created: self.now,
            started: None,
            ended: None,
            cancel_requested: false,
            interrupted: false,
            crashes: 0,
            reason: String::new(),
            origin: None,
            ..row.clone()
        };
        let hash =
            continued.input.as_ref().and_then(|payload| payload.as_blob()).map(|blob| blob.hash.clone());
        beside.extend(
            hash.and_then(|hash| hash[..].try_into().ok()).map(|hash| Spilled { hash, bytes: input }),
        );
        let num = self.record(successor, started, &beside)?;
        self.store.retarget_events(row.num, num)?;
        self.hand_waiters_over(row.num, num);
        // Who asked the predecessor to stop did not ask for another run.
        match row.cancel_requested {
            true => self.give_up_child(&continued.run_id),
            false => Ok(()),
        }
    }

    /// Whoever in memory awaits a run awaits its successor from now on. Those who are not find it when they look.
    fn hand_waiters_over(&mut self, from: RunNum, to: RunNum) {
        for live in self.live.values_mut() {
            if let Some(seqs) = live.joins.remove(&from) {
                live.joins.insert(to, seqs);
            }
        }
        if let Some(strangers) = self.strangers.remove(&from) {
            self.strangers.insert(to, strangers);
        }
    }

    /// The run that goes on where this one handed over, at the end of the chain; itself when it did not.
    pub(crate) fn last_of(&self, mut row: RunRow) -> Result<RunRow, StoreError> {
        while row.status == Status::Completed
            && let Outcome::Continued(continued) = self.outcome_of(&row)?
            && let Some(successor) = self.store.run_by_id(&continued.run_id)?
        {
            row = successor;
        }
        Ok(row)
    }

    /// Whether the parent of this ended run still needs it to find the run that answers in its place.
    pub(crate) fn leads_to_an_answer(&self, row: &RunRow) -> Result<bool, StoreError> {
        Ok(row.parent.is_some() && !self.last_of(row.clone())?.status.is_terminal())
    }

    /// The run that a person means who names one of a chain.
    pub(crate) fn find_last(&self, run_id: &str) -> Handled<RunRow> {
        let row = self.find(run_id)?;
        Ok(self.last_of(row)?)
    }
}
