//! The one AWS service that gets a mapping by its name: EMR on EKS.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::line::Line;
use super::mapping::Mapping;
use super::plan::Refusal;
use crate::partition::Partition;

/// Name of the service, of its user and of its RBAC objects.
const EMR: &str = "emr-containers";

/// The service-linked role of EMR on EKS, named without its path, as STS reports it.
const EMR_ROLE: &str = "AWSServiceRoleForAmazonEMRContainers";

/// Where a cluster lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterAccount {
    /// Its partition.
    pub partition: Partition,
    /// Its account, as the cluster's ARN writes it.
    pub account: String,
}

impl ClusterAccount {
    /// The role whose sessions EMR comes with.
    pub(super) fn emr_role(&self) -> String {
        format!("arn:{}:iam::{}:role/{EMR_ROLE}", self.partition.as_str(), self.account)
    }
}

pub(super) fn is_known(service: &str) -> Result<(), Refusal> {
    match service {
        EMR => Ok(()),
        _ => Err(Refusal::UnknownService(service.into())),
    }
}

/// The username that a service is mapped to.
pub(super) fn username() -> String {
    EMR.to_string()
}

/// An object that a service mapping needs in the cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct RbacObject {
    /// `Role` or `RoleBinding`.
    pub kind: &'static str,
    /// Where.
    pub namespace: String,
    /// Its name.
    pub name: &'static str,
    /// All of it.
    pub manifest: Value,
}

/// What became of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It was not there.
    Created,
    /// It was there and is what it should be now.
    Replaced,
}

impl RbacObject {
    /// The objects of a service mapping, in the order they are needed.
    pub fn of(mapping: &Mapping) -> Vec<Self> {
        let object = |kind, rest: Value| {
            let mut manifest = json!({
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": kind,
                "metadata": { "name": EMR, "namespace": mapping.namespace },
            });
            if let (Value::Object(manifest), Value::Object(mut rest)) = (&mut manifest, rest) {
                manifest.append(&mut rest);
            }
            Self { kind, namespace: mapping.namespace.clone(), name: EMR, manifest }
        };
        if !mapping.is_service() {
            return Vec::new();
        }
        let role_ref = json!({ "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": EMR });
        let subject = json!({ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": EMR });
        Vec::from([
            object("Role", json!({ "rules": rules() })),
            object("RoleBinding", json!({ "roleRef": role_ref, "subjects": [subject] })),
        ])
    }

    /// The line that tells what became of it.
    pub fn line(&self, applied: Applied) -> Line {
        let done = match applied {
            Applied::Created => "created",
            Applied::Replaced => "replaced",
        };
        let Self { kind, namespace, name, .. } = self;
        Line::info(format!("{done} \"{namespace}:{kind}.rbac.authorization.k8s.io/{name}\""))
    }
}

/// What EMR does in its namespace, by the Amazon EMR on EKS development guide,
/// "Enable cluster access".
fn rules() -> Value {
    let full = "get list watch describe create edit delete deletecollection annotate patch label";
    let most = "get list watch describe create edit delete annotate patch label";
    let rbac = "rbac.authorization.k8s.io";
    let rules = [
        (&[""][..], "namespaces", "get"),
        (&[""], "serviceaccounts services configmaps events pods pods/log", full),
        (&[""], "secrets", "create patch delete watch"),
        (&["apps"], "statefulsets deployments", most),
        (&["batch"], "jobs", most),
        (&["extensions", "networking.k8s.io"], "ingresses", most),
        (&[rbac], "roles rolebindings", full),
        (&[""], "persistentvolumeclaims", full),
    ];
    let words = |text: &str| text.split(' ').map(ToString::to_string).collect::<Vec<_>>();
    let rule = |(groups, resources, verbs): (&[&str], &str, &str)| json!({ "apiGroups": groups, "resources": words(resources), "verbs": words(verbs) });
    rules.into_iter().map(rule).collect()
}
