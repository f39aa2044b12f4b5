//! A whole journal in memory: what replays, comparisons and saved files are made of. It is only read.

use std::sync::Arc;

use agnt5_journal::entry::Body;
use agnt5_journal::portable::{self, Caps, PortableError};
use agnt5_journal::{ComponentKind, Entry, Paths, Payload, SavedRun};
use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::cursor::PyCursor;
use crate::entry::PyEntry;
use crate::errors;

/// Status, created, started, ended, reason, tags, version of agnt5.
type Saved = (u32, i64, i64, i64, String, String, String);

type AlignedRow = (Option<u64>, Option<u64>, bool, bool, bool, bool);

/// Payloads are inline, whatever their size.
#[pyclass(frozen, name = "Recording", module = "agnt5._core")]
pub struct PyRecording {
    entries: Arc<Vec<Entry>>,
}

impl PyRecording {
    pub fn new(entries: Vec<Entry>) -> PyResult<Self> {
        match entries.first().map(|entry| &entry.body) {
            Some(Some(Body::Started(_))) => Ok(Self { entries: Arc::new(entries) }),
            _ => Err(errors::named("StoreCorrupt", "a journal must begin with the start of its run")),
        }
    }
}

#[pymethods]
impl PyRecording {
    fn __len__(&self) -> usize {
        self.entries.len()
    }

    #[pyo3(signature = (first=0, limit=u64::MAX))]
    fn entries(&self, first: u64, limit: u64) -> PyResult<Vec<PyEntry>> {
        let mut paths = Paths::default();
        let last = first.saturating_add(limit);
        let mut views = Vec::new();
        for entry in self.entries.iter().take_while(|entry| entry.seq < last) {
            let path = paths.note(entry);
            if entry.seq >= first {
                views.push(PyEntry::new(entry.clone(), path, inline)?);
            }
        }
        Ok(views)
    }

    #[allow(clippy::too_many_arguments)]
    #[pyo3(signature = (*, status, created, started, ended, reason, tags, agnt5))]
    fn save<'py>(
        &self,
        py: Python<'py>,
        status: u32,
        created: i64,
        started: i64,
        ended: i64,
        reason: String,
        tags: String,
        agnt5: String,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let Some(Body::Started(start)) = &self.entries[0].body else {
            return Err(errors::named("StoreCorrupt", "a journal must begin with the start of its run"));
        };
        let (run_id, component) = (start.run_id.clone(), start.component.clone());
        let run =
            SavedRun { run_id, component, status, created, started, ended, reason, tags, agnt5, entries: 0 };
        let file = py.detach(|| portable::save(&run, &self.entries, Caps::default()));
        let file = file.map_err(|error| errors::named("StoreError", &format!("cannot be saved: {error}")))?;
        Ok(PyBytes::new(py, &file))
    }

    #[staticmethod]
    fn load(py: Python<'_>, file: &[u8]) -> PyResult<(Self, Saved)> {
        let loaded = py.detach(|| portable::load(file, Caps::default()));
        let (run, entries) = loaded.map_err(|error| {
            let class = match error {
                PortableError::TooNew(_) => "StoreTooNew",
                _ => "StoreCorrupt",
            };
            errors::named(class, &format!("this file cannot be loaded: {error}"))
        })?;
        let saved = (run.status, run.created, run.started, run.ended, run.reason, run.tags, run.agnt5);
        Ok((Self::new(entries)?, saved))
    }

    /// `end`: the replay ends before this entry.
    #[pyo3(signature = (end=u64::MAX))]
    fn cursor(&self, end: u64) -> PyResult<PyCursor> {
        let end = (end as usize).min(self.entries.len());
        PyCursor::new(self.entries[..end].to_vec())
    }

    /// Rows: seq of a command here and there (None: there is none), and whether input, answer and code are the same, and
    /// whether it moved.
    fn align(&self, py: Python<'_>, other: &Self) -> Vec<AlignedRow> {
        py.detach(|| {
            let rows = agnt5_journal::diff::align(&self.entries, &other.entries);
            let row = |row: agnt5_journal::diff::Row| {
                (row.before, row.after, row.same_input, row.same_answer, row.same_code, row.moved)
            };
            rows.into_iter().map(row).collect()
        })
    }

    /// Whether the body is a script, which a replay can drive.
    #[getter]
    fn is_script(&self) -> bool {
        matches!(&self.entries[0].body, Some(Body::Started(started)) if started.kind() == ComponentKind::Flow)
    }
}

/// The bytes of a payload that was put inline when the journal was taken up.
pub fn inline(payload: Option<&Payload>) -> PyResult<Bytes> {
    let Some(payload) = payload else { return Ok(Bytes::new()) };
    match (payload.as_inline(), payload.as_blob()) {
        (Some(bytes), _) => Ok(bytes.clone()),
        (None, Some(_)) => Err(errors::named("StoreCorrupt", "a large payload is missing from the journal")),
        (None, None) => Ok(Bytes::new()),
    }
}
