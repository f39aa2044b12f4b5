//! A parked run was told something, and its process died before the answer was journaled.

use agnt5_engine::{Limits, Request, Session};
use agnt5_journal::{Ask, CommandKind, ComponentKind, Status};

use crate::desk::{Desk, child, sleep, text, value, wait};

/// The run is leased by the next process although nothing happens there, and gets its answer.
fn goes_on_after_a_kill(desk: Desk, id: &str, asked: &[Ask]) -> String {
    assert_ne!(desk.status(id), Status::Waiting, "the disk knows that there is something to do");
    let mut desk = desk.killed(Limits::default(), false);
    let mut run = desk.lease(id);
    for ask in asked {
        run.command(ask, desk.now).unwrap();
    }
    assert_eq!(run.take(desk.now).unwrap(), None);
    run.rearm(desk.now);
    desk.submit(&mut run, true);
    text(desk.take(&mut run))
}

fn parent_and_child(desk: &mut Desk) -> (Session, Session) {
    let mut parent = desk.start("r_1");
    let seq = desk.ask(&mut parent, &child("flow"));
    let id = parent.tape().child_id(seq).unwrap().to_owned();
    assert_eq!(desk.status("r_1"), Status::Waiting);
    let kid = desk.lease(&id);
    (parent, kid)
}

#[test]
fn the_end_of_a_child_is_not_forgotten() {
    let mut desk = Desk::new();
    let (_parent, mut kid) = parent_and_child(&mut desk);
    desk.end(&mut kid, value("from below"), None);
    assert_eq!(goes_on_after_a_kill(desk, "r_1", &[child("flow")]), "from below");
}

#[test]
fn the_end_of_a_child_is_not_forgotten_by_a_clean_exit() {
    let mut desk = Desk::new();
    let (_parent, mut kid) = parent_and_child(&mut desk);
    desk.end(&mut kid, value("from below"), None);
    desk.call(Request::Close).unwrap();
    assert_eq!(goes_on_after_a_kill(desk, "r_1", &[child("flow")]), "from below");
}

#[test]
fn an_event_that_was_handed_over_is_not_forgotten() {
    let mut desk = Desk::new();
    let mut run = desk.start("r_1");
    desk.ask(&mut run, &wait("go", 0));
    desk.send("go", "e1", "").unwrap();
    assert_eq!(goes_on_after_a_kill(desk, "r_1", &[wait("go", 0)]), "\"yes\"");
}

#[test]
fn an_event_that_was_there_before_the_wait_is_not_forgotten() {
    let mut desk = Desk::new();
    desk.send("go", "e1", "").unwrap();
    let mut run = desk.start("r_1");
    desk.ask(&mut run, &wait("go", 0));
    assert_eq!(goes_on_after_a_kill(desk, "r_1", &[wait("go", 0)]), "\"yes\"");
}

#[test]
fn joining_a_run_that_has_ended_is_not_forgotten() {
    let mut desk = Desk::new();
    let mut parent = desk.start("r_1");
    let start =
        Ask { target: "flow", child_kind: ComponentKind::Flow, ..Ask::new(CommandKind::Start, "flow") };
    let seq = desk.ask(&mut parent, &start);
    let id = parent.tape().child_id(seq).unwrap().to_owned();
    let mut kid = desk.lease(&id);
    desk.end(&mut kid, value("done"), None);
    let join = Ask { target: &id, ..Ask::new(CommandKind::Join, "flow") };
    desk.ask(&mut parent, &join);
    assert_eq!(goes_on_after_a_kill(desk, "r_1", &[start, join]), "done");
}

#[test]
fn a_request_to_stop_is_not_forgotten() {
    let mut desk = Desk::new();
    let mut run = desk.start("r_1");
    desk.ask(&mut run, &wait("go", 0));
    desk.cancel("r_1").unwrap();
    let desk = desk.killed(Limits::default(), false);
    assert!(desk.is_leased("r_1"));
}

#[test]
fn a_run_that_made_nothing_of_what_it_was_told_waits_again() {
    let mut desk = Desk::new();
    let mut parent = desk.start("r_1");
    let start =
        Ask { target: "flow", child_kind: ComponentKind::Flow, ..Ask::new(CommandKind::Start, "flow") };
    let seq = desk.ask(&mut parent, &start);
    let id = parent.tape().child_id(seq).unwrap().to_owned();
    desk.ask(&mut parent, &sleep(desk.now + 1_000_000));
    desk.submit(&mut parent, true);
    let mut kid = desk.lease(&id);
    desk.end(&mut kid, value("done"), None);
    assert_eq!(parent.take(desk.now).unwrap(), None, "nobody awaits it");
    desk.submit(&mut parent, true);
    assert_eq!(desk.status("r_1"), Status::Waiting);
}

#[test]
fn a_run_that_leaves_the_memory_while_its_child_ends_is_driven_again() {
    let mut desk = Desk::new();
    let (mut parent, mut kid) = parent_and_child(&mut desk);
    kid.end(value("from below"), Vec::new(), Default::default(), None, desk.now).unwrap();
    let both = vec![(0, kid.submit(false).unwrap()), (0, parent.release())];
    desk.process(both);
    assert!(desk.is_leased("r_1"));
}

#[test]
fn when_a_retry_wait_is_over_the_disk_says_that_the_next_attempt_may_have_begun() {
    let once = Ask { at_most_once: true, ..Ask::new(CommandKind::Step, "charge") };
    for killed_in_the_wait in [true, false] {
        let mut desk = Desk::new();
        let mut run = desk.start("r_1");
        let seq = desk.ask(&mut run, &once);
        assert!(run.retry(seq, b"{}"[..].into(), desk.now + 1_000, Default::default(), desk.now));
        desk.submit(&mut run, true);
        assert_eq!(desk.status("r_1"), Status::Waiting);
        if !killed_in_the_wait {
            desk.now += 1_000;
            desk.tick();
            assert_eq!(desk.status("r_1"), Status::Running);
        }
        let mut desk = desk.killed(Limits::default(), false);
        desk.now += 1_000;
        desk.tick();
        let mut run = desk.lease("r_1");
        assert_eq!(run.command(&once, desk.now).unwrap(), seq);
        assert_eq!(run.take(desk.now).unwrap(), None);
        run.rearm(desk.now);
        assert_eq!(run.is_uncertain(seq, desk.now), !killed_in_the_wait);
    }
}
