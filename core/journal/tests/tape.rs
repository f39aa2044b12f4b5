//! The cursor, told as scripts: what was recorded, what the code asks now, what comes of it.

use agnt5_journal::{
    Answer, Arrival, Ask, CommandKind, ComponentKind, Entry, Outcome, Payload, ROOT, Seq, Source, Started,
    Taken, Tape, TapeError,
};
use bytes::Bytes;
use proptest::prelude::*;

fn begin(kind: ComponentKind) -> Tape {
    let started = Started { run_id: "r_1".into(), kind: kind as i32, ..Started::default() };
    Tape::begin_run(started, 1_000).unwrap()
}

fn step<'a>(name: &'a str, input: &'static str) -> Ask<'a> {
    Ask { input: Bytes::from_static(input.as_bytes()), ..Ask::new(CommandKind::Step, name) }
}

fn function(name: &str) -> Ask<'_> {
    Ask::new(CommandKind::Call, name)
}

fn value(text: &str) -> Outcome {
    Outcome::Value(Payload::inline(Bytes::copy_from_slice(text.as_bytes())))
}

fn failure(text: &str) -> Outcome {
    Outcome::Failure(Payload::inline(Bytes::copy_from_slice(text.as_bytes())))
}

fn arrive(tape: &mut Tape, seq: Seq, outcome: Outcome) -> Option<Taken> {
    let arrival = Arrival::known(seq, outcome, Source::World);
    tape.arrive(arrival, 2_000)
}

/// The journal a tape has written so far, as a later attempt would read it.
struct Recorder {
    entries: Vec<Entry>,
}

impl Recorder {
    fn new() -> Self {
        Self { entries: Vec::new() }
    }

    fn after(mut self, tape: &mut Tape) -> Self {
        if self.entries.is_empty() {
            self.entries.push(Entry {
                seq: 0,
                at: 1_000,
                body: Some(agnt5_journal::entry::Body::Started(tape.started().clone())),
            });
        }
        self.entries.extend(tape.take_fresh().0);
        self
    }

    fn again(&self) -> Tape {
        Tape::new(self.entries.clone()).unwrap()
    }
}

fn divergence(result: Result<impl Sized, TapeError>) -> agnt5_journal::Divergence {
    match result {
        Err(TapeError::Diverged(divergence)) => divergence,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it did not diverge"),
    }
}

/// fetch(a) -> "A"; store(A) was asked and has no answer.
fn two_steps() -> Recorder {
    let mut tape = begin(ComponentKind::Flow);
    let fetch = tape.command(&step("fetch", "a"), 1_001).unwrap();
    arrive(&mut tape, fetch, value("A"));
    tape.command(&step("store", "A"), 1_002).unwrap();
    Recorder::new().after(&mut tape)
}

#[test]
fn the_same_code_gets_the_recorded_answers_and_goes_on_live() {
    let mut tape = two_steps().again();
    assert!(tape.replaying());
    let fetch = tape.command(&step("fetch", "a"), 0).unwrap();
    assert_eq!(tape.take_recorded().unwrap(), Some(Taken::Completed { seq: fetch, outcome: value("A") }));
    let store = tape.command(&step("store", "A"), 0).unwrap();
    assert_eq!(tape.take_recorded().unwrap(), None);
    assert!(!tape.replaying());
    assert!(tape.op(store).unwrap().recorded);
    assert!(tape.take_fresh().0.is_empty(), "a replay writes nothing");
    assert!(arrive(&mut tape, store, value("ok")).is_some());
}

#[test]
fn another_name_another_input_and_another_kind_diverge_and_write_nothing() {
    for ask in [step("fetch2", "a"), step("fetch", "b"), function("fetch")] {
        let mut tape = two_steps().again();
        let divergence = divergence(tape.command(&ask, 0));
        assert_eq!(divergence.seq, 1);
        assert!(divergence.expected.contains("\"fetch\""), "{divergence}");
        assert!(tape.take_fresh().0.is_empty());
    }
}

#[test]
fn a_command_too_many_and_one_too_few_diverge() {
    let mut tape = two_steps().again();
    tape.command(&step("fetch", "a"), 0).unwrap();
    let extra = divergence(tape.command(&step("store", "A"), 0));
    assert!(extra.expected.contains("no further command"), "{extra}");

    let mut tape = two_steps().again();
    tape.command(&step("fetch", "a"), 0).unwrap();
    tape.take_recorded().unwrap();
    let missing = divergence(tape.take_recorded());
    assert!(missing.expected.contains("\"store\""), "{missing}");
    let returned = divergence(tape.end(value("done"), Vec::new(), Bytes::new(), None, 0));
    assert_eq!(returned.actual, "the code returned");
}

#[test]
fn a_cancelled_command_takes_no_answer() {
    let mut tape = begin(ComponentKind::Flow);
    let slow = tape.command(&step("slow", ""), 1_001).unwrap();
    let target = slow.to_string();
    tape.command(&Ask { target: &target, ..Ask::new(CommandKind::Cancel, "") }, 1_002).unwrap();
    assert_eq!(arrive(&mut tape, slow, value("late")), None);
}

#[test]
fn nothing_is_asked_after_the_end() {
    let mut tape = begin(ComponentKind::Flow);
    tape.end(value("done"), Vec::new(), Bytes::new(), None, 1_001).unwrap();
    assert_eq!(tape.command(&step("more", ""), 1_002), Err(TapeError::Closed));
    assert_eq!(arrive(&mut tape, 1, value("late")), None);
}

#[test]
fn time_in_a_journal_never_runs_backwards() {
    let mut tape = begin(ComponentKind::Flow);
    let first = tape.command(&step("a", ""), 5_000).unwrap();
    let arrival = Arrival::Completed {
        seq: first,
        outcome: value("1"),
        logs: Bytes::new(),
        meta: Bytes::new(),
        began: 0,
        source: Source::World,
    };
    tape.arrive(arrival, 10);
    let (entries, _) = tape.take_fresh();
    assert!(entries.windows(2).all(|pair| pair[0].at <= pair[1].at));
    assert_eq!(tape.now(), 5_000);
}

#[test]
fn large_payloads_are_named_by_their_hash() {
    let mut tape = begin(ComponentKind::Flow);
    let big = Bytes::from(vec![7u8; agnt5_journal::INLINE_LIMIT + 1]);
    tape.command(&Ask { input: big.clone(), ..Ask::new(CommandKind::Step, "f") }, 1_001).unwrap();
    let (entries, spilled) = tape.take_fresh();
    assert_eq!(spilled.len(), 1);
    assert_eq!(spilled[0].bytes, big);
    assert!(agnt5_journal::segment::encode(&entries).len() < 500);
}

// ---- functions: memos ---------------------------------------------------------------------------------------------------

#[test]
fn a_functions_operations_are_passed_over_by_the_flow_around_it() {
    let mut tape = begin(ComponentKind::Flow);
    let call = tape.command(&function("work"), 1_001).unwrap();
    tape.begin(call, true).unwrap();
    let (inner, answer) = tape.ask(call, &step("part", "1"), 1_002).unwrap();
    assert_eq!(answer, Answer::Pending);
    arrive(&mut tape, inner, value("p"));
    arrive(&mut tape, call, value("w"));
    let journal = Recorder::new().after(&mut tape);

    let mut tape = journal.again();
    let call = tape.command(&function("work"), 0).unwrap();
    assert_eq!(tape.take_recorded().unwrap(), Some(Taken::Completed { seq: call, outcome: value("w") }));
    assert_eq!(tape.take_recorded().unwrap(), None);
}

#[test]
fn after_a_crash_a_functions_recorded_success_answers_and_the_rest_runs_again_under_its_key() {
    let mut tape = begin(ComponentKind::Flow);
    let call = tape.command(&function("work"), 1_001).unwrap();
    tape.begin(call, true).unwrap();
    let (done, _) = tape.ask(call, &step("part", "1"), 1_002).unwrap();
    let (lost, _) = tape.ask(call, &step("part", "2"), 1_003).unwrap();
    let key = tape.identity(lost).unwrap();
    arrive(&mut tape, done, value("p1"));
    let journal = Recorder::new().after(&mut tape);

    let mut tape = journal.again();
    let call = tape.command(&function("work"), 0).unwrap();
    assert_eq!(tape.take_recorded().unwrap(), None);
    assert_eq!(tape.begin(call, true).unwrap(), 1, "a crash is no attempt");
    // The body asks in another order this time.
    let (second, answer) = tape.ask(call, &step("part", "2"), 3_000).unwrap();
    assert_eq!((second, answer), (lost, Answer::Pending));
    assert_eq!(tape.identity(second).unwrap(), key);
    assert_eq!(tape.ask(call, &step("part", "1"), 3_000).unwrap(), (done, Answer::Known(value("p1"))));
    assert!(tape.take_fresh().0.is_empty());
}

#[test]
fn the_next_attempt_keeps_successes_and_asks_failures_again_under_a_marked_path() {
    let mut tape = begin(ComponentKind::Function);
    assert_eq!(tape.begin(ROOT, true).unwrap(), 1);
    let (good, _) = tape.ask(ROOT, &step("part", "1"), 1_001).unwrap();
    let (bad, _) = tape.ask(ROOT, &step("part", "2"), 1_002).unwrap();
    let key = tape.identity(bad).unwrap();
    arrive(&mut tape, good, value("p1"));
    arrive(&mut tape, bad, failure("no"));
    assert!(tape.fail_attempt(ROOT, Bytes::from_static(b"no"), 9_000, Bytes::new(), 0, 1_003));
    assert_eq!(tape.retry_at(ROOT), 9_000);

    assert_eq!(tape.begin(ROOT, true).unwrap(), 2);
    assert_eq!(tape.ask(ROOT, &step("part", "1"), 2_000).unwrap(), (good, Answer::Known(value("p1"))));
    let (again, answer) = tape.ask(ROOT, &step("part", "2"), 2_001).unwrap();
    assert_eq!(answer, Answer::Pending);
    assert_ne!(again, bad);
    assert_eq!(&*tape.op(again).unwrap().path, "part#2@2");
    assert_eq!(tape.identity(again).unwrap(), key, "every attempt carries the same key");

    // The process dies in the second attempt: what failed in the first is still not an answer.
    let mut tape = Recorder::new().after(&mut tape).again();
    assert_eq!(tape.begin(ROOT, true).unwrap(), 2);
    assert_eq!(tape.ask(ROOT, &step("part", "2"), 3_000).unwrap(), (again, Answer::Pending));
}

#[test]
fn what_the_last_attempt_did_not_ask_again_is_named_when_the_function_ends() {
    let mut tape = begin(ComponentKind::Flow);
    let call = tape.command(&function("report"), 1_001).unwrap();
    tape.begin(call, true).unwrap();
    let (kept, _) = tape.ask(call, &step("fetch", "today"), 1_002).unwrap();
    arrive(&mut tape, kept, value("T"));
    let (dropped, _) = tape.ask(call, &step("fetch", "noon"), 1_003).unwrap();
    arrive(&mut tape, dropped, value("N"));
    let journal = Recorder::new().after(&mut tape);

    let mut again = journal.again();
    let call = again.command(&function("report"), 5_001).unwrap();
    assert_eq!(again.take_recorded().unwrap(), None);
    again.begin(call, true).unwrap();
    again.ask(call, &step("fetch", "today"), 5_002).unwrap();
    let (late, _) = again.ask(call, &step("fetch", "evening"), 5_003).unwrap();
    arrive(&mut again, late, value("E"));
    arrive(&mut again, call, value("done"));
    assert_eq!(last_completion(&mut again).unclaimed, [dropped]);
}

fn last_completion(tape: &mut Tape) -> agnt5_journal::Completion {
    let body = tape.take_fresh().0.pop().and_then(|entry| entry.body);
    match body {
        Some(agnt5_journal::entry::Body::Completion(completion)) => completion,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_next_attempt_asks_all_again_when_it_is_to_reuse_nothing() {
    let mut tape = begin(ComponentKind::Function);
    tape.begin(ROOT, false).unwrap();
    let (first, _) = tape.ask(ROOT, &step("part", "1"), 1_001).unwrap();
    arrive(&mut tape, first, value("p1"));
    assert!(tape.fail_attempt(ROOT, Bytes::from_static(b"no"), 9_000, Bytes::new(), 0, 1_003));

    tape.begin(ROOT, false).unwrap();
    let (again, answer) = tape.ask(ROOT, &step("part", "1"), 2_000).unwrap();
    assert_eq!(answer, Answer::Pending);
    assert_eq!(&*tape.op(again).unwrap().path, "part@2");
    arrive(&mut tape, again, value("p2"));

    // The process dies in the second attempt: what that one recorded answers.
    let mut tape = Recorder::new().after(&mut tape).again();
    tape.begin(ROOT, false).unwrap();
    assert_eq!(tape.ask(ROOT, &step("part", "1"), 3_000).unwrap(), (again, Answer::Known(value("p2"))));
}

#[test]
fn a_failure_answers_within_its_attempt() {
    let mut tape = begin(ComponentKind::Function);
    tape.begin(ROOT, true).unwrap();
    let (bad, _) = tape.ask(ROOT, &step("part", "2"), 1_002).unwrap();
    arrive(&mut tape, bad, failure("no"));
    let mut tape = Recorder::new().after(&mut tape).again();
    tape.begin(ROOT, true).unwrap();
    assert_eq!(tape.ask(ROOT, &step("part", "2"), 3_000).unwrap(), (bad, Answer::Known(failure("no"))));
}

#[test]
fn waits_left_open_by_a_finished_function_are_given_up() {
    let mut tape = begin(ComponentKind::Flow);
    let call = tape.command(&function("work"), 1_001).unwrap();
    tape.begin(call, true).unwrap();
    let (wait, _) = tape.ask(call, &Ask::new(CommandKind::WaitEvent, "go"), 1_002).unwrap();
    arrive(&mut tape, call, value("left early"));
    let (entries, _) = tape.take_fresh();
    let given_up = entries.iter().any(|entry| match &entry.body {
        Some(agnt5_journal::entry::Body::Command(command)) => {
            command.kind() == CommandKind::Cancel && command.target == wait.to_string()
        }
        _ => false,
    });
    assert!(given_up);
    assert!(tape.op(wait).is_none());
}

#[test]
fn state_set_inside_a_function_is_seen_by_the_flow_in_the_same_place() {
    let mut tape = begin(ComponentKind::Flow);
    let call = tape.command(&function("work"), 1_001).unwrap();
    tape.begin(call, true).unwrap();
    let set = Ask { input: Bytes::from_static(b"1"), ..Ask::new(CommandKind::StateSet, "progress") };
    tape.ask(call, &set, 1_002).unwrap();
    arrive(&mut tape, call, value("w"));
    assert!(tape.state("progress").is_some());

    let mut tape = Recorder::new().after(&mut tape).again();
    tape.command(&function("work"), 0).unwrap();
    assert!(tape.state("progress").is_none());
    tape.take_recorded().unwrap();
    assert!(tape.state("progress").is_some());
}

#[test]
fn a_strange_journal_is_an_error_and_no_panic() {
    assert!(Tape::new(Vec::new()).is_err());
    assert!(Tape::new(vec![Entry { seq: 0, at: 0, body: None }]).is_err());
    let mut entries = two_steps().entries;
    entries.remove(1);
    assert!(Tape::new(entries).is_err());
}

proptest! {
    /// Whatever part of a function's operations was recorded, and in whatever order two attempts ask: recorded ones answer
    /// with their own value, the others keep their key, and nothing diverges.
    #[test]
    fn concurrency_in_a_function_never_swaps_answers_or_keys(
        inputs in prop::collection::vec(0usize..4, 1..12),
        first_order in any::<u64>(),
        second_order in any::<u64>(),
        recorded in prop::collection::vec(any::<bool>(), 12),
    ) {
        const TEXTS: [&str; 4] = ["a", "b", "c", "d"];
        let shuffled = |seed: u64| {
            let mut order = inputs.clone();
            let mut seed = seed;
            for index in (1..order.len()).rev() {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                order.swap(index, (seed >> 33) as usize % (index + 1));
            }
            order
        };
        let mut tape = begin(ComponentKind::Function);
        tape.begin(ROOT, true).unwrap();
        let mut known = std::collections::HashMap::new();
        let mut uses = [0; 4];
        for (index, input) in shuffled(first_order).into_iter().enumerate() {
            let (seq, _) = tape.ask(ROOT, &step("part", TEXTS[input]), 1_001).unwrap();
            let key = tape.identity(seq).unwrap();
            let answer = recorded[index].then(|| format!("{}{}", TEXTS[input], uses[input]));
            if let Some(answer) = &answer {
                arrive(&mut tape, seq, value(answer));
            }
            known.insert((input, uses[input]), (seq, key, answer));
            uses[input] += 1;
        }
        let mut tape = Recorder::new().after(&mut tape).again();
        tape.begin(ROOT, true).unwrap();
        let mut uses = [0; 4];
        for input in shuffled(second_order) {
            let (seq, answer) = tape.ask(ROOT, &step("part", TEXTS[input]), 2_000).unwrap();
            let (then, key, recorded) = &known[&(input, uses[input])];
            prop_assert_eq!(seq, *then);
            match recorded {
                Some(text) => prop_assert_eq!(answer, Answer::Known(value(text))),
                None => {
                    prop_assert_eq!(answer, Answer::Pending);
                    prop_assert_eq!(&tape.identity(seq).unwrap(), key);
                }
            }
            uses[input] += 1;
        }
        prop_assert!(tape.take_fresh().0.is_empty());
    }
}
