//! How a program of the Go module is asked: texts in, a line of JSON for each out.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use serde_json::Value;

/// Starts `program`, writes `input` to it and returns the values it prints. One
/// process answers everything, so thousands of questions take less than a second.
pub(crate) fn ask(program: &Path, args: &[&str], input: &[u8]) -> io::Result<Vec<Value>> {
    let mut child = Command::new(program).args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut stdin = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
    // Written beside reading: neither side may wait for a full pipe.
    let output = thread::scope(|scope| {
        let writing = scope.spawn(move || stdin.write_all(input));
        let output = child.wait_with_output()?;
        writing.join().map_err(|_| io::Error::other("the writing thread panicked"))??;
        Ok::<_, io::Error>(output)
    })?;
    if !output.status.success() {
        return Err(io::Error::other(format!("`{}` ended with {}", program.display(), output.status)));
    }
    let lines = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).map_err(io::Error::other)).collect()
}
