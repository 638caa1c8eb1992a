//! The query API of STS: which action is meant, who asks, and the answer.

mod assume_role;
mod render;

use std::sync::Arc;

use hyper::StatusCode;
use jiff::Timestamp;

use crate::keys::{CannotIssue, Credentials, Keys, KnownKey};
use crate::parameters::Parameters;
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::settings::{Role, WebIdentity};
use crate::sigv4::{self, Claim, Received, Region};

pub(crate) use assume_role::{session_principal, trusts};
use render::Value;
pub(crate) use render::{Format, iso};

/// The only version of the API there is.
const VERSION: &str = "2011-06-15";

/// What STS needs to know to answer.
pub(crate) struct Sts<'a> {
    pub(crate) keys: &'a Keys,
    pub(crate) roles: &'a [Role],
    pub(crate) web_identities: &'a [WebIdentity],
    pub(crate) now: Timestamp,
}

/// One request to STS.
pub(crate) struct Asked<'a> {
    pub(crate) received: Received<'a>,
    /// The parameters of query and form.
    pub(crate) form: &'a Parameters<'a>,
    pub(crate) claim: &'a Result<Option<Claim<'a>>, Refusal>,
    pub(crate) region: Region<'a>,
}

/// The members of a result, in the order they are written.
type Members = Vec<(&'static str, Value)>;

impl Sts<'_> {
    /// Answers a request in the format it asked for.
    pub(crate) fn answer(&self, asked: &Asked<'_>, format: Format, request_id: &str) -> (Reply, Option<&'static str>) {
        match self.result(asked) {
            Ok((action, members)) => (format.success(action, &members, request_id), None),
            Err(refusal) => (format.refusal(&refusal, request_id), Some(refusal.code)),
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
                Ok(("AssumeRole", self.assume_role(asked.form, &caller)?))
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
        let claim = asked.claim.as_ref().map_err(Refusal::clone)?;
        let claim = claim.as_ref().ok_or_else(Refusal::unsigned)?;
        sigv4::verify(&asked.received, claim, sigv4::STS, asked.region, self.now, self.keys)
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
