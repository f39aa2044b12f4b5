//! The queries that owners and visitors share. Each is one statement, finished before it returns.

use bytes::Bytes;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Result, params, params_from_iter};

use super::rows::{self, EVENT, RUN, int};
use crate::store::*;

pub(super) fn run(conn: &Connection, num: RunNum) -> Result<Option<RunRow>> {
    let mut query = conn.prepare_cached(&format!("SELECT {RUN} FROM runs WHERE num = ?1"))?;
    query.query_row([num], rows::run).optional()
}

pub(super) fn run_by_id(conn: &Connection, id: &str) -> Result<Option<RunRow>> {
    let mut query = conn.prepare_cached(&format!("SELECT {RUN} FROM runs WHERE id = ?1"))?;
    query.query_row([id], rows::run).optional()
}

/// The first string after all that start with `prefix`; `None` when there is none.
fn after_prefix(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        // 0xD800 to 0xDFFF are no characters.
        let next = if last == '\u{D7FF}' { Some('\u{E000}') } else { char::from_u32(last as u32 + 1) };
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

pub(super) fn list_runs(conn: &Connection, filter: &RunFilter) -> Result<Vec<RunRow>> {
    let mut sql = format!("SELECT {RUN} FROM runs WHERE 1");
    let mut values: Vec<Value> = Vec::new();
    let mut only = |clause: &str, value: Value| {
        values.push(value);
        sql.push_str(&format!(" AND {clause} ?{}", values.len()));
    };
    if let Some(status) = filter.status {
        only("status =", i64::from(status as u8).into());
    }
    if let Some(component) = &filter.component {
        only("component =", component.clone().into());
    }
    if let Some(since) = filter.since {
        only("created >=", since.into());
    }
    if let Some(prefix) = filter.id_prefix.as_ref().filter(|prefix| !prefix.is_empty()) {
        only("id >=", prefix.clone().into());
        if let Some(end) = after_prefix(prefix) {
            only("id <", end.into());
        }
    }
    if let Some(parent) = filter.parent {
        only("parent =", parent.into());
    }
    if let Some(origin) = filter.origin {
        only("origin =", origin.into());
    }
    if let Some(before) = filter.before {
        only("num <", before.into());
    }
    if filter.roots {
        sql.push_str(" AND parent IS NULL");
    }
    if filter.status.is_some_and(|status| !status.is_terminal()) {
        // Says nothing new; lets the partial index answer.
        sql.push_str(" AND status < 4");
    }
    let limit = if filter.limit == 0 { 100 } else { filter.limit };
    sql.push_str(&format!(" ORDER BY num DESC LIMIT ?{}", values.len() + 1));
    values.push(i64::from(limit).into());
    let mut query = conn.prepare_cached(&sql)?;
    query.query_map(params_from_iter(values), rows::run)?.collect()
}

pub(super) fn object(conn: &Connection, object: &str) -> Result<Option<Bytes>> {
    let mut query = conn.prepare_cached("SELECT state FROM objects WHERE key = ?1")?;
    query.query_row([object], |row| row.get::<_, Vec<u8>>(0)).optional().map(|state| state.map(Bytes::from))
}

pub(super) fn object_call_before(conn: &Connection, object: &str, at: Micros) -> Result<Option<RunNum>> {
    let sql = "SELECT num FROM runs WHERE object = ?1 AND object != '' AND ended <= ?2 AND status = 4
                 ORDER BY ended DESC, num DESC LIMIT 1";
    conn.prepare_cached(sql)?.query_row(params![object, at], |row| row.get(0)).optional()
}

pub(super) fn events(conn: &Connection, name: Option<&str>, limit: u32) -> Result<Vec<EventRow>> {
    let named = if name.is_some() { "AND name = ?2" } else { "AND ?2 IS NULL" };
    let sql = format!("SELECT {EVENT} FROM events WHERE state IN (0, 3) {named} ORDER BY num LIMIT ?1");
    conn.prepare_cached(&sql)?.query_map(params![limit, name], rows::event)?.collect()
}

pub(super) fn unfinished(conn: &Connection, after: RunNum, limit: u32) -> Result<Vec<RunRow>> {
    let sql = format!("SELECT {RUN} FROM runs WHERE status < 4 AND num > ?1 ORDER BY num LIMIT ?2");
    conn.prepare_cached(&sql)?.query_map(params![after, limit], rows::run)?.collect()
}

pub(super) fn due_timers(conn: &Connection, now: Micros, limit: u32) -> Result<Vec<TimerRow>> {
    let sql = "SELECT due, run, seq FROM timers WHERE due <= ?1 ORDER BY due, run, seq LIMIT ?2";
    conn.prepare_cached(sql)?.query_map(params![now, limit], rows::timer)?.collect()
}

pub(super) fn next_due(conn: &Connection, now: Micros) -> Result<Option<Micros>> {
    conn.prepare_cached("SELECT min(due) FROM timers WHERE due > ?1")?.query_row([now], |row| row.get(0))
}

pub(super) fn oldest_wait(conn: &Connection, name: &str, target: Option<RunNum>) -> Result<Option<WaitRow>> {
    let targeted = if target.is_some() { "AND run = ?2" } else { "AND ?2 IS NULL" };
    let sql = format!(
        "SELECT run, seq FROM waits WHERE name = ?1 {targeted} AND NOT EXISTS (SELECT 1 FROM events
           WHERE state = 1 AND assigned_run = waits.run AND assigned_seq = waits.seq) ORDER BY num LIMIT 1"
    );
    let mut query = conn.prepare_cached(&sql)?;
    let found = query.query_row(params![name, target], |row| {
        Ok(WaitRow { run: row.get(0)?, seq: row.get(1)?, name: name.to_owned() })
    });
    found.optional()
}

pub(super) fn oldest_event(conn: &Connection, name: &str, run: RunNum) -> Result<Option<EventRow>> {
    let sql = format!(
        "SELECT {EVENT} FROM events WHERE state = 0 AND name = ?1 AND (target IS NULL OR target = ?2) ORDER BY num LIMIT 1"
    );
    conn.prepare_cached(&sql)?.query_row(params![name, run], rows::event).optional()
}

pub(super) fn assigned_event(conn: &Connection, run: RunNum, seq: u64) -> Result<Option<EventRow>> {
    let sql = format!(
        "SELECT {EVENT} FROM events WHERE state = 1 AND assigned_run = ?1 AND assigned_seq = ?2 ORDER BY num LIMIT 1"
    );
    conn.prepare_cached(&sql)?.query_row(params![run, int(seq)], rows::event).optional()
}

pub(super) fn child_count(conn: &Connection, run: RunNum) -> Result<u64> {
    conn.prepare_cached("SELECT count(DISTINCT parent_seq) FROM runs WHERE parent = ?1")?
        .query_row([run], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::after_prefix;

    #[test]
    fn the_end_of_a_prefix_is_the_next_string_of_its_length_or_shorter() {
        assert_eq!(after_prefix("r_a").as_deref(), Some("r_b"));
        assert_eq!(after_prefix("a\u{10FFFF}").as_deref(), Some("b"));
        assert_eq!(after_prefix("\u{D7FF}").as_deref(), Some("\u{E000}"));
        assert_eq!(after_prefix("\u{10FFFF}"), None);
    }
}
