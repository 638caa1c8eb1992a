//! TokenReviews of `authentication.k8s.io`, v1 and v1beta1: reading the
//! question and writing the answer in the version asked.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::json::Object;
use crate::limits;
use crate::reason::Reason;
use crate::secret::Token;
use crate::user_info::UserInfo;

/// The API versions that kube-apiserver's webhook client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewVersion {
    /// `authentication.k8s.io/v1`
    V1,
    /// `authentication.k8s.io/v1beta1`
    V1beta1,
}

impl ReviewVersion {
    /// The `apiVersion` of the object.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "authentication.k8s.io/v1",
            Self::V1beta1 => "authentication.k8s.io/v1beta1",
        }
    }
}

/// A question of kube-apiserver.
#[derive(Debug, Clone)]
pub struct Review {
    /// The version it came in, and in which it is answered.
    pub version: ReviewVersion,
    /// The token it asks about.
    pub token: Token,
    /// Audiences for which the token should be good; empty: kube-apiserver's own.
    pub audiences: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Question {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    spec: Option<Object<Spec>>,
}

#[derive(Deserialize, Default)]
struct Spec {
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    audiences: Option<Vec<String>>,
}

/// Reads a TokenReview. One without version and kind is taken for v1beta1, as
/// the Go authenticator does; a wrong version or kind is refused.
pub fn decode(body: &[u8]) -> Result<Review, Reason> {
    if body.len() > limits::REVIEW_BYTES {
        return Err(Reason::ReviewTooLarge);
    }
    let Object(question): Object<Question> = serde_json::from_slice(body).map_err(|error| match error.is_eof() {
        true => Reason::ReviewTruncated,
        false => Reason::ReviewNotJson,
    })?;
    if !matches!(question.kind.as_str(), "" | "TokenReview") {
        return Err(Reason::ReviewKind);
    }
    let version = match question.api_version.as_str() {
        "authentication.k8s.io/v1" => ReviewVersion::V1,
        "authentication.k8s.io/v1beta1" | "" => ReviewVersion::V1beta1,
        _ => return Err(Reason::ReviewVersion),
    };
    let spec = question.spec.map(|Object(spec)| spec).unwrap_or_default();
    let audiences = spec.audiences.unwrap_or_default();
    if audiences.len() > limits::REVIEW_AUDIENCES {
        return Err(Reason::ReviewTooLarge);
    }
    Ok(Review { version, token: Token::new(spec.token.unwrap_or_default()), audiences })
}

/// The answer to a review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer<'a> {
    pub(crate) api_version: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) metadata: Empty,
    pub(crate) spec: Empty,
    pub(crate) status: Status<'a>,
}

/// `{}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Empty {}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Status<'a> {
    pub(crate) authenticated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<&'a UserInfo>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub(crate) audiences: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

/// Writes an answer as JSON with a line end.
pub(crate) fn encode(version: ReviewVersion, status: Status<'_>) -> Vec<u8> {
    let answer =
        Answer { api_version: version.as_str(), kind: "TokenReview", metadata: Empty {}, spec: Empty {}, status };
    // Texts and lists always become JSON; an empty body would be read as an error.
    let mut body = serde_json::to_vec(&answer).unwrap_or_default();
    body.push(b'\n');
    body
}

#[cfg(test)]
mod tests {
    use std::format;
    use std::vec;

    use super::*;

    fn reason(body: &str) -> Reason {
        decode(body.as_bytes()).unwrap_err()
    }

    #[test]
    fn both_versions_are_read() {
        for version in [ReviewVersion::V1, ReviewVersion::V1beta1] {
            let body = format!(
                r#"{{"kind":"TokenReview","apiVersion":"{}","metadata":{{"creationTimestamp":null}},"spec":{{"token":"t","audiences":["a"]}},"status":{{"user":{{}}}}}}"#,
                version.as_str()
            );
            let review = decode(body.as_bytes()).unwrap();
            assert_eq!((review.version, review.token.expose(), review.audiences.len()), (version, "t", 1));
        }
    }

    #[test]
    fn version_and_kind_may_be_missing_but_not_wrong() {
        assert_eq!(decode(br#"{"spec":{"token":"t"}}"#).unwrap().version, ReviewVersion::V1beta1);
        assert_eq!(reason(r#"{"kind":"SubjectAccessReview"}"#), Reason::ReviewKind);
        assert_eq!(reason(r#"{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v2"}"#), Reason::ReviewVersion);
    }

    #[test]
    fn what_is_no_review_is_told_apart() {
        assert_eq!(reason(""), Reason::ReviewTruncated);
        assert_eq!(reason(r#"{"spec":{"tok"#), Reason::ReviewTruncated);
        for body in [
            "hello",
            "[]",
            "\"x\"",
            "5",
            r#"{"spec":{"token":5}}"#,
            r#"{"spec":[]}"#,
            "{}{}",
            "\u{feff}{}",
            r#"{"kind":"a","kind":"b"}"#,
        ] {
            assert_eq!(reason(body), Reason::ReviewNotJson, "{body}");
        }
    }

    #[test]
    fn a_missing_token_is_an_empty_one() {
        for body in ["{}", r#"{"spec":null}"#, r#"{"spec":{}}"#, r#"{"spec":{"token":null}}"#] {
            assert_eq!(decode(body.as_bytes()).unwrap().token.expose(), "", "{body}");
        }
    }

    #[test]
    fn audiences_are_bounded() {
        let body = |count: usize| format!("{{\"spec\":{{\"audiences\":[{}]}}}}", vec!["\"a\""; count].join(","));
        assert!(decode(body(limits::REVIEW_AUDIENCES).as_bytes()).is_ok());
        assert_eq!(reason(&body(limits::REVIEW_AUDIENCES + 1)), Reason::ReviewTooLarge);
    }

    #[test]
    fn size_is_bounded() {
        let body = |len: usize| format!("{}{{}}", " ".repeat(len - 2));
        assert!(decode(body(limits::REVIEW_BYTES).as_bytes()).is_ok());
        assert_eq!(reason(&body(limits::REVIEW_BYTES + 1)), Reason::ReviewTooLarge);
    }
}
