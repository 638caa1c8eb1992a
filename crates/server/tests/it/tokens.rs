//! Tokens that pass every check which needs no network, and the reviews about them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kube_iam_core::secret::Token;

/// When the clock of every stage begins.
pub(crate) const START: &str = "2026-01-01T00:00:00Z";

/// The presigned URL with this signature, signed when the clock begins.
pub(crate) fn url(signature: u64) -> String {
    format!(
        "https://sts.us-east-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15\
         &X-Amz-Algorithm=AWS4-HMAC-SHA256\
         &X-Amz-Credential=ASIAIOSFODNN7EXAMPLE%2F20260101%2Fus-east-1%2Fsts%2Faws4_request\
         &X-Amz-Date=20260101T000000Z&X-Amz-Expires=60\
         &X-Amz-Security-Token={SECURITY_TOKEN}\
         &X-Amz-SignedHeaders=host%3Bx-k8s-aws-id&X-Amz-Signature={}",
        self::signature(signature)
    )
}

/// What stands for a session token in every presigned URL.
pub(crate) const SECURITY_TOKEN: &str = "FwoGZXIvYXdzEXAMPLEsessionTOKEN";

/// A signature as it stands in the URL.
pub(crate) fn signature(number: u64) -> String {
    format!("{number:064x}")
}

/// The token around a URL.
pub(crate) fn wrap(url: &str) -> String {
    format!("k8s-aws-v1.{}", URL_SAFE_NO_PAD.encode(url))
}

/// The token with this signature.
pub(crate) fn token(signature: u64) -> String {
    wrap(&url(signature))
}

/// The name of a token in the log.
pub(crate) fn fingerprint(token: &str) -> String {
    Token::new(token).fingerprint().to_string()
}

/// A TokenReview of version v1 as kube-apiserver writes it.
pub(crate) fn review(token: &str) -> String {
    review_of("authentication.k8s.io/v1", token, "")
}

/// A TokenReview of a version, with more members for its spec.
pub(crate) fn review_of(version: &str, token: &str, more: &str) -> String {
    format!(
        r#"{{"kind":"TokenReview","apiVersion":"{version}","metadata":{{"creationTimestamp":null}},"spec":{{"token":"{token}"{more}}},"status":{{"user":{{}}}}}}"#
    )
}
