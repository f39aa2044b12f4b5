//! A whole journal in memory: what replays, comparisons and saved files are made of. It is only read.

use std::sync::Arc;

use agnt5_journal::entry::Body;
use agnt5_journal::{ComponentKind, Entry, Paths, Payload};
use bytes::Bytes;
use pyo3::prelude::*;

use crate::cursor::PyCursor;
use crate::entry::PyEntry;
use crate::errors;

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

    pub fn entries_of(&self) -> &Arc<Vec<Entry>> {
        &self.entries
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

    /// `end`: the replay ends before this entry.
    #[pyo3(signature = (end=u64::MAX))]
    fn cursor(&self, end: u64) -> PyResult<PyCursor> {
        let end = (end as usize).min(self.entries.len());
        PyCursor::new(self.entries[..end].to_vec())
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
