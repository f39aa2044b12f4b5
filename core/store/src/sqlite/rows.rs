//! Rows to values. A number no version of this crate has written means a damaged file, and is reported as such.

use agnt5_journal::{ComponentKind, Status};
use bytes::Bytes;
use rusqlite::types::Type;
use rusqlite::{Error, Result, Row};

use crate::store::*;

pub(super) const RUN: &str = "num, id, component, kind, status, epoch, parent, parent_seq, depth, object, input_digest, \
    created, started, ended, cancel_requested, interrupted, crashes, reason, tags, \
    origin, origin_seq, overlay";
pub(super) const EVENT: &str =
    "num, id, name, target, payload, sent, expires, state, assigned_run, assigned_seq";

/// Sequence numbers and epochs are far below 2^63; what is above can only be a bound, and means "the largest".
pub(super) fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A row that contradicts another, or itself.
pub(super) fn damaged(message: String) -> Error {
    Error::FromSqlConversionFailure(0, Type::Null, message.into())
}

fn strange(column: usize, what: &str, value: i64) -> Error {
    Error::FromSqlConversionFailure(column, Type::Integer, format!("{value} is no {what}").into())
}

fn bytes(row: &Row<'_>, column: usize) -> Result<Bytes> {
    Ok(Bytes::copy_from_slice(row.get_ref(column)?.as_blob()?))
}

pub(super) fn run(row: &Row<'_>) -> Result<RunRow> {
    let kind: i32 = row.get(3)?;
    let status: u8 = row.get(4)?;
    let parent: Option<RunNum> = row.get(6)?;
    let origin: Option<RunNum> = row.get(19)?;
    Ok(RunRow {
        num: row.get(0)?,
        id: row.get(1)?,
        component: row.get(2)?,
        kind: ComponentKind::try_from(kind).map_err(|_| strange(3, "kind of component", kind.into()))?,
        status: Status::from_u8(status).ok_or_else(|| strange(4, "status", status.into()))?,
        epoch: row.get(5)?,
        parent: parent.map(|num| Ok::<_, Error>((num, row.get(7)?))).transpose()?,
        depth: row.get(8)?,
        object: row.get(9)?,
        input_digest: bytes(row, 10)?,
        created: row.get(11)?,
        started: row.get(12)?,
        ended: row.get(13)?,
        cancel_requested: row.get(14)?,
        interrupted: row.get(15)?,
        crashes: row.get(16)?,
        reason: row.get(17)?,
        tags: row.get(18)?,
        origin: origin.map(|num| Ok::<_, Error>((num, row.get(20)?))).transpose()?,
        overlay: row.get(21)?,
    })
}

/// Columns first_seq, count, bytes.
pub(super) fn segment(row: &Row<'_>) -> Result<Segment> {
    Ok(Segment { first_seq: row.get(0)?, count: row.get(1)?, bytes: bytes(row, 2)? })
}

/// The columns `state`, `assigned_run`, `assigned_seq` of an event.
pub(super) fn state(state: EventState) -> (u8, Option<RunNum>, Option<i64>) {
    match state {
        EventState::Kept => (0, None, None),
        EventState::Assigned { run, seq } => (1, Some(run), Some(int(seq))),
        EventState::Consumed => (2, None, None),
        EventState::Expired => (3, None, None),
    }
}

pub(super) fn event(row: &Row<'_>) -> Result<EventRow> {
    let state: u8 = row.get(7)?;
    let state = match state {
        0 => EventState::Kept,
        1 => EventState::Assigned { run: row.get(8)?, seq: row.get(9)? },
        2 => EventState::Consumed,
        3 => EventState::Expired,
        _ => return Err(strange(7, "state of an event", state.into())),
    };
    Ok(EventRow {
        num: row.get(0)?,
        id: row.get(1)?,
        name: row.get(2)?,
        target: row.get(3)?,
        payload: bytes(row, 4)?,
        sent: row.get(5)?,
        expires: row.get(6)?,
        state,
    })
}

/// Columns due, run, seq.
pub(super) fn timer(row: &Row<'_>) -> Result<TimerRow> {
    Ok(TimerRow { due: row.get(0)?, run: row.get(1)?, seq: row.get(2)? })
}
