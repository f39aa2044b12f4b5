//! Readable names of commands in a journal that is only read: path of the parents, name, occurrence.

use std::collections::HashMap;

use crate::entry::Body;
use crate::tape::{memo_path, segment_of};
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
        Self {
            script: true,
            ..Self::default()
        }
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
        let scope = self
            .functions
            .get(&command.scope)
            .map_or("", String::as_str);
        let again = command.generation > 1;
        memo_path(
            scope,
            &command.name,
            command.occurrence,
            command.generation,
            again,
        )
    }
}
