//! Makes tokens: presigned GetCallerIdentity requests, written as `k8s-aws-v1.` and base64url.

use std::fmt::Write as _;
use std::time::Duration;

use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Uri;
use jiff::Timestamp;
use kube_iam_core::ids::ClusterId;
use kube_iam_core::partition::{GLOBAL_STS_HOST, GLOBAL_STS_REGION, Partition, StsEndpoint, StsHost};
use kube_iam_core::secret::Token;
use kube_iam_core::token::PREFIX;

use crate::credentials::{Credentials, system_time};

/// The region of the AWS SDKs that stands for the global endpoint.
const GLOBAL_REGION: &str = "aws-global";

/// `X-Amz-Expires` in seconds. STS accepts the request for 15 minutes whatever this says; 60 is what every client sends.
const EXPIRES: Duration = Duration::from_secs(60);

/// The STS endpoint that a token is made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Scheme, host and path, such as `https://sts.eu-west-1.amazonaws.com/`.
    url: String,
    /// Value of the signed `Host` header.
    host: String,
    /// Region of the credential scope.
    region: String,
}

/// There is no such STS endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// The text can't be a part of a host name.
    #[error("`{0}` is not the name of an AWS region")]
    Region(String),
    /// The isolated partitions have no dual-stack names.
    #[error("STS has no dual-stack endpoint in region `{0}`")]
    NoDualStack(String),
    /// The configured endpoint is unusable.
    #[error("the STS endpoint `{0}` is not an http or https URL")]
    Url(String),
}

impl Target {
    /// STS in a region, in the form asked for. The region `aws-global` means the global endpoint.
    ///
    /// # Errors
    ///
    /// When the region is no host label, or has no endpoint of this form.
    pub fn regional(region: &str, form: StsEndpoint) -> Result<Self, TargetError> {
        if region == GLOBAL_REGION {
            return Ok(Self::at(GLOBAL_STS_HOST, GLOBAL_STS_REGION));
        }
        let label = (1..=63).contains(&region.len()) && !region.starts_with('-') && !region.ends_with('-');
        if !label || !region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(TargetError::Region(region.to_owned()));
        }
        let host = Partition::of_region(region).sts_host(region, form);
        host.map(|host| Self::at(&host, region)).ok_or_else(|| TargetError::NoDualStack(region.to_owned()))
    }

    /// A host of a server's list.
    pub fn of_host(host: &StsHost) -> Self {
        Self::at(host.name(), host.signing_region())
    }

    /// A configured endpoint, used as it is given. A server will normally refuse such a token.
    ///
    /// # Errors
    ///
    /// When the text is not an http or https URL.
    pub fn configured(url: &str, region: &str) -> Result<Self, TargetError> {
        let refused = || TargetError::Url(without_user(url));
        let uri: Uri = url.parse().map_err(|_| refused())?;
        let (Some(scheme @ ("http" | "https")), Some(host), None) = (uri.scheme_str(), uri.host(), uri.query()) else {
            return Err(refused());
        };
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(refused());
        }
        let default_port = if scheme == "https" { 443 } else { 80 };
        let host = match uri.port_u16().filter(|port| *port != default_port) {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let path = uri.path().trim_end_matches('/');
        let region = if region == GLOBAL_REGION { GLOBAL_STS_REGION } else { region };
        Ok(Self { url: format!("{scheme}://{host}{path}/"), host, region: region.to_owned() })
    }

    fn at(host: &str, region: &str) -> Self {
        Self { url: format!("https://{host}/"), host: host.to_owned(), region: region.to_owned() }
    }
}

/// A URL in a message: what stands before `@` may be a password.
fn without_user(url: &str) -> String {
    let rest = url.rsplit_once('@').map_or(url, |(_, rest)| rest);
    rest.chars().take(kube_iam_core::limits::EXCERPT_CHARS).collect()
}

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
fn encode(value: &str, into: &mut String) {
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
