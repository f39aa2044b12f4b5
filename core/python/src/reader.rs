//! Reading a store, owned by this process, by another, or by nobody.

use std::path::PathBuf;

use agnt5_journal::entry::Body;
use agnt5_journal::{CommandKind, Entry, Paths, Payload, Status, fork, segment};
use agnt5_store::{EventState, Read, RunFilter, RunNum, RunRow, SqliteReader, StoreError};
use bytes::Bytes;
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use serde_json::json;

use crate::entry::{PyEntry, PyRunRow};
use crate::errors;
use crate::recording::PyRecording;

/// Bytes of segments read per transaction.
const PAGE: usize = 1 << 20;

#[pyclass(frozen, name = "Reader", module = "agnt5._core")]
pub struct PyReader {
    reader: Mutex<SqliteReader>,
    /// Where the last page of entries ended, so that reading page after page reads a journal once.
    bookmark: Mutex<Bookmark>,
}

#[derive(Default)]
struct Bookmark {
    run: RunNum,
    next: u64,
    paths: Paths,
}

impl PyReader {
    fn read<T: Send>(
        &self,
        py: Python<'_>,
        read: impl FnOnce(&SqliteReader) -> Result<T, StoreError> + Send,
    ) -> PyResult<T> {
        py.detach(|| read(&self.reader.lock())).map_err(|error| errors::store(&error))
    }

    fn find(&self, py: Python<'_>, run_id: &str) -> PyResult<RunRow> {
        let row = self.read(py, |reader| reader.run_by_id(run_id))?;
        row.ok_or_else(|| errors::refusal(&agnt5_engine::Refusal::not_found(run_id)))
    }
}

fn view(reader: &SqliteReader, row: RunRow) -> Result<PyRunRow, StoreError> {
    let id_of = |other: Option<(RunNum, u64)>| match other {
        Some((num, _)) => Ok(reader.run(num)?.map_or_else(String::new, |row| row.id)),
        None => Ok(String::new()),
    };
    let (parent, origin) = (id_of(row.parent)?, id_of(row.origin)?);
    Ok(PyRunRow::new(row, parent, origin))
}

/// Entries from `first` up to `end`, which is excluded; perhaps some before and after them.
fn entries(reader: &SqliteReader, num: RunNum, first: u64, end: u64) -> Result<Vec<Entry>, StoreError> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut next = first;
    while next < end {
        let page = reader.journal(num, next, PAGE)?;
        if page.is_empty() {
            break;
        }
        for part in page {
            segment::decode(&part.bytes, &mut entries)
                .map_err(|error| StoreError::Corrupt(error.to_string()))?;
            next = part.first_seq + u64::from(part.count);
        }
    }
    Ok(entries)
}

fn bytes_of(reader: &SqliteReader, payload: Option<&Payload>) -> Result<Bytes, StoreError> {
    let Some(payload) = payload else {
        return Ok(Bytes::new());
    };
    if let Some(bytes) = payload.as_inline() {
        return Ok(bytes.clone());
    }
    let hash = payload.as_blob().and_then(|blob| <[u8; 32]>::try_from(&blob.hash[..]).ok());
    match hash {
        Some(hash) => reader
            .blob(&hash)?
            .ok_or_else(|| StoreError::Corrupt("a large payload is missing from the store".to_owned())),
        None => Ok(Bytes::new()),
    }
}

/// Where a fork would cut, what is in flight there and what came later: (seq, scope, kind, path) each.
type ForkPlan = (u64, Vec<Place>, Vec<Place>);
type Place = (u64, u64, i32, String);

#[pymethods]
impl PyReader {
    #[staticmethod]
    pub fn open(directory: PathBuf) -> PyResult<Self> {
        let reader = SqliteReader::open(&directory).map_err(|error| errors::store(&error))?;
        Ok(Self { reader: Mutex::new(reader), bookmark: Mutex::default() })
    }

    fn owner(&self) -> String {
        let owner = self.reader.lock().owner();
        owner.map_or_else(String::new, |owner| {
            json!({"pid": owner.process.pid, "started": owner.started}).to_string()
        })
    }

    #[pyo3(signature = (*, status=-1, component="", since=0, id_prefix="", parent_id="", origin_id="", roots=false, before=0, limit=100))]
    #[allow(clippy::too_many_arguments)]
    fn runs(
        &self,
        py: Python<'_>,
        status: i32,
        component: &str,
        since: i64,
        id_prefix: &str,
        parent_id: &str,
        origin_id: &str,
        roots: bool,
        before: i64,
        limit: u32,
    ) -> PyResult<Vec<PyRunRow>> {
        let num_of = |id: &str| match id {
            "" => Ok(None),
            id => self.find(py, id).map(|row| Some(row.num)),
        };
        let (parent, origin) = (num_of(parent_id)?, num_of(origin_id)?);
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let filter = RunFilter {
            status: u8::try_from(status).ok().and_then(Status::from_u8),
            component: some(component),
            since: (since > 0).then_some(since),
            id_prefix: some(id_prefix),
            parent,
            roots,
            origin,
            before: (before > 0).then_some(before),
            limit,
        };
        self.read(py, |reader| {
            let rows = reader.list_runs(&filter)?;
            rows.into_iter().map(|row| view(reader, row)).collect()
        })
    }

    fn run(&self, py: Python<'_>, run_id: &str) -> PyResult<Option<PyRunRow>> {
        self.read(py, |reader| match reader.run_by_id(run_id)? {
            Some(row) => view(reader, row).map(Some),
            None => Ok(None),
        })
    }

    #[pyo3(signature = (run_id, first=0, limit=1000))]
    fn entries(&self, py: Python<'_>, run_id: &str, first: u64, limit: u64) -> PyResult<Vec<PyEntry>> {
        let num = self.find(py, run_id)?.num;
        let end = first.saturating_add(limit);
        self.read(py, |reader| {
            // A command's path is made of the names of those above it, so all entries before have to be seen once.
            let mut bookmark = self.bookmark.lock();
            if bookmark.run != num || bookmark.next > first {
                *bookmark = Bookmark { run: num, ..Bookmark::default() };
            }
            let mut views = Vec::new();
            for entry in entries(reader, num, bookmark.next, end)? {
                if entry.seq < bookmark.next || entry.seq >= end {
                    continue;
                }
                let path = bookmark.paths.note(&entry);
                bookmark.next = entry.seq + 1;
                if entry.seq >= first {
                    let resolve = |payload: Option<&Payload>| bytes_of(reader, payload);
                    views.push(PyEntry::new(entry, path, resolve)?);
                }
            }
            Ok(views)
        })
    }

    fn recording(&self, py: Python<'_>, run_id: &str) -> PyResult<PyRecording> {
        let num = self.find(py, run_id)?.num;
        let entries = self.read(py, |reader| {
            let mut entries = entries(reader, num, 0, u64::MAX)?;
            for payload in entries.iter_mut().flat_map(Entry::payloads_mut) {
                if payload.as_blob().is_some() {
                    *payload = Payload::inline(bytes_of(reader, Some(payload))?);
                }
            }
            Ok(entries)
        })?;
        PyRecording::new(entries)
    }

    #[pyo3(signature = (run_id, at, other_code=false))]
    fn fork_plan(&self, py: Python<'_>, run_id: &str, at: u64, other_code: bool) -> PyResult<ForkPlan> {
        let num = self.find(py, run_id)?.num;
        let entries = self.read(py, |reader| entries(reader, num, 0, u64::MAX))?;
        let plan = fork::plan(&entries, at, other_code).ok_or_else(|| {
            errors::named("StoreCorrupt", &format!("the journal of run {run_id} has no start"))
        })?;
        let flat = |seq, scope, kind: CommandKind, path| (seq, scope, kind as i32, path);
        let open = plan.open.into_iter().map(|one| flat(one.seq, one.scope, one.kind, one.path)).collect();
        let later = plan.later.into_iter().map(|one| flat(one.seq, one.scope, one.kind, one.path)).collect();
        Ok((plan.cut, open, later))
    }

    fn entry_count(&self, py: Python<'_>, run_id: &str) -> PyResult<u64> {
        let num = self.find(py, run_id)?.num;
        let last = self.read(py, |reader| reader.last_segment(num))?;
        Ok(last.map_or(0, |last| last.first_seq + u64::from(last.count)))
    }

    fn ending(&self, py: Python<'_>, run_id: &str) -> PyResult<Option<PyEntry>> {
        let num = self.find(py, run_id)?.num;
        self.read(py, |reader| {
            let mut entries = Vec::new();
            if let Some(last) = reader.last_segment(num)? {
                segment::decode(&last.bytes, &mut entries)
                    .map_err(|error| StoreError::Corrupt(error.to_string()))?;
            }
            let ended = entries.pop().filter(|entry| matches!(entry.body, Some(Body::Ended(_))));
            let resolve = |payload: Option<&Payload>| bytes_of(reader, payload);
            ended.map(|entry| PyEntry::new(entry, String::new(), resolve)).transpose()
        })
    }

    fn object_state<'py>(&self, py: Python<'py>, object_key: &str) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let state = self.read(py, |reader| reader.object(object_key))?;
        Ok(state.map(|state| PyBytes::new(py, &state)))
    }

    #[pyo3(signature = (name="", limit=100))]
    fn events(&self, py: Python<'_>, name: &str, limit: u32) -> PyResult<String> {
        let name = (!name.is_empty()).then_some(name);
        let events = self.read(py, |reader| reader.events(name, limit))?;
        let rows: Vec<_> = events
            .into_iter()
            .map(|event| {
                json!({
                    "id": event.id,
                    "name": event.name,
                    "payload": String::from_utf8_lossy(&event.payload),
                    "sent": event.sent,
                    "expires": event.expires,
                    "state": match event.state {
                        EventState::Kept => "kept",
                        EventState::Assigned { .. } => "assigned",
                        EventState::Consumed => "consumed",
                        EventState::Expired => "expired",
                    },
                })
            })
            .collect();
        Ok(json!(rows).to_string())
    }

    fn health(&self, py: Python<'_>) -> PyResult<String> {
        let health = self.read(py, |reader| reader.health())?;
        let report = json!({
            "schema_version": health.schema_version,
            "sqlite_version": health.sqlite_version,
            "journal_mode": health.journal_mode,
            "database_bytes": health.database_bytes,
            "wal_bytes": health.wal_bytes,
            "free_bytes": health.free_bytes,
            "quick_check": health.quick_check,
        });
        Ok(report.to_string())
    }

    fn backup(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        self.read(py, |reader| reader.backup(&path))
    }
}
