//! The bytes of some entries of one run, as one commit writes them.
//!
//! `"A5"`, a version byte, then per entry a varint length and the protobuf message, then a CRC-32 (little endian) of all that
//! came before. SQLite pages carry no checksum; this one tells a damaged journal from a strange one.

use bytes::{Buf, Bytes, BytesMut};
use prost::Message;

use crate::entry::Body;
use crate::{Entry, ended};

/// Raised when an older reader would misread what a newer one writes. 2: runs that continue in a successor.
pub const SEGMENT_VERSION: u8 = 2;
const MAGIC: &[u8; 2] = b"A5";

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SegmentError {
    #[error("the journal segment is damaged: {0}")]
    Damaged(&'static str),
    #[error(
        "the journal segment has format version {0}; this build reads up to {SEGMENT_VERSION}: install a newer agnt5"
    )]
    TooNew(u8),
}

pub fn encode(entries: &[Entry]) -> Bytes {
    let size: usize = entries.iter().map(|entry| entry.encoded_len() + 5).sum();
    let mut out = BytesMut::with_capacity(size + 7);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&[version_of(entries)]);
    for entry in entries {
        entry.encode_length_delimited(&mut out).expect("a BytesMut grows as needed");
    }
    let sum = crc32fast::hash(&out);
    out.extend_from_slice(&sum.to_le_bytes());
    out.freeze()
}

/// The oldest version that says what these entries say, so that older readers read all they can.
fn version_of(entries: &[Entry]) -> u8 {
    let is_new = |entry: &Entry| match &entry.body {
        Some(Body::Ended(ended)) => matches!(ended.outcome, Some(ended::Outcome::Continued(_))),
        _ => false,
    };
    if entries.iter().any(is_new) { 2 } else { 1 }
}

/// Appends the segment's entries to `out`; payloads share the segment's memory.
pub fn decode(bytes: &Bytes, out: &mut Vec<Entry>) -> Result<(), SegmentError> {
    if bytes.len() < 7 || &bytes[..2] != MAGIC {
        return Err(SegmentError::Damaged("it does not begin as one"));
    }
    if bytes[2] > SEGMENT_VERSION {
        return Err(SegmentError::TooNew(bytes[2]));
    }
    let body_end = bytes.len() - 4;
    let sum = u32::from_le_bytes(bytes[body_end..].try_into().expect("four bytes"));
    if crc32fast::hash(&bytes[..body_end]) != sum {
        return Err(SegmentError::Damaged("its checksum does not match"));
    }
    let mut body = bytes.slice(3..body_end);
    while body.has_remaining() {
        let entry = Entry::decode_length_delimited(&mut body)
            .map_err(|_| SegmentError::Damaged("an entry cannot be read"))?;
        out.push(entry);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Command, Continued, Ended, Payload};
    use proptest::prelude::*;

    fn entry(seq: u64, name: String, input: Vec<u8>) -> Entry {
        Entry {
            seq,
            at: 1,
            body: Some(Body::Command(Command {
                name,
                input: Some(Payload::inline(input.into())),
                ..Command::default()
            })),
        }
    }

    #[test]
    fn only_what_an_older_reader_would_misread_has_a_newer_version() {
        let continued = ended::Outcome::Continued(Continued { run_id: "r_2".into(), input: None });
        let ended = Ended { outcome: Some(continued), ..Ended::default() };
        let last = Entry { seq: 1, at: 1, body: Some(Body::Ended(ended)) };
        assert_eq!(encode(&[entry(0, "fetch".into(), vec![])])[2], 1);
        assert_eq!(encode(&[entry(0, "fetch".into(), vec![]), last])[2], 2);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(rows in prop::collection::vec((".*", prop::collection::vec(any::<u8>(), 0..300)), 0..20)) {
            let entries: Vec<Entry> = rows.into_iter().enumerate()
                .map(|(seq, (name, input))| entry(seq as u64, name, input)).collect();
            let mut read = Vec::new();
            decode(&encode(&entries), &mut read).unwrap();
            prop_assert_eq!(read, entries);
        }

        #[test]
        fn a_changed_byte_is_noticed(at in 0usize..60, bit in 0u8..8) {
            let mut bytes = encode(&[entry(3, "fetch".into(), vec![5; 40])]).to_vec();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            prop_assert!(decode(&bytes.into(), &mut Vec::new()).is_err());
        }

        #[test]
        fn a_strangers_bytes_are_only_an_error(bytes: Vec<u8>) {
            prop_assert!(decode(&bytes.into(), &mut Vec::new()).is_err());
        }
    }
}
