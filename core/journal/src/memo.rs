//! The body of a function or method: a memo, not a script.
//!
//! Such bodies may do I/O, so two attempts may ask in different orders. A command is found again by what it is (kind, name,
//! input) and by how many equal ones this attempt asked before; never by its place.

use std::collections::HashMap;

use bytes::Bytes;

use crate::{CommandKind, Micros, Outcome, Seq, identity};

/// One recorded command of the scope.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub seq: Seq,
    pub generation: u32,
    pub outcome: Option<Outcome>,
    pub cancelled: bool,
    pub failed_attempts: u32,
    pub retry_at: Micros,
    pub due: Micros,
    pub child_id: String,
    pub path: String,
    pub at_most_once: bool,
}

#[derive(Debug, Default)]
struct Slot {
    occurrence: u32,
    /// Whether this attempt asked for it.
    claimed: bool,
    records: Vec<Record>,
}

#[derive(Debug)]
pub(crate) struct Memo {
    pub identity: [u8; 16],
    pub path: String,
    /// The attempt of the body that runs now, from 1.
    pub generation: u32,
    /// Whether successes of earlier attempts answer.
    reuse: bool,
    slots: HashMap<[u8; 16], Slot>,
    /// Equal commands asked in this attempt, by the identity of the first.
    uses: HashMap<[u8; 16], u32>,
    occurrences: HashMap<Box<str>, u32>,
}

/// What the memo knows of a command that was just asked.
pub(crate) enum Found {
    /// Its recorded outcome answers.
    Answer(Seq, Outcome),
    /// It was asked before and has no outcome yet.
    Open(Record),
    /// It has to be appended.
    New { occurrence: u32, marked: bool },
}

/// Which command, as the memo keys it.
pub(crate) struct Use {
    pub identity: [u8; 16],
    pub uses: u32,
    pub digest: Bytes,
}

impl Memo {
    pub fn new(identity: [u8; 16], path: String) -> Self {
        Self {
            identity,
            path,
            generation: 1,
            reuse: true,
            slots: HashMap::new(),
            uses: HashMap::new(),
            occurrences: HashMap::new(),
        }
    }

    /// The body starts (again): uses are counted anew, and nothing is claimed yet.
    pub fn begin(&mut self, generation: u32, reuse: bool) {
        self.generation = generation;
        self.reuse = reuse;
        self.uses.clear();
        for slot in self.slots.values_mut() {
            slot.claimed = false;
        }
    }

    /// Recorded commands that the attempt which runs now has not asked for, in their order. They stay in the journal: they
    /// happened, but the body's result does not stand on them.
    pub fn unclaimed(&self) -> Vec<Seq> {
        let slots = self.slots.values().filter(|slot| !slot.claimed);
        let mut seqs: Vec<Seq> = slots.flat_map(|slot| &slot.records).map(|record| record.seq).collect();
        seqs.sort_unstable();
        seqs
    }

    /// Identity of the use-th equal command.
    pub fn identity_of(&self, kind: CommandKind, name: &str, digest: &[u8], uses: u32) -> [u8; 16] {
        identity::memo_identity(&self.identity, kind, name, digest, uses)
    }

    /// Takes up a command read from the journal.
    pub fn load(&mut self, identity: [u8; 16], name: &str, occurrence: u32, record: Record) {
        let next = self.occurrences.entry(name.into()).or_default();
        *next = (*next).max(occurrence + 1);
        let slot = self.slots.entry(identity).or_default();
        slot.occurrence = occurrence;
        slot.records.push(record);
    }

    /// Counts this use and looks it up.
    pub fn ask(&mut self, kind: CommandKind, name: &str, digest: Bytes) -> (Use, Found) {
        let first = self.identity_of(kind, name, &digest, 0);
        let counter = self.uses.entry(first).or_default();
        let uses = *counter;
        *counter += 1;
        let identity = match uses {
            0 => first,
            _ => self.identity_of(kind, name, &digest, uses),
        };
        let asked = Use { identity, uses, digest };
        let generation = self.generation;
        let Some(slot) = self.slots.get_mut(&identity) else {
            let next = self.occurrences.entry(name.into()).or_default();
            let occurrence = *next;
            *next += 1;
            let slot = Slot { occurrence, claimed: true, records: Vec::new() };
            self.slots.insert(identity, slot);
            return (asked, Found::New { occurrence, marked: false });
        };
        slot.claimed = true;
        let counts = |record: &&Record| self.reuse || record.generation == generation;
        let mut counted = slot.records.iter().filter(counts);
        let success = counted.clone().find(|record| record.outcome.as_ref().is_some_and(is_success));
        let failure = slot
            .records
            .iter()
            .rev()
            .find(|record| record.generation == generation && record.outcome.is_some());
        let open = counted.rfind(|record| record.outcome.is_none() && !record.cancelled);
        let found = match (success.or(failure), open) {
            (Some(record), _) => {
                Found::Answer(record.seq, record.outcome.clone().expect("both were found by it"))
            }
            (None, Some(record)) => Found::Open(record.clone()),
            (None, None) => Found::New { occurrence: slot.occurrence, marked: true },
        };
        (asked, found)
    }

    /// Notes what became of a command asked by this process.
    pub fn note(&mut self, identity: &[u8; 16], seq: Seq, change: impl FnOnce(&mut Record)) {
        let record = self
            .slots
            .get_mut(identity)
            .and_then(|slot| slot.records.iter_mut().find(|record| record.seq == seq));
        if let Some(record) = record {
            change(record);
        }
    }
}

/// Outcomes that answer in every later attempt. The others are asked again by the next one.
fn is_success(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Value(_) | Outcome::Fired | Outcome::Received(_))
}
