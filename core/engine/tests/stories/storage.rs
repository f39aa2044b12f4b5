//! When the disk says no.

use agnt5_engine::Limits;
use agnt5_journal::{Ask, CommandKind, ComponentKind};
use agnt5_store::{Fault, FaultyStore, MemoryStore, Moment, StoreError};

use crate::desk::{Desk, SECOND};

fn desk() -> Desk<FaultyStore<MemoryStore>> {
    Desk::over(FaultyStore::new(MemoryStore::new()), Limits::default(), false)
}

/// The operation after the next `skip` ones fails.
fn fail(desk: &mut Desk<FaultyStore<MemoryStore>>, skip: u64, error: StoreError) {
    let store = desk.engine.store_mut();
    let at = store.operations() + skip;
    store.plan(Fault { at, moment: Moment::Before, error });
}

#[test]
fn a_full_disk_refuses_says_so_and_works_again_when_there_is_room() {
    let mut desk = desk();
    fail(&mut desk, 1, StoreError::Full("the disk under the store is full".into()));
    let refused = desk.start_as("r_1", "flow", ComponentKind::Flow, "").unwrap_err();
    assert_eq!(refused.class, "StoreFull");
    assert_eq!(desk.wake, Some(desk.now + SECOND), "it tries again by itself");
    desk.now += SECOND;
    desk.start_as("r_1", "flow", ComponentKind::Flow, "").expect("there is room now");
}

#[test]
fn a_disk_error_is_final_until_the_store_is_opened_again() {
    let mut desk = desk();
    fail(&mut desk, 1, StoreError::Io("fsync failed".into()));
    assert_eq!(desk.start_as("r_1", "flow", ComponentKind::Flow, "").unwrap_err().class, "StoreError");
    desk.now += 10 * SECOND;
    assert_eq!(desk.start_as("r_1", "flow", ComponentKind::Flow, "").unwrap_err().class, "StoreError");
    assert_eq!(desk.wake, None);
}

#[test]
fn a_failed_commit_kills_the_attempt_and_the_run_goes_on_from_what_was_recorded() {
    let mut desk = desk();
    let mut run = desk.start("r_1");
    desk.do_step(&mut run);
    let before = run.submitted();
    fail(&mut desk, 1, StoreError::Full("the disk is full".into()));
    desk.ask(&mut run, &Ask::new(CommandKind::Step, "never recorded"));
    assert!(desk.was_lost(&run));
    desk.now += SECOND;
    desk.tick();
    let lease = desk.leased.pop().expect("it is leased again when there is room");
    assert_eq!(lease.entries.len() as u64, before + 1, "everything acknowledged, and nothing else");
    let mut run = agnt5_engine::Session::new(lease).unwrap();
    assert_eq!(run.command(&Ask::new(CommandKind::Step, "step"), desk.now).unwrap(), 1);
}
