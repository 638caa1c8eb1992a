//! Whom a mapping is about: from words to types, and to the form in which it
//! is written.

use alloc::borrow::{Cow, ToOwned as _};
use alloc::format;
use alloc::string::{String, ToString as _};
use core::fmt;

use crate::arn::{Arn, ArnError, PrincipalKind};
use crate::aws_auth::{NewPrincipal, Principal, Row, Section, SsoPermissionSet, is_permission_set_name};
use crate::finding::{Finding, Severity};
use crate::ids::AccountId;
use crate::partition::Partition;
use crate::shown::excerpt;

/// Whom a mapping is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Whom {
    /// A role, user or federated user. The ARN is the one that was given; a
    /// role may have its path or be one of its sessions.
    Arn(Arn),
    /// Whoever holds an Identity Center permission set.
    PermissionSet(SsoPermissionSet),
    /// A whole account.
    Account(AccountId),
}

/// What all spellings of one principal share: the canonical ARN in lower case,
/// without the path of a role. Principals that are no ARN have a text that is none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrincipalKey(String);

/// Why a text names nobody whom a mapping could be about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WhomError {
    /// No ARN of a principal.
    #[error("`{}` is not the ARN of a role or user", excerpt(text))]
    Arn {
        /// The text.
        text: String,
        /// Why not.
        #[source]
        error: ArnError,
    },
    /// The root user.
    #[error("`{0}` is the root user alone, not everybody in the account")]
    Root(String),
    /// A character that no name in IAM has (IAM API, `RoleName` and `UserName`).
    #[error("`{}` names nobody: `{found}` can't be part of a name in IAM", excerpt(text))]
    Name {
        /// The text.
        text: String,
        /// The character.
        found: char,
    },
    /// No account ID.
    #[error("`{}` is not an account ID: it must be twelve digits", excerpt(.0))]
    Account(String),
    /// No name of a permission set.
    #[error("`{}` is not the name of a permission set: it must be 1 to 32 of letters, digits and `_+=,.@-`", excerpt(.0))]
    PermissionSet(String),
    /// No partition.
    #[error("`{}` is not an AWS partition", excerpt(.0))]
    Partition(String),
}

impl WhomError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Arn { error: ArnError::InstanceProfile, .. } => {
                "`aws iam get-instance-profile` shows the ARN of the role inside"
            }
            Self::Arn { error: ArnError::Resource(word), .. } if word == "group" => {
                "IAM groups can't log in; map a role that the members of the group may assume"
            }
            Self::Arn { error: ArnError::Resource(word), .. } if word == "policy" => {
                "a policy is attached to roles and users; map one of those"
            }
            Self::Arn { .. } => {
                "it looks like `arn:aws:iam::111122223333:role/NAME`; `aws sts get-caller-identity` shows your own"
            }
            Self::Root(_) => "to let a whole account in, use `--account`",
            Self::Name { found: '*' | '?', .. } => "wildcards match nobody; write one mapping for each role",
            Self::Name { .. } => return None,
            Self::Account(text) if text.chars().filter(char::is_ascii_digit).count() == 12 => {
                "leave out everything but the digits"
            }
            Self::Account(text) if text.len() == 11 && text.bytes().all(|byte| byte.is_ascii_digit()) => {
                "a zero at its beginning may have got lost"
            }
            Self::Account(_) | Self::PermissionSet(_) => return None,
            Self::Partition(_) => return Some(crate::partition::UnknownPartition.to_string()),
        };
        Some(hint.to_owned())
    }
}

impl Whom {
    /// A principal by its ARN. A role may have its path, and a session of a
    /// role stands for the role.
    pub fn of_arn(text: &str) -> Result<Self, WhomError> {
        let arn: Arn = text.parse().map_err(|error| WhomError::Arn { text: text.to_owned(), error })?;
        if arn.kind() == PrincipalKind::Root {
            return Err(WhomError::Root(text.to_owned()));
        }
        let name = arn.role_name().or_else(|| text.rsplit('/').next()).unwrap_or_default();
        let found = name.chars().find(|char| !char.is_ascii_alphanumeric() && !"_+=,.@-".contains(*char));
        // The name of a federated user may be `account:name`.
        match found.filter(|char| *char != ':' || arn.kind() != PrincipalKind::FederatedUser) {
            Some(found) => Err(WhomError::Name { text: text.to_owned(), found }),
            None => Ok(Self::Arn(arn)),
        }
    }

    /// A whole account.
    pub fn of_account(text: &str) -> Result<Self, WhomError> {
        text.parse().map(Self::Account).map_err(|_| WhomError::Account(text.to_owned()))
    }

    /// A permission set in an account; without a partition the commercial one.
    pub fn of_permission_set(name: &str, account: &str, partition: Option<&str>) -> Result<Self, WhomError> {
        if !is_permission_set_name(name) {
            return Err(WhomError::PermissionSet(name.to_owned()));
        }
        let account = account.parse().map_err(|_| WhomError::Account(account.to_owned()))?;
        let partition = match partition {
            Some(text) => text.parse().map_err(|_| WhomError::Partition(text.to_owned()))?,
            None => Partition::default(),
        };
        Ok(Self::PermissionSet(SsoPermissionSet { partition, account, name: name.to_owned() }))
    }

    /// Where a new row about it belongs.
    pub fn section(&self) -> Section {
        match self {
            Self::Arn(arn) if arn.role_name().is_some() => Section::MapRoles,
            Self::Arn(_) => Section::MapUsers,
            Self::PermissionSet(_) => Section::MapRoles,
            Self::Account(_) => Section::MapAccounts,
        }
    }

    /// What all spellings of it share.
    pub fn key(&self) -> PrincipalKey {
        match self {
            Self::Arn(arn) => PrincipalKey::of_arn(arn),
            Self::PermissionSet(set) => PrincipalKey::of_permission_set(set),
            Self::Account(account) => PrincipalKey(account.to_string()),
        }
    }

    /// The form that is written: for an ARN the one that every authenticator
    /// matches, a role without path and session.
    pub(super) fn to_write(&self) -> NewPrincipal {
        match self {
            Self::Arn(arn) => NewPrincipal::Arn(canonical(arn).into_owned()),
            Self::PermissionSet(set) => NewPrincipal::Sso(set.clone()),
            Self::Account(account) => NewPrincipal::Account(account.to_string()),
        }
    }

    /// The username of a row to be written when none was given: the canonical
    /// ARN. kube-iam gives that name without being told; the Go authenticator
    /// and EKS would answer an empty one, with which aggregated APIs fail. A
    /// session name would let callers choose their own. Holders of a permission
    /// set have no ARN in common, and only kube-iam reads such rows.
    pub(super) fn default_username(&self) -> Option<String> {
        match self {
            Self::Arn(arn) => Some(canonical(arn).into_owned()),
            Self::PermissionSet(_) | Self::Account(_) => None,
        }
    }

    /// What there is to say when the written form is not the given one.
    pub(crate) fn note(&self) -> Option<Finding> {
        let Self::Arn(arn) = self else { return None };
        let written = canonical(arn);
        if written == arn.as_str() {
            return None;
        }
        let why = match arn.kind() {
            PrincipalKind::AssumedRole => "mappings are about roles, not about one session",
            _ if arn.has_role_path() => "AWS reports the role of a caller without its path",
            _ => "AWS reports no region",
        };
        Some(Finding {
            rule: "canonical-arn",
            severity: Severity::Note,
            section: None,
            mark: None,
            message: format!("`{}` is written as `{}`: {why}", excerpt(arn.as_str()), excerpt(&written)),
            hint: None,
        })
    }
}

impl fmt::Display for Whom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arn(arn) => write!(f, "`{}`", canonical(arn)),
            Self::PermissionSet(set) => write!(f, "permission set `{}` in account {}", set.name, set.account),
            Self::Account(account) => write!(f, "account {account}"),
        }
    }
}

/// The ARN as STS reports it of callers, sessions taken for their roles.
pub(crate) fn canonical(arn: &Arn) -> Cow<'_, str> {
    if let Some(name) = arn.role_name() {
        return Cow::Owned(format!("arn:{}:iam::{}:role/{name}", arn.partition(), arn.account()));
    }
    let mut parts = arn.as_str().splitn(6, ':').skip(2);
    let (service, region) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let resource = parts.nth(1).unwrap_or_default();
    match region {
        "" => Cow::Borrowed(arn.as_str()),
        _ => Cow::Owned(format!("arn:{}:{service}::{}:{resource}", arn.partition(), arn.account())),
    }
}

impl PrincipalKey {
    fn of_arn(arn: &Arn) -> Self {
        let mut text = canonical(arn).into_owned();
        text.make_ascii_lowercase();
        Self(text)
    }

    fn of_permission_set(set: &SsoPermissionSet) -> Self {
        Self(format!("sso/{}/{}/{}", set.partition, set.account, set.name))
    }

    /// The key of a principal that was read.
    pub fn of(principal: &Principal) -> Self {
        match principal {
            Principal::Arn(arn) => Self::of_arn(arn),
            Principal::Sso(set) => Self::of_permission_set(set),
        }
    }

    /// The key of a row; nothing if it can't be read whom the row is about.
    pub fn of_row(row: &Row<'_>) -> Option<Self> {
        if row.section == Section::MapAccounts {
            let account: AccountId = row.account()?.parse().ok()?;
            return Some(Self(account.to_string()));
        }
        match row.reading() {
            Ok(reading) => Some(Self::of(&reading.principal)),
            Err(problem) => problem.principal.as_ref().map(Self::of),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
