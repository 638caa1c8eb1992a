//! What keeps one node from joining or being ready.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::words::{apply, block, delete_and_apply, describe_instance, describe_node, kubelet_log, set_username, warn};
use super::{Search, rows};
use crate::arn::Arn;
use crate::aws_auth::{MappingRow, Principal};
use crate::finding::{Finding, Severity};
use crate::node_instance::NODE_USERNAME_PREFIX;
use crate::nodes::rows::RowRef;
use crate::nodes::{Condition, ConditionStatus, Kind, Node};
use crate::shown::excerpt;
use crate::template::{Placeholder, Template};

/// What keeps a node from logging in, or from being obeyed. A node that is ready
/// has found a way.
pub(super) fn way_in(search: &Search<'_>, node: &Node) -> Vec<Finding> {
    let mut findings = match search.rows.of(node).as_slice() {
        [] => Vec::from([no_row(search, node)]),
        [row] => username(node, row).into_iter().collect(),
        // One of them it is, and which is not known.
        _ => Vec::new(),
    };
    if node.is_ready() {
        for finding in &mut findings {
            finding.severity = Severity::Warn;
            finding.message.push_str("; it is ready all the same: an EKS access entry may let it in");
        }
    }
    findings
}

fn no_row(search: &Search<'_>, node: &Node) -> Finding {
    if let Some(role) = node.role() {
        return no_row_of(search, role);
    }
    let kind = node.kind();
    let (suit, others): (Vec<&MappingRow>, Vec<&MappingRow>) =
        search.rows.counting.iter().copied().partition(|row| crate::nodes::rows::suits(row, kind));
    match (suit.as_slice(), others.as_slice()) {
        ([], [other, ..]) => {
            let message = format!(
                "{kind} nodes have no instance that `{{{{EC2PrivateDNSName}}}}` could name, and the rows for nodes use it, as {}",
                RowRef::of(other)
            );
            let fix = format!("`kube-iam nodes apply --kind {kind} --role-arn ARN`, with the role of these nodes");
            block("no-private-dns-name", message, fix)
        }
        ([row, ..], _) => {
            let username = row.username.as_deref().unwrap_or_default();
            let message = format!(
                "no row makes a node of this name: {} gives the username `{}`",
                RowRef::of(row),
                excerpt(username)
            );
            block("node-name", message, set_username(role_of(row), kind.username()))
        }
        ([], []) => block("row-missing", "no row lets it in".to_owned(), apply(None)),
    }
}

fn role_of(row: &MappingRow) -> Option<&Arn> {
    match &row.principal {
        Principal::Arn(arn) => Some(arn),
        Principal::Sso(_) => None,
    }
}

/// Why a role gets no node in.
pub(super) fn no_row_of(search: &Search<'_>, role: &Arn) -> Finding {
    let shown = role.without_role_path();
    let shown = excerpt(shown.as_str());
    if let Some(grant) = search.rows.judge.lets_in(search.scene.deciding, role) {
        let place = grant.mark.map(|mark| format!("{}:{}", grant.section, mark.line));
        let place = place.unwrap_or_else(|| format!("{}", grant.section));
        let message = format!("{place} lets `{shown}` in, but not as a node");
        return block("row-of-others", message, delete_and_apply(role));
    }
    match rows::twin_elsewhere(search, role) {
        Some(twin) => {
            let message = format!("no row lets `{shown}` in; {twin} is about a role of that name in another account");
            block("wrong-account", message, apply(Some(role)))
        }
        None => block("row-missing", format!("no row lets `{shown}` in"), apply(Some(role))),
    }
}

/// Whether the username that a row gives is that of the node: kube-apiserver lets
/// a node touch only what has its own name (kubernetes.io, NodeRestriction).
fn username(node: &Node, row: &MappingRow) -> Option<Finding> {
    let pattern = row.username.as_deref()?;
    let template = Template::parse(pattern);
    let id = node.instance_id();
    let place = RowRef::of(row);
    let name = excerpt(&node.name).into_owned();
    let role = role_of(row);
    if !template.needs(Placeholder::Ec2PrivateDnsName) {
        // On EC2 sessions are named after instances.
        let is_session = template.needs(Placeholder::SessionName) || template.needs(Placeholder::SessionNameRaw);
        let given = id.as_ref().filter(|id| is_session && id.as_str() != node.name)?;
        let message = format!(
            "it is named `{name}`, and {place} makes it `{NODE_USERNAME_PREFIX}{given}`, as its session is named"
        );
        return Some(block("node-name", message, set_username(role, Kind::Linux.username())));
    }
    let Some(id) = id else {
        // Without a cloud provider nobody wrote down the instance.
        if matches!(node.kind(), Kind::Linux | Kind::Windows) {
            return None;
        }
        let message = format!("{place} needs the ID of an instance as session name, and it has no instance");
        return Some(block("no-private-dns-name", message, set_username(role, node.kind().username())));
    };
    match node.instance.as_ref().map(|instance| instance.described.private_dns_name.as_deref()) {
        Some(Some(given)) if given == node.name => None,
        Some(Some(given)) => {
            let message =
                format!("it is named `{name}`, and {place} makes it `{NODE_USERNAME_PREFIX}{}`", excerpt(given));
            let fix = "start its kubelet with `--hostname-override` and that name, or give the VPC's DHCP options AWS's own domain name".to_owned();
            Some(block("node-name", message, fix))
        }
        Some(None) => {
            let message = format!("EC2 has no private DNS name for {id}, which {place} needs");
            Some(block("no-private-dns-name", message, describe_instance(&id)))
        }
        None if is_ec2_name(&node.name) => None,
        None => {
            let message = format!("`{name}` is not a name that EC2 gives, and {place} names nodes as EC2 does");
            Some(warn("node-name", message, describe_instance(&id)))
        }
    }
}

/// Names that EC2 makes of addresses and of instance IDs (EC2 user guide, "EC2
/// instance hostnames and domains").
fn is_ec2_name(name: &str) -> bool {
    let known = [".compute.internal", ".ec2.internal", ".compute.amazonaws.com.cn"];
    (name.starts_with("ip-") || name.starts_with("i-")) && known.iter().any(|end| name.ends_with(end))
}

/// What its kubelet reports, or no longer reports.
pub(super) fn conditions(node: &Node) -> Vec<Finding> {
    let id = node.instance_id();
    let mut findings = Vec::new();
    let said = |condition: &Condition| -> String {
        match condition.message.is_empty() {
            true => excerpt(&condition.reason).into_owned(),
            false => format!("{} ({})", excerpt(&condition.message), excerpt(&condition.reason)),
        }
    };
    match node.ready() {
        None => {
            let message = "its kubelet has registered it and reported nothing since".to_owned();
            findings.push(block("not-ready", message, kubelet_log(id.as_ref())));
        }
        Some(ready) if ready.status == ConditionStatus::Unknown => {
            let message = format!("its kubelet does not report any more: {}", said(ready));
            findings.push(block("not-reporting", message, kubelet_log(id.as_ref())));
        }
        Some(ready) if ready.status == ConditionStatus::False => {
            let message = format!("it is not ready: {}", said(ready));
            // The network is set up by a pod on the node.
            let fix = match ready.message.to_ascii_lowercase().contains("network") {
                true => "`kubectl -n kube-system get pods -l k8s-app=aws-node -o wide`".to_owned(),
                false => describe_node(&node.name),
            };
            findings.push(block("not-ready", message, fix));
        }
        Some(_) => {}
    }
    let holds = |condition: &&Condition| condition.name != "Ready" && condition.status == ConditionStatus::True;
    for condition in node.conditions.iter().filter(holds) {
        let message = format!("{}: {}", excerpt(&condition.name), said(condition));
        findings.push(warn("node-condition", message, describe_node(&node.name)));
    }
    findings
}
