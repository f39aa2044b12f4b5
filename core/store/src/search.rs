//! Finding records: which words a text has, how near two vectors are, and how two rankings become one. Pure.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BinaryHeap};

use crate::record::{Hit, RecordNum, RecordQuery};
use crate::store::{Read, Result};

/// Reciprocal rank fusion gives a record 1 / (K + rank) for each ranking it is in. 60 is the constant of Cormack, Clarke and
/// Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods", SIGIR 2009.
const K: f64 = 60.0;

/// How much further than the limit each ranking looks: what is good in both may be first in neither.
const DEPTH: u32 = 4;
const LEAST_DEPTH: u32 = 40;

/// Words of a query beyond this many are not looked for.
const MOST_WORDS: usize = 64;

/// Runs of letters and digits in lower case; in scripts without blanks between words, each character. A store
/// indexes these words and no others, so every store agrees on what a word is.
pub fn words(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut word = String::new();
    for letter in text.chars() {
        if !letter.is_alphanumeric() || stands_alone(letter) {
            if !word.is_empty() {
                found.push(std::mem::take(&mut word));
            }
            if letter.is_alphanumeric() {
                found.push(letter.to_string());
            }
        } else {
            word.extend(letter.to_lowercase().filter(|one| one.is_alphanumeric()));
        }
    }
    if !word.is_empty() {
        found.push(word);
    }
    found
}

/// The words of a question, each once.
pub fn query_words(text: &str) -> Vec<String> {
    let mut seen = std::collections::BTreeSet::new();
    let mut found = words(text);
    found.retain(|word| seen.insert(word.clone()));
    found.truncate(MOST_WORDS);
    found
}

/// Han, kana, Thai, Lao, Khmer and Burmese are written without blanks between words.
fn stands_alone(letter: char) -> bool {
    matches!(letter, '\u{0E00}'..='\u{0EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}'
        | '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}'
        | '\u{20000}'..='\u{323AF}')
}

/// Eight sums side by side, which the compiler turns into vector instructions; one sum it may not reorder.
pub(crate) fn dot(query: &[f32], bytes: &[u8]) -> f32 {
    let mut sums = [0f32; 8];
    let (whole, rest) = query.split_at(query.len() - query.len() % 8);
    let (whole_bytes, rest_bytes) = bytes.split_at((whole.len() * 4).min(bytes.len()));
    for (numbers, bytes) in whole.chunks_exact(8).zip(whole_bytes.chunks_exact(32)) {
        for lane in 0..8 {
            let four = [bytes[lane * 4], bytes[lane * 4 + 1], bytes[lane * 4 + 2], bytes[lane * 4 + 3]];
            sums[lane] += numbers[lane] * f32::from_le_bytes(four);
        }
    }
    let mut sum: f32 = sums.iter().sum();
    for (number, four) in rest.iter().zip(rest_bytes.chunks_exact(4)) {
        sum += number * f32::from_le_bytes([four[0], four[1], four[2], four[3]]);
    }
    sum
}

/// The best of many, without keeping the others: at most `limit`, highest score first, of equals the newer first.
pub(crate) struct Best {
    limit: usize,
    /// The worst that is kept is on top.
    kept: BinaryHeap<Scored>,
}

#[derive(PartialEq)]
struct Scored(f64, RecordNum);

impl Eq for Scored {}

impl PartialOrd for Scored {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scored {
    fn cmp(&self, other: &Self) -> Ordering {
        other.0.total_cmp(&self.0).then(other.1.cmp(&self.1))
    }
}

impl Best {
    pub fn of(limit: u32) -> Self {
        Self { limit: limit as usize, kept: BinaryHeap::new() }
    }

    pub fn offer(&mut self, num: RecordNum, score: f64) {
        let new = Scored(score, num);
        if self.kept.len() < self.limit {
            self.kept.push(new);
        } else if self.kept.peek().is_some_and(|worst| new < *worst) {
            self.kept.pop();
            self.kept.push(new);
        }
    }

    pub fn ranked(self) -> Vec<(RecordNum, f64)> {
        self.kept.into_sorted_vec().into_iter().map(|Scored(score, num)| (num, score)).collect()
    }
}

/// Both rankings of a shelf as one. Vectors that point away from the query say nothing about it and are not ranked.
pub(crate) fn search<R: Read + ?Sized>(store: &R, query: &RecordQuery) -> Result<Vec<Hit>> {
    let depth = query.limit.saturating_mul(DEPTH).max(LEAST_DEPTH);
    let mut found: BTreeMap<RecordNum, Found> = BTreeMap::new();
    if !query.words.is_empty() {
        for (rank, (num, bm25)) in store.ranked_by_words(query, depth)?.into_iter().enumerate() {
            let one = found.entry(num).or_default();
            one.score += 1.0 / (K + 1.0 + rank as f64);
            one.bm25 = Some(bm25);
        }
    }
    if query.vector.is_some() {
        let near = store.ranked_by_vector(query, depth)?;
        for (rank, (num, cosine)) in near.into_iter().filter(|(_, cosine)| *cosine > 0.0).enumerate() {
            let one = found.entry(num).or_default();
            one.score += 1.0 / (K + 1.0 + rank as f64);
            one.cosine = Some(cosine as f32);
        }
    }
    let mut best = Best::of(query.limit);
    for (num, one) in &found {
        best.offer(*num, one.score);
    }
    let mut hits = Vec::new();
    for (num, score) in best.ranked() {
        // A record may go between two reads of a visitor.
        if let Some(record) = store.record_at(num)? {
            let Found { bm25, cosine, .. } = found[&num];
            hits.push(Hit { record, score, bm25, cosine });
        }
    }
    Ok(hits)
}

#[derive(Clone, Copy, Default)]
struct Found {
    score: f64,
    bm25: Option<f64>,
    cosine: Option<f32>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::vector_bytes;

    #[test]
    fn words_are_runs_of_letters_and_digits_and_single_characters_where_no_blanks_are_written() {
        assert_eq!(
            words("Error E1234: can't OPEN /tmp/x_y"),
            ["error", "e1234", "can", "t", "open", "tmp", "x", "y"]
        );
        assert_eq!(words("東京タワーtower"), ["東", "京", "タ", "ワ", "ー", "tower"]);
        assert_eq!(words("Straße İzmir"), ["straße", "izmir"]);
        assert!(words(" .,;\u{301}").is_empty());
        assert_eq!(query_words("the cat, the hat"), ["the", "cat", "hat"]);
    }

    #[test]
    fn the_dot_product_is_the_sum_of_products_at_every_length() {
        for length in 0..40 {
            let one: Vec<f32> = (0..length).map(|at| at as f32).collect();
            let two: Vec<f32> = (0..length).map(|at| (at % 3) as f32).collect();
            let sum: f32 = one.iter().zip(&two).map(|(one, two)| one * two).sum();
            assert_eq!(dot(&one, &vector_bytes(&two)), sum, "{length}");
        }
    }

    #[test]
    fn the_best_are_kept_in_order_and_of_equals_the_newer() {
        let mut best = Best::of(3);
        for (num, score) in [(1, 0.5), (2, 0.9), (3, 0.5), (4, 0.1), (5, 0.5)] {
            best.offer(num, score);
        }
        assert_eq!(best.ranked(), [(2, 0.9), (5, 0.5), (3, 0.5)]);
    }
}
