//! Values inside entries: small ones inline, large ones by reference.

use bytes::Bytes;

use crate::pb::payload::Place;
use crate::{BlobRef, Payload};

/// Above this many bytes a payload lives in the blob table.
pub const INLINE_LIMIT: usize = 64 * 1024;

/// A payload that has to be stored beside the entry which names it.
#[derive(Clone, Debug)]
pub struct Spilled {
    pub hash: [u8; 32],
    pub bytes: Bytes,
}

impl Payload {
    /// Puts `bytes` inline, or into `spilled` when they are large.
    pub fn place_bytes(bytes: Bytes, spilled: &mut Vec<Spilled>) -> Self {
        if bytes.len() <= INLINE_LIMIT {
            return Self::inline(bytes);
        }
        Self::spill(bytes, spilled)
    }

    /// Puts `bytes` into `spilled`, however small: many entries name the same ones, and they are stored once.
    pub fn spill(bytes: Bytes, spilled: &mut Vec<Spilled>) -> Self {
        let hash = *blake3::hash(&bytes).as_bytes();
        let size = bytes.len() as u64;
        spilled.push(Spilled { hash, bytes });
        Self { place: Some(Place::Blob(BlobRef { hash: Bytes::copy_from_slice(&hash), size })) }
    }

    pub fn inline(bytes: Bytes) -> Self {
        Self { place: Some(Place::Inline(bytes)) }
    }

    /// The bytes, when they are inline.
    pub fn as_inline(&self) -> Option<&Bytes> {
        match &self.place {
            Some(Place::Inline(bytes)) => Some(bytes),
            _ => None,
        }
    }

    pub fn as_blob(&self) -> Option<&BlobRef> {
        match &self.place {
            Some(Place::Blob(blob)) => Some(blob),
            _ => None,
        }
    }
}
