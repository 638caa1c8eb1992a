//! What is known about a token, for people and for programs.

use kube_iam_core::identity::Identity;
use kube_iam_core::mapping::Resolution;
use kube_iam_core::reason::Reason;
use kube_iam_core::sts::StsRequest;
use kube_iam_core::user_info::{UserError, UserInfo};
use serde::Serialize;

use crate::args::VerifyOutput;

/// What is known about a token. The first seven keys are those of the Go
/// authenticator's `verify -o json`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Verdict {
    #[serde(rename = "ARN")]
    arn: Option<String>,
    #[serde(rename = "CanonicalARN")]
    canonical_arn: Option<String>,
    #[serde(rename = "AccountID")]
    account_id: Option<String>,
    #[serde(rename = "UserID")]
    user_id: Option<String>,
    session_name: Option<String>,
    #[serde(rename = "AccessKeyID")]
    access_key_id: String,
    #[serde(rename = "STSEndpoint")]
    sts_endpoint: String,
    verified: bool,
    signed_at: String,
    expires_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    mapping: Option<Mapped>,
}

/// What the mappings make of an identity.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Mapped {
    why: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<UserInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip)]
    refusal: Option<Reason>,
}

impl Mapped {
    /// What a search ended with, and the user that came of it.
    pub fn new(resolution: Resolution<'_>, user: Result<UserInfo, UserError>) -> Self {
        let found = match resolution {
            Resolution::NotMapped => "no mapping matches".to_string(),
            Resolution::AccountAllowed { backend } => format!("{backend}, `mapAccounts` lists the whole account"),
            Resolution::Mapped { backend, mapping } => {
                format!("{backend}, `{}`, {}: {}", mapping.section, mapping.mark, mapping.principal)
            }
        };
        match user {
            Ok(user) => Self { why: found, user: Some(user), reason: None, refusal: None },
            Err(error) => {
                let reason = Reason::from(&error);
                let why = if error == UserError::NotMapped { found } else { format!("{found}; but {error}") };
                Self { why, user: None, reason: Some(reason.as_str()), refusal: Some(reason) }
            }
        }
    }
}

impl Verdict {
    /// What a token says about itself; nothing of it is proven.
    pub fn decoded(request: &StsRequest) -> Self {
        Self {
            arn: None,
            canonical_arn: None,
            account_id: None,
            user_id: None,
            session_name: None,
            access_key_id: request.access_key_id().to_string(),
            sts_endpoint: request.host().name().to_string(),
            verified: false,
            signed_at: request.signed_at().to_string(),
            expires_at: request.expires_at().to_string(),
            mapping: None,
        }
    }

    /// What STS has proven, and what it means here.
    pub fn verified(request: &StsRequest, identity: &Identity, mapping: Option<Mapped>) -> Self {
        Self {
            arn: Some(identity.arn.to_string()),
            canonical_arn: Some(identity.canonical.to_string()),
            account_id: Some(identity.account.to_string()),
            user_id: Some(identity.user_id.to_string()),
            session_name: Some(identity.session_name.to_string()),
            verified: true,
            mapping,
            ..Self::decoded(request)
        }
    }

    /// Why nobody is let in, if that is so.
    pub fn refusal(&self) -> Option<Reason> {
        self.mapping.as_ref()?.refusal
    }

    /// The verdict as a text with a line end.
    pub fn print(&self, form: VerifyOutput) -> String {
        match form {
            VerifyOutput::Json => serde_json::to_string_pretty(self).map(|text| text + "\n").unwrap_or_default(),
            VerifyOutput::Text => self.lines(),
        }
    }

    fn lines(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: Option<&str>| {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                text.push_str(&format!("{name:<14}{value}\n"));
            }
        };
        line("identity", self.arn.as_deref());
        line("canonical ARN", self.canonical_arn.as_deref());
        line("account", self.account_id.as_deref());
        line("user ID", self.user_id.as_deref());
        line("session", self.session_name.as_deref());
        line("access key", Some(&self.access_key_id));
        line("STS endpoint", Some(&self.sts_endpoint));
        line("signed at", Some(&self.signed_at));
        line("good until", Some(&self.expires_at));
        line("verified", Some(if self.verified { "yes, by STS" } else { "no, only decoded: anybody can write this" }));
        if let Some(mapping) = &self.mapping {
            line("mapping", Some(&mapping.why));
            line("reason", mapping.reason);
            if let Some(user) = &mapping.user {
                line("username", Some(&user.username));
                line("groups", Some(&user.groups.join(", ")));
            }
        }
        text
    }
}
