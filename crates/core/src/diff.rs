//! What a change means: which mappings are new, gone or not what they were.
//!
//! Rows are matched by section and principal. Order, comments and quoting mean
//! nothing. Most rows stand unchanged at the beginning and end of both
//! documents and are skipped without looking into them.

mod row;
mod text;

pub use row::{RowDifference, TextChange};
pub use text::text;

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use hashbrown::HashMap;
use serde::Serialize;

use crate::authenticator::Deciding;
use crate::aws_auth::{Document, Row, Section};
use crate::change::PrincipalKey;
use crate::listing::{Listed, listed};
use crate::owners::Owners;

/// One mapping that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Difference {
    /// A mapping that was not there.
    Added {
        /// The mapping, where it stands afterwards.
        mapping: Listed,
    },
    /// A mapping that is gone.
    Removed {
        /// The mapping, where it stood.
        mapping: Listed,
    },
    /// A mapping of the same principal with something else in it.
    Changed {
        /// The mapping, where it stands afterwards.
        mapping: Listed,
        /// In what it differs.
        difference: RowDifference,
    },
}

impl Difference {
    /// The mapping.
    pub fn mapping(&self) -> &Listed {
        match self {
            Self::Added { mapping } | Self::Removed { mapping } | Self::Changed { mapping, .. } => mapping,
        }
    }
}

/// Compares two documents. The owners are those before the change; changes come
/// first in the order of the later document, then what is gone.
pub fn diff(before: &Document, after: &Document, owners: &Owners) -> Vec<Difference> {
    Section::ALL.into_iter().flat_map(|section| of_section(before, after, section, owners)).collect()
}

fn of_section(before: &Document, after: &Document, section: Section, owners: &Owners) -> Vec<Difference> {
    let old: Vec<_> = before.rows(section).collect();
    let new: Vec<_> = after.rows(section).collect();
    let (old, new) = without_common_ends(&old, &new, |a, b| a.node.means(b.node));
    let mut old_by_name: HashMap<_, _, foldhash::fast::FixedState> =
        in_order(old).into_iter().enumerate().map(|(order, (name, rows))| (name, (order, rows))).collect();
    let mut differences = Vec::new();
    for (name, new) in in_order(new) {
        let (_, old) = old_by_name.remove(&name).unwrap_or_default();
        // Of several rows of one principal the unchanged ones are not paired with others.
        let (old, new) = without_common_ends(&old, &new, |a, b| a.node.means(b.node));
        // Rows that name nobody are not about the same either.
        match name {
            Name::Nobody => {
                differences.extend(pairs(&[], new, owners));
                differences.extend(pairs(old, &[], owners));
            }
            Name::Principal(_) | Name::Text(_) => differences.extend(pairs(old, new, owners)),
        }
    }
    let mut gone: Vec<_> = old_by_name.into_values().collect();
    gone.sort_by_key(|(order, _)| *order);
    differences.extend(gone.iter().flat_map(|(_, old)| pairs(old, &[], owners)));
    differences
}

fn pairs<'a>(old: &[Row<'a>], new: &[Row<'a>], owners: &Owners) -> Vec<Difference> {
    let show = |row: Row<'a>| listed(row, owners, Deciding::Unknown);
    let both = old.len().min(new.len());
    let changed = old.iter().zip(new).filter_map(|(old, new)| {
        let difference = RowDifference::between(old, new)?;
        Some(Difference::Changed { mapping: show(*new), difference })
    });
    let added = new.iter().skip(both).map(|row| Difference::Added { mapping: show(*row) });
    let removed = old.iter().skip(both).map(|row| Difference::Removed { mapping: show(*row) });
    changed.chain(added).chain(removed).collect()
}

/// What rows are matched by: the principal, or the text where one should be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Name {
    Principal(PrincipalKey),
    Text(String),
    Nobody,
}

impl Name {
    fn of(row: &Row<'_>) -> Self {
        match PrincipalKey::of_row(row) {
            Some(key) => Self::Principal(key),
            None => row.arn().or_else(|| row.account()).map_or(Self::Nobody, |text| Self::Text(text.to_string())),
        }
    }
}

/// Rows by what they are matched by, in the order of the first one of each.
fn in_order<'a>(rows: &[Row<'a>]) -> Vec<(Name, Vec<Row<'a>>)> {
    let mut places: HashMap<Name, usize, foldhash::fast::FixedState> = HashMap::default();
    let mut in_order: Vec<(Name, Vec<Row<'a>>)> = Vec::new();
    for row in rows {
        let name = Name::of(row);
        let place = *places.entry(name.clone()).or_insert(in_order.len());
        match in_order.get_mut(place) {
            Some((_, rows)) => rows.push(*row),
            None => in_order.push((name, Vec::from([*row]))),
        }
    }
    in_order
}

/// Both without the items that they begin and end with alike.
fn without_common_ends<'s, T>(old: &'s [T], new: &'s [T], same: impl Fn(&T, &T) -> bool) -> (&'s [T], &'s [T]) {
    let head = old.iter().zip(new).take_while(|(a, b)| same(a, b)).count();
    let (old, new) = (old.get(head..).unwrap_or_default(), new.get(head..).unwrap_or_default());
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| same(a, b)).count();
    (old.get(..old.len() - tail).unwrap_or_default(), new.get(..new.len() - tail).unwrap_or_default())
}

#[cfg(test)]
mod tests;
