//! What Go reads from YAML, asked of Go itself.

use std::io;
use std::path::PathBuf;

use serde_json::Value;

use crate::BuildError;
use crate::binaries::build::build_module;
use crate::oracle::ask;

/// What Go reads from one text.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// What `sigs.k8s.io/yaml` turns the text into before it is decoded, or its
    /// error: so `mapRoles` and `mapUsers` are read. Only the first document counts.
    pub json: Result<Value, String>,
    /// The elements that `gopkg.in/yaml.v2` reads straight into a list of strings: so
    /// `mapAccounts` is read. An unquoted number keeps its characters.
    pub strings: Vec<String>,
    /// The error beside them, if any. Elements that are no scalars are an error; the
    /// others are kept.
    pub strings_error: Option<String>,
}

/// The program among those of `tests/control-plane` that prints what Go reads.
#[derive(Debug, Clone)]
pub struct YamlOracle {
    program: PathBuf,
}

impl YamlOracle {
    /// Builds it along with the control plane if need be, which blocks for as long as
    /// that takes: see [`crate::Binaries::build_or_find`]. `KUBEBUILDER_ASSETS` is of no
    /// use here, such folders don't have it.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if it could not be built.
    pub fn build_or_find() -> Result<Self, BuildError> {
        Ok(Self { program: build_module()?.join("yaml-oracle") })
    }

    /// Asks Go to read each of `texts`, which must not contain NUL: YAML does not
    /// allow it. One process reads them all, so thousands take less than a second.
    ///
    /// # Errors
    ///
    /// If a text contains NUL, or the program fails.
    pub fn read<T: AsRef<str>>(&self, texts: &[T]) -> io::Result<Vec<Reading>> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
        if texts.iter().any(|text| text.contains('\0')) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a text contains NUL"));
        }
        let answers = ask(&self.program, &[], texts.join("\0").as_bytes())?;
        Ok(answers.into_iter().map(reading).collect())
    }
}

fn reading(mut answer: Value) -> Reading {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let json = match answer["error"].as_str() {
        Some(error) => Err(error.to_owned()),
        None => Ok(answer["json"].take()),
    };
    let strings = &answer["strings"];
    Reading {
        json,
        strings: strings["values"].as_array().into_iter().flatten().filter_map(text).collect(),
        strings_error: text(&strings["error"]),
    }
}
