//! In what two rows of one principal differ.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;

use crate::aws_auth::Row;

/// A text before and after; nothing where there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TextChange {
    /// Before.
    pub before: Option<String>,
    /// After.
    pub after: Option<String>,
}

/// In what two rows of one principal differ. What is alike is left out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RowDifference {
    /// Spelling of the ARN or account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spelling: Option<TextChange>,
    /// Pattern of the username.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<TextChange>,
    /// Groups that are new.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub added_groups: Vec<String>,
    /// Groups that are gone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub removed_groups: Vec<String>,
    /// Other keys of the row that have another value, or came, or went.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_keys: Vec<String>,
}

/// Keys that have a field of their own.
const OWN_FIELDS: [&str; 4] = ["rolearn", "userarn", "username", "groups"];

impl RowDifference {
    /// Compares two rows; nothing if only the order of groups or keys differs.
    pub(super) fn between(old: &Row<'_>, new: &Row<'_>) -> Option<Self> {
        let spelt = |row: &Row<'_>| row.account().or_else(|| row.arn()).map(ToOwned::to_owned);
        let groups = |row: &Row<'_>| row.groups().into_iter().map(ToOwned::to_owned).collect::<Vec<_>>();
        let (old_groups, new_groups) = (groups(old), groups(new));
        let difference = Self {
            spelling: TextChange::between(spelt(old), spelt(new)),
            username: TextChange::between(old.username().map(Into::into), new.username().map(Into::into)),
            added_groups: without(&new_groups, &old_groups),
            removed_groups: without(&old_groups, &new_groups),
            other_keys: other_keys(old, new),
        };
        (difference != Self::default()).then_some(difference)
    }
}

impl TextChange {
    fn between(before: Option<String>, after: Option<String>) -> Option<Self> {
        (before != after).then_some(Self { before, after })
    }
}

fn without(groups: &[String], others: &[String]) -> Vec<String> {
    let others: BTreeSet<&String> = others.iter().collect();
    groups.iter().filter(|group| !others.contains(group)).cloned().collect()
}

fn other_keys(old: &Row<'_>, new: &Row<'_>) -> Vec<String> {
    let keys = |row: &Row<'_>| {
        row.node.entries().unwrap_or_default().iter().map(|entry| entry.key.to_owned()).collect::<Vec<_>>()
    };
    let all: BTreeSet<String> = keys(old).into_iter().chain(keys(new)).collect();
    let differs = |key: &String| {
        let is_text = |row: &Row<'_>| {
            row.value(key).is_none_or(|value| value.as_text().is_some() || value.as_sequence().is_some())
        };
        let own_field = OWN_FIELDS.iter().any(|own| own.eq_ignore_ascii_case(key)) && is_text(old) && is_text(new);
        let same = match (old.value(key), new.value(key)) {
            (Some(old), Some(new)) => old.means(new),
            (old, new) => old.is_none() && new.is_none(),
        };
        !own_field && !same
    };
    all.into_iter().filter(differs).collect()
}
