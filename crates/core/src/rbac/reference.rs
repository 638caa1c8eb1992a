//! How RBAC objects are named.

use alloc::string::String;
use core::fmt;

use crate::shown::printable;

/// A kind of RBAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RbacKind {
    /// Rights in the whole cluster, or to be bound in a namespace.
    ClusterRole,
    /// Rights in one namespace.
    Role,
    /// Gives a ClusterRole in the whole cluster.
    ClusterRoleBinding,
    /// Gives a Role or ClusterRole in one namespace.
    RoleBinding,
}

impl RbacKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::ClusterRole, Self::Role, Self::ClusterRoleBinding, Self::RoleBinding];

    /// The kind as a manifest names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClusterRole => "ClusterRole",
            Self::Role => "Role",
            Self::ClusterRoleBinding => "ClusterRoleBinding",
            Self::RoleBinding => "RoleBinding",
        }
    }

    /// Whether its objects live in a namespace.
    pub fn is_namespaced(self) -> bool {
        matches!(self, Self::Role | Self::RoleBinding)
    }

    /// Whether it gives a role to somebody.
    pub fn is_binding(self) -> bool {
        matches!(self, Self::ClusterRoleBinding | Self::RoleBinding)
    }
}

/// Names an RBAC object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RbacRef {
    /// Its kind.
    pub kind: RbacKind,
    /// Its namespace, exactly if its kind has one.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

/// As `clusterrole/view`, or `role/view` in namespace `apps`.
impl fmt::Display for RbacRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}/{}`", self.kind.name().to_ascii_lowercase(), printable(&self.name))?;
        match &self.namespace {
            Some(namespace) => write!(f, " in namespace `{}`", printable(namespace)),
            None => Ok(()),
        }
    }
}
