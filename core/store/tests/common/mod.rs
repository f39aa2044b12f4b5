//! Rows and stores for the tests, and the child processes they kill.
#![allow(dead_code)] // every test binary uses another part

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use agnt5_journal::{ComponentKind, Status};
use agnt5_store::{
    BlobHash, Durability, EventRow, EventState, NewRecord, RunNum, RunRow, Segment, SqliteStore, Store,
};
use bytes::Bytes;

pub fn run(id: &str) -> RunRow {
    RunRow {
        num: 0,
        id: id.to_owned(),
        component: "greet".into(),
        kind: ComponentKind::Flow,
        status: Status::Pending,
        epoch: 0,
        parent: None,
        depth: 0,
        object: String::new(),
        input_digest: Bytes::from_static(&[1; 16]),
        created: 1_000,
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

pub fn segment(first_seq: u64, count: u32, bytes: impl Into<Bytes>) -> Segment {
    Segment { first_seq, count, bytes: bytes.into() }
}

pub fn event(id: &str, name: &str) -> EventRow {
    EventRow {
        num: 0,
        id: id.to_owned(),
        name: name.to_owned(),
        target: None,
        payload: Bytes::from_static(b"payload"),
        sent: 5,
        expires: 1_000,
        state: EventState::Kept,
    }
}

pub fn record(id: &str) -> NewRecord {
    NewRecord {
        id: id.to_owned(),
        label: String::new(),
        value: Bytes::from_static(b"1"),
        words: String::new(),
        vector: None,
        at: 5,
    }
}

pub fn hash(bytes: &[u8]) -> BlobHash {
    *blake3::hash(bytes).as_bytes()
}

/// One transaction that must work.
pub fn within<S: Store, T>(store: &mut S, change: impl FnOnce(&mut S) -> T) -> T {
    store.begin().unwrap();
    let out = change(store);
    store.commit().unwrap();
    out
}

pub fn add_run<S: Store>(store: &mut S, id: &str) -> RunNum {
    within(store, |store| store.insert_run(&run(id)).unwrap())
}

pub fn open(dir: &Path) -> SqliteStore {
    SqliteStore::open(dir, Durability::Full).unwrap()
}

/// The error of opening, which must fail.
pub fn refusal(dir: &Path) -> agnt5_store::StoreError {
    match SqliteStore::open(dir, Durability::Full) {
        Ok(_) => panic!("the store opened"),
        Err(error) => error,
    }
}

const JOB: &str = "AGNT5_STORE_TEST_JOB";
const PLACE: &str = "AGNT5_STORE_TEST_DIRECTORY";

/// In a child: the job and the directory it was started with.
pub fn job() -> Option<(String, PathBuf)> {
    Some((std::env::var(JOB).ok()?, std::env::var_os(PLACE)?.into()))
}

/// This test binary again, running the test `child` only, which does `job` in `dir`.
pub fn command(job: &str, dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--nocapture", "--quiet"]).env(JOB, job).env(PLACE, dir);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

pub fn spawn(job: &str, dir: &Path) -> Child {
    command(job, dir).spawn().unwrap()
}

/// Runs the job to its end; what it said behind `>`, line by line.
pub fn finish(job: &str, dir: &Path) -> Vec<String> {
    let out = command(job, dir).stdin(Stdio::null()).output().unwrap();
    assert!(out.status.success(), "{job}: {out:?}");
    said(&String::from_utf8_lossy(&out.stdout))
}

pub fn said(stdout: &str) -> Vec<String> {
    stdout.lines().filter_map(|line| line.strip_prefix('>')).map(str::to_owned).collect()
}
