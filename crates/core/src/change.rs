//! What the mapping commands want: changes in terms of principals, turned into
//! operations on rows.

mod error;
mod find;
mod words;

pub use error::ChangeError;
pub use words::{Groups, Subject, Word, group, username};

use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::authenticator::{Authenticator, Deciding};
use crate::aws_auth::{Document, NewPrincipal, NewRow, Operation, Row, RowChange, Section};

/// A change as a person wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Lets somebody in who is not yet.
    Create {
        /// Whom.
        subject: Subject,
        /// Pattern of the username; without one the ARN, so that no username is ever empty.
        username: Option<String>,
        /// Patterns of the groups.
        groups: Vec<String>,
    },
    /// Lets somebody in, or changes as whom.
    Set {
        /// Whom.
        subject: Subject,
        /// Pattern of the username; `None` leaves it.
        username: Option<String>,
        /// The groups.
        groups: Groups,
    },
    /// Takes out every row of somebody.
    Delete(Selector),
}

/// Whose rows are taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// All rows about a principal, however spelt. The text is also compared as it
    /// is, so that rows can be taken out that nobody can read.
    Arn(String),
    /// All rows about a permission set or an account.
    Subject(Subject),
    /// All rows that hand out this pattern of a username.
    Username(String),
}

/// What became of whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A row was put in.
    Created,
    /// A row was changed.
    Configured,
    /// Rows were taken out.
    Deleted,
    /// All was as wanted.
    Unchanged,
}

impl Outcome {
    /// The word for it, as kubectl says it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Deleted => "deleted",
            Self::Unchanged => "unchanged",
        }
    }
}

/// A change as operations on rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What to do with the rows; nothing if all is as wanted.
    pub operations: Vec<Operation>,
    /// What that comes to.
    pub outcome: Outcome,
    /// Whom the rows are about, as they are written.
    pub subjects: Vec<String>,
}

/// Finds out what a change means for a document.
///
/// # Errors
///
/// [`ChangeError`] if the change would write a duplicate, meets one, or finds nothing.
pub fn plan(document: &Document, change: &Change, deciding: Deciding) -> Result<Plan, ChangeError> {
    match change {
        Change::Create { subject, username, groups } => {
            create(document, subject, username.as_deref(), groups, deciding)
        }
        Change::Set { subject, username, groups } => set(document, subject, username.as_deref(), groups, deciding),
        Change::Delete(selector) => delete(document, selector),
    }
}

fn create(
    document: &Document,
    subject: &Subject,
    username: Option<&str>,
    groups: &[String],
    deciding: Deciding,
) -> Result<Plan, ChangeError> {
    let rows = find::about(document, subject);
    let Some(row) = rows.last() else { return insert(document, subject, username, groups, deciding) };
    let default = subject.to_string();
    let same_username = row.username() == Some(username.unwrap_or(&default)) || row.section == Section::MapAccounts;
    if rows.len() == 1 && same_username && same_groups(row, groups) {
        return Ok(unchanged(subject));
    }
    let (section, mark) = (row.section, row.mark());
    Err(ChangeError::Exists { subject: subject.to_string(), section, mark })
}

fn same_groups(row: &Row<'_>, groups: &[String]) -> bool {
    let sorted = |mut groups: Vec<&str>| {
        groups.sort_unstable();
        groups.dedup();
        groups.into_iter().map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    sorted(row.groups()) == sorted(groups.iter().map(String::as_str).collect())
}

fn unchanged(subject: &Subject) -> Plan {
    Plan { operations: Vec::new(), outcome: Outcome::Unchanged, subjects: Vec::from([subject.to_string()]) }
}

fn insert(
    document: &Document,
    subject: &Subject,
    username: Option<&str>,
    groups: &[String],
    deciding: Deciding,
) -> Result<Plan, ChangeError> {
    let username = username.map_or_else(|| subject.to_string(), ToOwned::to_owned);
    let row = match subject {
        Subject::Principal(arn) => NewRow::arn(arn.as_str(), Some(username), groups.to_vec()),
        Subject::Account(account) => NewRow::account(account.to_string()),
        Subject::Sso(_) if deciding != Deciding::Known(Authenticator::KubeIam) => {
            return Err(ChangeError::OnlyKubeIam(deciding));
        }
        Subject::Sso(set) => {
            let principal = NewPrincipal::Sso(set.clone());
            NewRow { principal, username: Some(username), groups: groups.to_vec() }
        }
    };
    let section = subject.section();
    let before = document.rows(section).count();
    let operations = Vec::from([Operation::Insert { section, before, row }]);
    Ok(Plan { operations, outcome: Outcome::Created, subjects: Vec::from([subject.to_string()]) })
}

fn set(
    document: &Document,
    subject: &Subject,
    username: Option<&str>,
    groups: &Groups,
    deciding: Deciding,
) -> Result<Plan, ChangeError> {
    let rows = find::about(document, subject);
    let row = match rows.as_slice() {
        [] => return insert(document, subject, username, &groups.applied_to(&[]), deciding),
        [row] => row,
        [first, .., last] => {
            let (first, last) = ((first.section, first.mark()), (last.section, last.mark()));
            return Err(ChangeError::Twice { subject: subject.to_string(), first, last });
        }
    };
    if row.section == Section::MapAccounts {
        return Ok(unchanged(subject));
    }
    let current = row.groups();
    let wanted = groups.applied_to(&current);
    let change = RowChange {
        arn: None,
        username: username.filter(|username| row.username() != Some(username)).map(ToOwned::to_owned),
        groups: Some(wanted).filter(|wanted| wanted.iter().ne(current.iter())),
    };
    if change == RowChange::default() {
        return Ok(unchanged(subject));
    }
    let operations = Vec::from([Operation::Change { section: row.section, index: row.index, change }]);
    Ok(Plan { operations, outcome: Outcome::Configured, subjects: Vec::from([subject.to_string()]) })
}

fn delete(document: &Document, selector: &Selector) -> Result<Plan, ChangeError> {
    let rows = match selector {
        Selector::Arn(arn) => find::about_arn(document, arn),
        Selector::Subject(subject) => find::about(document, subject),
        Selector::Username(username) => find::by_username(document, username),
    };
    if rows.is_empty() {
        return Err(ChangeError::NotFound(find::missing(document, selector)));
    }
    let mut subjects: Vec<String> = rows.iter().map(find::subject_text).collect();
    subjects.dedup();
    let operations = rows.iter().map(|row| Operation::Remove { section: row.section, index: row.index });
    Ok(Plan { operations: operations.collect(), outcome: Outcome::Deleted, subjects })
}

#[cfg(test)]
mod tests;
