//! The configuration file: read, with all its problems at once.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use kube_iam_core::config::{Config, Format, Problem, parse};
use kube_iam_core::limits;
use kube_iam_core::secret::Token;

use crate::args::Global;
use crate::output;
use crate::report::Failure;

/// A configuration file that can be used.
#[derive(Debug, Default)]
pub struct Loaded {
    /// What it says.
    pub config: Config,
    /// What is suspicious only.
    pub warnings: Vec<Problem>,
    /// Names the text that was read, so that replicas can be compared; empty without a file.
    pub hash: String,
}

/// Reads the configuration file named on the command line; without one, nothing
/// is configured. Warnings go to stderr.
pub fn read(global: &Global) -> Result<Config, Failure> {
    let Some(path) = &global.config else { return Ok(Config::default()) };
    let loaded = load(path, global.strict_config)?;
    for warning in &loaded.warnings {
        output::warn(&format!("{}: {warning}", path.display()));
    }
    Ok(loaded.config)
}

/// Reads a configuration file; all its problems are one failure. To the strict a
/// warning is a problem.
pub fn load(path: &Path, strict: bool) -> Result<Loaded, Failure> {
    let failure = || Failure::new(format!("can't read configuration file `{}`", path.display()));
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let format = Format::of_extension(extension)
        .ok_or_else(|| failure().hint("name it with the extension of its format: .yaml, .json or .toml".to_string()))?;
    let mut text = String::new();
    let file = File::open(path).map_err(|error| failure().because(&error))?;
    file.take(limits::CONFIG_BYTES as u64 + 1).read_to_string(&mut text).map_err(|error| failure().because(&error))?;
    let parsed = parse(&text, format);
    let (mut problems, mut warnings) = (parsed.problems, parsed.warnings);
    if strict {
        problems.append(&mut warnings);
        problems.sort_by_key(|problem| problem.mark);
    }
    match problems.is_empty() {
        true => Ok(Loaded { config: parsed.config, warnings, hash: Token::new(text).fingerprint().to_string() }),
        false => Err(refusal(path, &problems)),
    }
}

/// All problems of a file as one failure.
fn refusal(path: &Path, problems: &[Problem]) -> Failure {
    let lines: Vec<_> = problems.iter().map(|problem| format!("\n  {problem}")).collect();
    let count = match problems.len() {
        1 => "1 problem".to_string(),
        count => format!("{count} problems"),
    };
    Failure::new(format!("`{}` can't be used, {count}:{}", path.display(), lines.concat()))
}
