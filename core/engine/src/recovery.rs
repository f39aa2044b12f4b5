//! What happens to runs when their process is gone: found at open, or after the disk was full.

use agnt5_journal::{Micros, Status};
use agnt5_store::{RunRow, Store, StoreError};

use crate::engine::Engine;

const PAGE: u32 = 1_000;

impl<S: Store> Engine<S> {
    /// Takes up a store after opening it. Runs that were running are marked interrupted; pending ones are queued; waiting
    /// ones stay where they are until something wakes them.
    pub fn open(&mut self, now: Micros) -> Result<(), StoreError> {
        self.now = now;
        self.recover_rows(true)
    }

    /// The same without a new process: attempts of this one were lost.
    pub(crate) fn recover(&mut self) -> Result<(), StoreError> {
        self.recover_rows(false)
    }

    fn recover_rows(&mut self, new_process: bool) -> Result<(), StoreError> {
        self.forget();
        self.store.begin()?;
        match self.take_up(new_process) {
            Ok(()) => self.store.commit(),
            Err(error) => {
                self.store.rollback();
                Err(error)
            }
        }
    }

    fn take_up(&mut self, new_process: bool) -> Result<(), StoreError> {
        let mut after = 0;
        loop {
            let page = self.store.unfinished(after, PAGE)?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = last.num;
            for row in page {
                self.take_up_run(row, new_process)?;
            }
        }
    }

    fn take_up_run(&mut self, mut row: RunRow, new_process: bool) -> Result<(), StoreError> {
        match row.status {
            Status::Running if new_process => {
                if !row.interrupted {
                    // It ended with its process, not by a clean exit.
                    row.crashes += 1;
                    row.interrupted = true;
                    row.reason = "its process was killed or crashed".to_owned();
                }
                if row.crashes >= self.limits.max_crashes {
                    let reason = format!(
                        "its process ended {} times in a row while it ran, and nothing new was recorded; \
                         look at its last step, then resume or cancel it",
                        row.crashes
                    );
                    return self.pause_row(row, reason);
                }
                self.update(&row)?;
                match self.ask_first {
                    true => {
                        self.held.insert(row.num);
                        Ok(())
                    }
                    false => self.queue(&row),
                }
            }
            Status::Running | Status::Pending => self.queue(&row),
            _ => Ok(()),
        }
    }

    /// Drops everything that can be read from the store again.
    pub(crate) fn forget(&mut self) {
        self.live.clear();
        self.active = 0;
        self.ready.clear();
        self.queued.clear();
        self.unserved.clear();
        self.announced.clear();
        self.turns.clear();
        self.strangers.clear();
        self.overdue = false;
        self.horizon = Some(0);
    }
}
