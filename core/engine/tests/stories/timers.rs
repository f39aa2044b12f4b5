//! Time: sleeps, clock jumps, and very many timers at once.

use agnt5_engine::Request;
use agnt5_journal::{Outcome, Status};

use crate::desk::{Desk, SECOND, outcome, sleep};

#[test]
fn a_sleep_ends_when_its_time_has_come() {
    let mut desk = Desk::new();
    let mut run = desk.start("r_1");
    let due = desk.now + SECOND;
    desk.ask(&mut run, &sleep(due));
    assert_eq!(desk.wake, Some(due));
    assert_eq!(desk.status("r_1"), Status::Waiting);
    assert_eq!(desk.take(&mut run), None);
    desk.now = due;
    desk.tick();
    assert_eq!(outcome(desk.take(&mut run)), Outcome::Fired);
}

#[test]
fn a_clock_that_jumps_fires_a_timer_once() {
    let mut desk = Desk::new();
    let mut run = desk.start("r_1");
    let due = desk.now + 3_600 * SECOND;
    desk.ask(&mut run, &sleep(due));
    desk.now += 86_400 * SECOND;
    desk.tick();
    desk.now -= 86_400 * SECOND;
    desk.tick();
    desk.now += 86_400 * SECOND;
    desk.tick();
    assert_eq!(outcome(desk.take(&mut run)), Outcome::Fired);
    assert_eq!(desk.take(&mut run), None);
}

#[test]
fn a_timer_survives_the_process() {
    let mut desk = Desk::new();
    let mut run = desk.start("r_1");
    let due = desk.now + SECOND;
    desk.ask(&mut run, &sleep(due));
    let mut desk = desk.killed(Default::default(), false);
    assert!(!desk.is_leased("r_1"), "a waiting run needs no memory");
    desk.now = due + SECOND;
    desk.tick();
    assert!(desk.is_leased("r_1"));
}

#[test]
fn a_hundred_thousand_timers_due_together_come_in_bounded_batches() {
    const RUNS: usize = 100_000;
    let mut desk = Desk::new();
    let due = desk.now + 60 * SECOND;
    for index in 0..RUNS {
        let mut run = desk.start(&format!("r_{index}"));
        desk.ask(&mut run, &sleep(due));
        let release = run.release();
        desk.process(vec![(0, release)]);
    }
    assert_eq!(desk.engine.live_runs(), 0);
    desk.now = due;
    let mut done = 0;
    while done < RUNS {
        desk.tick();
        assert!(desk.leased.len() <= 1_000, "{} leases at once", desk.leased.len());
        assert!(!desk.leased.is_empty(), "{done} of {RUNS} were delivered, then nothing");
        let mut requests = Vec::new();
        for lease in std::mem::take(&mut desk.leased) {
            let mut run = agnt5_engine::Session::new(lease).unwrap();
            run.command(&sleep(due), desk.now).unwrap();
            assert_eq!(run.take(desk.now).unwrap(), None);
            run.rearm(desk.now);
            let request: Option<Request> = run.submit(true);
            requests.extend(request.map(|request| (0, request)));
            requests
                .push((0, Request::Fail { run_id: run.tape().run_id().to_owned(), failure: "{}".into() }));
            done += 1;
        }
        desk.process(requests);
    }
}
