//! The EC2 instance behind a node: when a login has to know it, what EC2's answer
//! says of it, and whether it is the caller's.
//!
//! The caller of a node's role chooses the session name, and so the instance: STS
//! proves the role alone. [`profile_to_check`] and [`check_role`] narrow that to the
//! instances that have this role, as far as EC2 and IAM can tell.

mod answer;
mod private_dns_name;

pub use answer::{Concluded, Fate, conclude};
pub use private_dns_name::{PrivateDnsName, PrivateDnsNameError};

use alloc::string::String;

use crate::arn::{Arn, InstanceProfileArn, PrincipalKind};
use crate::identity::Identity;
use crate::ids::{AccountId, InstanceId};
use crate::mapping::{Mapping, Resolution};
use crate::ports::AwsFailure;
use crate::reason::Reason;
use crate::template::{Placeholder, Values};

/// What usernames of nodes begin with (Kubernetes' Node authorizer).
pub const NODE_USERNAME_PREFIX: &str = "system:node:";

/// An instance that has a name, as far as logins need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeInstance {
    /// Its private DNS name.
    pub name: PrivateDnsName,
    /// The account it runs in.
    pub account: Option<AccountId>,
    /// Whether it is pending or running.
    pub runs: bool,
    /// Its instance profile.
    pub profile: Option<InstanceProfileArn>,
}

/// Why an instance gives no node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NodeError {
    /// EC2 has no such instance in this region and account, or not yet.
    #[error("EC2 does not know instance `{0}`")]
    Unknown(InstanceId),
    /// It runs, and EC2 has no name for it, or not yet.
    #[error("instance `{0}` has no private DNS name")]
    Nameless(InstanceId),
    /// It was ended, and lost its name.
    #[error("instance `{0}` does not run, and has no private DNS name")]
    Ended(InstanceId),
    /// EC2 gives a name that no node can have.
    #[error("the private DNS name of instance `{0}` can't be used")]
    Name(InstanceId, #[source] PrivateDnsNameError),
    /// It is not the caller's.
    #[error("instance `{0}` is not the caller's")]
    Foreign(InstanceId, #[source] Mismatch),
    /// AWS did not say.
    #[error("instance `{0}` could not be looked up")]
    Aws(InstanceId, #[source] AwsFailure),
}

/// In what an instance differs from what its caller would have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// It is stopped or ended, or about to be.
    #[error("it does not run")]
    Stopped,
    /// It runs in another account.
    #[error("it runs in another account than the role")]
    Account,
    /// It has no role at all.
    #[error("it has no instance profile with a role in it")]
    NoRole,
    /// It has another role.
    #[error("its role is `{0}`")]
    Role(String),
}

impl From<&NodeError> for Reason {
    fn from(error: &NodeError) -> Self {
        match error {
            NodeError::Aws(_, AwsFailure::Throttled(_)) => Self::Ec2Throttled,
            NodeError::Aws(_, failure) if failure.is_passing() => Self::Ec2Unavailable,
            NodeError::Foreign(..) => Self::NodeRoleMismatch,
            NodeError::Unknown(_)
            | NodeError::Nameless(_)
            | NodeError::Ended(_)
            | NodeError::Name(..)
            | NodeError::Aws(..) => Self::NodeLookup,
        }
    }
}

/// The instance that has to be known before a mapping gives its user: the one named
/// by the session, if a pattern asks for its name, or if nodes are verified and the
/// mapping makes the session name that of a node.
///
/// Session names that are no instance ID are left alone: Fargate and hybrid nodes
/// have no instance, and come by the same kind of mapping.
pub fn needed(resolution: &Resolution<'_>, identity: &Identity, verifies: bool) -> Option<InstanceId> {
    let Resolution::Mapped { mapping, .. } = resolution else { return None };
    let asks = mapping.templates().any(|template| template.needs(Placeholder::Ec2PrivateDnsName));
    let is_needed = asks || verifies && makes_node_of_session(mapping, identity);
    if is_needed { identity.session_name.as_str().parse().ok() } else { None }
}

fn makes_node_of_session(mapping: &Mapping, identity: &Identity) -> bool {
    let Some(template) = &mapping.username else { return false };
    let by_session = template.needs(Placeholder::SessionName) || template.needs(Placeholder::SessionNameRaw);
    let username = template.render(identity, &Values::default());
    by_session && username.is_ok_and(|username| username.starts_with(NODE_USERNAME_PREFIX))
}

/// Whether the instance itself may be the caller's, and the profile whose role
/// decides the rest.
pub fn profile_to_check<'a>(
    id: &InstanceId,
    instance: &'a NodeInstance,
    identity: &Identity,
) -> Result<&'a InstanceProfileArn, NodeError> {
    let foreign = |mismatch| NodeError::Foreign(id.clone(), mismatch);
    if !instance.runs {
        return Err(foreign(Mismatch::Stopped));
    }
    if instance.account != Some(identity.account) {
        return Err(foreign(Mismatch::Account));
    }
    let profile = instance.profile.as_ref().ok_or_else(|| foreign(Mismatch::NoRole))?;
    if profile.account() == identity.account { Ok(profile) } else { Err(foreign(Mismatch::Account)) }
}

/// Whether the role of an instance's profile is the caller's. STS never reports the
/// path of a role, and names of roles are unique in an account without it.
pub fn check_role(id: &InstanceId, role: Option<&Arn>, identity: &Identity) -> Result<(), NodeError> {
    let foreign = |mismatch| NodeError::Foreign(id.clone(), mismatch);
    let role = role.ok_or_else(|| foreign(Mismatch::NoRole))?;
    let is_callers = role.kind() == PrincipalKind::Role && role.without_role_path().key() == identity.key;
    if is_callers { Ok(()) } else { Err(foreign(Mismatch::Role(role.as_str().into()))) }
}

#[cfg(test)]
mod tests;
