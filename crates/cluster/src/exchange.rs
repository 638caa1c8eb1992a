//! One request to kube-apiserver, and its answer.

use std::fmt::Write as _;
use std::time::Duration;

use http::{Method, Request, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use kube::Client;
use kube::client::Body;
use serde_json::Value;
use tokio::time::timeout;

use crate::api_error::{ApiError, Right};
use crate::limits;

/// A request that has not been sent.
pub(crate) struct Question {
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) uri: String,
    /// Media type and body.
    pub(crate) body: Option<(&'static str, Value)>,
    /// What whoever asks must be allowed to do.
    pub(crate) right: Right,
}

pub(crate) const JSON: &str = "application/json";

/// Sends a request once; the body of its answer if that is a success.
pub(crate) async fn ask(
    client: &Client,
    question: Question,
    within: Duration,
    longest: usize,
) -> Result<Vec<u8>, ApiError> {
    ask_for(client, question, JSON, within, longest).await
}

/// The same, for an answer of other media types.
pub(crate) async fn ask_for(
    client: &Client,
    question: Question,
    accept: &'static str,
    within: Duration,
    longest: usize,
) -> Result<Vec<u8>, ApiError> {
    let Question { method, uri, body, right } = question;
    let mut request = Request::builder().method(method).uri(uri).header(header::ACCEPT, accept);
    let mut bytes = Vec::new();
    if let Some((media_type, value)) = body {
        request = request.header(header::CONTENT_TYPE, media_type);
        bytes = value.to_string().into_bytes();
    }
    let request = request.body(Body::from(bytes)).map_err(|error| ApiError::Invalid(error.to_string()))?;
    let answer = async {
        let answer = client.send(request).await.map_err(|error| ApiError::transport(&error))?;
        let (head, body) = answer.into_parts();
        if head.status.is_success() {
            return read(body, longest).await;
        }
        let bytes = read(body, limits::STATUS_BYTES).await.unwrap_or_default();
        Err(ApiError::answered(head.status, &head.headers, &bytes, right))
    };
    timeout(within, answer).await.unwrap_or(Err(ApiError::Timeout(within)))
}

/// A body as a whole.
async fn read(body: Body, longest: usize) -> Result<Vec<u8>, ApiError> {
    match Limited::new(body, longest).collect().await {
        Ok(collected) => Ok(collected.to_bytes().into()),
        Err(error) if error.is::<LengthLimitError>() => Err(ApiError::AnswerTooLong(longest)),
        // The head has arrived: whatever this is, it is no failure to connect.
        Err(error) => Err(match ApiError::transport(error.as_ref()) {
            ApiError::Unreachable(why) => ApiError::Broken(why),
            other => other,
        }),
    }
}

/// A text as one segment of a path, or one value of a query.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            // RFC 3986's unreserved characters, and the colon in names of RBAC.
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' => escaped.push(byte.into()),
            _ => {
                // Writing to a string does not fail.
                let _ = write!(escaped, "%{byte:02X}");
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_place_in_a_path() {
        assert_eq!(escaped("system:node-1.a_b~"), "system:node-1.a_b~");
        assert_eq!(escaped("a/../b?c&d=e %ä"), "a%2F..%2Fb%3Fc%26d%3De%20%25%C3%A4");
    }
}
