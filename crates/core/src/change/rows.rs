//! The rows of a document that are about one principal.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::{PrincipalKey, Wanted, Whom};
use crate::authenticator::{Authenticator, Deciding, Judge};
use crate::aws_auth::{Document, MappingRow, Row, Section};

/// A row of the document and what is read from it.
#[derive(Debug, Clone)]
pub(crate) struct Found<'a> {
    pub(crate) row: Row<'a>,
    pub(crate) reading: Reading,
}

/// What is read from a row.
#[derive(Debug, Clone)]
pub(crate) enum Reading {
    Mapping(MappingRow),
    Account,
    /// A row whose principal can be read, and something else can't.
    Half(String),
}

impl<'a> Found<'a> {
    /// Reads a row; nothing if it can't be read whom it is about.
    pub(crate) fn of(row: Row<'a>) -> Option<(PrincipalKey, Self)> {
        if row.section == Section::MapAccounts {
            return Some((PrincipalKey::of_row(&row)?, Self { row, reading: Reading::Account }));
        }
        match row.reading() {
            Ok(mapping) => {
                Some((PrincipalKey::of(&mapping.principal), Self { row, reading: Reading::Mapping(mapping) }))
            }
            Err(problem) => {
                let key = PrincipalKey::of(problem.principal.as_ref()?);
                Some((key, Self { row, reading: Reading::Half(problem.error.to_string()) }))
            }
        }
    }

    /// Whether username and groups are as wanted. The order of groups has no
    /// meaning. A username that is not wanted may be absent or the default.
    pub(crate) fn gives(&self, wanted: &Wanted) -> bool {
        match &self.reading {
            Reading::Account => true,
            Reading::Half(_) => false,
            Reading::Mapping(mapping) => {
                new_username(mapping, wanted).is_none() && same_groups(&mapping.groups, &wanted.groups)
            }
        }
    }

    /// Whether the row can match callers where it is decided.
    pub(crate) fn is_alive(&self, deciding: Deciding) -> bool {
        // Where nobody reads aws-auth now, anybody may later.
        let deciding = if deciding == Deciding::NotConsulted { Deciding::Unknown } else { deciding };
        match &self.reading {
            Reading::Mapping(mapping) => Judge::is_alive(mapping, deciding),
            Reading::Account => true,
            Reading::Half(_) => false,
        }
    }

    /// Whether both give the same.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        match (&self.reading, &other.reading) {
            (Reading::Mapping(a), Reading::Mapping(b)) => {
                let name = |row: &MappingRow| row.username.clone().unwrap_or_default();
                name(a) == name(b) && same_groups(&a.groups, &b.groups)
            }
            (Reading::Account, Reading::Account) => true,
            _ => false,
        }
    }
}

/// The username that a row must be given to have the wanted one. Nothing, and
/// nothing between quotes, is as good as the default.
pub(crate) fn new_username(row: &MappingRow, wanted: &Wanted) -> Option<String> {
    let is = row.username.as_deref().filter(|text| !text.is_empty());
    let default = wanted.whom.default_username();
    match (wanted.username.as_deref(), is) {
        (None, None) => None,
        (Some(wanted), is) => (is != Some(wanted)).then(|| wanted.into()),
        // Of a permission set the default can't be written; nothing between quotes can.
        (None, is) => (is != default.as_deref()).then(|| default.unwrap_or_default()),
    }
}

pub(crate) fn same_groups(a: &[String], b: &[String]) -> bool {
    if a == b {
        return true;
    }
    let sorted = |groups: &[String]| {
        let mut groups: Vec<_> = groups.to_vec();
        groups.sort_unstable();
        groups.dedup();
        groups
    };
    sorted(a) == sorted(b)
}

/// All rows about a principal, in any section.
pub(crate) fn about<'a>(document: &'a Document, key: &PrincipalKey) -> Vec<Found<'a>> {
    let rows = Section::ALL.into_iter().flat_map(|section| document.rows(section));
    rows.filter_map(Found::of).filter(|(its, _)| its == key).map(|(_, found)| found).collect()
}

/// Whether a row about `whom` may be written where it is decided.
pub(crate) fn may_write(whom: &Whom, deciding: Deciding) -> bool {
    !matches!(whom, Whom::PermissionSet(_)) || deciding == Deciding::Known(Authenticator::KubeIam)
}

/// Of all rows about one principal the one that counts: the last, one of
/// mapRoles before those of mapUsers, and one that matches before all others.
pub(crate) fn counting<'r, 'a>(rows: &'r [Found<'a>], deciding: Deciding) -> Option<&'r Found<'a>> {
    let any_alive = rows.iter().any(|found| found.is_alive(deciding));
    let may_count = |found: &&Found<'a>| !any_alive || found.is_alive(deciding);
    let first_section = rows.iter().find(may_count)?.row.section;
    rows.iter().rev().filter(may_count).find(|found| found.row.section == first_section)
}
