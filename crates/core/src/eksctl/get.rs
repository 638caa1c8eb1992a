//! `get iamidentitymapping`: which rows are shown.

use alloc::string::String;
use alloc::vec::Vec;

use super::plan::Refusal;
use super::stored::{self, Identity};
use crate::aws_auth::{Data, Section};

/// One row of the answer; what is not there is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shown {
    /// Whether the ARN is a user's: it stood in mapUsers.
    pub is_user: bool,
    /// The ARN.
    pub arn: String,
    /// The pattern of the username.
    pub username: String,
    /// The patterns of the groups.
    pub groups: Vec<String>,
    /// The account, of a row of mapAccounts.
    pub account: Option<String>,
}

/// All rows in stored order, or those with exactly this ARN.
///
/// # Errors
///
/// Sections that can't be read; an ARN that no row has.
pub fn get(data: &Data, arn: Option<&str>) -> Result<Vec<Shown>, Refusal> {
    let identity = |Identity { section, arn, username, groups, .. }| Shown {
        is_user: section == Section::MapUsers,
        arn,
        username,
        groups,
        account: None,
    };
    let account = |account| Shown { account: Some(account), ..Shown::default() };
    let identities = stored::identities(data)?;
    let accounts = stored::accounts(data, false)?;
    let mut shown: Vec<_> = identities.into_iter().map(identity).chain(accounts.into_iter().map(account)).collect();
    if let Some(arn) = arn {
        shown.retain(|row| row.arn == arn);
        if shown.is_empty() {
            return Err(Refusal::NoMapping(arn.into()));
        }
    }
    Ok(shown)
}
