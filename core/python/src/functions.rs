//! Free functions of the module.

use std::path::{Path, PathBuf};
use std::time::Duration;

use agnt5_journal::identity;
use agnt5_journal::retry::Backoff;
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::errors;

#[pyfunction]
pub fn digest<'py>(py: Python<'py>, data: &[u8]) -> Bound<'py, PyBytes> {
    PyBytes::new(py, &identity::digest(data))
}

#[pyfunction]
#[pyo3(signature = (attempt, *, initial_us, factor, max_interval_us, jitter, key))]
pub fn retry_delay(
    attempt: u32,
    initial_us: i64,
    factor: f64,
    max_interval_us: i64,
    jitter: f64,
    key: &[u8],
) -> i64 {
    let backoff = Backoff { initial: initial_us, factor, max_interval: max_interval_us, jitter };
    backoff.delay(attempt, key)
}

#[pyfunction]
#[pyo3(signature = (seed, label, length=16))]
pub fn derive<'py>(
    py: Python<'py>,
    seed: &[u8],
    label: &str,
    length: usize,
) -> PyResult<Bound<'py, PyBytes>> {
    if length > 1024 {
        return Err(PyValueError::new_err("at most 1024 bytes can be derived at once"));
    }
    let mut out = vec![0; length];
    identity::derive(seed, label, &mut out);
    Ok(PyBytes::new(py, &out))
}

#[pyfunction]
pub fn new_run_id() -> PyResult<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| PyOSError::new_err(error.to_string()))?;
    Ok(identity::run_id(bytes))
}

#[pyfunction]
#[pyo3(signature = (directory, request, timeout_us=5_000_000))]
pub fn visit(py: Python<'_>, directory: PathBuf, request: String, timeout_us: u64) -> PyResult<String> {
    let answer = ask(py, &directory, &request, Duration::from_micros(timeout_us.max(1)))?;
    Ok(answer.to_string())
}

/// The owner's answer; what it refused is raised.
pub fn ask(
    py: Python<'_>,
    directory: &Path,
    request: &str,
    timeout: Duration,
) -> PyResult<serde_json::Value> {
    let answer = py
        .detach(|| agnt5_engine::visit(directory, request, timeout))
        .map_err(|refusal| errors::refusal(&refusal))?;
    let parsed: serde_json::Value = serde_json::from_str(&answer).map_err(|error| {
        errors::named("StoreError", &format!("the owner's answer cannot be read: {error}"))
    })?;
    if parsed["ok"] == true {
        return Ok(parsed);
    }
    let class = parsed["error"].as_str().unwrap_or("StoreError");
    let message = parsed["message"].as_str().unwrap_or("the owner refused the request");
    Err(errors::named(class, message))
}
