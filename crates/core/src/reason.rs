//! Reason codes: the closed list of why a review was not answered with yes.

use crate::sts::StsError;
use crate::template::TemplateError;
use crate::token::TokenError;

/// How a refusal is answered; see [`crate::decision`] for the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The request is no TokenReview.
    Malformed,
    /// The token will never be good: kube-apiserver may remember the no.
    Permanent,
    /// Somebody can mend it: kube-apiserver must ask again next time.
    Fixable,
    /// AWS or this server is asked too much.
    Throttled,
    /// Something that is needed does not answer.
    Unavailable,
}

/// The family of a refusal in the metric `authenticate_latency_seconds`, as the
/// Go authenticator names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ResultLabel {
    /// Let in.
    Success,
    /// Refused before STS was asked.
    InvalidToken,
    /// STS gave no identity.
    StsError,
    /// STS throttled.
    StsThrottling,
    /// No mapping, or none that can be used.
    UnknownUser,
    /// Not a TokenReview.
    MalformedRequest,
}

impl ResultLabel {
    /// The label's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::InvalidToken => "invalid_token",
            Self::StsError => "sts_error",
            Self::StsThrottling => "sts_throttling",
            // sic: dashboards of the Go authenticator know it by this spelling.
            Self::UnknownUser => "uknown_user",
            Self::MalformedRequest => "malformed_request",
        }
    }
}

/// Declares the codes, each with its text, class and metric label in one row.
macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $class:ident, $label:ident;)+) => {
        /// Why a review was not answered with yes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Reason { $($(#[$doc])* $name,)+ }

        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The code, in logs, metrics and answers.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// How it is answered.
            pub fn class(self) -> Class {
                match self { $(Self::$name => Class::$class,)+ }
            }

            /// Its family in the metric of latencies.
            pub fn label(self) -> ResultLabel {
                match self { $(Self::$name => ResultLabel::$label,)+ }
            }
        }
    };
}

reasons! {
    /// Not a POST.
    ReviewMethod = "review_method", Malformed, MalformedRequest;
    /// The body is longer than 64 KiB.
    ReviewTooLarge = "review_too_large", Malformed, MalformedRequest;
    /// The body did not arrive in time.
    ReviewTimeout = "review_timeout", Malformed, MalformedRequest;
    /// The body ends too early.
    ReviewTruncated = "review_truncated", Malformed, MalformedRequest;
    /// The body is not JSON, or not of the form of a TokenReview.
    ReviewNotJson = "review_not_json", Malformed, MalformedRequest;
    /// Another kind of object.
    ReviewKind = "review_wrong_kind", Malformed, MalformedRequest;
    /// An API version nobody answers.
    ReviewVersion = "review_wrong_version", Malformed, MalformedRequest;
    /// The TokenReview has no token.
    TokenMissing = "token_missing", Permanent, InvalidToken;
    /// See [`TokenError::TooLarge`].
    TokenTooLarge = "token_too_large", Permanent, InvalidToken;
    /// See [`TokenError::Foreign`].
    TokenForeign = "token_foreign", Permanent, InvalidToken;
    /// See [`TokenError::Base64`].
    TokenBase64 = "token_base64", Permanent, InvalidToken;
    /// See [`TokenError::ControlCharacter`].
    TokenControlCharacter = "token_control_character", Permanent, InvalidToken;
    /// See [`TokenError::Scheme`].
    TokenScheme = "token_scheme", Permanent, InvalidToken;
    /// See [`TokenError::Host`].
    TokenHost = "token_host", Permanent, InvalidToken;
    /// See [`TokenError::Path`].
    TokenPath = "token_path", Permanent, InvalidToken;
    /// See [`TokenError::Fragment`].
    TokenFragment = "token_fragment", Permanent, InvalidToken;
    /// See [`TokenError::Query`].
    TokenQuery = "token_query", Permanent, InvalidToken;
    /// See [`TokenError::DuplicateParameter`].
    TokenDuplicateParameter = "token_duplicate_parameter", Permanent, InvalidToken;
    /// See [`TokenError::UnknownParameter`].
    TokenUnknownParameter = "token_unknown_parameter", Permanent, InvalidToken;
    /// See [`TokenError::Action`].
    TokenAction = "token_action", Permanent, InvalidToken;
    /// See [`TokenError::Version`].
    TokenVersion = "token_version", Permanent, InvalidToken;
    /// See [`TokenError::Algorithm`].
    TokenAlgorithm = "token_algorithm", Permanent, InvalidToken;
    /// See [`TokenError::Scope`].
    TokenScope = "token_scope", Permanent, InvalidToken;
    /// See [`TokenError::SignedHeaders`].
    TokenSignedHeaders = "token_signed_headers", Permanent, InvalidToken;
    /// See [`TokenError::Expires`].
    TokenExpires = "token_expires", Permanent, InvalidToken;
    /// See [`TokenError::Date`].
    TokenDate = "token_date", Permanent, InvalidToken;
    /// See [`TokenError::Expired`].
    TokenExpired = "token_expired", Permanent, InvalidToken;
    /// See [`TokenError::Future`].
    TokenFuture = "token_future", Permanent, InvalidToken;
    /// See [`TokenError::Signature`].
    TokenSignature = "token_signature", Permanent, InvalidToken;
    /// See [`TokenError::SecurityToken`].
    TokenSecurityToken = "token_security_token", Permanent, InvalidToken;
    /// See [`StsError::Signature`].
    StsSignature = "sts_signature", Permanent, StsError;
    /// See [`StsError::UnknownKey`].
    StsUnknownKey = "sts_unknown_key", Permanent, StsError;
    /// See [`StsError::CredentialsExpired`].
    StsCredentialsExpired = "sts_credentials_expired", Permanent, StsError;
    /// See [`StsError::Refused`].
    StsRefused = "sts_refused", Fixable, StsError;
    /// See [`StsError::Partition`].
    StsPartition = "sts_partition", Permanent, StsError;
    /// A reply that is not GetCallerIdentity's.
    StsReply = "sts_reply", Unavailable, StsError;
    /// See [`StsError::Redirect`].
    StsRedirect = "sts_redirect", Unavailable, StsError;
    /// See [`StsError::Throttled`].
    StsThrottled = "sts_throttled", Throttled, StsThrottling;
    /// No reply, or a fault on the side of STS.
    StsUnavailable = "sts_unavailable", Unavailable, StsError;
    /// A fault of this server: a bug, seen in its log.
    Internal = "internal", Unavailable, StsError;
    /// Too many logins wait for STS already, or for EC2.
    Overloaded = "overloaded", Throttled, StsThrottling;
    /// No mapping.
    NotMapped = "not_mapped", Fixable, UnknownUser;
    /// The mapping needs the name of an EC2 instance that has none, or a session name
    /// that is an instance ID.
    NodeLookup = "node_lookup_failed", Fixable, UnknownUser;
    /// The instance that the session names is not the caller's.
    NodeRoleMismatch = "node_role_mismatch", Fixable, UnknownUser;
    /// EC2 limits the rate, or IAM.
    Ec2Throttled = "ec2_throttled", Throttled, UnknownUser;
    /// EC2 did not answer, or IAM.
    Ec2Unavailable = "ec2_unavailable", Unavailable, UnknownUser;
    /// The mapping gives an empty username.
    EmptyUsername = "empty_username", Fixable, UnknownUser;
    /// The mapping gives a username that its backend may not hand out.
    ReservedUsername = "reserved_username", Fixable, UnknownUser;
    /// kube-apiserver asks for audiences of which none is its own.
    Audience = "audience", Permanent, InvalidToken;
}

impl From<TokenError> for Reason {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::TooLarge => Self::TokenTooLarge,
            TokenError::Foreign => Self::TokenForeign,
            TokenError::Base64 => Self::TokenBase64,
            TokenError::ControlCharacter => Self::TokenControlCharacter,
            TokenError::Scheme => Self::TokenScheme,
            TokenError::Host => Self::TokenHost,
            TokenError::Path => Self::TokenPath,
            TokenError::Fragment => Self::TokenFragment,
            TokenError::Query => Self::TokenQuery,
            TokenError::DuplicateParameter => Self::TokenDuplicateParameter,
            TokenError::UnknownParameter => Self::TokenUnknownParameter,
            TokenError::Action => Self::TokenAction,
            TokenError::Version => Self::TokenVersion,
            TokenError::Algorithm => Self::TokenAlgorithm,
            TokenError::Scope => Self::TokenScope,
            TokenError::SignedHeaders => Self::TokenSignedHeaders,
            TokenError::Expires => Self::TokenExpires,
            TokenError::Date => Self::TokenDate,
            TokenError::Expired => Self::TokenExpired,
            TokenError::Future => Self::TokenFuture,
            TokenError::Signature => Self::TokenSignature,
            TokenError::SecurityToken => Self::TokenSecurityToken,
        }
    }
}

impl From<&StsError> for Reason {
    fn from(error: &StsError) -> Self {
        match error {
            StsError::Throttled => Self::StsThrottled,
            StsError::Unavailable(_) | StsError::NoReply(_) => Self::StsUnavailable,
            StsError::Signature => Self::StsSignature,
            StsError::UnknownKey => Self::StsUnknownKey,
            StsError::CredentialsExpired => Self::StsCredentialsExpired,
            StsError::Refused(_) => Self::StsRefused,
            StsError::Redirect(_) => Self::StsRedirect,
            StsError::Partition(_) => Self::StsPartition,
            StsError::Schema(_) | StsError::Arn(_) | StsError::UserId(_) | StsError::Account => Self::StsReply,
        }
    }
}

impl From<TemplateError> for Reason {
    fn from(error: TemplateError) -> Self {
        match error {
            TemplateError::NotAnInstance | TemplateError::NoPrivateDns => Self::NodeLookup,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_distinct() {
        let codes: BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
    }
}
