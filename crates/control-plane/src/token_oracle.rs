//! What the Go authenticator does with a token before it asks STS, asked of a
//! program that follows its rules and reads URLs, base64 and dates by Go's own
//! packages.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use serde_json::Value;

use crate::BuildError;
use crate::binaries::build::build_module;
use crate::oracle::ask;

/// A Go authenticator to judge tokens.
#[derive(Debug, Clone)]
pub struct GoServer {
    /// The partition it serves, `aws` for example.
    pub partition: &'static str,
    /// The cluster that tokens must be signed for.
    pub cluster_id: String,
    /// The time by its clock, in seconds since 1970.
    pub now: i64,
}

/// The request that Go sends to STS for a token, and what Go reads from the token.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// The URL in the token; what is not UTF-8 is replaced by U+FFFD.
    pub url: String,
    /// Host it is sent to.
    pub host: String,
    /// Path and query as they are sent.
    pub path_and_query: String,
    /// Value of the header `x-k8s-aws-id`.
    pub cluster_id: String,
    /// Value of the header `Authorization`, which Go makes of a user in the URL;
    /// empty without one.
    pub authorization: String,
    /// Names as they are spelt and values, with the percent-encoding removed.
    pub parameters: BTreeMap<String, String>,
    /// The date of the signature, in seconds since 1970.
    pub signed_at: i64,
    /// The access key ID that the caller claims.
    pub access_key_id: String,
}

/// The program among those of `tests/control-plane` that judges tokens.
#[derive(Debug, Clone)]
pub struct TokenOracle {
    program: PathBuf,
}

impl TokenOracle {
    /// Builds it if need be, as [`YamlOracle::build_or_find`](crate::YamlOracle::build_or_find) does.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if it could not be built.
    pub fn build_or_find() -> Result<Self, BuildError> {
        Ok(Self { program: build_module()?.join("token-oracle") })
    }

    /// What `server` does with each of `tokens`: the request it sends, or the rule
    /// that the token fails. One process judges them all.
    ///
    /// # Errors
    ///
    /// If the program fails or says what it should not.
    pub fn judge<T: AsRef<str>>(&self, server: &GoServer, tokens: &[T]) -> io::Result<Vec<Result<Sent, String>>> {
        let input: String = tokens.iter().map(|token| format!("{}\n", Value::from(token.as_ref()))).collect();
        let args = [server.partition, &server.cluster_id, &server.now.to_string()];
        let answers = ask(&self.program, &args, input.as_bytes())?;
        if answers.len() != tokens.len() {
            return Err(io::Error::other(format!("{} answers to {} tokens", answers.len(), tokens.len())));
        }
        let verdict = |answer: Value| verdict(&answer).ok_or_else(|| io::Error::other(format!("unexpected: {answer}")));
        answers.into_iter().map(verdict).collect()
    }
}

fn verdict(answer: &Value) -> Option<Result<Sent, String>> {
    let Some(sent) = answer.get("accepted") else {
        return Some(Err(answer.get("refused")?.as_str()?.to_owned()));
    };
    let text = |name: &str| sent.get(name)?.as_str().map(str::to_owned);
    let parameters = sent.get("parameters")?.as_object()?;
    let parameter = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
    Some(Ok(Sent {
        url: text("url")?,
        host: text("host")?,
        path_and_query: text("pathAndQuery")?,
        cluster_id: text("clusterId")?,
        authorization: text("authorization")?,
        parameters: parameters.iter().map(parameter).collect::<Option<_>>()?,
        signed_at: sent.get("signedAt")?.as_i64()?,
        access_key_id: text("accessKeyId")?,
    }))
}
