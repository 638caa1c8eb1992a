//! Who is given which role.

use kube::Client;
use kube_iam_core::rbac::{Binding, List, RbacKind};

use crate::api_error::ApiError;
use crate::rbac::read_list;

/// Reads all ClusterRoleBindings.
///
/// # Errors
/// [`ApiError`], with more than [`limits::RBAC_LIST`](crate::limits::RBAC_LIST) it is
/// [`ApiError::TooMany`].
pub async fn cluster_role_bindings(client: &Client) -> Result<Vec<Binding>, ApiError> {
    bindings(client, RbacKind::ClusterRoleBinding).await
}

/// Reads the RoleBindings of all namespaces.
///
/// # Errors
/// As for [`cluster_role_bindings`].
pub async fn role_bindings(client: &Client) -> Result<Vec<Binding>, ApiError> {
    bindings(client, RbacKind::RoleBinding).await
}

async fn bindings(client: &Client, kind: RbacKind) -> Result<Vec<Binding>, ApiError> {
    let mut list = List::of(kind);
    read_list(client, &mut list).await?;
    match list.problems().iter().find(|problem| problem.fault.hides()) {
        Some(problem) => Err(ApiError::Malformed(problem.to_string())),
        None => Ok(list.into_bindings()),
    }
}
