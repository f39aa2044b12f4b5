//! When a transaction is lost: every attempt with it, and nothing else.

use agnt5_journal::Micros;
use agnt5_store::{Store, StoreError};

use crate::engine::{Batch, Engine};
use crate::error::Refusal;
use crate::notice::Notice;
use crate::request::{Reply, Request, Ticket};

impl<S: Store> Engine<S> {
    pub(crate) fn give_up(&mut self, error: StoreError, tickets: Vec<Ticket>) -> Batch {
        self.store.rollback();
        self.notices.clear();
        self.arrivals.clear();
        let refusal = Refusal::from(&error);
        for live in self.live.values() {
            let message = error.to_string();
            self.notices.push(Notice::Lost { key: live.key, class: error.class(), message });
        }
        self.forget();
        self.stalled = Some(error);
        Batch {
            replies: (tickets.into_iter().filter(|ticket| *ticket != 0))
                .map(|ticket| (ticket, Err(refusal.clone())))
                .collect(),
            notices: std::mem::take(&mut self.notices),
            wake: self.next_wake(),
        }
    }

    /// While the disk is full every request is refused; the first write that succeeds brings the runs back.
    pub(crate) fn refuse_while_stalled(&mut self, requests: &[(Ticket, Request)]) -> Option<Batch> {
        let error = self.stalled.as_ref()?;
        let refusal = Refusal::from(error);
        if !error.poisons() && self.recover().is_ok() {
            self.stalled = None;
            return None;
        }
        // What cannot be written need not be stored to take effect in this process.
        for (_, request) in requests {
            if let Request::Serve { component } = request {
                self.served.insert(component.clone());
            }
        }
        let replies = (requests.iter().filter(|(ticket, _)| *ticket != 0))
            .map(|(ticket, request)| match request {
                Request::Serve { .. } | Request::Close => (*ticket, Ok(Reply::Done)),
                _ => (*ticket, Err(refusal.clone())),
            })
            .collect();
        Some(Batch { replies, notices: std::mem::take(&mut self.notices), wake: self.next_wake() })
    }

    /// When something is due without anybody asking.
    pub(crate) fn next_wake(&self) -> Option<Micros> {
        if let Some(error) = &self.stalled {
            return (!error.poisons()).then_some(self.now + 1_000_000);
        }
        if self.overdue || (!self.ready.is_empty() && self.active < self.limits.max_active) {
            return Some(self.now);
        }
        self.horizon
    }
}
