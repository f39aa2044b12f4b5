//! Runs made of older runs: forks share the beginning of a journal, reruns take answers from one.

use std::collections::HashSet;

use agnt5_journal::entry::Body;
use agnt5_journal::{
    CommandKind, ComponentKind, Entry, Forked, Given, Micros, Outcome, Payload, ROOT, Rerun, Reuse, Seq,
    Spilled, StateChange, Status, fork, segment,
};
use agnt5_store::{
    EventRow, EventState, RunFilter, RunNum, RunRow, Segment, Store, StoreError, overlay_suffix,
};
use bytes::Bytes;

use crate::children::{KEEP, input_digest};
use crate::engine::{Engine, Fault, Handled};
use crate::error::Refusal;
use crate::request::{Decision, ForkRun, Reply, RerunRun, StartRun};

/// Entries per segment when shared ones are copied because their run goes.
const PAGE: usize = 1_000;

impl<S: Store> Engine<S> {
    pub(crate) fn fork(&mut self, ask: ForkRun) -> Handled<Reply> {
        let origin = self.find(&ask.origin_id)?;
        if self.store.run_by_id(&ask.id)?.is_some() {
            let message = format!("run {} exists already; choose another run id", ask.id);
            return Err(Refusal::new("RunConflict", message).into());
        }
        if origin.kind == ComponentKind::Object {
            let message =
                format!("run {} is a call of an object's method; fork the run that called it", origin.id);
            return Err(Refusal::new("ConfigurationError", message).into());
        }
        let entries = self.entries(origin.num)?.map_err(|reason| Refusal::new("StoreCorrupt", reason))?;
        let plan = planned(&entries, &ask)?;
        refuse_what_is_past(&entries, &plan, &ask)?;

        let mut spilled = Vec::new();
        let mut started = match &entries[0].body {
            Some(Body::Started(started)) => started.clone(),
            _ => return Err(Refusal::new("StoreCorrupt", format!("run {} has no start", origin.id)).into()),
        };
        started.run_id = ask.id.clone();
        started.fork_of = origin.id.clone();
        started.rerun_of = None;
        (started.parent_id, started.parent_seq) = (String::new(), 0);
        if let Some(input) = ask.input.clone() {
            started.input = Some(Payload::place_bytes(input, &mut spilled));
        }
        if !ask.code_digest.is_empty() {
            started.code_digest = ask.code_digest.clone();
            started.code =
                (!ask.code.is_empty()).then(|| Payload::place_bytes(ask.code.clone(), &mut spilled));
        }
        let overlay = if ask.overlay { ask.id.clone() } else { String::new() };
        started.overlay = overlay.clone();
        let input = self.bytes_of(started.input.as_ref(), &spilled)?;

        let (given, order) = self.given(&plan, &ask, &mut spilled);
        // Where a fork is forked before its own cut, what is shared was asked by the run that it came from.
        let (shared, rest) = entries.split_at(plan.cut as usize);
        let forked = Forked {
            run_id: fork::asker(rest).unwrap_or(&origin.id).to_owned(),
            shift: self.now - plan.at,
            cut_at: plan.at + fork::shift_of(shared),
            state: (ask.state.iter())
                .map(|(name, value)| StateChange {
                    name: name.clone(),
                    value: value.clone().map(|value| Payload::place_bytes(value, &mut spilled)),
                })
                .collect(),
            given,
            order,
        };
        let row = RunRow {
            num: 0,
            id: ask.id.clone(),
            status: Status::Pending,
            epoch: 0,
            parent: None,
            depth: 0,
            input_digest: input_digest(&origin.component, "", &input),
            created: self.now,
            started: None,
            ended: None,
            cancel_requested: false,
            interrupted: false,
            crashes: 0,
            reason: String::new(),
            origin: Some((origin.num, plan.cut)),
            overlay,
            ..origin
        };
        let row = RunRow { num: self.store.insert_run(&row)?, ..row };
        self.dirty = true;
        let reused: Vec<Payload> =
            forked.given.iter().filter_map(|one| one.answer()?.payload().cloned()).collect();
        for payload in reused.iter().chain(started.input.iter()).chain(started.code.iter()) {
            self.refer(row.num, payload, &spilled)?;
        }
        for change in &forked.state {
            self.refer(row.num, change.value.as_ref().unwrap_or(&Payload::default()), &spilled)?;
        }
        self.offer_events(row.num, &ask, &plan, &forked.given)?;
        self.keep_reused_states(&row.overlay, &entries, &forked.given)?;
        for (seq, at, body) in
            [(0, entries[0].at, Body::Started(started)), (plan.cut, plan.at, Body::Forked(forked))]
        {
            let bytes = segment::encode(&[Entry { seq, at, body: Some(body) }]);
            self.store.append(row.num, &Segment { first_seq: seq, count: 1, bytes })?;
        }
        self.queue(&row)?;
        Ok(Reply::Done)
    }

    /// A rerun asked for by somebody who does not have the code: whoever drives it has.
    pub(crate) fn rerun(&mut self, ask: RerunRun) -> Handled<Reply> {
        let origin = self.find(&ask.origin_id)?;
        if origin.kind == ComponentKind::Object {
            let message =
                format!("run {} is a call of an object's method; rerun the run that called it", origin.id);
            return Err(Refusal::new("ConfigurationError", message).into());
        }
        let entries = self.entries(origin.num)?.map_err(|reason| Refusal::new("StoreCorrupt", reason))?;
        let Some(Some(Body::Started(started))) = entries.first().map(|entry| &entry.body) else {
            return Err(Refusal::new("StoreCorrupt", format!("run {} has no start", origin.id)).into());
        };
        let input = match ask.input {
            Some(input) => input,
            None => self.bytes_of(started.input.as_ref(), &[])?,
        };
        self.start(StartRun {
            id: ask.id,
            component: origin.component,
            kind: origin.kind,
            input,
            code: self.bytes_of(started.code.as_ref(), &[])?,
            code_digest: started.code_digest.clone(),
            python: started.python.clone(),
            tags: "{}".to_owned(),
            object: String::new(),
            rerun_of: Some(Rerun { run_id: origin.id, always: ask.always }),
        })
    }

    /// Answers that the fork knows from the beginning, and the order in which reused ones are told.
    fn given(
        &self,
        plan: &fork::ForkPlan,
        ask: &ForkRun,
        spilled: &mut Vec<Spilled>,
    ) -> (Vec<Given>, Vec<String>) {
        let mut given = Vec::new();
        for (path, word) in &ask.outcomes {
            let mut place = |bytes: &Bytes| Payload::place_bytes(bytes.clone(), spilled);
            match word {
                Decision::Value(bytes) => {
                    given.push(Given::new(path.clone(), Outcome::Value(place(bytes)), 0))
                }
                Decision::Failure(bytes) => {
                    given.push(Given::new(path.clone(), Outcome::Failure(place(bytes)), 0));
                }
                Decision::Retry => {}
            }
        }
        let mut order = Vec::new();
        if ask.reuse {
            let open: HashSet<Seq> = plan.open.iter().map(|op| op.seq).collect();
            let told: HashSet<String> = given.iter().map(|one| one.path.clone()).collect();
            let mut last = 0;
            for one in &plan.later {
                let Some(outcome) = &one.outcome else { continue };
                if one.scope == ROOT {
                    order.push(one.path.clone());
                }
                if open.contains(&one.seq) && !told.contains(&one.path) {
                    given.push(Given::new(one.path.clone(), outcome.clone(), one.seq));
                    last = order.len();
                }
            }
            order.truncate(last);
        }
        (given, order)
    }

    /// A large payload of another run gets a second owner.
    fn refer(&mut self, num: RunNum, payload: &Payload, spilled: &[Spilled]) -> Result<(), StoreError> {
        let hash = payload.as_blob().and_then(|blob| <[u8; 32]>::try_from(&blob.hash[..]).ok());
        if let Some(hash) = hash {
            let bytes = self.bytes_of(Some(payload), spilled)?;
            self.store.put_blob(num, &hash, &bytes)?;
        }
        Ok(())
    }

    /// What the older run received after the cut, the fork may receive too.
    fn offer_events(
        &mut self,
        num: RunNum,
        ask: &ForkRun,
        plan: &fork::ForkPlan,
        given: &[Given],
    ) -> Result<(), StoreError> {
        for one in &plan.later {
            let Some(Outcome::Received(received)) = &one.outcome else { continue };
            if given.iter().any(|known| known.path == one.path) {
                continue;
            }
            let event = EventRow {
                num: 0,
                id: format!("{}:{}", ask.id, received.event_id),
                name: one.name.clone(),
                target: Some(num),
                payload: self.bytes_of(received.payload.as_ref(), &[])?,
                sent: self.now,
                expires: self.now.saturating_add(KEEP),
                state: EventState::Kept,
            };
            self.store.put_event(&event)?;
        }
        Ok(())
    }

    /// An object call whose answer is reused has happened, so its copy of the object is as the call left it.
    fn keep_reused_states(
        &mut self,
        overlay: &str,
        entries: &[Entry],
        given: &[Given],
    ) -> Result<(), StoreError> {
        if overlay.is_empty() {
            return Ok(());
        }
        for seq in given.iter().map(|one| one.reused as usize).filter(|seq| *seq > 0) {
            let Some(Some(Body::Command(command))) = entries.get(seq).map(|entry| &entry.body) else {
                continue;
            };
            if command.kind() == CommandKind::Object
                && let Some(call) = self.store.run_by_id(&command.child_id)?
                && let Some(state) = self.state_left_by(call.num)?
            {
                let copy = format!("{}{}", command.target, overlay_suffix(overlay));
                self.store.put_object(&copy, Some(&state))?;
            }
        }
        Ok(())
    }

    /// What a rerun may take over. Nothing when the older run is gone.
    pub(crate) fn reusable(&self, entries: &[Entry]) -> Result<Option<Reuse>, StoreError> {
        let rerun = match entries.first().map(|entry| &entry.body) {
            Some(Some(Body::Started(started))) => started.rerun_of.as_ref(),
            _ => None,
        };
        let Some(rerun) = rerun else { return Ok(None) };
        let Some(row) = self.store.run_by_id(&rerun.run_id)? else {
            return Ok(None);
        };
        let older = self.entries(row.num)?.unwrap_or_default();
        Ok(Some(Reuse::new(rerun.run_id.clone(), rerun.always.iter().cloned(), &older)))
    }

    /// The object that a run with this overlay means: a fork's own copy, made from the state at its cut.
    pub(crate) fn object_of(&mut self, overlay: &str, target: &str) -> Handled<String> {
        if overlay.is_empty() {
            return Ok(target.to_owned());
        }
        let copy = format!("{target}{}", overlay_suffix(overlay));
        if self.store.object(&copy)?.is_none()
            && let Some(state) = self.state_at_cut(overlay, target)?
        {
            self.store.put_object(&copy, Some(&state))?;
            self.dirty = true;
        }
        Ok(copy)
    }

    fn state_at_cut(&self, overlay: &str, target: &str) -> Result<Option<Bytes>, StoreError> {
        let Some(fork) = self.store.run_by_id(overlay)? else { return Ok(None) };
        let Some((origin, cut)) = fork.origin else { return Ok(None) };
        let entries = self.entries(fork.num)?.unwrap_or_default();
        let cut_at = entries.iter().rev().find_map(|entry| match &entry.body {
            Some(Body::Forked(forked)) => Some(forked.cut_at),
            _ => None,
        });
        // A fork of a fork begins with the copies of the one it comes from; before that one's own cut, with what its
        // origin had.
        let mut parent = self.store.run(origin)?;
        while let Some(RunRow { origin: Some((further, further_cut)), .. }) = parent
            && cut <= further_cut
        {
            parent = self.store.run(further)?;
        }
        let above = parent.map_or_else(String::new, |row| row.overlay);
        let base = match above.is_empty() {
            true => target.to_owned(),
            false => format!("{target}{}", overlay_suffix(&above)),
        };
        if let Some(call) = self.store.object_call_before(&base, cut_at.unwrap_or(Micros::MAX))? {
            return self.state_left_by(call);
        }
        match above.is_empty() {
            true => Ok(None),
            false => self.state_at_cut(&above, target),
        }
    }

    fn state_left_by(&self, call: RunNum) -> Result<Option<Bytes>, StoreError> {
        let mut entries = Vec::new();
        if let Some(last) = self.store.last_segment(call)? {
            segment::decode(&last.bytes, &mut entries)
                .map_err(|error| StoreError::Corrupt(error.to_string()))?;
        }
        match entries.pop().and_then(|entry| entry.body) {
            Some(Body::Ended(ended)) => match &ended.object_state {
                Some(state) => self.bytes_of(Some(state), &[]).map(Some),
                None => Ok(None),
            },
            _ => Ok(None),
        }
    }

    /// Before a run goes: forks get a copy of what they share with it.
    pub(crate) fn unshare(&mut self, num: RunNum) -> Result<(), StoreError> {
        let filter = RunFilter { origin: Some(num), limit: u32::MAX, ..RunFilter::default() };
        for mut row in self.store.list_runs(&filter)? {
            let cut = row.origin.map_or(0, |origin| origin.1);
            let entries = if cut > 1 { self.entries(row.num)?.unwrap_or_default() } else { Vec::new() };
            let shared: Vec<Entry> = entries.into_iter().filter(|one| one.seq > 0 && one.seq < cut).collect();
            for page in shared.chunks(PAGE) {
                let (first_seq, count) = (page[0].seq, page.len() as u32);
                self.store.append(row.num, &Segment { first_seq, count, bytes: segment::encode(page) })?;
                for payload in page.iter().flat_map(Entry::payloads) {
                    self.refer(row.num, payload, &[])?;
                }
            }
            row.origin = None;
            self.update(&row)?;
        }
        Ok(())
    }
}

fn planned(entries: &[Entry], ask: &ForkRun) -> Result<fork::ForkPlan, Fault> {
    let at = if ask.input.is_some() { 0 } else { ask.at };
    let plan = fork::plan(entries, at, ask.other_code);
    let mut plan = plan.ok_or_else(|| {
        Refusal::new("StoreCorrupt", format!("the journal of run {} has no start", ask.origin_id))
    })?;
    if ask.input.is_some() {
        if ask.at > 0 {
            let message = "another input belongs to a fork from the start; leave `at` out, or the input";
            return Err(Refusal::new("ConfigurationError", message.to_owned()).into());
        }
        // Nothing that was asked because of the old input is shared.
        plan.cut = 1;
        plan.at = entries[0].at;
        plan.open.clear();
    }
    Ok(plan)
}

/// An answer can be changed where it lies ahead.
fn refuse_what_is_past(entries: &[Entry], plan: &fork::ForkPlan, ask: &ForkRun) -> Result<(), Fault> {
    let paths = fork::answered_before(entries, plan.cut);
    for (path, _) in &ask.outcomes {
        if let Some(seq) = paths.get(path) {
            let message = format!(
                "{path:?} (entry {seq}) was answered before this fork begins: fork at entry {seq} or earlier"
            );
            return Err(Refusal::new("ConfigurationError", message).into());
        }
    }
    Ok(())
}
