//! Runs that hand over to a successor: who waits, is told and is stopped then.

use agnt5_engine::Limits;
use agnt5_engine::{Reply, Request, Session};
use agnt5_journal::{Ask, CommandKind, ComponentKind, Continued, Outcome, Payload, Status, Taken, identity};
use agnt5_store::Store;

use crate::desk::{Desk, SECOND, child, text, value, wait};

/// The run hands over; returns the session of its successor.
fn hand_over(desk: &mut Desk, run: &mut Session) -> Session {
    let id = identity::successor_id(run.tape().run_id());
    let input = Some(Payload::inline("[[2],{}]".into()));
    desk.end(run, Outcome::Continued(Continued { run_id: id.clone(), input }), None);
    desk.lease(&id)
}

#[test]
fn a_successor_takes_the_place_of_its_predecessor() {
    let mut desk = Desk::new();
    let mut first = desk.start("r_1");
    let second = hand_over(&mut desk, &mut first);
    assert_eq!(desk.status("r_1"), Status::Completed);
    let (before, after) = (desk.row("r_1"), desk.row(second.tape().run_id()));
    assert_eq!((after.component, after.depth, after.parent), (before.component, before.depth, before.parent));
    assert_eq!(second.tape().started().continues, "r_1");
    assert_ne!(second.tape().started().seed, first.tape().started().seed);
}

#[test]
fn a_parent_gets_the_answer_of_the_last_one() {
    let limits = Limits { max_depth: 1, max_children: 1, ..Limits::default() };
    let mut desk = Desk::with(limits, false);
    let mut parent = desk.start("r_1");
    let seq = desk.ask(&mut parent, &child("flow"));
    let id = parent.tape().child_id(seq).unwrap().to_owned();
    let mut kid = desk.lease(&id);
    for _ in 0..5 {
        kid = hand_over(&mut desk, &mut kid);
        assert_eq!(desk.take(&mut parent), None);
    }
    assert_eq!(desk.row(kid.tape().run_id()).depth, 1, "the chain grows no deeper");
    desk.end(&mut kid, value("at last"), None);
    assert_eq!(text(desk.take(&mut parent)), "at last");
    assert_eq!(desk.engine.store().child_count(desk.row("r_1").num).unwrap(), 1);
}

#[test]
fn a_parent_that_was_not_there_finds_the_end_of_the_chain() {
    for ended_meanwhile in [false, true] {
        let mut desk = Desk::new();
        let mut parent = desk.start("r_1");
        let seq = desk.ask(&mut parent, &child("flow"));
        desk.ask(&mut parent, &Ask::new(CommandKind::Step, "step"));
        let id = parent.tape().child_id(seq).unwrap().to_owned();
        let mut first = desk.lease(&id);
        let mut last = hand_over(&mut desk, &mut first);
        if ended_meanwhile {
            desk.end(&mut last, value("at last"), None);
        }
        let mut desk = desk.killed(Limits::default(), false);
        let mut parent = desk.lease("r_1");
        parent.command(&child("flow"), desk.now).unwrap();
        parent.command(&Ask::new(CommandKind::Step, "step"), desk.now).unwrap();
        assert_eq!(parent.take(desk.now).unwrap(), None);
        parent.rearm(desk.now);
        desk.submit(&mut parent, false);
        if !ended_meanwhile {
            assert_eq!(desk.take(&mut parent), None);
            let mut last = desk.lease(last.tape().run_id());
            desk.end(&mut last, value("at last"), None);
        }
        assert_eq!(text(desk.take(&mut parent)), "at last", "ended meanwhile: {ended_meanwhile}");
        // Nobody needs the chain any more.
        desk.now += 100 * SECOND;
        assert_eq!(desk.call(Request::Prune { before: desk.now }), Ok(Reply::Count(2)));
    }
}

#[test]
fn what_leads_to_an_answer_is_not_pruned() {
    let mut desk = Desk::new();
    let mut parent = desk.start("r_1");
    let seq = desk.ask(&mut parent, &child("flow"));
    let id = parent.tape().child_id(seq).unwrap().to_owned();
    let mut kid = desk.lease(&id);
    let mut alone = desk.start("r_2");
    let (_kid, _alone) = (hand_over(&mut desk, &mut kid), hand_over(&mut desk, &mut alone));
    desk.now += 100 * SECOND;
    assert_eq!(
        desk.call(Request::Prune { before: desk.now }),
        Ok(Reply::Count(1)),
        "only what nobody awaits"
    );
    assert_eq!(desk.status(&id), Status::Completed);
}

#[test]
fn who_joins_is_handed_over_too() {
    let mut desk = Desk::new();
    let mut parent = desk.start("r_1");
    let start =
        Ask { target: "flow", child_kind: ComponentKind::Flow, ..Ask::new(CommandKind::Start, "flow") };
    let seq = desk.ask(&mut parent, &start);
    let id = parent.tape().child_id(seq).unwrap().to_owned();
    let mut kid = desk.lease(&id);
    let mut stranger = desk.start("r_2");
    let join = Ask { target: &id, ..Ask::new(CommandKind::Join, "flow") };
    desk.ask(&mut parent, &join);
    desk.ask(&mut stranger, &join);
    let mut second = hand_over(&mut desk, &mut kid);
    desk.end(&mut second, value("at last"), None);
    assert_eq!(text(desk.take(&mut parent)), "at last");
    assert_eq!(text(desk.take(&mut stranger)), "at last");
    // And who asks afterwards.
    desk.ask(&mut stranger, &join);
    assert_eq!(text(desk.take(&mut stranger)), "at last");
}

#[test]
fn a_request_to_stop_reaches_the_last_one() {
    let mut desk = Desk::new();
    let mut first = desk.start("r_1");
    let mut second = hand_over(&mut desk, &mut first);
    assert_eq!(desk.cancel("r_1"), Ok(Reply::Changed(true)));
    assert_eq!(desk.take(&mut second), Some(Taken::CancelRun));

    // One that was not taken before the run handed over.
    let mut first = desk.start("r_2");
    desk.cancel("r_2").unwrap();
    let id = identity::successor_id("r_2");
    desk.end(&mut first, Outcome::Continued(Continued { run_id: id.clone(), input: None }), None);
    assert_eq!(desk.status(&id), Status::Cancelled);
}

#[test]
fn giving_up_a_child_stops_its_successor() {
    let mut desk = Desk::new();
    let mut parent = desk.start("r_1");
    let seq = desk.ask(&mut parent, &child("flow"));
    let id = parent.tape().child_id(seq).unwrap().to_owned();
    let mut kid = desk.lease(&id);
    let mut second = hand_over(&mut desk, &mut kid);
    desk.cancel_command(&mut parent, seq);
    assert_eq!(desk.take(&mut second), Some(Taken::CancelRun));
}

#[test]
fn events_for_a_run_are_its_successors() {
    let mut desk = Desk::new();
    let mut first = desk.start("r_1");
    desk.send("go", "e1", "r_1").unwrap();
    let mut second = hand_over(&mut desk, &mut first);
    desk.send("go", "e2", "r_1").unwrap();
    for _ in 0..2 {
        desk.ask(&mut second, &wait("go", 0));
        assert!(desk.take(&mut second).is_some());
    }
}
