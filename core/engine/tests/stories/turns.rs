//! Object turns: serial, fair, never in a circle.

use agnt5_journal::{ComponentKind, Status};
use agnt5_store::Read;

use crate::desk::{Desk, object, text, value};

fn call(desk: &mut Desk, id: &str, key: &str) {
    desk.start_as(id, "Counter.add", ComponentKind::Object, key).unwrap();
}

#[test]
fn calls_of_one_key_run_one_at_a_time_in_the_order_they_came() {
    let mut desk = Desk::new();
    for index in 0..50 {
        call(&mut desk, &format!("r_{index}"), "Counter\nk");
    }
    for index in 0..50 {
        assert_eq!(desk.leased.len(), 1, "one turn at a time");
        let mut run = desk.lease(&format!("r_{index}"));
        desk.end(&mut run, value("1"), Some(&index.to_string()));
    }
    let state = desk.engine.store().object("Counter\nk").unwrap();
    assert_eq!(state.as_deref(), Some(&b"49"[..]));
}

#[test]
fn calls_of_different_keys_do_not_wait_for_each_other() {
    let mut desk = Desk::new();
    call(&mut desk, "r_1", "Counter\na");
    call(&mut desk, "r_2", "Counter\nb");
    assert!(desk.is_leased("r_1") && desk.is_leased("r_2"));
}

#[test]
fn a_failed_call_changes_no_state_and_passes_the_turn() {
    let mut desk = Desk::new();
    call(&mut desk, "r_1", "Counter\nk");
    call(&mut desk, "r_2", "Counter\nk");
    let mut run = desk.lease("r_1");
    let failure = agnt5_journal::Outcome::Failure(agnt5_journal::Payload::inline("{}".into()));
    desk.end(&mut run, failure, Some("half"));
    assert_eq!(desk.engine.store().object("Counter\nk").unwrap(), None);
    assert!(desk.is_leased("r_2"));
}

#[test]
fn a_cancelled_queued_call_leaves_the_line() {
    let mut desk = Desk::new();
    for id in ["r_1", "r_2", "r_3"] {
        call(&mut desk, id, "Counter\nk");
    }
    desk.cancel("r_2").unwrap();
    assert_eq!(desk.status("r_2"), Status::Cancelled);
    let mut run = desk.lease("r_1");
    desk.end(&mut run, value("1"), Some("1"));
    assert!(desk.is_leased("r_3"));
}

#[test]
fn an_object_that_calls_itself_is_refused() {
    let mut desk = Desk::new();
    call(&mut desk, "r_1", "Counter\nk");
    let mut run = desk.lease("r_1");
    run.begin(0, true).unwrap();
    run.ask(0, &object("Counter\nk"), desk.now).unwrap();
    desk.submit(&mut run, true);
    let answer = text(desk.take(&mut run));
    assert!(answer.contains("ObjectReentered"), "{answer}");
}

#[test]
fn of_two_objects_that_wait_for_each_other_the_youngest_call_fails_and_the_other_goes_on() {
    let mut desk = Desk::new();
    call(&mut desk, "r_1", "Counter\na");
    call(&mut desk, "r_2", "Counter\nb");
    let mut first = desk.lease("r_1");
    let mut second = desk.lease("r_2");
    first.begin(0, true).unwrap();
    second.begin(0, true).unwrap();
    first.ask(0, &object("Counter\nb"), desk.now).unwrap();
    desk.submit(&mut first, true);
    assert_eq!(desk.take(&mut first), None, "it waits for its turn");
    second.ask(0, &object("Counter\na"), desk.now).unwrap();
    desk.submit(&mut second, true);
    let answer = text(desk.take(&mut second));
    assert!(answer.contains("ObjectDeadlock"), "{answer}");
    desk.end(&mut second, value("1"), Some("1"));
    let inner = desk.leased.remove(0);
    assert_eq!(inner.row.object, "Counter\nb", "the first one's call has its turn");
}

#[test]
fn after_a_crash_the_interrupted_call_goes_first() {
    let mut desk = Desk::new();
    call(&mut desk, "r_1", "Counter\nk");
    call(&mut desk, "r_2", "Counter\nk");
    let _lost = desk.lease("r_1");
    let mut desk = desk.killed(Default::default(), false);
    assert!(desk.is_leased("r_1") && !desk.is_leased("r_2"));
    let mut run = desk.lease("r_1");
    desk.end(&mut run, value("1"), Some("1"));
    assert!(desk.is_leased("r_2"));
}
