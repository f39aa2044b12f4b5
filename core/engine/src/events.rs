//! Events from outside, and the runs that await them. Each event is consumed once; one sent before the wait is kept.

use agnt5_journal::{Micros, Outcome, Payload, Received, Seq};
use agnt5_store::{EventRow, EventState, RunNum, Store, StoreError, WaitRow};
use bytes::Bytes;

use crate::engine::{Engine, Handled, TimerKind};
use crate::error::Refusal;
use crate::request::Reply;

/// How often kept events are looked through for expired ones.
const EXPIRY_INTERVAL: Micros = 60_000_000;

impl<S: Store> Engine<S> {
    pub(crate) fn send_event(
        &mut self,
        name: String,
        payload: Bytes,
        id: String,
        run_id: &str,
        keep: Micros,
    ) -> Handled<Reply> {
        let target = match run_id {
            "" => None,
            run_id => {
                let row = self.find_last(run_id)?;
                if row.status.is_terminal() {
                    let message = format!("run {run_id} has {} and takes no more events", row.status.name());
                    return Err(Refusal::new("RunClosed", message).into());
                }
                Some(row.num)
            }
        };
        let event = EventRow {
            num: 0,
            id,
            name,
            target,
            payload,
            sent: self.now,
            expires: self.now.saturating_add(keep),
            state: EventState::Kept,
        };
        Ok(Reply::Changed(self.keep_event(event)?))
    }

    /// Puts an event into the mailbox and hands it to the oldest waiter. False: its id was seen before.
    pub(crate) fn keep_event(&mut self, event: EventRow) -> Result<bool, StoreError> {
        self.dirty = true;
        if !self.store.put_event(&event)? {
            return Ok(false);
        }
        if let Some(wait) = self.store.oldest_wait(&event.name, event.target)? {
            self.hand_over(wait.run, wait.seq, &event.name)?;
        }
        Ok(true)
    }

    /// Gives the oldest event of this name that the run may take to its command, if there is one.
    fn hand_over(&mut self, run: RunNum, seq: Seq, name: &str) -> Result<bool, StoreError> {
        let Some(event) = self.store.oldest_event(name, run)? else {
            return Ok(false);
        };
        self.store.set_event_state(event.num, EventState::Assigned { run, seq })?;
        self.dirty = true;
        if self.live.contains_key(&run) {
            self.receive(run, seq, event)?;
        } else {
            self.make_ready(run)?;
        }
        Ok(true)
    }

    fn receive(&mut self, run: RunNum, seq: Seq, event: EventRow) -> Result<(), StoreError> {
        let created = self.live.get(&run).map_or(0, |live| live.row.created);
        let received = Received {
            event_id: event.id,
            payload: Some(Payload::inline(event.payload)),
            early: event.sent < created,
        };
        self.answer(run, seq, Outcome::Received(received));
        Ok(())
    }

    /// Waits for an event from now on; `due` 0 means without a time-out.
    pub(crate) fn watch_event(
        &mut self,
        num: RunNum,
        seq: Seq,
        name: &str,
        due: Micros,
    ) -> Result<(), StoreError> {
        if let Some(live) = self.live.get_mut(&num) {
            live.waits.insert(seq);
        }
        self.dirty = true;
        if let Some(event) = self.store.assigned_event(num, seq)? {
            return self.receive(num, seq, event);
        }
        self.store.put_wait(&WaitRow { run: num, seq, name: name.to_owned() })?;
        if self.hand_over(num, seq, name)? {
            return Ok(());
        }
        match due {
            0 => Ok(()),
            due => self.arm(num, seq, due + self.shift(num), TimerKind::TimeOut),
        }
    }

    /// The wait is answered or given up: an event that was assigned and is not in the journal goes back.
    pub(crate) fn stop_waiting(&mut self, num: RunNum, seq: Seq) -> Result<(), StoreError> {
        let waited = (self.live.get_mut(&num)).is_some_and(|live| live.waits.remove(&seq));
        if !waited {
            return Ok(());
        }
        self.end_waits(num, [seq])
    }

    /// Whoever else waits for the events that were assigned to these waits gets them.
    pub(crate) fn end_waits(
        &mut self,
        num: RunNum,
        seqs: impl IntoIterator<Item = Seq>,
    ) -> Result<(), StoreError> {
        let mut seqs: Vec<Seq> = seqs.into_iter().collect();
        seqs.sort_unstable();
        // All of them first: none may get the event of another.
        for seq in &seqs {
            self.store.delete_wait(num, *seq)?;
            self.dirty = true;
        }
        for seq in seqs {
            let Some(event) = self.store.assigned_event(num, seq)? else {
                continue;
            };
            self.store.set_event_state(event.num, EventState::Kept)?;
            if let Some(wait) = self.store.oldest_wait(&event.name, event.target)? {
                self.hand_over(wait.run, wait.seq, &event.name)?;
            }
        }
        Ok(())
    }

    /// The event is in the journal now.
    pub(crate) fn consume_event(&mut self, num: RunNum, seq: Seq) -> Result<(), StoreError> {
        if let Some(event) = self.store.assigned_event(num, seq)? {
            self.store.set_event_state(event.num, EventState::Consumed)?;
            self.dirty = true;
        }
        self.stop_waiting(num, seq)
    }

    pub(crate) fn expire_events(&mut self) -> Result<(), StoreError> {
        if self.now < self.next_expiry {
            return Ok(());
        }
        self.next_expiry = self.now + EXPIRY_INTERVAL;
        if self.store.expire_events(self.now)? > 0 {
            self.dirty = true;
        }
        Ok(())
    }
}
