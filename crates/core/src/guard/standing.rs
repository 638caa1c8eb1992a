//! How far somebody's rights reach.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::{Admins, Caller, FixedSet};
use crate::authenticator::Grant;
use crate::node_instance::NODE_USERNAME_PREFIX;
use crate::shown::excerpt;
use crate::template::Template;

/// The group that kube-apiserver lets do everything
/// (kubernetes.io, Using RBAC Authorization, "User-facing roles").
pub(super) const MASTERS: &str = "system:masters";

/// What somebody is in the cluster, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// Not let in.
    Out,
    /// Let in.
    In,
    /// An administrator under some session name, or unless another row is in
    /// the way.
    PerhapsAdmin,
    /// An administrator.
    Admin,
}

impl Standing {
    pub(super) fn is_admin(self) -> bool {
        self >= Self::PerhapsAdmin
    }
}

/// Groups and usernames that are administrators.
pub(super) struct Administrators<'a> {
    groups: FixedSet<&'a str>,
    usernames: FixedSet<&'a str>,
}

impl<'a> Administrators<'a> {
    pub(super) fn new(admins: Option<&'a Admins>) -> Self {
        let groups = admins.into_iter().flat_map(|admins| &admins.groups).map(String::as_str).chain([MASTERS]);
        let usernames = admins.into_iter().flat_map(|admins| &admins.usernames).map(String::as_str);
        Self { groups: groups.collect(), usernames: usernames.collect() }
    }

    /// What Kubernetes says the caller is.
    pub(super) fn of_caller(&self, caller: &Caller) -> Standing {
        let group = caller.groups.iter().any(|group| self.groups.contains(group.as_str()));
        if group || self.usernames.contains(caller.username.as_str()) { Standing::Admin } else { Standing::In }
    }

    /// What a grant makes of somebody.
    pub(super) fn standing(&self, grant: Option<&Grant<'_>>) -> Standing {
        let Some(grant) = grant else { return Standing::Out };
        let is_group = |group: &String| self.groups.contains(group.as_str());
        let is_name = |name: &str| self.usernames.contains(name);
        if grant.groups.iter().any(is_group) || grant.username.is_some_and(is_name) {
            return Standing::Admin;
        }
        let group = grant.groups.iter().any(|group| could_be_any(group, &self.groups));
        let name = grant.username.is_some_and(|name| could_be_any(name, &self.usernames));
        if group || name { Standing::PerhapsAdmin } else { Standing::In }
    }
}

fn could_be_any(pattern: &str, names: &FixedSet<&str>) -> bool {
    could_vary(pattern) && !names.is_empty() && {
        let template = Template::parse(pattern);
        !template.is_literal() && names.iter().any(|name| template.could_give(name))
    }
}

/// A quick look for placeholders: most patterns have none.
fn could_vary(pattern: &str) -> bool {
    pattern.contains("{{")
}

/// Whether a grant could have made the user that Kubernetes knows the caller as.
pub(super) fn could_be(grant: &Grant<'_>, caller: &Caller) -> bool {
    let groups: FixedSet<&str> = caller.groups.iter().map(String::as_str).collect();
    let group = |pattern: &String| groups.contains(pattern.as_str()) || could_be_any(pattern, &groups);
    let name = |pattern| Template::parse(pattern).could_give(&caller.username);
    grant.username.is_some_and(name) && grant.groups.iter().all(group)
}

/// What a node needs to join and stay: the username and the two groups of the
/// node authorizer and of TLS bootstrapping (kubernetes.io, Using Node
/// Authorization; Amazon EKS user guide, self-managed nodes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct NodeRights<'a> {
    /// The pattern of a username that the node authorizer obeys.
    username: Option<&'a str>,
    nodes: bool,
    bootstrappers: bool,
}

impl<'a> NodeRights<'a> {
    pub(super) fn of(grant: Option<&Grant<'a>>) -> Self {
        let Some(grant) = grant else { return Self::default() };
        let group = |wanted: &str| grant.groups.iter().any(|group| group == wanted);
        Self {
            username: grant.username.filter(|name| name.starts_with(NODE_USERNAME_PREFIX)),
            nodes: group("system:nodes"),
            bootstrappers: group("system:bootstrappers"),
        }
    }

    /// What these rights have that others lack, for nodes of these names. Bootstrapping
    /// alone makes no node.
    pub(super) fn without(self, after: Self, names: &[&str]) -> Vec<String> {
        if self.username.is_none() && !self.nodes {
            return Vec::new();
        }
        let username = match (self.username, after.username) {
            (Some(_), None) => Some("a username that begins with `system:node:`".into()),
            (Some(before), Some(after)) if before != after && could_name(before, names) => {
                Some(format!("its username `{}`", excerpt(before)))
            }
            _ => None,
        };
        let group = |before: bool, after: bool, name| (before && !after).then(|| format!("group `{name}`"));
        let groups = [
            group(self.nodes, after.nodes, "system:nodes"),
            group(self.bootstrappers, after.bootstrappers, "system:bootstrappers"),
        ];
        username.into_iter().chain(groups.into_iter().flatten()).collect()
    }
}

/// Whether a node may have its name by a pattern. One that made none of those that are
/// there may be mended; without names it may have made any.
fn could_name(pattern: &str, names: &[&str]) -> bool {
    let template = Template::parse(pattern);
    names.is_empty() || names.iter().any(|name| template.could_give(&format!("{NODE_USERNAME_PREFIX}{name}")))
}
