//! What Go reads from YAML, asked of Go itself.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

use serde_json::Value;

use crate::BuildError;
use crate::binaries::build::build_module;

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
        let mut child = Command::new(&self.program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut stdin = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
        // Written beside reading: neither side may wait for a full pipe.
        let output = thread::scope(|scope| {
            let writing = scope.spawn(move || stdin.write_all(texts.join("\0").as_bytes()));
            let output = child.wait_with_output()?;
            writing.join().map_err(|_| io::Error::other("the writing thread panicked"))??;
            Ok::<_, io::Error>(output)
        })?;
        if !output.status.success() {
            return Err(io::Error::other(format!("`yaml-oracle` ended with {}", output.status)));
        }
        output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(reading).collect()
    }
}

fn reading(line: &[u8]) -> io::Result<Reading> {
    let mut answer: Value = serde_json::from_slice(line).map_err(io::Error::other)?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let json = match answer["error"].as_str() {
        Some(error) => Err(error.to_owned()),
        None => Ok(answer["json"].take()),
    };
    let strings = &answer["strings"];
    Ok(Reading {
        json,
        strings: strings["values"].as_array().into_iter().flatten().filter_map(text).collect(),
        strings_error: text(&strings["error"]),
    })
}
