//! The query API of STS: which action is meant, who asks, and the answer.

mod assume_role;

use std::sync::Arc;

use hyper::StatusCode;
use jiff::Timestamp;

use crate::keys::{CannotIssue, Credentials, Keys, KnownKey};
use crate::parameters::Parameters;
use crate::refusal::Refusal;
use crate::render::{Format, Value};
use crate::reply::Reply;
use crate::settings::{Role, WebIdentity};
use crate::sigv4::{self, Claim, Received, Region};

pub(crate) use assume_role::{session_principal, trusts};

/// The only version of the API there is.
const VERSION: &str = "2011-06-15";

/// The XML namespace of its replies.
pub(crate) const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// What STS needs to know to answer.
pub(crate) struct Sts<'a> {
    pub(crate) keys: &'a Keys,
    pub(crate) roles: &'a [Role],
    pub(crate) web_identities: &'a [WebIdentity],
    pub(crate) now: Timestamp,
}

/// One request to a service that speaks the query protocol.
pub(crate) struct Asked<'a> {
    pub(crate) received: Received<'a>,
    /// The parameters of query and form.
    pub(crate) form: &'a Parameters<'a>,
    pub(crate) claim: &'a Result<Option<Claim<'a>>, Refusal>,
    pub(crate) region: Region<'a>,
}

impl<'a> Asked<'a> {
    /// Who signed it for this service, and where.
    pub(crate) fn caller(&self, service: &'static str, now: Timestamp, keys: &Keys) -> Result<Arc<KnownKey>, Refusal> {
        sigv4::verify(&self.received, self.signature()?, service, self.region, now, keys)
    }

    /// The region: a loopback address leaves it to the signature.
    pub(crate) fn region(&self) -> Result<&'a str, Refusal> {
        match self.region {
            Some(region) => Ok(region),
            None => Ok(self.signature()?.scope.region),
        }
    }

    /// Which of these actions is asked for.
    pub(crate) fn check_action(&self, actions: &[&'static str], version: &str) -> Result<&'static str, Refusal> {
        let action = self.form.first("Action").unwrap_or_default();
        let asked = self.form.first("Version").unwrap_or("NO_VERSION_SPECIFIED");
        let known = actions.iter().find(|known| **known == action).filter(|_| asked == version);
        known.copied().ok_or_else(|| {
            let message = format!("Could not find operation {action} for version {asked}");
            Refusal::new(StatusCode::BAD_REQUEST, "InvalidAction", message)
        })
    }

    fn signature(&self) -> Result<&'a Claim<'a>, Refusal> {
        let claim = self.claim.as_ref().map_err(Refusal::clone)?;
        claim.as_ref().ok_or_else(Refusal::unsigned)
    }
}

/// The members of a result, in the order they are written.
pub(crate) type Members = Vec<(&'static str, Value)>;

impl Sts<'_> {
    /// Answers a request in the format it asked for.
    pub(crate) fn answer(&self, asked: &Asked<'_>, format: Format, request_id: &str) -> (Reply, Option<&'static str>) {
        match self.result(asked) {
            Ok((action, members)) => (format.success(NAMESPACE, action, &members, request_id), None),
            Err(refusal) => (format.refusal(NAMESPACE, &refusal, request_id), Some(refusal.code)),
        }
    }

    fn result(&self, asked: &Asked<'_>) -> Result<(&'static str, Members), Refusal> {
        let action = asked.form.first("Action").unwrap_or_default();
        let version = asked.form.first("Version");
        match (action, version) {
            ("GetCallerIdentity", Some(VERSION)) => {
                let caller = self.caller(asked)?;
                Ok(("GetCallerIdentity", identity(&caller)))
            }
            ("AssumeRole", Some(VERSION)) => {
                let caller = self.caller(asked)?;
                Ok(("AssumeRole", self.assume_role(asked, &caller)?))
            }
            ("AssumeRoleWithWebIdentity", Some(VERSION)) => {
                Ok(("AssumeRoleWithWebIdentity", self.assume_role_with_web_identity(asked.form)?))
            }
            _ => Err(Refusal::new(
                StatusCode::BAD_REQUEST,
                "InvalidAction",
                format!("Could not find operation {action} for version {}", version.unwrap_or("NO_VERSION_SPECIFIED")),
            )),
        }
    }

    fn caller(&self, asked: &Asked<'_>) -> Result<Arc<KnownKey>, Refusal> {
        asked.caller(sigv4::STS, self.now, self.keys)
    }
}

impl From<CannotIssue> for Refusal {
    fn from(reason: CannotIssue) -> Self {
        match reason {
            CannotIssue::NoRandomness => Self::failure(StatusCode::INTERNAL_SERVER_ERROR),
            CannotIssue::TooMany => Self::throttled(),
        }
    }
}

fn identity(caller: &KnownKey) -> Members {
    let principal = &caller.principal;
    vec![
        ("Arn", Value::Text(principal.arn.clone())),
        ("UserId", Value::Text(principal.user_id.clone())),
        ("Account", Value::Text(principal.account.clone())),
    ]
}

fn credentials(credentials: Credentials) -> Value {
    Value::Group(vec![
        ("AccessKeyId", Value::Text(credentials.access_key_id)),
        ("SecretAccessKey", Value::Text(credentials.secret_access_key)),
        ("SessionToken", Value::Text(credentials.session_token)),
        ("Expiration", Value::Time(credentials.expires)),
    ])
}
