//! One attempt at driving one run: a tape, an inbox, and what is handed to the engine.
//!
//! It never waits and never stores: [`Session::submit`] gives the request that makes everything so far durable.

use std::collections::HashMap;

use agnt5_journal::{
    Answer, Arrival, Ask, Micros, Op, Outcome, Payload, Seq, Source, Taken, Tape, TapeError,
};
use bytes::Bytes;

use crate::notice::{Inbox, Lease};
use crate::request::{Append, Code, Decision, Request};

pub struct Session {
    num: i64,
    key: u64,
    epoch: u64,
    tape: Tape,
    inbox: Inbox,
    resumed: String,
    /// The process of the attempt before ended while it was under way.
    interrupted: bool,
    by_person: bool,
    decisions: HashMap<String, Decision>,
    /// Entries before this one were handed over.
    submitted: Seq,
    parked: bool,
    /// Something was taken from the inbox since the last submit: the engine must hear that the run is parked again, even
    /// if nothing came of it.
    told: bool,
    codes: Vec<(String, Code)>,
}

/// What a local effect left behind beside its outcome.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// JSON, see `Completion.logs`.
    pub logs: Bytes,
    pub meta: Bytes,
    pub began: Micros,
}

impl Session {
    pub fn new(lease: Lease) -> Result<Self, TapeError> {
        let submitted = lease.entries.len() as Seq;
        let mut tape = Tape::new(lease.entries)?;
        if let Some(reuse) = lease.reuse {
            tape.reuse(reuse);
        }
        Ok(Self {
            num: lease.num,
            key: lease.key,
            epoch: lease.epoch,
            tape,
            inbox: lease.inbox,
            interrupted: !lease.resumed.is_empty(),
            resumed: lease.resumed,
            by_person: lease.by_person,
            decisions: lease.decisions,
            submitted,
            parked: false,
            told: false,
            codes: Vec::new(),
        })
    }

    /// Whether a person resumed this attempt.
    pub fn by_person(&self) -> bool {
        self.by_person
    }

    pub fn key(&self) -> u64 {
        self.key
    }

    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    pub fn tape(&self) -> &Tape {
        &self.tape
    }

    /// The time by the clock of this journal: a fork's goes on where what it shares ends.
    fn flow_time(&self, now: Micros) -> Micros {
        now - self.tape.shift()
    }

    /// A command of a flow's body. Times inside of it are by the journal's clock, `now` is the world's.
    pub fn command(&mut self, ask: &Ask, now: Micros) -> Result<Seq, TapeError> {
        let seq = self.tape.command(ask, self.flow_time(now))?;
        if !self.tape.replaying()
            && let Some(arrival) = self.tape.known_answer(seq)
        {
            self.inbox.lock().push_back(arrival);
        }
        Ok(seq)
    }

    pub fn begin(&mut self, scope: Seq, reuse: bool) -> Result<u32, TapeError> {
        self.tape.begin(scope, reuse)
    }

    /// A command of a function's body. All times are the world's.
    pub fn ask(&mut self, scope: Seq, ask: &Ask, now: Micros) -> Result<(Seq, Answer), TapeError> {
        let now = self.flow_time(now);
        let due = if ask.due > 0 { self.flow_time(ask.due) } else { 0 };
        let (seq, answer) = self.tape.ask(scope, &Ask { due, ..ask.clone() }, now)?;
        if answer != Answer::Pending {
            return Ok((seq, answer));
        }
        // A function's operation turns up only when its body asks again; a person may have decided about it by then.
        let decided = self.decided(seq).map(|outcome| Arrival::known(seq, outcome, Source::Given));
        let Some(arrival) = decided.or_else(|| self.tape.known_answer(seq)) else {
            return Ok((seq, Answer::Pending));
        };
        match self.tape.arrive(arrival, now) {
            Some(Taken::Completed { outcome, .. }) => Ok((seq, Answer::Known(outcome))),
            _ => Ok((seq, Answer::Pending)),
        }
    }

    /// The outcome a person gave to an open command of an earlier attempt.
    fn decided(&self, seq: Seq) -> Option<Outcome> {
        let op = self.tape.op(seq).filter(|op| op.recorded)?;
        match self.decisions.get(&*op.path)? {
            Decision::Value(bytes) => Some(Outcome::Value(Payload::inline(bytes.clone()))),
            Decision::Failure(bytes) => Some(Outcome::Failure(Payload::inline(bytes.clone()))),
            Decision::Retry => None,
        }
    }

    /// A local effect is over. False when nobody waits for it any more.
    pub fn settle(&mut self, seq: Seq, outcome: Outcome, trace: Trace) -> bool {
        if self.tape.is_closed() || self.tape.op(seq).is_none() {
            return false;
        }
        let Trace { logs, meta, began } = trace;
        let began = if began > 0 { self.flow_time(began) } else { 0 };
        let arrival = Arrival::Completed { seq, outcome, logs, meta, began, source: Source::World };
        self.inbox.lock().push_back(arrival);
        true
    }

    pub fn retry(&mut self, seq: Seq, failure: Bytes, due: Micros, trace: Trace, now: Micros) -> bool {
        let (due, began, now) = (self.flow_time(due), self.flow_time(trace.began), self.flow_time(now));
        self.tape.fail_attempt(seq, failure, due, trace.logs, began, now)
    }

    /// The next thing the code is to be told. The end of a replay is one `None` of its own, so that the driver can rearm.
    pub fn take(&mut self, now: Micros) -> Result<Option<Taken>, TapeError> {
        if self.tape.replaying() {
            return self.tape.take_recorded();
        }
        let now = self.flow_time(now);
        loop {
            let arrived = {
                let mut inbox = self.inbox.lock();
                let next = self.tape.next_of(&inbox);
                inbox.remove(next)
            };
            self.told |= arrived.is_some();
            let Some(arrival) = arrived.or_else(|| self.tape.next_held()) else {
                return Ok(None);
            };
            if let Some(taken) = self.tape.arrive(arrival, now) {
                return Ok(Some(taken));
            }
        }
    }

    /// The replay is over: what the journal still awaits is watched again, and a person's word is carried out.
    pub fn rearm(&mut self, now: Micros) {
        let reason = std::mem::take(&mut self.resumed);
        let resumed = (!reason.is_empty()).then_some((self.epoch, reason.as_str()));
        self.tape.rearm(resumed, self.flow_time(now));
        self.settle_known();
    }

    fn settle_known(&mut self) {
        let open: Vec<Seq> = self.tape.open_ops().into_iter().map(|(seq, _)| seq).collect();
        for seq in open {
            let decided = self.decided(seq).map(|outcome| Arrival::known(seq, outcome, Source::Given));
            if let Some(arrival) = decided.or_else(|| self.tape.known_answer(seq)) {
                self.inbox.lock().push_back(arrival);
            }
        }
    }

    /// When the next attempt of a command may start, 0 when it may now. Never, when its answer is known already and only
    /// waits for its turn.
    pub fn retry_at(&self, seq: Seq) -> Micros {
        if self.tape.is_held(seq) { Micros::MAX } else { self.tape.retry_at(seq) }
    }

    /// Whether this step may have happened and must not happen twice, and no person has decided. After a failed attempt
    /// that is so when the next one was due before the process ended.
    /// The body of the run itself (`ROOT`) is uncertain whenever its process ended while it was under way.
    pub fn is_uncertain(&self, seq: Seq, now: Micros) -> bool {
        let now = self.flow_time(now);
        if seq == agnt5_journal::ROOT {
            return self.interrupted && self.tape.retry_at(seq) <= now;
        }
        self.tape.op(seq).is_some_and(|op| {
            op.at_most_once
                && op.recorded
                && (op.retry_at == 0 || (self.interrupted && op.retry_at <= now))
                && !self.decisions.contains_key(&*op.path)
                // What a fork shares was begun by another run; who forks has it begun again.
                && (seq >= self.tape.cut() || self.interrupted)
        })
    }

    /// A run that this one is about to make will run this code.
    pub fn tell_code(&mut self, run_id: String, code: Code) {
        self.codes.push((run_id, code));
    }

    /// Everything since the last time, as one request. `None` when nothing changed.
    pub fn submit(&mut self, parked: bool) -> Option<Request> {
        let (entries, spilled) = self.tape.take_fresh();
        let rearm: Vec<(Seq, Op)> =
            self.tape.take_rearm().into_iter().filter_map(|seq| Some((seq, self.rearmed(seq)?))).collect();
        let told = std::mem::take(&mut self.told);
        if entries.is_empty() && rearm.is_empty() && parked == self.parked && !told {
            return None;
        }
        self.parked = parked;
        self.submitted += entries.len() as Seq;
        Some(Request::Append(Box::new(Append {
            num: self.num,
            key: self.key,
            epoch: self.epoch,
            entries,
            spilled,
            rearm,
            orphans: self.tape.take_orphans(),
            codes: std::mem::take(&mut self.codes),
            parked,
        })))
    }

    /// The command to watch again; the run itself when the retry wait of its own body goes on.
    fn rearmed(&self, seq: Seq) -> Option<Op> {
        match seq {
            agnt5_journal::ROOT => Some(Op::of_body(self.tape.retry_at(seq))),
            _ => self.tape.op(seq).cloned(),
        }
    }

    /// The last seq handed over.
    pub fn submitted(&self) -> Seq {
        self.submitted.saturating_sub(1)
    }

    pub fn end(
        &mut self,
        outcome: Outcome,
        warnings: Vec<String>,
        logs: Bytes,
        object_state: Option<Bytes>,
        now: Micros,
    ) -> Result<(), TapeError> {
        let now = self.flow_time(now);
        self.tape.end(outcome, warnings, logs, object_state, now)
    }

    /// Ends the attempt and leaves the run to a person.
    pub fn pause(&mut self, reason: String) -> Request {
        self.tape.close();
        Request::Stop { num: self.num, epoch: self.epoch, reason }
    }

    pub fn release(&mut self) -> Request {
        self.tape.close();
        Request::Release { num: self.num, epoch: self.epoch }
    }
}
