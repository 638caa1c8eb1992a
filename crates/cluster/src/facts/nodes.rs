//! Which nodes are there.

use http::Method;
use k8s_openapi::api::core::v1;
use kube::Client;
use kube::core::ObjectList;
use kube_iam_core::nodes::{Condition, ConditionStatus, Node};

use crate::api_error::{ApiError, Right};
use crate::exchange::{Question, ask, escaped};
use crate::limits;

/// All nodes, as a collection.
pub(crate) const COLLECTION: &str = "/api/v1/nodes";

/// Labels by which a node group, and so its role, is known.
const TELLING: [&str; 7] = [
    "eks.amazonaws.com/",
    "alpha.eksctl.io/",
    "karpenter.sh/",
    "karpenter.k8s.aws/",
    "kops.k8s.io/",
    "kubernetes.io/os",
    "topology.kubernetes.io/region",
];

/// All nodes at one moment.
pub(crate) struct Listed {
    pub(crate) items: Vec<Node>,
    /// Where a watch has to start to miss nothing.
    pub(crate) resource_version: String,
}

/// Reads all nodes.
///
/// # Errors
/// [`ApiError`], with more than [`limits::NODES`] it is [`ApiError::TooMany`].
pub async fn nodes(client: &Client) -> Result<Vec<Node>, ApiError> {
    Ok(listed(client).await?.items)
}

/// Reads all nodes, and the version at which they were so.
pub(crate) async fn listed(client: &Client) -> Result<Listed, ApiError> {
    let mut items = Vec::new();
    let mut next = String::new();
    loop {
        let uri = format!("{COLLECTION}?limit={}{next}", limits::PAGE);
        let right = Right { verb: "list", resource: "nodes", namespace: None, name: None };
        let question = Question { method: Method::GET, uri, body: None, right };
        let bytes = ask(client, question, limits::ANSWER, limits::PAGE_BYTES).await?;
        let page: ObjectList<v1::Node> =
            serde_json::from_slice(&bytes).map_err(|error| ApiError::malformed("a list", &error))?;
        items.extend(page.items.into_iter().map(node));
        if items.len() > limits::NODES {
            return Err(ApiError::TooMany { what: "nodes", most: limits::NODES });
        }
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => next = format!("&continue={}", escaped(&token)),
            None => {
                let resource_version = page.metadata.resource_version.unwrap_or_default();
                return Ok(Listed { items, resource_version });
            }
        }
    }
}

/// What is kept of a node: with its images it is a hundred times as long.
pub(crate) fn node(node: v1::Node) -> Node {
    let conditions = node.status.and_then(|status| status.conditions).unwrap_or_default();
    let mut labels = node.metadata.labels.unwrap_or_default();
    labels.retain(|name, _| TELLING.iter().any(|telling| name.starts_with(telling)));
    Node {
        name: node.metadata.name.unwrap_or_default(),
        provider_id: node.spec.and_then(|spec| spec.provider_id).filter(|id| !id.is_empty()),
        labels,
        // Kubernetes' types keep times in a version of jiff of their own.
        created: node.metadata.creation_timestamp.and_then(|created| created.0.to_string().parse().ok()),
        conditions: conditions.into_iter().map(condition).collect(),
        instance: None,
    }
}

fn condition(condition: v1::NodeCondition) -> Condition {
    Condition {
        name: condition.type_,
        status: match condition.status.as_str() {
            "True" => ConditionStatus::True,
            "False" => ConditionStatus::False,
            _ => ConditionStatus::Unknown,
        },
        reason: cut(condition.reason.unwrap_or_default()),
        message: cut(condition.message.unwrap_or_default()),
    }
}

/// Whoever shows it escapes what can't be shown; here it is only made short.
fn cut(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(limits::MESSAGE_CHARS) {
        text.truncate(end);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_kubelets_are_cut_and_statuses_read() {
        let condition_of = |status: &str, message: &str| {
            condition(v1::NodeCondition {
                status: status.to_owned(),
                message: Some(message.to_owned()),
                ..v1::NodeCondition::default()
            })
        };
        let longest = "é".repeat(limits::MESSAGE_CHARS);
        assert_eq!(condition_of("True", &longest).message, longest);
        assert_eq!(condition_of("True", &format!("{longest}x")).message, longest);
        for (text, status) in [
            ("True", ConditionStatus::True),
            ("False", ConditionStatus::False),
            ("Unknown", ConditionStatus::Unknown),
            ("", ConditionStatus::Unknown),
        ] {
            assert_eq!(condition_of(text, "").status, status, "{text}");
        }
    }
}
