//! The rows of a document that let nodes in.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;

use serde::Serialize;

use super::kind::NODES;
use super::{Kind, Node};
use crate::authenticator::{Deciding, Judge, Mappings, Who};
use crate::aws_auth::{Document, MappingRow, Section};
use crate::node_instance::NODE_USERNAME_PREFIX;
use crate::template::{Placeholder, Template};
use crate::yaml::Mark;

/// Where a row stands, and whom it is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RowRef {
    /// The section.
    pub section: Section,
    /// The line in it.
    pub line: usize,
    /// Whom the row is about.
    pub principal: String,
    /// Where it stands, to the column.
    #[serde(skip)]
    pub mark: Mark,
}

impl RowRef {
    pub(super) fn of(row: &MappingRow) -> Self {
        Self { section: row.section, line: row.mark.line, principal: row.principal.to_string(), mark: row.mark }
    }
}

impl fmt::Display for RowRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.section, self.line)
    }
}

/// Whether a row was written for nodes, be it complete or not.
pub(super) fn is_for_nodes(row: &MappingRow) -> bool {
    row.username.as_deref().is_some_and(|name| name.starts_with(NODE_USERNAME_PREFIX))
        || row.groups.iter().any(|one| one == NODES)
}

/// Whether nodes of a kind get a username by this pattern: an instance's name
/// takes the place of a session name only where there is an instance.
pub(super) fn suits(row: &MappingRow, kind: Kind) -> bool {
    let Some(username) = row.username.as_deref() else { return false };
    let by_instance = Template::parse(username).needs(Placeholder::Ec2PrivateDnsName);
    !by_instance || matches!(kind, Kind::Linux | Kind::Windows)
}

/// Whether a row may be the one by which a node whose role is not known came in.
fn could_be_of(row: &MappingRow, node: &Node) -> bool {
    let Some(template) = row.username.as_deref().map(Template::parse) else { return false };
    let by_session = template.needs(Placeholder::SessionName) || template.needs(Placeholder::SessionNameRaw);
    // On EC2 sessions are named after instances.
    let is_session = !by_session || node.instance_id().is_none_or(|id| id.as_str() == node.name);
    template.could_give(&format!("{NODE_USERNAME_PREFIX}{}", node.name)) && is_session && suits(row, node.kind())
}

/// What an authenticator reads from a document.
pub(super) fn mappings(document: &Document) -> Mappings {
    let [roles, users, accounts] = Section::ALL.map(|section| Ok(document.reading(section)));
    Mappings { roles, users, accounts }
}

/// The rows for nodes that count, and whom they may be of.
pub(super) struct NodeRows<'a> {
    pub(super) judge: Judge<'a>,
    deciding: Deciding,
    pub(super) counting: Vec<&'a MappingRow>,
}

impl<'a> NodeRows<'a> {
    pub(super) fn new(mappings: &'a Mappings, deciding: Deciding) -> Self {
        let judge = Judge::new(mappings);
        let counts = |row: &&MappingRow| {
            let grant = judge.grant(deciding, Who::of_principal(&row.principal));
            grant.is_some_and(|grant| grant.section == row.section && grant.mark == Some(row.mark))
        };
        let rows = mappings.readable().flat_map(|(_, rows)| &rows.mappings);
        let counting = rows.filter(|row| is_for_nodes(row)).filter(counts).collect();
        Self { judge, deciding, counting }
    }

    /// The rows that let a node in: one by its role, or else all that may.
    pub(super) fn of(&self, node: &Node) -> Vec<&'a MappingRow> {
        match node.role() {
            Some(role) => {
                let grant = self.judge.lets_in(self.deciding, role);
                let is_it = |row: &&&MappingRow| {
                    grant.as_ref().is_some_and(|grant| grant.section == row.section && grant.mark == Some(row.mark))
                };
                self.counting.iter().filter(is_it).copied().collect()
            }
            None => self.counting.iter().filter(|row| could_be_of(row, node)).copied().collect(),
        }
    }
}
