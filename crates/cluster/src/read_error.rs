//! Why aws-auth can't be read.

use std::error::Error as StdError;
use std::io;
use std::iter;

use http::StatusCode;
use kube::client::AuthError;
use kube_iam_core::ports::Observation;

use crate::credentials;
use crate::limits;

/// Why aws-auth can't be read at the moment. The texts are bounded and show no
/// credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Nothing listens at the address of kube-apiserver, or it hangs up: it is
    /// down or starts just now.
    #[error("kube-apiserver is not up: {0}")]
    NotUp(String),
    /// No connection for another reason: name, route, certificate.
    #[error("kube-apiserver can't be reached: {0}")]
    Connection(String),
    /// No answer within [`limits::ANSWER`].
    #[error("kube-apiserver did not answer within {} s", limits::ANSWER.as_secs())]
    Timeout,
    /// There is nothing to show kube-apiserver who is asking.
    #[error("there are no credentials for kube-apiserver: {0}")]
    Credentials(String),
    /// kube-apiserver answered with an error.
    #[error("kube-apiserver answered {status}: {message}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Its message.
        message: String,
    },
    /// aws-auth is longer than [`limits::OBJECT_BYTES`].
    #[error("aws-auth is longer than {} bytes", limits::OBJECT_BYTES)]
    TooLarge,
    /// The answer is not what Kubernetes sends.
    #[error("the answer is not that of a kube-apiserver: {0}")]
    Malformed(String),
}

impl ReadError {
    /// What to do about it, if that can be told.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotUp(_) | Self::Connection(_) | Self::Timeout => {
                "check that kube-apiserver runs at the address in the kubeconfig"
            }
            Self::Credentials(_) | Self::Refused { status: 401, .. } => "renew the credentials in the kubeconfig",
            Self::Refused { status: 403, .. } => "allow `list` and `watch` on ConfigMap `kube-system/aws-auth`",
            Self::Refused { .. } | Self::TooLarge | Self::Malformed(_) => return None,
        };
        Some(hint.to_owned())
    }

    /// What the source shows while it lasts.
    pub(crate) fn observation(&self) -> Observation {
        Observation::Unreachable(self.to_string())
    }

    pub(crate) fn refused(status: StatusCode, message: &str) -> Self {
        let message = match message.is_empty() {
            true => status.canonical_reason().unwrap_or("no reason given"),
            false => message,
        };
        Self::Refused { status: status.as_u16(), message: bounded(message, limits::ERROR_CHARS) }
    }

    pub(crate) fn malformed(what: &str, error: &serde_json::Error) -> Self {
        // The error's own text would quote the answer.
        Self::Malformed(format!("{what} can't be read at line {} column {}", error.line(), error.column()))
    }

    /// No answer, or an answer that broke off.
    pub(crate) fn transport(error: &(dyn StdError + 'static)) -> Self {
        let causes = || iter::successors(Some(error), |error| beneath(*error));
        if let Some(error) = causes().find_map(|error| error.downcast_ref::<AuthError>()) {
            return Self::Credentials(bounded(&credentials::why_none(error), limits::ERROR_CHARS));
        }
        let io = causes().filter_map(|error| error.downcast_ref::<io::Error>()).last();
        match io.map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => Self::NotUp("the connection was refused".to_owned()),
            Some(io::ErrorKind::ConnectionReset) => Self::NotUp("the connection was reset".to_owned()),
            Some(io::ErrorKind::UnexpectedEof) => Self::NotUp("the connection was closed".to_owned()),
            _ => Self::Connection(bounded(&text_of(causes()), limits::ERROR_CHARS)),
        }
    }
}

/// The cause of an error. An I/O error that wraps another one leaves that out.
pub(crate) fn beneath<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

/// A chain of causes as one text, without those that the one before has shown.
fn text_of<'a>(causes: impl Iterator<Item = &'a (dyn StdError + 'static)>) -> String {
    let mut parts: Vec<String> = Vec::new();
    for cause in causes {
        // The client's own wrapping shows its source and tells nothing itself.
        let cause = match cause.downcast_ref::<kube::Error>() {
            Some(_) => continue,
            None => cause.to_string(),
        };
        if !parts.last().is_some_and(|last| last.contains(&cause)) {
            parts.push(cause);
        }
    }
    parts.join(": ")
}

/// At most so many characters, none of which moves a cursor.
pub(crate) fn bounded(text: &str, most: usize) -> String {
    let plain = |char: char| if char.is_control() { ' ' } else { char };
    let mut bounded: String = text.chars().map(plain).take(most).collect();
    if text.chars().nth(most).is_some() {
        bounded.push('…');
    }
    bounded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_bounded_and_plain() {
        let at_the_limit = "x".repeat(limits::ERROR_CHARS);
        assert_eq!(bounded(&at_the_limit, limits::ERROR_CHARS), at_the_limit);
        assert_eq!(bounded(&format!("{at_the_limit}y"), limits::ERROR_CHARS), format!("{at_the_limit}…"));
        assert_eq!(bounded("a\x1b[1m\nb", limits::ERROR_CHARS), "a [1m b");
    }

    #[test]
    fn causes_are_told_apart_by_what_lies_at_the_bottom() {
        let wrapped = |error: io::Error| kube::Error::Service(Box::new(io::Error::other(error)));
        let refused = wrapped(io::ErrorKind::ConnectionRefused.into());
        assert_eq!(ReadError::transport(&refused), ReadError::NotUp("the connection was refused".to_owned()));
        let other = wrapped(io::Error::other("invalid peer certificate"));
        assert_eq!(ReadError::transport(&other), ReadError::Connection("invalid peer certificate".to_owned()));
        let auth = kube::Error::Service(Box::new(AuthError::MissingCommand));
        assert_eq!(ReadError::transport(&auth), ReadError::Credentials("the exec plugin has no command".to_owned()));
    }

    #[test]
    fn a_refusal_without_a_message_has_the_name_of_its_status() {
        let error = ReadError::refused(StatusCode::SERVICE_UNAVAILABLE, "");
        assert_eq!(error.to_string(), "kube-apiserver answered 503: Service Unavailable");
    }
}
