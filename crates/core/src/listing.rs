//! The mappings of a document as they are shown.

mod effective;
mod render;
mod table;

pub use effective::{break_glass, cluster_creator};
pub use render::{json, names, yaml};
pub(crate) use table::aligned;
pub use table::{Columns, table};

use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::fmt;

use hashbrown::HashMap;
use serde::Serialize;

use crate::authenticator::{Deciding, only_kube_iam};
use crate::aws_auth::{Document, Principal, Row, Section, SsoPermissionSet};
use crate::change::{Found, PrincipalKey, Reading, Whom, canonical};
use crate::owners::Owners;

/// Where a mapping comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// A row of aws-auth.
    AwsAuth,
    /// The break-glass file of kube-iam, read before aws-auth.
    BreakGlass,
    /// What EKS gives the creator of a cluster without any row.
    ClusterCreator,
}

/// What comes of a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Status {
    /// It is the one that counts for its principal.
    Active,
    /// Another one of the principal counts.
    Shadowed,
    /// It matches nobody where it is decided.
    NeverMatches,
    /// It can't be read.
    Unreadable,
}

impl Status {
    /// The word for it, in tables and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Shadowed => "Shadowed",
            Self::NeverMatches => "NeverMatches",
            Self::Unreadable => "Unreadable",
        }
    }
}

/// Whom a mapping is about, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Subject {
    /// An ARN, or what stands in the place of one.
    Arn(String),
    /// A permission set.
    Sso(ListedSet),
    /// An account, or what stands in the place of one.
    Account(String),
    /// A row that names nobody.
    #[serde(rename = "text")]
    Nobody(String),
}

/// A permission set, in the words of aws-auth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListedSet {
    /// The name.
    #[serde(rename = "permissionSetName")]
    pub name: String,
    /// The account.
    #[serde(rename = "accountID")]
    pub account: String,
    /// The partition.
    pub partition: &'static str,
}

impl From<&SsoPermissionSet> for ListedSet {
    fn from(set: &SsoPermissionSet) -> Self {
        let partition = set.partition.as_str();
        Self { name: set.name.clone(), account: set.account.to_string(), partition }
    }
}

impl Subject {
    /// One text for it: an ARN, an account, or `sso/PARTITION/ACCOUNT/NAME`.
    pub fn text(&self) -> String {
        match self {
            Self::Arn(text) | Self::Account(text) | Self::Nobody(text) => text.clone(),
            Self::Sso(set) => alloc::format!("sso/{}/{}/{}", set.partition, set.account, set.name),
        }
    }
}

/// The mapping that counts in place of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ShadowedBy {
    /// A row of aws-auth.
    Row {
        /// The section.
        section: Section,
        /// The line in it.
        line: usize,
    },
    /// A row of the break-glass file.
    BreakGlass,
}

impl fmt::Display for ShadowedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Row { section, line } => write!(f, "line {line} of {section}"),
            Self::BreakGlass => f.write_str("break-glass"),
        }
    }
}

/// One mapping as it is shown. Its JSON has these names, and leaves out what
/// there is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// Whom it is about: `arn`, `sso` or `account`.
    #[serde(flatten)]
    pub subject: Subject,
    /// The ARN that callers have whom it matches.
    #[serde(rename = "canonicalARN", skip_serializing_if = "Option::is_none")]
    pub canonical: Option<String>,
    /// Pattern of the username.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Patterns of the groups.
    pub groups: Vec<String>,
    /// Where it comes from.
    pub source: Source,
    /// The section it stands in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section: Option<Section>,
    /// The line in the section.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Who keeps it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<String>,
    /// What comes of it.
    pub status: Status,
    /// What counts in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shadowed_by: Option<ShadowedBy>,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// What all mappings of the principal share.
    #[serde(skip)]
    pub key: Option<PrincipalKey>,
}

/// The mappings of a document in the order written: roles, users, accounts.
pub fn listing(document: &Document, owners: &Owners, deciding: Deciding) -> Vec<Listed> {
    let rows = Section::ALL.into_iter().flat_map(|section| document.rows(section));
    let mut listed: Vec<_> = rows.map(|row| listed(row, owners, deciding)).collect();
    mark_shadowed(&mut listed);
    listed
}

/// Marks the rows in whose place another counts: the last one, in mapRoles
/// before mapUsers. A row that matches nobody counts only among its like.
fn mark_shadowed(listed: &mut [Listed]) {
    let rank = |(index, row): (usize, &Listed)| (row.status == Status::Active, Reverse(row.section), index);
    let can_be_read = |row: &Listed| row.status != Status::Unreadable;
    let mut counting: HashMap<PrincipalKey, _, foldhash::fast::FixedState> = HashMap::default();
    for (index, row) in listed.iter().enumerate().filter(|(_, row)| can_be_read(row)) {
        let (Some(key), Some(section), Some(line)) = (&row.key, row.section, row.line) else { continue };
        let (rank, by) = (rank((index, row)), ShadowedBy::Row { section, line });
        if counting.get(key).is_none_or(|(best, _)| rank > *best) {
            counting.insert(key.clone(), (rank, by));
        }
    }
    for (index, row) in listed.iter_mut().enumerate().filter(|(_, row)| can_be_read(row)) {
        let best = row.key.as_ref().and_then(|key| counting.get(key));
        if let Some((_, by)) = best.filter(|((.., counting), _)| *counting != index) {
            row.shadowed_by = Some(*by);
            if row.status == Status::Active {
                row.status = Status::Shadowed;
            }
        }
    }
}

/// One row. Whom it stands for is shown even if the row can't be read.
pub(crate) fn listed(row: Row<'_>, owners: &Owners, deciding: Deciding) -> Listed {
    let found = Found::of(row);
    let problem = problem(&row, found.as_ref().map(|(_, found)| found), deciding);
    let principal = found.as_ref().and_then(|(_, found)| match &found.reading {
        Reading::Mapping(mapping) => Some(&mapping.principal),
        Reading::Account | Reading::Half(_) => None,
    });
    let canonical = match principal {
        Some(Principal::Arn(arn)) => Some(canonical(arn).into_owned()),
        Some(Principal::Sso(_)) | None => None,
    };
    let (status, problem) = problem.map_or((Status::Active, None), |(status, text)| (status, Some(text)));
    let owners = found.as_ref().map(|(key, _)| owners.of(row.section, key)).unwrap_or_default();
    Listed {
        subject: subject(&row, principal),
        canonical,
        username: row.username().map(ToOwned::to_owned),
        groups: row.groups().into_iter().map(ToOwned::to_owned).collect(),
        source: Source::AwsAuth,
        section: Some(row.section),
        line: Some(row.mark().line),
        owners: owners.into_iter().map(ToString::to_string).collect(),
        status,
        shadowed_by: None,
        problem,
        key: found.map(|(key, _)| key),
    }
}

fn subject(row: &Row<'_>, principal: Option<&Principal>) -> Subject {
    match (row.section, principal, row.arn()) {
        (Section::MapAccounts, ..) => match row.account() {
            Some(account) => Subject::Account(account.to_owned()),
            None => Subject::Nobody(row.node.describe().to_owned()),
        },
        (_, Some(Principal::Sso(set)), _) => Subject::Sso(set.into()),
        (_, _, Some(arn)) => Subject::Arn(arn.to_owned()),
        (_, Some(Principal::Arn(arn)), None) => Subject::Arn(arn.to_string()),
        (_, None, None) => Subject::Nobody(row.node.describe().to_owned()),
    }
}

/// Why a row gives nobody anything.
fn problem(row: &Row<'_>, found: Option<&Found<'_>>, deciding: Deciding) -> Option<(Status, String)> {
    let Some(found) = found else {
        let why = match row.section {
            Section::MapAccounts => "it is not an account ID, which has twelve digits".to_owned(),
            Section::MapRoles | Section::MapUsers => row.reading().err()?.error.to_string(),
        };
        return Some((Status::Unreadable, why));
    };
    match &found.reading {
        Reading::Half(reason) => Some((Status::Unreadable, reason.clone())),
        Reading::Mapping(mapping) if !found.is_alive(deciding) => {
            let why = match only_kube_iam(&mapping.principal) {
                Some(why) => alloc::format!("it matches only where kube-iam decides: {why}"),
                None => "its ARN shows a region, and no caller's does".to_owned(),
            };
            Some((Status::NeverMatches, why))
        }
        Reading::Mapping(_) | Reading::Account => None,
    }
}

/// Which mappings are shown; what is `None` does not narrow the choice.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Those about this principal, or with exactly this text for an ARN or account.
    pub principal: Option<String>,
    /// Those with exactly this pattern of a username.
    pub username: Option<String>,
    /// Those with this group.
    pub group: Option<String>,
    /// Those that this owner keeps.
    pub owner: Option<String>,
}

impl Filter {
    /// Takes out what is not to be shown.
    pub fn apply(&self, listed: &mut Vec<Listed>) {
        let key = self
            .principal
            .as_deref()
            .and_then(|text| Whom::of_arn(text).or_else(|_| Whom::of_account(text)).ok().map(|whom| whom.key()));
        listed.retain(|row| {
            let is_whom = |text: &String| (key.is_some() && row.key == key) || row.subject.text() == *text;
            self.principal.as_ref().is_none_or(is_whom)
                && self.username.as_ref().is_none_or(|name| row.username.as_ref() == Some(name))
                && self.group.as_ref().is_none_or(|group| row.groups.contains(group))
                && self.owner.as_ref().is_none_or(|owner| row.owners.contains(owner))
        });
    }
}

#[cfg(test)]
mod tests;
