//! The configuration file: read, with all its problems at once.

use std::path::Path;

use kube_iam_core::config::{Config, Format, Parsed, Problem, parse};
use kube_iam_core::limits;

use crate::args::Global;
use crate::output;
use crate::report::Failure;

/// Reads the configuration file named on the command line; without one, nothing
/// is configured. Warnings go to stderr.
pub fn read(global: &Global) -> Result<Config, Failure> {
    let Some(path) = &global.config else { return Ok(Config::default()) };
    let parsed = load(path)?;
    for warning in parsed.warnings.iter().filter(|_| !global.strict_config) {
        output::warn(&format!("{}: {warning}", path.display()));
    }
    accept(path, parsed, global.strict_config)
}

/// Reads a configuration file as it stands.
pub fn load(path: &Path) -> Result<Parsed, Failure> {
    let failure = || Failure::new(format!("can't read configuration file `{}`", path.display()));
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let format = Format::of_extension(extension)
        .ok_or_else(|| failure().hint("name it with the extension of its format: .yaml, .json or .toml".to_string()))?;
    let size = std::fs::metadata(path).map_err(|error| failure().because(&error))?.len();
    if size > limits::CONFIG_BYTES as u64 {
        return Err(failure().hint("it is longer than 4 MiB".to_string()));
    }
    let text = std::fs::read_to_string(path).map_err(|error| failure().because(&error))?;
    Ok(parse(&text, format))
}

/// Turns what was read into a configuration, or all its problems into a failure.
pub fn accept(path: &Path, parsed: Parsed, strict: bool) -> Result<Config, Failure> {
    let mut problems = parsed.problems;
    if strict {
        problems.extend(parsed.warnings);
        problems.sort_by_key(|problem| problem.mark);
    }
    match problems.is_empty() {
        true => Ok(parsed.config),
        false => Err(refusal(path, &problems)),
    }
}

/// All problems of a file as one failure.
pub fn refusal(path: &Path, problems: &[Problem]) -> Failure {
    let lines: Vec<_> = problems.iter().map(|problem| format!("\n  {problem}")).collect();
    let count = match problems.len() {
        1 => "1 problem".to_string(),
        count => format!("{count} problems"),
    };
    Failure::new(format!("`{}` can't be used, {count}:{}", path.display(), lines.concat()))
}
