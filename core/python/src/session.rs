//! One attempt at driving one run, on the host loop's thread.

use std::sync::Arc;

use agnt5_engine::{Code, Host, Lease, Request, Session, Trace};
use agnt5_journal::{Answer, Ask, CommandKind, ComponentKind, Continued, Outcome, Paths, Payload, Taken};
use bytes::Bytes;
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::entry::PyEntry;
use crate::errors;

/// How outcomes cross to Python.
pub mod outcome_code {
    use agnt5_journal::Outcome;

    pub const PENDING: u8 = 0;
    pub const VALUE: u8 = 1;
    pub const FAILURE: u8 = 2;
    pub const FIRED: u8 = 3;
    pub const TIMED_OUT: u8 = 4;
    pub const RECEIVED: u8 = 5;
    pub const CANCELLED: u8 = 6;
    pub const CANCEL_RUN: u8 = 7;
    pub const RETRY: u8 = 8;
    pub const CONTINUED: u8 = 9;

    pub const NAMES: [(&str, u8); 10] = [
        ("OUTCOME_PENDING", PENDING),
        ("OUTCOME_VALUE", VALUE),
        ("OUTCOME_FAILURE", FAILURE),
        ("OUTCOME_FIRED", FIRED),
        ("OUTCOME_TIMED_OUT", TIMED_OUT),
        ("OUTCOME_RECEIVED", RECEIVED),
        ("OUTCOME_CANCELLED", CANCELLED),
        ("OUTCOME_CANCEL_RUN", CANCEL_RUN),
        ("OUTCOME_RETRY", RETRY),
        ("OUTCOME_CONTINUED", CONTINUED),
    ];

    pub fn of(outcome: &Outcome) -> u8 {
        match outcome {
            Outcome::Value(_) => VALUE,
            Outcome::Failure(_) => FAILURE,
            Outcome::Fired => FIRED,
            Outcome::TimedOut => TIMED_OUT,
            Outcome::Received(_) => RECEIVED,
            Outcome::Cancelled => CANCELLED,
            Outcome::Continued(_) => CONTINUED,
        }
    }
}

/// The default of optional bytes.
pub const NOTHING: &[u8] = b"";

pub type Told<'py> = (u64, u8, Bound<'py, PyBytes>);

#[pyclass(frozen, name = "Session", module = "agnt5._core")]
pub struct PySession {
    host: Arc<Host>,
    session: Mutex<Session>,
    key: u64,
    attempt: u64,
    object_key: String,
}

impl PySession {
    pub fn new(host: Arc<Host>, lease: Lease) -> PyResult<Self> {
        let object_key = lease.row.object.clone();
        let session = Session::new(lease).map_err(|error| errors::tape(&error))?;
        Ok(Self {
            key: session.key(),
            attempt: session.epoch(),
            object_key,
            session: Mutex::new(session),
            host,
        })
    }

    fn resolve(&self, payload: Option<&Payload>) -> PyResult<Bytes> {
        resolve(&self.host, payload)
    }

    fn check_size(&self, bytes: &[u8], what: &str) -> PyResult<()> {
        let limit = self.host.limits().max_payload;
        if bytes.len() <= limit {
            return Ok(());
        }
        let message = format!(
            "{what} takes {} bytes; the limit is {limit}. Write it to a file and pass the path",
            bytes.len()
        );
        Err(errors::named("SerializationError", &message))
    }

    fn outcome(&self, code: u8, payload: &[u8]) -> PyResult<Outcome> {
        let payload = || Payload::inline(Bytes::copy_from_slice(payload));
        match code {
            outcome_code::VALUE => Ok(Outcome::Value(payload())),
            outcome_code::FAILURE => Ok(Outcome::Failure(payload())),
            outcome_code::CANCELLED => Ok(Outcome::Cancelled),
            outcome_code::CONTINUED => {
                Ok(Outcome::Continued(Continued { run_id: self.successor_id(), input: Some(payload()) }))
            }
            other => Err(errors::named("AGNT5Error", &format!("{other} is no outcome of local code"))),
        }
    }

    fn told<'py>(&self, py: Python<'py>, seq: u64, outcome: &Outcome) -> PyResult<Told<'py>> {
        let code = outcome_code::of(outcome);
        let payload = match outcome.payload() {
            Some(payload) => self.resolve(Some(payload))?,
            None => Bytes::new(),
        };
        Ok((seq, code, PyBytes::new(py, &payload)))
    }
}

pub fn resolve(host: &Host, payload: Option<&Payload>) -> PyResult<Bytes> {
    let Some(payload) = payload else {
        return Ok(Bytes::new());
    };
    if let Some(bytes) = payload.as_inline() {
        return Ok(bytes.clone());
    }
    let hash = payload.as_blob().and_then(|blob| <[u8; 32]>::try_from(&blob.hash[..]).ok());
    let found = match hash {
        Some(hash) => host.blob(&hash).map_err(|error| errors::store(&error))?,
        None => None,
    };
    found.ok_or_else(|| errors::named("StoreCorrupt", "a large payload is missing from the store"))
}

#[pymethods]
impl PySession {
    #[getter]
    fn key(&self) -> u64 {
        self.key
    }

    #[getter]
    fn run_id(&self) -> String {
        self.session.lock().tape().run_id().to_owned()
    }

    #[getter]
    fn successor_id(&self) -> String {
        agnt5_journal::identity::successor_id(self.session.lock().tape().run_id())
    }

    #[getter]
    fn parent_id(&self) -> String {
        self.session.lock().tape().started().parent_id.clone()
    }

    #[getter]
    fn component(&self) -> String {
        self.session.lock().tape().started().component.clone()
    }

    #[getter]
    fn kind(&self) -> i32 {
        self.session.lock().tape().started().kind
    }

    #[getter]
    fn object_key(&self) -> &str {
        &self.object_key
    }

    #[getter]
    fn attempt(&self) -> u64 {
        self.attempt
    }

    #[getter]
    fn input<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let input = self.session.lock().tape().started().input.clone();
        Ok(PyBytes::new(py, &self.resolve(input.as_ref())?))
    }

    #[getter]
    fn seed<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.session.lock().tape().started().seed)
    }

    #[getter]
    fn python(&self) -> String {
        self.session.lock().tape().started().python.clone()
    }

    #[getter]
    fn code_digest<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.session.lock().tape().started().code_digest)
    }

    #[getter]
    fn replaying(&self) -> bool {
        self.session.lock().tape().replaying()
    }

    #[getter]
    fn now(&self) -> i64 {
        self.session.lock().tape().now()
    }

    #[getter]
    fn length(&self) -> u64 {
        self.session.lock().tape().length()
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
        self.check_size(input, name)?;
        let ask = ask(kind, name, input, due, target, child_kind, at_most_once, code);
        let mut session = self.session.lock();
        session.command(&ask, self.host.now()).map_err(|error| errors::tape(&error))
    }

    #[pyo3(signature = (scope, kind, name, input=NOTHING, *, due=0, target="", child_kind=0, at_most_once=false, code=NOTHING))]
    #[allow(clippy::too_many_arguments)]
    fn ask<'py>(
        &self,
        py: Python<'py>,
        scope: u64,
        kind: i32,
        name: &str,
        input: &[u8],
        due: i64,
        target: &str,
        child_kind: i32,
        at_most_once: bool,
        code: &[u8],
    ) -> PyResult<Told<'py>> {
        self.check_size(input, name)?;
        let ask = ask(kind, name, input, due, target, child_kind, at_most_once, code);
        let (seq, answer) =
            self.session.lock().ask(scope, &ask, self.host.now()).map_err(|error| errors::tape(&error))?;
        match answer {
            Answer::Known(outcome) => self.told(py, seq, &outcome),
            Answer::Pending => Ok((seq, outcome_code::PENDING, PyBytes::new(py, b""))),
        }
    }

    fn tell_code(&self, run_id: String, digest: &[u8], source: &[u8], python: String) {
        let bytes = Bytes::copy_from_slice;
        let code = Code { digest: bytes(digest), source: bytes(source), python };
        self.session.lock().tell_code(run_id, code);
    }

    #[pyo3(signature = (scope, reuse=true))]
    fn begin(&self, scope: u64, reuse: bool) -> PyResult<u32> {
        self.session.lock().begin(scope, reuse).map_err(|error| errors::tape(&error))
    }

    #[pyo3(signature = (seq, outcome, payload, *, logs=NOTHING, meta=NOTHING, began=0))]
    fn settle(
        &self,
        seq: u64,
        outcome: u8,
        payload: &[u8],
        logs: &[u8],
        meta: &[u8],
        began: i64,
    ) -> PyResult<bool> {
        self.check_size(payload, "a result")?;
        let outcome = self.outcome(outcome, payload)?;
        Ok(self.session.lock().settle(seq, outcome, trace(logs, meta, began)))
    }

    #[pyo3(signature = (seq, failure, due, *, logs=NOTHING, began=0))]
    fn retry(&self, seq: u64, failure: &[u8], due: i64, logs: &[u8], began: i64) -> bool {
        let failure = Bytes::copy_from_slice(failure);
        let mut session = self.session.lock();
        session.retry(seq, failure, due, trace(logs, b"", began), self.host.now())
    }

    fn attempts(&self, seq: u64) -> u32 {
        self.session.lock().tape().failed_attempts(seq)
    }

    fn retry_at(&self, seq: u64) -> i64 {
        self.session.lock().retry_at(seq)
    }

    #[getter]
    fn by_person(&self) -> bool {
        self.session.lock().by_person()
    }

    fn is_uncertain(&self, seq: u64) -> bool {
        self.session.lock().is_uncertain(seq, self.host.now())
    }

    fn take<'py>(&self, py: Python<'py>) -> PyResult<Option<Told<'py>>> {
        let taken = self.session.lock().take(self.host.now()).map_err(|error| errors::tape(&error))?;
        let empty = || PyBytes::new(py, b"");
        Ok(match taken {
            Some(Taken::Completed { seq, outcome }) => Some(self.told(py, seq, &outcome)?),
            Some(Taken::Retry { seq }) => Some((seq, outcome_code::RETRY, empty())),
            Some(Taken::CancelRun) => Some((0, outcome_code::CANCEL_RUN, empty())),
            None => None,
        })
    }

    #[getter]
    fn seen_run_id(&self) -> String {
        self.session.lock().tape().seen_run_id().to_owned()
    }

    #[getter]
    fn reuses(&self) -> bool {
        self.session.lock().tape().started().rerun_of.is_some()
    }

    fn rearm(&self) {
        self.session.lock().rearm(self.host.now());
    }

    fn submit(&self, parked: bool) -> u64 {
        let mut session = self.session.lock();
        if let Some(request) = session.submit(parked) {
            // Without entries there is nothing to wait for, so the driver may not ask for this commit.
            let silent = matches!(&request, Request::Append(append) if append.entries.is_empty());
            self.host.submit(request);
            if silent {
                self.host.kick();
            }
        }
        session.submitted()
    }

    #[pyo3(signature = (outcome, payload, *, warnings=Vec::new(), logs=NOTHING, object_state=None))]
    fn end(
        &self,
        outcome: u8,
        payload: &[u8],
        warnings: Vec<String>,
        logs: &[u8],
        object_state: Option<&[u8]>,
    ) -> PyResult<()> {
        self.check_size(payload, "the result of a run")?;
        let outcome = self.outcome(outcome, payload)?;
        let logs = Bytes::copy_from_slice(logs);
        let state = object_state.map(Bytes::copy_from_slice);
        let mut session = self.session.lock();
        session.end(outcome, warnings, logs, state, self.host.now()).map_err(|error| errors::tape(&error))?;
        if let Some(request) = session.submit(false) {
            self.host.submit(request);
        }
        Ok(())
    }

    fn pause(&self, reason: String) {
        let request = self.session.lock().pause(reason);
        self.host.submit(request);
        self.host.kick();
    }

    fn release(&self) {
        let request = self.session.lock().release();
        self.host.submit(request);
        self.host.kick();
    }

    fn path(&self, seq: u64) -> String {
        self.session.lock().tape().op(seq).map_or_else(String::new, |op| op.path.to_string())
    }

    fn child_id(&self, seq: u64) -> String {
        self.session.lock().tape().child_id(seq).unwrap_or_default().to_owned()
    }

    fn idempotency_key(&self, seq: u64) -> String {
        let session = self.session.lock();
        let identity = session.tape().identity(seq);
        identity.map_or_else(String::new, |identity| agnt5_journal::identity::hex(&identity))
    }

    fn state<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let payload = self.session.lock().tape().state(name).cloned();
        let Some(payload) = payload else {
            return Ok(None);
        };
        Ok(Some(PyBytes::new(py, &self.resolve(Some(&payload))?)))
    }

    fn state_keys(&self) -> Vec<String> {
        self.session.lock().tape().state_keys().map(str::to_owned).collect()
    }

    fn next_recorded(&self) -> PyResult<Option<PyEntry>> {
        let entry = self.session.lock().tape().next_recorded_entry().cloned();
        let Some(entry) = entry else { return Ok(None) };
        let path = Paths::of_flow().note(&entry);
        PyEntry::new(entry, path, |payload| self.resolve(payload)).map(Some)
    }
}

#[allow(clippy::too_many_arguments)]
fn ask<'a>(
    kind: i32,
    name: &'a str,
    input: &[u8],
    due: i64,
    target: &'a str,
    child_kind: i32,
    at_most_once: bool,
    code: &'a [u8],
) -> Ask<'a> {
    Ask {
        kind: CommandKind::try_from(kind).unwrap_or_default(),
        name,
        input: Bytes::copy_from_slice(input),
        due,
        target,
        child_kind: ComponentKind::try_from(child_kind).unwrap_or_default(),
        at_most_once,
        code,
    }
}

fn trace(logs: &[u8], meta: &[u8], began: i64) -> Trace {
    Trace { logs: Bytes::copy_from_slice(logs), meta: Bytes::copy_from_slice(meta), began }
}
