//! Makes tokens: presigned GetCallerIdentity requests, written as `k8s-aws-v1.` and base64url.

use std::fmt::Write as _;
use std::time::Duration;

use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use kube_iam_core::ids::ClusterId;
use kube_iam_core::secret::Token;
use kube_iam_core::token::PREFIX;

use crate::credentials::{Credentials, system_time};
pub use crate::endpoint::{Target, TargetError};

/// `X-Amz-Expires` in seconds. STS accepts the request for 15 minutes whatever this says; 60 is what every client sends.
const EXPIRES: Duration = Duration::from_secs(60);

/// The request could not be signed.
#[derive(Debug, thiserror::Error)]
#[error("could not sign the token")]
pub struct PresignError(#[source] Box<dyn std::error::Error + Send + Sync>);

/// Makes a token for `cluster_id`, signed at `at`.
///
/// # Errors
///
/// When a credential holds characters that no request can carry.
pub fn presign(
    credentials: &Credentials,
    target: &Target,
    cluster_id: &ClusterId,
    at: Timestamp,
) -> Result<Token, PresignError> {
    let base = format!("{}?Action=GetCallerIdentity&Version=2011-06-15", target.url);
    let mut url = base.clone();
    for (name, value) in signature(credentials, target, cluster_id, at, base).map_err(PresignError)? {
        url.push('&');
        url.push_str(name);
        url.push('=');
        encode(&value, &mut url);
    }
    let mut token = PREFIX.to_owned();
    URL_SAFE_NO_PAD.encode_string(url, &mut token);
    Ok(Token::new(token))
}

type Parameters = Vec<(&'static str, String)>;

/// The parameters that signing adds, in byte order, and the signature behind them, where Go has it.
fn signature(
    credentials: &Credentials,
    target: &Target,
    cluster_id: &ClusterId,
    at: Timestamp,
    url: String,
) -> Result<Parameters, Box<dyn std::error::Error + Send + Sync>> {
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(EXPIRES);
    let identity = credentials.to_sdk().into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(&target.region)
        .name("sts")
        .time(system_time(at))
        .settings(settings)
        .build()?
        .into();
    let headers = [("host", target.host.as_str()), ("x-k8s-aws-id", cluster_id.as_str())];
    let request = SignableRequest::new("GET", url, headers.into_iter(), SignableBody::Bytes(b""))?;
    let (instructions, _) = sign(request, &parameters)?.into_parts();
    let (_, added) = instructions.into_parts();
    let mut added: Parameters = added.into_iter().map(|(name, value)| (name, value.into_owned())).collect();
    added.sort_unstable_by_key(|(name, _)| (*name == "X-Amz-Signature", *name));
    Ok(added)
}

/// Percent-encodes all but the unreserved characters of RFC 3986, as SigV4 demands.
pub(crate) fn encode(value: &str, into: &mut String) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            into.push(char::from(byte));
        } else {
            // Writing to a string can't fail.
            let _ = write!(into, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests;
