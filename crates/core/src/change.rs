//! What is wanted of a document, in terms of principals, and the operations on
//! rows that bring it about.
//!
//! The forms written are those that every authenticator matches. A change that
//! is already made needs no operation.

mod delete;
mod error;
mod rows;
mod single;
mod whom;
mod words;

pub use error::{ChangeError, RowPlace};
pub use whom::{PrincipalKey, Whom, WhomError};
pub use words::{RULES, WordError};

pub(crate) use error::{Joined, role_of};
pub(crate) use rows::{Found, Reading, about, counting, may_write, new_username};
pub(crate) use single::change as change_row;
pub(crate) use whom::canonical;
pub(crate) use words::Judgement;

use alloc::string::String;
use alloc::vec::Vec;

use crate::authenticator::Deciding;
use crate::aws_auth::{Document, NewPrincipal, NewRow, Operation};
use crate::finding::Finding;

/// A mapping that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Whom it is about.
    pub whom: Whom,
    /// Pattern of the username; `None` for the canonical ARN.
    pub username: Option<String>,
    /// Patterns of the groups.
    pub groups: Vec<String>,
}

/// What to do with the groups of a mapping.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum GroupsChange {
    /// They stay.
    #[default]
    Keep,
    /// These and no others.
    Replace(Vec<String>),
    /// Some more, some less; the others stay, in their order. Whatever is both
    /// added and removed is removed.
    AddRemove {
        /// Groups that it shall have.
        add: Vec<String>,
        /// Groups that it shall not have.
        remove: Vec<String>,
    },
}

/// Which mappings are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// Every row of the principal that this ARN names, however it is spelt, and
    /// every row with exactly this text for an ARN, be it one or not.
    Arn(String),
    /// Every row with exactly this pattern of a username.
    Username(String),
    /// Every row about this principal. Rows of the roles that were provisioned
    /// for a permission set are among those of the set.
    Whom(Whom),
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A new mapping, of a principal that has none.
    Create(Wanted),
    /// A mapping that may be there or not.
    Set {
        /// Whom it is about.
        whom: Whom,
        /// The new pattern of the username; `None` to leave it, or for the
        /// canonical ARN in a new mapping.
        username: Option<String>,
        /// The groups.
        groups: GroupsChange,
    },
    /// No such mappings any more.
    Delete(Selector),
}

/// What it takes to bring a change about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Planned {
    /// The operations, for [`Document::edit`]; none if all is as wanted.
    pub operations: Vec<Operation>,
    /// What there is to say. A finding that blocks is one of [`RULES`], and may
    /// be overridden by that name. A mark without a section is a place in the
    /// desired-state file.
    pub findings: Vec<Finding>,
}

/// Plans one change.
///
/// # Errors
///
/// What can't be done to this document; [`ChangeError::NeedsRole`] where the
/// caller may try again with the role of a permission set.
pub fn plan(document: &Document, change: &Change, deciding: Deciding) -> Result<Planned, ChangeError> {
    match change {
        Change::Create(wanted) => single::create(document, wanted, deciding),
        Change::Set { whom, username, groups } => single::set(document, whom, username.as_deref(), groups, deciding),
        Change::Delete(selector) => delete::delete(document, selector),
    }
}

/// Whether an operation writes whom a row is about.
pub(crate) fn writes_arn(operation: &Operation) -> bool {
    match operation {
        Operation::Insert { .. } => true,
        Operation::Change { change, .. } => change.arn.is_some(),
        Operation::Remove { .. } => false,
    }
}

/// The operation that adds a mapping before a row of its section.
pub(crate) fn insert(before: usize, wanted: &Wanted) -> Operation {
    let username = wanted.username.clone().or_else(|| wanted.whom.default_username());
    let row = match wanted.whom.to_write() {
        NewPrincipal::Account(account) => NewRow::account(account),
        principal => NewRow { principal, username, groups: wanted.groups.clone() },
    };
    Operation::Insert { section: wanted.whom.section(), before, row }
}

#[cfg(test)]
mod tests;
