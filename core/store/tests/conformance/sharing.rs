//! Journals that begin with another run's entries.

use agnt5_journal::entry::Body;
use agnt5_journal::{Command, Entry, segment};
use agnt5_store::*;

use crate::common::{add_run, within};

fn entries(seqs: std::ops::Range<u64>, name: &str) -> Segment {
    let made: Vec<Entry> = seqs
        .clone()
        .map(|seq| {
            let command = Command { name: format!("{name}{seq}"), ..Command::default() };
            Entry { seq, at: 0, body: Some(Body::Command(command)) }
        })
        .collect();
    Segment { first_seq: seqs.start, count: made.len() as u32, bytes: segment::encode(&made) }
}

/// A run that begins with the entries of another up to `cut`.
fn add_fork(store: &mut impl Store, id: &str, origin: RunNum, cut: u64) -> RunNum {
    let num = add_run(store, id);
    let row = store.run(num).unwrap().unwrap();
    within(store, |store| store.update_run(&RunRow { origin: Some((origin, cut)), ..row.clone() }).unwrap());
    num
}

/// Names of all entries, read page by page as a reader does.
fn names(store: &impl Store, num: RunNum) -> Vec<String> {
    let (mut found, mut next) = (Vec::new(), 0);
    loop {
        let page = store.journal(num, next, 1).unwrap();
        if page.is_empty() {
            return found;
        }
        for part in page {
            assert!(part.first_seq <= next, "no gap");
            let mut entries = Vec::new();
            segment::decode(&part.bytes, &mut entries).unwrap();
            let first = next;
            for entry in entries.into_iter().filter(|entry| entry.seq >= first) {
                let Some(Body::Command(command)) = entry.body else { panic!() };
                found.push(command.name);
                next = entry.seq + 1;
            }
        }
    }
}

pub fn a_fork_reads_the_beginning_of_its_origin_and_then_its_own(mut store: impl Store) {
    let origin = add_run(&mut store, "origin");
    within(&mut store, |store| {
        for part in [entries(0..1, "a"), entries(1..4, "a"), entries(4..9, "a")] {
            store.append(origin, &part).unwrap();
        }
    });
    // The cut lies inside of a segment, on a border, and behind nothing but the start.
    for (cut, id) in [(6, "inside"), (4, "border"), (1, "start")] {
        let fork = add_fork(&mut store, id, origin, cut);
        within(&mut store, |store| {
            store.append(fork, &entries(0..1, "f")).unwrap();
            store.append(fork, &entries(cut..cut + 2, "f")).unwrap();
        });
        let mut expected = vec!["f0".to_owned()];
        expected.extend((1..cut).map(|seq| format!("a{seq}")));
        expected.extend([format!("f{cut}"), format!("f{}", cut + 1)]);
        assert_eq!(names(&store, fork), expected, "{id}");
    }
    assert_eq!(names(&store, origin).len(), 9, "the origin is as it was");
}

pub fn a_fork_of_a_fork_reads_through_both(mut store: impl Store) {
    let origin = add_run(&mut store, "origin");
    within(&mut store, |store| {
        store.append(origin, &entries(0..1, "a")).unwrap();
        store.append(origin, &entries(1..9, "a")).unwrap();
    });
    let fork = add_fork(&mut store, "fork", origin, 3);
    let last = add_fork(&mut store, "last", fork, 5);
    within(&mut store, |store| {
        store.append(fork, &entries(0..1, "f")).unwrap();
        store.append(fork, &entries(3..7, "f")).unwrap();
        store.append(last, &entries(0..1, "l")).unwrap();
        store.append(last, &entries(5..6, "l")).unwrap();
    });
    assert_eq!(names(&store, last), ["l0", "a1", "a2", "f3", "f4", "l5"]);
    assert_eq!(
        store.list_runs(&RunFilter { origin: Some(fork), limit: 9, ..RunFilter::default() }).unwrap()[0].num,
        last
    );
}

pub fn a_circle_of_forks_is_damage_and_no_endless_walk(mut store: impl Store) {
    let one = add_run(&mut store, "one");
    let two = add_fork(&mut store, "two", one, 5);
    let row = store.run(one).unwrap().unwrap();
    within(&mut store, |store| store.update_run(&RunRow { origin: Some((two, 5)), ..row.clone() }).unwrap());
    assert!(matches!(store.journal(one, 2, 100), Err(StoreError::Corrupt(_))));
}
