//! Timers, waits, events and the state of objects.

use agnt5_store::*;
use bytes::Bytes;

use crate::common::{event, within};

pub fn timers_fire_in_order_and_are_replaced(mut store: impl Store) {
    let timer = |due, run, seq| TimerRow { due, run, seq };
    within(&mut store, |store| {
        for row in [timer(30, 1, 1), timer(10, 2, 1), timer(10, 1, 5), timer(20, 3, 1)] {
            store.put_timer(&row).unwrap();
        }
        store.put_timer(&timer(40, 3, 1)).unwrap();
        store.delete_timer(9, 9).unwrap();
    });
    assert_eq!(store.due_timers(30, 10).unwrap(), [timer(10, 1, 5), timer(10, 2, 1), timer(30, 1, 1)]);
    assert_eq!(store.due_timers(30, 1).unwrap(), [timer(10, 1, 5)]);
    assert_eq!(store.due_timers(9, 10).unwrap(), []);
    assert_eq!(store.next_due(10).unwrap(), Some(30));
    assert_eq!(store.next_due(40).unwrap(), None);
    assert_eq!(store.next_due(Micros::MAX).unwrap(), None);
    within(&mut store, |store| store.delete_timer(1, 5).unwrap());
    assert_eq!(store.due_timers(10, 10).unwrap(), [timer(10, 2, 1)]);
}

pub fn the_wait_put_first_is_served_first(mut store: impl Store) {
    let wait = |run, seq| WaitRow { run, seq, name: "go".into() };
    within(&mut store, |store| {
        for row in [wait(5, 1), wait(3, 1), wait(3, 2)] {
            store.put_wait(&row).unwrap();
        }
        store.put_wait(&wait(5, 1)).unwrap();
        store.put_wait(&WaitRow { run: 1, seq: 1, name: "other".into() }).unwrap();
    });
    assert_eq!(store.oldest_wait("go", None).unwrap(), Some(wait(5, 1)), "put again, it kept its turn");
    assert_eq!(store.oldest_wait("go", Some(3)).unwrap(), Some(wait(3, 1)));
    assert_eq!(store.oldest_wait("go", Some(1)).unwrap(), None);
    assert_eq!(store.oldest_wait("g", None).unwrap(), None);
    within(&mut store, |store| {
        let state = EventState::Assigned { run: 5, seq: 1 };
        store.put_event(&EventRow { state, ..event("e", "go") }).unwrap();
    });
    assert_eq!(store.oldest_wait("go", None).unwrap(), Some(wait(3, 1)), "run 5 has its answer");
    within(&mut store, |store| {
        store.delete_wait(3, 1).unwrap();
        store.put_wait(&WaitRow { run: 3, seq: 2, name: "other".into() }).unwrap();
    });
    assert_eq!(store.oldest_wait("go", None).unwrap(), None);
    assert_eq!(store.oldest_wait("other", Some(3)).unwrap().unwrap().seq, 2);
}

pub fn an_event_is_taken_once_and_its_id_remembered(mut store: impl Store) {
    within(&mut store, |store| {
        assert!(store.put_event(&event("e1", "mail")).unwrap());
        assert!(store.put_event(&event("e2", "mail")).unwrap());
        assert!(
            !store
                .put_event(&EventRow { payload: Bytes::from_static(b"again"), ..event("e1", "mail") })
                .unwrap()
        );
    });
    let first = store.oldest_event("mail", 7).unwrap().unwrap();
    assert_eq!((first.id.as_str(), &first.payload[..]), ("e1", &b"payload"[..]));
    within(&mut store, |store| {
        store.set_event_state(first.num, EventState::Assigned { run: 7, seq: 4 }).unwrap();
        assert!(store.set_event_state(999, EventState::Kept).is_err());
    });
    assert_eq!(store.oldest_event("mail", 7).unwrap().unwrap().id, "e2");
    within(&mut store, |store| {
        store.put_event(&EventRow { target: Some(7), ..event("e3", "post") }).unwrap();
        store.put_event(&EventRow { target: Some(9), ..event("e4", "post") }).unwrap();
        store.retarget_events(7, 8).unwrap();
    });
    assert_eq!(store.oldest_event("post", 7).unwrap(), None);
    assert_eq!(store.oldest_event("post", 8).unwrap().unwrap().id, "e3");
    assert_eq!(store.oldest_event("post", 9).unwrap().unwrap().id, "e4");
    within(&mut store, |store| {
        for num in store.events(Some("post"), 10).unwrap().iter().map(|event| event.num).collect::<Vec<_>>() {
            store.set_event_state(num, EventState::Consumed).unwrap();
        }
    });
    assert_eq!(store.assigned_event(7, 4).unwrap().unwrap().id, "e1");
    assert_eq!(store.assigned_event(7, 5).unwrap(), None);
    within(&mut store, |store| store.set_event_state(first.num, EventState::Consumed).unwrap());
    assert_eq!(store.assigned_event(7, 4).unwrap(), None);
    assert_eq!(store.events(None, 10).unwrap().len(), 1, "consumed ones are not listed");
    within(&mut store, |store| assert!(!store.put_event(&event("e1", "mail")).unwrap()));
}

pub fn targeted_events_reach_their_run_only(mut store: impl Store) {
    within(&mut store, |store| {
        store.put_event(&EventRow { target: Some(3), ..event("e1", "mail") }).unwrap();
        store.put_event(&event("e2", "mail")).unwrap();
    });
    assert_eq!(store.oldest_event("mail", 3).unwrap().unwrap().id, "e1");
    assert_eq!(store.oldest_event("mail", 4).unwrap().unwrap().id, "e2");
    assert_eq!(store.oldest_event("post", 3).unwrap(), None);
}

pub fn events_expire_visibly(mut store: impl Store) {
    let expired = within(&mut store, |store| {
        for (id, expires) in [("a", 10), ("b", 20), ("c", 30)] {
            store.put_event(&EventRow { expires, ..event(id, "mail") }).unwrap();
        }
        let taken = store.oldest_event("mail", 1).unwrap().unwrap();
        store.set_event_state(taken.num, EventState::Assigned { run: 1, seq: 1 }).unwrap();
        store.expire_events(20).unwrap()
    });
    assert_eq!(expired, 1, "what is assigned does not expire");
    assert_eq!(store.oldest_event("mail", 1).unwrap().unwrap().id, "c");
    let listed: Vec<_> =
        store.events(Some("mail"), 10).unwrap().into_iter().map(|row| (row.id, row.state)).collect();
    assert_eq!(listed, [("b".into(), EventState::Expired), ("c".into(), EventState::Kept)]);
    assert_eq!(store.events(None, 1).unwrap().len(), 1);
    assert_eq!(store.events(Some("other"), 9).unwrap(), []);
    assert_eq!(within(&mut store, |store| store.expire_events(20).unwrap()), 0);
}

pub fn object_state_is_replaced_and_removed(mut store: impl Store) {
    assert_eq!(store.object("C\nk").unwrap(), None);
    within(&mut store, |store| store.put_object("C\nk", Some(b"1")).unwrap());
    within(&mut store, |store| store.put_object("C\nk", Some(b"2")).unwrap());
    assert_eq!(store.object("C\nk").unwrap().unwrap(), &b"2"[..]);
    within(&mut store, |store| store.put_object("C\nk", None).unwrap());
    assert_eq!(store.object("C\nk").unwrap(), None);
}
