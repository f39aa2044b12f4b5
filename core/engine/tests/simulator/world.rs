//! The simulated world: an engine over a store that fails, attempts that drive runs, and everything that goes wrong.

use std::collections::{BTreeMap, HashMap};

use agnt5_engine::{Append, Engine, Limits, Notice, Request, Session, StartRun, Trace};
use agnt5_journal::entry::Body as EntryBody;
use agnt5_journal::{ComponentKind, Entry, Micros, Outcome, Seq, Status, Taken, Tape};
use agnt5_store::{Fault, FaultyStore, MemoryStore, Moment, Read, StoreError};
use bytes::Bytes;

use crate::body::{Body, End, FLOWS, flow_name, value};
use crate::laws::{Laws, entries, rows};
use crate::random::Random;

const EVENTS: [&str; 2] = ["go", "stop"];

struct Attempt {
    run: String,
    num: i64,
    session: Session,
    body: Body,
    kind: ComponentKind,
    /// Steps whose command is not durable yet.
    due: Vec<Seq>,
    /// Steps whose code runs now.
    running: Vec<Seq>,
    paths: HashMap<Seq, String>,
    /// Handed over and not acknowledged.
    unacknowledged: Vec<Entry>,
    object: String,
    live: bool,
}

pub struct World {
    random: Random,
    now: Micros,
    engine: Engine<FaultyStore<MemoryStore>>,
    attempts: BTreeMap<u64, Attempt>,
    /// Attempts that do not know yet that they are dead, and go on.
    zombies: Vec<Attempt>,
    queue: Vec<(u64, Request)>,
    laws: Laws,
    runs: Vec<String>,
    events: u64,
    faulty: bool,
    wake: Option<Micros>,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let mut world = Self {
            random: Random::new(seed),
            now: 1_000_000_000,
            engine: Engine::new(
                FaultyStore::new(MemoryStore::new()),
                Limits::default(),
                false,
            ),
            attempts: BTreeMap::new(),
            zombies: Vec::new(),
            queue: Vec::new(),
            laws: Laws::default(),
            runs: Vec::new(),
            events: 0,
            faulty: true,
            wake: None,
        };
        world.reopen(MemoryStore::new());
        world
    }

    pub fn length(&mut self) -> u64 {
        50 + self.random.below(200)
    }

    pub fn something_happens(&mut self) {
        match self.random.below(100) {
            0..=24 => self.commit(),
            25..=54 => self.finish_a_step(),
            55..=66 => self.time_passes(),
            67..=74 => self.start_a_run(),
            75..=82 => self.send_an_event(),
            83..=85 => self.meddle(),
            86..=89 => self.evict(),
            90..=92 => self.a_zombie_writes(),
            93..=94 => self.crash(),
            95..=96 => self.plan_a_fault(),
            _ => self.start_a_run(),
        }
    }

    // ---- what can happen --------------------------------------------------------------------------------------------

    fn start_a_run(&mut self) {
        let again = self.random.chance(10);
        let id = match self.random.pick(&self.runs) {
            Some(id) if again => id.clone(),
            _ => format!("r_{}", self.runs.len()),
        };
        let index = id[2..].parse::<usize>().expect("r_N");
        let (component, kind) = match index % (FLOWS.len() + 1) {
            flow if flow < FLOWS.len() => (flow_name(flow), ComponentKind::Flow),
            _ => ("memo".to_owned(), ComponentKind::Function),
        };
        let start = StartRun {
            id: id.clone(),
            component,
            kind,
            input: Bytes::from_static(b"[[],{}]"),
            code: Bytes::new(),
            code_digest: Bytes::new(),
            python: String::new(),
            tags: "{}".to_owned(),
            object: String::new(),
        };
        if !self.runs.contains(&id) {
            self.runs.push(id);
        }
        self.queue.push((0, Request::Start(Box::new(start))));
    }

    fn send_an_event(&mut self) {
        let repeated = self.random.chance(20);
        if !repeated {
            self.events += 1;
        }
        let targeted = self.random.chance(30);
        let run_id = match self.random.pick(&self.runs) {
            Some(run) if targeted => run.clone(),
            _ => String::new(),
        };
        let name = self
            .random
            .pick(&EVENTS)
            .expect("there are some")
            .to_string();
        let id = format!("event {}", self.events);
        let payload = Bytes::from_static(b"1");
        self.queue.push((
            0,
            Request::SendEvent {
                name,
                payload,
                id,
                run_id,
                keep: 60_000_000,
            },
        ));
    }

    fn meddle(&mut self) {
        let Some(run_id) = self.random.pick(&self.runs).cloned() else {
            return;
        };
        self.queue.push((
            0,
            match self.random.below(3) {
                0 => Request::Cancel { run_id },
                1 => Request::Pause {
                    run_id,
                    reason: "a person looks".to_owned(),
                },
                _ => Request::Resume {
                    run_id,
                    decisions: HashMap::new(),
                },
            },
        ));
    }

    fn time_passes(&mut self) {
        self.now = match self.random.below(10) {
            0 => self.now - 3_000_000,
            1 => self.now + 3_600_000_000,
            2..=5 => self
                .wake
                .map_or(self.now + 1_000, |wake| wake.max(self.now)),
            _ => self.now + self.random.below(500_000) as Micros,
        };
        self.commit();
    }

    fn plan_a_fault(&mut self) {
        if !self.faulty {
            return;
        }
        let error = match self.random.below(3) {
            0 => StoreError::Io("the disk is gone".to_owned()),
            _ => StoreError::Full("the disk is full".to_owned()),
        };
        let moment = if self.random.chance(50) {
            Moment::Before
        } else {
            Moment::After
        };
        let after = self.random.below(20);
        let store = self.engine.store_mut();
        let at = store.operations() + after;
        store.plan(Fault { at, moment, error });
    }

    /// The process is gone, and with it everything that was not committed.
    fn crash(&mut self) {
        let store = self.take_store();
        self.reopen(store.into_inner());
        self.laws.check_store(self.engine.store());
    }

    fn take_store(&mut self) -> FaultyStore<MemoryStore> {
        self.queue.clear();
        self.attempts.clear();
        self.zombies.clear();
        let empty = Engine::new(
            FaultyStore::new(MemoryStore::new()),
            Limits::default(),
            false,
        );
        std::mem::replace(&mut self.engine, empty).into_store()
    }

    fn reopen(&mut self, store: MemoryStore) {
        self.engine = reopened(FaultyStore::new(store), self.now);
        self.serve_all();
    }

    fn serve_all(&mut self) {
        let mut names: Vec<String> = (0..FLOWS.len()).map(flow_name).collect();
        names.extend(["memo".to_owned(), "Counter.add".to_owned()]);
        for component in names {
            self.queue.push((0, Request::Serve { component }));
        }
    }

    // ---- driving runs -----------------------------------------------------------------------------------------------

    /// One transaction, and what its notices bring about.
    fn commit(&mut self) {
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

    fn durable(&mut self, key: u64, seq: Seq) {
        let Some(attempt) = self.attempts.get_mut(&key) else {
            return;
        };
        let held = attempt
            .unacknowledged
            .partition_point(|entry| entry.seq <= seq);
        for entry in attempt.unacknowledged.drain(..held) {
            if let Some(EntryBody::Completion(completion)) = &entry.body
                && matches!(
                    Outcome::of_completion(&completion.outcome),
                    Some(Outcome::Value(_))
                )
                && let Some(path) = attempt.paths.get(&completion.command)
            {
                self.laws.step_recorded(&attempt.run, path);
            }
            self.laws.acknowledge(&attempt.run, entry);
        }
        let ready: Vec<Seq> = attempt
            .due
            .iter()
            .copied()
            .filter(|due| *due <= seq)
            .collect();
        attempt.due.retain(|due| *due > seq);
        for step in ready {
            start_step(attempt, step, &mut self.laws);
        }
    }

    /// Drives an attempt until it waits.
    fn pump(&mut self, key: u64) {
        let Some(attempt) = self.attempts.get_mut(&key) else {
            return;
        };
        if attempt.session.tape().is_closed() {
            return;
        }
        let now = self.now;
        let diverged = "the code did not change";
        loop {
            let steps = attempt
                .body
                .advance(&mut attempt.session, now)
                .expect(diverged);
            for seq in steps {
                let path = attempt
                    .session
                    .tape()
                    .op(seq)
                    .expect("it was just asked")
                    .path
                    .to_string();
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
                    let ready: Vec<Seq> = attempt
                        .due
                        .iter()
                        .copied()
                        .filter(|due| *due < recorded)
                        .collect();
                    attempt.due.retain(|due| *due >= recorded);
                    for step in ready {
                        if attempt.session.is_uncertain(step) {
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
            attempt
                .body
                .tell(&taken, &mut attempt.session, now)
                .expect(diverged);
        }
        self.hand_over(key);
    }

    fn hand_over(&mut self, key: u64) {
        let Some(attempt) = self.attempts.get_mut(&key) else {
            return;
        };
        if let Some(end) = attempt.body.end() {
            let (outcome, state) = match end {
                End::Cancelled => (Outcome::Cancelled, None),
                End::Value if attempt.kind == ComponentKind::Object => {
                    let state = self
                        .engine
                        .store()
                        .object(&attempt.object)
                        .expect("the store reads");
                    let count: u64 = state.map_or(0, |bytes| {
                        String::from_utf8_lossy(&bytes).parse().expect("a number")
                    });
                    (value(b"1"), Some(Bytes::from((count + 1).to_string())))
                }
                End::Value => (value(b"1"), None),
            };
            attempt
                .session
                .end(outcome, Vec::new(), Bytes::new(), state, self.now)
                .expect("it is open");
        }
        let open = attempt.session.tape().open_ops();
        attempt
            .running
            .retain(|running| open.iter().any(|(seq, _)| seq == running));
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

    fn finish_a_step(&mut self) {
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
            attempt.session.retry(
                seq,
                Bytes::from_static(b"{}"),
                due,
                Trace::default(),
                self.now,
            );
        } else {
            attempt.session.settle(seq, value(b"1"), Trace::default());
        }
        self.pump(key);
    }

    /// A parked attempt leaves the memory.
    fn evict(&mut self) {
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
    fn a_zombie_writes(&mut self) {
        for zombie in &mut self.zombies {
            for seq in std::mem::take(&mut zombie.running) {
                zombie
                    .session
                    .settle(seq, value(b"from the grave"), Trace::default());
            }
            while let Ok(Some(_)) = zombie.session.take(self.now) {}
            if let Some(request) = zombie.session.submit(false) {
                self.queue.push((0, request));
            }
        }
    }

    // ---- at the end -------------------------------------------------------------------------------------------------

    pub fn faults_stop(&mut self) {
        self.faulty = false;
        self.crash();
        for round in 0..2_000 {
            self.commit();
            let busy: Vec<u64> = self.attempts.keys().copied().collect();
            for key in busy {
                let running = match self.attempts.get_mut(&key) {
                    Some(attempt) => std::mem::take(&mut attempt.running),
                    None => continue,
                };
                for seq in running {
                    if let Some(attempt) = self.attempts.get_mut(&key) {
                        attempt.session.settle(seq, value(b"1"), Trace::default());
                    }
                    self.pump(key);
                }
            }
            if self.queue.is_empty() {
                match self.wake {
                    Some(wake) => self.now = self.now.max(wake),
                    None => return,
                }
            }
            assert!(round < 1_999, "the world does not come to rest");
        }
    }

    /// 10: everything is over, waits, or is paused with a reason. 7: every journal replays against the same code.
    pub fn check_at_rest(&mut self) {
        let store = self.engine.store();
        self.laws.check_store(store);
        for row in rows(store) {
            let rests = row.status.is_terminal()
                || row.status == Status::Waiting
                || (row.status == Status::Paused && !row.reason.is_empty())
                || self.waits_for_its_turn(&row);
            assert!(
                rests,
                "{} is {:?} and nothing will happen to it",
                row.id, row.status
            );
            let entries = entries(store, &row);
            if row.kind == ComponentKind::Flow && row.status.is_terminal() && row.epoch > 0 {
                replay(&row.id, &row.component, entries, &mut self.random);
            }
        }
    }

    /// A call whose turn at its object has not come, because the one before it waits or is paused.
    fn waits_for_its_turn(&self, row: &agnt5_store::RunRow) -> bool {
        row.status == Status::Pending && !row.object.is_empty()
    }
}

fn rows_by_num(store: &impl Read, num: i64) -> agnt5_store::RunRow {
    store
        .run(num)
        .expect("the store reads")
        .expect("the run is stored")
}

fn reopened(store: FaultyStore<MemoryStore>, now: Micros) -> Engine<FaultyStore<MemoryStore>> {
    let mut engine = Engine::new(store, Limits::default(), false);
    if engine.open(now).is_err() {
        // The planned fault struck at open; the next open is a new process.
        let inner = engine.into_store().into_inner();
        engine = Engine::new(FaultyStore::new(inner), Limits::default(), false);
        engine.open(now).expect("no fault is planned");
    }
    engine
}

fn start_step(attempt: &mut Attempt, seq: Seq, laws: &mut Laws) {
    let Some(op) = attempt.session.tape().op(seq) else {
        return;
    };
    if op.retry_at > 0 || attempt.running.contains(&seq) {
        return;
    }
    laws.step_starts(&attempt.run, &op.path, op.identity);
    attempt.paths.insert(seq, op.path.to_string());
    attempt.running.push(seq);
}

/// Runs the code against its whole journal: it has to ask the same and may not add anything.
fn replay(run: &str, component: &str, entries: Vec<Entry>, random: &mut Random) {
    let ended_by_engine = !matches!(
        entries.last().and_then(|entry| entry.body.as_ref()),
        Some(EntryBody::Ended(_))
    );
    assert!(!ended_by_engine, "{run} is terminal");
    let body_entries = entries.len();
    let lease = agnt5_engine::Lease {
        num: 1,
        key: 1,
        epoch: 1,
        row: sample_row(run, component),
        entries: entries.clone(),
        inbox: Default::default(),
        resumed: String::new(),
        decisions: HashMap::new(),
    };
    let mut session = Session::new(lease).expect("a journal that can be followed");
    let mut body = Body::new(component, ComponentKind::Flow, random);
    loop {
        body.advance(&mut session, 0)
            .unwrap_or_else(|error| panic!("{run} diverged: {error}"));
        if body.end().is_some() || !session.tape().replaying() {
            break;
        }
        let taken = session
            .take(0)
            .unwrap_or_else(|error| panic!("{run} diverged: {error}"));
        let Some(taken) = taken else { break };
        body.tell(&taken, &mut session, 0)
            .unwrap_or_else(|error| panic!("{run} diverged: {error}"));
    }
    assert_eq!(
        session.tape().length(),
        body_entries as Seq,
        "the replay of {run} wrote something"
    );
    assert!(Tape::new(entries).is_ok());
}

fn sample_row(run: &str, component: &str) -> agnt5_store::RunRow {
    agnt5_store::RunRow {
        num: 1,
        id: run.to_owned(),
        component: component.to_owned(),
        kind: ComponentKind::Flow,
        status: Status::Running,
        epoch: 1,
        parent: None,
        depth: 0,
        object: String::new(),
        input_digest: Bytes::new(),
        created: 0,
        started: None,
        ended: None,
        cancel_requested: false,
        interrupted: false,
        crashes: 0,
        reason: String::new(),
        tags: String::new(),
    }
}
