//! Replays the journal of a flow: the same matching as a live session, over entries that are only read.

use std::sync::atomic::{AtomicU64, Ordering};

use agnt5_journal::{Ask, CommandKind, Entry, Taken, Tape};
use bytes::Bytes;
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::errors;
use crate::recording::inline;
use crate::session::{NOTHING, Told, outcome_code};

#[pyclass(frozen, name = "Cursor", module = "agnt5._core")]
pub struct PyCursor {
    tape: Mutex<Tape>,
    /// Numbers for commands that the journal lacks. Nothing will ever answer them.
    beyond: AtomicU64,
}

impl PyCursor {
    pub fn new(entries: Vec<Entry>) -> PyResult<Self> {
        let tape = Tape::new(entries).map_err(|error| errors::tape(&error))?;
        Ok(Self { beyond: AtomicU64::new(tape.length()), tape: Mutex::new(tape) })
    }
}

#[pymethods]
impl PyCursor {
    #[getter]
    fn run_id(&self) -> String {
        self.tape.lock().run_id().to_owned()
    }

    #[getter]
    fn seen_run_id(&self) -> String {
        self.tape.lock().seen_run_id().to_owned()
    }

    #[getter]
    fn component(&self) -> String {
        self.tape.lock().started().component.clone()
    }

    #[getter]
    fn kind(&self) -> i32 {
        self.tape.lock().started().kind
    }

    #[getter]
    fn input<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &inline(self.tape.lock().started().input.as_ref())?))
    }

    #[getter]
    fn seed<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.tape.lock().started().seed)
    }

    #[getter]
    fn python(&self) -> String {
        self.tape.lock().started().python.clone()
    }

    #[getter]
    fn code_digest<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.tape.lock().started().code_digest)
    }

    #[getter]
    fn now(&self) -> i64 {
        self.tape.lock().now()
    }

    #[getter]
    fn length(&self) -> u64 {
        self.tape.lock().length()
    }

    #[getter]
    fn position(&self) -> u64 {
        self.tape.lock().position()
    }

    #[pyo3(signature = (kind, name, input=NOTHING, *, due=0, target="", child_kind=0, at_most_once=false, code=NOTHING))]
    #[allow(clippy::too_many_arguments)]
    fn command(
        &self,
        kind: i32,
        name: &str,
        input: &[u8],
        due: i64,
        target: &str,
        child_kind: i32,
        at_most_once: bool,
        code: &[u8],
    ) -> PyResult<u64> {
        // What does not tell two commands apart is not looked at.
        let _ = (due, child_kind, at_most_once, code);
        let kind = CommandKind::try_from(kind).unwrap_or_default();
        let ask = Ask { input: Bytes::copy_from_slice(input), target, ..Ask::new(kind, name) };
        let recorded = self.tape.lock().command_recorded(&ask).map_err(|error| errors::tape(&error))?;
        Ok(recorded.unwrap_or_else(|| self.beyond.fetch_add(1, Ordering::Relaxed)))
    }

    fn take<'py>(&self, py: Python<'py>) -> PyResult<Option<Told<'py>>> {
        let taken = self.tape.lock().take_recorded().map_err(|error| errors::tape(&error))?;
        Ok(match taken {
            Some(Taken::Completed { seq, outcome }) => {
                let payload = inline(outcome.payload())?;
                Some((seq, outcome_code::of(&outcome), PyBytes::new(py, &payload)))
            }
            Some(Taken::CancelRun) => Some((0, outcome_code::CANCEL_RUN, PyBytes::new(py, b""))),
            Some(Taken::Retry { .. }) | None => None,
        })
    }

    fn returned(&self) -> PyResult<()> {
        self.tape.lock().returned_recorded().map_err(|error| errors::tape(&error))
    }

    fn at_value(&self) -> bool {
        self.tape.lock().at_value()
    }

    fn state<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let payload = self.tape.lock().state(name).cloned();
        payload.map(|payload| Ok(PyBytes::new(py, &inline(Some(&payload))?))).transpose()
    }

    fn state_keys(&self) -> Vec<String> {
        self.tape.lock().state_keys().map(str::to_owned).collect()
    }

    fn path(&self, seq: u64) -> String {
        self.tape.lock().op(seq).map_or_else(String::new, |op| op.path.to_string())
    }

    fn child_id(&self, seq: u64) -> String {
        self.tape.lock().child_id(seq).unwrap_or_default().to_owned()
    }

    fn idempotency_key(&self, seq: u64) -> String {
        let identity = self.tape.lock().identity(seq);
        identity.map_or_else(String::new, |identity| agnt5_journal::identity::hex(&identity))
    }
}
