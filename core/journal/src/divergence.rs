//! The code and its journal disagree.

use bytes::Bytes;

use crate::{Command, CommandKind, Seq, identity};

/// What was recorded, what the code did, and where. The caller adds source lines and advice.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("at entry {seq}: recorded was {expected}, the code asked for {actual}")]
pub struct Divergence {
    pub seq: Seq,
    /// Path of the command in question.
    pub path: String,
    pub expected: String,
    pub actual: String,
    pub inputs: Box<Inputs>,
}

/// Of the recorded command and of the one that was asked, for those who can read them; empty where there is none, or
/// where the recorded one lies elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    pub recorded: Bytes,
    pub asked: Bytes,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TapeError {
    #[error(transparent)]
    Diverged(#[from] Divergence),
    #[error("the run has ended; nothing can be asked in it any more")]
    Closed,
    #[error("the journal cannot be followed: {0}")]
    Damaged(String),
}

pub(crate) fn describe(kind: CommandKind, name: &str, digest: &[u8]) -> String {
    let verb = match kind {
        CommandKind::Step => "step",
        CommandKind::Call => "function",
        CommandKind::Child => "child run",
        CommandKind::Object => "object call",
        CommandKind::Sleep => "timer",
        CommandKind::WaitEvent => "wait for event",
        CommandKind::StateSet => "state set",
        CommandKind::StateDelete => "state delete",
        CommandKind::StateGet => "state get",
        CommandKind::SendEvent => "send event",
        CommandKind::Cancel => "cancellation",
        CommandKind::Start => "start of run",
        CommandKind::Join => "wait for run",
        CommandKind::Unspecified => "unknown command",
    };
    let short = identity::hex(&digest[..digest.len().min(4)]);
    match kind {
        CommandKind::Sleep => verb.to_owned(),
        _ => format!("{verb} {name:?} (input {short})"),
    }
}

pub(crate) fn describe_recorded(command: &Command) -> String {
    describe(command.kind(), &command.name, &command.digest)
}
