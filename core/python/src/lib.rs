//! `agnt5._core`: a thin face of the core for Python. No logic; see `agnt5/_core.pyi` for the contract.

mod cursor;
mod engine;
mod entry;
mod errors;
mod functions;
mod memory;
mod reader;
mod recording;
mod session;

use pyo3::prelude::*;

#[pymodule]
mod _core {
    #[pymodule_export]
    use crate::cursor::PyCursor;
    #[pymodule_export]
    use crate::engine::PyEngine;
    #[pymodule_export]
    use crate::entry::{PyEntry, PyRunRow};
    #[pymodule_export]
    use crate::functions::{derive, digest, new_run_id, retry_delay, visit};
    #[pymodule_export]
    use crate::memory::{PyMemory, PyMemoryRecord};
    #[pymodule_export]
    use crate::reader::PyReader;
    #[pymodule_export]
    use crate::recording::PyRecording;
    #[pymodule_export]
    use crate::session::PySession;

    use agnt5_journal::{CommandKind, ComponentKind};
    use pyo3::prelude::*;

    use crate::session::outcome_code;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("sqlite_version", agnt5_store::sqlite_version())?;
        for (name, value) in crate::engine::NOTICES {
            module.add(name, value)?;
        }
        for (name, value) in outcome_code::NAMES {
            module.add(name, value)?;
        }
        for kind in [ComponentKind::Function, ComponentKind::Flow, ComponentKind::Object] {
            module.add(kind.as_str_name().replace("_KIND_", "_"), kind as i32)?;
        }
        for number in 1.. {
            let Ok(kind) = CommandKind::try_from(number) else {
                break;
            };
            module.add(kind.as_str_name().replace("_KIND_", "_"), number)?;
        }
        Ok(())
    }
}
