//! Finding the rows that somebody has.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::error::Missing;
use super::{Selector, Subject};
use crate::arn::Arn;
use crate::aws_auth::{Document, Principal, Row, Section};

/// Mapping rows of both kinds; those of mapUsers come first, as they are read.
fn mappings(document: &Document) -> impl Iterator<Item = Row<'_>> {
    document.rows(Section::MapUsers).chain(document.rows(Section::MapRoles))
}

/// All rows about somebody, the one that counts last.
pub(super) fn about<'a>(document: &'a Document, subject: &Subject) -> Vec<Row<'a>> {
    match subject {
        Subject::Principal(arn) => mappings(document).filter(|row| is_about(row, arn)).collect(),
        Subject::Sso(set) => {
            let is_set = |row: &Row<'_>| {
                row.value("sso").is_some()
                    && row.reading().is_ok_and(|row| row.principal == Principal::Sso(set.clone()))
            };
            document.rows(Section::MapRoles).filter(is_set).collect()
        }
        Subject::Account(account) => {
            let account = account.to_string();
            document.rows(Section::MapAccounts).filter(|row| row.account() == Some(&account)).collect()
        }
    }
}

/// All rows about a principal, or with this very text.
pub(super) fn about_arn<'a>(document: &'a Document, text: &str) -> Vec<Row<'a>> {
    let arn: Option<Arn> = text.parse().ok();
    mappings(document)
        .filter(|row| row.arn() == Some(text) || arn.as_ref().is_some_and(|arn| is_about(row, arn)))
        .collect()
}

pub(super) fn by_username<'a>(document: &'a Document, username: &str) -> Vec<Row<'a>> {
    mappings(document).filter(|row| row.username() == Some(username)).collect()
}

fn is_about(row: &Row<'_>, arn: &Arn) -> bool {
    // Most rows are told apart by the end of their ARN.
    let name = arn.role_name().unwrap_or(arn.as_str());
    let is_candidate = |text: &&str| {
        let tail = text.len().checked_sub(name.len()).and_then(|at| text.get(at..));
        tail.is_some_and(|tail| tail.eq_ignore_ascii_case(name)) || text.contains(":assumed-role/")
    };
    let written = row.arn().filter(is_candidate).and_then(|text| text.parse::<Arn>().ok());
    written.is_some_and(|written| written.without_role_path().key() == arn.without_role_path().key())
}

/// Whom a row is about, as it is written.
pub(super) fn subject_text(row: &Row<'_>) -> String {
    let text = row.account().or_else(|| row.arn());
    text.map(ToOwned::to_owned).unwrap_or_else(|| match row.reading() {
        Ok(row) => row.principal.to_string(),
        Err(_) => format!("{}, {}", row.section, row.mark()),
    })
}

/// What was looked for in vain, and what is spelt nearly so.
pub(super) fn missing(document: &Document, selector: &Selector) -> Missing {
    let (what, looked_for) = match selector {
        Selector::Arn(text) => (format!("`{text}`"), text.clone()),
        Selector::Subject(subject) => (format!("`{subject}`"), subject.to_string()),
        Selector::Username(text) => (format!("username `{text}`"), text.clone()),
    };
    let by_username = matches!(selector, Selector::Username(_));
    let rows = mappings(document).chain(document.rows(Section::MapAccounts));
    let spelt = rows.filter_map(|row| match by_username {
        true => row.username().map(ToOwned::to_owned),
        false => Some(subject_text(&row)),
    });
    let close = spelt.take(2_000).map(|text| (strsim::levenshtein(&text, &looked_for), text));
    let nearest = close.filter(|(distance, _)| *distance <= 3).min().map(|(_, text)| text);
    Missing { what, nearest }
}
