//! An engine, a clock, and short words for what people and attempts do.

use std::collections::HashMap;

use agnt5_engine::{Engine, Lease, Limits, Notice, Refusal, Reply, Request, Session, StartRun, Trace};
use agnt5_journal::{Ask, CommandKind, ComponentKind, Micros, Outcome, Payload, Seq, Status, Taken};
use agnt5_store::{MemoryStore, RunFilter, RunRow, Store};
use bytes::Bytes;

pub const SECOND: Micros = 1_000_000;

pub struct Desk<S = MemoryStore> {
    pub engine: Engine<S>,
    pub now: Micros,
    pub leased: Vec<Lease>,
    pub notices: Vec<Notice>,
    pub wake: Option<Micros>,
}

impl Desk {
    pub fn new() -> Self {
        Self::with(Limits::default(), false)
    }

    pub fn with(limits: Limits, ask_first: bool) -> Self {
        Self::over(MemoryStore::new(), limits, ask_first)
    }
}

impl<S: Store> Desk<S> {
    pub fn over(store: S, limits: Limits, ask_first: bool) -> Self {
        let mut engine = Engine::new(store, limits, ask_first);
        engine.open(1_000 * SECOND).expect("it opens");
        let mut desk =
            Self { engine, now: 1_000 * SECOND, leased: Vec::new(), notices: Vec::new(), wake: None };
        for name in ["flow", "fn", "Counter.add"] {
            desk.call(Request::Serve { component: name.to_owned() }).expect("it serves");
        }
        desk
    }

    /// The process dies; another opens the same store.
    pub fn killed(self, limits: Limits, ask_first: bool) -> Self {
        Self::over(self.engine.into_store(), limits, ask_first)
    }

    pub fn process(&mut self, requests: Vec<(u64, Request)>) -> Vec<(u64, Result<Reply, Refusal>)> {
        let batch = self.engine.process(self.now, requests);
        self.wake = batch.wake;
        for notice in batch.notices {
            match notice {
                Notice::Leased(lease) => self.leased.push(*lease),
                other => self.notices.push(other),
            }
        }
        batch.replies
    }

    pub fn call(&mut self, request: Request) -> Result<Reply, Refusal> {
        self.process(vec![(1, request)]).remove(0).1
    }

    pub fn tick(&mut self) {
        self.process(Vec::new());
    }

    pub fn start_as(
        &mut self,
        id: &str,
        component: &str,
        kind: ComponentKind,
        object: &str,
    ) -> Result<Reply, Refusal> {
        self.call(Request::Start(Box::new(StartRun {
            id: id.to_owned(),
            component: component.to_owned(),
            kind,
            input: Bytes::from_static(b"[[],{}]"),
            code: Bytes::new(),
            code_digest: Bytes::new(),
            python: "3.11".to_owned(),
            tags: "{}".to_owned(),
            object: object.to_owned(),
            rerun_of: None,
        })))
    }

    pub fn start(&mut self, id: &str) -> Session {
        self.start_as(id, "flow", ComponentKind::Flow, "").expect("a new run");
        self.lease(id)
    }

    /// The session of a run that was leased just now, live.
    pub fn lease(&mut self, id: &str) -> Session {
        let index = self.leased.iter().position(|lease| lease.row.id == id);
        let lease = self.leased.remove(index.unwrap_or_else(|| panic!("{id} was not leased")));
        Session::new(lease).expect("a journal that can be followed")
    }

    pub fn is_leased(&self, id: &str) -> bool {
        self.leased.iter().any(|lease| lease.row.id == id)
    }

    pub fn submit(&mut self, session: &mut Session, parked: bool) {
        if let Some(request) = session.submit(parked) {
            self.process(vec![(0, request)]);
        }
    }

    /// Asks and commits.
    pub fn ask(&mut self, session: &mut Session, ask: &Ask) -> Seq {
        let seq = session.command(ask, self.now).expect("it is live");
        let parked = session.tape().open_ops().iter().all(|(_, op)| op.is_wait());
        self.submit(session, parked);
        seq
    }

    pub fn cancel_command(&mut self, session: &mut Session, seq: Seq) {
        let target = seq.to_string();
        self.ask(session, &Ask { target: &target, ..Ask::new(CommandKind::Cancel, "") });
    }

    pub fn take(&mut self, session: &mut Session) -> Option<Taken> {
        let taken = session.take(self.now).expect("it does not diverge");
        self.submit(session, false);
        taken
    }

    pub fn do_step(&mut self, session: &mut Session) {
        let seq = self.ask(session, &Ask::new(CommandKind::Step, "step"));
        assert!(session.settle(seq, value("1"), Trace::default()));
        self.take(session);
    }

    pub fn end(&mut self, session: &mut Session, outcome: Outcome, state: Option<&str>) {
        let state = state.map(|text| Bytes::copy_from_slice(text.as_bytes()));
        session.end(outcome, Vec::new(), Bytes::new(), state, self.now).expect("it is open");
        self.submit(session, false);
    }

    pub fn send(&mut self, name: &str, id: &str, run_id: &str) -> Result<Reply, Refusal> {
        self.call(Request::SendEvent {
            name: name.to_owned(),
            payload: Bytes::from_static(b"\"yes\""),
            id: id.to_owned(),
            run_id: run_id.to_owned(),
            keep: 60 * SECOND,
        })
    }

    pub fn cancel(&mut self, id: &str) -> Result<Reply, Refusal> {
        self.call(Request::Cancel { run_id: id.to_owned() })
    }

    pub fn resume(&mut self, id: &str) -> Result<Reply, Refusal> {
        self.call(Request::Resume { run_id: id.to_owned(), decisions: HashMap::new() })
    }

    pub fn row(&self, id: &str) -> RunRow {
        self.engine.store().run_by_id(id).expect("the store reads").unwrap_or_else(|| panic!("no run {id}"))
    }

    pub fn status(&self, id: &str) -> Status {
        self.row(id).status
    }

    pub fn children(&self, id: &str) -> Vec<RunRow> {
        let filter = RunFilter { parent: Some(self.row(id).num), limit: 1_000, ..RunFilter::default() };
        let mut rows = self.engine.store().list_runs(&filter).expect("the store reads");
        rows.reverse();
        rows
    }

    pub fn was_lost(&self, session: &Session) -> bool {
        self.notices.iter().any(|notice| matches!(notice, Notice::Lost { key, .. } if *key == session.key()))
    }
}

pub fn value(text: &str) -> Outcome {
    Outcome::Value(Payload::inline(Bytes::copy_from_slice(text.as_bytes())))
}

pub fn wait(name: &str, due: Micros) -> Ask<'_> {
    Ask { due, ..Ask::new(CommandKind::WaitEvent, name) }
}

pub fn sleep(due: Micros) -> Ask<'static> {
    Ask { due, ..Ask::new(CommandKind::Sleep, "") }
}

pub fn child(target: &str) -> Ask<'_> {
    Ask { target, child_kind: ComponentKind::Flow, ..Ask::new(CommandKind::Child, target) }
}

pub fn object(target: &str) -> Ask<'_> {
    Ask { target, child_kind: ComponentKind::Object, ..Ask::new(CommandKind::Object, "Counter.add") }
}

/// The text of an answer's payload.
pub fn text(taken: Option<Taken>) -> String {
    let Some(Taken::Completed { outcome, .. }) = taken else { panic!("no answer: {taken:?}") };
    let payload = outcome.payload().and_then(Payload::as_inline).cloned().unwrap_or_default();
    String::from_utf8_lossy(&payload).into_owned()
}

pub fn outcome(taken: Option<Taken>) -> Outcome {
    match taken {
        Some(Taken::Completed { outcome, .. }) => outcome,
        other => panic!("no answer: {other:?}"),
    }
}
