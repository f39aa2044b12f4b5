//! Durable timers: sleeps, time-outs of waits, retry waits.
//!
//! A timer's row is only a wake-up. What it means is in the journal, so a run that was not in memory when it fired finds
//! out by itself when it is rebuilt.

use agnt5_journal::{Arrival, CommandKind, Micros, Op, Outcome, Seq};
use agnt5_store::{RunNum, Store, StoreError, TimerRow};

use crate::engine::{Engine, Handled, TimerKind};

/// Timers handled in one transaction, so that 100,000 due at once neither block the writer nor fill the memory.
const BATCH: u32 = 512;

impl<S: Store> Engine<S> {
    pub(crate) fn arm(
        &mut self,
        num: RunNum,
        seq: Seq,
        due: Micros,
        kind: TimerKind,
    ) -> Result<(), StoreError> {
        if let Some(live) = self.live.get_mut(&num) {
            live.timers.insert(seq, kind);
        }
        self.announced.remove(&(num, seq));
        self.horizon = Some(self.horizon.map_or(due, |horizon| horizon.min(due)));
        self.store.put_timer(&TimerRow { due, run: num, seq })?;
        self.dirty = true;
        Ok(())
    }

    pub(crate) fn disarm(&mut self, num: RunNum, seq: Seq) -> Result<(), StoreError> {
        let armed = (self.live.get_mut(&num)).is_some_and(|live| live.timers.remove(&seq).is_some());
        if armed {
            self.announced.remove(&(num, seq));
            self.store.delete_timer(num, seq)?;
            self.dirty = true;
        }
        Ok(())
    }

    /// Tells live runs, and queues the others, whose timers are due.
    pub(crate) fn fire_timers(&mut self) -> Result<(), StoreError> {
        if self.horizon.is_none_or(|horizon| self.now < horizon) {
            return Ok(());
        }
        let limit = BATCH + self.announced.len() as u32;
        let due = self.store.due_timers(self.now, limit)?;
        self.overdue = due.len() as u32 == limit;
        for timer in due {
            let TimerRow { run, seq, .. } = timer;
            let Some(live) = self.live.get(&run) else {
                self.store.delete_timer(run, seq)?;
                self.dirty = true;
                self.make_ready(run)?;
                continue;
            };
            if !self.announced.insert((run, seq)) {
                continue;
            }
            match live.timers.get(&seq) {
                Some(TimerKind::Sleep) => self.answer(run, seq, Outcome::Fired),
                Some(TimerKind::TimeOut) => self.time_out(run, seq)?,
                Some(TimerKind::Retry) => self.tell(run, Arrival::Retry { seq }),
                // Its command is answered already.
                None => {
                    self.announced.remove(&(run, seq));
                    self.store.delete_timer(run, seq)?;
                    self.dirty = true;
                }
            }
        }
        self.horizon = match self.overdue {
            true => Some(self.now),
            false => self.store.next_due(self.now)?,
        };
        Ok(())
    }

    fn time_out(&mut self, run: RunNum, seq: Seq) -> Result<(), StoreError> {
        // An event that was handed over first has won.
        if self.store.assigned_event(run, seq)?.is_some() {
            return Ok(());
        }
        self.stop_waiting(run, seq)?;
        self.answer(run, seq, Outcome::TimedOut);
        Ok(())
    }

    /// Watches again for the answer to a command that was found open in the journal.
    pub(crate) fn rearm(&mut self, num: RunNum, seq: Seq, op: &Op) -> Handled<()> {
        let shift = self.shift(num);
        match op.kind {
            _ if op.retry_at > 0 => self.arm(num, seq, op.retry_at + shift, TimerKind::Retry)?,
            CommandKind::Sleep => self.arm(num, seq, op.due + shift, TimerKind::Sleep)?,
            CommandKind::WaitEvent => self.watch_event(num, seq, &op.name, op.due)?,
            CommandKind::Child | CommandKind::Object => {
                self.create_shared_child(num, seq, op)?;
                self.watch_child(num, seq, &op.child_id)?;
            }
            CommandKind::Join => self.watch_child(num, seq, &op.child_id)?,
            _ => {}
        }
        Ok(())
    }
}
