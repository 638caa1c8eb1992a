//! One server process, ended with whoever started it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Instant;

use crate::limits;

/// The shell script between us and the server. A process can't run code when it is
/// killed, and statics are never dropped: so something else has to notice that the
/// owner is gone, and the end of a pipe is what no way of ending can keep from it.
const SUPERVISE: &str = include_str!("server/supervise.sh");

/// A running server. It has a process group of its own, so a terminal's Ctrl-C
/// reaches the owner alone, which then stops it in order. Not bound to an
/// asynchronous runtime: several tests share one, each with a runtime of its own.
#[derive(Debug)]
pub(crate) struct Server {
    supervisor: Child,
}

impl Server {
    /// Starts `program`, which adds what it writes to `log`. `directory` is removed
    /// if the owner ends without stopping the server.
    pub(crate) fn spawn(program: &Path, arguments: &[OsString], log: &Path, directory: &Path) -> io::Result<Self> {
        let out = File::options().create(true).append(true).open(log)?;
        // From a file, not `-c`: the whole script would show in lists of processes.
        let script = directory.join("supervise.sh");
        if !script.exists() {
            // Once: a running shell may not have read all of it yet.
            fs::write(&script, SUPERVISE)?;
        }
        let supervisor = Command::new("/bin/sh")
            .args([&script, directory, program])
            .args(arguments)
            // etcd reads flags and kube-apiserver proxies from the environment; a
            // server must depend on its arguments alone.
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", directory)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(out.try_clone()?)
            .stderr(out)
            .spawn()?;
        Ok(Self { supervisor })
    }

    /// How the server ended, if it has.
    pub(crate) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.supervisor.try_wait()
    }

    /// Asks the server to end, and kills it if it does not.
    pub(crate) async fn stop(mut self) {
        self.tell("stop\n");
        let deadline = Instant::now() + limits::STOP;
        while Instant::now() < deadline {
            if !matches!(self.ended(), Ok(None)) {
                return;
            }
            tokio::time::sleep(limits::POLL).await;
        }
        // Dropping kills.
    }

    /// Sends a word to the supervisor and closes the pipe.
    fn tell(&mut self, word: &str) {
        if let Some(mut pipe) = self.supervisor.stdin.take() {
            // The supervisor is gone if this fails, and then the server is too.
            let _ = pipe.write_all(word.as_bytes());
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        match self.supervisor.stdin {
            Some(_) => self.tell("kill\n"),
            // It was told to stop: it has ended, or even its own limit did not help.
            None => drop(self.supervisor.kill()),
        }
        // Short: nothing outlives these signals.
        let _ = self.supervisor.wait();
    }
}

/// The last lines of a log, or why there are none.
pub(crate) fn log_tail(log: &Path) -> String {
    match read_tail(log) {
        Ok(text) if text.is_empty() => "(nothing was written)".to_owned(),
        Ok(text) => {
            let lines: Vec<&str> = text.lines().collect();
            let from = lines.len().saturating_sub(limits::LOG_TAIL_LINES);
            lines.get(from..).unwrap_or_default().join("\n")
        }
        Err(error) => format!("(unreadable: {error})"),
    }
}

fn read_tail(log: &Path) -> io::Result<String> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(limits::LOG_TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(limits::LOG_TAIL_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A log file in `directory` for the server called `name`.
pub(crate) fn log_path(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}.log"))
}
