//! Verifies AWS Signature Version 4, written from "AWS Signature Version 4 for API
//! requests" in the IAM User Guide.

mod canonical;
mod claim;
mod date;

use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use hyper::{HeaderMap, Method};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use crate::keys::{Keys, KnownKey};
use crate::limits;
use crate::parameters::Parameters;
use crate::refusal::Refusal;

pub(crate) use claim::Claim;

/// The service name in the scope of a request to STS.
pub(crate) const STS: &str = "sts";

/// The service name in the scope of a request to EKS.
pub(crate) const EKS: &str = "eks";

/// The service name in the scope of a request to EC2.
pub(crate) const EC2: &str = "ec2";

/// The service name in the scope of a request to IAM.
pub(crate) const IAM: &str = "iam";

/// The service name in the scope of a request to CloudFormation.
pub(crate) const CLOUDFORMATION: &str = "cloudformation";

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const TERMINATOR: &str = "aws4_request";

/// Said when a signature is well-formed and simply not the right one.
const MISMATCH: &str = "The request signature we calculated does not match the signature you \
     provided. Check your AWS Secret Access Key and signing method. Consult the service \
     documentation for details.";

/// A request as it arrived, as far as a signature may cover it.
pub(crate) struct Received<'a> {
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) query: &'a Parameters<'a>,
    pub(crate) headers: &'a HeaderMap,
    /// The `Host` header, or HTTP/2's `:authority`.
    pub(crate) host: &'a str,
    pub(crate) body: &'a [u8],
}

/// The region a host demands; none for a loopback address.
pub(crate) type Region<'a> = Option<&'a str>;

/// Decides whose request this is. The order of the checks is AWS's: scope, host, date,
/// key, session token, and the signature last.
pub(crate) fn verify(
    received: &Received<'_>,
    claim: &Claim<'_>,
    service: &'static str,
    region: Region<'_>,
    now: Timestamp,
    keys: &Keys,
) -> Result<Arc<KnownKey>, Refusal> {
    check_scope(claim, service, region)?;
    if !claim.signs("host") {
        return Err(Refusal::signature("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."));
    }
    check_date(claim.date, now)?;
    let key = keys.find(claim.scope.access_key_id).ok_or_else(Refusal::unknown_key)?;
    if key.session_token.as_deref() != claim.session_token {
        return Err(Refusal::unknown_key());
    }
    if key.expires.is_some_and(|expires| expires <= now) {
        return Err(Refusal::expired_key());
    }
    let request = canonical::request(received, claim).ok_or_else(|| Refusal::signature(MISMATCH))?;
    let signing_key = key.signing_key(claim.scope.date, claim.scope.region, service);
    let signed = hmac(&signing_key, &string_to_sign(claim, &request));
    let given = from_hex(claim.signature).ok_or_else(|| Refusal::signature(MISMATCH))?;
    // Compares in constant time.
    signed.verify_slice(&given).map_err(|_| Refusal::signature(MISMATCH))?;
    Ok(key)
}

/// The key a request is signed with, made of the secret and the scope.
pub(crate) fn signing_key(secret: &str, date: &str, region: &str, service: &str) -> [u8; 32] {
    let start = [b"AWS4", secret.as_bytes()].concat();
    [date, region, service, TERMINATOR]
        .iter()
        .fold(None, |key: Option<[u8; 32]>, part| {
            let key = key.as_ref().map_or(start.as_slice(), <[u8; 32]>::as_slice);
            Some(hmac(key, part.as_bytes()).finalize().into_bytes().into())
        })
        .unwrap_or_default()
}

fn check_scope(claim: &Claim<'_>, service: &str, region: Region<'_>) -> Result<(), Refusal> {
    let scope = &claim.scope;
    if let Some(expected) = region
        && !expected.eq_ignore_ascii_case(scope.region)
    {
        return Err(Refusal::signature("Credential should be scoped to a valid region."));
    }
    if scope.service != service {
        return Err(Refusal::signature(format!("Credential should be scoped to correct service: '{service}'.")));
    }
    if scope.terminator != TERMINATOR {
        return Err(Refusal::signature("Credential should be scoped with a valid terminator: 'aws4_request'."));
    }
    let day = claim.date.get(..8).unwrap_or_default();
    if scope.date != day {
        return Err(Refusal::signature(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date \
             from HTTP: '{}' != '{day}', from '{}'.",
            scope.date, claim.date
        )));
    }
    Ok(())
}

fn check_date(text: &str, now: Timestamp) -> Result<(), Refusal> {
    let date = date::parse(text).ok_or_else(|| {
        Refusal::incomplete(format!(
            "Date must be in ISO-8601 'basic format'. Got '{text}'. See \
             http://en.wikipedia.org/wiki/ISO_8601"
        ))
    })?;
    let seconds = now.as_second() - date.as_second();
    if seconds > limits::SIGNATURE_AGE {
        let oldest = now - SignedDuration::from_secs(limits::SIGNATURE_AGE);
        return Err(Refusal::signature(format!(
            "Signature expired: {text} is now earlier than {} ({} - {} min.)",
            date::basic(oldest),
            date::basic(now),
            limits::SIGNATURE_AGE / 60
        )));
    }
    if seconds < -limits::SIGNATURE_AHEAD {
        let latest = now + SignedDuration::from_secs(limits::SIGNATURE_AHEAD);
        return Err(Refusal::signature(format!(
            "Signature not yet current: {text} is still later than {} ({} + {} min.)",
            date::basic(latest),
            date::basic(now),
            limits::SIGNATURE_AHEAD / 60
        )));
    }
    Ok(())
}

fn string_to_sign(claim: &Claim<'_>, canonical_request: &[u8]) -> Vec<u8> {
    let scope = &claim.scope;
    let mut text = Vec::with_capacity(192);
    for part in [
        ALGORITHM,
        "\n",
        claim.date,
        "\n",
        scope.date,
        "/",
        scope.region,
        "/",
        scope.service,
        "/",
        scope.terminator,
        "\n",
    ] {
        text.extend_from_slice(part.as_bytes());
    }
    text.extend_from_slice(&hex(&sha256(canonical_request)));
    text
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// HMAC with a key of any length: RFC 2104 hashes one that is longer than a block.
fn hmac(key: &[u8], message: &[u8]) -> Hmac<Sha256> {
    let mut block = [0_u8; 64];
    let hashed;
    let key = if key.len() > block.len() {
        hashed = sha256(key);
        &hashed
    } else {
        key
    };
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    let mut mac = Hmac::new(&block.into());
    mac.update(message);
    mac
}

/// Lower-case hexadecimal digits, the form AWS hashes.
fn hex(hash: &[u8; 32]) -> [u8; 64] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [b'0'; 64];
    for (pair, byte) in text.chunks_exact_mut(2).zip(hash) {
        for (to, digit) in pair.iter_mut().zip([byte >> 4, byte & 15]) {
            *to = DIGITS.get(usize::from(digit)).copied().unwrap_or_default();
        }
    }
    text
}

/// Reads 64 lower-case hexadecimal digits.
fn from_hex(text: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    if text.len() != 64 || text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    for (to, pair) in hash.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let pair = str::from_utf8(pair).ok()?;
        if pair.starts_with('+') {
            return None;
        }
        *to = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests;
