//! Roles and bindings: those that a mapping needs, and all of them.

mod content;
mod policy;
mod write;

use futures::stream::{self, StreamExt as _};
use http::Method;
use k8s_openapi::api::rbac::v1;
use kube::Client;
use kube_iam_core::rbac::{API_VERSION, CLUSTER_ADMIN, RbacKind, RbacRef};
use serde_json::Value;

pub(crate) use self::policy::read_list;
pub use self::policy::{PolicyRead, Unread, read_policy};
pub use self::write::{Created, Creation, Found, Replacement, create_missing, look_for, replace_rbac};
use crate::api_error::{ApiError, Right};
use crate::exchange::{Question, ask, escaped};
use crate::limits;

/// The resource of a kind with its group, and the part of it that paths have.
fn resource(kind: RbacKind) -> (&'static str, &'static str) {
    match kind {
        RbacKind::ClusterRole => ("clusterroles.rbac.authorization.k8s.io", "clusterroles"),
        RbacKind::Role => ("roles.rbac.authorization.k8s.io", "roles"),
        RbacKind::ClusterRoleBinding => ("clusterrolebindings.rbac.authorization.k8s.io", "clusterrolebindings"),
        RbacKind::RoleBinding => ("rolebindings.rbac.authorization.k8s.io", "rolebindings"),
    }
}

/// The right to do something with an object.
fn right(reference: &RbacRef, verb: &'static str) -> Right {
    let name = (verb != "create").then(|| reference.name.clone());
    Right { verb, resource: resource(reference.kind).0, namespace: reference.namespace.clone(), name }
}

/// The path of the objects of a kind: in one namespace, or all.
fn collection(kind: RbacKind, namespace: Option<&str>) -> String {
    let resource = resource(kind).1;
    match namespace {
        Some(namespace) => format!("/apis/{API_VERSION}/namespaces/{}/{resource}", escaped(namespace)),
        None => format!("/apis/{API_VERSION}/{resource}"),
    }
}

fn path(reference: &RbacRef) -> String {
    let collection = collection(reference.kind, reference.namespace.as_deref());
    format!("{collection}/{}", escaped(&reference.name))
}

/// An RBAC object that shall exist.
#[derive(Debug, Clone, PartialEq)]
pub struct RbacObject {
    reference: RbacRef,
    manifest: Value,
}

/// Why a manifest is no RBAC object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RbacObjectError {
    /// Another kind or version.
    #[error("`kind` and `apiVersion` are not those of a role or binding in `{API_VERSION}`")]
    Kind,
    /// No name.
    #[error("it has no `metadata.name`")]
    Name,
    /// A namespace where there is none, or none where there must be one.
    #[error("`metadata.namespace` is missing, or the kind has none")]
    Namespace,
    /// A field that Kubernetes would not read so.
    #[error("its fields are not those of its kind: {0}")]
    Fields(String),
}

impl RbacObject {
    /// Takes a manifest, as JSON.
    ///
    /// # Errors
    /// [`RbacObjectError`] if kube-apiserver would not take it for one.
    pub fn new(manifest: Value) -> Result<Self, RbacObjectError> {
        let text = |pointer| manifest.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
        let kind = RbacKind::ALL.into_iter().find(|kind| text("/kind") == Some(kind.name()));
        let kind = kind.filter(|_| text("/apiVersion") == Some(API_VERSION)).ok_or(RbacObjectError::Kind)?;
        let name = text("/metadata/name").ok_or(RbacObjectError::Name)?.to_owned();
        let namespace = text("/metadata/namespace").map(str::to_owned);
        if namespace.is_some() != kind.is_namespaced() {
            return Err(RbacObjectError::Namespace);
        }
        let read = manifest.clone();
        match kind {
            RbacKind::ClusterRole => serde_json::from_value::<v1::ClusterRole>(read).map(drop),
            RbacKind::Role => serde_json::from_value::<v1::Role>(read).map(drop),
            RbacKind::ClusterRoleBinding => serde_json::from_value::<v1::ClusterRoleBinding>(read).map(drop),
            RbacKind::RoleBinding => serde_json::from_value::<v1::RoleBinding>(read).map(drop),
        }
        .map_err(|error| RbacObjectError::Fields(error.to_string()))?;
        Ok(Self { reference: RbacRef { kind, namespace, name }, manifest })
    }

    /// What it is called.
    pub fn reference(&self) -> &RbacRef {
        &self.reference
    }

    /// Whether an object of the same name gives the same rights to the same subjects.
    fn gives_the_same_as(&self, existing: &Value) -> bool {
        content::content(self.reference.kind, existing) == content::content(self.reference.kind, &self.manifest)
    }

    /// Whether it gives its subjects `cluster-admin`, in all namespaces.
    pub fn gives_cluster_admin(&self) -> bool {
        let is_admin = |role: RbacRef| role.kind == RbacKind::ClusterRole && role.name == CLUSTER_ADMIN;
        self.reference.namespace.is_none() && self.bound_role().is_some_and(is_admin)
    }

    /// The groups that a binding gives its role.
    pub fn bound_groups(&self) -> impl Iterator<Item = &str> {
        let subjects = self.manifest.get("subjects").and_then(Value::as_array).into_iter().flatten();
        let groups = subjects.filter(|subject| subject.get("kind").and_then(Value::as_str) == Some("Group"));
        groups.filter_map(|subject| subject.get("name").and_then(Value::as_str))
    }

    /// The role that a binding binds.
    fn bound_role(&self) -> Option<RbacRef> {
        let text = |pointer| self.manifest.pointer(pointer).and_then(Value::as_str);
        let kind = RbacKind::ALL.into_iter().find(|kind| text("/roleRef/kind") == Some(kind.name()))?;
        let namespace = self.reference.namespace.clone().filter(|_| kind.is_namespaced());
        Some(RbacRef { kind, namespace, name: text("/roleRef/name")?.to_owned() })
    }

    /// The manifest it was made of.
    pub fn manifest(&self) -> &Value {
        &self.manifest
    }
}

/// Reads objects, in the order they are named; one that does not exist is `None`.
///
/// Only the first [`limits::RBAC_OBJECTS`] are asked for; the others are
/// [`ApiError::TooMany`].
pub async fn read_rbac(client: &Client, references: &[RbacRef]) -> Vec<Result<Option<Value>, ApiError>> {
    stream::iter(references.iter().enumerate())
        .map(async |(position, reference)| match position {
            0..limits::RBAC_OBJECTS => read(client, reference).await,
            _ => Err(ApiError::TooMany { what: "RBAC objects", most: limits::RBAC_OBJECTS }),
        })
        .buffered(4)
        .collect()
        .await
}

/// Reads one object.
async fn read(client: &Client, reference: &RbacRef) -> Result<Option<Value>, ApiError> {
    let question = Question { method: Method::GET, uri: path(reference), body: None, right: right(reference, "get") };
    match ask(client, question, limits::ANSWER, limits::OBJECT_BYTES).await {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| ApiError::malformed("an object", &error)),
        Err(ApiError::NotFound(_) | ApiError::NamespaceMissing(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
