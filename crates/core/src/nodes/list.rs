//! Nodes as they are listed, each with the row that lets it in.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use jiff::Timestamp;
use serde::Serialize;

use super::rows::{NodeRows, RowRef, mappings};
use super::{ConditionStatus, Node};
use crate::arn::Arn;
use crate::authenticator::Deciding;
use crate::aws_auth::Document;
use crate::listing::aligned;
use crate::shown::printable;

/// How it is known which row lets a node in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LetInBy {
    /// By the node's role.
    Role,
    /// By its kind and name, while its role is not known: any of the rows may be it.
    Kind,
}

/// One node as it is shown. Its JSON has these names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedNode {
    /// Its name.
    pub name: String,
    /// `Ready`, `NotReady` or `Unknown`.
    pub status: &'static str,
    /// What it runs on.
    pub kind: &'static str,
    /// The EC2 instance behind it.
    #[serde(rename = "instanceID")]
    pub instance: Option<String>,
    /// The account that the instance runs in.
    pub account: Option<String>,
    /// The role that it logs in by.
    pub role: Option<String>,
    /// The row that lets it in, or those that may.
    pub rows: Vec<RowRef>,
    /// How that is known.
    pub let_in_by: LetInBy,
    /// When it registered itself.
    pub created: Option<String>,
    /// How long ago that was, in words.
    #[serde(skip)]
    pub age: String,
    /// When it logged in last, if that is known.
    pub last_login: Option<String>,
}

/// All nodes, and the rows that none of them uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeListing {
    /// The nodes, by name.
    pub nodes: Vec<ListedNode>,
    /// Rows for nodes that no live node can have come in by.
    pub unused_rows: Vec<RowRef>,
}

/// Lists nodes. Without a document nobody knows who lets them in.
pub fn listing(document: Option<&Document>, nodes: &[Node], deciding: Deciding, now: Timestamp) -> NodeListing {
    let mappings = document.map(mappings).unwrap_or_default();
    let rows = NodeRows::new(&mappings, deciding);
    let mut used: BTreeSet<RowRef> = BTreeSet::new();
    let mut listed: Vec<ListedNode> = nodes
        .iter()
        .map(|node| {
            let rows: Vec<_> = rows.of(node).into_iter().map(RowRef::of).collect();
            used.extend(rows.iter().cloned());
            listed(node, rows, now)
        })
        .collect();
    listed.sort_by(|a, b| a.name.cmp(&b.name));
    let unused = rows.counting.iter().map(|row| RowRef::of(row)).filter(|row| !used.contains(row)).collect();
    NodeListing { nodes: listed, unused_rows: unused }
}

fn listed(node: &Node, rows: Vec<RowRef>, now: Timestamp) -> ListedNode {
    let status = match node.ready().map(|ready| ready.status) {
        Some(ConditionStatus::True) => "Ready",
        Some(ConditionStatus::False) => "NotReady",
        Some(ConditionStatus::Unknown) | None => "Unknown",
    };
    let role = node.role().map(|role| role.without_role_path().to_string());
    // The role is of the account that the instance runs in, and Fargate's has no instance.
    let described = node.instance.as_ref().and_then(|instance| instance.described.account);
    let account = described.or_else(|| node.role().map(Arn::account));
    ListedNode {
        name: node.name.clone(),
        status,
        kind: node.kind().as_str(),
        instance: node.instance_id().map(|id| id.to_string()),
        account: account.map(|account| account.to_string()),
        let_in_by: if role.is_some() { LetInBy::Role } else { LetInBy::Kind },
        role,
        rows,
        created: node.created.map(|created| created.to_string()),
        age: node.created.map(|created| age(now.as_second() - created.as_second())).unwrap_or_default(),
        last_login: None,
    }
}

/// A time in seconds, as coarse as kubectl shows it: two units only while the
/// first is small.
fn age(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let both = |first: i64, unit: &str, second: i64, below: &str| match second {
        0 => format!("{first}{unit}"),
        second => format!("{first}{unit}{second}{below}"),
    };
    match seconds {
        0..120 => format!("{seconds}s"),
        120..600 => both(minutes, "m", seconds % 60, "s"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => both(hours, "h", minutes % 60, "m"),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => both(days, "d", hours % 24, "h"),
        _ => format!("{days}d"),
    }
}

/// How much a table shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Columns {
    /// What fits a terminal.
    Usual,
    /// And what the node runs on, the whole ARN of its role and of its row.
    Wide,
}

type Column = (&'static str, fn(&ListedNode) -> String);

const UNKNOWN: &str = "unknown";

const USUAL: [Column; 8] = [
    ("NAME", |node| node.name.clone()),
    ("STATUS", |node| node.status.into()),
    ("AGE", |node| node.age.clone()),
    ("INSTANCE", |node| node.instance.clone().unwrap_or_default()),
    ("ACCOUNT", |node| node.account.clone().unwrap_or_else(|| UNKNOWN.into())),
    ("ROLE", |node| match &node.role {
        Some(role) => role.rsplit('/').next().unwrap_or_default().into(),
        None => UNKNOWN.into(),
    }),
    ("ROW", row),
    ("LAST-LOGIN", |node| node.last_login.clone().unwrap_or_else(|| UNKNOWN.into())),
];

const WIDE: [Column; 3] = [
    ("KIND", |node| node.kind.into()),
    ("ROLE-ARN", |node| node.role.clone().unwrap_or_else(|| UNKNOWN.into())),
    ("ROW-ARN", |node| {
        let arns: Vec<&str> = node.rows.iter().map(|row| row.principal.as_str()).collect();
        arns.join(",")
    }),
];

/// A row by its place; one that is only likely, or one of several, with a question mark.
fn row(node: &ListedNode) -> String {
    const SHOWN: usize = 3;
    if node.rows.len() > SHOWN {
        return format!("{} rows?", node.rows.len());
    }
    let doubt = if node.let_in_by == LetInBy::Kind { "?" } else { "" };
    let rows: Vec<String> = node.rows.iter().map(|row| format!("{row}{doubt}")).collect();
    rows.join(",")
}

/// A table of the nodes, and one of the rows that none of them uses.
pub fn table(listing: &NodeListing, columns: Columns) -> String {
    let more: &[Column] = if columns == Columns::Wide { &WIDE } else { &[] };
    let columns: Vec<&Column> = USUAL.iter().chain(more).collect();
    let mut text = String::new();
    if !listing.nodes.is_empty() {
        let headers: Vec<&str> = columns.iter().map(|(header, _)| *header).collect();
        let cells = |node: &ListedNode| columns.iter().map(|(_, cell)| cell(node)).collect();
        text = aligned(&headers, listing.nodes.iter().map(cells));
    }
    if !listing.unused_rows.is_empty() {
        if !text.is_empty() {
            text.push('\n');
        }
        let cells = |row: &RowRef| Vec::from([row.to_string(), row.principal.clone()]);
        text += &aligned(&["UNUSED-ROW", "PRINCIPAL"], listing.unused_rows.iter().map(cells));
    }
    text
}

/// The names, as kubectl takes them.
pub fn names(listing: &NodeListing) -> String {
    listing.nodes.iter().map(|node| format!("node/{}\n", printable(&node.name))).collect()
}

#[cfg(test)]
mod tests;
