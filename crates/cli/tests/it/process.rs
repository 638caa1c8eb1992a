//! Running the real binary.

use std::process::{Output, Stdio};

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::secrets;

/// The binary, in an environment of its own.
pub(crate) fn kube_iam() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kube-iam"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", "/nonexistent");
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// What a finished program wrote, and how it ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Finished {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Finished {
    /// Stdout of a program that succeeded.
    pub(crate) fn success(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.stdout
    }

    /// Stderr of a program that failed with a code and wrote nothing else.
    pub(crate) fn failure(self, code: i32) -> String {
        assert_eq!((self.code, self.stdout.as_str()), (Some(code), ""), "{self:?}");
        self.stderr
    }
}

/// Runs a program to its end. Its stderr is searched for secrets.
pub(crate) async fn finish(command: &mut Command) -> Finished {
    let finished = Finished::from(command.output().await.unwrap());
    secrets::assert_none_in("stderr", &finished.stderr);
    finished
}

/// Runs a program to its end with a text as its input.
pub(crate) async fn finish_with_input(command: &mut Command, input: &str) -> Finished {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A program that ends without reading closes the pipe; that is its right.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let finished = Finished::from(child.wait_with_output().await.unwrap());
    secrets::assert_none_in("stderr", &finished.stderr);
    finished
}
