//! Reading the reply of STS. Anything but the exact schema is a denial.

use alloc::string::{String, ToString};

use serde::Deserialize;

use crate::arn::{Arn, ArnError};
use crate::identity::{Identity, UserId, UserIdError};
use crate::ids::AccountId;
use crate::json::Object;
use crate::limits;
use crate::partition::Partition;
use crate::ports::{StsFailure, StsReply};
use crate::sts::StsRequest;

/// Why STS's reply proves no identity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StsError {
    /// STS limits the rate of this account or key.
    #[error("STS throttled the request")]
    Throttled,
    /// STS failed on its side.
    #[error("STS answered with status {0}")]
    Unavailable(u16),
    /// There is no complete reply.
    #[error("STS gave no reply")]
    NoReply(#[source] StsFailure),
    /// The signature is wrong, or it was made for another cluster ID: STS can't
    /// tell these apart.
    #[error("the signature does not match: wrong secret key, or signed for another cluster ID")]
    Signature,
    /// Nobody has this access key.
    #[error("STS does not know the access key")]
    UnknownKey,
    /// The caller's temporary credentials have run out.
    #[error("the caller's temporary credentials have expired")]
    CredentialsExpired,
    /// Another refusal; only the code is kept of what STS says.
    #[error("STS refused the request: `{0}`")]
    Refused(String),
    /// Redirects are not followed.
    #[error("STS answered with a redirect (status {0}), which is never followed")]
    Redirect(u16),
    /// A reply that is not what GetCallerIdentity answers.
    #[error("the reply of STS is not a GetCallerIdentity reply: {0}")]
    Schema(&'static str),
    /// The ARN in the reply names no principal.
    #[error("the ARN in the reply of STS is not usable")]
    Arn(#[source] ArnError),
    /// The user ID in the reply does not fit the ARN.
    #[error("the user ID in the reply of STS is not usable")]
    UserId(#[source] UserIdError),
    /// A principal of a partition that this server does not serve.
    #[error("the caller belongs to partition `{0}`, this server serves another")]
    Partition(Partition),
    /// The reply contradicts itself.
    #[error("the account in the reply of STS is not the account of its ARN")]
    Account,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    #[serde(rename = "GetCallerIdentityResponse")]
    response: Object<Response>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Response {
    #[serde(rename = "GetCallerIdentityResult")]
    result: Object<CallerIdentity>,
    #[serde(rename = "ResponseMetadata")]
    _metadata: Option<Object<Metadata>>,
}

#[derive(Deserialize)]
struct CallerIdentity {
    #[serde(rename = "Account")]
    account: String,
    #[serde(rename = "Arn")]
    arn: String,
    #[serde(rename = "UserId")]
    user_id: String,
}

/// Members of the metadata may come and go; a list or text in its place may not.
#[derive(Deserialize)]
struct Metadata {}

/// Draws the conclusion from a reply: the identity, or why there is none.
pub fn conclude(
    request: &StsRequest,
    partition: Partition,
    reply: Result<StsReply, StsFailure>,
) -> Result<Identity, StsError> {
    let reply = reply.map_err(StsError::NoReply)?;
    if reply.status != 200 {
        return Err(refusal(&reply));
    }
    if reply.body.len() > limits::STS_REPLY_BYTES {
        return Err(StsError::NoReply(StsFailure::TooLarge));
    }
    if !is_json(&reply.content_type) {
        return Err(StsError::Schema("its content type is not JSON"));
    }
    let Object(envelope): Object<Envelope> = serde_json::from_slice(&reply.body)
        .map_err(|_| StsError::Schema("its body does not have exactly the documented members"))?;
    let Object(Response { result: Object(caller), .. }) = envelope.response;
    identity(request, partition, &caller)
}

fn identity(request: &StsRequest, partition: Partition, caller: &CallerIdentity) -> Result<Identity, StsError> {
    let arn: Arn = caller.arn.parse().map_err(StsError::Arn)?;
    if arn.partition() != partition {
        return Err(StsError::Partition(arn.partition()));
    }
    let account: AccountId = caller.account.parse().map_err(|_| StsError::Account)?;
    if account != arn.account() {
        return Err(StsError::Account);
    }
    let (user_id, session_name) = UserId::parse(&caller.user_id, arn.kind(), account).map_err(StsError::UserId)?;
    let canonical = arn.canonical();
    Ok(Identity {
        key: canonical.key(),
        canonical,
        arn,
        account,
        user_id,
        session_name,
        access_key_id: request.access_key_id().clone(),
        sts_host: request.host().clone(),
    })
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    ["application/json", "application/x-amz-json-1.0", "application/x-amz-json-1.1"]
        .iter()
        .any(|known| essence.eq_ignore_ascii_case(known))
}

/// Tells the refusals apart. The body is STS's, but may be anybody's after a
/// fault on the way, so that only known words of it are used.
fn refusal(reply: &StsReply) -> StsError {
    let text = String::from_utf8_lossy(reply.body.get(..limits::STS_REPLY_BYTES).unwrap_or(&reply.body));
    let says = |word: &str| text.contains(word);
    match reply.status {
        429 => StsError::Throttled,
        _ if says("Throttling") || says("RequestLimitExceeded") => StsError::Throttled,
        500..=599 => StsError::Unavailable(reply.status),
        300..=399 => StsError::Redirect(reply.status),
        _ if says("SignatureDoesNotMatch") => StsError::Signature,
        _ if says("InvalidClientTokenId") => StsError::UnknownKey,
        _ if says("ExpiredToken") => StsError::CredentialsExpired,
        _ => StsError::Refused(error_code(&text).unwrap_or_else(|| reply.status.to_string())),
    }
}

/// The error code of an XML or JSON error document, if it looks like one.
fn error_code(text: &str) -> Option<String> {
    let (_, after) = text.split_once("<Code>").or_else(|| text.split_once("\"Code\":\""))?;
    let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '-' && c != '_')?;
    after.get(..end).filter(|code| (1..=64).contains(&code.len())).map(ToString::to_string)
}

#[cfg(test)]
mod tests;
