//! Why a request is not granted, in AWS's own codes and words.

use std::borrow::Cow;

use hyper::StatusCode;

/// An error as STS reports it; other services have other names for some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: Cow<'static, str>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// The signature, its scope or its date is wrong.
    pub(crate) fn signature(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "SignatureDoesNotMatch", message)
    }

    /// The signature can't be read.
    pub(crate) fn incomplete(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "IncompleteSignature", message)
    }

    /// The access key is unknown, or the session token is not the key's.
    pub(crate) fn unknown_key() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
        )
    }

    /// The temporary key has expired.
    pub(crate) fn expired_key() -> Self {
        Self::new(StatusCode::FORBIDDEN, "ExpiredToken", "The security token included in the request is expired")
    }

    /// The action needs a signature and there is none.
    pub(crate) fn unsigned() -> Self {
        Self::new(StatusCode::FORBIDDEN, "MissingAuthenticationToken", "Request is missing Authentication Token")
    }

    /// The caller may not do this.
    pub(crate) fn denied(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "AccessDenied", message)
    }

    /// A parameter has a value that the action does not take.
    pub(crate) fn validation(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "ValidationError", message)
    }

    /// The query string or form can't be read.
    pub(crate) fn malformed_query() -> Self {
        Self::new(StatusCode::NOT_FOUND, "MalformedQueryString", "The query string contains a syntax error")
    }

    /// Too many requests.
    pub(crate) fn throttled() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Throttling", "Rate exceeded")
    }

    /// The service itself failed.
    pub(crate) fn failure(status: StatusCode) -> Self {
        if status == StatusCode::SERVICE_UNAVAILABLE {
            return Self::new(status, "ServiceUnavailable", "Service is unable to handle request.");
        }
        Self::new(
            status,
            "InternalFailure",
            "The request processing has failed because of an unknown error, exception or failure.",
        )
    }

    /// Whose fault it is, in the words of AWS's query protocol.
    pub(crate) fn kind(&self) -> &'static str {
        if self.status.is_server_error() { "Receiver" } else { "Sender" }
    }
}
