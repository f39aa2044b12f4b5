//! What agents remember: in the store that this process owns, in one that another owns, or in none at all.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use agnt5_engine::{Engine, Host, Limits, MemoryChange, Refusal, Remember, Reply, Request, memory_request};
use agnt5_store::{
    MemoryStore, Read, Record, RecordFilter, RecordOrder, RecordQuery, Shelf, SqliteReader, StoreError,
    query_words, unit, vector_bytes, vector_of,
};
use bytes::Bytes;
use parking_lot::Mutex;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use serde_json::json;

use crate::errors;
use crate::functions::ask;

/// An owner that is busy with a large transaction answers late; a lost put would be worse.
const PATIENCE: Duration = Duration::from_secs(30);

enum Place {
    Owned(Arc<Host>, Mutex<SqliteReader>, u32),
    Visited(PathBuf, Mutex<SqliteReader>),
    Scratch(Box<Mutex<Engine<MemoryStore>>>),
}

#[pyclass(frozen, name = "Memory", module = "agnt5._core")]
pub struct PyMemory(Place);

#[pyclass(frozen, get_all, name = "MemoryRecord", module = "agnt5._core")]
pub struct PyMemoryRecord {
    num: i64,
    id: String,
    label: String,
    created: i64,
    written: i64,
    revision: u64,
    used: i64,
    value: Py<PyBytes>,
    vector: Py<PyBytes>,
}

/// Record, score, BM25, cosine.
type Found = (PyMemoryRecord, f64, Option<f64>, Option<f32>);

fn view(py: Python<'_>, record: Record) -> PyMemoryRecord {
    PyMemoryRecord {
        num: record.num,
        id: record.id,
        label: record.label,
        created: record.created,
        written: record.written,
        revision: record.revision,
        used: record.used as i64,
        value: PyBytes::new(py, &record.value).unbind(),
        vector: PyBytes::new(py, &vector_bytes(&record.vector.unwrap_or_default())).unbind(),
    }
}

fn shelf_json(shelf: &Shelf) -> serde_json::Value {
    json!({
        "namespace": shelf.namespace, "kind": shelf.kind, "embedder": shelf.embedder, "dimension": shelf.dimension,
        "count": shelf.count, "trimmed": shelf.trimmed,
    })
}

fn numbers(bytes: &[u8]) -> PyResult<Vec<f32>> {
    vector_of(bytes).ok_or_else(|| PyValueError::new_err("a vector is little-endian f32, all of them finite"))
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

impl PyMemory {
    /// Reads through a connection of its own: a search must not keep those waiting who look at runs.
    pub fn of(host: Arc<Host>) -> PyResult<Self> {
        let reader = SqliteReader::open(host.directory()).map_err(|error| errors::store(&error))?;
        Ok(Self(Place::Owned(host, Mutex::new(reader), std::process::id())))
    }

    fn read<T: Send>(
        &self,
        py: Python<'_>,
        read: impl FnOnce(&dyn Read) -> Result<T, StoreError> + Send,
    ) -> PyResult<T> {
        let done = py.detach(|| match &self.0 {
            Place::Owned(_, reader, _) | Place::Visited(_, reader) => read(&*reader.lock()),
            Place::Scratch(engine) => read(engine.lock().store()),
        });
        done.map_err(|error| errors::store(&error))
    }

    fn change(&self, py: Python<'_>, change: MemoryChange) -> PyResult<Reply> {
        match &self.0 {
            Place::Owned(host, _, pid) if *pid == std::process::id() => {
                let request = Request::Memory(Box::new(change));
                py.detach(|| host.call(request)).map_err(|refusal| errors::refusal(&refusal))
            }
            Place::Owned(..) => {
                let message =
                    "this process was forked from the one that owns the store and must not write to it";
                Err(errors::named("StoreError", message))
            }
            Place::Visited(directory, _) => {
                let answer = ask(py, directory, &memory_request(&change), PATIENCE)?;
                Ok(match answer["count"].as_u64() {
                    Some(count) => Reply::Count(count),
                    None => Reply::Changed(answer["changed"] == true),
                })
            }
            Place::Scratch(engine) => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as i64;
                let request = Request::Memory(Box::new(change));
                let mut batch = py.detach(|| engine.lock().process(now, vec![(1, request)]));
                let reply = batch.replies.pop().map(|(_, reply)| reply);
                let lost = || Err(Refusal::new("StoreError", "a change of memory was not answered"));
                reply.unwrap_or_else(lost).map_err(|refusal| errors::refusal(&refusal))
            }
        }
    }

    fn changed(&self, py: Python<'_>, change: MemoryChange) -> PyResult<bool> {
        Ok(self.change(py, change)? == Reply::Changed(true))
    }
}

#[pymethods]
impl PyMemory {
    #[staticmethod]
    fn visit(directory: PathBuf) -> PyResult<Self> {
        let reader = SqliteReader::open(&directory).map_err(|error| errors::store(&error))?;
        Ok(Self(Place::Visited(directory, Mutex::new(reader))))
    }

    #[staticmethod]
    fn scratch() -> Self {
        let engine = Engine::new(MemoryStore::new(), Limits::default(), true);
        Self(Place::Scratch(Box::new(Mutex::new(engine))))
    }

    #[pyo3(signature = (namespace, kind, id, value, *, label="", text="", vector=crate::session::NOTHING, embedder="", capacity=0, expect=-1))]
    #[allow(clippy::too_many_arguments)]
    fn put(
        &self,
        py: Python<'_>,
        namespace: String,
        kind: String,
        id: String,
        value: &[u8],
        label: &str,
        text: &str,
        vector: &[u8],
        embedder: &str,
        capacity: u64,
        expect: i64,
    ) -> PyResult<bool> {
        let put = Remember {
            namespace,
            kind,
            id,
            label: label.to_owned(),
            value: Bytes::copy_from_slice(value),
            text: text.to_owned(),
            vector: numbers(vector)?,
            embedder: embedder.to_owned(),
            capacity,
            expect: u64::try_from(expect).ok(),
        };
        self.changed(py, MemoryChange::Put(put))
    }

    fn use_record(&self, py: Python<'_>, namespace: String, kind: String, id: String) -> PyResult<bool> {
        self.changed(py, MemoryChange::Use { namespace, kind, id })
    }

    fn delete(&self, py: Python<'_>, namespace: String, kind: String, id: String) -> PyResult<bool> {
        self.changed(py, MemoryChange::Delete { namespace, kind, id })
    }

    fn clear(&self, py: Python<'_>, namespace: String, kind: String) -> PyResult<u64> {
        let change = MemoryChange::Clear { namespace, kind };
        let mut all = 0;
        while let Reply::Count(count @ 1..) = self.change(py, change.clone())? {
            all += count;
        }
        Ok(all)
    }

    fn shelf(&self, py: Python<'_>, namespace: &str, kind: &str) -> PyResult<String> {
        let shelf = self.read(py, |store| store.shelf(namespace, kind))?;
        Ok(shelf.map_or_else(String::new, |shelf| shelf_json(&shelf).to_string()))
    }

    fn shelves(&self, py: Python<'_>) -> PyResult<String> {
        let shelves = self.read(py, |store| store.shelves())?;
        Ok(json!(shelves.iter().map(shelf_json).collect::<Vec<_>>()).to_string())
    }

    fn get(&self, py: Python<'_>, namespace: &str, kind: &str, id: &str) -> PyResult<Option<PyMemoryRecord>> {
        let found = self.read(py, |store| match store.shelf(namespace, kind)? {
            Some(shelf) => store.record(shelf.num, id),
            None => Ok(None),
        })?;
        Ok(found.map(|record| view(py, record)))
    }

    #[pyo3(signature = (namespace, kind, *, label="", since=0, before=0, by_use=false, limit=100, vectors=false))]
    #[allow(clippy::too_many_arguments)]
    fn records(
        &self,
        py: Python<'_>,
        namespace: &str,
        kind: &str,
        label: &str,
        since: i64,
        before: i64,
        by_use: bool,
        limit: u32,
        vectors: bool,
    ) -> PyResult<Vec<PyMemoryRecord>> {
        let found = self.read(py, |store| match store.shelf(namespace, kind)? {
            Some(shelf) => store.records(&RecordFilter {
                shelf: shelf.num,
                label: some(label),
                since: (since > 0).then_some(since),
                order: if by_use { RecordOrder::Used } else { RecordOrder::Newest },
                before: (before > 0).then_some(before),
                limit,
                vectors,
            }),
            None => Ok(Vec::new()),
        })?;
        Ok(found.into_iter().map(|record| view(py, record)).collect())
    }

    #[pyo3(signature = (namespace, kind, *, text="", vector=crate::session::NOTHING, embedder="", label="", since=0, limit=10))]
    #[allow(clippy::too_many_arguments)]
    fn search(
        &self,
        py: Python<'_>,
        namespace: &str,
        kind: &str,
        text: &str,
        vector: &[u8],
        embedder: &str,
        label: &str,
        since: i64,
        limit: u32,
    ) -> PyResult<Vec<Found>> {
        let vector = unit(&numbers(vector)?);
        let Some(shelf) = self.read(py, |store| store.shelf(namespace, kind))? else {
            return Ok(Vec::new());
        };
        if let Some(clash) = vector.as_ref().and_then(|vector| shelf.clash(embedder, vector.len())) {
            return Err(errors::named("ConfigurationError", &clash));
        }
        let query = RecordQuery {
            shelf: shelf.num,
            label: some(label),
            since: (since > 0).then_some(since),
            words: query_words(text),
            vector: vector.filter(|_| !shelf.embedder.is_empty()),
            limit,
        };
        let hits = self.read(py, |store| store.search(&query))?;
        Ok(hits.into_iter().map(|hit| (view(py, hit.record), hit.score, hit.bm25, hit.cosine)).collect())
    }
}
