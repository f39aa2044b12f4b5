//! Runs made of older runs: what they share, what they are told, what becomes of them when the older one goes.

use agnt5_engine::{ForkRun, Request, RerunRun, Session};
use agnt5_journal::{Ask, CommandKind, ComponentKind, Outcome, Seq, Status, Taken};
use agnt5_store::{Read, RunFilter};
use bytes::Bytes;

use crate::desk::{Desk, SECOND, object, text, value, wait};

fn fork_of(origin: &str, id: &str, at: Seq) -> ForkRun {
    ForkRun {
        id: id.to_owned(),
        origin_id: origin.to_owned(),
        at,
        input: None,
        code: Bytes::new(),
        code_digest: Bytes::new(),
        other_code: false,
        outcomes: Vec::new(),
        state: Vec::new(),
        reuse: false,
        overlay: true,
    }
}

fn fork(desk: &mut Desk, ask: ForkRun) -> Session {
    let id = ask.id.clone();
    desk.call(Request::Fork(Box::new(ask))).expect("it forks");
    desk.lease(&id)
}

fn step(name: &str) -> Ask<'_> {
    Ask { code: b"code", ..Ask::new(CommandKind::Step, name) }
}

/// Asks for a step and answers it, as a driver does; the step that was answered before is not executed.
fn run_step(desk: &mut Desk, run: &mut Session, name: &str, result: &str) -> (String, bool) {
    let seq = run.command(&step(name), desk.now).unwrap();
    let mut executed = false;
    let mut taken = told(desk, run);
    if taken.is_none() {
        executed = run.settle(seq, value(result), Default::default());
        taken = desk.take(run);
    }
    desk.submit(run, false);
    (text(taken), executed)
}

/// What the code is told next. Where its replay ends, what is open is watched again, as a driver does it.
fn told(desk: &mut Desk, run: &mut Session) -> Option<Taken> {
    let taken = run.take(desk.now).unwrap();
    if taken.is_some() {
        return taken;
    }
    run.rearm(desk.now);
    desk.submit(run, false);
    desk.take(run)
}

/// Entries that are read of a run, page by page.
fn length(desk: &Desk, id: &str) -> u64 {
    let (num, mut next) = (desk.row(id).num, 0);
    while let Some(last) = desk.engine.store().journal(num, next, usize::MAX).unwrap().last() {
        next = last.first_seq + u64::from(last.count);
    }
    next
}

/// A run of two steps that ended.
fn two_steps(desk: &mut Desk, id: &str) {
    let mut run = desk.start(id);
    run_step(desk, &mut run, "one", "1");
    run_step(desk, &mut run, "two", "2");
    desk.end(&mut run, value("12"), None);
}

#[test]
fn a_fork_shares_what_lies_before_the_cut_and_goes_on_alone() {
    let mut desk = Desk::new();
    two_steps(&mut desk, "r_1");
    let mut fork = fork(&mut desk, fork_of("r_1", "r_2", 2));
    assert_eq!(run_step(&mut desk, &mut fork, "one", "never"), ("1".to_owned(), false));
    assert_eq!(run_step(&mut desk, &mut fork, "two", "other"), ("other".to_owned(), true));
    desk.end(&mut fork, value("1other"), None);
    assert_eq!(desk.status("r_2"), Status::Completed);
    let own = desk.engine.store().segments(desk.row("r_2").num, 1, usize::MAX).unwrap();
    assert!(own.iter().all(|segment| segment.first_seq >= 4), "nothing shared is stored twice");
    let origins = RunFilter { origin: Some(desk.row("r_1").num), limit: 9, ..RunFilter::default() };
    assert_eq!(desk.engine.store().list_runs(&origins).unwrap().len(), 1);
}

#[test]
fn a_fork_outlives_the_run_that_it_came_from() {
    let mut desk = Desk::new();
    two_steps(&mut desk, "r_1");
    let mut one = fork(&mut desk, fork_of("r_1", "r_2", 4));
    run_step(&mut desk, &mut one, "one", "never");
    run_step(&mut desk, &mut one, "two", "never");
    desk.end(&mut one, value("12"), None);
    let before = length(&desk, "r_2");
    desk.call(Request::Delete { run_id: "r_1".to_owned() }).expect("it is deleted");
    assert_eq!(length(&desk, "r_2"), before);
    assert_eq!(desk.row("r_2").origin, None);
    desk.call(Request::Fork(Box::new(fork_of("r_1", "r_3", 1)))).expect_err("nothing is left to fork");
}

#[test]
fn what_was_in_flight_is_done_again_or_gets_the_answer_it_had() {
    for (reuse, executed) in [(false, true), (true, false)] {
        let mut desk = Desk::new();
        let mut run = desk.start("r_1");
        let (one, two) = (desk.ask(&mut run, &step("one")), desk.ask(&mut run, &step("two")));
        for seq in [one, two] {
            assert!(run.settle(seq, value("old"), Default::default()));
            desk.take(&mut run);
        }
        desk.end(&mut run, value("done"), None);
        // Both were asked before the first was answered: at the start, both are in flight.
        let mut fork = fork(&mut desk, ForkRun { reuse, ..fork_of("r_1", "r_2", 0) });
        let asked = fork.command(&step("one"), desk.now).unwrap();
        fork.command(&step("two"), desk.now).unwrap();
        assert_eq!(asked, one);
        let known = told(&mut desk, &mut fork);
        assert_eq!(known.is_none(), executed, "reuse = {reuse}");
    }
}

#[test]
fn an_answer_is_given_before_it_is_asked_for() {
    let mut desk = Desk::new();
    two_steps(&mut desk, "r_1");
    let outcomes = vec![("two".to_owned(), agnt5_engine::Decision::Value(Bytes::from_static(b"given")))];
    let mut fork = fork(&mut desk, ForkRun { outcomes, ..fork_of("r_1", "r_2", 2) });
    run_step(&mut desk, &mut fork, "one", "never");
    assert_eq!(run_step(&mut desk, &mut fork, "two", "never"), ("given".to_owned(), false));
    let past = vec![("one".to_owned(), agnt5_engine::Decision::Value(Bytes::new()))];
    let late = ForkRun { outcomes: past, ..fork_of("r_1", "r_3", 4) };
    let refused = desk.call(Request::Fork(Box::new(late))).unwrap_err();
    assert_eq!(refused.class, "ConfigurationError");
    assert!(desk.engine.store().run_by_id("r_3").unwrap().is_none(), "nothing was made");
}

#[test]
fn events_that_came_after_the_cut_are_offered_again() {
    let mut desk = Desk::new();
    let mut run = desk.start("r_1");
    desk.ask(&mut run, &wait("signed", 0));
    desk.send("signed", "e_1", "r_1").unwrap();
    assert!(desk.take(&mut run).is_some());
    desk.end(&mut run, value("done"), None);
    let mut fork = fork(&mut desk, fork_of("r_1", "r_2", 0));
    fork.command(&wait("signed", 0), desk.now).unwrap();
    let taken = told(&mut desk, &mut fork);
    assert!(matches!(taken, Some(Taken::Completed { outcome: Outcome::Received(_), .. })), "{taken:?}");
}

#[test]
fn a_fork_acts_on_copies_of_objects_as_they_were_at_its_cut() {
    let mut desk = Desk::new();
    let call = |desk: &mut Desk, run: &mut Session, state: &str| {
        let seq = desk.ask(run, &object("Counter\nk"));
        let id = run.tape().child_id(seq).unwrap().to_owned();
        let mut turn = desk.lease(&id);
        desk.now += SECOND;
        desk.end(&mut turn, value(state), Some(state));
        desk.take(run);
    };
    let mut run = desk.start("r_1");
    call(&mut desk, &mut run, "1");
    let cut = run.tape().length() - 1;
    call(&mut desk, &mut run, "2");
    desk.end(&mut run, value("done"), None);
    let mut fork = fork(&mut desk, fork_of("r_1", "r_2", cut));
    fork.command(&object("Counter\nk"), desk.now).unwrap();
    assert!(told(&mut desk, &mut fork).is_some(), "the first call is shared");
    // The second was asked at once, so it is in flight at the cut, and is done again.
    let seq = fork.command(&object("Counter\nk"), desk.now).unwrap();
    assert!(told(&mut desk, &mut fork).is_none());
    let id = fork.tape().child_id(seq).unwrap().to_owned();
    let turn = desk.leased.iter().position(|lease| lease.row.id == id).expect("it has its turn");
    let seen = desk.engine.store().object(&desk.leased[turn].row.object).unwrap();
    assert_eq!(seen.as_deref(), Some(&b"1"[..]), "as it was at the cut");
    let mut turn = desk.lease(&id);
    desk.end(&mut turn, value("9"), Some("9"));
    let kept = desk.engine.store().object("Counter\nk").unwrap();
    assert_eq!(kept.as_deref(), Some(&b"2"[..]), "the object itself is as the older run left it");
}

#[test]
fn a_rerun_takes_what_is_the_same_and_executes_the_rest() {
    let mut desk = Desk::new();
    two_steps(&mut desk, "r_1");
    let ask = |id: &str, always: &[&str]| {
        let always = always.iter().map(|name| (*name).to_owned()).collect();
        Request::Rerun(Box::new(RerunRun {
            id: id.to_owned(),
            origin_id: "r_1".to_owned(),
            input: None,
            always,
        }))
    };
    desk.call(ask("r_2", &[])).unwrap();
    let mut again = desk.lease("r_2");
    assert_eq!(run_step(&mut desk, &mut again, "one", "never"), ("1".to_owned(), false));
    let changed = Ask { code: b"other", ..step("two") };
    again.command(&changed, desk.now).unwrap();
    assert_eq!(again.take(desk.now).unwrap(), None, "its code is another");

    desk.call(ask("r_3", &["one"])).unwrap();
    let mut always = desk.lease("r_3");
    assert_eq!(run_step(&mut desk, &mut always, "one", "anew"), ("anew".to_owned(), true));
    assert_eq!(run_step(&mut desk, &mut always, "two", "never"), ("2".to_owned(), false));
}

#[test]
fn a_rerun_that_was_interrupted_takes_no_result_twice() {
    let mut desk = Desk::new();
    let mut run = desk.start("r_1");
    run_step(&mut desk, &mut run, "one", "first");
    desk.end(&mut run, value("done"), None);
    let rerun =
        RerunRun { id: "r_2".to_owned(), origin_id: "r_1".to_owned(), input: None, always: Vec::new() };
    desk.call(Request::Rerun(Box::new(rerun))).unwrap();
    let mut again = desk.lease("r_2");
    assert_eq!(run_step(&mut desk, &mut again, "one", "never").0, "first");
    let mut desk = desk.killed(Default::default(), false);
    let mut again = desk.lease("r_2");
    assert_eq!(run_step(&mut desk, &mut again, "one", "never"), ("first".to_owned(), false));
    let seq = again.command(&step("one"), desk.now).unwrap();
    assert_eq!(
        again.take(desk.now).unwrap(),
        None,
        "the older run answered one such step, and that is taken"
    );
    assert!(again.settle(seq, value("second"), Default::default()));
}

#[test]
fn calls_of_methods_are_neither_forked_nor_rerun() {
    let mut desk = Desk::new();
    desk.start_as("r_1", "Counter.add", ComponentKind::Object, "Counter\nk").unwrap();
    let fork = desk.call(Request::Fork(Box::new(fork_of("r_1", "r_2", 0)))).unwrap_err();
    assert!(fork.message.contains("fork the run that called it"), "{}", fork.message);
    let rerun =
        RerunRun { id: "r_2".to_owned(), origin_id: "r_1".to_owned(), input: None, always: Vec::new() };
    let rerun = desk.call(Request::Rerun(Box::new(rerun))).unwrap_err();
    assert!(rerun.message.contains("rerun the run that called it"), "{}", rerun.message);
}
