//! A run in one file: versioned, compressed, checksummed. The bytes are specified in `protos/agnt5/v1/journal.proto`.
//!
//! A file may come from a stranger: reading one makes entries or an error, within the limits given, and nothing else.

use std::io::Read;

use bytes::{Buf, Bytes, BytesMut};
use prost::Message;

use crate::entry::Body;
use crate::{Entry, ROOT, SavedRun, segment};

/// Raised when an older reader would misread what a newer one writes.
pub const PORTABLE_VERSION: u8 = 1;
const MAGIC: &[u8; 6] = b"AGNT5J";
const CHECKSUM: usize = 32;
/// Entries per segment.
const PAGE: usize = 1_000;
const LEVEL: i32 = 3;

/// What a file may make this process hold.
#[derive(Clone, Copy, Debug)]
pub struct Caps {
    /// Bytes after decompression.
    pub bytes: u64,
    /// A few bytes of the file make an entry of two kilobytes in memory.
    pub entries: u64,
}

impl Default for Caps {
    fn default() -> Self {
        Self { bytes: 2 << 30, entries: 1_000_000 }
    }
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PortableError {
    #[error("it is no journal file of agnt5")]
    Strange,
    #[error("it is damaged: {0}")]
    Damaged(String),
    #[error("it has format version {0}; this build reads up to {PORTABLE_VERSION}: install a newer agnt5")]
    TooNew(u8),
    #[error("it holds more than {0}, which is the limit")]
    TooLarge(String),
}

/// `entries`: whole, in order, payloads inline. An error for more than `caps` lets anybody load.
pub fn save(run: &SavedRun, entries: &[Entry], caps: Caps) -> std::io::Result<Vec<u8>> {
    if entries.len() as u64 > caps.entries {
        return Err(too_much(format!("{} entries", caps.entries)));
    }
    let mut body = BytesMut::new();
    let run = SavedRun { entries: entries.len() as u64, ..run.clone() };
    run.encode_length_delimited(&mut body).expect("a BytesMut grows as needed");
    for page in entries.chunks(PAGE) {
        segment::encode(page).encode_length_delimited(&mut body).expect("a BytesMut grows as needed");
    }
    if body.len() as u64 > caps.bytes {
        return Err(too_much(format!("{} bytes", caps.bytes)));
    }
    let mut file = MAGIC.to_vec();
    file.push(PORTABLE_VERSION);
    file.extend(zstd::bulk::compress(&body, LEVEL)?);
    let sum = blake3::hash(&file);
    file.extend_from_slice(sum.as_bytes());
    Ok(file)
}

fn too_much(most: String) -> std::io::Error {
    std::io::Error::other(format!("a journal file holds at most {most}"))
}

pub fn load(file: &[u8], caps: Caps) -> Result<(SavedRun, Vec<Entry>), PortableError> {
    let damaged = |what: &str| PortableError::Damaged(what.to_owned());
    let head = MAGIC.len() + 1;
    if file.len() < head || &file[..MAGIC.len()] != MAGIC {
        return Err(PortableError::Strange);
    }
    let version = file[MAGIC.len()];
    if version > PORTABLE_VERSION {
        return Err(PortableError::TooNew(version));
    }
    if version == 0 || file.len() < head + CHECKSUM {
        return Err(damaged("it is cut short"));
    }
    let (content, sum) = file.split_at(file.len() - CHECKSUM);
    if blake3::hash(content).as_bytes() != sum {
        return Err(damaged("its checksum does not match"));
    }
    let mut body = decompress(&content[head..], caps)?;
    let run = SavedRun::decode_length_delimited(&mut body).map_err(|_| damaged("its head cannot be read"))?;
    if run.entries > caps.entries {
        return Err(PortableError::TooLarge(format!("{} entries", caps.entries)));
    }
    let mut entries = Vec::new();
    while body.has_remaining() {
        let page =
            Bytes::decode_length_delimited(&mut body).map_err(|_| damaged("a part of it cannot be read"))?;
        segment::decode(&page, &mut entries).map_err(|error| PortableError::Damaged(error.to_string()))?;
        if entries.len() as u64 > run.entries {
            return Err(damaged("it holds more entries than it says"));
        }
    }
    if entries.len() as u64 != run.entries {
        return Err(damaged("entries are missing"));
    }
    check(&entries, caps)?;
    Ok((run, entries))
}

fn decompress(bytes: &[u8], caps: Caps) -> Result<Bytes, PortableError> {
    let unreadable = |_| PortableError::Damaged("it cannot be decompressed".to_owned());
    let decoder = zstd::stream::read::Decoder::new(bytes).map_err(unreadable)?;
    let mut body = Vec::new();
    decoder.take(caps.bytes + 1).read_to_end(&mut body).map_err(unreadable)?;
    match body.len() as u64 > caps.bytes {
        true => Err(PortableError::TooLarge(format!("{} bytes", caps.bytes))),
        false => Ok(body.into()),
    }
}

/// What every reader of a journal relies on.
fn check(entries: &[Entry], caps: Caps) -> Result<(), PortableError> {
    // Paths repeat the names above: a deep tree of a few bytes an entry may take gigabytes to show.
    let mut paths = vec![0u64; entries.len()];
    let mut shown = 0;
    let damaged = |seq: usize, what: &str| Err(PortableError::Damaged(format!("entry {seq} {what}")));
    for (index, entry) in entries.iter().enumerate() {
        if entry.seq != index as u64 {
            return damaged(index, "is missing");
        }
        if matches!(entry.body, Some(Body::Started(_))) != (index == 0) {
            return damaged(index, "is out of place: a run starts once, first");
        }
        match &entry.body {
            // Below itself, or below a later one: such a tree would have no end.
            Some(Body::Command(command)) if command.scope != ROOT && command.scope >= entry.seq => {
                return damaged(index, "lies below an entry after it");
            }
            Some(Body::Command(command)) => {
                paths[index] = paths[command.scope as usize] + command.name.len() as u64 + 1;
                shown += paths[index];
                if shown > caps.bytes {
                    return Err(PortableError::TooLarge(format!("{} bytes of paths", caps.bytes)));
                }
            }
            Some(Body::Completion(completion)) if completion.command >= entry.seq => {
                return damaged(index, "answers an entry after it");
            }
            Some(Body::Ended(_)) if index + 1 != entries.len() => {
                return damaged(index, "ends the run too early");
            }
            _ => {}
        }
        if entry.payloads().iter().any(|payload| payload.as_blob().is_some()) {
            return damaged(index, "refers to bytes that the file does not hold");
        }
    }
    match entries.is_empty() {
        true => Err(PortableError::Damaged("it holds no entries".to_owned())),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Command, CommandKind, Payload, Started};
    use proptest::prelude::*;

    fn journal(inputs: &[Vec<u8>]) -> Vec<Entry> {
        let start = Started { run_id: "r_1".into(), component: "flow".into(), ..Started::default() };
        let mut entries = vec![Entry { seq: 0, at: 1, body: Some(Body::Started(start)) }];
        for input in inputs {
            let command = Command {
                kind: CommandKind::Step as i32,
                name: "fetch".into(),
                input: Some(Payload::inline(input.clone().into())),
                ..Command::default()
            };
            entries.push(Entry { seq: entries.len() as u64, at: 2, body: Some(Body::Command(command)) });
        }
        entries
    }

    fn run() -> SavedRun {
        SavedRun { run_id: "r_1".into(), component: "flow".into(), status: 4, ..SavedRun::default() }
    }

    proptest! {
        #[test]
        fn what_is_saved_is_loaded(inputs in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..40)) {
            let entries = journal(&inputs);
            let (saved, loaded) = load(&save(&run(), &entries, Caps::default()).unwrap(), Caps::default()).unwrap();
            prop_assert_eq!(saved, SavedRun { entries: entries.len() as u64, ..run() });
            prop_assert_eq!(loaded, entries);
        }

        #[test]
        fn a_changed_byte_is_noticed(at in 0usize..4_000, bit in 0u8..8) {
            let mut file = save(&run(), &journal(&[vec![7; 50], vec![8; 500]]), Caps::default()).unwrap();
            let at = at % file.len();
            file[at] ^= 1 << bit;
            prop_assert!(load(&file, Caps::default()).is_err());
        }

        #[test]
        fn bytes_with_a_right_checksum_are_still_only_data(body in prop::collection::vec(any::<u8>(), 0..300), squeeze: bool) {
            let mut file = MAGIC.to_vec();
            file.push(PORTABLE_VERSION);
            file.extend(if squeeze { zstd::bulk::compress(&body, 1).unwrap() } else { body });
            let sum = blake3::hash(&file);
            file.extend_from_slice(sum.as_bytes());
            prop_assert!(load(&file, Caps::default()).is_err());
        }
    }

    #[test]
    fn limits_hold_before_the_memory_is_spent() {
        let file = save(&run(), &journal(&[vec![0; 50_000_000]]), Caps::default()).unwrap();
        assert!(file.len() < 100_000, "zeros are small when they are compressed");
        let caps = Caps { bytes: 1_000_000, entries: 10 };
        assert_eq!(load(&file, caps), Err(PortableError::TooLarge("1000000 bytes".into())));
        let many = save(&run(), &journal(&vec![vec![]; 20]), Caps::default()).unwrap();
        assert_eq!(load(&many, caps), Err(PortableError::TooLarge("10 entries".into())));
    }

    #[test]
    fn what_nobody_could_load_is_not_saved() {
        let refused = |entries: &[Entry], caps| save(&run(), entries, caps).unwrap_err().to_string();
        let caps = Caps { bytes: 1_000_000, entries: 10 };
        assert_eq!(refused(&journal(&vec![vec![]; 20]), caps), "a journal file holds at most 10 entries");
        assert_eq!(
            refused(&journal(&[vec![0; 2_000_000]]), caps),
            "a journal file holds at most 1000000 bytes"
        );
    }

    #[test]
    fn a_tree_too_deep_to_be_shown_is_refused() {
        let mut entries = journal(&vec![vec![]; 5_000]);
        for entry in &mut entries[2..] {
            let Some(Body::Command(command)) = &mut entry.body else { panic!() };
            command.scope = entry.seq - 1;
        }
        let caps = Caps { bytes: 10_000_000, entries: 10_000 };
        let refused = load(&save(&run(), &entries, Caps::default()).unwrap(), caps);
        assert_eq!(refused, Err(PortableError::TooLarge("10000000 bytes of paths".into())));
    }

    #[test]
    fn a_newer_version_and_another_file_are_told_apart() {
        let mut file = save(&run(), &journal(&[]), Caps::default()).unwrap();
        file[6] = 9;
        assert_eq!(load(&file, Caps::default()), Err(PortableError::TooNew(9)));
        assert_eq!(load(b"PK\x03\x04", Caps::default()), Err(PortableError::Strange));
    }

    #[test]
    fn entries_that_contradict_each_other_are_damage() {
        let mut entries = journal(&[vec![], vec![]]);
        let Some(Body::Command(command)) = &mut entries[1].body else { panic!() };
        command.scope = 2;
        let error = load(&save(&run(), &entries, Caps::default()).unwrap(), Caps::default()).unwrap_err();
        assert_eq!(error, PortableError::Damaged("entry 1 lies below an entry after it".into()));
    }
}
