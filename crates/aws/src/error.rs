//! Why there is no token, and the command that helps.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::credentials::Origin;
use crate::http::ProxyError;
use crate::mfa::NobodyToAsk;
use crate::presign::{PresignError, TargetError};
use crate::process::ProcessError;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why no token could be made. `Display` says what, `source()` why, [`hint`](Self::hint) what to do.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// Nothing is configured anywhere.
    #[error(
        "found no AWS credentials: none in the environment, profile `{profile}` has none, and neither a container nor instance \
         metadata gave any"
    )]
    None {
        /// The selected profile.
        profile: String,
        /// All profiles there are.
        known: Vec<String>,
        /// What instance metadata said.
        source: Option<BoxError>,
    },
    /// `AWS_PROFILE` or a `source_profile` names a profile that does not exist.
    #[error("there is no AWS profile `{profile}`")]
    UnknownProfile {
        /// The name.
        profile: String,
        /// All profiles there are.
        known: Vec<String>,
    },
    /// The shared configuration can't be parsed.
    #[error("could not read the AWS configuration")]
    Config(#[source] BoxError),
    /// A setting that is on or off is neither.
    #[error("`{name}` must be `true` or `false`")]
    Switch {
        /// The environment variable or the key of the profile.
        name: &'static str,
    },
    /// Only one half of a key stands in the environment, and nothing else has credentials.
    #[error("found no AWS credentials: `{missing}` is missing in the environment beside the other half of the key")]
    HalfKey {
        /// The variable that is not set.
        missing: &'static str,
    },
    /// No server takes a token of this length.
    #[error(
        "the token would be {length} bytes long, and no server accepts more than {}",
        kube_iam_core::limits::TOKEN_BYTES
    )]
    TooLong {
        /// Its length.
        length: usize,
    },
    /// A profile contradicts itself or lacks something.
    #[error("AWS profile `{profile}` is not usable: {problem}")]
    Profile {
        /// The profile.
        profile: String,
        /// What is wrong with it.
        problem: String,
    },
    /// `source_profile` leads back.
    #[error("the `source_profile` chain of AWS profiles does not end: {}", .profiles.join(" → "))]
    ProfileLoop {
        /// The profiles in the order met.
        profiles: Vec<String>,
    },
    /// The SSO session has ended or was never begun.
    #[error("the SSO session of AWS profile `{profile}` has expired or does not exist")]
    SsoSession {
        /// The profile.
        profile: String,
        /// What was found.
        source: BoxError,
    },
    /// The SSO session is good but gives no such role.
    #[error("SSO gives you no role `{role}` in account `{account}` (AWS profile `{profile}`)")]
    SsoRole {
        /// The profile.
        profile: String,
        /// `sso_role_name`.
        role: String,
        /// `sso_account_id`.
        account: String,
    },
    /// A region is needed and configured nowhere.
    #[error("found no AWS region: none in the environment, and profile `{profile}` has none")]
    NoRegion {
        /// The selected profile.
        profile: String,
    },
    /// The credentials have ended, or are about to.
    #[error("the credentials from {origin} have expired, or do within a minute{}", .at.map(|at| format!(" (valid until {at})")).unwrap_or_default())]
    Expired {
        /// Whose they are.
        origin: Origin,
        /// Their end, if known.
        at: Option<Timestamp>,
    },
    /// AWS does not know the access key, or the secret does not fit it.
    #[error("AWS does not accept the access key `{access_key_id}` from {origin}")]
    KeyRejected {
        /// Whose it is.
        origin: Origin,
        /// The public half of the key.
        access_key_id: String,
        /// What AWS said.
        source: BoxError,
    },
    /// A code is needed and nobody can be asked.
    #[error("AWS profile `{profile}` needs a code of the MFA device `{serial}`")]
    MfaNeeded {
        /// The profile.
        profile: String,
        /// `mfa_serial`.
        serial: String,
        /// Why nobody was asked.
        source: NobodyToAsk,
    },
    /// The code was wrong.
    #[error("AWS did not accept the code of the MFA device `{serial}` (AWS profile `{profile}`)")]
    MfaRejected {
        /// The profile.
        profile: String,
        /// `mfa_serial`.
        serial: String,
    },
    /// The role's trust policy or the caller's rights say no.
    #[error("{} may not assume role `{role}`", .caller.as_ref().map_or_else(|| "the caller".to_owned(), |caller| format!("`{caller}`")))]
    AssumeRoleDenied {
        /// The role's ARN.
        role: String,
        /// The caller's ARN, if AWS told it.
        caller: Option<String>,
        /// What AWS said.
        source: BoxError,
    },
    /// `credential_process` did not give credentials.
    #[error("the `credential_process` of AWS profile `{profile}` gave no credentials")]
    Process {
        /// The profile.
        profile: String,
        /// Why.
        source: ProcessError,
    },
    /// The web identity token can't be read.
    #[error("could not read the web identity token `{}`", path.display())]
    WebIdentityToken {
        /// The file named by `AWS_WEB_IDENTITY_TOKEN_FILE` or `web_identity_token_file`.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The container's endpoint gave none.
    #[error("the container credentials endpoint gave no credentials")]
    Container(#[source] BoxError),
    /// Instance metadata gave none, though the profile relies on it.
    #[error("instance metadata gave no credentials")]
    Metadata(#[source] BoxError),
    /// A call to AWS failed otherwise.
    #[error("the AWS call `{action}` failed")]
    Call {
        /// The action, such as `AssumeRole`.
        action: &'static str,
        /// Whether no connection could be made that is trusted.
        trouble: Trouble,
        /// Why.
        source: BoxError,
    },
    /// The session name to forward is missing.
    #[error("the caller `{user_id}` has no session name to forward")]
    NoSessionName {
        /// The caller's user ID as STS gave it.
        user_id: String,
    },
    /// The region or the configured endpoint is unusable.
    #[error("could not tell which STS endpoint to use")]
    Target(#[from] TargetError),
    /// The proxy is unusable.
    #[error("the proxy is not usable")]
    Proxy(#[from] ProxyError),
    /// Signing failed.
    #[error("could not make a token")]
    Presign(#[from] PresignError),
}

/// What kept a call to AWS from being answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// AWS answered, with an error.
    Answer,
    /// AWS could not be reached.
    Network,
    /// Whoever answered is not trusted.
    Certificate,
}

impl CredentialError {
    /// What to do about it: one line, with the command to run where there is one.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::None { known, .. } | Self::UnknownProfile { known, .. } if has_named(known) => {
                format!("choose a profile with `export AWS_PROFILE={}` (there are: {})", named(known), known.join(", "))
            }
            Self::None { .. } => "run `aws configure sso` or `aws configure`, or export `AWS_ACCESS_KEY_ID` and \
                                  `AWS_SECRET_ACCESS_KEY`"
                .to_owned(),
            Self::UnknownProfile { profile, .. } => format!("run `aws configure --profile {profile}`"),
            Self::SsoSession { profile, .. } => format!("run `aws sso login{}`", profile_flag(profile)),
            Self::SsoRole { profile, .. } => {
                format!("see what you have been given: run `aws configure sso{}`", profile_flag(profile))
            }
            Self::NoRegion { .. } => "name the region of the cluster with `--region`, or export `AWS_REGION`".to_owned(),
            Self::Expired { origin, .. } => renewal(origin),
            Self::KeyRejected { origin: Origin::Profile(profile), .. } => {
                format!("try `aws sts get-caller-identity{}`", profile_flag(profile))
            }
            Self::KeyRejected { .. } => "try `aws sts get-caller-identity`".to_owned(),
            Self::MfaNeeded { .. } => {
                "run the command once in a terminal, with `--cache` so that the session is kept for the next ones".to_owned()
            }
            Self::MfaRejected { .. } => {
                "wait for the next code and run the command again; each code is accepted once".to_owned()
            }
            Self::AssumeRoleDenied { role, .. } => format!(
                "both the role's trust policy and the caller's own policy must allow it; \
                 try `aws sts assume-role --role-session-name test --role-arn {role}`"
            ),
            Self::Process { profile, .. } => format!(
                "see what the command says: run `sh -c \"$(aws configure get credential_process{})\"`",
                profile_flag(profile)
            ),
            Self::WebIdentityToken { .. } => {
                "check that the file is mounted, or `unset AWS_WEB_IDENTITY_TOKEN_FILE` to use other credentials".to_owned()
            }
            Self::Metadata(_) => "on EC2, check that an instance profile is attached; in a container, that the hop limit is 2: \
                                  `aws ec2 modify-instance-metadata-options --http-put-response-hop-limit 2 --instance-id …`"
                .to_owned(),
            Self::Call { trouble: Trouble::Certificate, .. } => {
                "if a proxy re-encrypts your traffic, name its certificate: `export AWS_CA_BUNDLE=/path/to/ca.pem`".to_owned()
            }
            Self::Call { trouble: Trouble::Network, .. } => {
                "check the network, the region and `HTTPS_PROXY`; try `aws sts get-caller-identity`".to_owned()
            }
            Self::NoSessionName { .. } => "give a name with `--session-name` instead of `--forward-session-name`".to_owned(),
            Self::Target(TargetError::Region(_) | TargetError::NoDualStack(_)) => {
                "give another region with `--region`".to_owned()
            }
            Self::Target(TargetError::Url(_)) => "run `unset AWS_ENDPOINT_URL AWS_ENDPOINT_URL_STS`".to_owned(),
            Self::Proxy(_) => "run `export HTTPS_PROXY=http://HOST:PORT`".to_owned(),
            Self::Profile { profile, .. } => format!("run `aws configure list{}`", profile_flag(profile)),
            Self::ProfileLoop { .. } | Self::Config(_) => {
                "correct `~/.aws/config` (or the file that `AWS_CONFIG_FILE` names)".to_owned()
            }
            Self::Container(_) => "check `AWS_CONTAINER_CREDENTIALS_FULL_URI` and the Pod Identity association or task role behind it"
                .to_owned(),
            Self::Call { action: "AssumeRoleWithWebIdentity", .. } => {
                "the role's trust policy must name the identity provider and the subject of the token".to_owned()
            }
            Self::Switch { name } => format!("set `{name}` to one of them, or remove it"),
            Self::HalfKey { missing } => format!("run `export {missing}=…`, or unset the other half to use a profile"),
            Self::TooLong { .. } => "its session token is too long: sign in with fewer session policies and session tags".to_owned(),
            Self::Call { .. } => {
                "run the command again in a while; AWS tells of its own troubles on https://health.aws.amazon.com".to_owned()
            }
            Self::Presign(_) => return None,
        })
    }
}

fn has_named(known: &[String]) -> bool {
    !named(known).is_empty()
}

/// A profile to name as an example: one that must be chosen to be used.
fn named(known: &[String]) -> &str {
    known.iter().map(String::as_str).find(|name| *name != crate::config::DEFAULT_PROFILE).unwrap_or_default()
}

fn profile_flag(profile: &str) -> String {
    if profile == crate::config::DEFAULT_PROFILE { String::new() } else { format!(" --profile {profile}") }
}

fn renewal(origin: &Origin) -> String {
    match origin {
        Origin::Environment => {
            "export new ones, or run `unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN` to use a \
                                profile"
                .to_owned()
        }
        Origin::Profile(profile) => {
            format!("renew them with the tool that wrote them, or with `aws configure{}`", profile_flag(profile))
        }
        Origin::WebIdentity | Origin::Container | Origin::InstanceMetadata | Origin::Role(_) => {
            "run the command again".to_owned()
        }
    }
}
