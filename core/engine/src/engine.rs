//! The state machine: one batch of requests, one transaction, then notices.

use std::collections::{HashMap, HashSet, VecDeque};

use agnt5_journal::{Arrival, Entry, Micros, Outcome, Seq, Source, Status, segment};
use agnt5_store::{RunNum, RunRow, Segment, Store, StoreError};

use crate::error::Refusal;
use crate::limits::Limits;
use crate::notice::{Inbox, Notice};
use crate::request::{Append, Code, Decision, Reply, Request, Ticket};
use crate::turns::Turns;

/// What one transaction came to.
#[derive(Debug, Default)]
pub struct Batch {
    pub replies: Vec<(Ticket, Result<Reply, Refusal>)>,
    pub notices: Vec<Notice>,
    /// When to come back without being asked.
    pub wake: Option<Micros>,
}

/// A run with an attempt in this process.
pub(crate) struct Live {
    pub key: u64,
    pub epoch: u64,
    pub row: RunRow,
    pub inbox: Inbox,
    pub next_seq: Seq,
    pub parked: bool,
    pub children: Option<u64>,
    /// Armed timers of open commands.
    pub timers: HashMap<Seq, TimerKind>,
    /// Commands that await an event.
    pub waits: HashSet<Seq>,
    /// Commands that await a run started earlier.
    pub joins: HashMap<RunNum, Vec<Seq>>,
    /// It awaits a run that another one started. Nobody but its own attempt looks after that, so it counts as busy.
    pub awaits_stranger: bool,
    /// How far its journal's clock is behind, and which entries it shares: 0 unless it is a fork.
    pub shift: Micros,
    pub cut: Seq,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimerKind {
    Sleep,
    TimeOut,
    Retry,
}

/// What handling one request can end in besides success.
pub(crate) enum Fault {
    /// The request is refused; the batch goes on.
    Refused(Refusal),
    /// The transaction is lost.
    Store(StoreError),
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

pub(crate) type Handled<T> = Result<T, Fault>;

pub struct Engine<S> {
    pub(crate) store: S,
    pub(crate) limits: Limits,
    /// Interrupted runs wait for a person instead of being leased.
    pub(crate) ask_first: bool,
    pub(crate) served: HashSet<String>,
    pub(crate) live: HashMap<RunNum, Live>,
    pub(crate) active: usize,
    pub(crate) ready: VecDeque<RunNum>,
    /// Everything in `ready` and `unserved`, so that nothing is queued twice.
    pub(crate) queued: HashSet<RunNum>,
    pub(crate) unserved: HashMap<String, Vec<RunNum>>,
    /// Interrupted runs that wait for a person.
    pub(crate) held: HashSet<RunNum>,
    /// Runs that a person resumed and nobody has leased yet, with that person's word on uncertain steps.
    pub(crate) decisions: HashMap<RunNum, HashMap<String, Decision>>,
    pub(crate) turns: Turns,
    /// Live runs that await a run which they did not start, by that run.
    pub(crate) strangers: HashMap<RunNum, Vec<RunNum>>,
    /// Timers that were told to their live run; their rows go when the answer is journaled.
    pub(crate) announced: HashSet<(RunNum, Seq)>,
    pub(crate) next_key: u64,
    pub(crate) next_expiry: Micros,
    /// The disk was full; runs wait until a write succeeds again.
    pub(crate) stalled: Option<StoreError>,
    /// Of the runs that the entries being written make.
    pub(crate) codes: HashMap<String, Code>,
    // One batch:
    pub(crate) now: Micros,
    pub(crate) dirty: bool,
    pub(crate) notices: Vec<Notice>,
    pub(crate) arrivals: Vec<(RunNum, Arrival)>,
    pub(crate) overdue: bool,
    /// No timer that still has to be told is due before this. Keeps the timer table out of the path of a step.
    pub(crate) horizon: Option<Micros>,
}

impl<S: Store> Engine<S> {
    pub fn new(store: S, limits: Limits, ask_first: bool) -> Self {
        Self {
            store,
            limits,
            ask_first,
            served: HashSet::new(),
            live: HashMap::new(),
            active: 0,
            ready: VecDeque::new(),
            queued: HashSet::new(),
            unserved: HashMap::new(),
            held: HashSet::new(),
            codes: HashMap::new(),
            decisions: HashMap::new(),
            turns: Turns::default(),
            strangers: HashMap::new(),
            announced: HashSet::new(),
            next_key: 1,
            next_expiry: 0,
            stalled: None,
            now: 0,
            dirty: false,
            notices: Vec::new(),
            arrivals: Vec::new(),
            overdue: false,
            horizon: Some(0),
        }
    }

    pub fn store(&self) -> &S {
        &self.store
    }

    /// For a simulator that makes its store fail.
    pub fn store_mut(&mut self) -> &mut S {
        &mut self.store
    }

    /// Gives the store back, for a simulator that restarts the engine.
    pub fn into_store(self) -> S {
        self.store
    }

    pub fn live_runs(&self) -> usize {
        self.live.len()
    }

    /// Carries out all requests in one transaction. On a store error nothing of it happened, every request is refused with
    /// it, and every live attempt is lost.
    pub fn process(&mut self, now: Micros, requests: Vec<(Ticket, Request)>) -> Batch {
        self.now = now;
        self.dirty = false;
        self.overdue = false;
        if let Some(batch) = self.refuse_while_stalled(&requests) {
            return batch;
        }
        let tickets: Vec<Ticket> = requests.iter().map(|(ticket, _)| *ticket).collect();
        let mut replies = Vec::new();
        match self.transact(requests, &mut replies) {
            Ok(()) => {
                self.deliver_arrivals();
                Batch { replies, notices: std::mem::take(&mut self.notices), wake: self.next_wake() }
            }
            Err(error) => self.give_up(error, tickets),
        }
    }

    fn transact(
        &mut self,
        requests: Vec<(Ticket, Request)>,
        replies: &mut Vec<(Ticket, Result<Reply, Refusal>)>,
    ) -> Result<(), StoreError> {
        self.store.begin()?;
        for (ticket, request) in requests {
            let reply = match self.handle(request) {
                Ok(reply) => Ok(reply),
                Err(Fault::Refused(refusal)) => Err(refusal),
                Err(Fault::Store(error)) => return Err(error),
            };
            if ticket != 0 {
                replies.push((ticket, reply));
            }
        }
        self.expire_events()?;
        self.fire_timers()?;
        self.admit()?;
        self.note_told()?;
        if self.dirty {
            self.store.commit()
        } else {
            self.store.rollback();
            Ok(())
        }
    }

    fn handle(&mut self, request: Request) -> Handled<Reply> {
        match request {
            Request::Serve { component } => self.serve(component),
            Request::Start(start) => self.start(*start),
            Request::Fork(fork) => self.fork(*fork),
            Request::Rerun(rerun) => self.rerun(*rerun),
            Request::Append(append) => self.append(*append),
            Request::Release { num, epoch } => self.release(num, epoch),
            Request::Stop { num, epoch, reason } => self.stop(num, epoch, reason),
            Request::SendEvent { name, payload, id, run_id, keep } => {
                self.send_event(name, payload, id, &run_id, keep)
            }
            Request::Cancel { run_id } => self.cancel(&run_id),
            Request::Pause { run_id, reason } => self.pause(&run_id, reason),
            Request::Resume { run_id, decisions } => self.resume(&run_id, decisions),
            Request::Fail { run_id, failure } => self.fail(&run_id, failure),
            Request::Delete { run_id } => self.delete(&run_id),
            Request::Prune { before } => self.prune(before),
            Request::Memory(change) => self.remember(*change),
            Request::Close => self.interrupt_all(),
        }
    }

    // ---- writing ----------------------------------------------------------------------------------------------------

    fn append(&mut self, append: Append) -> Handled<Reply> {
        let Append { num, key, epoch, entries, spilled, rearm, orphans, codes, parked } = append;
        let Some(live) = self.live.get(&num).filter(|live| live.epoch == epoch) else {
            self.lose(key, "RunClosed", "another attempt drives this run now");
            return Ok(Reply::Changed(false));
        };
        if entries.first().is_some_and(|first| first.seq != live.next_seq) {
            // Cannot happen while a session hands over every entry once, in order; writing it would lose what is between.
            self.lose(key, "RunClosed", "the attempt is out of step with its journal");
            self.drop_live(num);
            return Ok(Reply::Changed(false));
        }
        for blob in &spilled {
            self.store.put_blob(num, &blob.hash, &blob.bytes)?;
            self.dirty = true;
        }
        for (seq, op) in rearm {
            self.rearm(num, seq, &op)?;
        }
        self.codes = codes.into_iter().collect();
        self.write(num, &entries, &spilled)?;
        self.codes.clear();
        for child in orphans {
            self.give_up_child(&child)?;
        }
        if let Some(last) = entries.last() {
            let seq = last.seq;
            self.notices.push(Notice::Durable { key, seq });
        }
        self.set_parked(num, parked)
    }

    /// Stores entries of a live run and does what they say.
    pub(crate) fn write(
        &mut self,
        num: RunNum,
        entries: &[Entry],
        spilled: &[agnt5_journal::Spilled],
    ) -> Handled<()> {
        let Some(first) = entries.first() else {
            return Ok(());
        };
        let count = entries.len();
        let bytes = segment::encode(entries);
        let segment = Segment { first_seq: first.seq, count: count as u32, bytes };
        self.store.append(num, &segment)?;
        self.dirty = true;
        if let Some(live) = self.live.get_mut(&num) {
            live.next_seq = first.seq + count as Seq;
        }
        for entry in entries {
            self.apply(num, entry, spilled)?;
        }
        Ok(())
    }

    fn set_parked(&mut self, num: RunNum, parked: bool) -> Handled<Reply> {
        let Some(live) = self.live.get_mut(&num) else {
            return Ok(Reply::Done);
        };
        // An answer may have come while the session handed this over; then it is about to go on.
        let parked = parked && live.inbox.lock().is_empty();
        match (live.parked, parked) {
            (false, true) => self.active -= 1,
            (true, false) => self.active += 1,
            _ => {}
        }
        live.parked = parked;
        let status = if parked && !live.awaits_stranger { Status::Waiting } else { Status::Running };
        if live.row.status != status {
            live.row.status = status;
            self.store.update_run(&live.row)?;
            self.dirty = true;
        }
        Ok(Reply::Done)
    }

    pub(crate) fn update(&mut self, row: &RunRow) -> Result<(), StoreError> {
        self.store.update_run(row)?;
        self.dirty = true;
        if let Some(live) = self.live.get_mut(&row.num) {
            live.row = row.clone();
        }
        Ok(())
    }

    /// Tells a live run something once the transaction has held.
    pub(crate) fn tell(&mut self, num: RunNum, arrival: Arrival) {
        self.arrivals.push((num, arrival));
    }

    pub(crate) fn answer(&mut self, num: RunNum, seq: Seq, outcome: Outcome) {
        let arrival = Arrival::known(seq, outcome, Source::World);
        self.tell(num, arrival);
    }

    pub(crate) fn lose(&mut self, key: u64, class: &'static str, message: &str) {
        let message = message.to_owned();
        self.notices.push(Notice::Lost { key, class, message });
    }

    /// A waiting run that is told something is pending on disk too: if the process dies before the answer is journaled,
    /// nothing but this row says that the run has something to do. (A timer's own row does.)
    fn note_told(&mut self) -> Result<(), StoreError> {
        for (num, arrival) in &self.arrivals {
            let status = match arrival {
                Arrival::Completed { seq, .. } if self.announced.contains(&(*num, *seq)) => continue,
                // From here on the next attempt may have begun.
                Arrival::Retry { .. } => Status::Running,
                _ => Status::Pending,
            };
            if let Some(live) = self.live.get_mut(num)
                && live.row.status == Status::Waiting
            {
                live.row.status = status;
                self.store.update_run(&live.row)?;
                self.dirty = true;
            }
        }
        Ok(())
    }

    fn deliver_arrivals(&mut self) {
        for (num, arrival) in std::mem::take(&mut self.arrivals) {
            let Some(live) = self.live.get_mut(&num) else {
                continue;
            };
            live.inbox.lock().push_back(arrival);
            if live.parked {
                live.parked = false;
                self.active += 1;
            }
            let key = live.key;
            self.notices.push(Notice::Arrived { key });
        }
    }
}
