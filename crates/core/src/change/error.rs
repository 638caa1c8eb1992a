//! Why a change is not made, and what to do instead.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::String;

use crate::arn::ArnError;
use crate::authenticator::Deciding;
use crate::aws_auth::Section;
use crate::yaml::Mark;

/// Why a change is not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// The text is no ARN of a principal.
    #[error("`{text}` is no ARN of a role or user: {error}")]
    Arn {
        /// The text.
        text: String,
        /// Why.
        error: ArnError,
    },
    /// The ARN is of a principal that has no row of its own.
    #[error("`{0}` is neither a role nor a user")]
    Kind(String),
    /// A username that nobody should get.
    #[error("`{0}` can't be a username: {1}")]
    Username(String, &'static str),
    /// A group that nobody should get.
    #[error("`{0}` can't be a group: {1}")]
    Group(String, &'static str),
    /// Somebody has a row already, with other rights.
    #[error("`{subject}` is mapped already, in `{section}`, {mark}")]
    Exists {
        /// Whom.
        subject: String,
        /// The section of the row that counts.
        section: Section,
        /// Where it is.
        mark: Mark,
    },
    /// Somebody has more than one row.
    #[error("`{subject}` is mapped twice, in `{}`, {}, and in `{}`, {}", first.0, first.1, last.0, last.1)]
    Twice {
        /// Whom.
        subject: String,
        /// The first row.
        first: (Section, Mark),
        /// The one that counts.
        last: (Section, Mark),
    },
    /// Nobody is mapped so.
    #[error("{0}")]
    NotFound(Missing),
    /// A permission set where others than kube-iam may decide.
    #[error("a permission set is matched by kube-iam only; who decides here is {0}")]
    OnlyKubeIam(Deciding),
}

/// What was looked for in vain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} has no mapping")]
pub struct Missing {
    /// What was looked for.
    pub what: String,
    /// What is spelt nearly so.
    pub nearest: Option<String>,
}

impl ChangeError {
    /// What to do instead.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Arn { error: ArnError::InstanceProfile, .. } => {
                Some("name the role in the instance profile; `aws iam get-instance-profile` shows it".to_owned())
            }
            Self::Arn { .. } => Some("an ARN reads `arn:aws:iam::111122223333:role/name`".to_owned()),
            Self::Kind(_) => Some("map a role or a user, or a whole account with `--account`".to_owned()),
            Self::Exists { .. } => Some("change it with `kube-iam set mapping`".to_owned()),
            Self::Twice { .. } => {
                Some("take out what is too much with `kube-iam delete mapping` or `kube-iam edit`".to_owned())
            }
            Self::NotFound(missing) => match &missing.nearest {
                Some(nearest) => Some(format!("there is one for `{nearest}`")),
                None => Some("see all with `kube-iam get mappings`".to_owned()),
            },
            Self::OnlyKubeIam(Deciding::Unknown) => {
                Some("add `--authenticator kube-iam` if kube-iam decides, or map the role with `--arn`".to_owned())
            }
            Self::OnlyKubeIam(_) => {
                Some("map the role `AWSReservedSSO_…` of the permission set with `--arn`".to_owned())
            }
            Self::Username(..) | Self::Group(..) => None,
        }
    }
}
