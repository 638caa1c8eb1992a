//! What it takes to let the nodes of some roles in.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use hashbrown::HashSet;

use super::{Kind, NodeRole, rows};
use crate::arn::Arn;
use crate::authenticator::Deciding;
use crate::aws_auth::{Data, Document, EditError, MappingRow, Principal, Section};
use crate::change::{
    self, Change, ChangeError, Found, GroupsChange, Planned, PrincipalKey, Reading, RowPlace, Whom, about, counting,
};
use crate::finding::{Finding, Severity};
use crate::manifest::Manifest;
use crate::partition::Partition;
use crate::shown::excerpt;

/// Why rows for nodes are not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The role has a row by which it is somebody else.
    #[error("`{role}` is already mapped in {place}, {as_whom}; {kind} nodes need username `{wanted}`")]
    Taken {
        /// The role.
        role: String,
        /// The row.
        place: RowPlace,
        /// With which username, in words.
        as_whom: String,
        /// The kind of the nodes.
        kind: Kind,
        /// The username that they need.
        wanted: &'static str,
        /// Whether it is a row for nodes, of another kind.
        for_nodes: bool,
    },
    /// Rows of one cluster are of one partition.
    #[error("`{role}` is of partition `{of}`, and the rows that are there are of `{cluster}`")]
    Partition {
        /// The role.
        role: String,
        /// Its partition.
        of: Partition,
        /// That of the rows.
        cluster: Partition,
    },
    /// Roles of one cluster are of one partition.
    #[error("`{role}` is of partition `{of}`, and `{other}` is of `{other_of}`")]
    Partitions {
        /// A role.
        role: String,
        /// Its partition.
        of: Partition,
        /// The first role.
        other: String,
        /// Its partition.
        other_of: Partition,
    },
    /// A row of the role can't be changed.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// The rows don't fit.
    #[error(transparent)]
    Edit(#[from] EditError),
}

impl ApplyError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            // Another username would lock out the nodes that have this one.
            Self::Taken { for_nodes: true, .. } => Some("give nodes of each kind a role of their own".to_owned()),
            Self::Taken { role, .. } => Some(format!(
                "give the nodes a role of their own, or first take the row out with `kube-iam delete mapping --arn {role}`"
            )),
            Self::Partition { .. } => Some("check that the role and the kubeconfig are of the same cluster".to_owned()),
            Self::Partitions { .. } => Some("name the roles of one cluster only, which is in one partition".to_owned()),
            Self::Change(error) => error.hint(),
            Self::Edit(_) => None,
        }
    }
}

/// Plans the rows that let the nodes of these roles in. A row that does so
/// already stays as it is; what one lacks is added, and nothing is taken away.
///
/// # Errors
///
/// A role that is somebody else already, rows that can't be read or contradict
/// each other, and a role of another partition than the rows that are there, or than
/// another role.
pub fn plan(document: &Document, roles: &[NodeRole], deciding: Deciding) -> Result<Planned, ApplyError> {
    let mut planned = Planned::default();
    let mut seen: HashSet<PrincipalKey, foldhash::fast::FixedState> = HashSet::default();
    for role in roles {
        let whom = Whom::Arn(role.arn.clone());
        if !seen.insert(whom.key()) {
            continue;
        }
        same_partition(document, role)?;
        if let Some(first) = roles.first().filter(|first| first.arn.partition() != role.arn.partition()) {
            return Err(ApplyError::Partitions {
                role: role.written(),
                of: role.arn.partition(),
                other: first.written(),
                other_of: first.arn.partition(),
            });
        }
        let rows = about(document, &whom.key());
        let readable = rows.iter().all(|found| found.unreadable().is_none());
        let is_right = |found: &Found<'_>| found.is_alive(deciding) && gives(found, role);
        if readable && counting(&rows, deciding).is_some_and(is_right) {
            continue;
        }
        if let Some(error) = rows.iter().find_map(|found| taken(found, role)) {
            return Err(error);
        }
        let groups = role.kind.groups().iter().map(|group| (*group).to_owned()).collect();
        let set = Change::Set {
            whom,
            username: Some(role.kind.username().to_owned()),
            groups: GroupsChange::AddRemove { add: groups, remove: Vec::new() },
        };
        let Planned { operations, findings } = change::plan(document, &set, deciding)?;
        planned.operations.extend(operations);
        planned.findings.extend(findings);
        planned.findings.extend(foreign(document, role));
    }
    Ok(planned)
}

/// The manifest of an aws-auth that lets these nodes in and nobody else: the one
/// that AWS offers for download, with the ARN filled in.
///
/// # Errors
///
/// More roles than a ConfigMap holds, and roles of several partitions.
pub fn stock(roles: &[NodeRole]) -> Result<String, ApplyError> {
    let Ok(empty) = Document::parse(&Data::new()) else { return Ok(String::new()) };
    let planned = plan(&empty, roles, Deciding::Unknown)?;
    Ok(Manifest::fresh(&empty.edit(&planned.operations)?.changed))
}

/// Whether a row gives all that the nodes of a role need.
fn gives(found: &Found<'_>, role: &NodeRole) -> bool {
    let Reading::Mapping(row) = &found.reading else { return false };
    let has = |group: &&str| row.groups.iter().any(|one| one == *group);
    row.username.as_deref() == Some(role.kind.username()) && role.kind.groups().iter().all(has)
}

/// Why a row is not made one for these nodes: it makes the role somebody else.
fn taken(found: &Found<'_>, role: &NodeRole) -> Option<ApplyError> {
    let Reading::Mapping(row) = &found.reading else { return None };
    let for_nodes = rows::is_for_nodes(row);
    let as_whom = match row.username.as_deref().filter(|name| !name.is_empty()) {
        Some(name) if name == role.kind.username() => return None,
        Some(name) => format!("with username `{}`", excerpt(name)),
        None if for_nodes => return None,
        None => "without username".to_owned(),
    };
    Some(ApplyError::Taken {
        role: role.written(),
        place: (&found.row).into(),
        as_whom,
        kind: role.kind,
        wanted: role.kind.username(),
        for_nodes,
    })
}

fn arns(document: &Document) -> impl Iterator<Item = (MappingRow, Arn)> {
    let rows = [Section::MapRoles, Section::MapUsers].into_iter().flat_map(|section| document.rows(section));
    rows.filter_map(|row| row.reading().ok()).filter_map(|row| match row.principal.clone() {
        Principal::Arn(arn) => Some((row, arn)),
        Principal::Sso(_) => None,
    })
}

fn same_partition(document: &Document, role: &NodeRole) -> Result<(), ApplyError> {
    let cluster = arns(document).next().map(|(_, arn)| arn.partition());
    match cluster.filter(|cluster| *cluster != role.arn.partition()) {
        Some(cluster) => Err(ApplyError::Partition { role: role.arn.to_string(), of: role.arn.partition(), cluster }),
        None => Ok(()),
    }
}

/// A role of another account than all nodes so far is rarely meant: EC2 would be
/// asked about the instances in the cluster's own.
fn foreign(document: &Document, role: &NodeRole) -> Option<Finding> {
    let mut accounts =
        arns(document).filter(|(row, _)| rows::is_for_nodes(row)).map(|(_, arn)| arn.account()).peekable();
    accounts.peek()?;
    if accounts.any(|account| account == role.arn.account()) {
        return None;
    }
    Some(Finding {
        rule: "foreign-account",
        severity: Severity::Warn,
        section: None,
        mark: None,
        message: format!("account {} is not that of any other node role", role.arn.account()),
        hint: Some("compare it with `aws sts get-caller-identity` on a node".to_owned()),
    })
}

#[cfg(test)]
mod tests;
