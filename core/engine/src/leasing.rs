//! Who may drive a run: queued, leased, released.

use std::collections::{HashMap, HashSet};

use agnt5_journal::entry::Body;
use agnt5_journal::{Arrival, Entry, Seq, Status, fork, segment};
use agnt5_store::{RunNum, RunRow, Store, StoreError};

use crate::engine::{Engine, Handled, Live};
use crate::notice::{Inbox, Lease, Notice};
use crate::request::Reply;

/// Journal bytes read per call when a run is leased.
const PAGE: usize = 4 << 20;

impl<S: Store> Engine<S> {
    pub(crate) fn serve(&mut self, component: String) -> Handled<Reply> {
        for num in self.unserved.remove(&component).unwrap_or_default() {
            self.ready.push_back(num);
        }
        self.served.insert(component);
        Ok(Reply::Done)
    }

    /// Queues a run that has something to do. Runs that are live, ended, paused or held stay as they are.
    pub(crate) fn make_ready(&mut self, num: RunNum) -> Result<(), StoreError> {
        if self.live.contains_key(&num) || self.held.contains(&num) || self.queued.contains(&num) {
            return Ok(());
        }
        let Some(mut row) = self.store.run(num)? else {
            return Ok(());
        };
        if row.status.is_terminal() || row.status == Status::Paused {
            return Ok(());
        }
        if row.status != Status::Pending {
            row.status = Status::Pending;
            self.update(&row)?;
        }
        self.queue(&row)
    }

    pub(crate) fn queue(&mut self, row: &RunRow) -> Result<(), StoreError> {
        if !self.queued.insert(row.num) {
            return Ok(());
        }
        if self.served.contains(&row.component) {
            self.ready.push_back(row.num);
        } else {
            let waiting = self.unserved.entry(row.component.clone()).or_default();
            waiting.push(row.num);
        }
        Ok(())
    }

    /// Leases queued runs while there is room.
    pub(crate) fn admit(&mut self) -> Result<(), StoreError> {
        while self.active < self.limits.max_active {
            let Some(num) = self.ready.pop_front() else {
                break;
            };
            self.queued.remove(&num);
            let Some(row) = self.store.run(num)? else {
                continue;
            };
            if row.status.is_terminal() || row.status == Status::Paused || self.live.contains_key(&num) {
                self.pass_turn(&row.object);
                continue;
            }
            if !row.object.is_empty() && !self.take_turn(&row)? {
                continue;
            }
            self.lease(row)?;
        }
        Ok(())
    }

    fn lease(&mut self, mut row: RunRow) -> Result<(), StoreError> {
        let entries = match self.entries(row.num)? {
            Ok(entries) => entries,
            Err(reason) => return self.pause_row(row, reason),
        };
        let resumed = match row.interrupted {
            true => std::mem::take(&mut row.reason),
            false => String::new(),
        };
        row.status = Status::Running;
        row.epoch += 1;
        row.started = row.started.or(Some(self.now));
        row.interrupted = false;
        let inbox = Inbox::default();
        let next_seq = entries.len() as Seq;
        let told = entries.iter().any(|entry| matches!(entry.body, Some(Body::CancelRequested(_))));
        if row.cancel_requested && !told {
            inbox.lock().push_back(Arrival::CancelRun);
        }
        let reuse = self.reusable(&entries)?;
        let (shift, cut) = (fork::shift_of(&entries), row.origin.map_or(0, |origin| origin.1));
        let key = self.next_key;
        self.next_key += 1;
        let decisions = self.decisions.remove(&row.num);
        let lease = Lease {
            num: row.num,
            key,
            epoch: row.epoch,
            row: row.clone(),
            entries,
            inbox: inbox.clone(),
            resumed,
            by_person: decisions.is_some(),
            decisions: decisions.unwrap_or_default(),
            reuse,
        };
        let live = Live {
            key,
            epoch: row.epoch,
            row: row.clone(),
            inbox,
            next_seq,
            parked: false,
            children: None,
            timers: HashMap::new(),
            waits: HashSet::new(),
            joins: HashMap::new(),
            awaits_stranger: false,
            shift,
            cut,
        };
        self.live.insert(row.num, live);
        self.active += 1;
        self.update(&row)?;
        self.notices.push(Notice::Leased(Box::new(lease)));
        Ok(())
    }

    /// The whole journal, or why it cannot be read.
    pub(crate) fn entries(&self, num: RunNum) -> Result<Result<Vec<Entry>, String>, StoreError> {
        let mut entries = Vec::new();
        loop {
            let page = self.store.journal(num, entries.len() as Seq, PAGE)?;
            if page.is_empty() {
                return Ok(Ok(entries));
            }
            for segment in page {
                if segment.first_seq != entries.len() as Seq {
                    let reason = format!("StoreCorrupt: entry {} is missing", entries.len());
                    return Ok(Err(reason));
                }
                if let Err(error) = segment::decode(&segment.bytes, &mut entries) {
                    return Ok(Err(format!("StoreCorrupt: {error}")));
                }
            }
        }
    }

    pub(crate) fn release(&mut self, num: RunNum, epoch: u64) -> Handled<Reply> {
        let Some(live) = self.live.get(&num).filter(|live| live.epoch == epoch) else {
            return Ok(Reply::Changed(false));
        };
        // Told in an earlier transaction, or in this one.
        let unread = !live.inbox.lock().is_empty() || self.arrivals.iter().any(|(told, _)| *told == num);
        let busy = live.row.status != Status::Waiting;
        self.drop_live(num);
        self.release_turn(num)?;
        // Released in the middle of something, or an answer came in between: it has to be driven again.
        if unread || busy {
            self.make_ready(num)?;
        }
        Ok(Reply::Changed(true))
    }

    pub(crate) fn drop_live(&mut self, num: RunNum) -> Option<Live> {
        let live = self.live.remove(&num)?;
        if !live.parked {
            self.active -= 1;
        }
        for seq in live.timers.keys() {
            self.announced.remove(&(num, *seq));
        }
        Some(live)
    }
}
