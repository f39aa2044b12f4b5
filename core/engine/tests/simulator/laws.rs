//! What the simulator remembers, and the invariants it holds the engine to.

use std::collections::{HashMap, HashSet};

use agnt5_journal::entry::Body;
use agnt5_journal::{Command, CommandKind, Entry, Outcome, Seq, segment};
use agnt5_store::{Read, RunFilter, RunRow};

#[derive(Default)]
pub struct Laws {
    /// Entries whose durability was acknowledged.
    acknowledged: HashMap<(String, Seq), Entry>,
    /// Steps with an acknowledged success.
    succeeded: HashSet<(String, String)>,
    keys: HashMap<(String, String), [u8; 16]>,
    key_owners: HashMap<[u8; 16], (String, String)>,
}

impl Laws {
    /// 1 and 2 need this: the entry is promised now.
    pub fn acknowledge(&mut self, run: &str, entry: Entry) {
        let before = self.acknowledged.insert((run.to_owned(), entry.seq), entry.clone());
        assert!(before.is_none_or(|before| before == entry), "an acknowledged entry was replaced");
    }

    pub fn step_recorded(&mut self, run: &str, path: &str) {
        self.succeeded.insert((run.to_owned(), path.to_owned()));
    }

    /// 4: nothing recorded starts again. 5: a step keeps its key, and no other has it.
    pub fn step_starts(&mut self, run: &str, path: &str, key: [u8; 16]) {
        let step = (run.to_owned(), path.to_owned());
        assert!(!self.succeeded.contains(&step), "{step:?} starts after its recorded success");
        let known = *self.keys.entry(step.clone()).or_insert(key);
        assert_eq!(known, key, "{step:?} changed its idempotency key");
        let owner = self.key_owners.entry(key).or_insert_with(|| step.clone());
        assert_eq!(*owner, step, "two steps share an idempotency key");
    }

    /// 1, 2, 3, 8, 9 on what is stored.
    pub fn check_store(&self, store: &impl Read) {
        let mut consumed = HashSet::new();
        let mut added: HashMap<String, u64> = HashMap::new();
        let mut journals = HashMap::new();
        for row in rows(store) {
            let entries = entries(store, &row);
            check_journal(&row, &entries, &mut consumed);
            if !row.object.is_empty() && row.status == agnt5_journal::Status::Completed {
                *added.entry(row.object.clone()).or_default() += 1;
            }
            journals.insert(row.id, entries);
        }
        for ((run, seq), entry) in &self.acknowledged {
            let journal =
                journals.get(run).unwrap_or_else(|| panic!("run {run} was acknowledged and is gone"));
            let stored = journal.get(*seq as usize);
            assert_eq!(stored, Some(entry), "entry {seq} of {run} was acknowledged");
        }
        for object in ["Counter\na", "Counter\nb"] {
            let state = store.object(object).expect("the store reads");
            let count = state.map_or(0, |bytes| String::from_utf8_lossy(&bytes).parse().expect("a number"));
            assert_eq!(
                count,
                added.get(object).copied().unwrap_or(0),
                "{object:?} is not the fold of its calls"
            );
        }
    }
}

pub fn rows(store: &impl Read) -> Vec<RunRow> {
    let filter = RunFilter { limit: 100_000, ..RunFilter::default() };
    store.list_runs(&filter).expect("the store reads")
}

pub fn entries(store: &impl Read, row: &RunRow) -> Vec<Entry> {
    let mut entries = Vec::new();
    for part in store.journal(row.num, 0, usize::MAX).expect("the store reads") {
        assert_eq!(part.first_seq, entries.len() as Seq, "a hole in the journal of {}", row.id);
        segment::decode(&part.bytes, &mut entries).expect("a whole segment");
    }
    entries
}

/// The run with this id, or the one that goes on in its place.
pub fn last_of(store: &impl Read, run_id: &str) -> Option<RunRow> {
    let mut row = store.run_by_id(run_id).expect("the store reads")?;
    while let Some(Body::Ended(ended)) = entries(store, &row).last().and_then(|entry| entry.body.clone())
        && let Some(Outcome::Continued(continued)) = Outcome::of_end(&ended.outcome)
    {
        let next = store.run_by_id(&continued.run_id).expect("the store reads");
        row = next.unwrap_or_else(|| panic!("{} handed over to nobody", row.id));
    }
    Some(row)
}

/// Commands of a run's own scope that are neither answered nor given up.
pub fn open_commands(entries: &[Entry]) -> Vec<(Seq, &Command)> {
    let mut open = Vec::new();
    for entry in entries {
        match &entry.body {
            Some(Body::Command(command)) if command.kind() == CommandKind::Cancel => {
                open.retain(|(seq, _)| command.target.parse() != Ok(*seq));
            }
            Some(Body::Command(command)) if command.scope == 0 => open.push((entry.seq, command)),
            Some(Body::Completion(completion)) => open.retain(|(seq, _)| *seq != completion.command),
            _ => {}
        }
    }
    open
}

fn check_journal(row: &RunRow, entries: &[Entry], consumed: &mut HashSet<String>) {
    let mut answered = HashSet::new();
    let mut last_at = 0;
    for (index, entry) in entries.iter().enumerate() {
        assert_eq!(entry.seq, index as Seq);
        assert!(entry.at >= last_at, "the journal of {} runs backwards", row.id);
        last_at = entry.at;
        match &entry.body {
            Some(Body::Completion(completion)) => {
                assert!(answered.insert(completion.command), "a command of {} has two answers", row.id);
                if let Some(Outcome::Received(received)) = Outcome::of_completion(&completion.outcome) {
                    assert!(
                        consumed.insert(received.event_id.clone()),
                        "event {} was consumed twice",
                        received.event_id
                    );
                }
            }
            Some(Body::Ended(_)) => {
                assert_eq!(index + 1, entries.len(), "run {} goes on after its end", row.id);
            }
            _ => {}
        }
    }
    let ended = matches!(entries.last().and_then(|entry| entry.body.as_ref()), Some(Body::Ended(_)));
    assert_eq!(ended, row.status.is_terminal(), "run {} is {:?}", row.id, row.status);
}
