//! What a rerun may take from an older run's journal: results of steps and functions whose place, arguments and code are
//! the same. First in, first out for each of them, so that equal calls get their results in the old order.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::entry::Body;
use crate::identity;
use crate::{Command, CommandKind, Entry, Outcome, Paths, ROOT, Seq};

/// Names a step or function by its place, its arguments and its code.
pub(crate) type Key = [u8; 16];

#[derive(Clone, Debug, Default)]
pub struct Reuse {
    run_id: String,
    always: HashSet<String>,
    results: HashMap<Key, VecDeque<(Seq, Outcome)>>,
    /// When the older run was given the answer to a command: the seq of that entry.
    answered: HashMap<Seq, Seq>,
    /// Older runs that a child of the same component may take answers from, by scope and component.
    children: HashMap<(String, String), VecDeque<String>>,
}

impl Reuse {
    /// `always`: names that are executed in any case.
    pub fn new(run_id: String, always: impl IntoIterator<Item = String>, entries: &[Entry]) -> Self {
        let mut reuse = Self { run_id, always: always.into_iter().collect(), ..Self::default() };
        let mut paths = Paths::default();
        let mut scopes: HashMap<Seq, String> = HashMap::new();
        let mut asked: HashMap<Seq, Key> = HashMap::new();
        let mut parents: HashMap<Seq, Seq> = HashMap::new();
        // Functions whose result is more than their arguments and code: they read or changed what others do too.
        let mut reaching: HashSet<Seq> = HashSet::new();
        for entry in entries {
            let path = paths.note(entry);
            match &entry.body {
                Some(Body::Command(command)) => {
                    let scope = match command.scope {
                        ROOT => "",
                        seq => scopes.get(&seq).map_or("", String::as_str),
                    };
                    if let Some(key) = key_of(scope, command) {
                        asked.insert(entry.seq, key);
                    } else if matches!(command.kind(), CommandKind::Child | CommandKind::Start) {
                        let place = (scope.to_owned(), command.target.clone());
                        reuse.children.entry(place).or_default().push_back(command.child_id.clone());
                    }
                    if command.kind() == CommandKind::Call {
                        scopes.insert(entry.seq, path);
                        parents.insert(entry.seq, command.scope);
                    }
                    if reaches_out(command) {
                        let mut above = command.scope;
                        while above != ROOT && reaching.insert(above) {
                            above = parents.get(&above).copied().unwrap_or(ROOT);
                        }
                    }
                }
                Some(Body::Completion(completion)) => {
                    if let Some(key) = asked.remove(&completion.command)
                        && let Some(outcome @ Outcome::Value(_)) = Outcome::of_completion(&completion.outcome)
                    {
                        reuse.results.entry(key).or_default().push_back((completion.command, outcome));
                        reuse.answered.insert(completion.command, entry.seq);
                    }
                }
                _ => {}
            }
        }
        for results in reuse.results.values_mut() {
            results.retain(|(seq, _)| !reaching.contains(seq));
        }
        reuse
    }

    pub fn run_id(&self) -> &str {
        &self.run_id
    }

    /// Takes note of what a rerun's own journal holds already.
    pub(crate) fn forget_taken(&mut self, entries: &[Entry]) {
        let mut seqs = HashSet::new();
        let mut ids = HashSet::new();
        for entry in entries {
            match &entry.body {
                Some(Body::Completion(completion)) if completion.reused > 0 => {
                    seqs.insert(completion.reused);
                }
                Some(Body::Command(command)) => {
                    ids.extend(command.rerun_of.as_ref().map(|rerun| rerun.run_id.as_str()));
                }
                _ => {}
            }
        }
        for results in self.results.values_mut() {
            results.retain(|(seq, _)| !seqs.contains(seq));
        }
        for children in self.children.values_mut() {
            children.retain(|id| !ids.contains(id.as_str()));
        }
    }

    pub(crate) fn key(&self, scope: &str, command: &Command) -> Option<Key> {
        key_of(scope, command).filter(|_| !self.always.contains(&command.name))
    }

    pub(crate) fn take(&mut self, key: &Key) -> Option<(Seq, Outcome)> {
        self.results.get_mut(key)?.pop_front()
    }

    pub(crate) fn answered_at(&self, seq: Seq) -> Seq {
        self.answered.get(&seq).copied().unwrap_or(Seq::MAX)
    }

    pub(crate) fn take_child(&mut self, scope: &str, component: &str) -> Option<crate::Rerun> {
        let place = (scope.to_owned(), component.to_owned());
        let run_id = self.children.get_mut(&place)?.pop_front()?;
        let mut always: Vec<String> = self.always.iter().cloned().collect();
        always.sort_unstable();
        Some(crate::Rerun { run_id, always })
    }
}

/// How a function asks which names state has: a step of this name.
const STATE_KEYS: &str = "state.keys";

/// What a function may do whose effect, or answer, a result taken over would leave out.
fn reaches_out(command: &Command) -> bool {
    matches!(
        command.kind(),
        CommandKind::StateSet
            | CommandKind::StateDelete
            | CommandKind::StateGet
            | CommandKind::SendEvent
            | CommandKind::Object
    ) || (command.kind() == CommandKind::Step && command.name == STATE_KEYS)
}

/// `None` for what is never reused singly, and where the code is unknown.
fn key_of(scope: &str, command: &Command) -> Option<Key> {
    let local = matches!(command.kind(), CommandKind::Step | CommandKind::Call);
    (local && !command.code.is_empty())
        .then(|| identity::reuse_key(scope, command.kind(), &command.name, &command.digest, &command.code))
}
