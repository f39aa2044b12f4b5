//! Child runs: derived ids, answers, quotas, cancellation from above.

use agnt5_engine::Limits;
use agnt5_journal::{Ask, CommandKind, ComponentKind, Status};

use crate::desk::{Desk, child, text, value};

#[test]
fn a_parent_gets_its_childs_outcome() {
    let mut desk = Desk::new();
    let mut parent = desk.start("r_1");
    let seq = desk.ask(&mut parent, &child("flow"));
    let id = parent.tape().child_id(seq).unwrap().to_owned();
    let mut kid = desk.lease(&id);
    desk.end(&mut kid, value("from below"), None);
    assert_eq!(text(desk.take(&mut parent)), "from below");
}

#[test]
fn a_parent_that_left_the_memory_is_woken_by_its_childs_end() {
    let mut desk = Desk::new();
    let mut parent = desk.start("r_1");
    let seq = desk.ask(&mut parent, &child("flow"));
    let id = parent.tape().child_id(seq).unwrap().to_owned();
    let release = parent.release();
    desk.process(vec![(0, release)]);
    let mut kid = desk.lease(&id);
    desk.end(&mut kid, value("from below"), None);
    let mut parent = desk.lease("r_1");
    assert_eq!(parent.command(&child("flow"), desk.now).unwrap(), seq);
    assert_eq!(parent.take(desk.now).unwrap(), None);
    parent.rearm(desk.now);
    desk.submit(&mut parent, true);
    assert_eq!(text(desk.take(&mut parent)), "from below");
}

#[test]
fn a_started_run_can_be_joined_later() {
    let mut desk = Desk::new();
    let mut parent = desk.start("r_1");
    let start =
        Ask { target: "flow", child_kind: ComponentKind::Flow, ..Ask::new(CommandKind::Start, "flow") };
    let seq = desk.ask(&mut parent, &start);
    let id = parent.tape().child_id(seq).unwrap().to_owned();
    let mut kid = desk.lease(&id);
    desk.end(&mut kid, value("done"), None);
    assert_eq!(desk.take(&mut parent), None, "nobody waits for it yet");
    desk.ask(&mut parent, &Ask { target: &id, ..Ask::new(CommandKind::Join, "flow") });
    assert_eq!(text(desk.take(&mut parent)), "done");
}

#[test]
fn giving_up_a_child_cancels_it() {
    let mut desk = Desk::new();
    let mut parent = desk.start("r_1");
    let seq = desk.ask(&mut parent, &child("flow"));
    let id = parent.tape().child_id(seq).unwrap().to_owned();
    let mut kid = desk.lease(&id);
    desk.cancel_command(&mut parent, seq);
    assert_eq!(desk.take(&mut kid), Some(agnt5_journal::Taken::CancelRun));
}

#[test]
fn the_end_of_a_flow_stops_the_children_it_still_awaited() {
    let mut desk = Desk::new();
    let mut parent = desk.start("r_1");
    let awaited = desk.ask(&mut parent, &child("flow"));
    let awaited = parent.tape().child_id(awaited).unwrap().to_owned();
    let start =
        Ask { target: "flow", child_kind: ComponentKind::Flow, ..Ask::new(CommandKind::Start, "flow") };
    let started = desk.ask(&mut parent, &start);
    let started = parent.tape().child_id(started).unwrap().to_owned();
    let (mut awaited, mut started) = (desk.lease(&awaited), desk.lease(&started));
    desk.end(&mut parent, value("1"), None);
    assert_eq!(desk.take(&mut awaited), Some(agnt5_journal::Taken::CancelRun));
    assert_eq!(desk.take(&mut started), None, "what was only started goes on");
}

#[test]
fn a_run_that_is_stopped_twice_stops_the_children_it_awaited() {
    let mut desk = Desk::new();
    let mut parent = desk.start("r_1");
    let seq = desk.ask(&mut parent, &child("flow"));
    let id = parent.tape().child_id(seq).unwrap().to_owned();
    let mut kid = desk.lease(&id);
    let seq = desk.ask(&mut kid, &child("flow"));
    let below = kid.tape().child_id(seq).unwrap().to_owned();
    desk.cancel("r_1").unwrap();
    desk.cancel("r_1").unwrap();
    assert_eq!(desk.status("r_1"), Status::Cancelled);
    assert_eq!(desk.take(&mut kid), Some(agnt5_journal::Taken::CancelRun));
    // One that nobody drives has no code to clean up.
    desk.cancel(&id).unwrap();
    assert!(desk.row(&below).cancel_requested);
}

#[test]
fn a_spawn_bomb_meets_a_quota_and_the_parent_goes_on() {
    let limits = Limits { max_children: 3, ..Limits::default() };
    let mut desk = Desk::with(limits, false);
    let mut parent = desk.start("r_1");
    for _ in 0..3 {
        desk.ask(&mut parent, &child("flow"));
    }
    assert_eq!(desk.take(&mut parent), None);
    desk.ask(&mut parent, &child("flow"));
    let answer = text(desk.take(&mut parent));
    assert!(answer.contains("QuotaExceeded"), "{answer}");
    assert_eq!(desk.children("r_1").len(), 3);
    desk.do_step(&mut parent);
}

#[test]
fn recursion_without_an_end_meets_a_quota() {
    let limits = Limits { max_depth: 4, ..Limits::default() };
    let mut desk = Desk::with(limits, false);
    let mut id = "r_1".to_owned();
    desk.start_as(&id, "flow", ComponentKind::Flow, "").unwrap();
    for depth in 0..5 {
        let mut run = desk.lease(&id);
        let seq = desk.ask(&mut run, &child("flow"));
        if depth == 4 {
            assert!(text(desk.take(&mut run)).contains("QuotaExceeded"));
        } else {
            id = run.tape().child_id(seq).unwrap().to_owned();
        }
    }
}

#[test]
fn waiting_parents_leave_room_for_their_children() {
    let limits = Limits { max_active: 1, ..Limits::default() };
    let mut desk = Desk::with(limits, false);
    let mut parent = desk.start("r_1");
    let seq = desk.ask(&mut parent, &child("flow"));
    let id = parent.tape().child_id(seq).unwrap().to_owned();
    let mut kid = desk.lease(&id);
    desk.end(&mut kid, value("1"), None);
    assert!(desk.take(&mut parent).is_some());
    desk.start_as("r_2", "flow", ComponentKind::Flow, "").unwrap();
    assert!(!desk.is_leased("r_2"), "the parent is busy and there is room for one");
    assert_eq!(desk.status("r_2"), Status::Pending);
    desk.end(&mut parent, value("1"), None);
    assert!(desk.is_leased("r_2"));
}
