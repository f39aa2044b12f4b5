//! Memory: put once under an id, replaced only as expected, never two makers of vectors on one shelf.

use agnt5_engine::{LARGEST_VALUE, MemoryChange, Remember, Reply, Request};
use agnt5_store::{Fault, FaultyStore, MemoryStore, Moment, Read, RecordQuery, Store, StoreError};

use crate::desk::{Desk, SECOND};

fn put(id: &str) -> Remember {
    Remember {
        namespace: "ada".into(),
        kind: "semantic".into(),
        id: id.into(),
        value: "1".into(),
        text: "Some Words".into(),
        ..Remember::default()
    }
}

fn ask<S: Store>(desk: &mut Desk<S>, change: MemoryChange) -> Result<Reply, agnt5_engine::Refusal> {
    desk.call(Request::Memory(Box::new(change)))
}

fn count<S: Store>(desk: &Desk<S>) -> u64 {
    desk.engine.store().shelf("ada", "semantic").unwrap().map_or(0, |shelf| shelf.count)
}

#[test]
fn what_is_put_twice_with_the_same_expectation_is_put_once() {
    let mut desk = Desk::new();
    let once = Remember { expect: Some(0), ..put("a") };
    assert_eq!(ask(&mut desk, MemoryChange::Put(once.clone())), Ok(Reply::Changed(true)));
    desk.now += SECOND;
    assert_eq!(ask(&mut desk, MemoryChange::Put(once)), Ok(Reply::Changed(false)), "a step that runs again");
    let shelf = desk.engine.store().shelf("ada", "semantic").unwrap().unwrap();
    let record = desk.engine.store().record(shelf.num, "a").unwrap().unwrap();
    assert_eq!((record.written, record.words.as_str()), (desk.now - SECOND, "some words"));

    let next = Remember { expect: Some(record.revision), ..put("a") };
    assert_eq!(ask(&mut desk, MemoryChange::Put(next.clone())), Ok(Reply::Changed(true)));
    assert_eq!(
        ask(&mut desk, MemoryChange::Put(next)),
        Ok(Reply::Changed(false)),
        "somebody else was quicker"
    );
}

#[test]
fn a_full_shelf_loses_what_was_used_longest_ago_in_the_same_transaction() {
    let mut desk = Desk::new();
    for id in ["a", "b"] {
        ask(&mut desk, MemoryChange::Put(Remember { capacity: 2, ..put(id) })).unwrap();
    }
    let using = MemoryChange::Use { namespace: "ada".into(), kind: "semantic".into(), id: "a".into() };
    assert_eq!(ask(&mut desk, using.clone()), Ok(Reply::Changed(true)));
    assert_eq!(ask(&mut desk, using), Ok(Reply::Changed(false)));
    ask(&mut desk, MemoryChange::Put(Remember { capacity: 2, ..put("c") })).unwrap();
    let shelf = desk.engine.store().shelf("ada", "semantic").unwrap().unwrap();
    assert_eq!((shelf.count, shelf.trimmed), (2, 1));
    assert_eq!(desk.engine.store().record(shelf.num, "b").unwrap(), None);
}

#[test]
fn a_much_lower_bound_and_a_clear_take_several_short_transactions() {
    let mut desk = Desk::new();
    for number in 0..600 {
        ask(&mut desk, MemoryChange::Put(put(&number.to_string()))).unwrap();
    }
    let mut counts = Vec::new();
    for _ in 0..3 {
        ask(&mut desk, MemoryChange::Put(Remember { capacity: 300, ..put("last") })).unwrap();
        counts.push(count(&desk));
    }
    assert_eq!(counts, [350, 300, 300]);
    let clear = MemoryChange::Clear { namespace: "ada".into(), kind: "semantic".into() };
    let gone: Vec<_> = (0..3).map(|_| ask(&mut desk, clear.clone()).unwrap()).collect();
    assert_eq!(gone, [250, 50, 0].map(Reply::Count));
}

#[test]
fn vectors_of_two_makers_never_share_a_shelf() {
    let mut desk = Desk::new();
    let made = |id: &str, by: &str, vector: &[f32]| {
        MemoryChange::Put(Remember { embedder: by.into(), vector: vector.to_vec(), ..put(id) })
    };
    ask(&mut desk, MemoryChange::Put(put("words only"))).unwrap();
    ask(&mut desk, made("a", "one", &[3.0, 4.0])).unwrap();
    for other in [made("b", "two", &[1.0, 0.0]), made("b", "one", &[1.0, 0.0, 0.0])] {
        let refused = ask(&mut desk, other).unwrap_err();
        assert_eq!(refused.class, "ConfigurationError");
        assert!(refused.message.contains("\"one\" with 2 numbers"), "{}", refused.message);
    }
    assert_eq!(count(&desk), 2);
    let shelf = desk.engine.store().shelf("ada", "semantic").unwrap().unwrap().num;
    let query = RecordQuery { shelf, vector: Some(vec![0.6, 0.8]), limit: 5, ..RecordQuery::default() };
    let hits = desk.engine.store().search(&query).unwrap();
    assert!((hits[0].cosine.unwrap() - 1.0).abs() < 1e-6, "stored with length 1");

    let clear = MemoryChange::Clear { namespace: "ada".into(), kind: "semantic".into() };
    assert_eq!(ask(&mut desk, clear), Ok(Reply::Count(2)));
    assert_eq!(ask(&mut desk, made("b", "two", &[1.0, 0.0, 0.0])), Ok(Reply::Changed(true)));
}

#[test]
fn what_no_shelf_can_hold_is_refused_and_nothing_is_changed() {
    let mut desk = Desk::new();
    let large = Remember { value: vec![b'1'; LARGEST_VALUE + 1].into(), ..put("a") };
    assert_eq!(ask(&mut desk, MemoryChange::Put(large)).unwrap_err().class, "SerializationError");
    let nameless = Remember { vector: vec![1.0], ..put("a") };
    assert_eq!(ask(&mut desk, MemoryChange::Put(nameless)).unwrap_err().class, "ConfigurationError");
    assert_eq!(desk.engine.store().shelves().unwrap(), []);
    let nobody = MemoryChange::Delete { namespace: "eve".into(), kind: "semantic".into(), id: "a".into() };
    assert_eq!(ask(&mut desk, nobody), Ok(Reply::Changed(false)));
}

#[test]
fn runs_that_are_deleted_or_pruned_take_no_memory_with_them() {
    let mut desk = Desk::new();
    let mut run = desk.start("r_1");
    ask(&mut desk, MemoryChange::Put(put("a"))).unwrap();
    desk.end(&mut run, agnt5_journal::Outcome::Value(agnt5_journal::Payload::inline("1".into())), None);
    desk.call(Request::Delete { run_id: "r_1".into() }).unwrap();
    desk.call(Request::Prune { before: desk.now + SECOND }).unwrap();
    assert_eq!(count(&desk), 1);
}

#[test]
fn a_put_that_was_refused_by_the_disk_leaves_nothing_half_at_any_operation() {
    // begin, put, trim, commit
    for skip in 0..4 {
        let mut desk: Desk<FaultyStore<MemoryStore>> =
            Desk::over(FaultyStore::new(MemoryStore::new()), agnt5_engine::Limits::default(), false);
        let made = |id: &str| Remember { embedder: "one".into(), vector: vec![1.0], capacity: 1, ..put(id) };
        ask(&mut desk, MemoryChange::Put(made("a"))).unwrap();
        let store = desk.engine.store_mut();
        let at = store.operations() + skip;
        store.plan(Fault { at, moment: Moment::Before, error: StoreError::Full("no room".into()) });
        assert_eq!(ask(&mut desk, MemoryChange::Put(made("b"))).unwrap_err().class, "StoreFull", "{skip}");
        let shelf = desk.engine.store().shelf("ada", "semantic").unwrap().unwrap();
        assert_eq!((shelf.count, shelf.trimmed, shelf.clock), (1, 0, 1));
        assert!(desk.engine.store().record(shelf.num, "a").unwrap().is_some());
        desk.now += SECOND;
        ask(&mut desk, MemoryChange::Put(made("b"))).expect("there is room now");
        assert!(desk.engine.store().record(shelf.num, "a").unwrap().is_none());
    }
}
