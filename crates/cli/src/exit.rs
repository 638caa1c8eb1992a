//! The one place where an outcome becomes an exit code.

use std::process::ExitCode;

use crate::output;
use crate::report::Failure;

/// How a failed command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The answer is no, something was refused, or it went wrong.
    Failed,
    /// The command line or an input can't be used.
    Usage,
    /// The answer is neither yes nor no: something was not read.
    Unknown,
    /// AWS or the cluster can't be reached.
    Unreachable,
    /// Somebody pressed Ctrl-C.
    Interrupted,
}

/// Reports a failure on stderr and gives the exit code.
pub fn code(outcome: &Result<(), Failure>) -> ExitCode {
    let Err(failure) = outcome else { return ExitCode::SUCCESS };
    if !failure.logged {
        // Whoever closed stderr does not want to hear it.
        let _ = output::talk(&failure.to_string());
    }
    match failure.exit {
        Exit::Failed => ExitCode::FAILURE,
        Exit::Usage | Exit::Unknown => ExitCode::from(2),
        Exit::Unreachable => ExitCode::from(3),
        // 128 and the number of SIGINT, as shells have it.
        Exit::Interrupted => ExitCode::from(130),
    }
}

/// The exit code of a command of eksctl's, which has said itself what failed.
pub fn code_of_eksctl(succeeded: bool) -> ExitCode {
    if succeeded { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
