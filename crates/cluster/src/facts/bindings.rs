//! Who is given which role.

use k8s_openapi::api::rbac::v1;
use kube::Client;

use crate::api_error::{ApiError, Right};
use crate::exchange::list;
use crate::limits;

/// A ClusterRoleBinding, or a RoleBinding of some namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// Where it holds; `None` is the whole cluster.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// What it gives.
    pub role: RoleRef,
    /// To whom.
    pub subjects: Vec<Subject>,
}

/// A role as a binding names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleRef {
    /// A ClusterRole of this name.
    ClusterRole(String),
    /// A Role of this name, in the namespace of the binding.
    Role(String),
}

/// An RBAC subject.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// Everybody in a group.
    Group(String),
    /// A user by name.
    User(String),
    /// A service account.
    ServiceAccount {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
}

impl Binding {
    /// Whether it gives the ClusterRole `cluster-admin` for the whole cluster.
    pub fn is_cluster_admin(&self) -> bool {
        self.namespace.is_none() && matches!(&self.role, RoleRef::ClusterRole(name) if name == "cluster-admin")
    }
}

/// Reads all ClusterRoleBindings.
///
/// # Errors
/// [`ApiError`], with more than [`limits::BINDINGS`] it is [`ApiError::TooMany`].
pub async fn cluster_role_bindings(client: &Client) -> Result<Vec<Binding>, ApiError> {
    let right = reading("clusterrolebindings.rbac.authorization.k8s.io");
    let path = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";
    let parse = |bytes: &[u8]| serde_json::from_slice(bytes);
    list(client, path, right, "ClusterRoleBindings", limits::BINDINGS, parse, |binding: v1::ClusterRoleBinding| {
        Binding {
            namespace: None,
            name: binding.metadata.name.unwrap_or_default(),
            role: role(binding.role_ref),
            subjects: subjects(binding.subjects, ""),
        }
    })
    .await
    .map(|listed| listed.items)
}

/// Reads the RoleBindings of all namespaces.
///
/// # Errors
/// [`ApiError`], with more than [`limits::BINDINGS`] it is [`ApiError::TooMany`].
pub async fn role_bindings(client: &Client) -> Result<Vec<Binding>, ApiError> {
    let right = reading("rolebindings.rbac.authorization.k8s.io");
    let path = "/apis/rbac.authorization.k8s.io/v1/rolebindings";
    let parse = |bytes: &[u8]| serde_json::from_slice(bytes);
    list(client, path, right, "RoleBindings", limits::BINDINGS, parse, |binding: v1::RoleBinding| {
        let namespace = binding.metadata.namespace.unwrap_or_default();
        Binding {
            name: binding.metadata.name.unwrap_or_default(),
            role: role(binding.role_ref),
            subjects: subjects(binding.subjects, &namespace),
            namespace: Some(namespace),
        }
    })
    .await
    .map(|listed| listed.items)
}

fn reading(resource: &'static str) -> Right {
    Right { verb: "list", resource, namespace: None, name: None }
}

fn role(role: v1::RoleRef) -> RoleRef {
    match role.kind.as_str() {
        "Role" => RoleRef::Role(role.name),
        // kube-apiserver lets nothing else in.
        _ => RoleRef::ClusterRole(role.name),
    }
}

/// The subjects of a kind that Kubernetes knows. One without namespace is never
/// matched where `namespace` is empty.
fn subjects(subjects: Option<Vec<v1::Subject>>, namespace: &str) -> Vec<Subject> {
    let subject = |subject: v1::Subject| match subject.kind.as_str() {
        "Group" => Some(Subject::Group(subject.name)),
        "User" => Some(Subject::User(subject.name)),
        "ServiceAccount" => {
            let namespace = subject.namespace.unwrap_or_else(|| namespace.to_owned());
            Some(Subject::ServiceAccount { namespace, name: subject.name })
        }
        _ => None,
    };
    subjects.unwrap_or_default().into_iter().filter_map(subject).collect()
}
