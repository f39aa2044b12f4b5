//! Rows a second into a fresh store, beside the floor: the same rows in a bare table of the same SQLite on the same disk.
//!
//! `cargo run --release -p agnt5-store --example throughput [directory]`

use std::path::Path;
use std::time::{Duration, Instant};

use agnt5_journal::{ComponentKind, Status};
use agnt5_store::{Durability, RunRow, Segment, SqliteStore, Store};
use bytes::Bytes;

const BUDGET: Duration = Duration::from_secs(4);

fn row(id: usize) -> RunRow {
    RunRow {
        num: 0,
        id: format!("r_{id}"),
        component: "bench".into(),
        kind: ComponentKind::Flow,
        status: Status::Running,
        epoch: 1,
        parent: None,
        depth: 0,
        object: String::new(),
        input_digest: Bytes::from_static(&[7; 16]),
        created: 0,
        started: None,
        ended: None,
        cancel_requested: false,
        interrupted: false,
        crashes: 0,
        reason: String::new(),
        tags: "{}".into(),
        origin: None,
        overlay: String::new(),
    }
}

/// Something that can make one commit.
type Commit = Box<dyn FnMut(u64)>;

fn store(dir: &Path, rows: usize, size: usize) -> Commit {
    let mut store = SqliteStore::open(dir, Durability::Full).expect("a fresh store opens");
    store.begin().unwrap();
    let runs: Vec<_> = (0..rows).map(|id| store.insert_run(&row(id)).unwrap()).collect();
    store.commit().unwrap();
    let bytes = Bytes::from(vec![b'x'; size]);
    Box::new(move |first_seq| {
        store.begin().unwrap();
        for &run in &runs {
            let bytes = bytes.clone();
            store.append(run, &Segment { first_seq, count: 1, bytes }).unwrap();
        }
        store.commit().unwrap();
    })
}

fn floor(dir: &Path, rows: usize, size: usize) -> Commit {
    let conn = rusqlite::Connection::open(dir.join("floor.db")).unwrap();
    conn.pragma_update(None, "journal_mode", "wal").unwrap();
    conn.pragma_update(None, "synchronous", "full").unwrap();
    conn.execute_batch("CREATE TABLE rows (num INTEGER PRIMARY KEY, bytes BLOB)").unwrap();
    let bytes = vec![b'x'; size];
    Box::new(move |_| {
        conn.execute_batch("BEGIN IMMEDIATE").unwrap();
        let mut insert = conn.prepare_cached("INSERT INTO rows (bytes) VALUES (?1)").unwrap();
        for _ in 0..rows {
            insert.execute([&bytes]).unwrap();
        }
        conn.execute_batch("COMMIT").unwrap();
    })
}

/// Both in turns, so that a disk with moods is in the same one for both. Seconds of each commit, sorted.
fn race(mut commits: [Commit; 2]) -> [Vec<f64>; 2] {
    let mut each = [Vec::new(), Vec::new()];
    let start = Instant::now();
    while start.elapsed() < BUDGET {
        for (commit, each) in commits.iter_mut().zip(&mut each) {
            for _ in 0..20 {
                let began = Instant::now();
                commit(each.len() as u64);
                each.push(began.elapsed().as_secs_f64());
            }
        }
    }
    each.iter_mut().for_each(|each| each.sort_by(f64::total_cmp));
    each
}

fn main() {
    let base = std::env::args().nth(1).unwrap_or_else(|| "target".into());
    for (rows, size) in [(1, 200), (1, 400), (200, 200), (200, 400)] {
        let dir = tempfile::tempdir_in(&base).unwrap();
        let ours = store(&dir.path().join("store"), rows, size);
        let [ours, below] = race([ours, floor(dir.path(), rows, size)]);
        let rate = |each: &[f64]| (rows * each.len()) as f64 / each.iter().sum::<f64>();
        let at = |each: &[f64], part: f64| each[((each.len() - 1) as f64 * part) as usize] * 1e3;
        println!(
            "{rows:>4} segments of {size} bytes a commit: {:>8.0} rows/s, floor {:>8.0}, ratio {:.2}; \
             commit ms p50 {:.2} (floor {:.2}) p95 {:.2} p99 {:.2} max {:.2}",
            rate(&ours),
            rate(&below),
            rate(&ours) / rate(&below),
            at(&ours, 0.5),
            at(&below, 0.5),
            at(&ours, 0.95),
            at(&ours, 0.99),
            at(&ours, 1.0),
        );
    }
}
