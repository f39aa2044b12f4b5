//! The store that fails on purpose, at every operation of a script, before and after it took effect.

mod common;

use agnt5_store::*;
use common::{record, run, segment};

const COMMITS: u64 = 4;

/// Writes entry `k` in commit `k`, from commit `from` on; how many were acknowledged before the first error.
fn script(store: &mut impl Store, from: u64) -> (u64, Option<StoreError>) {
    let mut commit = |at: u64| -> Result<()> {
        store.begin()?;
        let num = match store.run_by_id("r")? {
            Some(row) => row.num,
            None => store.insert_run(&run("r"))?,
        };
        store.append(num, &segment(at, 1, vec![at as u8]))?;
        store.put_timer(&TimerRow { due: at as i64, run: num, seq: 1 })?;
        let shelf = store.put_shelf("ada", "working", "", 0)?;
        store.put_record(shelf, &record(&at.to_string()))?;
        store.use_record(shelf, "0")?;
        store.trim_records(shelf, 2)?;
        store.commit()
    };
    for at in from..COMMITS {
        if let Err(error) = commit(at) {
            store.rollback();
            return (at - from, Some(error));
        }
    }
    (COMMITS - from, None)
}

/// How many commits the tables show; they must be whole ones.
fn present(store: &impl Store) -> u64 {
    let Some(row) = store.run_by_id("r").unwrap() else {
        assert_eq!(store.next_due(-1).unwrap(), None);
        return 0;
    };
    let journal = store.journal(row.num, 0, usize::MAX).unwrap();
    let count = journal.len() as u64;
    assert!(journal.iter().enumerate().all(|(at, part)| part.first_seq == at as u64));
    assert_eq!(store.next_due(-1).unwrap(), Some(count as i64 - 1), "timer and entry commit together");
    let shelf = store.shelf("ada", "working").unwrap().unwrap();
    assert_eq!((shelf.count, shelf.count + shelf.trimmed), (count.min(2), count), "and the record with them");
    count
}

fn operations() -> u64 {
    let mut store = FaultyStore::new(MemoryStore::new());
    assert_eq!(script(&mut store, 0), (COMMITS, None));
    assert_eq!(store.commits(), COMMITS);
    store.operations()
}

#[test]
fn a_fault_that_poisons_loses_nothing_acknowledged_and_shows_nothing_half() {
    let mut unknown = 0;
    for at in 0..operations() {
        for moment in [Moment::Before, Moment::After] {
            let mut store = FaultyStore::new(MemoryStore::new());
            let error = StoreError::Io("the disk is gone".into());
            store.plan(Fault { at, moment, error: error.clone() });
            let (acknowledged, failed) = script(&mut store, 0);
            assert_eq!(failed, Some(error.clone()));
            assert_eq!(store.begin(), Err(error), "poisoned");
            let reopened = store.into_inner();
            let found = present(&reopened);
            assert!(
                found == acknowledged || found == acknowledged + 1,
                "{at} {moment:?}: {found} of {acknowledged}"
            );
            unknown += found - acknowledged;
        }
    }
    assert_eq!(unknown, COMMITS, "a commit that took effect and was not acknowledged, once for each");
}

#[test]
fn a_full_disk_undoes_its_transaction_and_then_works_again() {
    for at in 0..operations() {
        for moment in [Moment::Before, Moment::After] {
            let mut store = FaultyStore::new(MemoryStore::new());
            let error = StoreError::Full("no room".into());
            store.plan(Fault { at, moment, error: error.clone() });
            let (acknowledged, failed) = script(&mut store, 0);
            assert_eq!(failed, Some(error));
            assert_eq!(present(store.inner()), acknowledged);
            let (more, failed) = script(&mut store, acknowledged);
            assert_eq!((acknowledged + more, failed), (COMMITS, None));
            assert_eq!(present(store.inner()), COMMITS);
        }
    }
}

#[test]
fn a_doomed_transaction_cannot_commit() {
    let mut store = FaultyStore::new(MemoryStore::new());
    store.plan(Fault { at: 1, moment: Moment::After, error: StoreError::Full("no room".into()) });
    store.begin().unwrap();
    assert!(store.insert_run(&run("r")).is_err());
    assert!(store.put_object("o", Some(b"x")).is_err());
    assert!(store.commit().is_err());
    assert_eq!(store.run_by_id("r").unwrap(), None);
    common::add_run(&mut store, "r");
}
