//! Runs made by runs, and what an end means for those who wait for it.

use agnt5_journal::entry::Body;
use agnt5_journal::{
    Command, CommandKind, ComponentKind, Entry, Micros, Op, Outcome, Payload, Seq, Spilled, Started, Status,
    ended, fork, identity, segment,
};
use agnt5_store::{RunFilter, RunNum, RunRow, Segment, Store, StoreError};
use bytes::Bytes;

use crate::engine::{Engine, Handled};
use crate::error::Refusal;
use crate::failure;
use crate::notice::Notice;
use crate::request::{Reply, StartRun};

/// Children looked at per page when their parent has ended.
const PAGE: u32 = 200;

impl<S: Store> Engine<S> {
    /// Records a run started from outside.
    pub(crate) fn start(&mut self, start: StartRun) -> Handled<Reply> {
        let digest = input_digest(&start.component, &start.object, &start.input);
        if let Some(row) = self.store.run_by_id(&start.id)? {
            if row.input_digest == digest {
                return Ok(Reply::Changed(false));
            }
            let message = format!(
                "run {} exists already: it is a run of {} with {} input; choose another run id",
                row.id,
                row.component,
                if row.component == start.component { "a different" } else { "its own" },
            );
            return Err(Refusal::new("RunConflict", message).into());
        }
        let mut seed = [0; 32];
        identity::derive(start.id.as_bytes(), "seed", &mut seed);
        let mut spilled = Vec::new();
        let started = Started {
            run_id: start.id.clone(),
            component: start.component.clone(),
            kind: start.kind as i32,
            input: Some(Payload::place_bytes(start.input, &mut spilled)),
            seed: Bytes::copy_from_slice(&seed),
            code_digest: start.code_digest,
            code: (!start.code.is_empty()).then(|| Payload::place_bytes(start.code, &mut spilled)),
            python: start.python,
            parent_id: String::new(),
            parent_seq: 0,
            object_key: start.object.clone(),
            rerun_of: start.rerun_of.clone(),
            ..Started::default()
        };
        let older = match &start.rerun_of {
            Some(rerun) => Some((self.find(&rerun.run_id)?.num, 0)),
            None => None,
        };
        let row = RunRow {
            num: 0,
            id: start.id,
            component: start.component,
            kind: start.kind,
            status: Status::Pending,
            epoch: 0,
            parent: None,
            depth: 0,
            object: start.object,
            input_digest: digest,
            created: self.now,
            started: None,
            ended: None,
            cancel_requested: false,
            interrupted: false,
            crashes: 0,
            reason: String::new(),
            tags: start.tags,
            origin: older,
            overlay: String::new(),
        };
        self.record(row, started, &spilled)?;
        Ok(Reply::Changed(true))
    }

    pub(crate) fn record(
        &mut self,
        mut row: RunRow,
        started: Started,
        spilled: &[Spilled],
    ) -> Result<RunNum, StoreError> {
        row.num = self.store.insert_run(&row)?;
        self.dirty = true;
        for blob in spilled {
            self.store.put_blob(row.num, &blob.hash, &blob.bytes)?;
        }
        let entry = Entry { seq: 0, at: self.now, body: Some(Body::Started(started)) };
        let bytes = segment::encode(&[entry]);
        self.store.append(row.num, &Segment { first_seq: 0, count: 1, bytes })?;
        self.queue(&row)?;
        Ok(row.num)
    }

    pub(crate) fn create_child(
        &mut self,
        num: RunNum,
        seq: Seq,
        command: &Command,
        spilled: &[Spilled],
    ) -> Handled<()> {
        let Some(parent) = self.live.get(&num) else {
            return Ok(());
        };
        let row = parent.row.clone();
        let children = match parent.children {
            Some(children) => children,
            None => self.store.child_count(num)?,
        };
        if row.depth + 1 > self.limits.max_depth {
            let message = format!(
                "run {} is {} runs below the one that was started; the limit is {}: does {} call itself without an end?",
                row.id, row.depth, self.limits.max_depth, row.component
            );
            self.refuse_child(num, seq, command, &message);
            return Ok(());
        }
        if children >= self.limits.max_children {
            let message = format!(
                "run {} has {children} child runs, which is the limit; start fewer, or make them steps",
                row.id
            );
            self.refuse_child(num, seq, command, &message);
            return Ok(());
        }
        if let Some(live) = self.live.get_mut(&num) {
            live.children = Some(children + 1);
        }
        let input = self.bytes_of(command.input.as_ref(), spilled)?;
        let object = match command.child_kind() {
            ComponentKind::Object => self.object_of(&row.overlay, &command.target)?,
            _ => String::new(),
        };
        let older = match &command.rerun_of {
            Some(rerun) => self.store.run_by_id(&rerun.run_id)?.map(|older| (older.num, 0)),
            None => None,
        };
        let component = match command.child_kind() {
            ComponentKind::Object => command.name.clone(),
            _ => command.target.clone(),
        };
        let mut seed = [0; 32];
        identity::derive(command.child_id.as_bytes(), "seed", &mut seed);
        let code = self.codes.remove(&command.child_id).unwrap_or_default();
        let mut beside = Vec::new();
        let started = Started {
            run_id: command.child_id.clone(),
            component: component.clone(),
            kind: command.child_kind,
            input: command.input.clone(),
            seed: Bytes::copy_from_slice(&seed),
            code_digest: code.digest,
            code: (!code.source.is_empty()).then(|| Payload::spill(code.source, &mut beside)),
            python: code.python,
            parent_id: row.id.clone(),
            parent_seq: seq,
            object_key: object.clone(),
            overlay: row.overlay.clone(),
            rerun_of: command.rerun_of.clone().filter(|_| older.is_some()),
            ..Started::default()
        };
        let child = RunRow {
            num: 0,
            id: command.child_id.clone(),
            kind: command.child_kind(),
            status: Status::Pending,
            epoch: 0,
            parent: Some((num, seq)),
            depth: row.depth + 1,
            input_digest: input_digest(&component, &object, &input),
            component,
            object,
            created: self.now,
            started: None,
            ended: None,
            cancel_requested: false,
            interrupted: false,
            crashes: 0,
            reason: String::new(),
            tags: row.tags.clone(),
            origin: older,
            overlay: row.overlay.clone(),
        };
        let hash = command.input.as_ref().and_then(Payload::as_blob).map(|blob| blob.hash.clone());
        beside.extend(
            hash.and_then(|hash| hash[..].try_into().ok()).map(|hash| Spilled { hash, bytes: input }),
        );
        self.record(child, started, &beside)?;
        Ok(())
    }

    /// Waits for a run's end from now on, or answers at once when it has ended.
    pub(crate) fn watch_child(&mut self, num: RunNum, seq: Seq, child_id: &str) -> Result<(), StoreError> {
        let child = self.store.run_by_id(child_id)?.map(|child| self.last_of(child)).transpose()?;
        let Some(child) = child else {
            self.nobody_to_wait_for(num, seq, child_id);
            return Ok(());
        };
        if child.status.is_terminal() {
            match self.outcome_of(&child)? {
                Outcome::Continued(next) => self.nobody_to_wait_for(num, seq, &next.run_id),
                outcome => self.pass_on(num, seq, outcome)?,
            }
            return Ok(());
        }
        if child.parent.is_none_or(|(parent, _)| parent != num) {
            self.strangers.entry(child.num).or_default().push(num);
        }
        if let Some(live) = self.live.get_mut(&num) {
            live.joins.entry(child.num).or_default().push(seq);
            live.awaits_stranger |= child.parent.is_none_or(|(parent, _)| parent != num);
        }
        Ok(())
    }

    fn nobody_to_wait_for(&mut self, num: RunNum, seq: Seq, run_id: &str) {
        let message = format!("there is no run {run_id} to wait for; it was refused or deleted");
        self.answer(num, seq, Outcome::Failure(failure::document("RunNotFound", &message)));
    }

    /// A child that was asked for before the cut and had no answer there: the fork has one of its own.
    pub(crate) fn create_shared_child(&mut self, num: RunNum, seq: Seq, op: &Op) -> Handled<()> {
        let shared = self.live.get(&num).is_some_and(|live| seq < live.cut);
        if !shared || self.store.run_by_id(&op.child_id)?.is_some() {
            return Ok(());
        }
        let entries = self.entries(num)?.unwrap_or_default();
        let Some(Some(Body::Command(command))) = entries.get(seq as usize).map(|entry| &entry.body) else {
            return Ok(());
        };
        let command = Command { child_id: op.child_id.to_string(), ..command.clone() };
        self.create_child(num, seq, &command, &[])
    }

    /// How an ended run ended, from its journal.
    pub(crate) fn outcome_of(&self, row: &RunRow) -> Result<Outcome, StoreError> {
        let mut entries = Vec::new();
        if let Some(last) = self.store.last_segment(row.num)? {
            // A damaged end counts as none.
            let _ = segment::decode(&last.bytes, &mut entries);
        }
        let ended = entries.last().and_then(|entry| match &entry.body {
            Some(Body::Ended(ended)) => Outcome::of_end(&ended.outcome),
            _ => None,
        });
        Ok(ended.unwrap_or(Outcome::Cancelled))
    }

    /// Answers a command of `num` with the outcome of another run; large values get a second owner.
    fn pass_on(&mut self, num: RunNum, seq: Seq, outcome: Outcome) -> Result<(), StoreError> {
        let whole = |bytes: Bytes| Payload::inline(bytes);
        let outcome = match &outcome {
            Outcome::Value(payload) => Outcome::Value(whole(self.bytes_of(Some(payload), &[])?)),
            Outcome::Failure(payload) => Outcome::Failure(whole(self.bytes_of(Some(payload), &[])?)),
            other => other.clone(),
        };
        self.answer(num, seq, outcome);
        Ok(())
    }

    /// Everybody who waits for this run goes on.
    pub(crate) fn after_end(&mut self, row: &RunRow, outcome: Outcome) -> Result<(), StoreError> {
        self.notices.push(Notice::Ended { run_id: row.id.clone(), status: row.status });
        self.decisions.remove(&row.num);
        self.held.remove(&row.num);
        if !row.object.is_empty() {
            self.leave_turn(row)?;
        }
        if matches!(outcome, Outcome::Continued(_)) {
            return Ok(()); // who waits was handed over to the successor
        }
        for stranger in self.strangers.remove(&row.num).unwrap_or_default() {
            let seqs = self.live.get_mut(&stranger).and_then(|live| live.joins.remove(&row.num));
            for seq in seqs.unwrap_or_default() {
                self.pass_on(stranger, seq, outcome.clone())?;
            }
        }
        let Some((parent, seq)) = row.parent else {
            return Ok(());
        };
        let Some(live) = self.live.get_mut(&parent) else {
            return self.make_ready(parent);
        };
        let mut seqs = live.joins.remove(&row.num).unwrap_or_default();
        if !seqs.contains(&seq) {
            // The command that made it; a session drops the answer when that command was only a start.
            seqs.push(seq);
        }
        for seq in seqs {
            self.pass_on(parent, seq, outcome.clone())?;
        }
        Ok(())
    }

    /// Ends a run that no attempt drives.
    pub(crate) fn end_unled(&mut self, mut row: RunRow, failure: Payload) -> Result<(), StoreError> {
        row.reason = failure::summary(&self.bytes_of(Some(&failure), &[])?);
        row.status = Status::Failed;
        self.end_by_engine(row, ended::Outcome::Failure(failure.clone()), Outcome::Failure(failure))
    }

    pub(crate) fn cancel_unled(&mut self, mut row: RunRow) -> Result<(), StoreError> {
        row.status = Status::Cancelled;
        let ended = ended::Outcome::Cancelled(agnt5_journal::Cancelled {});
        self.end_by_engine(row, ended, Outcome::Cancelled)
    }

    fn end_by_engine(
        &mut self,
        mut row: RunRow,
        ended: ended::Outcome,
        outcome: Outcome,
    ) -> Result<(), StoreError> {
        let entries = self.entries(row.num)?.unwrap_or_default();
        let seq = entries.len() as Seq;
        let shift = fork::shift_of(&entries);
        let at: Micros = (self.now - shift).max(entries.last().map_or(0, |entry| entry.at));
        let ended = agnt5_journal::Ended { outcome: Some(ended), ..Default::default() };
        let entry = Entry { seq, at, body: Some(Body::Ended(ended)) };
        let bytes = segment::encode(&[entry]);
        self.store.append(row.num, &Segment { first_seq: seq, count: 1, bytes })?;
        row.ended = Some(at + shift);
        row.interrupted = false;
        self.update(&row)?;
        self.clear_waits(&row, &entries)?;
        self.give_up_children(&row, &entries)?;
        self.after_end(&row, outcome)
    }

    /// Nobody awaits this child any more, so it is asked to stop.
    pub(crate) fn give_up_child(&mut self, run_id: &str) -> Result<(), StoreError> {
        let Some(row) = self.store.run_by_id(run_id)? else {
            return Ok(());
        };
        let row = self.last_of(row)?;
        match row.status.is_terminal() {
            true => Ok(()),
            false => self.ask_to_stop(row),
        }
    }

    /// The same for all that a run awaited whose end no attempt wrote. A run that is stopped for the second time takes with
    /// it what is still cleaning up below it.
    fn give_up_children(&mut self, row: &RunRow, entries: &[Entry]) -> Result<(), StoreError> {
        let awaited = |seq: Seq| {
            let body = entries.get(seq as usize).and_then(|entry| entry.body.as_ref());
            let Some(Body::Command(command)) = body else { return false };
            matches!(command.kind(), CommandKind::Child | CommandKind::Object)
        };
        if !entries.iter().any(|entry| awaited(entry.seq)) {
            return Ok(());
        }
        // Asked of the store, for the ids in what a fork shares are those of its parent's children.
        let mut filter = RunFilter { parent: Some(row.num), limit: PAGE, ..RunFilter::default() };
        loop {
            let page = self.store.list_runs(&filter)?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            filter.before = Some(last.num);
            for child in page {
                let cleaning_up = child.cancel_requested && row.status != Status::Cancelled;
                if child.parent.is_some_and(|(_, seq)| awaited(seq))
                    && !cleaning_up
                    && !child.status.is_terminal()
                {
                    self.ask_to_stop(child)?;
                }
            }
        }
    }

    /// Removes what an ended run still waited for.
    fn clear_waits(&mut self, row: &RunRow, entries: &[Entry]) -> Result<(), StoreError> {
        let mut waits = Vec::new();
        for entry in entries {
            let Some(Body::Command(command)) = &entry.body else {
                continue;
            };
            self.store.delete_timer(row.num, entry.seq)?;
            if command.kind() == CommandKind::WaitEvent {
                waits.push(entry.seq);
            }
        }
        self.end_waits(row.num, waits)
    }
}

/// How long an event that nobody wants is kept: 7 days.
pub(crate) const KEEP: Micros = 7 * 24 * 3_600 * 1_000_000;

pub(crate) fn input_digest(component: &str, object: &str, input: &[u8]) -> Bytes {
    let mut bytes = [0; 16];
    let label = format!("input of {} {component} {object}", component.len());
    identity::derive(input, &label, &mut bytes);
    Bytes::copy_from_slice(&bytes)
}
