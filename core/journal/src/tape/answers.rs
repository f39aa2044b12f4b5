//! Answers that are known before they are asked for: a person's word in a fork, what was in flight there, results that a
//! rerun takes over.

use std::collections::{HashMap, HashSet, VecDeque};

use super::{Arrival, Source, Tape};
use crate::entry::Body;
use crate::{Entry, Forked, Micros, Outcome, ROOT, Reuse, Seq, fork};

#[derive(Debug, Default)]
pub(super) struct Answers {
    /// By path. A reused one is held until its turn in `order` comes.
    given: HashMap<String, (Outcome, Seq)>,
    /// Paths in the order in which the older run was answered.
    order: VecDeque<String>,
    answered: HashSet<String>,
    pub(super) reuse: Option<Reuse>,
}

impl Answers {
    pub fn of(entries: &[Entry]) -> Self {
        let forked = entries.iter().rev().find_map(|entry| match &entry.body {
            Some(Body::Forked(forked)) => Some(forked),
            _ => None,
        });
        let Some(Forked { given, order, .. }) = forked else {
            return Self::default();
        };
        let known = |one: &crate::Given| Some((one.path.clone(), (one.answer()?, one.reused)));
        Self {
            given: given.iter().filter_map(known).collect(),
            order: order.iter().cloned().collect(),
            ..Self::default()
        }
    }

    /// An answer of the run's own body was taken.
    pub fn note(&mut self, path: &str) {
        if !self.order.is_empty() {
            self.answered.insert(path.to_owned());
        }
    }
}

impl Tape {
    /// A rerun: steps may be answered from an older run's journal.
    pub fn reuse(&mut self, mut reuse: Reuse) {
        reuse.forget_taken(&self.recorded);
        self.answers.reuse = Some(reuse);
    }

    /// How far this journal's clock is behind the world's.
    pub fn shift(&self) -> Micros {
        self.shift
    }

    /// Entries before this one belong to the run that this one was forked from. 0: it is no fork.
    pub fn cut(&self) -> Seq {
        self.cut
    }

    /// The run that asked what is asked at this position: this one, or the one it was forked from.
    pub fn seen_run_id(&self) -> &str {
        let own = &self.started.run_id;
        if !self.replaying || self.position as Seq >= self.cut {
            return own;
        }
        fork::asker(&self.recorded[self.position..]).unwrap_or(own)
    }

    /// The answer to an open command, when it is known and need not wait for its turn.
    pub fn known_answer(&mut self, seq: Seq) -> Option<Arrival> {
        let op = self.ops.get(&seq)?;
        if let Some((outcome, reused)) = self.answers.given.get(&*op.path) {
            // Below a function nothing has an order that a turn could keep.
            let waits = *reused > 0 && op.scope == ROOT;
            let source = if *reused > 0 { Source::Reused(*reused) } else { Source::Given };
            return (!waits).then(|| Arrival::known(seq, outcome.clone(), source));
        }
        let key = op.reuse_key?;
        let (reused, outcome) = self.answers.reuse.as_mut()?.take(&key)?;
        Some(Arrival::known(seq, outcome, Source::Reused(reused)))
    }

    /// Which of these is to be told next: what is reused keeps the order in which the older run was told.
    pub fn next_of(&self, arrived: &VecDeque<Arrival>) -> usize {
        let Some(reuse) = &self.answers.reuse else { return 0 };
        let turn = |arrival: &Arrival| match arrival {
            Arrival::Completed { source: Source::Reused(seq), .. } => Some(reuse.answered_at(*seq)),
            _ => None,
        };
        let reused = arrived.iter().map_while(turn).enumerate();
        reused.min_by_key(|(_, turn)| *turn).map_or(0, |(index, _)| index)
    }

    /// Whether the answer to an open command is known and waits for its turn: its effect must not start.
    pub fn is_held(&self, seq: Seq) -> bool {
        let Some(op) = self.ops.get(&seq) else {
            return false;
        };
        op.scope == ROOT && self.answers.given.get(&*op.path).is_some_and(|(_, reused)| *reused > 0)
    }

    /// The next held answer whose turn it is. What the older run was told before it must have been told to this one, unless
    /// this one never asked.
    pub fn next_held(&mut self) -> Option<Arrival> {
        while let Some(path) = self.answers.order.front() {
            let open = self.ops.iter().find(|(_, op)| op.scope == ROOT && *op.path == **path);
            if !self.answers.answered.contains(path)
                && let Some((seq, _)) = open
            {
                let (outcome, reused) = self.answers.given.get(path).filter(|(_, reused)| *reused > 0)?;
                return Some(Arrival::known(*seq, outcome.clone(), Source::Reused(*reused)));
            }
            self.answers.order.pop_front();
        }
        None
    }
}
