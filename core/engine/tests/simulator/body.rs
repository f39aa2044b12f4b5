//! The code of the simulated components: small deterministic flows, and memos that ask in any order.

use std::collections::BTreeMap;

use agnt5_engine::Session;
use agnt5_journal::{
    Answer, Ask, CommandKind, ComponentKind, Micros, Outcome, Payload, Seq, Taken, TapeError,
};
use bytes::Bytes;

use crate::random::Random;

#[derive(Clone, Copy, Debug)]
pub enum Act {
    Step,
    OnceStep,
    Sleep(Micros),
    Wait(&'static str, Micros),
    Child(usize),
    /// A child whose answer is never awaited: the end of its parent stops it.
    Leave(usize),
    /// Hands over to a successor, which goes on behind this act.
    Relay,
    Object(&'static str),
    Send(&'static str),
    Set,
    /// A wait and a sleep; the first wins, the other is cancelled.
    Race(&'static str, Micros),
    /// Three steps at once.
    Three,
}

/// The flows, by index; no child leads back to its parent, so that nothing recurses.
pub const FLOWS: [&[Act]; 10] = [
    &[Act::Step, Act::Child(2), Act::Step, Act::Child(3), Act::Step],
    &[Act::Three, Act::Sleep(5_000_000), Act::Three, Act::Object("Counter\nb"), Act::Step],
    &[Act::Step, Act::Sleep(700_000), Act::Set, Act::Step],
    &[Act::Wait("go", 0), Act::Step, Act::Wait("go", 2_000_000), Act::Send("go")],
    &[Act::Race("go", 1_000_000), Act::Step, Act::Race("stop", 3_000_000), Act::Step],
    &[Act::Object("Counter\na"), Act::Object("Counter\nb"), Act::Step, Act::Object("Counter\na")],
    &[Act::Step, Act::OnceStep, Act::Step, Act::Send("stop"), Act::Child(5)],
    &[Act::Leave(3), Act::Step, Act::Leave(0), Act::Wait("stop", 4_000_000)],
    &[Act::Step, Act::Relay, Act::Wait("go", 3_000_000), Act::Step],
    &[Act::Leave(8), Act::Step, Act::Child(8), Act::Step],
];

pub fn flow_name(index: usize) -> String {
    format!("flow{index}")
}

pub enum Body {
    Flow(Flow),
    Memo(Memo),
}

/// What a body came to.
pub enum End {
    Value,
    Continued,
    Cancelled,
}

impl Body {
    pub fn new(component: &str, kind: ComponentKind, random: &mut Random) -> Self {
        match kind {
            ComponentKind::Flow => {
                let index: usize = component["flow".len()..].parse().expect("flowN");
                Self::Flow(Flow {
                    acts: FLOWS[index],
                    next: 0,
                    open: BTreeMap::new(),
                    race: false,
                    leaves: false,
                    end: None,
                })
            }
            _ => Self::Memo(Memo { backwards: random.chance(50), open: Vec::new(), asked: false, end: None }),
        }
    }

    /// Runs until the body waits or is over.
    pub fn advance(&mut self, session: &mut Session, now: Micros) -> Result<Vec<Seq>, TapeError> {
        match self {
            Self::Flow(flow) => flow.advance(session, now),
            Self::Memo(memo) => memo.advance(session, now),
        }
    }

    pub fn tell(&mut self, taken: &Taken, session: &mut Session, now: Micros) -> Result<(), TapeError> {
        match self {
            Self::Flow(flow) => flow.tell(taken, session, now),
            Self::Memo(memo) => {
                memo.tell(taken);
                Ok(())
            }
        }
    }

    pub fn end(&self) -> Option<&End> {
        match self {
            Self::Flow(flow) => flow.end.as_ref(),
            Self::Memo(memo) => memo.end.as_ref(),
        }
    }

    /// Whether only the engine can answer what it waits for.
    pub fn waits_durably(&self, session: &Session) -> bool {
        session.tape().open_ops().iter().all(|(_, op)| op.is_wait() || op.retry_at > 0)
    }
}

pub struct Flow {
    acts: &'static [Act],
    next: usize,
    open: BTreeMap<Seq, CommandKind>,
    race: bool,
    leaves: bool,
    end: Option<End>,
}

impl Flow {
    fn ask(
        &mut self,
        session: &mut Session,
        ask: &Ask,
        now: Micros,
        steps: &mut Vec<Seq>,
    ) -> Result<(), TapeError> {
        let seq = session.command(ask, now)?;
        if ask.kind == CommandKind::Step {
            steps.push(seq);
        }
        let answered = matches!(ask.kind, CommandKind::SendEvent | CommandKind::StateSet);
        if !answered && !self.leaves {
            self.open.insert(seq, ask.kind);
        }
        Ok(())
    }

    fn advance(&mut self, session: &mut Session, now: Micros) -> Result<Vec<Seq>, TapeError> {
        let mut steps = Vec::new();
        while self.open.is_empty() && self.end.is_none() {
            let Some(act) = self.acts.get(self.next) else {
                self.end = Some(End::Value);
                break;
            };
            self.next += 1;
            if matches!(act, Act::Relay) && session.tape().started().continues.is_empty() {
                self.end = Some(End::Continued);
                break;
            }
            self.race = matches!(act, Act::Race(..));
            self.leaves = matches!(act, Act::Leave(_));
            for ask in asks_of(*act, session.tape().now()) {
                self.ask(session, &ask, now, &mut steps)?;
            }
        }
        Ok(steps)
    }

    fn tell(&mut self, taken: &Taken, session: &mut Session, now: Micros) -> Result<(), TapeError> {
        let cancels = match taken {
            Taken::Completed { seq, .. } => {
                self.open.remove(seq);
                self.race
            }
            Taken::CancelRun => {
                self.end = Some(End::Cancelled);
                true
            }
            Taken::Retry { .. } => false,
        };
        if cancels {
            for seq in std::mem::take(&mut self.open).into_keys() {
                let target = seq.to_string();
                session.command(&Ask { target: &target, ..Ask::new(CommandKind::Cancel, "") }, now)?;
            }
        }
        Ok(())
    }
}

fn asks_of(act: Act, clock: Micros) -> Vec<Ask<'static>> {
    let flows = ["flow0", "flow1", "flow2", "flow3", "flow4", "flow5", "flow6", "flow7", "flow8", "flow9"];
    let input = Bytes::from_static(b"[[],{}]");
    let step = || Ask { input: input.clone(), ..Ask::new(CommandKind::Step, "step") };
    match act {
        Act::Step => vec![step()],
        Act::OnceStep => vec![Ask { at_most_once: true, ..step() }],
        Act::Three => vec![step(), step(), step()],
        Act::Sleep(us) => vec![Ask { due: clock + us, ..Ask::new(CommandKind::Sleep, "") }],
        Act::Wait(name, 0) => vec![Ask::new(CommandKind::WaitEvent, name)],
        Act::Wait(name, us) => vec![Ask { due: clock + us, ..Ask::new(CommandKind::WaitEvent, name) }],
        Act::Send(name) => vec![Ask { input, ..Ask::new(CommandKind::SendEvent, name) }],
        Act::Relay => Vec::new(),
        Act::Set => vec![Ask { input, ..Ask::new(CommandKind::StateSet, "key") }],
        Act::Child(index) | Act::Leave(index) => vec![Ask {
            input,
            target: flows[index],
            child_kind: ComponentKind::Flow,
            ..Ask::new(CommandKind::Child, flows[index])
        }],
        Act::Object(target) => vec![Ask {
            input,
            target,
            child_kind: ComponentKind::Object,
            ..Ask::new(CommandKind::Object, "Counter.add")
        }],
        Act::Race(name, us) => vec![
            Ask::new(CommandKind::WaitEvent, name),
            Ask { due: clock + us, ..Ask::new(CommandKind::Sleep, "") },
        ],
    }
}

/// A function or method: three operations, two of them at once, in an order that differs between attempts.
pub struct Memo {
    backwards: bool,
    open: Vec<Seq>,
    asked: bool,
    end: Option<End>,
}

impl Memo {
    fn advance(&mut self, session: &mut Session, now: Micros) -> Result<Vec<Seq>, TapeError> {
        let mut steps = Vec::new();
        if self.end.is_some() {
            return Ok(steps);
        }
        if !self.asked {
            self.asked = true;
            session.begin(agnt5_journal::ROOT, true)?;
            let mut inputs = [b"1", b"2", b"1"];
            if self.backwards {
                inputs.reverse();
            }
            for input in inputs {
                let ask = Ask { input: Bytes::from_static(input), ..Ask::new(CommandKind::Step, "part") };
                let (seq, answer) = session.ask(agnt5_journal::ROOT, &ask, now)?;
                if answer == Answer::Pending {
                    self.open.push(seq);
                    steps.push(seq);
                }
            }
        }
        if self.open.is_empty() {
            self.end = Some(End::Value);
        }
        Ok(steps)
    }

    fn tell(&mut self, taken: &Taken) {
        match taken {
            Taken::Completed { seq, .. } => self.open.retain(|open| open != seq),
            Taken::CancelRun => self.end = Some(End::Cancelled),
            Taken::Retry { .. } => {}
        }
    }
}

pub fn value(bytes: &'static [u8]) -> Outcome {
    Outcome::Value(Payload::inline(Bytes::from_static(bytes)))
}
