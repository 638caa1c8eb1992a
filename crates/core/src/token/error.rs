//! The refusals of a token.

/// Why a token is refused before anybody is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Longer than [`crate::limits::TOKEN_BYTES`].
    #[error("the token is longer than 4096 bytes")]
    TooLarge,
    /// Not one of ours: a service account's, perhaps.
    #[error("the token does not start with `k8s-aws-v1.`")]
    Foreign,
    /// Not base64url without padding, or not in its canonical form.
    #[error("the token is not canonical base64url without padding")]
    Base64,
    /// A blank, a control character or something outside ASCII.
    #[error("the URL in the token holds a blank, a control character or text outside ASCII")]
    ControlCharacter,
    /// Not `https://`.
    #[error("the URL in the token does not start with `https://`")]
    Scheme,
    /// Not an STS host of this partition, spelt exactly.
    #[error("the host in the token is not an STS endpoint of this server's partition")]
    Host,
    /// Not exactly `/`.
    #[error("the path in the token is not `/`")]
    Path,
    /// A `#…` part.
    #[error("the URL in the token has a fragment")]
    Fragment,
    /// A query that different readers could read differently.
    #[error("the query in the token is malformed")]
    Query,
    /// A parameter that occurs twice, in whatever spelling.
    #[error("a query parameter occurs twice in the token")]
    DuplicateParameter,
    /// A parameter that GetCallerIdentity does not need.
    #[error("the token has a query parameter that is not allowed")]
    UnknownParameter,
    /// Not `GetCallerIdentity`.
    #[error("the action in the token is not `GetCallerIdentity`")]
    Action,
    /// Not the API version of STS.
    #[error("the API version in the token is not `2011-06-15`")]
    Version,
    /// Not SigV4.
    #[error("the signing algorithm in the token is not `AWS4-HMAC-SHA256`")]
    Algorithm,
    /// A credential scope that does not fit host and date.
    #[error("the credential scope in the token does not fit its host and date")]
    Scope,
    /// Not exactly `host` and `x-k8s-aws-id`.
    #[error("the signature in the token does not cover exactly `host` and `x-k8s-aws-id`")]
    SignedHeaders,
    /// Not a number from 0 to 900.
    #[error("the lifetime in the token is not a number of seconds from 0 to 900")]
    Expires,
    /// No date, or not in the form of SigV4.
    #[error("the date in the token is missing or malformed")]
    Date,
    /// Signed more than 15 minutes ago.
    #[error("the token has expired: it was signed more than 15 minutes ago")]
    Expired,
    /// Signed more than 5 minutes ahead of our clock.
    #[error("the token was signed more than 5 minutes in the future: one of the two clocks is wrong")]
    Future,
    /// Not 64 lower-case hexadecimal digits.
    #[error("the signature in the token is missing or malformed")]
    Signature,
    /// A session token with characters that none has.
    #[error("the session token in the token is malformed")]
    SecurityToken,
}
