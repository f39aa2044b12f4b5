//! The statements that change tables. Only `SqliteStore` calls them, inside its transaction.

use rusqlite::{Connection, Error, ErrorCode, Result, params};

use super::failure::Failure;
use super::rows::{self, int};
use super::tail::Tail;
use super::{blobs, read};
use crate::error::StoreError;
use crate::store::*;

type Done<T = ()> = std::result::Result<T, Failure>;

fn is_constraint(error: &Error) -> bool {
    matches!(error, Error::SqliteFailure(failure, _) if failure.code == ErrorCode::ConstraintViolation)
}

pub(super) fn insert_run(conn: &Connection, run: &RunRow) -> Done<RunNum> {
    let mut insert = conn.prepare_cached(
        "INSERT INTO runs (id, component, kind, status, epoch, parent, parent_seq, depth, object, input_digest, created,
           started, ended, cancel_requested, interrupted, crashes, reason, tags, origin, origin_seq, overlay)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)",
    )?;
    let done = insert.execute(params![
        run.id,
        run.component,
        run.kind as i32,
        run.status as u8,
        int(run.epoch),
        run.parent.map(|parent| parent.0),
        run.parent.map(|parent| int(parent.1)),
        run.depth,
        run.object,
        &run.input_digest[..],
        run.created,
        run.started,
        run.ended,
        run.cancel_requested,
        run.interrupted,
        run.crashes,
        run.reason,
        run.tags,
        run.origin.map(|origin| origin.0),
        run.origin.map(|origin| int(origin.1)),
        run.overlay,
    ]);
    match done {
        Ok(_) => Ok(conn.last_insert_rowid()),
        Err(error) if is_constraint(&error) => Err(StoreError::Exists(run.id.clone()).into()),
        Err(error) => Err(error.into()),
    }
}

/// Two statements: what changes in the life of a run is written always; what is fixed when it is created, and indexed, only
/// when it differs, because setting an indexed column rewrites the index.
pub(super) fn update_run(conn: &Connection, run: &RunRow) -> Done {
    let mut moving = conn.prepare_cached(
        "UPDATE runs SET status = ?2, epoch = ?3, started = ?4, ended = ?5, cancel_requested = ?6, interrupted = ?7,
           crashes = ?8, reason = ?9, tags = ?10 WHERE num = ?1",
    )?;
    let changed = moving.execute(params![
        run.num,
        run.status as u8,
        int(run.epoch),
        run.started,
        run.ended,
        run.cancel_requested,
        run.interrupted,
        run.crashes,
        run.reason,
        run.tags,
    ])?;
    if changed == 0 {
        return Err(StoreError::Unusable(format!("run number {} is not stored", run.num)).into());
    }
    let mut fixed = conn.prepare_cached(
        "UPDATE runs SET component = ?2, kind = ?3, parent = ?4, parent_seq = ?5, depth = ?6, object = ?7,
           input_digest = ?8, created = ?9, origin = ?10, origin_seq = ?11, overlay = ?12
         WHERE num = ?1 AND (component, kind, parent, parent_seq, depth, object, input_digest, created, origin, origin_seq,
           overlay) IS NOT (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?;
    fixed.execute(params![
        run.num,
        run.component,
        run.kind as i32,
        run.parent.map(|parent| parent.0),
        run.parent.map(|parent| int(parent.1)),
        run.depth,
        run.object,
        &run.input_digest[..],
        run.created,
        run.origin.map(|origin| origin.0),
        run.origin.map(|origin| int(origin.1)),
        run.overlay,
    ])?;
    Ok(())
}

/// False when there is no such run. An event that was assigned to the run but not sent to it goes back to the mailbox.
pub(super) fn delete_run(conn: &Connection, tail: &mut Tail, run: RunNum) -> Result<bool> {
    if read::run(conn, run)?.is_none() {
        return Ok(false);
    }
    for sql in [
        "DELETE FROM timers WHERE run = ?1",
        "DELETE FROM waits WHERE run = ?1",
        "DELETE FROM events WHERE target = ?1",
        "UPDATE events SET state = 0, assigned_run = NULL, assigned_seq = NULL WHERE state = 1 AND assigned_run = ?1",
        "DELETE FROM runs WHERE num = ?1",
    ] {
        conn.prepare_cached(sql)?.execute([run])?;
    }
    tail.delete(conn, run)?;
    blobs::forget(conn, run)?;
    Ok(true)
}

pub(super) fn put_timer(conn: &Connection, timer: &TimerRow) -> Result<()> {
    let mut put = conn.prepare_cached(
        "INSERT INTO timers (run, seq, due) VALUES (?1, ?2, ?3) ON CONFLICT (run, seq) DO UPDATE SET due = excluded.due",
    )?;
    put.execute(params![timer.run, int(timer.seq), timer.due]).map(drop)
}

pub(super) fn delete_timer(conn: &Connection, run: RunNum, seq: u64) -> Result<()> {
    let mut delete = conn.prepare_cached("DELETE FROM timers WHERE run = ?1 AND seq = ?2")?;
    delete.execute(params![run, int(seq)]).map(drop)
}

/// A wait that is put again keeps its turn.
pub(super) fn put_wait(conn: &Connection, wait: &WaitRow) -> Result<()> {
    let mut put = conn.prepare_cached(
        "INSERT INTO waits (run, seq, name) VALUES (?1, ?2, ?3) ON CONFLICT (run, seq) DO UPDATE SET name = excluded.name",
    )?;
    put.execute(params![wait.run, int(wait.seq), wait.name]).map(drop)
}

pub(super) fn delete_wait(conn: &Connection, run: RunNum, seq: u64) -> Result<()> {
    let mut delete = conn.prepare_cached("DELETE FROM waits WHERE run = ?1 AND seq = ?2")?;
    delete.execute(params![run, int(seq)]).map(drop)
}

pub(super) fn put_event(conn: &Connection, event: &EventRow) -> Result<bool> {
    if conn.prepare_cached("SELECT 1 FROM events WHERE id = ?1")?.exists([&event.id])? {
        return Ok(false);
    }
    let (state, run, seq) = rows::state(event.state);
    let mut insert = conn.prepare_cached(
        "INSERT INTO events (id, name, target, payload, sent, expires, state, assigned_run, assigned_seq)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    let payload = &event.payload[..];
    insert.execute(params![
        event.id,
        event.name,
        event.target,
        payload,
        event.sent,
        event.expires,
        state,
        run,
        seq
    ])?;
    Ok(true)
}

pub(super) fn set_event_state(conn: &Connection, num: i64, state: EventState) -> Done {
    let (code, run, seq) = rows::state(state);
    let payload = if state == EventState::Consumed { ", payload = x''" } else { "" };
    let sql = format!(
        "UPDATE events SET state = ?2, assigned_run = ?3, assigned_seq = ?4 {payload} WHERE num = ?1"
    );
    match conn.prepare_cached(&sql)?.execute(params![num, code, run, seq])? {
        0 => Err(StoreError::Unusable(format!("event {num} is not stored")).into()),
        _ => Ok(()),
    }
}

pub(super) fn retarget_events(conn: &Connection, from: RunNum, to: RunNum) -> Done {
    let mut update = conn.prepare_cached("UPDATE events SET target = ?2 WHERE target = ?1 AND state = 0")?;
    update.execute([from, to])?;
    Ok(())
}

pub(super) fn expire_events(conn: &Connection, now: Micros) -> Result<u64> {
    let mut update = conn.prepare_cached("UPDATE events SET state = 3 WHERE state = 0 AND expires <= ?1")?;
    update.execute([now]).map(|count| count as u64)
}

pub(super) fn drop_overlay(conn: &Connection, overlay: &str) -> Result<()> {
    let mut delete = conn.prepare_cached("DELETE FROM objects WHERE substr(key, -length(?1)) = ?1")?;
    delete.execute([crate::sharing::overlay_suffix(overlay)]).map(drop)
}

pub(super) fn put_object(conn: &Connection, object: &str, state: Option<&[u8]>) -> Result<()> {
    match state {
        Some(state) => conn
            .prepare_cached(
                "INSERT INTO objects (key, state) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET state = excluded.state",
            )?
            .execute(params![object, state]),
        None => conn.prepare_cached("DELETE FROM objects WHERE key = ?1")?.execute([object]),
    }
    .map(drop)
}
