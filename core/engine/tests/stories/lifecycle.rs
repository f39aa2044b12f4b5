//! Runs and people: ids, cancelling, pausing, resuming, crashing, deleting.

use agnt5_engine::{Limits, Reply, Request};
use agnt5_journal::{Ask, CommandKind, ComponentKind, Status, Taken};
use agnt5_store::Read;

use crate::desk::{Desk, SECOND, sleep, value};

#[test]
fn the_same_id_is_the_same_run_or_a_conflict() {
    let mut desk = Desk::new();
    let start = |desk: &mut Desk, component: &str| desk.start_as("r_1", component, ComponentKind::Flow, "");
    assert_eq!(start(&mut desk, "flow"), Ok(Reply::Changed(true)));
    assert_eq!(start(&mut desk, "flow"), Ok(Reply::Changed(false)));
    assert_eq!(start(&mut desk, "fn").unwrap_err().class, "RunConflict");
}

#[test]
fn a_first_cancel_is_told_to_the_code_and_a_second_ends_the_run() {
    let mut desk = Desk::new();
    let mut run = desk.start("r_1");
    desk.do_step(&mut run);
    desk.cancel("r_1").unwrap();
    assert_eq!(desk.take(&mut run), Some(Taken::CancelRun));
    assert_eq!(desk.status("r_1"), Status::Running, "it may clean up");
    desk.cancel("r_1").unwrap();
    assert_eq!(desk.status("r_1"), Status::Cancelled);
    assert!(desk.was_lost(&run));
    assert_eq!(desk.cancel("r_1"), Ok(Reply::Changed(false)));
}

#[test]
fn a_cancel_reaches_a_run_that_is_not_in_memory() {
    let mut desk = Desk::new();
    let mut run = desk.start("r_1");
    let due = desk.now + 3_600 * SECOND;
    desk.ask(&mut run, &sleep(due));
    let release = run.release();
    desk.process(vec![(0, release)]);
    desk.cancel("r_1").unwrap();
    let mut run = desk.lease("r_1");
    run.command(&sleep(due), desk.now).unwrap();
    assert_eq!(run.take(desk.now).unwrap(), None);
    run.rearm(desk.now);
    assert_eq!(run.take(desk.now).unwrap(), Some(Taken::CancelRun));
}

#[test]
fn a_run_nobody_can_drive_is_cancelled_at_once() {
    let mut desk = Desk::new();
    desk.start_as("r_1", "elsewhere", ComponentKind::Flow, "").unwrap();
    desk.cancel("r_1").unwrap();
    assert_eq!(desk.status("r_1"), Status::Cancelled);
}

#[test]
fn a_paused_run_stands_still_until_it_is_resumed() {
    let mut desk = Desk::new();
    let mut run = desk.start("r_1");
    let due = desk.now + SECOND;
    desk.ask(&mut run, &sleep(due));
    desk.call(Request::Pause { run_id: "r_1".into(), reason: "let me see".into() }).unwrap();
    assert!(desk.was_lost(&run));
    desk.now += 10 * SECOND;
    desk.tick();
    assert_eq!(desk.status("r_1"), Status::Paused);
    assert_eq!(desk.resume("r_1"), Ok(Reply::Changed(true)));
    let mut run = desk.lease("r_1");
    run.command(&sleep(due), desk.now).unwrap();
    assert_eq!(run.take(desk.now).unwrap(), None);
    run.rearm(desk.now);
    desk.submit(&mut run, true);
    desk.tick();
    assert!(desk.take(&mut run).is_some(), "the timer that fired meanwhile fires now");
}

#[test]
fn what_an_outdated_attempt_writes_never_arrives() {
    let mut desk = Desk::new();
    let mut old = desk.start("r_1");
    desk.call(Request::Pause { run_id: "r_1".into(), reason: "look".into() }).unwrap();
    desk.resume("r_1").unwrap();
    let _new = desk.lease("r_1");
    let row = desk.row("r_1");
    old.command(&Ask::new(CommandKind::Step, "late"), desk.now).unwrap();
    desk.submit(&mut old, false);
    let journal = desk.engine.store().journal(row.num, 0, usize::MAX).unwrap();
    assert_eq!(journal.iter().map(|part| part.count).sum::<u32>(), 1, "only the start is there");
}

#[test]
fn interrupted_runs_resume_by_themselves_or_wait_for_a_word() {
    let mut desk = Desk::new();
    desk.start("r_1");
    let desk = desk.killed(Limits::default(), false);
    assert!(desk.is_leased("r_1"));

    let mut desk = desk.killed(Limits::default(), true);
    assert!(!desk.is_leased("r_1"));
    let row = desk.row("r_1");
    assert!(row.interrupted && row.status == Status::Running);
    desk.resume("r_1").unwrap();
    let lease = desk.leased.remove(0);
    assert!(lease.resumed.contains("killed"), "{}", lease.resumed);
}

#[test]
fn a_run_that_takes_its_process_down_again_and_again_is_paused() {
    let mut desk = Desk::new();
    desk.start("r_1");
    for _ in 0..4 {
        desk = desk.killed(Limits::default(), false);
        assert!(desk.is_leased("r_1"));
    }
    let desk = desk.killed(Limits::default(), false);
    let row = desk.row("r_1");
    assert_eq!(row.status, Status::Paused);
    assert!(row.reason.contains("5 times"), "{}", row.reason);
}

#[test]
fn something_new_in_the_journal_forgives_earlier_crashes() {
    let mut desk = Desk::new();
    desk.start("r_1");
    for _ in 0..3 {
        desk = desk.killed(Limits::default(), false);
    }
    let mut run = desk.lease("r_1");
    assert_eq!(run.take(desk.now).unwrap(), None);
    run.rearm(desk.now);
    desk.do_step(&mut run);
    assert_eq!(desk.row("r_1").crashes, 0);
}

#[test]
fn a_run_whose_code_cannot_go_on_is_cancelled_by_one_request() {
    let mut desk = Desk::new();
    let mut run = desk.start("r_1");
    desk.do_step(&mut run);
    let stop = run.pause("DivergenceError: it asked otherwise".to_owned());
    desk.process(vec![(0, stop)]);
    assert_eq!(desk.status("r_1"), Status::Paused);
    desk.cancel("r_1").unwrap();
    // It is driven again so that it can clean up, and diverges as before.
    let mut run = desk.lease("r_1");
    let stop = run.pause("DivergenceError: it asked otherwise".to_owned());
    desk.process(vec![(0, stop)]);
    assert_eq!(desk.status("r_1"), Status::Cancelled);
    assert_eq!(desk.row("r_1").reason, "DivergenceError: it asked otherwise");
}

#[test]
fn a_clean_exit_is_no_crash() {
    let mut desk = Desk::new();
    for _ in 0..7 {
        if !desk.is_leased("r_1") {
            desk.start_as("r_1", "flow", ComponentKind::Flow, "").unwrap();
        }
        desk.call(Request::Close).unwrap();
        desk = desk.killed(Limits::default(), false);
    }
    assert_eq!(desk.row("r_1").crashes, 0);
    assert!(desk.is_leased("r_1"));
}

#[test]
fn only_ended_runs_are_deleted_and_nothing_of_them_stays() {
    let mut desk = Desk::new();
    let mut run = desk.start("r_1");
    let delete = || Request::Delete { run_id: "r_1".into() };
    assert_eq!(desk.call(delete()).unwrap_err().class, "RunConflict");
    let num = desk.row("r_1").num;
    desk.end(&mut run, value("1"), None);
    desk.call(delete()).unwrap();
    assert!(desk.engine.store().run_by_id("r_1").unwrap().is_none());
    assert!(desk.engine.store().journal(num, 0, usize::MAX).unwrap().is_empty());
}

#[test]
fn prune_takes_what_ended_before() {
    let mut desk = Desk::new();
    for id in ["r_1", "r_2"] {
        let mut run = desk.start(id);
        desk.end(&mut run, value("1"), None);
        desk.now += 10 * SECOND;
    }
    desk.start("r_3");
    let before = desk.now - 15 * SECOND;
    assert_eq!(desk.call(Request::Prune { before }), Ok(Reply::Count(1)));
    assert!(desk.engine.store().run_by_id("r_1").unwrap().is_none());
    assert_eq!(desk.status("r_2"), Status::Completed);
}
