//! Why a change is not made.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::words::WordError;
use crate::authenticator::Deciding;
use crate::aws_auth::{Row, Section, SsoPermissionSet};
use crate::shown::excerpt;
use crate::yaml::Mark;

/// A row where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowPlace {
    /// The section.
    pub section: Section,
    /// Where in the section.
    pub mark: Mark,
}

impl From<&Row<'_>> for RowPlace {
    fn from(row: &Row<'_>) -> Self {
        Self { section: row.section, mark: row.mark() }
    }
}

impl fmt::Display for RowPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} of `{}`", self.mark.line, self.section)
    }
}

/// Why a change is not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// Words that can't be meant, all of them.
    #[error("{}", Joined(.0))]
    Words(Vec<WordError>),
    /// A row by permission set matches only where kube-iam decides.
    #[error("a mapping by permission set works only where kube-iam decides; `{}` must be mapped by its role", .0.name)]
    NeedsRole(SsoPermissionSet, Deciding),
    /// The principal has another mapping.
    #[error("{principal} is already mapped in {place}, {differs}")]
    Exists {
        /// Whom it is about.
        principal: String,
        /// The row.
        place: RowPlace,
        /// In what it is not what was wanted.
        differs: String,
    },
    /// A row about the principal can't be read.
    #[error("the row of {principal} in {place} can't be read: {reason}")]
    Unreadable {
        /// Whom it is about.
        principal: String,
        /// The row.
        place: RowPlace,
        /// Why not.
        reason: String,
    },
    /// Several rows about the principal that say different things.
    #[error("{principal} is mapped more than once, and not alike: {}", Joined(places))]
    Duplicates {
        /// Whom they are about.
        principal: String,
        /// The rows.
        places: Vec<RowPlace>,
    },
    /// There is nothing to delete or to take groups from.
    #[error("there is no mapping of {what}")]
    NotFound {
        /// Of whom.
        what: String,
        /// What is there and spelt alike.
        nearest: Option<String>,
    },
    /// An account gives neither.
    #[error("a mapping of a whole account has neither username nor groups")]
    OfAccount,
}

impl ChangeError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Words(errors) => return errors.iter().find_map(WordError::hint),
            Self::NeedsRole(set, deciding) => role_of(set, *deciding, ""),
            Self::Exists { .. } => "to change it, use `kube-iam set mapping`".to_owned(),
            Self::Unreadable { .. } => "`kube-iam check --fix` or `kube-iam edit` mends it".to_owned(),
            Self::Duplicates { .. } => {
                "only the last one counts; take the others out with `kube-iam edit`, or all with `kube-iam delete mapping`"
                    .to_owned()
            }
            Self::NotFound { nearest, .. } => format!("did you mean `{}`?", excerpt(nearest.as_deref()?)),
            Self::OfAccount => "give usernames and groups to the roles and users of the account".to_owned(),
        })
    }
}

/// How the role of a permission set is found, as the next command. `command`, with a
/// blank after it, is the one that overrides, where that is not the one that failed.
pub(crate) fn role_of(set: &SsoPermissionSet, deciding: Deciding, command: &str) -> String {
    let (ours, else_) = match deciding {
        Deciding::Unknown => ("if kube-iam decides here, add `--authenticator kube-iam`; else ", String::new()),
        _ => ("", format!("; `{command}--override only-kube-iam-matches` writes it as it is")),
    };
    format!(
        "{ours}map the role that `aws iam list-roles --path-prefix /aws-reserved/sso.amazonaws.com/ --query \
         \"Roles[?starts_with(RoleName, 'AWSReservedSSO_{}_')].Arn\" --output text` shows in account {}{else_}",
        set.name, set.account
    )
}

/// Several things in one sentence.
pub(crate) struct Joined<'a, T>(pub(crate) &'a [T]);

impl<T: fmt::Display> fmt::Display for Joined<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 20;
        for (index, item) in self.0.iter().take(SHOWN).enumerate() {
            let before = if index == 0 { "" } else { "; " };
            write!(f, "{before}{item}")?;
        }
        match self.0.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}
