//! The search for the mapping of an identity.

use super::{Backend, Mapping, Snapshot};
use crate::aws_auth::SsoPermissionSet;
use crate::identity::Identity;

/// What a search ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution<'a> {
    /// A row is about this very principal.
    Mapped {
        /// Where the row comes from.
        backend: Backend,
        /// The row.
        mapping: &'a Mapping,
    },
    /// The whole account is let in.
    AccountAllowed {
        /// Where the account is listed.
        backend: Backend,
    },
    /// Nothing matches.
    NotMapped,
}

impl Resolution<'_> {
    /// The backend that answered.
    pub fn backend(&self) -> Option<Backend> {
        match self {
            Self::Mapped { backend, .. } | Self::AccountAllowed { backend } => Some(*backend),
            Self::NotMapped => None,
        }
    }
}

/// Searches the backends in order; the first that answers wins. Inside one, an
/// exact ARN comes before a permission set, and that before an account.
pub fn resolve<'a, S>(snapshots: impl IntoIterator<Item = &'a S>, identity: &Identity) -> Resolution<'a>
where
    S: AsRef<Snapshot> + 'a,
{
    let mut permission_set = None;
    for snapshot in snapshots {
        let snapshot: &Snapshot = snapshot.as_ref();
        let backend = snapshot.backend();
        if let Some(mapping) = snapshot.by_arn(&identity.key) {
            return Resolution::Mapped { backend, mapping };
        }
        if snapshot.has_permission_sets() {
            let set = permission_set.get_or_insert_with(|| SsoPermissionSet::of_role(&identity.arn));
            if let Some(mapping) = snapshot.by_permission_set(set.as_ref()) {
                return Resolution::Mapped { backend, mapping };
            }
        }
        if snapshot.lets_in(identity.account) {
            return Resolution::AccountAllowed { backend };
        }
    }
    Resolution::NotMapped
}

impl AsRef<Self> for Snapshot {
    fn as_ref(&self) -> &Self {
        self
    }
}

#[cfg(test)]
mod tests;
