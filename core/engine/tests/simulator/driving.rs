//! How the simulated attempts drive their runs, as the Python driver does.

use std::collections::HashMap;

use agnt5_engine::{Append, Notice, Request, Session, Trace};
use agnt5_journal::entry::Body as EntryBody;
use agnt5_journal::{ComponentKind, Continued, Outcome, Seq, Taken, identity};
use agnt5_store::Read;
use bytes::Bytes;

use crate::body::{Body, End, value};
use crate::laws::{Laws, entries};
use crate::world::{Attempt, World};

impl World {
    /// One transaction, and what its notices bring about.
    pub fn commit(&mut self) {
        let requests = std::mem::take(&mut self.queue);
        let batch = self.engine.process(self.now, requests);
        self.wake = batch.wake;
        for notice in batch.notices {
            match notice {
                Notice::Leased(lease) => {
                    let key = lease.key;
                    let attempt = Attempt {
                        run: lease.row.id.clone(),
                        num: lease.num,
                        kind: lease.row.kind,
                        body: Body::new(&lease.row.component, lease.row.kind, &mut self.random),
                        object: lease.row.object.clone(),
                        session: Session::new(*lease).expect("a journal that can be followed"),
                        due: Vec::new(),
                        running: Vec::new(),
                        paths: HashMap::new(),
                        unacknowledged: Vec::new(),
                        live: false,
                    };
                    self.attempts.insert(key, attempt);
                    self.pump(key);
                }
                Notice::Durable { key, seq } => self.durable(key, seq),
                Notice::Arrived { key } => self.pump(key),
                Notice::Ended { .. } => {}
                Notice::Lost { key, .. } => {
                    if let Some(attempt) = self.attempts.remove(&key) {
                        self.zombies.push(attempt);
                    }
                }
            }
        }
    }

    pub fn durable(&mut self, key: u64, seq: Seq) {
        let Some(attempt) = self.attempts.get_mut(&key) else {
            return;
        };
        let held = attempt.unacknowledged.partition_point(|entry| entry.seq <= seq);
        for entry in attempt.unacknowledged.drain(..held) {
            if let Some(EntryBody::Completion(completion)) = &entry.body
                && matches!(Outcome::of_completion(&completion.outcome), Some(Outcome::Value(_)))
                && let Some(path) = attempt.paths.get(&completion.command)
            {
                self.laws.step_recorded(&attempt.run, path);
            }
            self.laws.acknowledge(&attempt.run, entry);
        }
        let ready: Vec<Seq> = attempt.due.iter().copied().filter(|due| *due <= seq).collect();
        attempt.due.retain(|due| *due > seq);
        for step in ready {
            start_step(attempt, step, &mut self.laws);
        }
    }

    /// Drives an attempt until it waits.
    pub fn pump(&mut self, key: u64) {
        let Some(attempt) = self.attempts.get_mut(&key) else {
            return;
        };
        if attempt.session.tape().is_closed() {
            return;
        }
        let now = self.now;
        let diverged = "the code did not change";
        loop {
            let steps = attempt.body.advance(&mut attempt.session, now).expect(diverged);
            for seq in steps {
                let path = attempt.session.tape().op(seq).expect("it was just asked").path.to_string();
                attempt.paths.insert(seq, path);
                attempt.due.push(seq);
            }
            if attempt.body.end().is_some() {
                break;
            }
            let replaying = attempt.session.tape().replaying();
            let Some(taken) = attempt.session.take(now).expect(diverged) else {
                if replaying || !attempt.live {
                    attempt.live = true;
                    attempt.session.rearm(now);
                    let store = self.engine.store();
                    let recorded = entries(store, &rows_by_num(store, attempt.num)).len() as Seq;
                    let ready: Vec<Seq> = attempt.due.iter().copied().filter(|due| *due < recorded).collect();
                    attempt.due.retain(|due| *due >= recorded);
                    for step in ready {
                        if attempt.session.is_uncertain(step, now) {
                            let stop = attempt.session.pause("uncertain".to_owned());
                            self.queue.push((0, stop));
                            return;
                        }
                        start_step(attempt, step, &mut self.laws);
                    }
                    continue;
                }
                break;
            };
            if let Taken::Completed { seq, .. } = &taken {
                attempt.due.retain(|due| due != seq);
                attempt.running.retain(|running| running != seq);
            }
            if let Taken::Retry { seq } = &taken {
                start_step(attempt, *seq, &mut self.laws);
            }
            attempt.body.tell(&taken, &mut attempt.session, now).expect(diverged);
        }
        self.hand_over(key);
    }

    pub fn hand_over(&mut self, key: u64) {
        let Some(attempt) = self.attempts.get_mut(&key) else {
            return;
        };
        if let Some(end) = attempt.body.end() {
            let (outcome, state) = match end {
                End::Cancelled => (Outcome::Cancelled, None),
                End::Value if attempt.kind == ComponentKind::Object => {
                    let state = self.engine.store().object(&attempt.object).expect("the store reads");
                    let count: u64 =
                        state.map_or(0, |bytes| String::from_utf8_lossy(&bytes).parse().expect("a number"));
                    (value(b"1"), Some(Bytes::from((count + 1).to_string())))
                }
                End::Value => (value(b"1"), None),
                End::Continued => {
                    let run_id = identity::successor_id(&attempt.run);
                    let input = value(b"[[],{}]").payload().cloned();
                    (Outcome::Continued(Continued { run_id, input }), None)
                }
            };
            attempt.session.end(outcome, Vec::new(), Bytes::new(), state, self.now).expect("it is open");
        }
        let open = attempt.session.tape().open_ops();
        attempt.running.retain(|running| open.iter().any(|(seq, _)| seq == running));
        let parked = attempt.body.end().is_none()
            && attempt.running.is_empty()
            && attempt.body.waits_durably(&attempt.session);
        if let Some(request) = attempt.session.submit(parked) {
            if let Request::Append(append) = &request {
                let Append { entries, .. } = &**append;
                attempt.unacknowledged.extend(entries.iter().cloned());
            }
            self.queue.push((0, request));
        }
    }

    pub fn finish_a_step(&mut self) {
        let busy: Vec<u64> = (self.attempts.iter())
            .filter(|(_, attempt)| !attempt.running.is_empty())
            .map(|(key, _)| *key)
            .collect();
        let Some(key) = self.random.pick(&busy).copied() else {
            return self.commit();
        };
        let fails = self.random.chance(20);
        let attempt = self.attempts.get_mut(&key).expect("it was just found");
        let index = self.random.below(attempt.running.len() as u64) as usize;
        let seq = attempt.running.swap_remove(index);
        if fails {
            let due = self.now + 100_000;
            attempt.session.retry(seq, Bytes::from_static(b"{}"), due, Trace::default(), self.now);
        } else {
            attempt.session.settle(seq, value(b"1"), Trace::default());
        }
        self.pump(key);
    }

    /// A parked attempt leaves the memory.
    pub fn evict(&mut self) {
        let parked: Vec<u64> = (self.attempts.iter())
            .filter(|(_, attempt)| {
                attempt.kind == ComponentKind::Flow
                    && attempt.running.is_empty()
                    && attempt.unacknowledged.is_empty()
                    && attempt.body.end().is_none()
                    && attempt.live
            })
            .map(|(key, _)| *key)
            .collect();
        let Some(key) = self.random.pick(&parked).copied() else {
            return;
        };
        let mut attempt = self.attempts.remove(&key).expect("it was just found");
        let release = attempt.session.release();
        self.queue.push((0, release));
    }

    /// 6: an attempt whose time is over goes on writing; none of it may arrive.
    pub fn a_zombie_writes(&mut self) {
        for zombie in &mut self.zombies {
            for seq in std::mem::take(&mut zombie.running) {
                zombie.session.settle(seq, value(b"from the grave"), Trace::default());
            }
            while let Ok(Some(_)) = zombie.session.take(self.now) {}
            if let Some(request) = zombie.session.submit(false) {
                self.queue.push((0, request));
            }
        }
    }
}

fn start_step(attempt: &mut Attempt, seq: Seq, laws: &mut Laws) {
    let Some(op) = attempt.session.tape().op(seq) else {
        return;
    };
    if op.retry_at > 0 || attempt.running.contains(&seq) {
        return;
    }
    let identity = attempt.session.tape().identity(seq).expect("it is open");
    laws.step_starts(&attempt.run, &op.path, identity);
    attempt.paths.insert(seq, op.path.to_string());
    attempt.running.push(seq);
}

fn rows_by_num(store: &impl Read, num: i64) -> agnt5_store::RunRow {
    store.run(num).expect("the store reads").expect("the run is stored")
}
