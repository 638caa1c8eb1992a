//! ExecCredential of `client.authentication.k8s.io`: what kubectl asks an exec
//! plugin, and what it gets.

use alloc::string::String;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::limits;
use crate::secret::Token;

/// The API versions that kubectl has spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExecVersion {
    /// `client.authentication.k8s.io/v1`
    V1,
    /// `client.authentication.k8s.io/v1beta1`
    #[default]
    V1beta1,
    /// `client.authentication.k8s.io/v1alpha1`, gone since Kubernetes 1.24
    V1alpha1,
}

impl ExecVersion {
    /// The `apiVersion` of the object.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "client.authentication.k8s.io/v1",
            Self::V1beta1 => "client.authentication.k8s.io/v1beta1",
            Self::V1alpha1 => "client.authentication.k8s.io/v1alpha1",
        }
    }
}

/// What kubectl says in `KUBERNETES_EXEC_INFO`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExecInfo {
    /// The version it wants.
    pub version: ExecVersion,
    /// Whether it says that somebody can be asked; `None` if it says nothing.
    pub interactive: Option<bool>,
}

/// `KUBERNETES_EXEC_INFO` asks for a version that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("kubectl asks for `{0}`, which this exec plugin does not speak")]
pub struct UnknownExecVersion(pub String);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    api_version: Option<String>,
    #[serde(default)]
    spec: AskedSpec,
}

#[derive(Deserialize, Default)]
struct AskedSpec {
    interactive: Option<bool>,
}

impl ExecInfo {
    /// Reads the variable. A text that is not JSON counts as none, as in Go; a
    /// version nobody knows is an error, since any answer would be refused.
    pub fn parse(text: &str) -> Result<Self, UnknownExecVersion> {
        let Ok(asked) = serde_json::from_str::<Asked>(text) else { return Ok(Self::default()) };
        let version = match asked.api_version.as_deref() {
            None => ExecVersion::default(),
            Some("client.authentication.k8s.io/v1") => ExecVersion::V1,
            Some("client.authentication.k8s.io/v1beta1") => ExecVersion::V1beta1,
            Some("client.authentication.k8s.io/v1alpha1") => ExecVersion::V1alpha1,
            Some(other) => {
                return Err(UnknownExecVersion(other.chars().take(limits::EXCERPT_CHARS).collect()));
            }
        };
        Ok(Self { version, interactive: asked.spec.interactive })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Credential<'a> {
    kind: &'static str,
    api_version: &'static str,
    spec: CredentialSpec,
    status: CredentialStatus<'a>,
}

#[derive(Serialize)]
struct CredentialSpec {
    interactive: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CredentialStatus<'a> {
    expiration_timestamp: String,
    token: &'a str,
}

/// Writes the credential as one line of JSON, without a line end.
pub fn encode(version: ExecVersion, token: &Token, expires: Timestamp) -> String {
    let credential = Credential {
        kind: "ExecCredential",
        api_version: version.as_str(),
        spec: CredentialSpec { interactive: false },
        status: CredentialStatus {
            expiration_timestamp: alloc::format!("{}", expires.strftime("%Y-%m-%dT%H:%M:%SZ")),
            token: token.expose(),
        },
    };
    serde_json::to_string(&credential).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_asked_for_is_answered() {
        let token = Token::new("k8s-aws-v1.x");
        let expires = "2026-11-23T22:29:14.9Z".parse().unwrap();
        for version in [ExecVersion::V1, ExecVersion::V1beta1, ExecVersion::V1alpha1] {
            let asked = alloc::format!(
                r#"{{"kind":"ExecCredential","apiVersion":"{}","spec":{{"interactive":true}}}}"#,
                version.as_str()
            );
            let info = ExecInfo::parse(&asked).unwrap();
            assert_eq!((info.version, info.interactive), (version, Some(true)));
            assert_eq!(
                encode(info.version, &token, expires),
                alloc::format!(
                    r#"{{"kind":"ExecCredential","apiVersion":"{}","spec":{{"interactive":false}},"status":{{"expirationTimestamp":"2026-11-23T22:29:14Z","token":"k8s-aws-v1.x"}}}}"#,
                    version.as_str()
                )
            );
        }
    }

    #[test]
    fn nothing_and_garbage_mean_v1beta1() {
        for text in ["", "garbage", "{}", "[]", r#"{"apiVersion":5}"#] {
            assert_eq!(ExecInfo::parse(text), Ok(ExecInfo::default()), "{text}");
        }
    }

    #[test]
    fn an_unknown_version_is_named() {
        assert_eq!(ExecInfo::parse(r#"{"apiVersion":"foo/bar"}"#), Err(UnknownExecVersion("foo/bar".into())));
    }
}
