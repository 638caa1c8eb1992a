//! Whom rows are about, told apart without regard to how they are spelt.

use core::fmt;
use core::hash::{Hash, Hasher};

use super::Authenticator;
use crate::arn::{Arn, PrincipalKind};
use crate::aws_auth::{Principal, SsoPermissionSet};
use crate::ids::AccountId;
use crate::partition::Partition;

/// Somebody who can log in, borrowed from a row or from a caller's ARN. All
/// spellings of a role are one: with and without path, in any letter case, and
/// its sessions.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Who<'a> {
    /// A role and its sessions.
    Role { partition: Partition, account: AccountId, name: &'a str },
    /// A user, root or federated user, by the whole ARN.
    Other { account: AccountId, text: &'a str },
    /// Whoever holds a permission set.
    Holders(&'a SsoPermissionSet),
}

impl<'a> Who<'a> {
    pub(crate) fn of(arn: &'a Arn) -> Self {
        let account = arn.account();
        match arn.role_name() {
            Some(name) => Self::Role { partition: arn.partition(), account, name },
            None => Self::Other { account, text: arn.as_str() },
        }
    }

    pub(crate) fn of_principal(principal: &'a Principal) -> Self {
        match principal {
            Principal::Arn(arn) => Self::of(arn),
            Principal::Sso(set) => Self::Holders(set),
        }
    }

    pub(crate) fn account(self) -> AccountId {
        match self {
            Self::Role { account, .. } | Self::Other { account, .. } => account,
            Self::Holders(set) => set.account,
        }
    }

    /// The permission set that a role was provisioned for.
    pub(crate) fn permission_set(self) -> Option<SsoPermissionSet> {
        match self {
            Self::Role { partition, account, name } => SsoPermissionSet::of_role_name(partition, account, name),
            Self::Other { .. } | Self::Holders(_) => None,
        }
    }
}

impl PartialEq for Who<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Role { partition: a, account: b, name: c }, Self::Role { partition: x, account: y, name: z }) => {
                a == x && b == y && c.eq_ignore_ascii_case(z)
            }
            (Self::Other { text: a, .. }, Self::Other { text: x, .. }) => a.eq_ignore_ascii_case(x),
            (Self::Holders(a), Self::Holders(x)) => a == x,
            _ => false,
        }
    }
}

impl Eq for Who<'_> {}

impl Hash for Who<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Role { account, name: text, .. } | Self::Other { account, text } => {
                account.hash(state);
                // The bit that tells letters from capitals is set in every byte:
                // texts that are equal but for letter case hash alike.
                for chunk in text.as_bytes().chunks(8) {
                    let mut word = [0; 8];
                    word.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
                    state.write_u64(u64::from_le_bytes(word) | 0x2020_2020_2020_2020);
                }
            }
            Self::Holders(set) => set.hash(state),
        }
    }
}

impl fmt::Display for Who<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role { partition, account, name } => write!(f, "`arn:{partition}:iam::{account}:role/{name}`"),
            Self::Other { text, .. } => write!(f, "`{text}`"),
            Self::Holders(set) => write!(f, "permission set `{}` in account {}", set.name, set.account),
        }
    }
}

/// Why a row about this principal matches callers in kube-iam and in no other
/// authenticator, as the end of a sentence; nothing if that is not so.
pub fn only_kube_iam(principal: &Principal) -> Option<&'static str> {
    match principal {
        // The Go authenticator has a gate for permission sets, closed by default.
        Principal::Sso(_) => Some("it names a permission set"),
        Principal::Arn(arn) if arn.kind() == PrincipalKind::AssumedRole => Some("it is the ARN of a session"),
        Principal::Arn(arn) if arn.has_role_path() => Some("its ARN shows the path of the role"),
        Principal::Arn(_) => None,
    }
}

/// Whether a row about this principal can match a caller. No caller's ARN shows
/// a region, so a role's ARN that shows one matches nobody, unless kube-iam
/// takes it apart for another reason.
pub(super) fn is_alive(principal: &Principal, authenticator: Authenticator) -> bool {
    match (only_kube_iam(principal), principal) {
        (Some(_), _) => authenticator == Authenticator::KubeIam,
        (None, Principal::Arn(arn)) => arn.as_str().split(':').nth(3).is_none_or(str::is_empty),
        (None, Principal::Sso(_)) => false,
    }
}
