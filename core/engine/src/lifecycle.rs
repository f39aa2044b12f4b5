//! What people do to runs: cancel, pause, resume, fail, delete.

use std::collections::HashMap;

use agnt5_journal::{Arrival, Micros, Payload, Status};
use agnt5_store::{RunFilter, RunNum, RunRow, Store, StoreError};
use bytes::Bytes;

use crate::engine::{Engine, Handled};
use crate::error::Refusal;
use crate::notice::Notice;
use crate::request::{Decision, Reply};

/// Ended runs deleted per page while pruning.
const PAGE: u32 = 200;

impl<S: Store> Engine<S> {
    pub(crate) fn cancel(&mut self, run_id: &str) -> Handled<Reply> {
        let row = self.find_last(run_id)?;
        if row.status.is_terminal() {
            return Ok(Reply::Changed(false));
        }
        self.ask_to_stop(row)?;
        Ok(Reply::Changed(true))
    }

    /// The first request is told to the code, which may clean up; a second one ends the run where it is.
    pub(crate) fn ask_to_stop(&mut self, mut row: RunRow) -> Result<(), StoreError> {
        let num = row.num;
        let again = std::mem::replace(&mut row.cancel_requested, true);
        let key = self.live.get(&num).map(|live| live.key);
        match key {
            Some(key) if again => {
                self.lose(key, "RunCancelled", "the run was cancelled a second time");
                self.drop_live(num);
                self.cancel_unled(row)?;
            }
            Some(_) => {
                self.update(&row)?;
                self.tell(num, Arrival::CancelRun);
            }
            // Nothing of it has run, or nobody here could run it: there is no code to tell.
            None if again || row.epoch == 0 || !self.served.contains(&row.component) => {
                self.cancel_unled(row)?;
            }
            None => {
                self.held.remove(&num);
                row.status = Status::Pending;
                self.update(&row)?;
                self.queue(&row)?;
            }
        }
        Ok(())
    }

    pub(crate) fn pause(&mut self, run_id: &str, reason: String) -> Handled<Reply> {
        let row = self.find_last(run_id)?;
        if row.status.is_terminal() {
            let message = format!("run {run_id} has {} and cannot be paused", row.status.name());
            return Err(Refusal::new("RunClosed", message).into());
        }
        if let Some(live) = self.drop_live(row.num) {
            self.lose(live.key, "RunPaused", &reason);
        }
        self.leave_turn(&row)?;
        self.pause_row(row, reason)?;
        Ok(Reply::Done)
    }

    /// An attempt that stops by itself and needs a person's word.
    pub(crate) fn stop(&mut self, num: RunNum, epoch: u64, reason: String) -> Handled<Reply> {
        if self.live.get(&num).is_none_or(|live| live.epoch != epoch) {
            return Ok(Reply::Changed(false));
        }
        let Some(mut live) = self.drop_live(num) else {
            return Ok(Reply::Changed(false));
        };
        self.release_turn(num)?;
        // A person has decided already: this run is to stop, and its code cannot go on to clean up.
        match live.row.cancel_requested {
            true => {
                live.row.reason = reason;
                self.cancel_unled(live.row)?;
            }
            false => self.pause_row(live.row, reason)?,
        }
        Ok(Reply::Changed(true))
    }

    pub(crate) fn pause_row(&mut self, mut row: RunRow, reason: String) -> Result<(), StoreError> {
        row.status = Status::Paused;
        row.reason = reason;
        row.interrupted = false;
        self.update(&row)?;
        self.notices.push(Notice::Ended { run_id: row.id, status: Status::Paused });
        Ok(())
    }

    pub(crate) fn resume(&mut self, run_id: &str, decisions: HashMap<String, Decision>) -> Handled<Reply> {
        let mut row = self.find_last(run_id)?;
        if row.status.is_terminal() {
            let message = format!("run {run_id} has {} and cannot be resumed", row.status.name());
            return Err(Refusal::new("RunClosed", message).into());
        }
        let held = self.held.remove(&row.num);
        if row.status != Status::Paused && !held {
            // An owner that asks nobody took it up, and drives it when its component is served. Others wait for it if
            // they can see that it waits for no word.
            if row.interrupted && row.status == Status::Running && self.queued.contains(&row.num) {
                row.status = Status::Pending;
                self.update(&row)?;
            }
            return Ok(Reply::Changed(false));
        }
        self.decisions.insert(row.num, decisions);
        if row.status == Status::Paused {
            row.status = Status::Pending;
            row.crashes = 0;
            row.reason.clear();
            self.update(&row)?;
        }
        self.make_ready(row.num)?;
        Ok(Reply::Changed(true))
    }

    pub(crate) fn fail(&mut self, run_id: &str, failure: Bytes) -> Handled<Reply> {
        let row = self.find_last(run_id)?;
        if row.status.is_terminal() {
            return Ok(Reply::Changed(false));
        }
        if let Some(live) = self.drop_live(row.num) {
            self.lose(live.key, "RunClosed", "the run was ended from outside");
        }
        self.end_unled(row, Payload::inline(failure))?;
        Ok(Reply::Changed(true))
    }

    pub(crate) fn delete(&mut self, run_id: &str) -> Handled<Reply> {
        let row = self.find(run_id)?;
        if !row.status.is_terminal() {
            let message = format!("run {run_id} is {}; cancel it before deleting it", row.status.name());
            return Err(Refusal::new("RunConflict", message).into());
        }
        self.remove(&row)?;
        Ok(Reply::Done)
    }

    fn remove(&mut self, row: &RunRow) -> Result<(), StoreError> {
        self.unshare(row.num)?;
        if row.overlay == row.id {
            self.store.drop_overlay(&row.overlay)?;
        }
        self.store.delete_run(row.num)?;
        self.dirty = true;
        Ok(())
    }

    /// Deletes runs that ended before this time.
    pub(crate) fn prune(&mut self, before: Micros) -> Handled<Reply> {
        let mut count = 0;
        let mut filter = RunFilter { limit: PAGE, ..RunFilter::default() };
        loop {
            let page = self.store.list_runs(&filter)?;
            let Some(last) = page.last() else { break };
            filter.before = Some(last.num);
            for row in page {
                let old = row.status.is_terminal() && row.ended.is_some_and(|ended| ended < before);
                if old && !self.leads_to_an_answer(&row)? {
                    self.remove(&row)?;
                    count += 1;
                }
            }
        }
        Ok(Reply::Count(count))
    }

    /// The process is about to end: every live run is left as one that was interrupted cleanly.
    pub(crate) fn interrupt_all(&mut self) -> Handled<Reply> {
        let nums: Vec<RunNum> = self.live.keys().copied().collect();
        for num in nums {
            let Some(live) = self.drop_live(num) else {
                continue;
            };
            self.lose(live.key, "RuntimeUnavailableError", "the runtime is closing");
            let mut row = live.row;
            // A waiting run is where it would be without us: its timers and events wake it.
            if row.status == Status::Running {
                row.interrupted = true;
                row.reason = "its process ended".to_owned();
                self.update(&row)?;
            }
        }
        Ok(Reply::Done)
    }
}
