//! Why a file can't be applied.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::authenticator::Deciding;
use crate::aws_auth::SsoPermissionSet;
use crate::change::{Joined, RowPlace, role_of};
use crate::config::Problem;
use crate::owners::OwnerName;

/// Why a file can't be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DesiredError {
    /// Words in the file that can't be meant, in the order of the file.
    #[error("{}", Joined(.0))]
    Words(Vec<Problem>),
    /// Permission sets that must be roles here; see [`Desired::with_roles`].
    #[error("mappings by permission set work only where kube-iam decides; {} must be mapped by role", Names(.0))]
    NeedsRoles(Vec<SsoPermissionSet>, Deciding),
    /// Rows that may not be changed, in the order of the file.
    #[error("{}", Joined(.0))]
    Conflicts(Vec<Conflict>),
}

/// A row that may not be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Whom it is about.
    pub principal: String,
    /// The row.
    pub place: RowPlace,
    /// Why not.
    pub kind: ConflictKind,
}

/// Why a row may not be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConflictKind {
    /// Others keep it.
    OwnedBy(Vec<OwnerName>),
    /// Nobody keeps it, and it is not as wanted.
    Unowned,
    /// Another row of the principal says something else.
    Duplicates(Vec<RowPlace>),
    /// It can't be read.
    Unreadable(String),
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { principal, place, kind } = self;
        match kind {
            ConflictKind::OwnedBy(owners) => {
                let owners: Vec<_> = owners.iter().map(|name| format!("`{name}`")).collect();
                write!(f, "{principal} in {place} is kept by {}", owners.join(" and "))
            }
            ConflictKind::Unowned => write!(f, "{principal} in {place} is kept by nobody and is not as wanted"),
            ConflictKind::Duplicates(places) => {
                write!(f, "{principal} is mapped more than once, and not alike: {}", Joined(places))
            }
            ConflictKind::Unreadable(reason) => write!(f, "the row of {principal} in {place} can't be read: {reason}"),
        }
    }
}

impl DesiredError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Words(problems) => return problems.iter().find_map(|problem| problem.hint.clone()),
            // `diff` says it too, and overrides nothing.
            Self::NeedsRoles(sets, deciding) => role_of(sets.first()?, *deciding, "kube-iam apply "),
            Self::Conflicts(conflicts) => conflicts.first()?.kind.hint().into(),
        })
    }
}

impl ConflictKind {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::OwnedBy(_) | Self::Unowned => {
                "`--owner NAME --take-ownership` makes such rows NAME's, and as the file wants them"
            }
            Self::Duplicates(_) => "only the last one counts; take the others out with `kube-iam edit`",
            Self::Unreadable(_) => "`kube-iam check --fix` or `kube-iam edit` mends it",
        }
    }
}

/// Names of permission sets in a sentence.
struct Names<'a>(&'a [SsoPermissionSet]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(|set| format!("`{}` in account {}", set.name, set.account)).collect();
        Joined(&names).fmt(f)
    }
}
