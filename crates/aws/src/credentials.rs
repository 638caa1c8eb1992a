//! AWS credentials and where they come from.

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials as SdkCredentials;
use jiff::{SignedDuration, Timestamp};
use kube_iam_core::secret::Secret;

/// An access key, as whoever signs with it needs it. No `Debug`, so that it is never part of a larger value's.
#[derive(Clone)]
pub struct Credentials {
    /// `AKIA…` or `ASIA…`; public.
    pub access_key_id: String,
    /// What signatures are made with.
    pub secret_access_key: Secret,
    /// Comes with every temporary key.
    pub session_token: Option<Secret>,
    /// When AWS stops accepting the key, if that is known.
    pub expires: Option<Timestamp>,
}

impl Credentials {
    /// Whether the key lasts longer than `time` from `now`; true if it has no known end.
    pub(crate) fn last(&self, time: SignedDuration, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| expires.duration_since(now) > time)
    }

    pub(crate) fn to_sdk(&self) -> SdkCredentials {
        let expires = self.expires.map(system_time);
        SdkCredentials::new(
            self.access_key_id.clone(),
            self.secret_access_key.expose(),
            self.session_token.as_ref().map(|token| token.expose().to_owned()),
            expires,
            "kube-iam",
        )
    }

    pub(crate) fn from_sdk(credentials: &SdkCredentials) -> Self {
        Self {
            access_key_id: credentials.access_key_id().to_owned(),
            secret_access_key: Secret::new(credentials.secret_access_key()),
            session_token: credentials.session_token().map(Secret::new),
            expires: credentials.expiry().and_then(timestamp),
        }
    }
}

/// The instant in whole seconds, which is all that AWS counts in. Before 1970 nothing was signed.
pub(crate) fn system_time(instant: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(instant.as_second()).unwrap_or_default())
}

pub(crate) fn timestamp(instant: SystemTime) -> Option<Timestamp> {
    let since = instant.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Timestamp::from_second(i64::try_from(since.as_secs()).ok()?).ok()
}

/// Where credentials come from, for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `AWS_ACCESS_KEY_ID` and its companions.
    Environment,
    /// `AWS_WEB_IDENTITY_TOKEN_FILE` and `AWS_ROLE_ARN`.
    WebIdentity,
    /// This profile of the shared configuration.
    Profile(String),
    /// The container credentials endpoint (ECS, EKS Pod Identity).
    Container,
    /// The EC2 instance metadata service.
    InstanceMetadata,
    /// The role given with `--role`.
    Role(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => formatter.write_str("the environment"),
            Self::WebIdentity => formatter.write_str("the web identity of the environment"),
            Self::Profile(profile) => write!(formatter, "profile `{profile}`"),
            Self::Container => formatter.write_str("the container"),
            Self::InstanceMetadata => formatter.write_str("instance metadata"),
            Self::Role(role) => write!(formatter, "role `{role}`"),
        }
    }
}
