//! Nodes as they are listed, each with the row that lets it in.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use jiff::Timestamp;
use serde::Serialize;

use super::rows::{NodeRows, RowRef, mappings};
use super::{ConditionStatus, FailedTry, Node, NodeLogins};
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
    /// `Ready`, `NotReady`, or `Unknown` before its kubelet has reported, as kubectl has it.
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
    /// When it logged in last, if a server has seen it and told.
    pub last_login: Option<String>,
    /// How long ago that was, in words.
    #[serde(skip)]
    pub login_age: String,
}

/// An instance that was turned away at its last try. Its JSON has these names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FailingInstance {
    /// What it calls itself: the ID of an EC2 instance, or of a machine of Systems Manager.
    #[serde(rename = "instanceID")]
    pub instance: String,
    /// The code of the reason.
    pub reason: String,
    /// The role that it signed as.
    pub role: String,
    /// When it tried last.
    pub last_try: String,
    /// How long ago that was, in words.
    #[serde(skip)]
    pub age: String,
}

/// All nodes, the instances that try and fail, and the rows that none of the nodes uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeListing {
    /// The nodes, by name.
    pub nodes: Vec<ListedNode>,
    /// The instances that try and fail, by their ID; `None` where no server tells.
    pub failing_instances: Option<Vec<FailingInstance>>,
    /// Rows for nodes that no live node can have come in by.
    pub unused_rows: Vec<RowRef>,
}

/// Lists nodes. Without a document nobody knows who lets them in, and without the word
/// of a server nobody knows when they logged in.
pub fn listing(
    document: Option<&Document>,
    nodes: &[Node],
    deciding: Deciding,
    logins: Option<&NodeLogins>,
    now: Timestamp,
) -> NodeListing {
    let mappings = document.map(mappings).unwrap_or_default();
    let rows = NodeRows::new(&mappings, deciding);
    let mut used: BTreeSet<RowRef> = BTreeSet::new();
    let mut listed: Vec<ListedNode> = nodes
        .iter()
        .map(|node| {
            let rows: Vec<_> = rows.of(node).into_iter().map(RowRef::of).collect();
            used.extend(rows.iter().cloned());
            listed(node, rows, logins, now)
        })
        .collect();
    listed.sort_by(|a, b| a.name.cmp(&b.name));
    let unused = rows.counting.iter().map(|row| RowRef::of(row)).filter(|row| !used.contains(row)).collect();
    let failing_instances = logins.map(|logins| failing(logins, nodes, now));
    NodeListing { nodes: listed, failing_instances, unused_rows: unused }
}

fn failing(logins: &NodeLogins, nodes: &[Node], now: Timestamp) -> Vec<FailingInstance> {
    let shown = |(id, failed): (&str, &FailedTry)| FailingInstance {
        instance: id.into(),
        reason: failed.reason.clone(),
        role: failed.role.to_string(),
        last_try: failed.at.to_string(),
        age: age_at(failed.at, now),
    };
    logins.still_failing(nodes).map(shown).collect()
}

fn listed(node: &Node, rows: Vec<RowRef>, logins: Option<&NodeLogins>, now: Timestamp) -> ListedNode {
    let status = match node.ready().map(|ready| ready.status) {
        Some(ConditionStatus::True) => "Ready",
        Some(ConditionStatus::False | ConditionStatus::Unknown) => "NotReady",
        None => "Unknown",
    };
    let role = node.role().map(|role| role.without_role_path().to_string());
    // The role is of the account that the instance runs in, and Fargate's has no instance.
    let described = node.instance.as_ref().and_then(|instance| instance.described.account);
    let account = described.or_else(|| node.role().map(Arn::account));
    let last_login = logins.and_then(|logins| logins.last_login(&node.name));
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
        age: node.created.map(|created| age_at(created, now)).unwrap_or_default(),
        last_login: last_login.map(|at| at.to_string()),
        login_age: match (last_login, logins) {
            (Some(at), _) => age_at(at, now),
            (None, Some(_)) => "not seen".into(),
            (None, None) => UNKNOWN.into(),
        },
    }
}

fn age_at(time: Timestamp, now: Timestamp) -> String {
    age(now.as_second() - time.as_second())
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
    ("LAST-LOGIN", |node| node.login_age.clone()),
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

/// A table of the nodes, one of the instances that fail, and one of the rows that no
/// node uses; each only if there is something in it.
pub fn table(listing: &NodeListing, columns: Columns) -> String {
    let more: &[Column] = if columns == Columns::Wide { &WIDE } else { &[] };
    let columns: Vec<&Column> = USUAL.iter().chain(more).collect();
    let headers: Vec<&str> = columns.iter().map(|(header, _)| *header).collect();
    let cells = |node: &ListedNode| columns.iter().map(|(_, cell)| cell(node)).collect();
    let nodes = (!listing.nodes.is_empty()).then(|| aligned(&headers, listing.nodes.iter().map(cells)));
    let failing = listing.failing_instances.as_ref().filter(|failing| !failing.is_empty()).map(|failing| {
        let cells = |one: &FailingInstance| [&one.instance, &one.reason, &one.role, &one.age].map(String::clone).into();
        aligned(&["FAILING-INSTANCE", "REASON", "ROLE-ARN", "LAST-TRY"], failing.iter().map(cells))
    });
    let unused = (!listing.unused_rows.is_empty()).then(|| {
        let cells = |row: &RowRef| Vec::from([row.to_string(), row.principal.clone()]);
        aligned(&["UNUSED-ROW", "PRINCIPAL"], listing.unused_rows.iter().map(cells))
    });
    let tables: Vec<String> = [nodes, failing, unused].into_iter().flatten().collect();
    tables.join("\n")
}

/// The names, as kubectl takes them.
pub fn names(listing: &NodeListing) -> String {
    listing.nodes.iter().map(|node| format!("node/{}\n", printable(&node.name))).collect()
}

#[cfg(test)]
mod tests;
