//! The owner of a store.

use std::collections::HashMap;
use std::os::fd::{BorrowedFd, RawFd};
use std::path::PathBuf;
use std::sync::Arc;

use agnt5_engine::{Decision, ForkRun, Host, Limits, Notice, Options, Reply, Request, StartRun};
use agnt5_journal::{ComponentKind, Rerun};
use agnt5_store::Durability;
use bytes::Bytes;
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use crate::errors;
use crate::memory::PyMemory;
use crate::reader::PyReader;
use crate::session::{NOTHING, PySession, outcome_code};

const LEASED: u8 = 1;
const DURABLE: u8 = 2;
const ARRIVED: u8 = 3;
const ENDED: u8 = 4;
const LOST: u8 = 5;

pub const NOTICES: [(&str, u8); 5] = [
    ("NOTICE_LEASED", LEASED),
    ("NOTICE_DURABLE", DURABLE),
    ("NOTICE_ARRIVED", ARRIVED),
    ("NOTICE_ENDED", ENDED),
    ("NOTICE_LOST", LOST),
];

#[pyclass(frozen, name = "Engine", module = "agnt5._core")]
pub struct PyEngine {
    host: Arc<Host>,
    pid: u32,
}

impl PyEngine {
    /// A forked child shares descriptors and locks with its parent; using them would corrupt the parent's store.
    fn host(&self) -> PyResult<&Arc<Host>> {
        if std::process::id() == self.pid {
            return Ok(&self.host);
        }
        let message = "this process was forked from the one that owns the store and must not use it; \
                       start workers with the \"spawn\" method, or open the store after the fork";
        Err(errors::named("StoreError", message))
    }

    fn call(&self, py: Python<'_>, request: Request) -> PyResult<Reply> {
        let host = self.host()?;
        py.detach(|| host.call(request)).map_err(|refusal| errors::refusal(&refusal))
    }

    fn changed(&self, py: Python<'_>, request: Request) -> PyResult<bool> {
        Ok(self.call(py, request)? == Reply::Changed(true))
    }

    fn tuples<'py>(&self, py: Python<'py>, notices: Vec<Notice>) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        for notice in notices {
            match notice {
                Notice::Leased(lease) => {
                    let (run_id, num, epoch) = (lease.row.id.clone(), lease.num, lease.epoch);
                    match PySession::new(self.host.clone(), *lease) {
                        Ok(session) => list.append((LEASED, session))?,
                        // A journal that cannot be followed is for a person to look at.
                        Err(error) => {
                            let reason = format!("the journal of {run_id} cannot be followed: {error}");
                            self.host.submit(Request::Stop { num, epoch, reason });
                            self.host.kick();
                        }
                    }
                }
                Notice::Durable { key, seq } => list.append((DURABLE, key, seq))?,
                Notice::Arrived { key } => list.append((ARRIVED, key))?,
                Notice::Ended { run_id, status } => list.append((ENDED, run_id, status as u8))?,
                Notice::Lost { key, class, message } => list.append((LOST, key, class, message))?,
            }
        }
        Ok(list)
    }
}

#[pymethods]
impl PyEngine {
    #[staticmethod]
    #[pyo3(signature = (directory, *, wake_fd, durability="full", recover="auto", max_active=1000, max_children=10_000, max_depth=32, max_payload=268_435_456))]
    #[allow(clippy::too_many_arguments)]
    fn open(
        py: Python<'_>,
        directory: PathBuf,
        wake_fd: RawFd,
        durability: &str,
        recover: &str,
        max_active: usize,
        max_children: u64,
        max_depth: u32,
        max_payload: usize,
    ) -> PyResult<Self> {
        let durability = Durability::from_name(durability).ok_or_else(|| {
            PyValueError::new_err(format!("durability is \"full\" or \"process\", not {durability:?}"))
        })?;
        // SAFETY: the caller keeps the descriptor open during this call; it is duplicated here.
        let wake = unsafe { BorrowedFd::borrow_raw(wake_fd) }
            .try_clone_to_owned()
            .map_err(|error| PyOSError::new_err(format!("wake_fd: {error}")))?;
        let options = Options {
            durability,
            ask_first: recover == "ask",
            limits: Limits { max_active, max_children, max_depth, max_payload, ..Limits::default() },
            wake: Some(wake),
        };
        let host = py.detach(|| Host::open(&directory, options)).map_err(|error| errors::store(&error))?;
        Ok(Self { host: Arc::new(host), pid: std::process::id() })
    }

    #[getter]
    fn directory(&self) -> PathBuf {
        self.host.directory().to_owned()
    }

    fn serve(&self, py: Python<'_>, component: String) -> PyResult<()> {
        self.call(py, Request::Serve { component }).map(drop)
    }

    #[pyo3(signature = (run_id, component, kind, input, *, code=NOTHING, code_digest=NOTHING, python="", tags="{}", object_key="", rerun_of="", always=Vec::new()))]
    #[allow(clippy::too_many_arguments)]
    fn start(
        &self,
        py: Python<'_>,
        run_id: String,
        component: String,
        kind: i32,
        input: &[u8],
        code: &[u8],
        code_digest: &[u8],
        python: &str,
        tags: &str,
        object_key: &str,
        rerun_of: &str,
        always: Vec<String>,
    ) -> PyResult<bool> {
        let limit = self.host()?.limits().max_payload;
        if input.len() > limit {
            let message = format!(
                "the input of {component} takes {} bytes; the limit is {limit}. Write it to a file and pass the path",
                input.len()
            );
            return Err(errors::named("SerializationError", &message));
        }
        let start = StartRun {
            id: run_id,
            component,
            kind: ComponentKind::try_from(kind).unwrap_or_default(),
            input: Bytes::copy_from_slice(input),
            code: Bytes::copy_from_slice(code),
            code_digest: Bytes::copy_from_slice(code_digest),
            python: python.to_owned(),
            tags: tags.to_owned(),
            object: object_key.to_owned(),
            rerun_of: (!rerun_of.is_empty()).then(|| Rerun { run_id: rerun_of.to_owned(), always }),
        };
        self.changed(py, Request::Start(Box::new(start)))
    }

    #[pyo3(signature = (run_id, origin_id, at, *, input=None, code=NOTHING, code_digest=NOTHING, other_code=false, outcomes=HashMap::new(), state=HashMap::new(), reuse=false, overlay=true))]
    #[allow(clippy::too_many_arguments)]
    fn fork(
        &self,
        py: Python<'_>,
        run_id: String,
        origin_id: String,
        at: u64,
        input: Option<Vec<u8>>,
        code: &[u8],
        code_digest: &[u8],
        other_code: bool,
        outcomes: HashMap<String, (u8, Vec<u8>)>,
        state: HashMap<String, Option<Vec<u8>>>,
        reuse: bool,
        overlay: bool,
    ) -> PyResult<()> {
        let mut outcomes: Vec<_> = decisions(outcomes)?.into_iter().collect();
        outcomes.sort_by(|one, other| one.0.cmp(&other.0));
        let mut state: Vec<_> =
            state.into_iter().map(|(name, value)| (name, value.map(Bytes::from))).collect();
        state.sort();
        let fork = ForkRun {
            id: run_id,
            origin_id,
            at,
            input: input.map(Bytes::from),
            code: Bytes::copy_from_slice(code),
            code_digest: Bytes::copy_from_slice(code_digest),
            other_code,
            outcomes,
            state,
            reuse,
            overlay,
        };
        self.call(py, Request::Fork(Box::new(fork))).map(drop)
    }

    #[pyo3(signature = (name, payload, *, event_id="", run_id="", keep_us=604_800_000_000))]
    fn send_event(
        &self,
        py: Python<'_>,
        name: String,
        payload: &[u8],
        event_id: &str,
        run_id: &str,
        keep_us: i64,
    ) -> PyResult<bool> {
        let id = match event_id {
            "" => crate::functions::new_run_id()?,
            id => id.to_owned(),
        };
        let request = Request::SendEvent {
            name,
            payload: Bytes::copy_from_slice(payload),
            id,
            run_id: run_id.to_owned(),
            keep: keep_us,
        };
        self.changed(py, request)
    }

    fn cancel(&self, py: Python<'_>, run_id: String) -> PyResult<bool> {
        self.changed(py, Request::Cancel { run_id })
    }

    #[pyo3(signature = (run_id, reason=String::new()))]
    fn pause(&self, py: Python<'_>, run_id: String, reason: String) -> PyResult<()> {
        self.call(py, Request::Pause { run_id, reason }).map(drop)
    }

    #[pyo3(signature = (run_id, *, outcomes=None))]
    fn resume(
        &self,
        py: Python<'_>,
        run_id: String,
        outcomes: Option<HashMap<String, (u8, Vec<u8>)>>,
    ) -> PyResult<bool> {
        let decisions = decisions(outcomes.unwrap_or_default())?;
        self.changed(py, Request::Resume { run_id, decisions })
    }

    fn fail(&self, py: Python<'_>, run_id: String, failure: &[u8]) -> PyResult<()> {
        let failure = Bytes::copy_from_slice(failure);
        self.call(py, Request::Fail { run_id, failure }).map(drop)
    }

    fn delete(&self, py: Python<'_>, run_id: String) -> PyResult<()> {
        self.call(py, Request::Delete { run_id }).map(drop)
    }

    fn prune(&self, py: Python<'_>, before: i64) -> PyResult<u64> {
        match self.call(py, Request::Prune { before })? {
            Reply::Count(count) => Ok(count),
            _ => Ok(0),
        }
    }

    fn object_state<'py>(&self, py: Python<'py>, object_key: &str) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let host = self.host()?;
        let state = py.detach(|| host.object_state(object_key)).map_err(|error| errors::store(&error))?;
        Ok(state.map(|state| PyBytes::new(py, &state)))
    }

    fn kick(&self) -> PyResult<()> {
        self.host()?.kick();
        Ok(())
    }

    fn flush<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let host = self.host()?;
        let notices = py.detach(|| host.flush());
        self.tuples(py, notices)
    }

    fn notices<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let notices = self.host()?.notices();
        self.tuples(py, notices)
    }

    fn reader(&self) -> PyResult<PyReader> {
        PyReader::open(self.host()?.directory().to_owned())
    }

    fn memory(&self) -> PyResult<PyMemory> {
        PyMemory::of(self.host()?.clone())
    }

    fn live(&self, py: Python<'_>) -> PyResult<usize> {
        let host = self.host()?;
        Ok(py.detach(|| host.live_runs()))
    }

    fn close(&self, py: Python<'_>) {
        if std::process::id() == self.pid {
            py.detach(|| self.host.close());
        }
    }
}

fn decisions(words: HashMap<String, (u8, Vec<u8>)>) -> PyResult<HashMap<String, Decision>> {
    let decision = |(path, (code, payload)): (String, (u8, Vec<u8>))| match code {
        outcome_code::VALUE => Ok((path, Decision::Value(payload.into()))),
        outcome_code::FAILURE => Ok((path, Decision::Failure(payload.into()))),
        outcome_code::RETRY => Ok((path, Decision::Retry)),
        _ => Err(PyValueError::new_err(format!("{code} is no decision"))),
    };
    words.into_iter().map(decision).collect()
}
