//! What agents remember: records on shelves. A shelf is one kind of memory of one namespace; the store knows no more of
//! what a kind means than its name.

use bytes::Bytes;

use crate::store::Micros;

pub type ShelfNum = i64;
/// The shelf's number and, below it, the record's place on the shelf: the records of a shelf are one range of numbers, in
/// the order in which they were first put. Never used again.
pub type RecordNum = i64;

const PLACE_BITS: u32 = 40;

/// First and last number that records of this shelf can have.
pub(crate) fn numbers(shelf: ShelfNum) -> (RecordNum, RecordNum) {
    (shelf << PLACE_BITS, ((shelf + 1) << PLACE_BITS) - 1)
}

pub(crate) fn number(shelf: ShelfNum, place: i64) -> RecordNum {
    (shelf << PLACE_BITS) | place
}

pub(crate) fn shelf_of(record: RecordNum) -> ShelfNum {
    record >> PLACE_BITS
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shelf {
    pub num: ShelfNum,
    pub namespace: String,
    pub kind: String,
    /// Name of what made the vectors here; empty when there are none. Vectors of two makers never share a shelf.
    pub embedder: String,
    /// Numbers in each vector.
    pub dimension: u32,
    /// The place that the next record gets.
    pub next: i64,
    /// Ticks with every put and use.
    pub clock: u64,
    pub count: u64,
    /// Records that had to go because the shelf was full, since it was cleared last.
    pub trimmed: u64,
}

impl Shelf {
    /// Why a vector of this maker cannot be compared with those on the shelf.
    pub fn clash(&self, embedder: &str, dimension: usize) -> Option<String> {
        if self.embedder.is_empty() || (self.embedder == embedder && self.dimension as usize == dimension) {
            return None;
        }
        Some(format!(
            "the {} memory of namespace {:?} holds vectors of {:?} with {} numbers each; {embedder:?} makes others, with \
             {dimension}. Use the embedder it was filled with, another namespace, or clear() it first",
            self.kind, self.namespace, self.embedder, self.dimension
        ))
    }
}

/// What is put on a shelf.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRecord {
    pub id: String,
    /// For filtering; may be empty.
    pub label: String,
    pub value: Bytes,
    /// What it is found by, as `words` gives it, joined by blanks.
    pub words: String,
    /// Of length 1, or none.
    pub vector: Option<Vec<f32>>,
    pub at: Micros,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    pub num: RecordNum,
    pub id: String,
    pub label: String,
    pub value: Bytes,
    pub words: String,
    /// When it was put first, and last.
    pub created: Micros,
    pub written: Micros,
    /// The shelf's clock when it was put last, and when it was put or used last.
    pub revision: u64,
    pub used: u64,
    /// Only where it was asked for.
    pub vector: Option<Vec<f32>>,
}

/// In which order records are listed, and what a page goes on from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecordOrder {
    /// Newest first, by number.
    #[default]
    Newest,
    /// Used last first, by `used`.
    Used,
}

#[derive(Clone, Debug, Default)]
pub struct RecordFilter {
    pub shelf: ShelfNum,
    pub label: Option<String>,
    /// Put last at or after.
    pub since: Option<Micros>,
    pub order: RecordOrder,
    /// Only what comes behind this number, or this `used`: the last of the page before.
    pub before: Option<i64>,
    pub limit: u32,
    /// With their vectors.
    pub vectors: bool,
}

/// What is looked for on one shelf: by words, by a vector, or by both.
#[derive(Clone, Debug, Default)]
pub struct RecordQuery {
    pub shelf: ShelfNum,
    pub label: Option<String>,
    /// Put last at or after.
    pub since: Option<Micros>,
    /// As `words` gives them; a record with any of them is found.
    pub words: Vec<String>,
    /// Of length 1.
    pub vector: Option<Vec<f32>>,
    pub limit: u32,
}

/// A record that was found, the better the higher its score.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    pub record: Record,
    pub score: f64,
    /// BM25 of its words, when it was found by them.
    pub bm25: Option<f64>,
    /// Cosine with the query's vector, when it was among the nearest.
    pub cosine: Option<f32>,
}

/// Bytes of a vector in a store: little-endian f32.
pub fn vector_bytes(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// `None` when the bytes are no vector of finite numbers.
pub fn vector_of(bytes: &[u8]) -> Option<Vec<f32>> {
    if !bytes.len().is_multiple_of(4) {
        return None;
    }
    let numbers: Vec<f32> =
        bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect();
    numbers.iter().all(|number| number.is_finite()).then_some(numbers)
}

/// The vector with length 1; `None` for one without a direction.
pub fn unit(vector: &[f32]) -> Option<Vec<f32>> {
    let length = vector.iter().map(|number| f64::from(*number).powi(2)).sum::<f64>().sqrt();
    (length > 0.0 && length.is_finite())
        .then(|| vector.iter().map(|number| (f64::from(*number) / length) as f32).collect())
}
