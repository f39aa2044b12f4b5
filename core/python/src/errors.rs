//! Refusals of the core as the exceptions of `agnt5.errors` they belong to.

use agnt5_engine::Refusal;
use agnt5_journal::{Divergence, TapeError};
use agnt5_store::StoreError;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

fn error(class: &str, message: &str, attributes: &[(&str, Py<PyAny>)], py: Python<'_>) -> PyErr {
    let make = || -> PyResult<PyErr> {
        let class = py.import("agnt5.errors")?.getattr(class)?;
        let instance = class.call1((message,))?;
        for (name, value) in attributes {
            instance.setattr(*name, value)?;
        }
        Ok(PyErr::from_value(instance))
    };
    // Without the package around it the core still says what happened.
    make().unwrap_or_else(|_| PyRuntimeError::new_err(format!("{class}: {message}")))
}

pub fn refusal(refusal: &Refusal) -> PyErr {
    Python::attach(|py| {
        let pid = refusal.pid.into_pyobject(py).map(|pid| pid.unbind()).ok();
        let attributes: Vec<_> = pid.into_iter().map(|pid| ("pid", pid)).collect();
        let attributes = if refusal.class == "StoreLocked" { attributes } else { Vec::new() };
        error(refusal.class, &refusal.message, &attributes, py)
    })
}

pub fn store(error: &StoreError) -> PyErr {
    refusal(&Refusal::from(error))
}

pub fn named(class: &str, message: &str) -> PyErr {
    Python::attach(|py| error(class, message, &[], py))
}

pub fn tape(problem: &TapeError) -> PyErr {
    match problem {
        TapeError::Diverged(divergence) => Python::attach(|py| diverged(divergence, py)),
        TapeError::Closed => named("RunClosed", &problem.to_string()),
        TapeError::Damaged(_) => named("StoreCorrupt", &problem.to_string()),
    }
}

fn diverged(divergence: &Divergence, py: Python<'_>) -> PyErr {
    let text = |value: &str| value.into_pyobject(py).expect("text converts").into_any().unbind();
    let seq = divergence.seq.into_pyobject(py).expect("a number converts").into_any().unbind();
    let attributes = [
        ("seq", seq),
        ("path", text(&divergence.path)),
        ("expected", text(&divergence.expected)),
        ("actual", text(&divergence.actual)),
        ("recorded_input", PyBytes::new(py, &divergence.inputs.recorded).into_any().unbind()),
        ("asked_input", PyBytes::new(py, &divergence.inputs.asked).into_any().unbind()),
    ];
    error("DivergenceError", &divergence.to_string(), &attributes, py)
}
