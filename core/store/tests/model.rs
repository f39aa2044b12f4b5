//! The law that makes the memory store a reference: whatever is done to it and to SQLite, in transactions that commit or
//! roll back, every question is answered alike.

mod common;

use agnt5_journal::Status;
use agnt5_store::*;
use common::{event, hash, record, run, segment};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Op {
    InsertRun { id: u8, status: u8, parent: Option<(i64, u64)>, component: u8 },
    UpdateRun { num: i64, status: u8, parent: Option<(i64, u64)>, component: u8 },
    DeleteRun { num: i64 },
    Append { run: i64, first: u64, count: u32, size: usize },
    PutBlob { run: i64, fill: u8, size: usize },
    PutTimer { run: i64, seq: u64, due: i64 },
    DeleteTimer { run: i64, seq: u64 },
    PutWait { run: i64, seq: u64, name: u8 },
    DeleteWait { run: i64, seq: u64 },
    PutEvent { id: u8, name: u8, target: Option<i64>, expires: i64 },
    SetEvent { num: i64, state: EventState },
    Expire { now: i64 },
    PutObject { key: u8, state: Option<Vec<u8>> },
    PutShelf { kind: u8, dimension: u8 },
    PutRecord { shelf: i64, id: u8, label: u8, words: Vec<u8>, vector: Option<[i8; 2]>, at: i64 },
    UseRecord { shelf: i64, id: u8 },
    DeleteRecord { shelf: i64, id: u8 },
    TrimRecords { shelf: i64, capacity: u64 },
    ClearShelf { shelf: i64, limit: u32 },
    Commit,
    Rollback,
}

fn parent() -> impl Strategy<Value = Option<(i64, u64)>> {
    prop::option::of((1..6i64, 0..4u64))
}

fn state() -> impl Strategy<Value = EventState> {
    prop_oneof![
        Just(EventState::Kept),
        Just(EventState::Consumed),
        Just(EventState::Expired),
        (1..6i64, 0..4u64).prop_map(|(run, seq)| EventState::Assigned { run, seq }),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let num = 1..6i64;
    let seq = 0..4u64;
    prop_oneof![
        3 => (0..8u8, 0..7u8, parent(), 0..3u8)
            .prop_map(|(id, status, parent, component)| Op::InsertRun { id, status, parent, component }),
        2 => (num.clone(), 0..7u8, parent(), 0..3u8)
            .prop_map(|(num, status, parent, component)| Op::UpdateRun { num, status, parent, component }),
        1 => num.clone().prop_map(|num| Op::DeleteRun { num }),
        3 => (num.clone(), 0..9u64, 1..4u32, 0..9000usize)
            .prop_map(|(run, first, count, size)| Op::Append { run, first, count, size }),
        2 => (num.clone(), 0..4u8, 0..20_000usize).prop_map(|(run, fill, size)| Op::PutBlob { run, fill, size }),
        2 => (num.clone(), seq.clone(), 0..9i64).prop_map(|(run, seq, due)| Op::PutTimer { run, seq, due }),
        1 => (num.clone(), seq.clone()).prop_map(|(run, seq)| Op::DeleteTimer { run, seq }),
        2 => (num.clone(), seq.clone(), 0..2u8).prop_map(|(run, seq, name)| Op::PutWait { run, seq, name }),
        1 => (num.clone(), seq).prop_map(|(run, seq)| Op::DeleteWait { run, seq }),
        3 => (0..12u8, 0..2u8, prop::option::of(num.clone()), 0..9i64)
            .prop_map(|(id, name, target, expires)| Op::PutEvent { id, name, target, expires }),
        2 => (1..9i64, state()).prop_map(|(num, state)| Op::SetEvent { num, state }),
        1 => (0..9i64).prop_map(|now| Op::Expire { now }),
        2 => (0..3u8, prop::option::of(prop::collection::vec(any::<u8>(), 0..50)))
            .prop_map(|(key, state)| Op::PutObject { key, state }),
        2 => (0..3u8, 0..3u8).prop_map(|(kind, dimension)| Op::PutShelf { kind, dimension }),
        6 => (1..4i64, 0..6u8, 0..2u8, prop::collection::vec(0..5u8, 0..5), prop::option::of(any::<[i8; 2]>()), 0..9i64)
            .prop_map(|(shelf, id, label, words, vector, at)| Op::PutRecord { shelf, id, label, words, vector, at }),
        2 => (1..4i64, 0..6u8).prop_map(|(shelf, id)| Op::UseRecord { shelf, id }),
        1 => (1..4i64, 0..6u8).prop_map(|(shelf, id)| Op::DeleteRecord { shelf, id }),
        1 => (1..4i64, 0..4u64).prop_map(|(shelf, capacity)| Op::TrimRecords { shelf, capacity }),
        1 => (1..4i64, 0..4u32).prop_map(|(shelf, limit)| Op::ClearShelf { shelf, limit }),
        3 => Just(Op::Commit),
        1 => Just(Op::Rollback),
    ]
}

fn row(num: i64, id: u8, status: u8, parent: Option<(i64, u64)>, component: u8) -> RunRow {
    let status = Status::from_u8(status).unwrap();
    RunRow {
        num,
        status,
        parent,
        component: format!("c{component}"),
        created: i64::from(id),
        ..run(&format!("r{id}"))
    }
}

fn apply<S: Store>(store: &mut S, op: &Op) -> Result<String> {
    let done = |()| String::new();
    match op.clone() {
        Op::InsertRun { id, status, parent, component } => {
            store.insert_run(&row(0, id, status, parent, component)).map(|num| num.to_string())
        }
        Op::UpdateRun { num, status, parent, component } => {
            store.update_run(&row(num, 200, status, parent, component)).map(done)
        }
        Op::DeleteRun { num } => store.delete_run(num).map(done),
        Op::Append { run, first, count, size } => {
            store.append(run, &segment(first * 3, count, vec![first as u8; size])).map(done)
        }
        Op::PutBlob { run, fill, size } => {
            let bytes = vec![fill; size];
            store.put_blob(run, &hash(&bytes), &bytes).map(done)
        }
        Op::PutTimer { run, seq, due } => store.put_timer(&TimerRow { due, run, seq }).map(done),
        Op::DeleteTimer { run, seq } => store.delete_timer(run, seq).map(done),
        Op::PutWait { run, seq, name } => {
            store.put_wait(&WaitRow { run, seq, name: format!("n{name}") }).map(done)
        }
        Op::DeleteWait { run, seq } => store.delete_wait(run, seq).map(done),
        Op::PutEvent { id, name, target, expires } => {
            let row = EventRow { target, expires, ..event(&format!("e{id}"), &format!("n{name}")) };
            store.put_event(&row).map(|fresh| fresh.to_string())
        }
        Op::SetEvent { num, state } => store.set_event_state(num, state).map(done),
        Op::Expire { now } => store.expire_events(now).map(|count| count.to_string()),
        Op::PutObject { key, state } => store.put_object(&format!("o{key}"), state.as_deref()).map(done),
        Op::PutShelf { kind, dimension } => {
            store.put_shelf("ada", &format!("k{kind}"), "maker", dimension.into()).map(|num| num.to_string())
        }
        Op::PutRecord { shelf, id, label, words, vector, at } => {
            let words: Vec<String> = words.iter().map(|word| format!("w{word}")).collect();
            let vector = vector.and_then(|numbers| unit(&numbers.map(f32::from)));
            let (label, words) = (format!("l{label}"), words.join(" "));
            store
                .put_record(shelf, &NewRecord { label, words, vector, at, ..record(&format!("m{id}")) })
                .map(done)
        }
        Op::UseRecord { shelf, id } => {
            store.use_record(shelf, &format!("m{id}")).map(|moved| moved.to_string())
        }
        Op::DeleteRecord { shelf, id } => {
            store.delete_record(shelf, &format!("m{id}")).map(|deleted| deleted.to_string())
        }
        Op::TrimRecords { shelf, capacity } => {
            store.trim_records(shelf, capacity).map(|count| count.to_string())
        }
        Op::ClearShelf { shelf, limit } => store.clear_shelf(shelf, limit).map(|count| count.to_string()),
        Op::Commit => {
            store.commit()?;
            store.begin().map(done)
        }
        Op::Rollback => {
            store.rollback();
            store.begin().map(done)
        }
    }
}

fn filters() -> Vec<RunFilter> {
    let all = RunFilter::default();
    vec![
        all.clone(),
        RunFilter { status: Some(Status::Waiting), ..all.clone() },
        RunFilter { status: Some(Status::Failed), limit: 2, ..all.clone() },
        RunFilter { component: Some("c1".into()), since: Some(3), ..all.clone() },
        RunFilter { id_prefix: Some("r1".into()), before: Some(4), ..all.clone() },
        RunFilter { parent: Some(2), ..all.clone() },
        RunFilter { roots: true, ..all },
    ]
}

/// Everything a visitor can ask.
fn readings(store: &impl Read, blobs: &[BlobHash]) -> Vec<String> {
    let mut out = Vec::new();
    for num in 0..12 {
        out.push(format!("{:?}", store.run(num)));
        out.push(format!("{:?}", store.run_by_id(&format!("r{num}"))));
        for from in [0, 1, 2, 7, 30] {
            out.push(format!("{:?}", store.journal(num, from, 5000)));
        }
        out.push(format!("{:?}", store.object(&format!("o{num}"))));
    }
    out.extend(filters().iter().map(|filter| format!("{:?}", store.list_runs(filter))));
    out.extend([None, Some("n0"), Some("n1")].map(|name| format!("{:?}", store.events(name, 5))));
    out.push(format!("{:?}", store.shelves()));
    for shelf in 1..4 {
        out.extend((0..6).map(|id| format!("{:?}", store.record(shelf, &format!("m{id}")))));
        for order in [RecordOrder::Newest, RecordOrder::Used] {
            let all = RecordFilter { shelf, order, limit: 4, vectors: true, ..RecordFilter::default() };
            out.push(format!("{:?}", store.records(&all)));
            let some = RecordFilter { label: Some("l1".into()), since: Some(3), before: Some(9), ..all };
            out.push(format!("{:?}", store.records(&some)));
        }
        for (words, label) in [("w0", None), ("w1 w2", None), ("w4 w0 w3", Some("l0".to_owned()))] {
            let since = label.as_ref().map(|_| 2);
            let vector = unit(&[3.0, 1.0]);
            let query = RecordQuery { shelf, label, since, words: query_words(words), vector, limit: 3 };
            out.push(format!("{:?}", store.ranked_by_words(&query, 9)));
            out.push(format!("{:?}", store.ranked_by_vector(&query, 9)));
            out.push(format!("{:?}", store.search(&query)));
        }
    }
    out.extend(blobs.iter().map(|hash| format!("{:?}", store.blob(hash))));
    out
}

/// And what only the engine asks.
fn decisions(store: &impl Store) -> Vec<String> {
    let mut out = vec![format!("{:?}", store.unfinished(0, 3)), format!("{:?}", store.unfinished(2, 9))];
    for at in 0..9 {
        out.push(format!("{:?} {:?}", store.due_timers(at, 4), store.next_due(at)));
        out.push(format!("{:?}", store.child_count(at)));
        for name in ["n0", "n1"] {
            out.push(format!("{:?} {:?}", store.oldest_wait(name, None), store.oldest_wait(name, Some(at))));
            out.push(format!("{:?}", store.oldest_event(name, at)));
        }
        for seq in 0..4 {
            out.push(format!("{:?}", store.assigned_event(at, seq)));
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn memory_and_sqlite_answer_alike(ops in prop::collection::vec(op(), 1..120)) {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("store");
        let mut memory = MemoryStore::new();
        let mut sqlite = SqliteStore::open(&place, Durability::Process).unwrap();
        memory.begin().unwrap();
        sqlite.begin().unwrap();
        let mut blobs = Vec::new();
        for op in &ops {
            let (ours, theirs) = (apply(&mut memory, op), apply(&mut sqlite, op));
            prop_assert_eq!(ours, theirs, "{:?}", op);
            if let Op::PutBlob { fill, size, .. } = op {
                blobs.push(hash(&vec![*fill; *size]));
            }
            if matches!(op, Op::Commit | Op::Rollback) {
                prop_assert_eq!(decisions(&memory), decisions(&sqlite));
            }
        }
        prop_assert_eq!(decisions(&memory), decisions(&sqlite));
        prop_assert_eq!(readings(&memory, &blobs), readings(&sqlite, &blobs));
        memory.commit().unwrap();
        sqlite.commit().unwrap();

        let visitor = SqliteReader::open(&place).unwrap();
        prop_assert_eq!(readings(&memory, &blobs), readings(&visitor, &blobs));
        drop(sqlite);
        let again = SqliteStore::open(&place, Durability::Process).unwrap();
        prop_assert_eq!(readings(&memory, &blobs), readings(&again, &blobs));
        prop_assert_eq!(decisions(&memory), decisions(&again));
    }
}
