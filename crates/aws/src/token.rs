//! All of `kube-iam token` that is not command line.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use kube_iam_core::ids::ClusterId;
use kube_iam_core::limits::TOKEN_BYTES;
use kube_iam_core::secret::Token;

use crate::cache::{self, Cache, CacheProblem};
use crate::calls::{Calls, ROLE_SESSION_SECONDS, RoleRequest, ends_within};
use crate::chain::{self, Chain, Found, LAST_REGION, of_environment};
use crate::config::Config;
use crate::credentials::{Credentials, Origin};
use crate::environment::Environment;
use crate::error::CredentialError;
use crate::identity::Identity;
use crate::mfa::MfaPrompt;
use crate::presign::{Target, presign};

/// How long kubectl may use a token: a minute less than STS honours it, as in the Go client.
const TOKEN_TIME: SignedDuration = SignedDuration::from_mins(14);

/// How long before the end of the credentials a token of theirs ends.
const MARGIN: SignedDuration = SignedDuration::from_secs(60);

/// Credentials that end sooner are fetched anew before signing, where that is possible.
const FRESH: SignedDuration = SignedDuration::from_mins(2);

/// What a token is wanted for.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// The cluster that the token is for.
    pub cluster_id: ClusterId,
    /// Region whose STS is used; found by [`mint`] if not set.
    pub region: Option<String>,
    /// Role to assume before signing.
    pub role: Option<String>,
    /// External ID for that role.
    pub external_id: Option<String>,
    /// Name of the session of that role; generated if not set.
    pub session_name: Option<String>,
    /// Name that session after the caller's own.
    pub forward_session_name: bool,
    /// Keep the source credentials in the cache file.
    pub cache: bool,
}

/// A token, and what there is to say about it.
#[derive(Debug)]
pub struct Minted {
    /// The token.
    pub token: Token,
    /// Until when it may be used.
    pub expires: Timestamp,
    /// What the caller should tell.
    pub warnings: Vec<Warning>,
}

/// Something that went otherwise than asked, and did not keep the token from being made.
#[derive(Debug)]
pub enum Warning {
    /// No region was found anywhere.
    LastRegion,
    /// The cache file was not used.
    Cache(CacheProblem),
    /// Credentials without an end are not cached.
    NotCacheable,
}

impl fmt::Display for Warning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LastRegion => {
                write!(formatter, "no AWS region is configured, {LAST_REGION} is used; set `AWS_REGION`")
            }
            Self::Cache(problem) => write!(formatter, "the credential cache is not used: {problem}"),
            Self::NotCacheable => formatter.write_str("these credentials don't expire, so they are not cached"),
        }
    }
}

/// Makes a token.
///
/// With keys in the environment and a region that is known nothing is asked over the network.
///
/// # Errors
///
/// When there are no credentials, or they can't be used: [`CredentialError::hint`] says what to do.
pub async fn mint(
    request: &TokenRequest,
    environment: &Environment,
    now: Timestamp,
    prompt: &dyn MfaPrompt,
) -> Result<Minted, CredentialError> {
    let config = Config::load(environment).await?;
    let mut warnings = Vec::new();
    let region = chain::region(request.region.as_deref(), &config).await.unwrap_or_else(|| {
        warnings.push(Warning::LastRegion);
        LAST_REGION.to_owned()
    });
    let calls = Calls::new(&config, &region);
    let chain = Chain { config: &config, calls: &calls, prompt, now };
    let base = base(request, &chain, &mut warnings).await?;
    let found = match &request.role {
        None => base,
        Some(role) => assume(request, role, &calls, &base, now).await?,
    };
    sign(&request.cluster_id, &config, &region, &found, now).map(|(token, expires)| Minted { token, expires, warnings })
}

/// The source credentials, from the cache file if that is asked for and possible.
///
/// Keys of the environment are somebody's express wish at this moment: no cached entry ever takes their place.
async fn base(
    request: &TokenRequest,
    chain: &Chain<'_>,
    warnings: &mut Vec<Warning>,
) -> Result<Found, CredentialError> {
    if !request.cache {
        return fresh(chain).await;
    }
    if let Some(found) = of_environment(chain.config) {
        warnings.push(Warning::NotCacheable);
        return Ok(found);
    }
    let key = cache::Key {
        cluster: request.cluster_id.as_str().to_owned(),
        profile: chain.config.profile_name().to_owned(),
        role: request.role.clone().unwrap_or_default(),
    };
    let cache = match Cache::of(chain.config.environment()) {
        Ok(cache) => cache,
        Err(problem) => {
            warnings.push(Warning::Cache(problem));
            return fresh(chain).await;
        }
    };
    let identity = Identity::of(chain.config);
    match cache.read(&key, &identity).await {
        Ok(Some(credentials)) if !ends_within(&credentials, FRESH, chain.now) => {
            return Ok(Found { credentials, origin: identity.origin });
        }
        Ok(_) => {}
        Err(problem) => {
            warnings.push(Warning::Cache(problem));
            return fresh(chain).await;
        }
    }
    let found = fresh(chain).await?;
    match found.credentials.expires {
        None => warnings.push(Warning::NotCacheable),
        Some(_) => warnings.extend(cache.write(&key, &identity, &found.credentials).await.err().map(Warning::Cache)),
    }
    Ok(found)
}

/// The source credentials from their source. What is about to end is asked for once more: a `credential_process` or a container may
/// have handed out the last minutes of an old session.
pub(crate) async fn fresh(chain: &Chain<'_>) -> Result<Found, CredentialError> {
    let found = chain.find().await?;
    if found.origin != Origin::Environment && ends_within(&found.credentials, FRESH, chain.now) {
        return chain.find().await;
    }
    Ok(found)
}

/// The session of the role given with `--role`.
async fn assume(
    request: &TokenRequest,
    role: &str,
    calls: &Calls,
    base: &Found,
    now: Timestamp,
) -> Result<Found, CredentialError> {
    if ends_within(&base.credentials, SignedDuration::ZERO, now) {
        return Err(CredentialError::Expired { origin: base.origin.clone(), at: base.credentials.expires });
    }
    let session_name = match request.forward_session_name {
        true => Some(forwarded(calls.caller(&base.credentials, &base.origin).await?.user_id)?),
        false => request.session_name.clone(),
    };
    let asked = RoleRequest {
        role: role.to_owned(),
        session_name,
        external_id: request.external_id.clone(),
        duration_seconds: Some(ROLE_SESSION_SECONDS),
        mfa: None,
        on_behalf_of: None,
    };
    let credentials = calls.assume_role(&base.credentials, &base.origin, &asked, now).await?;
    Ok(Found { credentials, origin: Origin::Role(role.to_owned()) })
}

/// The session name in a `UserId` of exactly two parts.
fn forwarded(user_id: String) -> Result<String, CredentialError> {
    match user_id.split(':').collect::<Vec<_>>().as_slice() {
        [_, session] if !session.is_empty() => Ok((*session).to_owned()),
        _ => Err(CredentialError::NoSessionName { user_id }),
    }
}

/// The token, and its end: 14 minutes from now, or a minute before the credentials end.
pub(crate) fn sign(
    cluster_id: &ClusterId,
    config: &Config<'_>,
    region: &str,
    found: &Found,
    now: Timestamp,
) -> Result<(Token, Timestamp), CredentialError> {
    let Found { credentials, origin } = found;
    if ends_within(credentials, MARGIN, now) {
        return Err(CredentialError::Expired { origin: origin.clone(), at: credentials.expires });
    }
    let target = match config.endpoint_url("sts") {
        Some(url) => Target::configured(&url, region)?,
        None => Target::regional(region, config.endpoint_form())?,
    };
    let token = presign(credentials, &target, cluster_id, now)?;
    let length = token.expose().len();
    if length > TOKEN_BYTES {
        return Err(CredentialError::TooLong { length });
    }
    Ok((token, end(credentials, now)))
}

fn end(credentials: &Credentials, now: Timestamp) -> Timestamp {
    let latest = now + TOKEN_TIME;
    credentials.expires.map_or(latest, |expires| latest.min(expires - MARGIN))
}

#[cfg(test)]
mod tests {
    use kube_iam_core::secret::Secret;

    use super::*;

    fn credentials(minutes: Option<i64>, now: Timestamp) -> Credentials {
        Credentials {
            access_key_id: "ASIAEXAMPLE".to_owned(),
            secret_access_key: Secret::new("secret"),
            session_token: None,
            expires: minutes.map(|minutes| now + SignedDuration::from_mins(minutes)),
        }
    }

    #[test]
    fn a_token_ends_before_its_credentials() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let minutes = |left| end(&credentials(left, now), now).duration_since(now).as_secs() / 60;
        assert_eq!((minutes(None), minutes(Some(60)), minutes(Some(15)), minutes(Some(3))), (14, 14, 14, 2));
    }

    #[test]
    fn a_session_name_is_forwarded_from_two_parts_only() {
        assert_eq!(forwarded("AROAX:alice".to_owned()).unwrap(), "alice");
        for other in ["AIDAX", "AROAX:", "a:b:c", ""] {
            assert!(matches!(forwarded(other.to_owned()), Err(CredentialError::NoSessionName { .. })), "{other}");
        }
    }
}
