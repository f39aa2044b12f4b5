//! Where a run can be forked, and what a fork takes along.
//!
//! A flow is cut at a quiescent point: after the delivery of one answer and all that its code asked because of it. A
//! function has no such points; it can be cut after any entry.

use std::collections::HashMap;

use crate::entry::Body;
use crate::{CommandKind, ComponentKind, Entry, Given, Micros, Outcome, Paths, ROOT, Seq, given};

/// A fork at one place of a journal.
#[derive(Clone, Debug, PartialEq)]
pub struct ForkPlan {
    /// Entries before this one are shared.
    pub cut: Seq,
    /// Recorded time of the last shared entry: the fork's clock goes on from here.
    pub at: Micros,
    /// What was in flight there, in journal order.
    pub open: Vec<OpenAt>,
    /// Commands that were asked or answered later, by path, in the order of their answers. Unanswered ones come last.
    pub later: Vec<Later>,
}

/// A command that was asked before the cut and not answered before it.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenAt {
    pub seq: Seq,
    pub scope: Seq,
    pub kind: CommandKind,
    pub name: String,
    pub path: String,
}

/// What became, after the cut, of a command.
#[derive(Clone, Debug, PartialEq)]
pub struct Later {
    pub seq: Seq,
    pub scope: Seq,
    pub kind: CommandKind,
    pub name: String,
    pub path: String,
    /// `None`: it was never answered.
    pub outcome: Option<Outcome>,
}

/// The fork at the last position that is not after `at`. `None` when the journal does not begin with its start.
/// `other_code`: what the code asked because of the last shared answer is not shared; another version may ask otherwise.
pub fn plan(entries: &[Entry], at: Seq, other_code: bool) -> Option<ForkPlan> {
    let Some(Body::Started(started)) = &entries.first()?.body else {
        return None;
    };
    let last = entries.len() - 1;
    let at = (at as usize).min(last);
    let cut = match started.kind() {
        ComponentKind::Flow => cut_of_script(entries, at, other_code),
        _ => at + 1,
    };
    // A journal's end belongs to nobody but its own run.
    let cut = match &entries[cut - 1].body {
        Some(Body::Ended(_)) => cut - 1,
        _ => cut,
    };
    let mut paths = Paths::default();
    let mut open: Vec<OpenAt> = Vec::new();
    let mut asked: HashMap<Seq, Later> = HashMap::new();
    let mut later = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let path = paths.note(entry);
        match &entry.body {
            Some(Body::Command(command)) if command.kind() == CommandKind::Cancel => {
                let target: Option<Seq> = command.target.parse().ok();
                if index < cut {
                    open.retain(|op| Some(op.seq) != target && Some(op.scope) != target);
                }
            }
            Some(Body::Command(command)) if !command.kind().is_immediate() => {
                if index < cut {
                    let (kind, name) = (command.kind(), command.name.clone());
                    open.push(OpenAt {
                        seq: entry.seq,
                        scope: command.scope,
                        kind,
                        name,
                        path: path.clone(),
                    });
                }
                let (seq, scope, kind) = (entry.seq, command.scope, command.kind());
                asked
                    .insert(seq, Later { seq, scope, kind, name: command.name.clone(), path, outcome: None });
            }
            Some(Body::Completion(completion)) => {
                let answered = asked.remove(&completion.command);
                if index < cut {
                    // What was asked below a function is over with it.
                    open.retain(|op| op.seq != completion.command && op.scope != completion.command);
                } else if let Some(mut answered) = answered {
                    answered.outcome = Outcome::of_completion(&completion.outcome);
                    later.push(answered);
                }
            }
            _ => {}
        }
    }
    asked.retain(|seq, _| *seq >= cut as Seq || open.iter().any(|op| op.seq == *seq));
    let mut unanswered: Vec<Later> = asked.into_values().collect();
    unanswered.sort_unstable_by_key(|one| one.seq);
    later.extend(unanswered);
    Some(ForkPlan { cut: cut as Seq, at: entries[cut - 1].at, open, later })
}

/// Commands whose answers a fork shares: seq by path.
pub fn answered_before(entries: &[Entry], cut: Seq) -> HashMap<String, Seq> {
    let mut paths = Paths::default();
    let mut asked = HashMap::new();
    let mut answered = HashMap::new();
    for entry in entries.iter().take_while(|entry| entry.seq < cut) {
        let path = paths.note(entry);
        match &entry.body {
            Some(Body::Command(_)) => {
                asked.insert(entry.seq, path);
            }
            Some(Body::Completion(completion)) => {
                if let Some(path) = asked.remove(&completion.command) {
                    answered.insert(path, completion.command);
                }
            }
            _ => {}
        }
    }
    answered
}

/// One past the last entry of the drain at or before `at`, and past `at` itself.
fn cut_of_script(entries: &[Entry], at: usize, other_code: bool) -> usize {
    let mut scopes: HashMap<Seq, Seq> = HashMap::new();
    let mut position = 0;
    let mut end = entries.len();
    for (index, entry) in entries.iter().enumerate() {
        let is_position = match &entry.body {
            Some(Body::Command(command)) => {
                scopes.insert(entry.seq, command.scope);
                false
            }
            Some(Body::Completion(completion)) => scopes.get(&completion.command) == Some(&ROOT),
            Some(Body::CancelRequested(_) | Body::Ended(_)) => true,
            _ => false,
        };
        if !is_position {
            continue;
        }
        if index > at {
            end = index;
            break;
        }
        position = index;
    }
    if other_code {
        return position + 1;
    }
    let script = |entry: &Entry| matches!(&entry.body, Some(Body::Command(command)) if command.scope == ROOT);
    let asked = entries[..end].iter().skip(position + 1).rposition(script).map_or(0, |n| position + 2 + n);
    asked.max(at + 1).max(position + 1)
}

/// The run whose code asked what stands at the beginning of this rest of a journal, when that is not the journal's own run:
/// the one that the next fork on the way to it was made of.
pub fn asker(rest: &[Entry]) -> Option<&str> {
    rest.iter().find_map(|entry| match &entry.body {
        Some(Body::Forked(forked)) => Some(&*forked.run_id),
        _ => None,
    })
}

/// How far behind the world's clock a journal's clock is: not at all, unless it is a fork's.
pub fn shift_of(entries: &[Entry]) -> Micros {
    let forked = entries.iter().rev().find_map(|entry| match &entry.body {
        Some(Body::Forked(forked)) => Some(forked.shift),
        _ => None,
    });
    forked.unwrap_or(0)
}

impl Given {
    pub fn new(path: String, outcome: Outcome, reused: Seq) -> Self {
        let outcome = match outcome {
            Outcome::Value(payload) => given::Outcome::Value(payload),
            Outcome::Failure(payload) => given::Outcome::Failure(payload),
            Outcome::Fired => given::Outcome::Fired(crate::Fired {}),
            Outcome::TimedOut => given::Outcome::TimedOut(crate::TimedOut {}),
            Outcome::Received(received) => given::Outcome::Received(received),
            Outcome::Cancelled => given::Outcome::Cancelled(crate::Cancelled {}),
            Outcome::Continued(_) => unreachable!("only runs end so, and a run is no answer"),
        };
        Self { path, outcome: Some(outcome), reused }
    }

    /// `None` for an answer that this version does not know.
    pub fn answer(&self) -> Option<Outcome> {
        Some(match self.outcome.as_ref()? {
            given::Outcome::Value(payload) => Outcome::Value(payload.clone()),
            given::Outcome::Failure(payload) => Outcome::Failure(payload.clone()),
            given::Outcome::Fired(_) => Outcome::Fired,
            given::Outcome::TimedOut(_) => Outcome::TimedOut,
            given::Outcome::Received(received) => Outcome::Received(received.clone()),
            given::Outcome::Cancelled(_) => Outcome::Cancelled,
        })
    }
}
