//! A fork's journal: its own start, then entries of the run it was forked from, then its own. Nothing is copied; what one
//! segment holds on both sides of a border is trimmed while it is read.

use agnt5_journal::segment;

use crate::error::StoreError;
use crate::store::{Read, Result, RunNum, Segment};

/// Above this many forks of forks a journal is taken to be damaged: a cycle.
const DEEPEST: usize = 10_000;

pub(crate) fn journal<R: Read + ?Sized>(
    store: &R,
    run: RunNum,
    from_seq: u64,
    max_bytes: usize,
) -> Result<Vec<Segment>> {
    let mut num = run;
    if from_seq == 0 {
        let segments = store.segments(run, 0, max_bytes)?;
        return match store.run(run)?.and_then(|row| row.origin) {
            // A fork's own start stands alone in its segment; what follows it is to be asked for by its seq.
            Some((_, cut)) if cut > 1 => {
                Ok(segments.into_iter().take_while(|one| one.first_seq == 0).collect())
            }
            _ => Ok(segments),
        };
    }
    // Where the entries of the run that is looked at end, for the one that was asked for.
    let mut end = u64::MAX;
    for _ in 0..DEEPEST {
        let shared = store.run(num)?.and_then(|row| row.origin).filter(|(_, cut)| from_seq < *cut);
        let Some((origin, cut)) = shared else {
            let segments = store.segments(num, from_seq, max_bytes)?;
            return if num == run { Ok(segments) } else { trim(segments, from_seq, end) };
        };
        num = origin;
        end = end.min(cut);
    }
    Err(StoreError::Corrupt(format!("run number {run} is a fork of itself")))
}

/// Only entries from `first` up to `end`, which is excluded.
fn trim(segments: Vec<Segment>, first: u64, end: u64) -> Result<Vec<Segment>> {
    let mut trimmed = Vec::with_capacity(segments.len());
    for one in segments {
        let after = one.first_seq + u64::from(one.count);
        if one.first_seq >= end {
            break;
        }
        if one.first_seq >= first && after <= end {
            trimmed.push(one);
            continue;
        }
        let mut entries = Vec::new();
        segment::decode(&one.bytes, &mut entries).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        entries.retain(|entry| entry.seq >= first && entry.seq < end);
        if let Some(head) = entries.first() {
            let (first_seq, count) = (head.seq, entries.len() as u32);
            trimmed.push(Segment { first_seq, count, bytes: segment::encode(&entries) });
        }
    }
    Ok(trimmed)
}

/// How the keys of a fork's copies of objects end.
pub fn overlay_suffix(overlay: &str) -> String {
    format!("\n{overlay}")
}
