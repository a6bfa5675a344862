//! The extension module `promptward._core`: conversions between Python and the core, nothing else.

use std::panic::{AssertUnwindSafe, catch_unwind};

use promptward_core::{Limits, RuleError, RuleSet, Source, Tables};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

/// Texts of this many bytes or more are read without the interpreter lock: reading them takes longer than giving it away.
const DETACH: usize = 4096;

/// An error that becomes one of `promptward.errors`.
enum Error {
    Rule(RuleError),
    Input(String),
    Python(PyErr),
}

impl From<PyErr> for Error {
    fn from(error: PyErr) -> Self {
        Self::Python(error)
    }
}

impl From<Error> for PyErr {
    fn from(error: Error) -> Self {
        let (class, message) = match error {
            Error::Rule(error) => ("RuleError", error.to_string()),
            Error::Input(message) => ("InputError", message),
            Error::Python(error) => return error,
        };
        Python::attach(|py| {
            match py
                .import("promptward.errors")
                .and_then(|module| module.getattr(class))
                .and_then(|class| class.call1((message,)))
            {
                Ok(error) => PyErr::from_value(error),
                Err(error) => error,
            }
        })
    }
}

/// Rule index, start, end (code points), and the chain of transformations.
type Finding = (u32, usize, usize, String);
/// Findings, code points read, code points in all, names of the limits that were hit.
type Inspected = (Vec<Finding>, usize, usize, Vec<&'static str>);

/// Rules and limits, compiled once; immutable, so that any number of threads may use it.
#[pyclass(frozen, module = "promptward._core")]
struct Engine {
    rules: RuleSet,
    limits: Limits,
}

#[pymethods]
impl Engine {
    #[new]
    fn new(
        packs: Vec<(String, String)>,
        custom: &str,
        disabled: Vec<String>,
        limits: std::collections::BTreeMap<String, usize>,
    ) -> Result<Self, Error> {
        let mut caps = Limits::default();
        for (name, value) in limits {
            if !caps.set(&name, value) {
                let known = caps.named().map(|(name, _)| name).join(", ");
                return Err(Error::Input(format!("limit `{name}` is none of {known}")));
            }
        }
        Ok(Self { rules: RuleSet::new(&packs, custom, &disabled).map_err(Error::Rule)?, limits: caps })
    }

    /// Reads a text; see `_core.pyi`.
    fn inspect(&self, py: Python<'_>, text: &Bound<'_, PyAny>, source: &str, paranoia: u8) -> Result<Inspected, Error> {
        let Ok(string) = text.cast::<PyString>() else {
            let kind = text.get_type().name().map_or_else(|_| "something else".to_owned(), |name| name.to_string());
            return Err(Error::Input(format!("a text must be str, not {kind}")));
        };
        let Some(source) = Source::from_name(source) else {
            return Err(Error::Input(format!("source `{source}` is none of user, system, document, tool, assistant")));
        };
        let repaired;
        let (text, surrogates) = match string.to_str() {
            Ok(text) => (text, false),
            Err(_) => {
                repaired = without_surrogates(string)?;
                (repaired.as_str(), true)
            }
        };
        // The core is written not to panic; if it does, that must not pass for a clean text, nor end the process.
        let run = || {
            catch_unwind(AssertUnwindSafe(|| {
                promptward_core::inspect(&self.rules, &self.limits, text, source, paranoia)
            }))
        };
        let outcome = if text.len() < DETACH { run() } else { py.detach(run) };
        let inspection = outcome.map_err(|_| PyRuntimeError::new_err("the detection core failed on this text"))?;
        let findings = inspection.findings.into_iter().map(|f| (f.rule, f.start, f.end, f.view)).collect();
        let mut limits: Vec<&'static str> = inspection.limits_hit.into_iter().collect();
        if surrogates {
            limits.push("surrogates_replaced");
        }
        Ok((findings, inspection.chars_seen, inspection.chars_total, limits))
    }

    /// The rules as a JSON list, in the order of their indices.
    fn rules(&self) -> Result<String, Error> {
        let rules: Result<Vec<_>, _> = self
            .rules
            .rules()
            .iter()
            .map(|rule| {
                let mut value = serde_json::to_value(rule)?;
                value["score"] = rule.score().into();
                Ok::<_, serde_json::Error>(value)
            })
            .collect();
        rules.and_then(|rules| serde_json::to_string(&rules)).map_err(|error| Error::Input(error.to_string()))
    }

    /// Compiles every pattern now; ids of rules with a pattern that is too large.
    fn compile_all(&self, py: Python<'_>) -> Vec<String> {
        py.detach(|| self.rules.compile_all())
    }

    /// SHA-256 over all rules as loaded, in hexadecimal.
    #[getter]
    fn digest(&self) -> &str {
        self.rules.digest()
    }

    fn __repr__(&self) -> String {
        format!("<promptward._core.Engine rules={} digest={:.12}>", self.rules.rules().len(), self.rules.digest())
    }
}

/// The text with each lone surrogate as U+FFFD, one to one, so that offsets stay.
fn without_surrogates(string: &Bound<'_, PyString>) -> Result<String, Error> {
    let bytes: Vec<u8> = {
        // The method of `str` itself: a subclass may have another.
        let encode = string.py().get_type::<PyString>().getattr("encode")?;
        encode.call1((string, "utf-32-le", "surrogatepass"))?.extract()?
    };
    let code = |unit: &[u8; 4]| char::from_u32(u32::from_le_bytes(*unit)).unwrap_or('\u{FFFD}');
    Ok(bytes.as_chunks::<4>().0.iter().map(code).collect())
}

/// The compiled core of promptward.
#[pymodule]
mod _core {
    use super::{Limits, PyDict, PyResult, Python, Tables};
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::Engine;

    /// What was built: engine, version, profile, Unicode version of the folding table.
    #[pyfunction]
    fn info(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
        let info = PyDict::new(py);
        info.set_item("engine", "rust")?;
        info.set_item("version", env!("CARGO_PKG_VERSION"))?;
        info.set_item("profile", if cfg!(debug_assertions) { "debug" } else { "release" })?;
        info.set_item("unicode", Tables::version())?;
        Ok(info)
    }

    /// The caps of one inspection, by name, with their defaults.
    #[pyfunction]
    fn limits(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
        let limits = PyDict::new(py);
        for (name, value) in Limits::default().named() {
            limits.set_item(name, value)?;
        }
        Ok(limits)
    }
}
