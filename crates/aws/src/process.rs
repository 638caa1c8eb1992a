//! `credential_process`: a command that prints credentials.
//!
//! Its contract is AWS's ("Sourcing credentials with an external process", AWS SDKs and Tools reference).

use std::process::Stdio;

use jiff::Timestamp;
use kube_iam_core::secret::Secret;
use serde::Deserialize;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

use crate::credentials::Credentials;
use crate::environment::Environment;
use crate::limits;

/// Why a `credential_process` gave no credentials. Its output is never part of the message.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It could not be started, or its output not read.
    #[error("it could not be run")]
    Run(#[from] std::io::Error),
    /// It ended with an error; what it had to say went to stderr.
    #[error("it ended with {0}")]
    Failed(std::process::ExitStatus),
    /// It took too long.
    #[error("it did not end within {} s", limits::CREDENTIAL_PROCESS_TIMEOUT.as_secs())]
    Timeout,
    /// It printed too much.
    #[error("it printed more than {} bytes", limits::CREDENTIAL_TEXT_BYTES)]
    TooLarge,
    /// It printed something else.
    #[error("its output is not the JSON of a `credential_process`, version 1")]
    Output,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Output {
    version: u32,
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    expiration: Option<Timestamp>,
}

/// Runs the command with the shell. It inherits stdin and stderr, so that it can ask for a touch or a password.
pub(crate) async fn run(command: &str, environment: &Environment) -> Result<Credentials, ProcessError> {
    let mut child =
        shell(command).env_clear().envs(environment.variables()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    let mut text = Vec::new();
    let finished = async {
        if let Some(stdout) = child.stdout.take() {
            stdout.take(limits::CREDENTIAL_TEXT_BYTES + 1).read_to_end(&mut text).await?;
        }
        if u64::try_from(text.len()).is_ok_and(|length| length > limits::CREDENTIAL_TEXT_BYTES) {
            return Err(ProcessError::TooLarge);
        }
        let status = child.wait().await?;
        if status.success() { Ok(()) } else { Err(ProcessError::Failed(status)) }
    };
    tokio::time::timeout(limits::CREDENTIAL_PROCESS_TIMEOUT, finished).await.map_err(|_| ProcessError::Timeout)??;
    parse(&text)
}

fn shell(command: &str) -> Command {
    let (shell, flag) = if cfg!(windows) { ("cmd.exe", "/C") } else { ("sh", "-c") };
    let mut shell = Command::new(shell);
    shell.args([flag, command]);
    shell
}

fn parse(text: &[u8]) -> Result<Credentials, ProcessError> {
    let output: Output = serde_json::from_slice(text).map_err(|_| ProcessError::Output)?;
    if output.version != 1 || output.access_key_id.is_empty() || output.secret_access_key.is_empty() {
        return Err(ProcessError::Output);
    }
    Ok(Credentials {
        access_key_id: output.access_key_id,
        secret_access_key: Secret::new(output.secret_access_key),
        session_token: output.session_token.filter(|token| !token.is_empty()).map(Secret::new),
        expires: output.expiration,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> Environment {
        Environment::from_variables(
            [("PATH", "/usr/bin:/bin"), ("KEY", "from the environment")].map(|(k, v)| (k.to_owned(), v.to_owned())),
        )
    }

    async fn outcome(command: &str) -> Result<Credentials, ProcessError> {
        run(command, &environment()).await
    }

    #[tokio::test]
    async fn version_1_is_understood() {
        let command = r#"echo '{"Version":1,"AccessKeyId":"AKIA1","SecretAccessKey":"s","SessionToken":"t","Expiration":"2026-11-24T10:00:00+01:00","More":1}'"#;
        let credentials = outcome(command).await.unwrap();
        assert_eq!(credentials.access_key_id, "AKIA1");
        assert_eq!(credentials.secret_access_key.expose(), "s");
        assert_eq!(credentials.session_token.unwrap().expose(), "t");
        assert_eq!(credentials.expires.unwrap().to_string(), "2026-11-24T09:00:00Z");
    }

    #[tokio::test]
    async fn the_command_sees_the_environment() {
        let command = r#"printf '{"Version":1,"AccessKeyId":"%s","SecretAccessKey":"s"}' "$KEY""#;
        assert_eq!(outcome(command).await.unwrap().access_key_id, "from the environment");
    }

    #[tokio::test]
    async fn anything_else_is_refused() {
        for command in [
            "true",
            "echo hello",
            r#"echo '{"Version":2,"AccessKeyId":"a","SecretAccessKey":"s"}'"#,
            r#"echo '{"Version":1}'"#,
        ] {
            assert!(matches!(outcome(command).await, Err(ProcessError::Output)), "{command}");
        }
        assert!(matches!(outcome("exit 3").await, Err(ProcessError::Failed(_))));
        assert!(matches!(outcome("head -c 70000 /dev/zero; sleep 60").await, Err(ProcessError::TooLarge)));
    }
}
