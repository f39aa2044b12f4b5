//! What an entry means for everything outside its own journal: timers, waits, children, the run's row.

use agnt5_journal::entry::Body;
use agnt5_journal::{
    Command, CommandKind, Completion, Ended, Entry, Micros, Outcome, Payload, Seq, Spilled, Status,
};
use agnt5_store::{EventRow, EventState, RunNum, Store, StoreError};
use bytes::Bytes;

use crate::children::KEEP;
use crate::engine::{Engine, Handled, TimerKind};
use crate::error::Refusal;
use crate::failure;

impl<S: Store> Engine<S> {
    pub(crate) fn apply(&mut self, num: RunNum, entry: &Entry, spilled: &[Spilled]) -> Handled<()> {
        let shift = self.shift(num);
        match &entry.body {
            Some(Body::Command(command)) => self.apply_command(num, entry.seq, command, spilled),
            Some(Body::Completion(completion)) => Ok(self.apply_completion(num, completion)?),
            Some(Body::FailedAttempt(failed)) => {
                self.forgive(num)?;
                Ok(self.arm(num, failed.command, failed.retry_at + shift, TimerKind::Retry)?)
            }
            Some(Body::Ended(ended)) => Ok(self.apply_end(num, ended, entry.at + shift, spilled)?),
            _ => Ok(()),
        }
    }

    /// What a live run's journal calls a time is so much later in the world.
    pub(crate) fn shift(&self, num: RunNum) -> Micros {
        self.live.get(&num).map_or(0, |live| live.shift)
    }

    fn apply_command(
        &mut self,
        num: RunNum,
        seq: Seq,
        command: &Command,
        spilled: &[Spilled],
    ) -> Handled<()> {
        match command.kind() {
            CommandKind::Sleep => self.arm(num, seq, command.due + self.shift(num), TimerKind::Sleep)?,
            CommandKind::WaitEvent => self.watch_event(num, seq, &command.name, command.due)?,
            CommandKind::Child | CommandKind::Object | CommandKind::Start => {
                self.create_child(num, seq, command, spilled)?;
            }
            CommandKind::Join => self.watch_child(num, seq, &command.child_id)?,
            CommandKind::SendEvent => self.send_from_run(num, seq, command, spilled)?,
            CommandKind::Cancel => self.give_up_command(num, command)?,
            _ => {}
        }
        Ok(())
    }

    fn give_up_command(&mut self, num: RunNum, command: &Command) -> Handled<()> {
        let Ok(target) = command.target.parse::<Seq>() else {
            return Ok(());
        };
        self.disarm(num, target)?;
        self.stop_waiting(num, target)?;
        match command.child_id.is_empty() {
            true => Ok(()),
            false => Ok(self.give_up_child(&command.child_id)?),
        }
    }

    fn send_from_run(
        &mut self,
        num: RunNum,
        seq: Seq,
        command: &Command,
        spilled: &[Spilled],
    ) -> Handled<()> {
        let Some(sender) = self.live.get(&num).map(|live| live.row.id.clone()) else {
            return Ok(());
        };
        let target = match command.target.as_str() {
            "" => None,
            id => {
                let row = match self.store.run_by_id(id)? {
                    Some(row) => Some(self.last_of(row)?),
                    None => None,
                };
                match row {
                    Some(row) if !row.status.is_terminal() => Some(row.num),
                    // The run it was meant for is gone; an answer to that belongs to whoever looks, not to this run.
                    _ => return Ok(()),
                }
            }
        };
        let payload = self.bytes_of(command.input.as_ref(), spilled)?;
        let event = EventRow {
            num: 0,
            // The same event when the run is driven again.
            id: format!("{sender}:{seq}"),
            name: command.name.clone(),
            target,
            payload,
            sent: self.now,
            expires: self.now.saturating_add(KEEP),
            state: EventState::Kept,
        };
        self.keep_event(event)?;
        Ok(())
    }

    fn apply_completion(&mut self, num: RunNum, completion: &Completion) -> Result<(), StoreError> {
        let seq = completion.command;
        self.disarm(num, seq)?;
        match Outcome::of_completion(&completion.outcome) {
            Some(Outcome::Received(_)) => self.consume_event(num, seq)?,
            Some(Outcome::TimedOut) => self.stop_waiting(num, seq)?,
            _ => {}
        }
        self.forgive(num)
    }

    /// Something new was recorded: what took the process down before was not this run.
    fn forgive(&mut self, num: RunNum) -> Result<(), StoreError> {
        if let Some(live) = self.live.get(&num)
            && live.row.crashes > 0
        {
            let mut row = live.row.clone();
            row.crashes = 0;
            self.update(&row)?;
        }
        Ok(())
    }

    fn apply_end(
        &mut self,
        num: RunNum,
        ended: &Ended,
        at: Micros,
        spilled: &[Spilled],
    ) -> Result<(), StoreError> {
        let Some(live) = self.drop_live(num) else {
            return Ok(());
        };
        for seq in live.timers.keys() {
            self.store.delete_timer(num, *seq)?;
        }
        let mut row = live.row;
        self.end_waits(num, live.waits)?;
        let outcome = Outcome::of_end(&ended.outcome).unwrap_or(Outcome::Cancelled);
        row.status = match &outcome {
            Outcome::Value(_) | Outcome::Continued(_) => Status::Completed,
            Outcome::Failure(_) => Status::Failed,
            _ => Status::Cancelled,
        };
        row.reason = match &outcome {
            Outcome::Failure(payload) => failure::summary(&self.bytes_of(Some(payload), &[])?),
            _ => String::new(),
        };
        row.ended = Some(at);
        row.interrupted = false;
        if row.status == Status::Completed
            && !row.object.is_empty()
            && let Some(state) = &ended.object_state
        {
            let state = self.bytes_of(Some(state), spilled)?;
            self.store.put_object(&row.object, Some(&state))?;
        }
        self.update(&row)?;
        if let Outcome::Continued(continued) = &outcome {
            self.continue_run(&row, continued, spilled)?;
        }
        self.after_end(&row, outcome)
    }

    /// Stored bytes of a payload, wherever they are. Empty when there are none.
    pub(crate) fn bytes_of(
        &self,
        payload: Option<&Payload>,
        spilled: &[Spilled],
    ) -> Result<Bytes, StoreError> {
        let Some(payload) = payload else {
            return Ok(Bytes::new());
        };
        if let Some(bytes) = payload.as_inline() {
            return Ok(bytes.clone());
        }
        let Some(hash) = payload.as_blob().and_then(|blob| <[u8; 32]>::try_from(&blob.hash[..]).ok()) else {
            return Ok(Bytes::new());
        };
        if let Some(blob) = spilled.iter().find(|blob| blob.hash == hash) {
            return Ok(blob.bytes.clone());
        }
        Ok(self.store.blob(&hash)?.unwrap_or_default())
    }

    pub(crate) fn refuse_child(&mut self, num: RunNum, seq: Seq, command: &Command, message: &str) {
        // A run that was only started has no open command; whoever joins it later is told then.
        if command.kind() != CommandKind::Start {
            self.answer(num, seq, Outcome::Failure(failure::document("QuotaExceeded", message)));
        }
    }
}

impl<S: Store> Engine<S> {
    pub(crate) fn find(&self, run_id: &str) -> Handled<agnt5_store::RunRow> {
        let row = self.store.run_by_id(run_id)?;
        Ok(row.ok_or_else(|| Refusal::not_found(run_id))?)
    }
}
