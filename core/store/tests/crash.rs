//! SIGKILL at random moments, in a real child: what it said was committed is there afterwards, in order, and nothing half.

mod common;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::time::Duration;

use agnt5_store::*;
use common::{add_run, hash, job, open, record, segment, within};

const KILLS: usize = 40;
/// Records that fit on the shelf.
const HELD: u64 = 20;

/// Entries of several sizes, so that a commit is one page or many, and a checkpoint comes now and then.
fn content(at: u64) -> Vec<u8> {
    vec![at as u8; 100 + (at as usize % 7) * 3000]
}

#[test]
fn child() {
    let Some((job, dir)) = job() else { return };
    match job.as_str() {
        "commit" => commit_until_killed(&dir),
        "open" => loop {
            drop(open(&dir));
        },
        other => panic!("no job {other}"),
    }
}

/// Commits numbered segments and prints each number after its commit returned.
fn commit_until_killed(dir: &Path) {
    let mut store = open(dir);
    let mut out = std::io::stdout();
    let num = match store.run_by_id("r").unwrap() {
        Some(row) => row.num,
        None => add_run(&mut store, "r"),
    };
    let written = store.journal(num, 0, usize::MAX).unwrap().len() as u64;
    out.write_all(b"\n>ready\n").unwrap();
    for at in written.. {
        let bytes = content(at);
        within(&mut store, |store| {
            store.append(num, &segment(at, 1, bytes.clone())).unwrap();
            store.put_timer(&TimerRow { due: at as i64, run: num, seq: 0 }).unwrap();
            let shelf = store.put_shelf("ada", "working", "", 0).unwrap();
            let new = NewRecord { words: format!("every w{at}"), ..record(&at.to_string()) };
            store.put_record(shelf, &new).unwrap();
            store.trim_records(shelf, HELD).unwrap();
            if at % 10 == 0 {
                store.put_blob(num, &hash(&bytes), &bytes).unwrap();
            }
        });
        out.write_all(format!(">{at}\n").as_bytes()).unwrap();
    }
}

/// A few bits that differ from kill to kill; the moment is random anyway.
fn pause(kill: usize) -> Duration {
    let noise = blake3::hash(&kill.to_le_bytes());
    Duration::from_micros(u64::from(noise.as_bytes()[0]) * 150)
}

#[test]
fn what_was_acknowledged_survives_a_kill_at_any_moment() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("store");
    let (mut acknowledged, mut attempted) = (0, 0);
    for kill in 0..KILLS {
        let mut child = common::spawn("commit", &dir);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        while lines.next().unwrap().unwrap() != ">ready" {}
        std::thread::sleep(pause(kill));
        child.kill().unwrap();
        child.wait().unwrap();
        // A line that the kill cut in half was acknowledged to nobody.
        let last = lines
            .map_while(std::result::Result::ok)
            .filter_map(|line| line.strip_prefix('>')?.parse().ok())
            .last();
        acknowledged = last.map_or(acknowledged, |last: u64| last + 1);
        attempted = attempted.max(acknowledged + 1);

        let visitor = SqliteReader::open(&dir).unwrap();
        assert_eq!(visitor.owner(), None, "the owner is dead");
        let seen = check(&visitor, acknowledged, attempted);
        drop(visitor);
        if kill % 4 == 0 {
            let store = open(&dir);
            assert_eq!(check(&store, acknowledged, attempted), seen);
            assert_eq!(store.next_due(-1).unwrap(), seen.checked_sub(1).map(|at| at as i64));
        }
        acknowledged = seen;
    }
    assert_eq!(SqliteReader::open(&dir).unwrap().health().unwrap().quick_check, "ok");
    assert!(acknowledged > KILLS as u64, "the kills came too early to mean anything: {acknowledged}");
}

/// The journal is a prefix of what was attempted and holds all that was acknowledged; how long it is.
fn check(store: &impl Read, acknowledged: u64, attempted: u64) -> u64 {
    let num = store.run_by_id("r").unwrap().unwrap().num;
    let journal = store.journal(num, 0, usize::MAX).unwrap();
    let length = journal.len() as u64;
    assert!((acknowledged..=attempted).contains(&length), "{acknowledged} <= {length} <= {attempted}");
    for (at, part) in (0..).zip(&journal) {
        assert_eq!((part.first_seq, part.bytes.as_ref()), (at, content(at).as_slice()));
        if at % 10 == 0 {
            assert!(store.blob(&hash(&part.bytes)).unwrap().is_some());
        }
    }
    let Some(shelf) = store.shelf("ada", "working").unwrap() else {
        assert_eq!(length, 0);
        return 0;
    };
    assert_eq!(
        (shelf.count, shelf.count + shelf.trimmed),
        (length.min(HELD), length),
        "records commit with the rest"
    );
    let query =
        RecordQuery { shelf: shelf.num, words: vec!["every".into()], limit: 99, ..RecordQuery::default() };
    let mut found: Vec<u64> =
        store.search(&query).unwrap().into_iter().map(|hit| hit.record.id.parse().unwrap()).collect();
    found.sort_unstable();
    assert_eq!(found, (length.saturating_sub(HELD)..length).collect::<Vec<_>>(), "and so does their index");
    length
}

/// The first open creates, migrates, bumps the epoch; every close checkpoints and deletes the WAL.
#[test]
fn a_kill_while_opening_migrating_or_closing_leaves_a_store_that_opens() {
    let home = tempfile::tempdir().unwrap();
    for kill in 0..20u64 {
        let dir = home.path().join(format!("store{}", kill % 10));
        let mut child = common::spawn("open", &dir);
        while !dir.join("lock").exists() {
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_micros(kill * 700));
        child.kill().unwrap();
        child.wait().unwrap();
        let mut store = open(&dir);
        let num = add_run(&mut store, &format!("r{kill}"));
        assert_eq!(store.run(num).unwrap().unwrap().id, format!("r{kill}"));
        drop(store);
        assert_eq!(SqliteReader::open(&dir).unwrap().health().unwrap().quick_check, "ok");
    }
}
