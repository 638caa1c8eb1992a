//! What keeps an instance from becoming a node.

use alloc::format;

use super::node::no_row_of;
use super::words::{apply, block, describe_instance, kubelet_log, note};
use super::{Search, Stray};
use crate::arn::Arn;
use crate::finding::Finding;
use crate::ids::InstanceId;
use crate::nodes::role::show_role_of;
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

/// Rule of what is said where EC2 has not told of an instance.
pub(super) const INSTANCE_UNKNOWN: &str = "instance-unknown";
/// Rule of what is said where IAM has not told of an instance's role.
pub(super) const ROLE_UNKNOWN: &str = "role-unknown";

/// An instance that no node runs on. `is_free` says that aws-auth as a whole is
/// not what keeps it out.
pub(super) fn not_joined(search: &Search<'_>, id: &InstanceId, is_free: bool) -> Option<Finding> {
    let (described, known) = match search.scene.instance {
        Some(Stray::Known(instance)) => (&instance.described, Some(instance)),
        Some(Stray::RoleUnknown(described)) => (described, None),
        Some(Stray::Unknown) => {
            let message = format!(
                "no node runs on {id}, and EC2 knows no such instance: it is gone, or of another region or account than was asked"
            );
            return Some(note(INSTANCE_UNKNOWN, message, describe_instance(id)));
        }
        None => {
            let message = format!("no node runs on {id}, and what EC2 says of it is not known");
            return Some(note(INSTANCE_UNKNOWN, message, describe_instance(id)));
        }
    };
    if !described.runs {
        return Some(block("instance-stopped", format!("{id} does not run"), describe_instance(id)));
    }
    let Some(profile) = &described.profile else {
        let message = format!("{id} has no instance profile, so its kubelet has no credentials");
        let fix =
            format!("`aws ec2 associate-iam-instance-profile --instance-id {id} --iam-instance-profile Name=NAME`");
        return Some(block("no-instance-profile", message, fix));
    };
    let show_role = show_role_of(profile.as_str());
    let Some(instance) = known else {
        let message = format!("no node runs on {id}, and which role its instance profile has is not known");
        return Some(note(ROLE_UNKNOWN, message, show_role));
    };
    let Some(role) = &instance.role else {
        let message = format!("the instance profile of {id} has no role, or IAM does not show it");
        return Some(block("profile-without-role", message, show_role));
    };
    is_free.then(|| mapped_or_not(search, instance, role))
}

/// An instance with a role, where aws-auth can be read and lets some nodes in.
fn mapped_or_not(search: &Search<'_>, instance: &NodeInstance, role: &Arn) -> Finding {
    let id = &instance.described.id;
    let node = Node { instance: Some(instance.clone()), ..Node::default() };
    let rows = search.rows.of(&node);
    let Some(row) = rows.first() else { return no_row_of(search, role) };
    let needs_name =
        row.username.as_deref().is_some_and(|pattern| Template::parse(pattern).needs(Placeholder::Ec2PrivateDnsName));
    if needs_name && instance.described.private_dns_name.is_none() {
        let message = format!("EC2 has no private DNS name for {id}, which {} needs", RowRef::of(row));
        return block("no-private-dns-name", message, describe_instance(id));
    }
    let message = format!(
        "{} lets {id} in, and it has not registered: its kubelet does not run, can't reach kube-apiserver, or has the name or certificate of another cluster",
        RowRef::of(row)
    );
    note("not-registered", message, kubelet_log(Some(id)))
}
