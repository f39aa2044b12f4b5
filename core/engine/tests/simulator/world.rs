//! The simulated world: an engine over a store that fails, attempts that drive runs, and everything that goes wrong.

use std::collections::{BTreeMap, HashMap};

use agnt5_engine::{Engine, Limits, Request, Session, StartRun, Trace};
use agnt5_journal::{CommandKind, ComponentKind, Entry, Micros, Seq, Status};
use agnt5_store::{EventState, Fault, FaultyStore, MemoryStore, Moment, Read, Store, StoreError};
use bytes::Bytes;

use crate::body::{Body, FLOWS, flow_name, value};
use crate::laws::{Laws, entries, last_of, open_commands, rows};
use crate::random::Random;
use crate::replaying::replay;

const EVENTS: [&str; 2] = ["go", "stop"];

pub struct Attempt {
    pub run: String,
    pub num: i64,
    pub session: Session,
    pub body: Body,
    pub kind: ComponentKind,
    /// Steps whose command is not durable yet.
    pub due: Vec<Seq>,
    /// Steps whose code runs now.
    pub running: Vec<Seq>,
    pub paths: HashMap<Seq, String>,
    /// Handed over and not acknowledged.
    pub unacknowledged: Vec<Entry>,
    pub object: String,
    pub live: bool,
}

pub struct World {
    pub random: Random,
    pub now: Micros,
    pub engine: Engine<FaultyStore<MemoryStore>>,
    pub attempts: BTreeMap<u64, Attempt>,
    /// Attempts that do not know yet that they are dead, and go on.
    pub zombies: Vec<Attempt>,
    pub queue: Vec<(u64, Request)>,
    pub laws: Laws,
    pub runs: Vec<String>,
    pub events: u64,
    pub faulty: bool,
    pub wake: Option<Micros>,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let mut world = Self {
            random: Random::new(seed),
            now: 1_000_000_000,
            engine: Engine::new(FaultyStore::new(MemoryStore::new()), Limits::default(), false),
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
            rerun_of: None,
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
        let name = self.random.pick(&EVENTS).expect("there are some").to_string();
        let id = format!("event {}", self.events);
        let payload = Bytes::from_static(b"1");
        self.queue.push((0, Request::SendEvent { name, payload, id, run_id, keep: 60_000_000 }));
    }

    fn meddle(&mut self) {
        let Some(run_id) = self.random.pick(&self.runs).cloned() else {
            return;
        };
        self.queue.push((
            0,
            match self.random.below(3) {
                0 => Request::Cancel { run_id },
                1 => Request::Pause { run_id, reason: "a person looks".to_owned() },
                _ => Request::Resume { run_id, decisions: HashMap::new() },
            },
        ));
    }

    fn time_passes(&mut self) {
        self.now = match self.random.below(10) {
            0 => self.now - 3_000_000,
            1 => self.now + 3_600_000_000,
            2..=5 => self.wake.map_or(self.now + 1_000, |wake| wake.max(self.now)),
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
        let moment = if self.random.chance(50) { Moment::Before } else { Moment::After };
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
        let empty = Engine::new(FaultyStore::new(MemoryStore::new()), Limits::default(), false);
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
            assert!(rests, "{} is {:?} and nothing will happen to it", row.id, row.status);
            let entries = entries(store, &row);
            assert!(!self.is_left_alone(&row), "{} goes on though nobody awaits it any more", row.id);
            if row.status == Status::Waiting {
                self.check_wait(&row, &entries);
            }
            if row.kind == ComponentKind::Flow && row.status.is_terminal() && row.epoch > 0 {
                replay(&row.id, &row.component, entries, &mut self.random);
            }
        }
    }

    /// 10: what a waiting run waits for has not happened yet.
    fn check_wait(&self, row: &agnt5_store::RunRow, entries: &[Entry]) {
        let store = self.engine.store();
        for (seq, command) in open_commands(entries) {
            match command.kind() {
                CommandKind::Child | CommandKind::Object | CommandKind::Join => {
                    let child = last_of(store, &command.child_id);
                    let over = child.is_none_or(|child| child.status.is_terminal());
                    assert!(!over, "{} waits for {}, which has ended", row.id, command.child_id);
                }
                CommandKind::WaitEvent => {
                    let event = store.assigned_event(row.num, seq).expect("the store reads");
                    assert!(event.is_none(), "{} waits for an event that it has got", row.id);
                    let kept = store.events(Some(&command.name), u32::MAX).expect("the store reads");
                    let free = kept.iter().find(|event| {
                        event.state == EventState::Kept && event.target.is_none_or(|run| run == row.num)
                    });
                    assert!(free.is_none(), "{} waits and {free:?} is kept", row.id);
                }
                _ => {}
            }
        }
    }

    /// A child whose parent awaited it and has ended, and that nobody asked to stop.
    fn is_left_alone(&self, row: &agnt5_store::RunRow) -> bool {
        let store = self.engine.store();
        let parent = row.parent.and_then(|(parent, _)| store.run(parent).expect("the store reads"));
        parent.is_some_and(|parent| parent.status.is_terminal())
            && !row.status.is_terminal()
            && !row.cancel_requested
    }

    /// A call whose turn at its object has not come, because the one before it waits or is paused.
    fn waits_for_its_turn(&self, row: &agnt5_store::RunRow) -> bool {
        row.status == Status::Pending && !row.object.is_empty()
    }
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
