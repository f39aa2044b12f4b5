//! What agents remember: shelves, records, and how they are found again.

use agnt5_store::*;

use crate::common::{record, within};

/// A shelf with these records, each (id, label, words), put at 1, 2, 3 ...
fn filled(store: &mut impl Store, kind: &str, records: &[(&str, &str, &str)]) -> ShelfNum {
    within(store, |store| {
        let shelf = store.put_shelf("ada", kind, "", 0).unwrap();
        for (at, (id, label, words)) in (1..).zip(records) {
            let new = NewRecord { label: (*label).into(), words: (*words).into(), at, ..record(id) };
            store.put_record(shelf, &new).unwrap();
        }
        shelf
    })
}

fn ids(records: &[Record]) -> Vec<&str> {
    records.iter().map(|record| record.id.as_str()).collect()
}

fn by_use(store: &impl Store, shelf: ShelfNum) -> Vec<String> {
    let filter = RecordFilter { shelf, order: RecordOrder::Used, limit: 100, ..RecordFilter::default() };
    store.records(&filter).unwrap().into_iter().map(|record| record.id).collect()
}

pub fn a_record_is_read_as_it_was_put_and_replaced_under_its_id(mut store: impl Store) {
    let shelf = filled(&mut store, "working", &[("a", "first", "one")]);
    let first = store.record(shelf, "a").unwrap().unwrap();
    assert_eq!(
        (first.label.as_str(), first.words.as_str(), &first.value[..]),
        ("first", "one", b"1".as_slice())
    );
    assert_eq!((first.created, first.written, first.revision, first.used), (1, 1, 1, 1));
    within(&mut store, |store| {
        let again = NewRecord { value: "2".into(), at: 9, ..record("a") };
        store.put_record(shelf, &again).unwrap();
        assert!(store.put_record(shelf + 7, &again).is_err(), "there is no such shelf");
    });
    let second = store.record(shelf, "a").unwrap().unwrap();
    assert_eq!((second.num, second.created), (first.num, 1), "it is the same record");
    assert_eq!((second.written, second.revision, &second.value[..]), (9, 2, b"2".as_slice()));
    assert_eq!(store.record_at(first.num).unwrap(), Some(second));
    assert_eq!(store.shelf("ada", "working").unwrap().unwrap().count, 1);
    assert_eq!(store.record(shelf, "b").unwrap(), None);
}

pub fn shelves_are_apart(mut store: impl Store) {
    let mine = filled(&mut store, "working", &[("a", "", "tea")]);
    let (theirs, empty) = within(&mut store, |store| {
        let theirs = store.put_shelf("bob", "working", "", 0).unwrap();
        store.put_record(theirs, &NewRecord { words: "tea".into(), ..record("a") }).unwrap();
        assert_eq!(store.put_shelf("bob", "working", "maker", 3).unwrap(), theirs, "made once");
        (theirs, store.put_shelf("ada", "episodic", "", 0).unwrap())
    });
    let named: Vec<_> =
        store.shelves().unwrap().into_iter().map(|shelf| (shelf.namespace, shelf.kind)).collect();
    assert_eq!(
        named,
        [("ada", "episodic"), ("ada", "working"), ("bob", "working")].map(|(a, b)| (a.into(), b.into()))
    );
    let shelf = store.shelf("bob", "working").unwrap().unwrap();
    assert_eq!((shelf.embedder.as_str(), shelf.dimension, shelf.count), ("maker", 3, 1));
    assert_eq!(store.shelf("eve", "working").unwrap(), None);
    let found = |shelf| {
        store.search(&RecordQuery { shelf, words: vec!["tea".into()], limit: 9, ..Default::default() })
    };
    assert_eq!(found(mine).unwrap()[0].record.num, store.record(mine, "a").unwrap().unwrap().num);
    assert_eq!(found(theirs).unwrap().len(), 1);
    assert_eq!(found(empty).unwrap(), []);
    within(&mut store, |store| assert_eq!(store.clear_shelf(mine, 9).unwrap(), 1));
    assert_eq!(store.record(mine, "a").unwrap(), None);
    assert!(store.record(theirs, "a").unwrap().is_some());
}

pub fn what_was_used_longest_ago_goes_when_a_shelf_is_full(mut store: impl Store) {
    let shelf =
        filled(&mut store, "working", &[("a", "", "x"), ("b", "", "x"), ("c", "", "x"), ("d", "", "x")]);
    within(&mut store, |store| {
        assert!(store.use_record(shelf, "a").unwrap());
        assert!(!store.use_record(shelf, "a").unwrap(), "it is the last used already");
        assert!(!store.use_record(shelf, "nobody").unwrap());
    });
    assert_eq!(by_use(&store, shelf), ["a", "d", "c", "b"]);
    within(&mut store, |store| {
        assert_eq!(store.trim_records(shelf, 4).unwrap(), 0);
        assert_eq!(store.trim_records(shelf, 2).unwrap(), 2);
        assert_eq!(store.trim_records(shelf + 1, 0).unwrap(), 0);
    });
    assert_eq!(by_use(&store, shelf), ["a", "d"]);
    let on = store.shelf("ada", "working").unwrap().unwrap();
    assert_eq!((on.count, on.trimmed), (2, 2));
    let query = RecordQuery { shelf, words: vec!["x".into()], limit: 9, ..RecordQuery::default() };
    assert_eq!(store.search(&query).unwrap().len(), 2, "what went is not found any more");
}

pub fn lists_of_records_filter_and_page(mut store: impl Store) {
    let labels = ["talk", "act", "talk", "talk", "act"];
    let records: Vec<_> =
        ["a", "b", "c", "d", "e"].into_iter().zip(labels).map(|(id, label)| (id, label, "")).collect();
    let shelf = filled(&mut store, "episodic", &records);
    let list = |filter: RecordFilter| store.records(&RecordFilter { shelf, ..filter }).unwrap();
    let all = RecordFilter { limit: 10, ..RecordFilter::default() };
    let newest = list(all.clone());
    assert_eq!(ids(&newest), ["e", "d", "c", "b", "a"]);
    assert_eq!(ids(&list(RecordFilter { limit: 2, before: Some(newest[1].num), ..all.clone() })), ["c", "b"]);
    assert_eq!(ids(&list(RecordFilter { label: Some("talk".into()), ..all.clone() })), ["d", "c", "a"]);
    assert_eq!(
        ids(&list(RecordFilter { label: Some("talk".into()), since: Some(3), ..all.clone() })),
        ["d", "c"]
    );
    let used = RecordFilter { order: RecordOrder::Used, ..all };
    let page = list(RecordFilter { limit: 3, ..used.clone() });
    assert_eq!(ids(&list(RecordFilter { before: Some(page[2].used as i64), ..used })), ["b", "a"]);
}

pub fn words_find_what_has_the_rarest_of_them_most(mut store: impl Store) {
    let shelf = filled(
        &mut store,
        "semantic",
        &[
            ("cats", "", "cats sleep all day and all night"),
            ("dogs", "", "dogs bark"),
            ("both", "old", "cats and dogs"),
            ("ticket", "", "error e1234 in the night"),
        ],
    );
    let find = |text: &str, label: Option<&str>, since| {
        let (words, label) = (query_words(text), label.map(str::to_owned));
        let query = RecordQuery { shelf, words, label, since, limit: 10, ..RecordQuery::default() };
        store.search(&query).unwrap().into_iter().map(|hit| hit.record.id).collect::<Vec<_>>()
    };
    assert_eq!(find("E1234?", None, None), ["ticket"]);
    assert_eq!(find("cats dogs", None, None), ["both", "dogs", "cats"], "both words, then the shorter text");
    assert_eq!(find("cats dogs", Some("old"), None), ["both"]);
    assert_eq!(find("cats dogs", None, Some(2)), ["both", "dogs"]);
    assert_eq!(
        find("\" OR words : * NEAR(", None, None),
        Vec::<String>::new(),
        "a query is words and nothing else"
    );
    assert_eq!(find("birds", None, None), Vec::<String>::new());
}

pub fn vectors_find_what_is_near_and_both_rankings_become_one(mut store: impl Store) {
    let shelf = within(&mut store, |store| {
        let shelf = store.put_shelf("ada", "semantic", "maker", 2).unwrap();
        for (id, words, vector) in [
            ("east", "sun rises", Some([1.0, 0.0])),
            ("north", "cold", Some([0.0, 1.0])),
            ("west", "sun sets", Some([-1.0, 0.0])),
            ("nowhere", "sun", None),
        ] {
            let vector = vector.map(|vector| vector.to_vec());
            store.put_record(shelf, &NewRecord { words: words.into(), vector, ..record(id) }).unwrap();
        }
        shelf
    });
    let find = |words: &str, vector: Option<[f32; 2]>| {
        let vector = vector.and_then(|vector| unit(&vector));
        let query =
            RecordQuery { shelf, words: query_words(words), vector, limit: 3, ..RecordQuery::default() };
        let hits = store.search(&query).unwrap();
        hits.into_iter().map(|hit| (hit.record.id, hit.cosine)).collect::<Vec<_>>()
    };
    let near = find("", Some([2.0, 1.0]));
    assert_eq!(
        near.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(),
        ["east", "north"],
        "west points away"
    );
    assert!((near[0].1.unwrap() - 0.894_427).abs() < 1e-5);
    let both: Vec<_> = find("sun", Some([1.0, 0.2])).into_iter().map(|(id, _)| id).collect();
    assert_eq!(both, ["east", "nowhere", "west"], "east is in both rankings; of equals the newer first");
    let filter = RecordFilter { shelf, limit: 9, vectors: true, ..RecordFilter::default() };
    let listed = store.records(&filter).unwrap();
    assert_eq!(listed[3].vector.as_deref(), Some([1.0, 0.0].as_slice()));
    assert_eq!(listed[0].vector, None);
    assert_eq!(store.record(shelf, "east").unwrap().unwrap().vector, None, "only where it was asked for");
}

pub fn deleted_records_are_not_found_and_their_numbers_never_used_again(mut store: impl Store) {
    let shelf = filled(&mut store, "semantic", &[("a", "", "tea"), ("b", "", "tea"), ("c", "", "tea")]);
    let last = store.record(shelf, "c").unwrap().unwrap().num;
    within(&mut store, |store| {
        assert!(store.delete_record(shelf, "c").unwrap());
        assert!(!store.delete_record(shelf, "c").unwrap());
        store.trim_records(shelf, 1).unwrap();
        assert_eq!(store.shelf("ada", "semantic").unwrap().unwrap().trimmed, 1);
        store.put_record(shelf, &record("d")).unwrap();
        store.put_shelf("ada", "semantic", "maker", 2).unwrap();
        assert_eq!(store.clear_shelf(shelf, 1).unwrap(), 1);
        assert_eq!(store.record(shelf, "b").unwrap(), None, "the oldest first");
        assert_eq!(store.shelf("ada", "semantic").unwrap().unwrap().dimension, 2);
        assert_eq!(store.clear_shelf(shelf, 9).unwrap(), 1);
        let empty = store.shelf("ada", "semantic").unwrap().unwrap();
        assert_eq!((empty.embedder.as_str(), empty.count, empty.trimmed), ("", 0, 0));
        assert_eq!(store.clear_shelf(shelf + 1, 9).unwrap(), 0);
        store.put_record(shelf, &NewRecord { words: "tea".into(), ..record("c") }).unwrap();
    });
    let query = RecordQuery { shelf, words: vec!["tea".into()], limit: 9, ..RecordQuery::default() };
    let found = store.search(&query).unwrap();
    assert_eq!(found.len(), 1);
    assert!(found[0].record.num > last);
    assert_eq!(store.shelf("ada", "semantic").unwrap().unwrap().count, 1);
}

pub fn a_rollback_takes_records_back(mut store: impl Store) {
    let shelf = filled(&mut store, "semantic", &[("a", "", "tea"), ("b", "", "pot")]);
    let query =
        |word: &str| RecordQuery { shelf, words: vec![word.into()], limit: 9, ..RecordQuery::default() };
    let before = (store.shelves().unwrap(), store.search(&query("tea")).unwrap(), by_use(&store, shelf));
    store.begin().unwrap();
    store.put_record(shelf, &NewRecord { words: "cup".into(), ..record("a") }).unwrap();
    store.put_record(shelf, &record("new")).unwrap();
    store.use_record(shelf, "b").unwrap();
    store.trim_records(shelf, 2).unwrap();
    store.put_shelf("eve", "working", "", 0).unwrap();
    store.clear_shelf(shelf, 9).unwrap();
    store.rollback();
    assert_eq!(
        (store.shelves().unwrap(), store.search(&query("tea")).unwrap(), by_use(&store, shelf)),
        before
    );
    assert_eq!(store.search(&query("cup")).unwrap(), []);
}
