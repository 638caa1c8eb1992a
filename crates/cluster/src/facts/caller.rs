//! Who asks.

use std::collections::BTreeMap;

use http::Method;
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::Client;
use serde_json::json;

use crate::api_error::{ApiError, Right};
use crate::exchange::{JSON, Question, ask};
use crate::limits;

/// Who kube-apiserver takes somebody for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Caller {
    /// Username.
    pub username: String,
    /// What the authenticator tells it from its namesakes by; may be empty.
    pub uid: String,
    /// Groups, with those that kube-apiserver adds (`system:authenticated`).
    pub groups: Vec<String>,
    /// Whatever else the authenticator said.
    pub extra: BTreeMap<String, Vec<String>>,
}

impl Caller {
    /// The ARN that STS returned, if an authenticator of IAM let the caller in and
    /// says so: aws-iam-authenticator, EKS and kube-iam do, by the key `arn`.
    pub fn arn(&self) -> Option<&str> {
        self.one_extra("arn")
    }

    /// The canonical ARN, by the key `canonicalArn`.
    pub fn canonical_arn(&self) -> Option<&str> {
        self.one_extra("canonicalArn")
    }

    /// Keys that have passed through HTTP headers are in lower case.
    fn one_extra(&self, key: &str) -> Option<&str> {
        let (_, values) = self.extra.iter().find(|(name, _)| name.eq_ignore_ascii_case(key))?;
        values.first().map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// Asks kube-apiserver who we are, by a SelfSubjectReview (`v1`, since Kubernetes
/// 1.28); everybody may. Before 1.28 it is [`ApiError::NotFound`].
///
/// # Errors
/// [`ApiError`].
pub async fn caller(client: &Client) -> Result<Caller, ApiError> {
    let review = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview" });
    let question = Question {
        method: Method::POST,
        uri: "/apis/authentication.k8s.io/v1/selfsubjectreviews".to_owned(),
        body: Some((JSON, review)),
        right: Right {
            verb: "create",
            resource: "selfsubjectreviews.authentication.k8s.io",
            namespace: None,
            name: None,
        },
    };
    let bytes = ask(client, question, limits::ANSWER, limits::OBJECT_BYTES).await?;
    let review: SelfSubjectReview =
        serde_json::from_slice(&bytes).map_err(|error| ApiError::malformed("the SelfSubjectReview", &error))?;
    let user = review.status.and_then(|status| status.user_info).unwrap_or_default();
    let username = user.username.filter(|name| !name.is_empty());
    Ok(Caller {
        username: username.ok_or_else(|| ApiError::Malformed("the SelfSubjectReview names nobody".to_owned()))?,
        uid: user.uid.unwrap_or_default(),
        groups: user.groups.unwrap_or_default(),
        extra: user.extra.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_are_found_in_any_letter_case() {
        let extra = |key: &str, value: &str| Caller {
            extra: BTreeMap::from([(key.to_owned(), vec![value.to_owned()])]),
            ..Caller::default()
        };
        let arn = "arn:aws:iam::111122223333:role/Admin";
        assert_eq!(extra("canonicalArn", arn).canonical_arn(), Some(arn));
        assert_eq!(extra("canonicalarn", arn).canonical_arn(), Some(arn));
        assert_eq!(extra("canonicalArn", arn).arn(), None);
        assert_eq!(extra("arn", "").arn(), None);
    }
}
