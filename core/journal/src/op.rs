//! A command that is still open, and the request that makes one.

use bytes::Bytes;

use crate::{Command, CommandKind, ComponentKind, Effect, Micros, Seq};

/// What code asks for, before it has a place in the journal.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    pub kind: CommandKind,
    pub name: &'a str,
    pub input: Bytes,
    pub due: Micros,
    pub target: &'a str,
    pub child_kind: ComponentKind,
    pub at_most_once: bool,
    /// Digest of the code of a step or function; empty when it is unknown.
    pub code: &'a [u8],
}

impl<'a> Ask<'a> {
    pub fn new(kind: CommandKind, name: &'a str) -> Self {
        Self {
            kind,
            name,
            input: Bytes::new(),
            due: 0,
            target: "",
            child_kind: ComponentKind::Unspecified,
            at_most_once: false,
            code: b"",
        }
    }
}

/// What a tape keeps of a command until it is answered.
#[derive(Clone, Debug)]
pub struct Op {
    pub kind: CommandKind,
    pub name: Box<str>,
    pub scope: Seq,
    pub path: Box<str>,
    /// The same for every attempt; idempotency keys and child ids are made of it. `None` for a script's command: it is
    /// made of the path when somebody asks, see `Tape::identity`.
    pub(crate) identity: Option<[u8; 16]>,
    pub due: Micros,
    pub target: Box<str>,
    pub child_id: Box<str>,
    pub at_most_once: bool,
    pub failed_attempts: u32,
    pub retry_at: Micros,
    /// An earlier attempt of the run asked it, so its effect may have begun.
    pub recorded: bool,
    /// In a rerun: what its result may be found by in the older journal.
    pub(crate) reuse_key: Option<[u8; 16]>,
}

impl Op {
    pub(crate) fn of(command: &Command, path: String, identity: Option<[u8; 16]>, recorded: bool) -> Self {
        Self {
            kind: command.kind(),
            name: command.name.as_str().into(),
            scope: command.scope,
            path: path.into(),
            identity,
            due: command.due,
            target: command.target.as_str().into(),
            child_id: command.child_id.as_str().into(),
            at_most_once: command.effect() == Effect::AtMostOnce,
            failed_attempts: 0,
            retry_at: 0,
            recorded,
            reuse_key: None,
        }
    }

    /// Stands for the run's own body while it waits for its next attempt.
    pub fn of_body(retry_at: Micros) -> Self {
        let mut op = Self::of(&Command::default(), String::new(), None, true);
        op.retry_at = retry_at;
        op
    }

    /// Whether the engine, not local code, brings its answer.
    pub fn is_wait(&self) -> bool {
        matches!(
            self.kind,
            CommandKind::Sleep
                | CommandKind::WaitEvent
                | CommandKind::Child
                | CommandKind::Object
                | CommandKind::Join
        )
    }

    /// Whether it made a run that is there to answer it. One that was only started goes on without its starter.
    pub(crate) fn is_awaited_child(&self) -> bool {
        matches!(self.kind, CommandKind::Child | CommandKind::Object)
    }
}

impl CommandKind {
    /// Answered by being recorded; no completion follows.
    pub fn is_immediate(self) -> bool {
        matches!(self, Self::StateSet | Self::StateDelete | Self::SendEvent | Self::Cancel | Self::Start)
    }

    /// Names a run that the engine creates or watches.
    pub fn makes_child(self) -> bool {
        matches!(self, Self::Child | Self::Object | Self::Start)
    }
}
