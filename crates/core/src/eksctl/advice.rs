//! What eksctl does not say about a deletion, for stderr.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::delete::Target;
use super::stored;
use crate::aws_auth::{Data, Section};

/// Warnings about a deletion: what it leaves in force.
pub fn on_delete(data: &Data, target: Target<'_>) -> Vec<String> {
    let advice = match target {
        Target::Arn { arn, all: false } => shadowed(data, arn),
        Target::Arn { .. } => None,
        Target::Account(account) => {
            let rows = stored::accounts(data, true).unwrap_or_default();
            let is_twice = rows.iter().filter(|row| *row == account).count() > 1;
            is_twice.then(|| format!("account `{account}` stands in `mapAccounts` more than once; it is still let in"))
        }
    };
    advice.into_iter().collect()
}

/// Without `--all` the first row goes, and of several the last one counts.
fn shadowed(data: &Data, arn: &str) -> Option<String> {
    let identities = stored::identities(data).ok()?;
    let first = identities.iter().find(|identity| identity.arn == arn)?;
    let section = first.section;
    let last = identities.iter().rfind(|identity| identity.section == section && identity.arn == arn)?;
    (first.index != last.index).then(|| {
        format!(
            "{} was without effect; {} still lets `{arn}` in",
            row_name(section, first.index),
            row_name(section, last.index)
        )
    })
}

fn row_name(section: Section, index: usize) -> String {
    format!("row {} of `{section}`", index + 1)
}
