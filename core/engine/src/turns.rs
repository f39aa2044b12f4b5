//! Whose turn it is at an object: one call per key at a time, first come, first served, and no waiting in a circle.

use std::collections::{HashMap, HashSet, VecDeque};

use agnt5_store::{RunNum, RunRow, Store, StoreError};

use crate::engine::Engine;
use crate::failure;

#[derive(Debug, Default)]
pub(crate) struct Turns {
    objects: HashMap<String, Turn>,
    /// Which object a holder holds.
    held: HashMap<RunNum, String>,
}

#[derive(Debug, Default)]
struct Turn {
    holder: Option<RunNum>,
    waiting: VecDeque<Waiter>,
}

#[derive(Debug)]
struct Waiter {
    run: RunNum,
    /// Runs above it: while it waits, none of them can finish.
    lineage: Vec<RunNum>,
}

enum Asked {
    Granted,
    Queued,
    Reentered,
    Deadlock,
}

impl Turns {
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    fn ask(&mut self, object: &str, run: RunNum, lineage: Vec<RunNum>) -> Asked {
        let turn = self.objects.entry(object.to_owned()).or_default();
        match turn.holder {
            None => {
                turn.holder = Some(run);
                self.held.insert(run, object.to_owned());
                return Asked::Granted;
            }
            Some(holder) if holder == run => return Asked::Granted,
            Some(holder) if lineage.contains(&holder) => return Asked::Reentered,
            Some(_) => {}
        }
        let mine: HashSet<&str> =
            lineage.iter().filter_map(|run| self.held.get(run).map(String::as_str)).collect();
        if !mine.is_empty() && self.leads_to(object, &mine) {
            return Asked::Deadlock;
        }
        let turn = self.objects.get_mut(object).expect("it was just put there");
        turn.waiting.push_back(Waiter { run, lineage });
        Asked::Queued
    }

    /// Whether the holder of `object` waits, through others perhaps, for one of `targets`.
    fn leads_to(&self, object: &str, targets: &HashSet<&str>) -> bool {
        let mut seen = HashSet::new();
        let mut open = vec![object];
        while let Some(object) = open.pop() {
            if !seen.insert(object) {
                continue;
            }
            if targets.contains(object) {
                return true;
            }
            let Some(holder) = self.objects.get(object).and_then(|turn| turn.holder) else {
                continue;
            };
            // The holder waits wherever a run below it waits.
            for (other, turn) in &self.objects {
                if turn.waiting.iter().any(|waiter| waiter.lineage.contains(&holder)) {
                    open.push(other);
                }
            }
        }
        false
    }

    /// Ends a turn; the next in line, if any.
    fn release(&mut self, run: RunNum) -> Option<RunNum> {
        let object = self.held.remove(&run)?;
        let turn = self.objects.get_mut(&object)?;
        turn.holder = None;
        let next = turn.waiting.pop_front();
        if next.is_none() {
            self.objects.remove(&object);
        }
        next.map(|waiter| waiter.run)
    }

    /// The next in line when nobody holds the object.
    fn next(&mut self, object: &str) -> Option<RunNum> {
        let turn = self.objects.get_mut(object)?;
        if turn.holder.is_some() {
            return None;
        }
        turn.waiting.pop_front().map(|waiter| waiter.run)
    }

    /// A queued call was given up.
    fn leave(&mut self, object: &str, run: RunNum) {
        if let Some(turn) = self.objects.get_mut(object) {
            turn.waiting.retain(|waiter| waiter.run != run);
        }
    }
}

impl<S: Store> Engine<S> {
    /// True when the run may be leased; otherwise it waits in line or was refused for good.
    pub(crate) fn take_turn(&mut self, row: &RunRow) -> Result<bool, StoreError> {
        let lineage = self.lineage(row)?;
        let readable = row.object.replace('\n', " ");
        let (class, message) = match self.turns.ask(&row.object, row.num, lineage) {
            Asked::Granted => return Ok(true),
            Asked::Queued => return Ok(false),
            Asked::Reentered => (
                "ObjectReentered",
                format!(
                    "{} was called on {readable:?} from inside a call of the same object, which can never finish; \
                     call the method directly on self instead",
                    row.component
                ),
            ),
            Asked::Deadlock => (
                "ObjectDeadlock",
                format!(
                    "{} on {readable:?} would wait for a call that waits for its caller; always call these objects in the \
                     same order",
                    row.component
                ),
            ),
        };
        self.end_unled(row.clone(), failure::document(class, &message))?;
        Ok(false)
    }

    fn lineage(&self, row: &RunRow) -> Result<Vec<RunNum>, StoreError> {
        let mut lineage = Vec::new();
        let mut parent = row.parent;
        while let Some((num, _)) = parent {
            lineage.push(num);
            parent = match self.live.get(&num) {
                Some(live) => live.row.parent,
                None => self.store.run(num)?.and_then(|row| row.parent),
            };
        }
        Ok(lineage)
    }

    pub(crate) fn release_turn(&mut self, num: RunNum) -> Result<(), StoreError> {
        if let Some(next) = self.turns.release(num) {
            self.queued.insert(next);
            self.ready.push_front(next);
        }
        Ok(())
    }

    /// The run whose turn came does not want it any more.
    pub(crate) fn pass_turn(&mut self, object: &str) {
        if let Some(next) = self.turns.next(object) {
            self.queued.insert(next);
            self.ready.push_front(next);
        }
    }

    pub(crate) fn leave_turn(&mut self, row: &RunRow) -> Result<(), StoreError> {
        self.turns.leave(&row.object, row.num);
        self.release_turn(row.num)
    }
}
