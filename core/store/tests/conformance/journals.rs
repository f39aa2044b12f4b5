//! Segments, blobs, and what a deletion takes along.

use agnt5_store::*;
use bytes::Bytes;

use crate::common::{add_run, event, hash, segment, within};

pub fn a_journal_is_read_from_any_entry_in_bounded_pages(mut store: impl Store) {
    let (one, two) = (add_run(&mut store, "1"), add_run(&mut store, "2"));
    let written = [segment(0, 3, "aaa"), segment(3, 1, "b"), segment(4, 5, "ccccc")];
    within(&mut store, |store| {
        for part in &written {
            store.append(one, part).unwrap();
            store.append(two, part).unwrap();
        }
    });
    assert_eq!(store.journal(one, 0, usize::MAX).unwrap(), written);
    assert_eq!(store.journal(one, 2, usize::MAX).unwrap(), written, "entry 2 is inside the first segment");
    assert_eq!(store.journal(one, 3, usize::MAX).unwrap(), written[1..]);
    assert_eq!(store.journal(one, 8, usize::MAX).unwrap(), written[2..]);
    assert_eq!(store.journal(one, 9, usize::MAX).unwrap(), []);
    assert_eq!(store.journal(one, 0, 0).unwrap(), written[..1], "always at least one");
    assert_eq!(store.journal(one, 0, 4).unwrap(), written[..2]);
    assert_eq!(store.journal(99, 0, 4).unwrap(), []);
}

pub fn a_segment_is_never_written_twice(mut store: impl Store) {
    let num = add_run(&mut store, "r");
    within(&mut store, |store| {
        store.append(num, &segment(0, 1, "first")).unwrap();
        assert!(matches!(store.append(num, &segment(0, 1, "second")), Err(StoreError::Unusable(_))));
    });
    assert_eq!(store.journal(num, 0, 100).unwrap(), vec![segment(0, 1, "first")]);
}

/// More than a store may keep out of its index, in and out of order, with rollbacks and deletions in between.
pub fn thousands_of_segments_are_found_again(mut store: impl Store) {
    let runs: Vec<_> = (0..20).map(|at| add_run(&mut store, &format!("r_{at}"))).collect();
    for at in (1..=300u64).chain([0]) {
        store.begin().unwrap();
        for &num in &runs {
            store.append(num, &segment(at, 1, at.to_le_bytes().to_vec())).unwrap();
        }
        if at % 100 == 0 {
            store.rollback();
            within(&mut store, |store| {
                for &num in &runs {
                    store.append(num, &segment(at, 1, at.to_le_bytes().to_vec())).unwrap();
                    assert!(store.append(num, &segment(at.max(2) - 1, 1, "twice")).is_err());
                }
            });
        } else {
            store.commit().unwrap();
        }
    }
    within(&mut store, |store| store.delete_run(runs[19]).unwrap());
    within(&mut store, |store| store.append(runs[0], &segment(301, 1, "last")).unwrap());
    for &num in &runs[..19] {
        let journal = store.journal(num, 0, usize::MAX).unwrap();
        assert!(journal.iter().zip(0..).all(|(part, at)| part.first_seq == at), "run {num}");
        assert_eq!(journal.len(), if num == runs[0] { 302 } else { 301 });
        assert_eq!(store.journal(num, 299, 9).unwrap(), journal[299..301]);
    }
    assert_eq!(store.journal(runs[19], 0, 9).unwrap(), []);
}

pub fn blobs_are_stored_once_and_go_with_their_last_run(mut store: impl Store) {
    let (one, two) = (add_run(&mut store, "1"), add_run(&mut store, "2"));
    let compressible = vec![b'z'; 100_000];
    let noise: Vec<u8> = (0..100u32).flat_map(|at| *blake3::hash(&at.to_le_bytes()).as_bytes()).collect();
    within(&mut store, |store| {
        for bytes in [&compressible, &noise, &Vec::new()] {
            store.put_blob(one, &hash(bytes), bytes).unwrap();
            store.put_blob(one, &hash(bytes), bytes).unwrap();
        }
        store.put_blob(two, &hash(&noise), &noise).unwrap();
    });
    assert_eq!(store.blob(&hash(&compressible)).unwrap().unwrap(), compressible);
    assert_eq!(store.blob(&hash(b"")).unwrap().unwrap(), Bytes::new());
    within(&mut store, |store| store.delete_run(one).unwrap());
    assert_eq!(store.blob(&hash(&compressible)).unwrap(), None);
    assert_eq!(store.blob(&hash(&noise)).unwrap().unwrap(), noise);
    within(&mut store, |store| store.delete_run(two).unwrap());
    assert_eq!(store.blob(&hash(&noise)).unwrap(), None);
}

pub fn deleting_a_run_takes_all_that_is_its_own(mut store: impl Store) {
    let (gone, stays) = (add_run(&mut store, "gone"), add_run(&mut store, "stays"));
    within(&mut store, |store| {
        for num in [gone, stays] {
            store.append(num, &segment(0, 1, "x")).unwrap();
            store.put_timer(&TimerRow { due: 1, run: num, seq: 1 }).unwrap();
            store.put_wait(&WaitRow { run: num, seq: 2, name: "go".into() }).unwrap();
            let sent = EventRow { target: Some(num), ..event(&format!("to {num}"), "mail") };
            store.put_event(&sent).unwrap();
        }
        let assigned = EventState::Assigned { run: gone, seq: 2 };
        store.put_event(&EventRow { state: assigned, ..event("free", "go") }).unwrap();
        store.delete_run(gone).unwrap();
        store.delete_run(gone).unwrap();
    });
    assert_eq!(store.run(gone).unwrap(), None);
    assert_eq!(store.journal(gone, 0, 100).unwrap(), []);
    assert_eq!(store.journal(stays, 0, 100).unwrap().len(), 1);
    assert_eq!(store.due_timers(9, 9).unwrap(), vec![TimerRow { due: 1, run: stays, seq: 1 }]);
    assert_eq!(store.oldest_wait("go", None).unwrap().unwrap().run, stays);
    let left: Vec<_> = store.events(None, 9).unwrap().into_iter().map(|event| event.id).collect();
    assert_eq!(
        left,
        [format!("to {stays}"), "free".into()],
        "what was only assigned is in the mailbox again"
    );
}
