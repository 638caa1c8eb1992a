//! The role that nodes run under, checked.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::{String, ToString as _};

use super::Kind;
use crate::arn::{Arn, ArnError, PrincipalKind};
use crate::change::{Whom, WhomError};
use crate::ids::AccountId;
use crate::partition::Partition;
use crate::shown::excerpt;

/// A role that nodes run under, as it was given: it may have its path, or be
/// one of its sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeRole {
    pub(super) arn: Arn,
    pub(super) kind: Kind,
}

/// Why nodes can't run under what was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoleError {
    /// An instance profile. Whoever may ask IAM can go on with the role inside.
    #[error("`{}` is an instance profile, not the role inside it", excerpt(.0))]
    InstanceProfile(String),
    /// Another principal than a role.
    #[error("`{}` is {what}, and nodes log in by a role", excerpt(text))]
    NoRole {
        /// The text.
        text: String,
        /// What it is.
        what: &'static str,
    },
    /// No principal at all.
    #[error(transparent)]
    Whom(WhomError),
    /// Credentials are good in one partition only.
    #[error("`{}` is of partition `{of}`, and the cluster is of `{cluster}`", excerpt(text))]
    Partition {
        /// The text.
        text: String,
        /// The role's partition.
        of: Partition,
        /// The cluster's.
        cluster: Partition,
    },
}

impl RoleError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::InstanceProfile(text) => Some(show_role_of(text)),
            Self::NoRole { .. } => Some(
                "CloudFormation shows the role of a node group as output `NodeInstanceRole` or `InstanceRoleARN`"
                    .to_owned(),
            ),
            Self::Whom(error) => error.hint(),
            Self::Partition { .. } => Some(
                "name a role of the account that the nodes run in, or the region of the cluster with `--region`"
                    .to_owned(),
            ),
        }
    }
}

/// The command that shows the role inside an instance profile. Whoever wrote the
/// ARN must not write the command: a name that IAM would not take is left out.
pub(super) fn show_role_of(profile: &str) -> String {
    let is_name = |name: &&str| !name.is_empty() && name.chars().all(is_in_names);
    let name = profile.rsplit('/').next().filter(is_name).unwrap_or("NAME");
    format!(
        "`aws iam get-instance-profile --instance-profile-name {name} --query 'InstanceProfile.Roles[0].Arn'` shows the role"
    )
}

/// Of `[\w+=,.@-]`, of which names in IAM consist.
fn is_in_names(char: char) -> bool {
    char.is_ascii_alphanumeric() || "_+=,.@-".contains(char)
}

impl NodeRole {
    /// Reads an ARN; `cluster` is the partition of the cluster, if it is known.
    ///
    /// # Errors
    ///
    /// Whatever is not the ARN of a role, or of a session of one.
    pub fn parse(text: &str, kind: Kind, cluster: Option<Partition>) -> Result<Self, RoleError> {
        let no_role = |what| RoleError::NoRole { text: text.to_owned(), what };
        let whom = Whom::of_arn(text).map_err(|error| match error {
            WhomError::Arn { error: ArnError::InstanceProfile, .. } => RoleError::InstanceProfile(text.to_owned()),
            WhomError::Root(_) => no_role("the root user of an account"),
            _ if text.parse::<AccountId>().is_ok() => no_role("an account"),
            error => RoleError::Whom(error),
        })?;
        let Whom::Arn(arn) = whom else { return Err(no_role("no ARN")) };
        match arn.kind() {
            PrincipalKind::Role | PrincipalKind::AssumedRole => {}
            PrincipalKind::User => return Err(no_role("a user")),
            PrincipalKind::FederatedUser => return Err(no_role("a federated user")),
            PrincipalKind::Root => return Err(no_role("the root user of an account")),
        }
        match cluster {
            Some(cluster) if cluster != arn.partition() => {
                Err(RoleError::Partition { text: text.to_owned(), of: arn.partition(), cluster })
            }
            _ => Ok(Self { arn, kind }),
        }
    }

    /// The ARN as it was given.
    pub fn arn(&self) -> &Arn {
        &self.arn
    }

    /// The ARN as it is written into a row.
    pub fn written(&self) -> String {
        self.arn.without_role_path().to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;

    fn parse(text: &str) -> Result<NodeRole, RoleError> {
        NodeRole::parse(text, Kind::Linux, Some(Partition::Aws))
    }

    #[test]
    fn roles_lose_path_and_session() {
        for (given, written) in [
            ("arn:aws:iam::111122223333:role/nodes", "arn:aws:iam::111122223333:role/nodes"),
            ("arn:aws:iam::111122223333:role/my-team/developers/nodes", "arn:aws:iam::111122223333:role/nodes"),
            (
                "arn:aws:sts::111122223333:assumed-role/nodes/i-0123456789abcdef0",
                "arn:aws:iam::111122223333:role/nodes",
            ),
        ] {
            assert_eq!(parse(given).unwrap().written(), written);
        }
    }

    #[test]
    fn whatever_is_no_role_is_refused_with_what_it_is() {
        let said = |text: &str| {
            let error = parse(text).unwrap_err();
            format!("{error}\n{}", error.hint().unwrap_or_default())
        };
        for (text, part) in [
            ("arn:aws:iam::111122223333:instance-profile/a/nodes", "instance-profile-name nodes "),
            ("arn:aws:iam::111122223333:instance-profile/a;reboot", "instance-profile-name NAME "),
            ("arn:aws:iam::111122223333:user/ann", "is a user, and nodes log in by a role"),
            ("arn:aws:sts::111122223333:federated-user/ann", "is a federated user"),
            ("arn:aws:iam::111122223333:root", "is the root user"),
            ("111122223333", "is an account"),
            ("arn:aws-cn:iam::111122223333:role/nodes", "of partition `aws-cn`, and the cluster is of `aws`"),
            ("arn:aws:iam::111122223333:role/node*", "wildcards match nobody"),
            ("<ARN of instance role (not instance profile)>", "is not the ARN of a role or user"),
            ("nodes", "is not the ARN of a role or user"),
            ("", "is not the ARN of a role or user"),
        ] {
            assert!(said(text).contains(part), "{text}: {}", said(text));
        }
        assert!(NodeRole::parse("arn:aws-cn:iam::111122223333:role/nodes", Kind::Linux, None).is_ok());
        assert!(!said("arn:aws:iam::111122223333:user/a\u{1b}[2J").contains('\u{1b}'));
    }
}
