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

/// A command in words. What it was given stands as the beginning of its digest, for want of room to read it here.
pub(crate) fn describe(kind: CommandKind, name: &str, target: &str, digest: &[u8]) -> String {
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
    let mut told = match kind {
        CommandKind::Sleep => return verb.to_owned(),
        CommandKind::Cancel => return format!("{verb} of the command at entry {target}"),
        CommandKind::Join => return format!("{verb} {target:?}"),
        _ => format!("{verb} {name:?}"),
    };
    match kind {
        CommandKind::Object => {
            let key = target.split_once('\n').map_or(target, |(_, key)| key);
            told += &format!(" of key {key:?}");
        }
        CommandKind::Child | CommandKind::Start if target != name => told += &format!(" of {target:?}"),
        CommandKind::SendEvent if !target.is_empty() => told += &format!(" to run {target:?}"),
        _ => {}
    }
    if *digest != *identity::digest(b"") {
        told += &format!(" (input {})", identity::hex(&digest[..digest.len().min(4)]));
    }
    told
}

pub(crate) fn describe_recorded(command: &Command) -> String {
    describe(command.kind(), &command.name, &command.target, &command.digest)
}
