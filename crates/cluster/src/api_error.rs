//! Why kube-apiserver did not do what it was asked.

use std::error::Error as StdError;
use std::fmt;
use std::iter;
use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use hyper_util::client::legacy;
use kube::core::Status;

use crate::ReadError;
use crate::limits;
use crate::read_error::{beneath, bounded};

/// A right in the words of RBAC: what a request needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Right {
    /// As in a Role's `verbs`.
    pub verb: &'static str,
    /// As in a Role's `resources`, with its group after a dot if it has one.
    pub resource: &'static str,
    /// Namespace, for what lives in one.
    pub namespace: Option<String>,
    /// Name of the object; a list has none.
    pub name: Option<String>,
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` on `{}`", self.verb, self.resource)?;
        match (&self.namespace, &self.name) {
            (Some(namespace), Some(name)) => write!(f, " `{namespace}/{name}`"),
            (Some(namespace), None) => write!(f, " in namespace `{namespace}`"),
            (None, Some(name)) => write!(f, " `{name}`"),
            (None, None) => Ok(()),
        }
    }
}

/// Why kube-apiserver did not do what it was asked. The texts are bounded and
/// show no credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// No connection: nothing was sent.
    #[error("kube-apiserver can't be reached: {0}")]
    Unreachable(String),
    /// The connection broke before the answer was complete.
    #[error("kube-apiserver broke off before it had answered: {0}")]
    Broken(String),
    /// No answer in time.
    #[error("kube-apiserver did not answer within {} s", .0.as_secs().max(1))]
    Timeout(Duration),
    /// There is nothing to show kube-apiserver who is asking.
    #[error("there are no credentials for kube-apiserver: {0}")]
    Credentials(String),
    /// Status 401: kube-apiserver does not know the credentials.
    #[error("kube-apiserver does not accept the credentials: {0}")]
    Unauthorized(String),
    /// Status 403: a right is missing.
    #[error("{right} is not allowed: {message}")]
    Forbidden {
        /// The right that is missing.
        right: Right,
        /// kube-apiserver's message.
        message: String,
    },
    /// Status 403: whoever grants rights must have them, or `escalate` and `bind`.
    #[error("nobody may grant rights that he does not have: {0}")]
    Escalation(String),
    /// The namespace of the object is not there.
    #[error("namespace `{0}` does not exist")]
    NamespaceMissing(String),
    /// Status 404.
    #[error("kube-apiserver did not find it: {0}")]
    NotFound(String),
    /// Status 409: the object that was to be created exists.
    #[error("the object exists already: {0}")]
    AlreadyExists(String),
    /// Status 409: the object is not as it was when it was read.
    #[error("the object was changed meanwhile: {0}")]
    Conflict(String),
    /// Status 422 and 400: the object breaks a rule of Kubernetes.
    #[error("kube-apiserver does not accept the object: {0}")]
    Invalid(String),
    /// The data of a ConfigMap is longer than [`limits::DATA_BYTES`], or an
    /// object than kube-apiserver takes.
    #[error("the object is too large: {0}")]
    TooLarge(String),
    /// An admission webhook or policy refused it, or a webhook could not be asked.
    #[error("the admission control of the cluster refused it: {0}")]
    Denied(String),
    /// Status 429: too many requests.
    #[error("kube-apiserver has too much to do: {message}")]
    Throttled {
        /// How long kube-apiserver wants to be left alone.
        retry_after: Option<Duration>,
        /// Its message.
        message: String,
    },
    /// Any other status.
    #[error("kube-apiserver answered {status}: {message}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Its message.
        message: String,
    },
    /// There is more of it than a bound allows.
    #[error("there are more than {most} {what}")]
    TooMany {
        /// Of what, in the plural.
        what: &'static str,
        /// The bound.
        most: usize,
    },
    /// The answer is longer than a bound allows.
    #[error("the answer of kube-apiserver is longer than {0} bytes")]
    AnswerTooLong(usize),
    /// The answer is not what Kubernetes sends.
    #[error("the answer is not that of a kube-apiserver: {0}")]
    Malformed(String),
}

impl ApiError {
    /// What to do about it, if that can be told.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Unreachable(why) if why.contains("certificate") => {
                "check `certificate-authority-data` of the cluster in the kubeconfig"
            }
            Self::Unreachable(_) | Self::Broken(_) | Self::Timeout(_) => {
                "check that kube-apiserver runs at the address in the kubeconfig"
            }
            Self::Credentials(_) | Self::Unauthorized(_) => "renew the credentials in the kubeconfig",
            Self::Forbidden { right, .. } => return Some(format!("ask an administrator to allow {right}")),
            Self::Escalation(_) => "ask an administrator to create the binding, or for the rights themselves",
            Self::NamespaceMissing(namespace) => {
                return Some(format!("create it with `kubectl create namespace {namespace}`"));
            }
            Self::Invalid(why) if why.contains("is immutable") => {
                "the object is marked `immutable`: save it, delete it, and create it again without that mark"
            }
            Self::TooLarge(_) => "remove rows that nobody needs, or give rights by account or group instead of by row",
            Self::Throttled { .. } => "try again in a while",
            Self::NotFound(_)
            | Self::AlreadyExists(_)
            | Self::Conflict(_)
            | Self::Invalid(_)
            | Self::Denied(_)
            | Self::Refused { .. }
            | Self::TooMany { .. }
            | Self::AnswerTooLong(_)
            | Self::Malformed(_) => return None,
        };
        Some(hint.to_owned())
    }

    /// Whether a write that ended so may nevertheless have been done: the request
    /// may have arrived, and no answer says what became of it.
    pub fn is_ambiguous(&self) -> bool {
        match self {
            Self::Broken(_) | Self::Timeout(_) | Self::AnswerTooLong(_) | Self::Malformed(_) => true,
            // etcd or a proxy gave up waiting; what was asked may still happen.
            Self::Refused { status, .. } => *status >= 500,
            _ => false,
        }
    }

    /// Whether the same request may succeed in a while.
    pub fn is_passing(&self) -> bool {
        self.is_ambiguous() || matches!(self, Self::Unreachable(_) | Self::Throttled { .. })
    }

    /// How long kube-apiserver wants to be left alone.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// No answer, or an answer that broke off.
    pub(crate) fn transport(error: &(dyn StdError + 'static)) -> Self {
        let mut causes = iter::successors(Some(error), |error| beneath(*error));
        let unsent = causes.any(|cause| cause.downcast_ref::<legacy::Error>().is_some_and(legacy::Error::is_connect));
        match ReadError::transport(error) {
            ReadError::Credentials(why) => Self::Credentials(why),
            ReadError::NotUp(why) | ReadError::Connection(why) if unsent => Self::Unreachable(why),
            ReadError::NotUp(why) | ReadError::Connection(why) => Self::Broken(why),
            other => Self::Broken(other.to_string()),
        }
    }

    /// An answer that is an error, to a request that needs `right`.
    pub(crate) fn answered(code: StatusCode, headers: &HeaderMap, body: &[u8], right: Right) -> Self {
        // Proxies answer with pages of their own, which say less than the status.
        let status = serde_json::from_slice::<Status>(body).unwrap_or_default();
        let message = match status.message.is_empty() {
            true => code.canonical_reason().unwrap_or("no reason given").to_owned(),
            false => bounded(&status.message, limits::MESSAGE_CHARS),
        };
        // Admission has no reason of its own; these words are kube-apiserver's.
        let by_admission = [" denied the request: ", " denied request: ", "failed calling webhook "];
        if by_admission.iter().any(|words| message.contains(words)) {
            return Self::Denied(message);
        }
        match code {
            StatusCode::UNAUTHORIZED => Self::Unauthorized(message),
            StatusCode::FORBIDDEN => Self::forbidden(message, right),
            StatusCode::NOT_FOUND => match status.details.filter(|details| details.kind == "namespaces") {
                Some(details) => Self::NamespaceMissing(bounded(&details.name, limits::ERROR_CHARS)),
                None => Self::NotFound(message),
            },
            StatusCode::CONFLICT if status.reason == "AlreadyExists" => Self::AlreadyExists(message),
            StatusCode::CONFLICT => Self::Conflict(message),
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge(message),
            StatusCode::UNPROCESSABLE_ENTITY if message.contains("Too long") => Self::TooLarge(message),
            StatusCode::UNPROCESSABLE_ENTITY | StatusCode::BAD_REQUEST => Self::Invalid(message),
            StatusCode::TOO_MANY_REQUESTS => {
                let header = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
                let details = status.details.map(|details| u64::from(details.retry_after_seconds));
                let seconds = header.or(details.filter(|seconds| *seconds > 0));
                Self::Throttled { retry_after: seconds.map(Duration::from_secs), message }
            }
            _ => Self::Refused { status: code.as_u16(), message },
        }
    }

    fn forbidden(message: String, right: Right) -> Self {
        // RBAC's check that nobody widens his own rights.
        if message.contains("is attempting to grant RBAC permissions not currently held") {
            return Self::Escalation(message);
        }
        let impersonates = ["users", "groups", "uids", "serviceaccounts", "userextras"]
            .into_iter()
            .find(|resource| message.contains(&format!("cannot impersonate resource \"{resource}")));
        let right = match impersonates {
            Some(resource) => Right { verb: "impersonate", resource, namespace: None, name: None },
            None => right,
        };
        Self::Forbidden { right, message }
    }

    pub(crate) fn malformed(what: &str, error: &serde_json::Error) -> Self {
        // The error's own text would quote the answer.
        Self::Malformed(format!("{what} can't be read at line {} column {}", error.line(), error.column()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn right() -> Right {
        let (namespace, name) = (Some("kube-system".to_owned()), Some("aws-auth".to_owned()));
        Right { verb: "patch", resource: "configmaps", namespace, name }
    }

    fn answered(code: u16, status: &serde_json::Value) -> ApiError {
        let code = StatusCode::from_u16(code).unwrap();
        ApiError::answered(code, &HeaderMap::new(), status.to_string().as_bytes(), right())
    }

    #[test]
    fn a_refusal_names_the_right() {
        let error = answered(403, &json!({ "message": "configmaps \"aws-auth\" is forbidden" }));
        let text =
            "`patch` on `configmaps` `kube-system/aws-auth` is not allowed: configmaps \"aws-auth\" is forbidden";
        assert_eq!(error.to_string(), text);
        let hint = "ask an administrator to allow `patch` on `configmaps` `kube-system/aws-auth`";
        assert_eq!(error.hint().as_deref(), Some(hint));
        let message = "users \"a\" is forbidden: User \"b\" cannot impersonate resource \"users\" in API group \"\"";
        let ApiError::Forbidden { right, .. } = answered(403, &json!({ "message": message })) else { panic!() };
        assert_eq!(right.to_string(), "`impersonate` on `users`");
    }

    #[test]
    fn statuses_are_told_apart() {
        let message = json!({ "message": "m" });
        let m = || "m".to_owned();
        assert_eq!(answered(401, &message), ApiError::Unauthorized(m()));
        assert_eq!(answered(404, &message), ApiError::NotFound(m()));
        let namespace = json!({ "message": "m", "details": { "kind": "namespaces", "name": "apps" } });
        assert_eq!(answered(404, &namespace), ApiError::NamespaceMissing("apps".to_owned()));
        assert_eq!(answered(409, &json!({ "message": "m", "reason": "AlreadyExists" })), ApiError::AlreadyExists(m()));
        assert_eq!(answered(409, &json!({ "message": "m", "reason": "Conflict" })), ApiError::Conflict(m()));
        assert_eq!(answered(422, &message), ApiError::Invalid(m()));
        assert_eq!(answered(400, &message), ApiError::Invalid(m()));
        assert_eq!(answered(413, &message), ApiError::TooLarge(m()));
        assert!(matches!(answered(422, &json!({ "message": "[]: Too long: may not be" })), ApiError::TooLarge(_)));
        let page = ApiError::answered(StatusCode::BAD_GATEWAY, &HeaderMap::new(), b"<html>", right());
        assert_eq!(page, ApiError::Refused { status: 502, message: "Bad Gateway".to_owned() });
    }

    #[test]
    fn admission_is_known_by_its_words() {
        for (code, words) in [
            (400, "admission webhook \"a.example\" denied the request: not on Fridays"),
            (422, "ValidatingAdmissionPolicy 'a' with binding 'b' denied request: no"),
            (403, "ValidatingAdmissionPolicy 'a' with binding 'b' denied request: no"),
            (500, "Internal error occurred: failed calling webhook \"a.example\": no route"),
        ] {
            let error = answered(code, &json!({ "message": words }));
            assert_eq!(error, ApiError::Denied(words.to_owned()));
            assert!(!error.is_passing());
        }
    }

    #[test]
    fn the_time_to_wait_is_in_the_header_or_in_the_details() {
        let body = json!({ "message": "m", "details": { "retryAfterSeconds": 7 } });
        assert_eq!(answered(429, &body).retry_after(), Some(Duration::from_secs(7)));
        let headers = HeaderMap::from_iter([(header::RETRY_AFTER, "3".parse().unwrap())]);
        let error = ApiError::answered(StatusCode::TOO_MANY_REQUESTS, &headers, body.to_string().as_bytes(), right());
        assert_eq!(error.retry_after(), Some(Duration::from_secs(3)));
        assert_eq!(answered(429, &json!({})).retry_after(), None);
    }

    #[test]
    fn only_what_may_have_been_done_is_ambiguous() {
        let ambiguous = [
            ApiError::Broken(String::new()),
            ApiError::Timeout(Duration::from_secs(1)),
            ApiError::Malformed(String::new()),
            answered(500, &json!({ "message": "etcdserver: request timed out" })),
            answered(504, &json!({})),
        ];
        assert!(ambiguous.iter().all(|error| error.is_ambiguous() && error.is_passing()));
        let definite = [answered(403, &json!({})), answered(409, &json!({})), answered(422, &json!({}))];
        assert!(definite.iter().all(|error| !error.is_ambiguous() && !error.is_passing()));
        let unsent = [ApiError::Unreachable(String::new()), answered(429, &json!({}))];
        assert!(unsent.iter().all(|error| !error.is_ambiguous() && error.is_passing()));
    }
}
