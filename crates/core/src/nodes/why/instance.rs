//! What keeps an instance from becoming a node.

use alloc::format;
use alloc::vec::Vec;

use super::Search;
use super::node::no_row_of;
use super::words::{apply, block, describe_instance, kubelet_log, note};
use crate::finding::Finding;
use crate::ids::InstanceId;
use crate::nodes::rows::RowRef;
use crate::nodes::{FailedTry, Node, NodeInstance};
use crate::shown::excerpt;
use crate::template::{Placeholder, Template};

/// What a server has told of an instance's last try to log in.
pub(super) fn turned_away(name: &str, failed: &FailedTry) -> Finding {
    let role = &failed.role;
    let message = format!(
        "it tried to log in as `{}` at {}, and was turned away: `{}`",
        excerpt(role.as_str()),
        failed.at,
        failed.reason
    );
    let id: Option<InstanceId> = name.parse().ok();
    let fix = match (failed.reason.as_str(), id) {
        ("not_mapped", _) => apply(Some(role)),
        ("node_lookup_failed" | "node_role_mismatch", Some(id)) => describe_instance(&id),
        _ => format!("the log of the server says more: look for `{}` in it", failed.reason),
    };
    block("login-denied", message, fix)
}

/// An instance that no node runs on. `is_free` says that aws-auth as a whole is
/// not what keeps it out.
pub(super) fn not_joined(search: &Search<'_>, instance: &NodeInstance, is_free: bool) -> Vec<Finding> {
    let id = &instance.described.id;
    if !instance.described.runs {
        return Vec::from([block("instance-stopped", format!("{id} does not run"), describe_instance(id))]);
    }
    let Some(profile) = &instance.described.profile else {
        let message = format!("{id} has no instance profile, so its kubelet has no credentials");
        let fix =
            format!("`aws ec2 associate-iam-instance-profile --instance-id {id} --iam-instance-profile Name=NAME`");
        return Vec::from([block("no-instance-profile", message, fix)]);
    };
    let Some(role) = &instance.role else {
        let message = format!("the instance profile of {id} has no role, or IAM does not show it");
        return Vec::from([block("profile-without-role", message, crate::nodes::role::show_role_of(profile.as_str()))]);
    };
    if !is_free {
        return Vec::new();
    }
    let node = Node { instance: Some(instance.clone()), ..Node::default() };
    let rows = search.rows.of(&node);
    let Some(row) = rows.first() else { return Vec::from([no_row_of(search, role)]) };
    let needs_name =
        row.username.as_deref().is_some_and(|pattern| Template::parse(pattern).needs(Placeholder::Ec2PrivateDnsName));
    if needs_name && instance.described.private_dns_name.is_none() {
        let message = format!("EC2 has no private DNS name for {id}, which {} needs", RowRef::of(row));
        return Vec::from([block("no-private-dns-name", message, describe_instance(id))]);
    }
    let message = format!(
        "{} lets {id} in, and it has not registered: its kubelet does not run, can't reach kube-apiserver, or has the name or certificate of another cluster",
        RowRef::of(row)
    );
    Vec::from([note("not-registered", message, kubelet_log(Some(id)))])
}
