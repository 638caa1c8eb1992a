//! The words of a change, and what they may be.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use super::ChangeError;
use crate::arn::{Arn, PrincipalKind};
use crate::aws_auth::{Section, SsoPermissionSet};
use crate::finding::{Finding, Severity};
use crate::ids::AccountId;
use crate::template::Placeholder;

/// Whom a mapping lets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A role or a user, in the form that every authenticator matches.
    Principal(Arn),
    /// Holders of an Identity Center permission set.
    Sso(SsoPermissionSet),
    /// A whole account.
    Account(AccountId),
}

/// A word as it is written, and what a person should know about that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word<T> {
    /// What is written.
    pub value: T,
    /// What to say about it.
    pub finding: Option<Finding>,
}

impl Subject {
    /// Reads an ARN. Paths of roles and sessions are left out: STS reports no
    /// path, and a row with one matches nobody in the Go authenticator.
    pub fn of_arn(text: &str) -> Result<Word<Self>, ChangeError> {
        let arn: Arn = text.parse().map_err(|error| ChangeError::Arn { text: text.to_owned(), error })?;
        let written = match arn.kind() {
            PrincipalKind::User => return Ok(Word { value: Self::Principal(arn), finding: None }),
            PrincipalKind::Role | PrincipalKind::AssumedRole => arn.without_role_path().to_string(),
            PrincipalKind::Root | PrincipalKind::FederatedUser => return Err(ChangeError::Kind(text.to_owned())),
        };
        let finding = (written != text).then(|| Finding {
            rule: if arn.has_role_path() { "role-path" } else { "assumed-role" },
            severity: Severity::Note,
            section: None,
            mark: None,
            message: format!("`{written}` is written: only so does every authenticator match the role"),
            hint: None,
        });
        let role = written.parse().map_err(|error| ChangeError::Arn { text: written.clone(), error })?;
        Ok(Word { value: Self::Principal(role), finding })
    }

    /// The section that such a mapping stands in.
    pub fn section(&self) -> Section {
        match self {
            Self::Principal(arn) if arn.kind() == PrincipalKind::User => Section::MapUsers,
            Self::Principal(_) | Self::Sso(_) => Section::MapRoles,
            Self::Account(_) => Section::MapAccounts,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Principal(arn) => f.write_str(arn.as_str()),
            Self::Sso(set) => write!(f, "sso/{}/{}", set.account, set.name),
            Self::Account(account) => account.fmt(f),
        }
    }
}

/// What shall become of groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Groups {
    /// They become these.
    Replace(Vec<String>),
    /// Some come, some go, the others stay.
    Adjust {
        /// Those that come.
        add: Vec<String>,
        /// Those that go.
        remove: Vec<String>,
    },
}

impl Groups {
    /// The groups afterwards.
    pub fn applied_to(&self, current: &[&str]) -> Vec<String> {
        match self {
            Self::Replace(groups) => groups.clone(),
            Self::Adjust { add, remove } => {
                let is_kept = |group: &&&str| remove.iter().all(|gone| gone != **group);
                let mut groups: Vec<String> = current.iter().filter(is_kept).map(ToString::to_string).collect();
                for group in add {
                    if !groups.contains(group) {
                        groups.push(group.clone());
                    }
                }
                groups
            }
        }
    }
}

/// Reads a pattern of a username.
pub fn username(text: &str) -> Result<String, ChangeError> {
    let refuse = |why| Err(ChangeError::Username(text.to_owned(), why));
    if let Some(why) = unfit(text) {
        return refuse(why);
    }
    // Names of nodes are handed out; all others that begin so belong to Kubernetes.
    if text.starts_with("system:") && !text.starts_with("system:node:") {
        return refuse("names that begin with `system:` belong to Kubernetes");
    }
    Ok(text.to_owned())
}

/// Reads a pattern of a group.
pub fn group(text: &str) -> Result<String, ChangeError> {
    let refuse = |why| Err(ChangeError::Group(text.to_owned(), why));
    match unfit(text) {
        Some(why) => refuse(why),
        None if text.contains(char::is_whitespace) => refuse("it contains blanks"),
        None if text.contains(',') => refuse("it contains a comma; repeat `--group` for each one"),
        None => Ok(text.to_owned()),
    }
}

/// Why a text is neither a username nor a group.
fn unfit(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return Some("it is empty");
    }
    if text.trim() != text {
        return Some("it begins or ends with a blank");
    }
    if text.contains(char::is_control) {
        return Some("it contains control characters");
    }
    if text.len() > 1024 {
        return Some("it is longer than 1024 bytes");
    }
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").unwrap_or((after, ""));
        if Placeholder::named(name).is_none() {
            return Some("it holds a placeholder that no authenticator knows");
        }
        rest = after;
    }
    None
}
