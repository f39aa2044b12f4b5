//! Readable names of commands in a journal that is only read: path of the parents, name, occurrence.

use std::collections::HashMap;

use crate::entry::Body;
use crate::{Command, CommandKind, ComponentKind, Entry, ROOT, Seq};

/// Learns the paths of functions while entries pass by in order, so that what is below them can be named.
#[derive(Debug, Default)]
pub struct Paths {
    script: bool,
    functions: HashMap<Seq, String>,
}

impl Paths {
    /// For entries of a flow whose start is not read again.
    pub fn of_flow() -> Self {
        Self { script: true, ..Self::default() }
    }

    /// The path of the entry's command; empty for entries that are no command.
    pub fn note(&mut self, entry: &Entry) -> String {
        match &entry.body {
            Some(Body::Started(started)) => {
                self.script = started.kind() == ComponentKind::Flow;
                String::new()
            }
            Some(Body::Command(command)) => {
                let path = self.path_of(command);
                if command.kind() == CommandKind::Call {
                    self.functions.insert(entry.seq, path.clone());
                }
                path
            }
            _ => String::new(),
        }
    }

    fn path_of(&self, command: &Command) -> String {
        if command.scope == ROOT && self.script {
            return segment_of(&command.name, command.occurrence);
        }
        let scope = self.functions.get(&command.scope).map_or("", String::as_str);
        let again = command.generation > 1;
        memo_path(scope, &command.name, command.occurrence, command.generation, again)
    }
}

/// One part of a path: the name, and from the second use on which use it is.
pub(crate) fn segment_of(name: &str, occurrence: u32) -> String {
    match occurrence {
        0 => name.to_owned(),
        n => format!("{name}#{}", n + 1),
    }
}

pub(crate) fn memo_path(scope: &str, name: &str, occurrence: u32, generation: u32, marked: bool) -> String {
    let mut path = match scope {
        "" => segment_of(name, occurrence),
        scope => format!("{scope}/{}", segment_of(name, occurrence)),
    };
    if marked && generation > 1 {
        path.push_str(&format!("@{generation}"));
    }
    path
}
