//! The configuration file: read, with all its problems at once.

use std::io::{self, ErrorKind};
use std::path::Path;

use kube_iam_core::config::{Config, Format, Problem, Problems, parse};
use kube_iam_core::limits;
use kube_iam_core::secret::Token;
use kube_iam_server::files;

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

/// Reads a configuration file; all its problems are one failure, which lists the
/// warnings too. To the strict a warning is a problem.
pub fn load(path: &Path, strict: bool) -> Result<Loaded, Failure> {
    let failure = || Failure::new(format!("can't read configuration file `{}`", path.display()));
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let format = Format::of_extension(extension)
        .ok_or_else(|| failure().hint("name it with the extension of its format: .yaml, .json or .toml".to_string()))?;
    let text = files::read_text(path, limits::CONFIG_BYTES)
        .map_err(|error| failure().because(&error).hint(unreadable(&error)))?;
    let parsed = parse(&text, format);
    let (mut problems, mut warnings) = (parsed.problems, parsed.warnings);
    if strict {
        problems.append(&mut warnings);
    }
    if problems.is_empty() {
        return Ok(Loaded { config: parsed.config, warnings, hash: Token::new(text).fingerprint().to_string() });
    }
    problems.sort_by_key(|problem| problem.mark);
    let warnings: String = warnings.iter().map(|warning| format!("\n  warning: {warning}")).collect();
    Err(Failure::new(format!("`{}` can't be used, {}{warnings}", path.display(), Problems(problems))))
}

/// What to do about a file that can't be read.
fn unreadable(error: &io::Error) -> Option<String> {
    let hint = match error.kind() {
        ErrorKind::NotFound => "check the path that `--config` gives",
        ErrorKind::PermissionDenied => "let the user that runs this read it",
        ErrorKind::InvalidInput => "write it to a file, and give the path of that",
        ErrorKind::FileTooLarge => "keep mappings in aws-auth, and only the rest in this file",
        _ => return None,
    };
    Some(hint.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(path: &Path) -> String {
        let shown = load(path, false).unwrap_err().to_string();
        shown.replace(&path.parent().unwrap().display().to_string(), "DIR")
    }

    #[test]
    fn a_file_that_cannot_be_read_is_told_with_a_way_out() {
        let dir = tempfile::tempdir().unwrap();
        let (pipe, long) = (dir.path().join("pipe.yaml"), dir.path().join("long.yaml"));
        // Reading it would wait for a writer for ever.
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        std::fs::write(&long, " ".repeat(limits::CONFIG_BYTES + 1)).unwrap();
        let refusals =
            [dir.path().join("nowhere.yaml"), pipe, long, dir.path().join("config")].map(|path| refusal(&path));
        insta::assert_snapshot!(refusals.concat(), @"
        error: can't read configuration file `DIR/nowhere.yaml`
        Caused by: No such file or directory (os error 2)
        hint: check the path that `--config` gives
        error: can't read configuration file `DIR/pipe.yaml`
        Caused by: it is not a plain file
        hint: write it to a file, and give the path of that
        error: can't read configuration file `DIR/long.yaml`
        Caused by: it is longer than 1048576 bytes
        hint: keep mappings in aws-auth, and only the rest in this file
        error: can't read configuration file `DIR/config`
        hint: name it with the extension of its format: .yaml, .json or .toml
        ");
    }

    #[test]
    fn warnings_are_told_beside_problems() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.yaml");
        std::fs::write(&path, "server:\n  prot: 1\n  port: many\n").unwrap();
        insta::assert_snapshot!(refusal(&path), @"
        error: `DIR/config.yaml` can't be used, 1 problem:
          line 3: `server.port`: it must be a port number, 0 to 65535 (for example `port: 21362`)
          warning: line 2: unknown key `server.prot` (did you mean `server.port`?)
        ");
    }
}
