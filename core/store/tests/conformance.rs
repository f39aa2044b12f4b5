//! What every store must do, as one list of behaviours run on each of them.

mod common;

use agnt5_journal::Status;
use agnt5_store::*;
use bytes::Bytes;
use common::{add_run, event, hash, run, segment, within};

macro_rules! conformance {
    ($($behaviour:ident),* $(,)?) => {
        mod memory {
            $(#[test] fn $behaviour() { super::$behaviour(agnt5_store::MemoryStore::new()) })*
        }
        mod sqlite {
            $(#[test] fn $behaviour() {
                let dir = tempfile::tempdir().unwrap();
                super::$behaviour(super::common::open(&dir.path().join("store")));
            })*
        }
        mod faulty_without_faults {
            $(#[test] fn $behaviour() {
                super::$behaviour(agnt5_store::FaultyStore::new(agnt5_store::MemoryStore::new()))
            })*
        }
    };
}

conformance!(
    a_run_is_read_as_it_was_written,
    a_run_id_is_taken_once,
    run_numbers_are_never_used_again,
    updates_write_all_but_number_and_id,
    a_rollback_undoes_everything,
    transactions_do_not_nest_and_changes_need_one,
    lists_filter_and_page_newest_first,
    unfinished_runs_come_by_number_in_pages,
    a_journal_is_read_from_any_entry_in_bounded_pages,
    a_segment_is_never_written_twice,
    thousands_of_segments_are_found_again,
    blobs_are_stored_once_and_go_with_their_last_run,
    deleting_a_run_takes_all_that_is_its_own,
    timers_fire_in_order_and_are_replaced,
    the_wait_put_first_is_served_first,
    an_event_is_taken_once_and_its_id_remembered,
    targeted_events_reach_their_run_only,
    events_expire_visibly,
    object_state_is_replaced_and_removed,
    children_are_counted,
);

fn a_run_is_read_as_it_was_written(mut store: impl Store) {
    let row = RunRow {
        parent: Some((7, 3)),
        depth: 2,
        object: "Counter\nk".into(),
        epoch: u64::from(u32::MAX) + 5,
        started: Some(5),
        ended: Some(-6),
        cancel_requested: true,
        interrupted: true,
        crashes: 4,
        reason: "who knows \u{1F600}".into(),
        tags: "{\"a\":\"b\"}".into(),
        ..run("r_1")
    };
    let num = within(&mut store, |store| store.insert_run(&row).unwrap());
    let expected = RunRow { num, ..row };
    assert_eq!(store.run(num).unwrap(), Some(expected.clone()));
    assert_eq!(store.run_by_id("r_1").unwrap(), Some(expected));
    assert_eq!(store.run(num + 1).unwrap(), None);
    assert_eq!(store.run_by_id("r_").unwrap(), None);
}

fn a_run_id_is_taken_once(mut store: impl Store) {
    let num = add_run(&mut store, "r_1");
    within(&mut store, |store| {
        assert!(
            matches!(store.insert_run(&run("r_1")), Err(StoreError::Exists(id)) if id == "r_1")
        );
        store
            .append(num, &segment(0, 1, "the transaction goes on"))
            .unwrap();
    });
    assert_eq!(store.journal(num, 0, 100).unwrap().len(), 1);
}

fn run_numbers_are_never_used_again(mut store: impl Store) {
    let first = add_run(&mut store, "a");
    let second = add_run(&mut store, "b");
    assert!(second > first && first > 0);
    within(&mut store, |store| store.delete_run(second).unwrap());
    assert!(add_run(&mut store, "b") > second);
}

fn updates_write_all_but_number_and_id(mut store: impl Store) {
    let num = add_run(&mut store, "r_1");
    let changed = RunRow {
        num,
        id: "ignored".into(),
        component: "other".into(),
        kind: agnt5_journal::ComponentKind::Object,
        status: Status::Running,
        epoch: 3,
        parent: Some((9, 1)),
        depth: 1,
        object: "C\nk".into(),
        input_digest: Bytes::from_static(b"d"),
        created: 2_000,
        started: Some(1),
        ended: Some(2),
        cancel_requested: true,
        interrupted: true,
        crashes: 1,
        reason: "why".into(),
        tags: "{\"x\":\"y\"}".into(),
    };
    within(&mut store, |store| store.update_run(&changed).unwrap());
    let expected = RunRow {
        id: "r_1".into(),
        ..changed.clone()
    };
    assert_eq!(store.run_by_id("r_1").unwrap(), Some(expected));
    assert_eq!(store.run_by_id("ignored").unwrap(), None);
    assert_eq!(store.child_count(9).unwrap(), 1);
    within(&mut store, |store| {
        let nobody = RunRow { num: 99, ..changed };
        assert!(matches!(
            store.update_run(&nobody),
            Err(StoreError::Unusable(_))
        ));
    });
}

fn a_rollback_undoes_everything(mut store: impl Store) {
    let num = within(&mut store, |store| {
        let num = store.insert_run(&run("kept")).unwrap();
        store.append(num, &segment(0, 1, "kept")).unwrap();
        store.put_blob(num, &hash(b"kept"), b"kept").unwrap();
        store
            .put_timer(&TimerRow {
                due: 10,
                run: num,
                seq: 1,
            })
            .unwrap();
        store
            .put_wait(&WaitRow {
                run: num,
                seq: 2,
                name: "go".into(),
            })
            .unwrap();
        store.put_event(&event("e", "mail")).unwrap();
        store.put_object("C\nk", Some(b"kept")).unwrap();
        num
    });
    store.begin().unwrap();
    store.insert_run(&run("gone")).unwrap();
    store
        .update_run(&RunRow {
            status: Status::Failed,
            ..store.run(num).unwrap().unwrap()
        })
        .unwrap();
    store.append(num, &segment(1, 1, "gone")).unwrap();
    store
        .put_timer(&TimerRow {
            due: 99,
            run: num,
            seq: 1,
        })
        .unwrap();
    store.put_event(&event("f", "mail")).unwrap();
    store.put_object("C\nk", None).unwrap();
    store.delete_run(num).unwrap();
    store.rollback();

    assert_eq!(store.run_by_id("gone").unwrap(), None);
    assert_eq!(store.run(num).unwrap().unwrap().status, Status::Pending);
    assert_eq!(
        store.journal(num, 0, 100).unwrap(),
        vec![segment(0, 1, "kept")]
    );
    assert_eq!(
        store.blob(&hash(b"kept")).unwrap().as_deref(),
        Some(&b"kept"[..])
    );
    assert_eq!(
        store.due_timers(99, 9).unwrap(),
        vec![TimerRow {
            due: 10,
            run: num,
            seq: 1
        }]
    );
    assert_eq!(store.oldest_wait("go", None).unwrap().unwrap().seq, 2);
    assert_eq!(store.events(None, 10).unwrap().len(), 1);
    assert_eq!(store.object("C\nk").unwrap().as_deref(), Some(&b"kept"[..]));
    assert_eq!(store.unfinished(0, 10).unwrap().len(), 1);
    add_run(&mut store, "gone");
}

fn transactions_do_not_nest_and_changes_need_one(mut store: impl Store) {
    assert!(store.insert_run(&run("r")).is_err());
    assert!(store.commit().is_err());
    store.rollback();
    store.begin().unwrap();
    assert!(store.begin().is_err());
    store.insert_run(&run("r")).unwrap();
    store.commit().unwrap();
    assert!(store.run_by_id("r").unwrap().is_some());
}

fn lists_filter_and_page_newest_first(mut store: impl Store) {
    let parent = add_run(&mut store, "r_parent");
    within(&mut store, |store| {
        for at in 0..10i64 {
            let component = if at % 2 == 0 { "even" } else { "odd" };
            let status = if at < 5 {
                Status::Completed
            } else {
                Status::Waiting
            };
            let parent = (at == 3).then_some((parent, 1));
            let row = RunRow {
                component: component.into(),
                status,
                created: at,
                parent,
                ..run(&format!("x_{at}"))
            };
            store.insert_run(&row).unwrap();
        }
    });
    let ids = |filter: RunFilter| -> Vec<String> {
        store
            .list_runs(&filter)
            .unwrap()
            .into_iter()
            .map(|row| row.id)
            .collect()
    };
    let all = RunFilter::default();
    assert_eq!(ids(all.clone()).len(), 11);
    assert_eq!(
        ids(RunFilter {
            limit: 2,
            ..all.clone()
        }),
        ["x_9", "x_8"]
    );
    let eighth = store.run_by_id("x_8").unwrap().unwrap().num;
    assert_eq!(
        ids(RunFilter {
            limit: 2,
            before: Some(eighth),
            ..all.clone()
        }),
        ["x_7", "x_6"]
    );
    assert_eq!(
        ids(RunFilter {
            status: Some(Status::Waiting),
            limit: 1,
            ..all.clone()
        }),
        ["x_9"]
    );
    assert_eq!(
        ids(RunFilter {
            status: Some(Status::Completed),
            ..all.clone()
        })
        .len(),
        5
    );
    assert_eq!(
        ids(RunFilter {
            component: Some("odd".into()),
            since: Some(6),
            ..all.clone()
        }),
        ["x_9", "x_7"]
    );
    assert_eq!(
        ids(RunFilter {
            id_prefix: Some("r_".into()),
            ..all.clone()
        }),
        ["r_parent"]
    );
    assert_eq!(
        ids(RunFilter {
            id_prefix: Some("x%".into()),
            ..all.clone()
        }),
        [""; 0]
    );
    assert_eq!(
        ids(RunFilter {
            parent: Some(parent),
            ..all
        }),
        ["x_3"]
    );
}

fn unfinished_runs_come_by_number_in_pages(mut store: impl Store) {
    let nums: Vec<_> = (0..4)
        .map(|at| add_run(&mut store, &format!("r_{at}")))
        .collect();
    let done = store.run(nums[1]).unwrap().unwrap();
    within(&mut store, |store| {
        store
            .update_run(&RunRow {
                status: Status::Cancelled,
                ..done
            })
            .unwrap()
    });
    let page = |after, limit| -> Vec<_> {
        store
            .unfinished(after, limit)
            .unwrap()
            .iter()
            .map(|row| row.num)
            .collect()
    };
    assert_eq!(page(0, 2), [nums[0], nums[2]]);
    assert_eq!(page(nums[2], 2), [nums[3]]);
    assert_eq!(page(nums[3], 2), [0; 0]);
}

fn a_journal_is_read_from_any_entry_in_bounded_pages(mut store: impl Store) {
    let (one, two) = (add_run(&mut store, "1"), add_run(&mut store, "2"));
    let written = [
        segment(0, 3, "aaa"),
        segment(3, 1, "b"),
        segment(4, 5, "ccccc"),
    ];
    within(&mut store, |store| {
        for part in &written {
            store.append(one, part).unwrap();
            store.append(two, part).unwrap();
        }
    });
    assert_eq!(store.journal(one, 0, usize::MAX).unwrap(), written);
    assert_eq!(
        store.journal(one, 2, usize::MAX).unwrap(),
        written,
        "entry 2 is inside the first segment"
    );
    assert_eq!(store.journal(one, 3, usize::MAX).unwrap(), written[1..]);
    assert_eq!(store.journal(one, 8, usize::MAX).unwrap(), written[2..]);
    assert_eq!(store.journal(one, 9, usize::MAX).unwrap(), []);
    assert_eq!(
        store.journal(one, 0, 0).unwrap(),
        written[..1],
        "always at least one"
    );
    assert_eq!(store.journal(one, 0, 4).unwrap(), written[..2]);
    assert_eq!(store.journal(99, 0, 4).unwrap(), []);
}

fn a_segment_is_never_written_twice(mut store: impl Store) {
    let num = add_run(&mut store, "r");
    within(&mut store, |store| {
        store.append(num, &segment(0, 1, "first")).unwrap();
        assert!(matches!(
            store.append(num, &segment(0, 1, "second")),
            Err(StoreError::Unusable(_))
        ));
    });
    assert_eq!(
        store.journal(num, 0, 100).unwrap(),
        vec![segment(0, 1, "first")]
    );
}

/// More than a store may keep out of its index, in and out of order, with rollbacks and deletions in between.
fn thousands_of_segments_are_found_again(mut store: impl Store) {
    let runs: Vec<_> = (0..20)
        .map(|at| add_run(&mut store, &format!("r_{at}")))
        .collect();
    for at in (1..=300u64).chain([0]) {
        store.begin().unwrap();
        for &num in &runs {
            store
                .append(num, &segment(at, 1, at.to_le_bytes().to_vec()))
                .unwrap();
        }
        if at % 100 == 0 {
            store.rollback();
            within(&mut store, |store| {
                for &num in &runs {
                    store
                        .append(num, &segment(at, 1, at.to_le_bytes().to_vec()))
                        .unwrap();
                    assert!(
                        store
                            .append(num, &segment(at.max(2) - 1, 1, "twice"))
                            .is_err()
                    );
                }
            });
        } else {
            store.commit().unwrap();
        }
    }
    within(&mut store, |store| store.delete_run(runs[19]).unwrap());
    within(&mut store, |store| {
        store.append(runs[0], &segment(301, 1, "last")).unwrap()
    });
    for &num in &runs[..19] {
        let journal = store.journal(num, 0, usize::MAX).unwrap();
        assert!(
            journal
                .iter()
                .zip(0..)
                .all(|(part, at)| part.first_seq == at),
            "run {num}"
        );
        assert_eq!(journal.len(), if num == runs[0] { 302 } else { 301 });
        assert_eq!(store.journal(num, 299, 9).unwrap(), journal[299..301]);
    }
    assert_eq!(store.journal(runs[19], 0, 9).unwrap(), []);
}

fn blobs_are_stored_once_and_go_with_their_last_run(mut store: impl Store) {
    let (one, two) = (add_run(&mut store, "1"), add_run(&mut store, "2"));
    let compressible = vec![b'z'; 100_000];
    let noise: Vec<u8> = (0..100u32)
        .flat_map(|at| *blake3::hash(&at.to_le_bytes()).as_bytes())
        .collect();
    within(&mut store, |store| {
        for bytes in [&compressible, &noise, &Vec::new()] {
            store.put_blob(one, &hash(bytes), bytes).unwrap();
            store.put_blob(one, &hash(bytes), bytes).unwrap();
        }
        store.put_blob(two, &hash(&noise), &noise).unwrap();
    });
    assert_eq!(
        store.blob(&hash(&compressible)).unwrap().unwrap(),
        compressible
    );
    assert_eq!(store.blob(&hash(b"")).unwrap().unwrap(), Bytes::new());
    within(&mut store, |store| store.delete_run(one).unwrap());
    assert_eq!(store.blob(&hash(&compressible)).unwrap(), None);
    assert_eq!(store.blob(&hash(&noise)).unwrap().unwrap(), noise);
    within(&mut store, |store| store.delete_run(two).unwrap());
    assert_eq!(store.blob(&hash(&noise)).unwrap(), None);
}

fn deleting_a_run_takes_all_that_is_its_own(mut store: impl Store) {
    let (gone, stays) = (add_run(&mut store, "gone"), add_run(&mut store, "stays"));
    within(&mut store, |store| {
        for num in [gone, stays] {
            store.append(num, &segment(0, 1, "x")).unwrap();
            store
                .put_timer(&TimerRow {
                    due: 1,
                    run: num,
                    seq: 1,
                })
                .unwrap();
            store
                .put_wait(&WaitRow {
                    run: num,
                    seq: 2,
                    name: "go".into(),
                })
                .unwrap();
            let sent = EventRow {
                target: Some(num),
                ..event(&format!("to {num}"), "mail")
            };
            store.put_event(&sent).unwrap();
        }
        let assigned = EventState::Assigned { run: gone, seq: 2 };
        store
            .put_event(&EventRow {
                state: assigned,
                ..event("free", "go")
            })
            .unwrap();
        store.delete_run(gone).unwrap();
        store.delete_run(gone).unwrap();
    });
    assert_eq!(store.run(gone).unwrap(), None);
    assert_eq!(store.journal(gone, 0, 100).unwrap(), []);
    assert_eq!(store.journal(stays, 0, 100).unwrap().len(), 1);
    assert_eq!(
        store.due_timers(9, 9).unwrap(),
        vec![TimerRow {
            due: 1,
            run: stays,
            seq: 1
        }]
    );
    assert_eq!(store.oldest_wait("go", None).unwrap().unwrap().run, stays);
    let left: Vec<_> = store
        .events(None, 9)
        .unwrap()
        .into_iter()
        .map(|event| event.id)
        .collect();
    assert_eq!(
        left,
        [format!("to {stays}"), "free".into()],
        "what was only assigned is in the mailbox again"
    );
}

fn timers_fire_in_order_and_are_replaced(mut store: impl Store) {
    let timer = |due, run, seq| TimerRow { due, run, seq };
    within(&mut store, |store| {
        for row in [
            timer(30, 1, 1),
            timer(10, 2, 1),
            timer(10, 1, 5),
            timer(20, 3, 1),
        ] {
            store.put_timer(&row).unwrap();
        }
        store.put_timer(&timer(40, 3, 1)).unwrap();
        store.delete_timer(9, 9).unwrap();
    });
    assert_eq!(
        store.due_timers(30, 10).unwrap(),
        [timer(10, 1, 5), timer(10, 2, 1), timer(30, 1, 1)]
    );
    assert_eq!(store.due_timers(30, 1).unwrap(), [timer(10, 1, 5)]);
    assert_eq!(store.due_timers(9, 10).unwrap(), []);
    assert_eq!(store.next_due(10).unwrap(), Some(30));
    assert_eq!(store.next_due(40).unwrap(), None);
    assert_eq!(store.next_due(Micros::MAX).unwrap(), None);
    within(&mut store, |store| store.delete_timer(1, 5).unwrap());
    assert_eq!(store.due_timers(10, 10).unwrap(), [timer(10, 2, 1)]);
}

fn the_wait_put_first_is_served_first(mut store: impl Store) {
    let wait = |run, seq| WaitRow {
        run,
        seq,
        name: "go".into(),
    };
    within(&mut store, |store| {
        for row in [wait(5, 1), wait(3, 1), wait(3, 2)] {
            store.put_wait(&row).unwrap();
        }
        store.put_wait(&wait(5, 1)).unwrap();
        store
            .put_wait(&WaitRow {
                run: 1,
                seq: 1,
                name: "other".into(),
            })
            .unwrap();
    });
    assert_eq!(
        store.oldest_wait("go", None).unwrap(),
        Some(wait(5, 1)),
        "put again, it kept its turn"
    );
    assert_eq!(store.oldest_wait("go", Some(3)).unwrap(), Some(wait(3, 1)));
    assert_eq!(store.oldest_wait("go", Some(1)).unwrap(), None);
    assert_eq!(store.oldest_wait("g", None).unwrap(), None);
    within(&mut store, |store| {
        let state = EventState::Assigned { run: 5, seq: 1 };
        store
            .put_event(&EventRow {
                state,
                ..event("e", "go")
            })
            .unwrap();
    });
    assert_eq!(
        store.oldest_wait("go", None).unwrap(),
        Some(wait(3, 1)),
        "run 5 has its answer"
    );
    within(&mut store, |store| {
        store.delete_wait(3, 1).unwrap();
        store
            .put_wait(&WaitRow {
                run: 3,
                seq: 2,
                name: "other".into(),
            })
            .unwrap();
    });
    assert_eq!(store.oldest_wait("go", None).unwrap(), None);
    assert_eq!(store.oldest_wait("other", Some(3)).unwrap().unwrap().seq, 2);
}

fn an_event_is_taken_once_and_its_id_remembered(mut store: impl Store) {
    within(&mut store, |store| {
        assert!(store.put_event(&event("e1", "mail")).unwrap());
        assert!(store.put_event(&event("e2", "mail")).unwrap());
        assert!(
            !store
                .put_event(&EventRow {
                    payload: Bytes::from_static(b"again"),
                    ..event("e1", "mail")
                })
                .unwrap()
        );
    });
    let first = store.oldest_event("mail", 7).unwrap().unwrap();
    assert_eq!(
        (first.id.as_str(), &first.payload[..]),
        ("e1", &b"payload"[..])
    );
    within(&mut store, |store| {
        store
            .set_event_state(first.num, EventState::Assigned { run: 7, seq: 4 })
            .unwrap();
        assert!(store.set_event_state(999, EventState::Kept).is_err());
    });
    assert_eq!(store.oldest_event("mail", 7).unwrap().unwrap().id, "e2");
    assert_eq!(store.assigned_event(7, 4).unwrap().unwrap().id, "e1");
    assert_eq!(store.assigned_event(7, 5).unwrap(), None);
    within(&mut store, |store| {
        store
            .set_event_state(first.num, EventState::Consumed)
            .unwrap()
    });
    assert_eq!(store.assigned_event(7, 4).unwrap(), None);
    assert_eq!(
        store.events(None, 10).unwrap().len(),
        1,
        "consumed ones are not listed"
    );
    within(&mut store, |store| {
        assert!(!store.put_event(&event("e1", "mail")).unwrap())
    });
}

fn targeted_events_reach_their_run_only(mut store: impl Store) {
    within(&mut store, |store| {
        store
            .put_event(&EventRow {
                target: Some(3),
                ..event("e1", "mail")
            })
            .unwrap();
        store.put_event(&event("e2", "mail")).unwrap();
    });
    assert_eq!(store.oldest_event("mail", 3).unwrap().unwrap().id, "e1");
    assert_eq!(store.oldest_event("mail", 4).unwrap().unwrap().id, "e2");
    assert_eq!(store.oldest_event("post", 3).unwrap(), None);
}

fn events_expire_visibly(mut store: impl Store) {
    let expired = within(&mut store, |store| {
        for (id, expires) in [("a", 10), ("b", 20), ("c", 30)] {
            store
                .put_event(&EventRow {
                    expires,
                    ..event(id, "mail")
                })
                .unwrap();
        }
        let taken = store.oldest_event("mail", 1).unwrap().unwrap();
        store
            .set_event_state(taken.num, EventState::Assigned { run: 1, seq: 1 })
            .unwrap();
        store.expire_events(20).unwrap()
    });
    assert_eq!(expired, 1, "what is assigned does not expire");
    assert_eq!(store.oldest_event("mail", 1).unwrap().unwrap().id, "c");
    let listed: Vec<_> = store
        .events(Some("mail"), 10)
        .unwrap()
        .into_iter()
        .map(|row| (row.id, row.state))
        .collect();
    assert_eq!(
        listed,
        [
            ("b".into(), EventState::Expired),
            ("c".into(), EventState::Kept)
        ]
    );
    assert_eq!(store.events(None, 1).unwrap().len(), 1);
    assert_eq!(store.events(Some("other"), 9).unwrap(), []);
    assert_eq!(
        within(&mut store, |store| store.expire_events(20).unwrap()),
        0
    );
}

fn object_state_is_replaced_and_removed(mut store: impl Store) {
    assert_eq!(store.object("C\nk").unwrap(), None);
    within(&mut store, |store| {
        store.put_object("C\nk", Some(b"1")).unwrap()
    });
    within(&mut store, |store| {
        store.put_object("C\nk", Some(b"2")).unwrap()
    });
    assert_eq!(store.object("C\nk").unwrap().unwrap(), &b"2"[..]);
    within(&mut store, |store| store.put_object("C\nk", None).unwrap());
    assert_eq!(store.object("C\nk").unwrap(), None);
}

fn children_are_counted(mut store: impl Store) {
    let parent = add_run(&mut store, "parent");
    within(&mut store, |store| {
        for at in 0..3u64 {
            store
                .insert_run(&RunRow {
                    parent: Some((parent, at)),
                    ..run(&format!("child {at}"))
                })
                .unwrap();
        }
    });
    assert_eq!(store.child_count(parent).unwrap(), 3);
    assert_eq!(store.child_count(parent + 1).unwrap(), 0);
}
