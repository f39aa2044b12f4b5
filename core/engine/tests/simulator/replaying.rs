//! Law 7: a journal replays against the same code, which asks the same and adds nothing.

use std::collections::HashMap;

use agnt5_engine::Session;
use agnt5_journal::entry::Body as EntryBody;
use agnt5_journal::{ComponentKind, Entry, Seq, Status, Tape};
use bytes::Bytes;

use crate::body::Body;
use crate::random::Random;

/// Runs the code against its whole journal: it has to ask the same and may not add anything.
pub fn replay(run: &str, component: &str, entries: Vec<Entry>, random: &mut Random) {
    let ended_by_engine =
        !matches!(entries.last().and_then(|entry| entry.body.as_ref()), Some(EntryBody::Ended(_)));
    assert!(!ended_by_engine, "{run} is terminal");
    let body_entries = entries.len();
    let lease = agnt5_engine::Lease {
        num: 1,
        key: 1,
        epoch: 1,
        row: sample_row(run, component),
        entries: entries.clone(),
        inbox: Default::default(),
        resumed: String::new(),
        by_person: false,
        decisions: HashMap::new(),
        reuse: None,
    };
    let mut session = Session::new(lease).expect("a journal that can be followed");
    let mut body = Body::new(component, ComponentKind::Flow, random);
    loop {
        body.advance(&mut session, 0).unwrap_or_else(|error| panic!("{run} diverged: {error}"));
        if body.end().is_some() || !session.tape().replaying() {
            break;
        }
        let taken = session.take(0).unwrap_or_else(|error| panic!("{run} diverged: {error}"));
        let Some(taken) = taken else { break };
        body.tell(&taken, &mut session, 0).unwrap_or_else(|error| panic!("{run} diverged: {error}"));
    }
    assert_eq!(session.tape().length(), body_entries as Seq, "the replay of {run} wrote something");
    assert!(Tape::new(entries).is_ok());
}

fn sample_row(run: &str, component: &str) -> agnt5_store::RunRow {
    agnt5_store::RunRow {
        num: 1,
        id: run.to_owned(),
        component: component.to_owned(),
        kind: ComponentKind::Flow,
        status: Status::Running,
        epoch: 1,
        parent: None,
        depth: 0,
        object: String::new(),
        input_digest: Bytes::new(),
        created: 0,
        started: None,
        ended: None,
        cancel_requested: false,
        interrupted: false,
        crashes: 0,
        reason: String::new(),
        tags: String::new(),
        origin: None,
        overlay: String::new(),
    }
}
