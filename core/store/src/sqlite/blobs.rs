//! Large payloads, stored once per content. The hash is checked when they are read: what comes out is what went in.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Result, params};

use super::rows::damaged;
use crate::store::*;

/// Payloads are mostly JSON and Arrow: level 1 takes most of the gain at several hundred MB/s, on the commit's path.
const LEVEL: i32 = 1;
/// SQLite's own limit for a value; a larger claim in a row is damage, and must not size a buffer.
const LARGEST: u64 = 1_000_000_000;

pub(super) fn put(conn: &Connection, run: RunNum, hash: &BlobHash, bytes: &[u8]) -> Result<()> {
    let known = conn.prepare_cached("SELECT 1 FROM blobs WHERE hash = ?1")?.exists(params![hash])?;
    if !known {
        let packed = zstd::bulk::compress(bytes, LEVEL).ok().filter(|packed| packed.len() < bytes.len());
        conn.prepare_cached("INSERT INTO blobs (hash, size, compressed, bytes) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![
                hash,
                bytes.len() as i64,
                packed.is_some(),
                packed.as_deref().unwrap_or(bytes)
            ])?;
    }
    conn.prepare_cached("INSERT OR IGNORE INTO blob_refs (run, hash) VALUES (?1, ?2)")?
        .execute(params![run, hash])?;
    Ok(())
}

pub(super) fn get(conn: &Connection, hash: &BlobHash) -> Result<Option<Bytes>> {
    let mut query = conn.prepare_cached("SELECT size, compressed, bytes FROM blobs WHERE hash = ?1")?;
    let found = query.query_row(params![hash], |row| {
        let (size, compressed): (u64, bool) = (row.get(0)?, row.get(1)?);
        let stored = row.get_ref(2)?.as_blob()?;
        if !compressed {
            return Ok(stored.to_vec());
        }
        if size > LARGEST {
            return Err(damaged(format!("a blob claims {size} bytes")));
        }
        zstd::bulk::decompress(stored, size as usize)
            .map_err(|error| damaged(format!("a blob does not unpack: {error}")))
    });
    let Some(bytes) = found.optional()? else {
        return Ok(None);
    };
    if blake3::hash(&bytes).as_bytes() != hash {
        return Err(damaged("a blob is not what its hash says".to_owned()));
    }
    Ok(Some(bytes.into()))
}

/// Takes back what `run` refers to, and removes what nothing refers to any more.
pub(super) fn forget(conn: &Connection, run: RunNum) -> Result<()> {
    let mut query = conn.prepare_cached("SELECT hash FROM blob_refs WHERE run = ?1")?;
    let hashes: Vec<BlobHash> = query.query_map(params![run], |row| row.get(0))?.collect::<Result<_>>()?;
    if hashes.is_empty() {
        return Ok(());
    }
    conn.prepare_cached("DELETE FROM blob_refs WHERE run = ?1")?.execute(params![run])?;
    let mut remove = conn.prepare_cached(
        "DELETE FROM blobs WHERE hash = ?1 AND NOT EXISTS (SELECT 1 FROM blob_refs WHERE hash = ?1)",
    )?;
    for hash in hashes {
        remove.execute(params![hash])?;
    }
    Ok(())
}
