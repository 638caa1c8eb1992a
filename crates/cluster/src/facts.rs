//! What the lockout guard wants to know about the cluster around an edit.

mod bindings;
mod caller;
pub(crate) mod nodes;

use std::collections::BTreeSet;
use std::future::Future;

use kube::Client;
use kube_iam_core::nodes::Node;
use kube_iam_core::rbac::{Binding, Subject};
use tokio::time::timeout;

pub use self::bindings::{cluster_role_bindings, role_bindings};
pub use self::caller::{Caller, caller};
pub use self::nodes::nodes;
use crate::{ApiError, limits};

/// What was found out. Each part stands for itself: whoever may edit aws-auth need
/// not be allowed to see bindings or nodes, and what can't be read is unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Who kube-apiserver takes us for, impersonation included.
    pub caller: Result<Caller, ApiError>,
    /// All ClusterRoleBindings.
    pub cluster_role_bindings: Result<Vec<Binding>, ApiError>,
    /// The RoleBindings of all namespaces.
    pub role_bindings: Result<Vec<Binding>, ApiError>,
    /// All nodes.
    pub nodes: Result<Vec<Node>, ApiError>,
}

/// Reads all of it at once, each part within [`limits::FACTS`].
pub async fn facts(client: &Client) -> Facts {
    let (caller, cluster_role_bindings, role_bindings, nodes) = tokio::join!(
        in_time(caller(client)),
        in_time(cluster_role_bindings(client)),
        in_time(role_bindings(client)),
        in_time(nodes(client)),
    );
    Facts { caller, cluster_role_bindings, role_bindings, nodes }
}

async fn in_time<T>(read: impl Future<Output = Result<T, ApiError>>) -> Result<T, ApiError> {
    timeout(limits::FACTS, read).await.unwrap_or(Err(ApiError::Timeout(limits::FACTS)))
}

impl Facts {
    /// Whom a ClusterRoleBinding gives `cluster-admin`. Nobody else counts as an
    /// administrator, whatever his rights.
    ///
    /// # Errors
    /// The one of the ClusterRoleBindings.
    pub fn admins(&self) -> Result<BTreeSet<&Subject>, &ApiError> {
        let bindings = self.cluster_role_bindings.as_ref()?;
        Ok(bindings.iter().filter(|binding| binding.is_cluster_admin()).flat_map(|binding| &binding.subjects).collect())
    }

    /// Whom any binding names: who is not among them, by name or by group, can do
    /// nothing but what everybody can.
    ///
    /// # Errors
    /// The first one, if either kind of binding could not be read.
    pub fn bound(&self) -> Result<BTreeSet<&Subject>, &ApiError> {
        let bindings = self.cluster_role_bindings.as_ref()?.iter().chain(self.role_bindings.as_ref()?);
        Ok(bindings.flat_map(|binding| &binding.subjects).collect())
    }
}
