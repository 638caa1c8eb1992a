//! From a token to a request that is safe to send.

use alloc::string::ToString as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::ids::{AccessKeyId, ClusterId};
use crate::limits;
use crate::partition::{StsHost, StsHosts};
use crate::secret::{Secret, Token};
use crate::sts::StsRequest;
use crate::token::TokenError;
use crate::token::query::{Parameter, Query};

/// What every token starts with.
pub const PREFIX: &str = "k8s-aws-v1.";

/// The rules a token is measured by.
#[derive(Debug, Clone)]
pub struct TokenPolicy {
    /// The hosts of the one partition that is served.
    pub hosts: StsHosts,
    /// The cluster that tokens must be signed for.
    pub cluster_id: ClusterId,
}

/// Checks a token and rebuilds the request that asks STS about it.
///
/// The order is cheap before dear, and no step depends on the network.
pub fn check(token: &Token, policy: &TokenPolicy, now: Timestamp) -> Result<StsRequest, TokenError> {
    let text = token.expose();
    if text.len() > limits::TOKEN_BYTES {
        return Err(TokenError::TooLarge);
    }
    let encoded = text.strip_prefix(PREFIX).ok_or(TokenError::Foreign)?;
    let url = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| TokenError::Base64)?;
    let url = core::str::from_utf8(&url).map_err(|_| TokenError::ControlCharacter)?;
    if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(TokenError::ControlCharacter);
    }
    let (host, query) = split(url, &policy.hosts)?;
    let query = Query::parse(query)?;
    constants(&query)?;
    let (date, signed_at) = date(&query)?;
    let access_key_id = credential(&query, &host, date)?;
    let expires_at = lifetime(signed_at, now)?;
    Ok(StsRequest {
        host,
        cluster_id: policy.cluster_id.clone(),
        access_key_id,
        path_and_query: Secret::new(query.rebuild()),
        signed_at,
        expires_at,
    })
}

/// Splits the URL into a host of our list and the query.
fn split<'a>(url: &'a str, hosts: &StsHosts) -> Result<(StsHost, &'a str), TokenError> {
    let rest = url.strip_prefix("https://").ok_or(TokenError::Scheme)?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, rest) = rest.split_at_checked(end).ok_or(TokenError::Host)?;
    let host = hosts.find(host).ok_or(TokenError::Host)?;
    if rest.contains('#') {
        return Err(TokenError::Fragment);
    }
    let query = rest.strip_prefix("/?").ok_or(TokenError::Path)?;
    Ok((host.clone(), query))
}

/// The parameters that have one right value, or one right form.
fn constants(query: &Query<'_>) -> Result<(), TokenError> {
    if query.value(Parameter::Action) != Some("GetCallerIdentity") {
        return Err(TokenError::Action);
    }
    if query.value(Parameter::Version).is_some_and(|version| version != "2011-06-15") {
        return Err(TokenError::Version);
    }
    if query.value(Parameter::Algorithm) != Some("AWS4-HMAC-SHA256") {
        return Err(TokenError::Algorithm);
    }
    // We send exactly these two headers with values of our own, so a signature
    // over any other set proves nothing or can't hold.
    if query.value(Parameter::SignedHeaders) != Some("host;x-k8s-aws-id") {
        return Err(TokenError::SignedHeaders);
    }
    if !query.value(Parameter::Expires).is_some_and(is_lifetime) {
        return Err(TokenError::Expires);
    }
    if !query.value(Parameter::Signature).is_some_and(is_signature) {
        return Err(TokenError::Signature);
    }
    if query.value(Parameter::SecurityToken).is_some_and(str::is_empty) {
        return Err(TokenError::SecurityToken);
    }
    Ok(())
}

/// Seconds from 0 to 900 in their one decimal spelling.
fn is_lifetime(text: &str) -> bool {
    text.parse::<u16>().is_ok_and(|seconds| seconds <= limits::TOKEN_EXPIRES_SECONDS && seconds.to_string() == text)
}

fn is_signature(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The date of the signature, as text of eight digits and as an instant.
fn date<'a>(query: &'a Query<'_>) -> Result<(&'a str, Timestamp), TokenError> {
    let text = query.value(Parameter::Date).ok_or(TokenError::Date)?;
    let (day, time) = text.strip_suffix('Z').and_then(|text| text.split_once('T')).ok_or(TokenError::Date)?;
    let [y1, y2, month, date] = pairs(day)?;
    let [hour, minute, second] = pairs(time)?;
    let year = i16::from(y1) * 100 + i16::from(y2);
    let instant = DateTime::new(year, month, date, hour, minute, second, 0)
        .and_then(|civil| TimeZone::UTC.to_timestamp(civil))
        .map_err(|_| TokenError::Date)?;
    Ok((day, instant))
}

/// Reads exactly `N` two-digit numbers.
fn pairs<const N: usize>(text: &str) -> Result<[i8; N], TokenError> {
    let bytes = text.as_bytes();
    if bytes.len() != 2 * N || !bytes.iter().all(u8::is_ascii_digit) {
        return Err(TokenError::Date);
    }
    let mut numbers = [0; N];
    for (number, pair) in numbers.iter_mut().zip(bytes.chunks_exact(2)) {
        *number = pair
            .iter()
            .fold(0, |sum: i8, digit| sum.saturating_mul(10).saturating_add(i8::try_from(digit - b'0').unwrap_or(0)));
    }
    Ok(numbers)
}

/// `KEY/DATE/REGION/sts/aws4_request`, fitting the host and the date.
fn credential(query: &Query<'_>, host: &StsHost, date: &str) -> Result<AccessKeyId, TokenError> {
    let text = query.value(Parameter::Credential).ok_or(TokenError::Scope)?;
    let mut parts = text.split('/');
    let mut part = || parts.next().ok_or(TokenError::Scope);
    let key = part()?.parse().map_err(|_| TokenError::Scope)?;
    let fits = part()? == date
        && part()? == host.signing_region()
        && part()? == "sts"
        && part()? == "aws4_request"
        && parts.next().is_none();
    if fits { Ok(key) } else { Err(TokenError::Scope) }
}

/// When the token ends; refuses what has ended or has not begun.
fn lifetime(signed_at: Timestamp, now: Timestamp) -> Result<Timestamp, TokenError> {
    let age = now.duration_since(signed_at);
    if age > SignedDuration::from_secs(limits::TOKEN_AGE_SECONDS) {
        return Err(TokenError::Expired);
    }
    if age < -SignedDuration::from_secs(limits::TOKEN_SKEW_SECONDS) {
        return Err(TokenError::Future);
    }
    signed_at.checked_add(SignedDuration::from_secs(limits::TOKEN_AGE_SECONDS)).map_err(|_| TokenError::Date)
}
