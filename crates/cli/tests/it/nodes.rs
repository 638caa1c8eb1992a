//! Letting nodes join, waiting for them, and finding out why one does not, against
//! a real kube-apiserver. Kubelets are absent: the tests write Node objects.

mod apply;
mod look;
mod wait;

use kube_iam_control_plane::ControlPlane;
use serde_json::{Value, json};

use crate::mappings::kubectl;

const ROLE: &str = "arn:aws:iam::111122223333:role/my-node-role";
const STOCK: &str = "\
- rolearn: arn:aws:iam::111122223333:role/my-node-role
  username: system:node:{{EC2PrivateDNSName}}
  groups:
    - system:bootstrappers
    - system:nodes
";

/// Registers a node as a kubelet would.
async fn join(control_plane: &ControlPlane, name: &str, provider_id: &str) {
    let node = json!({
        "kind": "Node", "apiVersion": "v1", "metadata": { "name": name }, "spec": { "providerID": provider_id },
    });
    kubectl(control_plane, &["create", "-f", "-"], &node.to_string()).await.success();
}

/// Reports that a node is ready, or why it is not.
async fn report(control_plane: &ControlPlane, name: &str, status: &str, message: &str) {
    let ready = json!({ "type": "Ready", "status": status, "reason": "Kubelet", "message": message });
    let patch: Value = json!({ "status": { "conditions": [ready] } });
    let args = ["patch", "node", name, "--subresource=status", "-p", &patch.to_string()];
    kubectl(control_plane, &args, "").await.success();
}
