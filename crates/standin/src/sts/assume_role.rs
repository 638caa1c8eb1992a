//! `AssumeRole` and `AssumeRoleWithWebIdentity`: credentials for a session of a role.

use hyper::{HeaderMap, StatusCode};
use jiff::SignedDuration;

use super::{Asked, Members, Sts, credentials};
use crate::arns::{self, RoleArn};
use crate::keys::{Credentials, KnownKey};
use crate::parameters::Parameters;
use crate::refusal::Refusal;
use crate::render::Value;
use crate::settings::{Principal, Role, Trust, WebIdentity};

/// Seconds; "DurationSeconds" in the API reference of `AssumeRole`.
const SHORTEST_SESSION: i64 = 900;
const LONGEST_SESSION: i64 = 43_200;
const DEFAULT_SESSION: i64 = 3600;

/// A session that takes another role has it for an hour at most (role chaining).
const LONGEST_CHAINED_SESSION: i64 = 3600;

impl Sts<'_> {
    pub(super) fn assume_role(&self, asked: &Asked<'_>, caller: &KnownKey) -> Result<Members, Refusal> {
        let form = asked.form;
        let (role_arn, session_name) = (required(form, "RoleArn")?, session_name(form)?);
        let seconds = duration(form)?;
        let denied = || {
            Refusal::denied(format!(
                "User: {} is not authorized to perform: sts:AssumeRole on resource: {role_arn}",
                caller.principal.arn
            ))
        };
        // A role that does not exist and one that is closed look alike.
        let role = self.role(role_arn).ok_or_else(denied)?;
        if !trusts(&role.trust, caller) {
            return Err(denied());
        }
        if role.external_id.is_some() && role.external_id.as_deref() != form.first("ExternalId") {
            return Err(denied());
        }
        if role.source_arn.as_ref().is_some_and(|arn| !is_on_behalf_of(asked.received.headers, arn)) {
            return Err(denied());
        }
        check_mfa(role, form, denied)?;
        if caller.role_arn.is_some() && seconds > LONGEST_CHAINED_SESSION {
            return Err(Refusal::validation(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles \
                 assumed by role chaining.",
            ));
        }
        let session = self.session(role, session_name, seconds)?;
        Ok(vec![("AssumedRoleUser", session.user), ("Credentials", credentials(session.credentials))])
    }

    pub(super) fn assume_role_with_web_identity(&self, form: &Parameters<'_>) -> Result<Members, Refusal> {
        let (role_arn, session_name) = (required(form, "RoleArn")?, session_name(form)?);
        let token = required(form, "WebIdentityToken")?;
        let seconds = duration(form)?;
        let known: Vec<&WebIdentity> = self.web_identities.iter().filter(|identity| identity.token == token).collect();
        if known.is_empty() {
            return Err(Refusal::new(
                StatusCode::BAD_REQUEST,
                "InvalidIdentityToken",
                "No OpenIDConnect provider found in your account for the token given",
            ));
        }
        let denied = || Refusal::denied("Not authorized to perform sts:AssumeRoleWithWebIdentity");
        let identity = known.into_iter().find(|identity| identity.role_arn == role_arn).ok_or_else(denied)?;
        let role = self.role(role_arn).ok_or_else(denied)?;
        let session = self.session(role, session_name, seconds)?;
        Ok(vec![
            ("SubjectFromWebIdentityToken", Value::Text(identity.subject.clone())),
            ("Audience", Value::Text(identity.audience.clone())),
            ("AssumedRoleUser", session.user),
            ("Credentials", credentials(session.credentials)),
            ("Provider", Value::Text(identity.provider.clone())),
        ])
    }

    fn role(&self, arn: &str) -> Option<&Role> {
        self.roles.iter().find(|role| role.arn == arn)
    }

    fn session(&self, role: &Role, name: &str, seconds: i64) -> Result<Session, Refusal> {
        if seconds > role.max_session_seconds {
            return Err(Refusal::validation(
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            ));
        }
        let principal =
            session_principal(role, name).ok_or_else(|| Refusal::validation(format!("{} is invalid", role.arn)))?;
        let user = Value::Group(vec![
            ("AssumedRoleId", Value::Text(principal.user_id.clone())),
            ("Arn", Value::Text(principal.arn.clone())),
        ]);
        let expires = self.now + SignedDuration::from_secs(seconds);
        let credentials = self.keys.issue(principal, &role.arn, self.now, expires)?;
        Ok(Session { user, credentials })
    }
}

struct Session {
    user: Value,
    credentials: Credentials,
}

/// Who a session of a role is.
pub(crate) fn session_principal(role: &Role, session_name: &str) -> Option<Principal> {
    let arn = RoleArn::parse(&role.arn)?;
    Some(Principal {
        arn: arn.session(session_name),
        account: arn.account.to_owned(),
        user_id: format!("{}:{session_name}", role.role_id),
    })
}

/// True if the caller is among those.
pub(crate) fn trusts(trust: &Trust, caller: &KnownKey) -> bool {
    let Trust::Principals(trusted) = trust else {
        return true;
    };
    trusted.iter().any(|arn| {
        *arn == caller.principal.arn
            || Some(arn) == caller.role_arn.as_ref()
            || (arn.ends_with(":root") && arns::account(arn) == Some(&caller.principal.account))
    })
}

/// True if the request names a resource, and its account, for whose sake the role is taken.
fn is_on_behalf_of(headers: &HeaderMap, arn: &str) -> bool {
    let is = |name: &str, wanted: &str| headers.get(name).is_some_and(|value| value.as_bytes() == wanted.as_bytes());
    is("x-amz-source-arn", arn) && arns::account(arn).is_some_and(|account| is("x-amz-source-account", account))
}

fn check_mfa(role: &Role, form: &Parameters<'_>, denied: impl Fn() -> Refusal) -> Result<(), Refusal> {
    match (&role.mfa, form.first("SerialNumber"), form.first("TokenCode")) {
        (None, None, None) => Ok(()),
        (Some(_), None, None) => Err(denied()),
        (Some(mfa), Some(serial), Some(code)) if mfa.serial == serial && mfa.code == code => Ok(()),
        (_, Some(_), Some(_)) => {
            Err(Refusal::denied("MultiFactorAuthentication failed with invalid MFA one time pass code. "))
        }
        _ => Err(Refusal::denied(
            "MultiFactorAuthentication failed, must provide both MFA serial number and one time \
             pass code. ",
        )),
    }
}

fn required<'a>(form: &'a Parameters<'_>, name: &str) -> Result<&'a str, Refusal> {
    form.first(name).ok_or_else(|| {
        let mut member = name.chars();
        let lower = member.next().map(|first| first.to_ascii_lowercase());
        let member: String = lower.into_iter().chain(member).collect();
        Refusal::validation(format!(
            "1 validation error detected: Value at '{member}' failed to satisfy constraint: \
             Member must not be null"
        ))
    })
}

/// 2 to 64 characters of `[\w+=,.@-]`.
fn session_name<'a>(form: &'a Parameters<'_>) -> Result<&'a str, Refusal> {
    let name = required(form, "RoleSessionName")?;
    let constraint = if name.len() < 2 {
        "Member must have length greater than or equal to 2"
    } else if name.len() > 64 {
        "Member must have length less than or equal to 64"
    } else if !name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'+' | b'=' | b',' | b'.' | b'@' | b'-'))
    {
        "Member must satisfy regular expression pattern: [\\w+=,.@-]*"
    } else {
        return Ok(name);
    };
    Err(Refusal::validation(format!(
        "1 validation error detected: Value '{name}' at 'roleSessionName' failed to satisfy \
         constraint: {constraint}"
    )))
}

fn duration(form: &Parameters<'_>) -> Result<i64, Refusal> {
    let Some(text) = form.first("DurationSeconds") else {
        return Ok(DEFAULT_SESSION);
    };
    let constraint = match text.parse::<i64>() {
        Ok(seconds) if seconds < SHORTEST_SESSION => {
            format!("Member must have value greater than or equal to {SHORTEST_SESSION}")
        }
        Ok(seconds) if seconds > LONGEST_SESSION => {
            format!("Member must have value less than or equal to {LONGEST_SESSION}")
        }
        Ok(seconds) => return Ok(seconds),
        Err(_) => {
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "MalformedInput", "DurationSeconds is no number"));
        }
    };
    Err(Refusal::validation(format!(
        "1 validation error detected: Value '{text}' at 'durationSeconds' failed to satisfy \
         constraint: {constraint}"
    )))
}
