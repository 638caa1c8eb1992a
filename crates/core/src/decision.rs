//! What is answered: one table from outcomes to status, body and log level.
//!
//! | class | status | body | kube-apiserver 1.35 |
//! |---|---|---|---|
//! | allowed | 200 | `authenticated: true` | remembers it for 2 minutes |
//! | permanent | 200 | `authenticated: false` | remembers it for 2 minutes |
//! | fixable | 200 | `authenticated: false` and `error` | asks again each time |
//! | throttled | 429 | `authenticated: false` and `error` | retries with back-off |
//! | unavailable | 504 | `authenticated: false` and `error` | retries with back-off |
//! | malformed | 400, 405, 408, 413 | one line of text | never sends such |

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::reason::{Class, Reason, ResultLabel};
use crate::review::{self, ReviewVersion, Status};
use crate::user_info::UserInfo;

/// The form in which somebody is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DenialStatus {
    /// The table above.
    #[default]
    ByClass,
    /// As the Go authenticator: 403 for everybody, 429 when throttled.
    Forbidden,
}

/// How loudly an outcome is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Floods of foreign tokens.
    Debug,
    /// Everyday.
    Info,
    /// Somebody is kept out.
    Warn,
}

/// Media type of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentType {
    /// JSON.
    Json,
    /// Plain text.
    Text,
}

impl ContentType {
    /// The header's value, as the Go authenticator spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=UTF-8",
            Self::Text => "text/plain; charset=utf-8",
        }
    }
}

/// A complete answer. Only [`allow`] makes one that lets somebody in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// HTTP status.
    pub status: u16,
    /// Media type of the body.
    pub content_type: ContentType,
    /// The body.
    pub body: Vec<u8>,
    /// Label of the latency metric.
    pub label: ResultLabel,
    /// Level of the log line.
    pub level: Level,
    /// Why not, or `None` if somebody is let in.
    pub reason: Option<Reason>,
}

/// The answer that lets somebody in. `audiences` are those of
/// kube-apiserver's own list that were asked for; empty means its default.
pub fn allow(version: ReviewVersion, user: &UserInfo, audiences: &[String]) -> Decision {
    let status = Status { authenticated: true, user: Some(user), audiences, error: None };
    Decision {
        status: 200,
        content_type: ContentType::Json,
        body: review::encode(version, status),
        label: ResultLabel::Success,
        level: Level::Info,
        reason: None,
    }
}

/// The answer that turns somebody away. `request_id` finds the log line; it is
/// all that an error tells beside the reason code.
pub fn deny(version: ReviewVersion, reason: Reason, request_id: &str, form: DenialStatus) -> Decision {
    if reason.class() == Class::Malformed {
        return malformed(reason);
    }
    let tells = reason.class() != Class::Permanent || form == DenialStatus::Forbidden;
    let error = tells.then(|| format!("kube-iam: {} (request {request_id})", reason.as_str()));
    let status = match (reason.class(), form) {
        (Class::Throttled, _) => 429,
        (_, DenialStatus::Forbidden) => 403,
        (Class::Unavailable, _) => 504,
        (Class::Permanent | Class::Fixable | Class::Malformed, _) => 200,
    };
    let body = Status { authenticated: false, user: None, audiences: &[], error };
    Decision {
        status,
        content_type: ContentType::Json,
        body: review::encode(version, body),
        label: reason.label(),
        level: if reason == Reason::TokenForeign { Level::Debug } else { Level::Warn },
        reason: Some(reason),
    }
}

fn malformed(reason: Reason) -> Decision {
    let (status, text) = match reason {
        Reason::ReviewMethod => (405, "expected POST"),
        Reason::ReviewTooLarge => (413, "the review is larger than 64 KiB, or asks about more than 64 audiences"),
        Reason::ReviewTimeout => (408, "the request body did not arrive in time"),
        Reason::ReviewTruncated => (400, "expected a request body to be a TokenReview, but it ends too early"),
        Reason::ReviewKind => (400, "expected a request body to be a TokenReview, but it is of another kind"),
        Reason::ReviewVersion => (
            400,
            "expected a request body to be a TokenReview of authentication.k8s.io/v1 or authentication.k8s.io/v1beta1",
        ),
        _ => (400, "expected a request body to be a TokenReview"),
    };
    Decision {
        status,
        content_type: ContentType::Text,
        body: format!("{text} ({})\n", reason.as_str()).into_bytes(),
        label: reason.label(),
        level: Level::Warn,
        reason: Some(reason),
    }
}

/// The audiences to confirm: those asked for that are kube-apiserver's own. With
/// no list configured nothing is confirmed, and kube-apiserver takes its own;
/// an echo would let a token pass for any audience.
pub fn audiences(asked: &[String], own: &[String]) -> Result<Vec<String>, Reason> {
    if own.is_empty() || asked.is_empty() {
        return Ok(Vec::new());
    }
    let common: Vec<String> = asked.iter().filter(|audience| own.contains(audience)).cloned().collect();
    if common.is_empty() { Err(Reason::Audience) } else { Ok(common) }
}

#[cfg(test)]
mod tests {
    use std::vec;

    use super::*;

    fn text(decision: &Decision) -> &str {
        core::str::from_utf8(&decision.body).unwrap()
    }

    #[test]
    fn every_reason_denies() {
        for reason in Reason::ALL {
            for form in [DenialStatus::ByClass, DenialStatus::Forbidden] {
                let decision = deny(ReviewVersion::V1, *reason, "r1", form);
                assert!(!text(&decision).contains("\"authenticated\":true"), "{reason:?}");
                assert_eq!(decision.reason, Some(*reason));
                assert_ne!(decision.label, ResultLabel::Success);
            }
        }
    }

    #[test]
    fn classes_have_their_status_and_error() {
        let answer = |reason| deny(ReviewVersion::V1, reason, "r1", DenialStatus::ByClass);
        assert_eq!(
            text(&answer(Reason::TokenExpired)),
            "{\"apiVersion\":\"authentication.k8s.io/v1\",\"kind\":\"TokenReview\",\"metadata\":{},\"spec\":{},\"status\":{\"authenticated\":false}}\n"
        );
        for (reason, status) in [
            (Reason::NotMapped, 200),
            (Reason::StsThrottled, 429),
            (Reason::Overloaded, 429),
            (Reason::StsUnavailable, 504),
            (Reason::StsReply, 504),
        ] {
            let answer = answer(reason);
            assert_eq!(answer.status, status, "{reason:?}");
            assert!(text(&answer).contains(&format!("\"error\":\"kube-iam: {} (request r1)\"", reason.as_str())));
        }
    }

    #[test]
    fn the_go_form_is_403_and_429() {
        let answer = |reason| deny(ReviewVersion::V1beta1, reason, "r1", DenialStatus::Forbidden).status;
        assert_eq!((answer(Reason::TokenExpired), answer(Reason::NotMapped)), (403, 403));
        assert_eq!((answer(Reason::StsUnavailable), answer(Reason::StsThrottled)), (403, 429));
        // The body is ours: it says which version, that it is a no, and why.
        let body = deny(ReviewVersion::V1beta1, Reason::TokenExpired, "r1", DenialStatus::Forbidden);
        assert_eq!(
            text(&body),
            "{\"apiVersion\":\"authentication.k8s.io/v1beta1\",\"kind\":\"TokenReview\",\"metadata\":{},\"spec\":{},\"status\":\
             {\"authenticated\":false,\"error\":\"kube-iam: token_expired (request r1)\"}}\n"
        );
    }

    #[test]
    fn audiences_are_never_echoed() {
        let list = |names: &[&str]| names.iter().map(|name| String::from(*name)).collect::<Vec<_>>();
        assert_eq!(audiences(&list(&["a"]), &[]), Ok(vec![]));
        assert_eq!(audiences(&[], &list(&["a"])), Ok(vec![]));
        assert_eq!(audiences(&list(&["a", "b"]), &list(&["b", "c"])), Ok(list(&["b"])));
        assert_eq!(audiences(&list(&["x"]), &list(&["b"])), Err(Reason::Audience));
    }
}
