//! Mappings deleted.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::{ChangeError, Planned, PrincipalKey, Selector, Whom};
use crate::arn::Arn;
use crate::aws_auth::{Document, Operation, Principal, Row, Section, SsoPermissionSet};
use crate::shown::excerpt;

pub(super) fn delete(document: &Document, selector: &Selector) -> Result<Planned, ChangeError> {
    let key = match selector {
        Selector::Arn(text) => text.parse::<Arn>().ok().map(|arn| PrincipalKey::of(&Principal::Arn(arn))),
        Selector::Whom(whom) => Some(whom.key()),
        Selector::Username(_) => None,
    };
    let rows = || Section::ALL.into_iter().flat_map(|section| document.rows(section));
    let selected = rows().filter(|row| is_selected(row, selector, key.as_ref()));
    let operations: Vec<_> = selected.map(|row| Operation::Remove { section: row.section, index: row.index }).collect();
    if operations.is_empty() {
        return Err(ChangeError::NotFound { what: described(selector), nearest: nearest(rows(), selector) });
    }
    Ok(Planned { operations, findings: Vec::new() })
}

fn is_selected(row: &Row<'_>, selector: &Selector, key: Option<&PrincipalKey>) -> bool {
    let by_key = || key.is_some() && PrincipalKey::of_row(row).as_ref() == key;
    let is_mapping = row.section != Section::MapAccounts;
    match selector {
        Selector::Arn(text) => is_mapping && (row.arn() == Some(text) || by_key()),
        Selector::Username(text) => is_mapping && row.username() == Some(text),
        Selector::Whom(Whom::PermissionSet(set)) => by_key() || is_mapping && is_role_of(row, set),
        Selector::Whom(_) => by_key(),
    }
}

/// Whether a row is about a role that was provisioned for a permission set.
fn is_role_of(row: &Row<'_>, set: &SsoPermissionSet) -> bool {
    let arn = row.arn().and_then(|text| text.parse::<Arn>().ok());
    arn.and_then(|arn| SsoPermissionSet::of_role(&arn)).as_ref() == Some(set)
}

fn described(selector: &Selector) -> String {
    match selector {
        Selector::Arn(text) => format!("`{}`", excerpt(text)),
        Selector::Username(text) => format!("username `{}`", excerpt(text)),
        Selector::Whom(whom) => format!("{whom}"),
    }
}

/// Most single letters in which a text may be misspelt.
const TYPOS: usize = 4;

/// What is there and spelt nearly so.
fn nearest<'a>(rows: impl Iterator<Item = Row<'a>>, selector: &Selector) -> Option<String> {
    let mapping = |row: &Row<'a>| row.section != Section::MapAccounts;
    let (wanted, texts): (&str, Vec<&str>) = match selector {
        Selector::Arn(text) => (text, rows.filter(mapping).filter_map(|row| row.arn()).collect()),
        Selector::Whom(Whom::Arn(arn)) => (arn.as_str(), rows.filter(mapping).filter_map(|row| row.arn()).collect()),
        Selector::Username(text) => (text, rows.filter(mapping).filter_map(|row| row.username()).collect()),
        Selector::Whom(Whom::Account(account)) => (account.as_str(), rows.filter_map(|row| row.account()).collect()),
        Selector::Whom(Whom::PermissionSet(_)) => return None,
    };
    let near = texts.into_iter().filter(|text| text.len().abs_diff(wanted.len()) <= TYPOS && text.len() < 256);
    let measured = near.map(|text| (strsim::osa_distance(text, wanted), text));
    // An error says this once; a document has some thousand rows at most.
    let (_, text) = measured.filter(|(distance, _)| *distance <= TYPOS).min()?;
    Some(text.into())
}
