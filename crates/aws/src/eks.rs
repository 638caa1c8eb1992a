//! Finds a cluster of EKS: `DescribeCluster`.

mod cluster;
mod error;

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Bytes;
use jiff::Timestamp;
use kube_iam_core::limits::EXCERPT_CHARS;

use crate::calls::{caller_in, trouble};
use crate::endpoint::Target;
use crate::error::{CredentialError, Trouble};
use crate::http::{Bounds, Http, HttpFailure, causes};
use crate::limits;
use crate::session::Session;
use crate::signed;

pub use cluster::{Access, AuthenticationMode, Cluster};
pub use error::EksError;

/// The action, and the permission it needs behind `eks:`.
const ACTION: &str = "DescribeCluster";

impl Session<'_> {
    /// Asks EKS for a cluster of the session's region and account. The request is signed at `now`.
    ///
    /// # Errors
    ///
    /// When there is no such cluster or it can't be asked for: [`EksError::hint`] says what to do.
    pub async fn describe_cluster(&self, name: &str, now: Timestamp) -> Result<Cluster, EksError> {
        if !is_name(name) {
            return Err(EksError::Name(name.chars().take(EXCERPT_CHARS).collect()));
        }
        let target = match self.config.endpoint_url("eks") {
            Some(url) => Target::configured(&url, self.region())?,
            None => Target::eks(self.region(), self.config.endpoint_form())?,
        };
        let http = self.calls.http().map_err(CredentialError::Proxy)?;
        let path = format!("clusters/{name}");
        let request = signed::get(&self.found.credentials, &target, "eks", &path, now).map_err(EksError::Sign)?;
        let response = answered(http, &request).await.map_err(|failure| CredentialError::Call {
            action: ACTION,
            trouble: trouble(&failure),
            source: causes(&failure).into(),
        })?;
        if response.status().is_success() {
            return Cluster::read(response.body(), self.region()).map_err(EksError::Answer);
        }
        Err(self.refused(name, &Refusal::read(&response)))
    }

    fn refused(&self, name: &str, refusal: &Refusal) -> EksError {
        let (cluster, region) = (name.to_owned(), self.region().to_owned());
        let source = refusal.to_string().into();
        let (credentials, origin) = (&self.found.credentials, self.found.origin.clone());
        match refusal.code.as_str() {
            "ResourceNotFoundException" => EksError::NotFound { cluster, region },
            "AccessDenied" | "AccessDeniedException" => {
                EksError::Denied { cluster, region, caller: caller_in(&refusal.message).map(str::to_owned), source }
            }
            "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "UnrecognizedClientException" => {
                let access_key_id = credentials.access_key_id.clone();
                CredentialError::KeyRejected { origin, access_key_id, source }.into()
            }
            "ExpiredToken" | "ExpiredTokenException" => {
                CredentialError::Expired { origin, at: credentials.expires }.into()
            }
            _ if refusal.is_throttling() => EksError::Throttled(source),
            _ => CredentialError::Call { action: ACTION, trouble: Trouble::Answer, source }.into(),
        }
    }
}

/// The pattern of `ClusterName` in the EKS API, 1 to 100 characters. Nothing in it needs encoding in a URL.
fn is_name(text: &str) -> bool {
    (1..=100).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Sends a request until the answer is one that stays, as the AWS SDKs do.
async fn answered(http: &Http, request: &Request<Full<Bytes>>) -> Result<Response<Bytes>, HttpFailure> {
    let bounds = Bounds { time: limits::EKS_TIMEOUT, body: limits::EKS_REPLY_BYTES };
    let mut attempt = 1;
    loop {
        let outcome = http.send(request.clone(), bounds).await;
        let passing = match &outcome {
            Ok(response) if response.status().is_success() => false,
            Ok(response) => {
                matches!(response.status().as_u16(), 500 | 502 | 503 | 504) || Refusal::read(response).is_throttling()
            }
            Err(HttpFailure::Connect(_) | HttpFailure::Closed(_) | HttpFailure::Timeout) => true,
            Err(HttpFailure::Roots(_) | HttpFailure::Tls(_) | HttpFailure::TooLarge) => false,
        };
        if !passing || attempt >= limits::EKS_ATTEMPTS {
            return outcome;
        }
        tokio::time::sleep(up_to(limits::EKS_BACKOFF * 2_u32.pow(attempt - 1))).await;
        attempt += 1;
    }
}

/// A random part of a time. What the standard library seeds its hash maps with is random enough to keep clients apart.
fn up_to(most: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish();
    let millis = u64::try_from(most.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(random % millis.saturating_add(1))
}

/// An error as REST-JSON services write it.
struct Refusal {
    status: u16,
    code: String,
    message: String,
}

impl Refusal {
    /// The code is in a header or in the body, with a namespace before `#` or a URL behind `:` (Smithy, "AWS restJson1 protocol",
    /// operation error serialization).
    fn read(response: &Response<Bytes>) -> Self {
        let header = response.headers().get("x-amzn-errortype").and_then(|value| value.to_str().ok());
        let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap_or_default();
        let text = |names: [&str; 2]| names.iter().find_map(|name| body.get(name)?.as_str());
        let code = header.or_else(|| text(["code", "__type"])).unwrap_or_default();
        let code = code.split(':').next().unwrap_or_default();
        let code = code.rsplit('#').next().unwrap_or_default();
        Self {
            status: response.status().as_u16(),
            code: code.to_owned(),
            message: text(["message", "Message"]).unwrap_or_default().to_owned(),
        }
    }

    /// The codes of AWS's services, and the status of what stands before them.
    fn is_throttling(&self) -> bool {
        self.status == 429
            || matches!(
                self.code.as_str(),
                "RequestLimitExceeded" | "Throttling" | "ThrottlingException" | "TooManyRequestsException"
            )
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.code.as_str(), self.message.as_str()) {
            ("", _) => write!(formatter, "status {}", self.status),
            (code, "") => formatter.write_str(code),
            (code, message) => write!(formatter, "{code}: {message}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_eks() {
        let most = "a".repeat(100);
        for name in ["a", "0", "Prod-1_x", &most] {
            assert!(is_name(name), "{name}");
        }
        let more = "a".repeat(101);
        for name in ["", "-a", "_a", "a b", "a/b", "a.b", "é", "a\n", "..", &more] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn an_error_is_read_in_every_form() {
        let read = |header: Option<&str>, body: &'static str| {
            let mut response = Response::builder().status(400);
            if let Some(header) = header {
                response = response.header("x-amzn-errortype", header);
            }
            Refusal::read(&response.body(Bytes::from_static(body.as_bytes())).unwrap()).to_string()
        };
        assert_eq!(read(Some("ThrottlingException"), r#"{"message":"slow"}"#), "ThrottlingException: slow");
        assert_eq!(read(Some("A:http://internal/b"), r#"{"Message":"b"}"#), "A: b");
        assert_eq!(read(None, r#"{"__type":"com.amazon#A","message":null}"#), "A");
        assert_eq!(read(None, r#"{"code":"aws#A:x"}"#), "A");
        for body in ["", "<html/>", "[]", r#"{"message":"b"}"#, r#"{"code":1}"#] {
            assert_eq!(read(None, body), "status 400", "{body}");
        }
    }

    #[test]
    fn the_wait_stays_within_its_bound() {
        for _ in 0..1000 {
            assert!(up_to(Duration::from_millis(3)) <= Duration::from_millis(3));
        }
    }
}
