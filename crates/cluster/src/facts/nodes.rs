//! Which nodes are there.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1;
use kube::Client;

use crate::api_error::{ApiError, Right};
use crate::exchange::list;
use crate::limits;

/// A node that kube-apiserver knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name: on EC2 the private DNS name, on some clusters the instance id.
    pub name: String,
    /// Whether its kubelet reports that it is ready. A node whose role is locked out
    /// stops to report, and is no longer ready some 40 s later.
    pub ready: bool,
    /// How the cloud knows it, as `aws:///eu-west-1a/i-0123456789abcdef0`.
    pub provider_id: Option<String>,
    /// Its labels that tell what made it: of EKS, eksctl, Karpenter and kops.
    pub labels: BTreeMap<String, String>,
    /// ARN of the IAM role it joins by. kube-apiserver does not know it: whoever asks
    /// EC2 writes it here.
    pub role: Option<String>,
}

impl Node {
    /// The EC2 instance behind it; a Fargate node has none.
    pub fn instance_id(&self) -> Option<&str> {
        let last = self.provider_id.as_deref()?.strip_prefix("aws://")?.rsplit('/').next()?;
        let digits = last.strip_prefix("i-")?;
        let is_id = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_id.then_some(last)
    }
}

/// Labels by which a node group, and so its role, is known.
const TELLING: [&str; 6] = [
    "eks.amazonaws.com/",
    "alpha.eksctl.io/",
    "karpenter.sh/",
    "karpenter.k8s.aws/",
    "kops.k8s.io/",
    "kubernetes.io/os",
];

/// Reads all nodes.
///
/// # Errors
/// [`ApiError`], with more than [`limits::NODES`] it is [`ApiError::TooMany`].
pub async fn nodes(client: &Client) -> Result<Vec<Node>, ApiError> {
    let right = Right { verb: "list", resource: "nodes", namespace: None, name: None };
    let parse = |bytes: &[u8]| serde_json::from_slice(bytes);
    list(client, "/api/v1/nodes", right, "nodes", limits::NODES, parse, node).await
}

fn node(node: v1::Node) -> Node {
    let conditions = node.status.and_then(|status| status.conditions).unwrap_or_default();
    let mut labels = node.metadata.labels.unwrap_or_default();
    labels.retain(|name, _| TELLING.iter().any(|telling| name.starts_with(telling)));
    Node {
        name: node.metadata.name.unwrap_or_default(),
        ready: conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True"),
        provider_id: node.spec.and_then(|spec| spec.provider_id).filter(|id| !id.is_empty()),
        labels,
        role: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_instance_is_the_end_of_the_provider_id() {
        let id = |provider_id: &str| {
            let spec = v1::NodeSpec { provider_id: Some(provider_id.to_owned()), ..v1::NodeSpec::default() };
            node(v1::Node { spec: Some(spec), ..v1::Node::default() }).instance_id().map(str::to_owned)
        };
        let expected = Some("i-0123456789abcdef0".to_owned());
        assert_eq!(id("aws:///eu-west-1a/i-0123456789abcdef0"), expected);
        assert_eq!(id("aws:///i-0123456789abcdef0"), expected);
        for none in
            ["aws:///eu-west-1a/0a1b-4c/fargate-ip-10-0-0-1.internal", "kind://x/i-0", "", "aws:///i-", "aws:///i-x"]
        {
            assert_eq!(id(none), None, "{none}");
        }
    }
}
