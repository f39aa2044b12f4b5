//! Runs and the transactions they are written in.

use agnt5_journal::Status;
use agnt5_store::*;
use bytes::Bytes;

use crate::common::{add_run, event, hash, run, segment, within};

pub fn a_run_is_read_as_it_was_written(mut store: impl Store) {
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
        origin: None,
        overlay: String::new(),
        ..run("r_1")
    };
    let num = within(&mut store, |store| store.insert_run(&row).unwrap());
    let expected = RunRow { num, ..row };
    assert_eq!(store.run(num).unwrap(), Some(expected.clone()));
    assert_eq!(store.run_by_id("r_1").unwrap(), Some(expected));
    assert_eq!(store.run(num + 1).unwrap(), None);
    assert_eq!(store.run_by_id("r_").unwrap(), None);
}

pub fn a_run_id_is_taken_once(mut store: impl Store) {
    let num = add_run(&mut store, "r_1");
    within(&mut store, |store| {
        assert!(matches!(store.insert_run(&run("r_1")), Err(StoreError::Exists(id)) if id == "r_1"));
        store.append(num, &segment(0, 1, "the transaction goes on")).unwrap();
    });
    assert_eq!(store.journal(num, 0, 100).unwrap().len(), 1);
}

pub fn run_numbers_are_never_used_again(mut store: impl Store) {
    let first = add_run(&mut store, "a");
    let second = add_run(&mut store, "b");
    assert!(second > first && first > 0);
    within(&mut store, |store| store.delete_run(second).unwrap());
    assert!(add_run(&mut store, "b") > second);
}

pub fn updates_write_all_but_number_and_id(mut store: impl Store) {
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
        origin: None,
        overlay: String::new(),
    };
    within(&mut store, |store| store.update_run(&changed).unwrap());
    let expected = RunRow { id: "r_1".into(), ..changed.clone() };
    assert_eq!(store.run_by_id("r_1").unwrap(), Some(expected));
    assert_eq!(store.run_by_id("ignored").unwrap(), None);
    assert_eq!(store.child_count(9).unwrap(), 1);
    within(&mut store, |store| {
        let nobody = RunRow { num: 99, ..changed };
        assert!(matches!(store.update_run(&nobody), Err(StoreError::Unusable(_))));
    });
}

pub fn a_rollback_undoes_everything(mut store: impl Store) {
    let num = within(&mut store, |store| {
        let num = store.insert_run(&run("kept")).unwrap();
        store.append(num, &segment(0, 1, "kept")).unwrap();
        store.put_blob(num, &hash(b"kept"), b"kept").unwrap();
        store.put_timer(&TimerRow { due: 10, run: num, seq: 1 }).unwrap();
        store.put_wait(&WaitRow { run: num, seq: 2, name: "go".into() }).unwrap();
        store.put_event(&event("e", "mail")).unwrap();
        store.put_object("C\nk", Some(b"kept")).unwrap();
        num
    });
    store.begin().unwrap();
    store.insert_run(&run("gone")).unwrap();
    store.update_run(&RunRow { status: Status::Failed, ..store.run(num).unwrap().unwrap() }).unwrap();
    store.append(num, &segment(1, 1, "gone")).unwrap();
    store.put_timer(&TimerRow { due: 99, run: num, seq: 1 }).unwrap();
    store.put_event(&event("f", "mail")).unwrap();
    store.put_object("C\nk", None).unwrap();
    store.delete_run(num).unwrap();
    store.rollback();

    assert_eq!(store.run_by_id("gone").unwrap(), None);
    assert_eq!(store.run(num).unwrap().unwrap().status, Status::Pending);
    assert_eq!(store.journal(num, 0, 100).unwrap(), vec![segment(0, 1, "kept")]);
    assert_eq!(store.blob(&hash(b"kept")).unwrap().as_deref(), Some(&b"kept"[..]));
    assert_eq!(store.due_timers(99, 9).unwrap(), vec![TimerRow { due: 10, run: num, seq: 1 }]);
    assert_eq!(store.oldest_wait("go", None).unwrap().unwrap().seq, 2);
    assert_eq!(store.events(None, 10).unwrap().len(), 1);
    assert_eq!(store.object("C\nk").unwrap().as_deref(), Some(&b"kept"[..]));
    assert_eq!(store.unfinished(0, 10).unwrap().len(), 1);
    add_run(&mut store, "gone");
}

pub fn transactions_do_not_nest_and_changes_need_one(mut store: impl Store) {
    assert!(store.insert_run(&run("r")).is_err());
    assert!(store.commit().is_err());
    store.rollback();
    store.begin().unwrap();
    assert!(store.begin().is_err());
    store.insert_run(&run("r")).unwrap();
    store.commit().unwrap();
    assert!(store.run_by_id("r").unwrap().is_some());
}

pub fn lists_filter_and_page_newest_first(mut store: impl Store) {
    let parent = add_run(&mut store, "r_parent");
    within(&mut store, |store| {
        for at in 0..10i64 {
            let component = if at % 2 == 0 { "even" } else { "odd" };
            let status = if at < 5 { Status::Completed } else { Status::Waiting };
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
        store.list_runs(&filter).unwrap().into_iter().map(|row| row.id).collect()
    };
    let all = RunFilter::default();
    assert_eq!(ids(all.clone()).len(), 11);
    assert_eq!(ids(RunFilter { limit: 2, ..all.clone() }), ["x_9", "x_8"]);
    let eighth = store.run_by_id("x_8").unwrap().unwrap().num;
    assert_eq!(ids(RunFilter { limit: 2, before: Some(eighth), ..all.clone() }), ["x_7", "x_6"]);
    assert_eq!(ids(RunFilter { status: Some(Status::Waiting), limit: 1, ..all.clone() }), ["x_9"]);
    assert_eq!(ids(RunFilter { status: Some(Status::Completed), ..all.clone() }).len(), 5);
    assert_eq!(
        ids(RunFilter { component: Some("odd".into()), since: Some(6), ..all.clone() }),
        ["x_9", "x_7"]
    );
    assert_eq!(ids(RunFilter { id_prefix: Some("r_".into()), ..all.clone() }), ["r_parent"]);
    assert_eq!(ids(RunFilter { id_prefix: Some("x%".into()), ..all.clone() }), [""; 0]);
    assert_eq!(ids(RunFilter { parent: Some(parent), ..all.clone() }), ["x_3"]);
    assert_eq!(ids(RunFilter { roots: true, limit: 7, ..all }).last().unwrap(), "x_2", "x_3 is a child");
}

pub fn unfinished_runs_come_by_number_in_pages(mut store: impl Store) {
    let nums: Vec<_> = (0..4).map(|at| add_run(&mut store, &format!("r_{at}"))).collect();
    let done = store.run(nums[1]).unwrap().unwrap();
    within(&mut store, |store| store.update_run(&RunRow { status: Status::Cancelled, ..done }).unwrap());
    let page = |after, limit| -> Vec<_> {
        store.unfinished(after, limit).unwrap().iter().map(|row| row.num).collect()
    };
    assert_eq!(page(0, 2), [nums[0], nums[2]]);
    assert_eq!(page(nums[2], 2), [nums[3]]);
    assert_eq!(page(nums[3], 2), [0; 0]);
}

pub fn children_are_counted(mut store: impl Store) {
    let parent = add_run(&mut store, "parent");
    within(&mut store, |store| {
        for at in 0..3u64 {
            store.insert_run(&RunRow { parent: Some((parent, at)), ..run(&format!("child {at}")) }).unwrap();
        }
    });
    assert_eq!(store.child_count(parent).unwrap(), 3);
    assert_eq!(store.child_count(parent + 1).unwrap(), 0);
}
