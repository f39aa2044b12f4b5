//! Two journals side by side: which command of the one is which of the other.
//!
//! Commands are paired in order by place, name and content; what is left between such pairs by place and name; and what
//! is left then wherever it stands, for concurrent code may ask in another order.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::Hash;

use imara_diff::{Algorithm, Diff, Interner, Token};

use crate::completion::Outcome;
use crate::entry::Body;
use crate::{Command, CommandKind, Completion, Entry, Paths, ROOT, Seq};

/// A command of each journal, or of one. What is compared of a pair says whether it is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    pub before: Option<Seq>,
    pub after: Option<Seq>,
    pub same_input: bool,
    pub same_answer: bool,
    /// Also when the code of either is unknown.
    pub same_code: bool,
    /// Other pairs stand in another order.
    pub moved: bool,
}

/// Rows in the order of `after`, with what only `before` has where it stood.
pub fn align(before: &[Entry], after: &[Entry]) -> Vec<Row> {
    let (before, after) = (Asked::all(before), Asked::all(after));
    let mut pairs = Pairs::new(before.len(), after.len());
    in_order(&before, &after, &mut pairs);
    for (olds, news) in pairs.gaps() {
        pair_by(&before, &after, &mut pairs, olds.clone(), news.clone(), |one| one.path.as_str());
        pair_by(&before, &after, &mut pairs, olds, news, Asked::name);
    }
    let (olds, news) = (0..before.len(), 0..after.len());
    pair_by(&before, &after, &mut pairs, olds.clone(), news.clone(), Asked::content);
    pair_by(&before, &after, &mut pairs, olds, news, |one| (one.path.as_str(), one.command.kind));
    pairs.rows(&before, &after)
}

/// A command with what it is compared by.
struct Asked<'a> {
    seq: Seq,
    command: &'a Command,
    /// Without the id of its run, which is in names of questions to people: another run asks the same.
    name: Cow<'a, str>,
    path: String,
    /// Names of the calls it lies below, without their numbers: an inserted call changes those.
    place: String,
    answer: Option<&'a Completion>,
}

impl<'a> Asked<'a> {
    fn all(entries: &'a [Entry]) -> Vec<Self> {
        let mut paths = Paths::default();
        let mut answers = HashMap::new();
        let mut places: HashMap<Seq, String> = HashMap::new();
        let mut found = Vec::new();
        let own = entries.iter().find_map(|entry| match &entry.body {
            Some(Body::Started(started)) if !started.run_id.is_empty() => Some(started.run_id.as_str()),
            _ => None,
        });
        let without = |text: &'a str| match own {
            Some(own) if text.contains(own) => Cow::Owned(text.replace(own, "")),
            _ => Cow::Borrowed(text),
        };
        for entry in entries {
            let path = paths.note(entry);
            match &entry.body {
                Some(Body::Command(command)) => {
                    let place = match command.scope {
                        ROOT => "",
                        scope => places.get(&scope).map_or("", String::as_str),
                    };
                    let place = place.to_owned();
                    if command.kind() == CommandKind::Call {
                        places.insert(entry.seq, format!("{place}/{}", command.name));
                    }
                    let path = own.map_or_else(|| path.clone(), |own| path.replace(own, ""));
                    let name = without(&command.name);
                    found.push(Self { seq: entry.seq, command, name, path, place, answer: None });
                }
                Some(Body::Completion(completion)) => {
                    answers.insert(completion.command, completion);
                }
                _ => {}
            }
        }
        for one in &mut found {
            one.answer = answers.get(&one.seq).copied();
        }
        found
    }

    fn name(&self) -> (i32, &str, &str) {
        (self.command.kind, &self.place, &self.name)
    }

    fn content(&self) -> (i32, &str, &str, &[u8], &str) {
        let (kind, place, name) = self.name();
        (kind, place, name, &self.command.digest, self.target())
    }

    /// Whom it asks, where that is no id, which is another one in each run.
    fn target(&self) -> &str {
        match self.command.kind() {
            CommandKind::Child | CommandKind::Start | CommandKind::Object => &self.command.target,
            _ => "",
        }
    }

    fn answer_is_that_of(&self, other: &Asked) -> bool {
        match (self.outcome(), other.outcome()) {
            (Some(Outcome::Received(one)), Some(Outcome::Received(two))) => one.payload == two.payload,
            (one, two) => one == two,
        }
    }

    fn outcome(&self) -> Option<&Outcome> {
        self.answer.and_then(|completion| completion.outcome.as_ref())
    }
}

/// Indices of commands that belong together.
struct Pairs {
    of_after: Vec<Option<usize>>,
    taken: Vec<bool>,
}

type Range = std::ops::Range<usize>;

impl Pairs {
    fn new(before: usize, after: usize) -> Self {
        Self { of_after: vec![None; after], taken: vec![false; before] }
    }

    fn add(&mut self, old: usize, new: usize) {
        self.of_after[new] = Some(old);
        self.taken[old] = true;
    }

    /// What lies between pairs, as long as these are in one order.
    fn gaps(&self) -> Vec<(Range, Range)> {
        let mut gaps = Vec::new();
        let (mut old, mut new) = (0, 0);
        for (at, paired) in self.of_after.iter().enumerate() {
            if let Some(paired) = *paired {
                gaps.push((old..paired, new..at));
                (old, new) = (paired + 1, at + 1);
            }
        }
        gaps.push((old..self.taken.len(), new..self.of_after.len()));
        gaps.retain(|(olds, news)| !olds.is_empty() && !news.is_empty());
        gaps
    }

    fn rows(&self, before: &[Asked], after: &[Asked]) -> Vec<Row> {
        let kept = longest_rising(&self.of_after);
        // Up to where the older journal is shown before a command of the newer one: the next pair that did not move.
        let mut until = vec![self.taken.len(); after.len() + 1];
        for new in (0..after.len()).rev() {
            until[new] = match self.of_after[new] {
                Some(old) if kept.contains(&new) => old,
                _ => until[new + 1],
            };
        }
        let mut rows = Vec::with_capacity(after.len());
        let mut old = 0;
        for new in 0..=after.len() {
            let shown = old.max(until[new]);
            for (gone, taken) in before[old..shown].iter().zip(&self.taken[old..shown]) {
                if !taken {
                    rows.push(Row { before: Some(gone.seq), ..Row::single() });
                }
            }
            old = shown;
            if new == after.len() {
                break;
            }
            rows.push(match self.of_after[new] {
                Some(paired) => Row::pair(&before[paired], &after[new], !kept.contains(&new)),
                None => Row { after: Some(after[new].seq), ..Row::single() },
            });
        }
        rows
    }
}

impl Row {
    fn single() -> Self {
        Self {
            before: None,
            after: None,
            same_input: false,
            same_answer: false,
            same_code: false,
            moved: false,
        }
    }

    fn pair(old: &Asked, new: &Asked, moved: bool) -> Self {
        let (code, now) = (&old.command.code, &new.command.code);
        Self {
            before: Some(old.seq),
            after: Some(new.seq),
            same_input: old.command.digest == new.command.digest && old.target() == new.target(),
            same_answer: old.answer_is_that_of(new),
            same_code: code == now || code.is_empty() || now.is_empty(),
            moved,
        }
    }
}

fn in_order(before: &[Asked], after: &[Asked], pairs: &mut Pairs) {
    let mut interner = Interner::new(before.len());
    let mut tokens = |all: &[Asked]| -> Vec<Token> {
        all.iter()
            .map(|one| {
                let (kind, place, name, digest, target) = one.content();
                interner.intern((kind, place.to_owned(), name.to_owned(), digest.to_vec(), target.to_owned()))
            })
            .collect()
    };
    let (olds, news) = (tokens(before), tokens(after));
    let mut diff = Diff::default();
    diff.compute_with(Algorithm::Histogram, &olds, &news, interner.num_tokens());
    let old = (0..before.len()).filter(|at| !diff.is_removed(*at as u32));
    let new = (0..after.len()).filter(|at| !diff.is_added(*at as u32));
    old.zip(new).for_each(|(old, new)| pairs.add(old, new));
}

/// First come, first served among the unpaired ones with the same key.
fn pair_by<'a, K: Eq + Hash>(
    before: &'a [Asked],
    after: &'a [Asked],
    pairs: &mut Pairs,
    olds: Range,
    news: Range,
    key: impl Fn(&'a Asked<'a>) -> K,
) {
    let mut waiting: HashMap<K, VecDeque<usize>> = HashMap::new();
    for old in olds.filter(|old| !pairs.taken[*old]) {
        waiting.entry(key(&before[old])).or_default().push_back(old);
    }
    for new in news {
        if pairs.of_after[new].is_none()
            && let Some(old) = waiting.get_mut(&key(&after[new])).and_then(VecDeque::pop_front)
        {
            pairs.add(old, new);
        }
    }
}

/// Positions of a longest strictly rising run of values; `None` is passed over.
fn longest_rising(values: &[Option<usize>]) -> HashSet<usize> {
    let mut ends: Vec<usize> = Vec::new();
    let mut previous = vec![usize::MAX; values.len()];
    for (at, value) in values.iter().enumerate().filter(|(_, value)| value.is_some()) {
        let length = ends.partition_point(|end| values[*end] < *value);
        if length > 0 {
            previous[at] = ends[length - 1];
        }
        match length < ends.len() {
            true => ends[length] = at,
            false => ends.push(at),
        }
    }
    let mut found = HashSet::new();
    let mut at = ends.last().copied();
    while let Some(here) = at {
        found.insert(here);
        at = (previous[here] != usize::MAX).then_some(previous[here]);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::digest;
    use crate::{ComponentKind, Payload, Started};
    use proptest::prelude::*;

    /// A flow that ran these steps: name, argument, result.
    fn journal(steps: &[(u8, u8, u8)]) -> Vec<Entry> {
        let start = Started { kind: ComponentKind::Flow as i32, ..Started::default() };
        let mut bodies = vec![Body::Started(start)];
        let mut uses: HashMap<u8, u32> = HashMap::new();
        for (name, input, result) in steps {
            let occurrence = uses.entry(*name).or_default();
            let seq = bodies.len() as u64;
            bodies.push(Body::Command(Command {
                kind: CommandKind::Step as i32,
                name: format!("step{name}"),
                digest: digest(&[*input]),
                occurrence: *occurrence,
                ..Command::default()
            }));
            *occurrence += 1;
            let value = Payload::inline(vec![*result].into());
            bodies.push(Body::Completion(Completion {
                command: seq,
                outcome: Some(Outcome::Value(value)),
                ..Completion::default()
            }));
        }
        (0..).zip(bodies).map(|(seq, body)| Entry { seq, at: 0, body: Some(body) }).collect()
    }

    fn shown(before: &[(u8, u8, u8)], after: &[(u8, u8, u8)]) -> String {
        let rows = align(&journal(before), &journal(after));
        let word = |row: &Row| match (row.before, row.after) {
            (Some(_), None) => "-",
            (None, _) => "+",
            _ if row.moved => "<",
            _ if !row.same_input => "i",
            _ if !row.same_answer => "a",
            _ => "=",
        };
        rows.iter().map(word).collect()
    }

    #[test]
    fn equal_journals_are_equal() {
        assert_eq!(shown(&[(1, 1, 1), (1, 1, 1), (2, 1, 1)], &[(1, 1, 1), (1, 1, 1), (2, 1, 1)]), "===");
    }

    #[test]
    fn an_inserted_call_does_not_shift_the_others() {
        assert_eq!(shown(&[(1, 1, 1), (1, 2, 2)], &[(1, 9, 9), (1, 1, 1), (1, 2, 2)]), "+==");
        assert_eq!(shown(&[(1, 9, 9), (1, 1, 1), (1, 2, 2)], &[(1, 1, 1), (1, 2, 2)]), "-==");
    }

    #[test]
    fn another_argument_and_another_answer_are_told_apart() {
        assert_eq!(shown(&[(1, 1, 1), (2, 1, 1), (3, 1, 1)], &[(1, 1, 5), (2, 5, 1), (3, 1, 1)]), "ai=");
    }

    #[test]
    fn one_that_is_asked_earlier_moved_and_the_others_did_not() {
        assert_eq!(shown(&[(1, 1, 1), (2, 1, 1), (3, 1, 1)], &[(3, 1, 1), (1, 1, 1), (2, 1, 1)]), "<==");
    }

    #[test]
    fn what_went_is_shown_where_it_stood() {
        assert_eq!(shown(&[(1, 1, 1), (2, 1, 1), (3, 1, 1)], &[(1, 1, 1), (4, 1, 1), (3, 1, 1)]), "=-+=");
    }

    proptest! {
        #[test]
        fn every_command_is_in_one_row_and_equal_ones_are_paired(
            before in prop::collection::vec((0u8..4, 0u8..3, 0u8..3), 0..60),
            after in prop::collection::vec((0u8..4, 0u8..3, 0u8..3), 0..60),
        ) {
            let (old, new) = (journal(&before), journal(&after));
            let rows = align(&old, &new);
            let seqs = |all: &[Entry]| Asked::all(all).iter().map(|one| one.seq).collect::<Vec<_>>();
            let mut olds: Vec<_> = rows.iter().filter_map(|row| row.before).collect();
            let news: Vec<_> = rows.iter().filter_map(|row| row.after).collect();
            olds.sort_unstable();
            prop_assert_eq!(olds, seqs(&old));
            prop_assert_eq!(news, seqs(&new));
            let stays: Vec<_> = rows.iter().filter(|row| !row.moved).filter_map(|row| row.before).collect();
            prop_assert!(stays.is_sorted(), "what did not move is in both orders");
            for name in 0..4 {
                let asked = |all: &[(u8, u8, u8)]| all.iter().filter(|one| one.0 == name).count();
                let of = |seq: Option<Seq>, all: &[Entry]| seq.is_some_and(|seq| matches!(
                    &all[seq as usize].body, Some(Body::Command(command)) if command.name == format!("step{name}")
                ));
                let alone = rows.iter().filter(|row| match (row.before, row.after) {
                    (Some(_), Some(_)) => false,
                    (one, two) => of(one, &old) || of(two, &new),
                }).count();
                let least = asked(&before).abs_diff(asked(&after));
                prop_assert!(alone >= least);
            }
        }

        #[test]
        fn a_journal_is_itself(steps in prop::collection::vec((0u8..4, 0u8..3, 0u8..3), 0..60)) {
            let one = journal(&steps);
            prop_assert!(align(&one, &one).iter().all(|row| row.same_input && row.same_answer && !row.moved));
        }

        #[test]
        fn one_changed_argument_is_one_changed_row(
            steps in prop::collection::vec((0u8..4, 0u8..3, 0u8..3), 1..60), at: prop::sample::Index,
        ) {
            let mut changed = steps.clone();
            let at = at.index(steps.len());
            changed[at].1 = 100;
            let rows = align(&journal(&steps), &journal(&changed));
            let others: Vec<_> = rows.iter().filter(|row| !row.same_input).collect();
            prop_assert_eq!(others.len(), 1);
            prop_assert_eq!(others[0].before, others[0].after);
        }
    }
}
