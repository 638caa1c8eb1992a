//! One mapping created or changed.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::rows::{about, same_groups};
use super::{
    ChangeError, Found, GroupsChange, Judgement, Planned, Reading, RowPlace, Wanted, Whom, insert, may_write,
    writes_arn,
};
use crate::authenticator::Deciding;
use crate::aws_auth::{Document, MappingRow, NewPrincipal, Operation, RowChange};
use crate::shown::excerpt;

fn needs_role(whom: &Whom, deciding: Deciding) -> Result<(), ChangeError> {
    match whom {
        Whom::PermissionSet(set) if !may_write(whom, deciding) => Err(ChangeError::NeedsRole(set.clone(), deciding)),
        _ => Ok(()),
    }
}

/// Only the account itself is written in mapAccounts.
fn of_account(wanted: &Wanted) -> Result<(), ChangeError> {
    let is_more = wanted.username.is_some() || !wanted.groups.is_empty();
    if matches!(wanted.whom, Whom::Account(_)) && is_more { Err(ChangeError::OfAccount) } else { Ok(()) }
}

pub(super) fn create(document: &Document, wanted: &Wanted, deciding: Deciding) -> Result<Planned, ChangeError> {
    needs_role(&wanted.whom, deciding)?;
    of_account(wanted)?;
    let rows = about(document, &wanted.whom.key());
    if rows.is_empty() {
        return new(document, wanted);
    }
    let other = rows.iter().find_map(|found| Some((found, difference(found, wanted, deciding)?)));
    match other {
        None => Ok(Planned::default()),
        Some((found, differs)) => match &found.reading {
            Reading::Half(reason) => Err(unreadable(&wanted.whom, found, reason)),
            _ => {
                let principal = wanted.whom.to_string();
                let place = (&found.row).into();
                Err(ChangeError::Exists { principal, place, differs })
            }
        },
    }
}

fn unreadable(whom: &Whom, found: &Found<'_>, reason: &str) -> ChangeError {
    ChangeError::Unreadable { principal: whom.to_string(), place: (&found.row).into(), reason: reason.to_string() }
}

/// In what a row is not what is wanted, as the end of a sentence.
fn difference(found: &Found<'_>, wanted: &Wanted, deciding: Deciding) -> Option<String> {
    if !found.gives(wanted) {
        let Reading::Mapping(row) = &found.reading else { return Some(String::from("and can't be read")) };
        let groups: Vec<_> = row.groups.iter().map(|group| excerpt(group)).collect();
        let groups =
            if groups.is_empty() { String::from("no groups") } else { format!("groups `{}`", groups.join("`, `")) };
        return Some(match row.username.as_deref() {
            Some(username) => format!("with username `{}` and {groups}", excerpt(username)),
            None => format!("without username and with {groups}"),
        });
    }
    let dead = !found.is_alive(deciding);
    dead.then(|| String::from("in a form that not every authenticator matches"))
}

/// A mapping of somebody who has none.
fn new(document: &Document, wanted: &Wanted) -> Result<Planned, ChangeError> {
    let mut judgement = Judgement::default();
    judgement.mapping(wanted);
    finish(judgement, Vec::from([insert(document.rows(wanted.whom.section()).count(), wanted)]), &wanted.whom)
}

fn finish(judgement: Judgement, operations: Vec<Operation>, whom: &Whom) -> Result<Planned, ChangeError> {
    if !judgement.errors.is_empty() {
        return Err(ChangeError::Words(judgement.errors));
    }
    let mut findings = judgement.findings;
    if operations.iter().any(writes_arn) {
        findings.extend(whom.note());
    }
    Ok(Planned { operations, findings })
}

pub(super) fn set(
    document: &Document,
    whom: &Whom,
    username: Option<&str>,
    groups: &GroupsChange,
    deciding: Deciding,
) -> Result<Planned, ChangeError> {
    needs_role(whom, deciding)?;
    let rows = about(document, &whom.key());
    let Some(first) = rows.first() else { return set_new(document, whom, username, groups) };
    let wanted = Wanted { whom: whom.clone(), username: username.map(Into::into), groups: groups.apply(&[]) };
    of_account(&wanted)?;
    if let Some((found, reason)) = rows.iter().find_map(|found| Some((found, found.unreadable()?))) {
        return Err(unreadable(whom, found, reason));
    }
    if !rows.iter().all(|found| found.same_as(first)) {
        let places = rows.iter().map(|found| RowPlace::from(&found.row)).collect();
        return Err(ChangeError::Duplicates { principal: whom.to_string(), places });
    }
    let (mut judgement, mut operations) = (Judgement::default(), Vec::new());
    // Rows that say the same stay alike: which of them counts depends on who decides.
    for found in &rows {
        let Reading::Mapping(row) = &found.reading else { continue };
        let new = groups.apply(&row.groups);
        if operations.is_empty() {
            judgement.change(row, username, &new);
        }
        operations.extend(change(found, row, whom, username, new, deciding));
    }
    finish(judgement, operations, whom)
}

fn set_new(
    document: &Document,
    whom: &Whom,
    username: Option<&str>,
    groups: &GroupsChange,
) -> Result<Planned, ChangeError> {
    let only_removes =
        matches!(groups, GroupsChange::AddRemove { add, remove } if add.is_empty() && !remove.is_empty());
    if only_removes && username.is_none() {
        return Err(ChangeError::NotFound { what: whom.to_string(), nearest: None });
    }
    let wanted = Wanted { whom: whom.clone(), username: username.map(Into::into), groups: groups.apply(&[]) };
    of_account(&wanted)?;
    new(document, &wanted)
}

/// The operation that gives a row new values, if it has not got them.
pub(crate) fn change(
    found: &Found<'_>,
    row: &MappingRow,
    whom: &Whom,
    username: Option<&str>,
    groups: Vec<String>,
    deciding: Deciding,
) -> Option<Operation> {
    let arn = match whom.to_write() {
        NewPrincipal::Arn(arn) if !found.is_alive(deciding) => Some(arn),
        NewPrincipal::Arn(_) | NewPrincipal::Sso(_) | NewPrincipal::Account(_) => None,
    };
    let username = username.filter(|name| row.username.as_deref() != Some(name)).map(Into::into);
    let groups = Some(groups).filter(|groups| !same_groups(groups, &row.groups));
    let change = RowChange { arn, username, groups };
    let is_change = change != RowChange::default();
    is_change.then_some(Operation::Change { section: found.row.section, index: found.row.index, change })
}

impl GroupsChange {
    /// The groups of a mapping that has these.
    fn apply(&self, current: &[String]) -> Vec<String> {
        match self {
            Self::Keep => current.to_vec(),
            Self::Replace(groups) => groups.clone(),
            Self::AddRemove { add, remove } => {
                let mut groups = current.to_vec();
                for group in add {
                    if !groups.contains(group) {
                        groups.push(group.clone());
                    }
                }
                groups.retain(|group| !remove.contains(group));
                groups
            }
        }
    }
}

impl Found<'_> {
    pub(crate) fn unreadable(&self) -> Option<&str> {
        match &self.reading {
            Reading::Half(reason) => Some(reason),
            Reading::Mapping(_) | Reading::Account => None,
        }
    }
}

impl Judgement {
    /// Looks at all words of a new mapping.
    pub(crate) fn mapping(&mut self, wanted: &Wanted) {
        if let Some(username) = &wanted.username {
            self.username(username, &wanted.groups);
        }
        wanted.groups.iter().for_each(|group| self.group(group));
    }

    /// Looks at the words that a row does not have yet.
    pub(crate) fn change(&mut self, row: &MappingRow, username: Option<&str>, groups: &[String]) {
        if let Some(username) = username.filter(|name| row.username.as_deref() != Some(name)) {
            self.username(username, groups);
        }
        groups.iter().filter(|group| !row.groups.contains(group)).for_each(|group| self.group(group));
    }
}
