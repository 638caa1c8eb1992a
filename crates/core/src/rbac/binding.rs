//! Who is given which role.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use super::reference::{RbacKind, RbacRef};
use super::request::service_account_username;
use crate::shown::printable;

/// A ClusterRoleBinding, or a RoleBinding of some namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// Where it holds; `None` is the whole cluster.
    pub namespace: Option<Arc<str>>,
    /// Its name.
    pub name: Arc<str>,
    /// What it gives.
    pub role: RoleRef,
    /// To whom.
    pub subjects: Vec<Subject>,
}

/// A role as a binding names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleRef {
    /// A ClusterRole of this name.
    ClusterRole(Arc<str>),
    /// A Role of this name, in the namespace of the binding.
    Role(Arc<str>),
}

/// An RBAC subject. Its API group makes no difference: kube-apiserver lets in but one
/// for each kind, and does not look at it again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// Everybody in a group.
    Group(Arc<str>),
    /// A user by name.
    User(Arc<str>),
    /// A service account.
    ServiceAccount {
        /// Its namespace; where a RoleBinding names none, that of the binding.
        namespace: Arc<str>,
        /// Its name.
        name: Arc<str>,
    },
}

/// The ClusterRole that may do everything (kubernetes.io, Using RBAC Authorization,
/// "User-facing roles").
pub const CLUSTER_ADMIN: &str = "cluster-admin";

impl Binding {
    /// Whether it gives the ClusterRole `cluster-admin` for the whole cluster.
    pub fn is_cluster_admin(&self) -> bool {
        self.namespace.is_none() && matches!(&self.role, RoleRef::ClusterRole(name) if **name == *CLUSTER_ADMIN)
    }

    /// What it is called.
    pub fn reference(&self) -> RbacRef {
        RbacRef {
            kind: if self.namespace.is_some() { RbacKind::RoleBinding } else { RbacKind::ClusterRoleBinding },
            namespace: self.namespace.as_deref().map(String::from),
            name: String::from(&*self.name),
        }
    }

    /// What the role it gives is called, whether there is one or not.
    pub fn role_reference(&self) -> RbacRef {
        let (kind, name) = match &self.role {
            RoleRef::ClusterRole(name) => (RbacKind::ClusterRole, name),
            RoleRef::Role(name) => (RbacKind::Role, name),
        };
        let namespace = self.namespace.as_deref().filter(|_| kind == RbacKind::Role).map(String::from);
        RbacRef { kind, namespace, name: String::from(&**name) }
    }

    pub(super) fn key(&self) -> (Option<&str>, &str) {
        (self.namespace.as_deref(), &self.name)
    }

    /// The key of the role. A Role that a ClusterRoleBinding names has none: it lives nowhere.
    pub(super) fn role_key(&self) -> Option<(Option<&str>, &str)> {
        match &self.role {
            RoleRef::ClusterRole(name) => Some((None, name)),
            RoleRef::Role(name) => Some((Some(self.namespace.as_deref()?), name)),
        }
    }
}

impl Subject {
    /// The username it fits: that of a user, or of a service account. A service
    /// account without a namespace fits nobody.
    pub fn username(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Group(_) => None,
            Self::User(name) => Some(Cow::Borrowed(name)),
            Self::ServiceAccount { namespace, .. } if namespace.is_empty() => None,
            Self::ServiceAccount { namespace, name } => Some(Cow::Owned(service_account_username(namespace, name))),
        }
    }
}

/// As group `devs`, user `alice`, or service account `apps/robot`.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(name) => write!(f, "group `{}`", printable(name)),
            Self::User(name) => write!(f, "user `{}`", printable(name)),
            Self::ServiceAccount { namespace, name } => {
                write!(f, "service account `{}/{}`", printable(namespace), printable(name))
            }
        }
    }
}
