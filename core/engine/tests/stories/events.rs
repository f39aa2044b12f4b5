//! Events: kept, consumed once, oldest waiter first, one winner against a time-out.

use agnt5_engine::Reply;
use agnt5_journal::Outcome;
use agnt5_store::{EventState, Read};

use crate::desk::{Desk, SECOND, outcome, value, wait};

#[test]
fn an_event_sent_before_the_wait_is_kept_and_flagged_when_it_is_older_than_the_run() {
    let mut desk = Desk::new();
    assert_eq!(desk.send("go", "e1", ""), Ok(Reply::Changed(true)));
    desk.now += SECOND;
    let mut run = desk.start("r_1");
    desk.ask(&mut run, &wait("go", 0));
    let Outcome::Received(received) = outcome(desk.take(&mut run)) else { panic!("no event") };
    assert_eq!(received.event_id, "e1");
    assert!(received.early);
}

#[test]
fn a_repeated_event_id_is_dropped_even_after_it_was_consumed() {
    let mut desk = Desk::new();
    let mut run = desk.start("r_1");
    desk.ask(&mut run, &wait("go", 0));
    desk.send("go", "e1", "").unwrap();
    desk.take(&mut run);
    assert_eq!(desk.send("go", "e1", ""), Ok(Reply::Changed(false)));
    desk.ask(&mut run, &wait("go", 0));
    assert_eq!(desk.take(&mut run), None);
}

#[test]
fn the_oldest_waiter_gets_an_untargeted_event_and_a_targeted_one_only_its_run() {
    let mut desk = Desk::new();
    let mut first = desk.start("r_1");
    let mut second = desk.start("r_2");
    desk.ask(&mut first, &wait("go", 0));
    desk.ask(&mut second, &wait("go", 0));
    desk.send("go", "e1", "r_2").unwrap();
    assert_eq!(desk.take(&mut first), None);
    assert!(desk.take(&mut second).is_some());
    desk.ask(&mut second, &wait("go", 0));
    desk.send("go", "e2", "").unwrap();
    assert!(desk.take(&mut first).is_some());
    assert_eq!(desk.take(&mut second), None);
}

#[test]
fn an_event_for_an_unknown_or_ended_run_is_refused() {
    let mut desk = Desk::new();
    assert_eq!(desk.send("go", "e1", "r_9").unwrap_err().class, "RunNotFound");
    let mut run = desk.start("r_1");
    desk.end(&mut run, crate::desk::value("1"), None);
    assert_eq!(desk.send("go", "e1", "r_1").unwrap_err().class, "RunClosed");
}

#[test]
fn an_event_that_reached_a_given_up_wait_goes_back_and_to_the_next_waiter() {
    let mut desk = Desk::new();
    let mut first = desk.start("r_1");
    let mut second = desk.start("r_2");
    let waiting = desk.ask(&mut first, &wait("go", 0));
    desk.ask(&mut second, &wait("go", 0));
    desk.send("go", "e1", "").unwrap();
    // It is assigned to the first, which gives up before it takes it.
    desk.cancel_command(&mut first, waiting);
    assert_eq!(desk.take(&mut first), None);
    assert!(desk.take(&mut second).is_some());
}

#[test]
fn an_event_whose_waiter_ended_goes_to_the_next() {
    for end in ["by itself", "stopped"] {
        let mut desk = Desk::new();
        let mut first = desk.start("r_1");
        let mut second = desk.start("r_2");
        desk.ask(&mut first, &wait("go", 0));
        desk.ask(&mut second, &wait("go", 0));
        desk.send("go", "e1", "").unwrap();
        // It is assigned to the first, which ends before it takes it.
        match end {
            "stopped" => {
                desk.cancel("r_1").unwrap();
                desk.cancel("r_1").unwrap();
            }
            _ => desk.end(&mut first, value("1"), None),
        }
        assert!(desk.take(&mut second).is_some(), "{end}");
    }
}

#[test]
fn an_event_and_a_time_out_have_one_winner() {
    let mut desk = Desk::new();
    let mut run = desk.start("r_1");
    let due = desk.now + SECOND;
    desk.ask(&mut run, &wait("go", due));
    desk.send("go", "e1", "").unwrap();
    desk.now += 2 * SECOND;
    desk.tick();
    assert!(matches!(outcome(desk.take(&mut run)), Outcome::Received(_)));
    assert_eq!(desk.take(&mut run), None);

    let due = desk.now + SECOND;
    desk.ask(&mut run, &wait("go", due));
    desk.now += 2 * SECOND;
    desk.tick();
    desk.send("go", "e2", "").unwrap();
    assert_eq!(outcome(desk.take(&mut run)), Outcome::TimedOut);
    assert_eq!(desk.take(&mut run), None);
    let kept = desk.engine.store().events(None, 10).unwrap();
    assert_eq!(kept[0].state, EventState::Kept, "the loser is still there for the next wait");
}

#[test]
fn an_event_finds_a_run_that_left_the_memory() {
    let mut desk = Desk::new();
    let mut run = desk.start("r_1");
    desk.ask(&mut run, &wait("go", 0));
    let release = run.release();
    desk.process(vec![(0, release)]);
    assert_eq!(desk.engine.live_runs(), 0);
    desk.send("go", "e1", "").unwrap();
    let mut run = desk.lease("r_1");
    run.command(&wait("go", 0), desk.now).unwrap();
    assert_eq!(run.take(desk.now).unwrap(), None);
    run.rearm(desk.now);
    desk.submit(&mut run, true);
    assert!(desk.take(&mut run).is_some());
}

#[test]
fn an_event_nobody_wants_expires_and_stays_visible() {
    let mut desk = Desk::new();
    desk.send("go", "e1", "").unwrap();
    desk.now += 3_600 * SECOND;
    desk.tick();
    let kept = desk.engine.store().events(None, 10).unwrap();
    assert_eq!(kept[0].state, EventState::Expired);
    let mut run = desk.start("r_1");
    desk.ask(&mut run, &wait("go", 0));
    assert_eq!(desk.take(&mut run), None);
}
