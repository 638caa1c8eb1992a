//! `delete iamidentitymapping`.

use alloc::format;
use alloc::vec::Vec;

use super::go_text::{quoted, quoted_list};
use super::line::Line;
use super::plan::{Plan, Refusal};
use super::stored::{self, Identity};
use crate::aws_auth::{Data, Operation, Section};

/// What to delete. Texts are compared byte by byte and never read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// A role or user.
    Arn {
        /// Its ARN.
        arn: &'a str,
        /// Every row of it instead of the first.
        all: bool,
    },
    /// The first row of a whole account.
    Account(&'a str),
}

/// Plans a deletion.
pub fn delete(data: &Data, target: Target<'_>) -> Plan {
    let planned = match target {
        Target::Arn { arn, all } => delete_arn(data, arn, all),
        Target::Account(account) => delete_account(data, account),
    };
    planned.unwrap_or_else(Plan::refused)
}

fn delete_arn(data: &Data, arn: &str, all: bool) -> Result<Plan, Refusal> {
    let identities = stored::identities(data)?;
    let found: Vec<_> = identities.iter().filter(|identity| identity.arn == arn).collect();
    let removed = if all { found.len() } else { found.len().min(1) };
    if removed == 0 && !all {
        return Err(Refusal::ArnNotFound(arn.into()));
    }
    let line = |identity: &&Identity| {
        let (arn, username, groups) = (quoted(arn), quoted(&identity.username), quoted_list(&identity.groups));
        let text = format!("removing identity {arn} from auth ConfigMap (username = {username}, groups = {groups})");
        Line::info(text)
    };
    let left = found.len() - removed;
    let found: Vec<_> = found.into_iter().take(removed).collect();
    let after = (left > 0).then(|| {
        let arn = quoted(arn);
        Line::warning(format!("there are {left} mappings left with same arn {arn} (use --all to delete them at once)"))
    });
    Ok(Plan {
        operations: found
            .iter()
            .map(|Identity { section, index, .. }| Operation::Remove { section: *section, index: *index })
            .collect(),
        log: found.iter().map(line).collect(),
        after: after.into_iter().collect(),
        ..Plan::default()
    })
}

fn delete_account(data: &Data, account: &str) -> Result<Plan, Refusal> {
    let accounts = stored::accounts(data, true)?;
    let index = accounts.iter().position(|text| text == account);
    let index = index.ok_or_else(|| Refusal::AccountNotFound(account.into()))?;
    let section = Section::MapAccounts;
    Ok(Plan {
        operations: Vec::from([Operation::Remove { section, index }]),
        log: Vec::from([Line::info(format!("removing account {} from auth ConfigMap", quoted(account)))]),
        ..Plan::default()
    })
}
