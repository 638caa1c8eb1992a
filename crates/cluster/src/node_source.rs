//! Follows the nodes of a cluster.

use std::mem::{self, Discriminant};

use k8s_openapi::api::core::v1;
use kube::Client;
use kube::api::WatchParams;
use kube_iam_core::nodes::Node;
use tokio::time::timeout;
use tracing::debug;

use crate::facts::nodes::{COLLECTION, listed, node};
use crate::pause::Cause;
use crate::rounds::{Broken, Followed, Observations};
use crate::watch::{Change, Watch};
use crate::{ApiError, limits};

/// The nodes of a cluster, as they change.
pub struct NodeSource(Observations<NodesObservation>);

/// What is seen of the nodes.
#[derive(Debug, Clone, PartialEq)]
pub enum NodesObservation {
    /// All that there are.
    All(Vec<Node>),
    /// One as it is now.
    One(Box<Node>),
    /// One of this name is gone.
    Gone(String),
    /// They can't be listed at the moment. Said once for each reason; the next
    /// list is tried all the same.
    Failed(ApiError),
}

impl NodeSource {
    /// Follows the nodes with this client; nothing happens until the first
    /// [`Self::observe`].
    pub fn new(client: Client) -> Self {
        Self(Observations::of(Nodes { client, told: None }))
    }

    /// Waits for the next observation. Never ends, and may be given up at any time.
    pub async fn observe(&mut self) -> NodesObservation {
        self.0.next().await
    }
}

struct Nodes {
    client: Client,
    /// The failure that was reported last and is not over.
    told: Option<Discriminant<ApiError>>,
}

impl Followed for Nodes {
    const NAME: &'static str = "the nodes";
    type Object = v1::Node;
    type Observation = NodesObservation;

    async fn list(&mut self) -> Result<(NodesObservation, String), Broken<NodesObservation>> {
        let all = timeout(limits::FACTS, listed(&self.client)).await;
        let all = all.unwrap_or(Err(ApiError::Timeout(limits::FACTS))).map_err(|error| self.failed(error))?;
        self.told = None;
        Ok((NodesObservation::All(all.items), all.resource_version))
    }

    /// Where the nodes may be listed and not watched, they are listed again and again.
    async fn watch(&mut self, since: &str) -> Result<Watch<v1::Node>, Broken<NodesObservation>> {
        let parse = |line: &[u8]| serde_json::from_slice(line);
        Watch::start(&self.client, COLLECTION, WatchParams::default(), since, parse).await.map_err(|error| {
            debug!(%error, "the nodes can't be watched");
            Broken { cause: Cause::WatchEnded, told: None }
        })
    }

    fn changed(&mut self, change: Change<v1::Node>) -> Option<NodesObservation> {
        Some(match change {
            Change::Present(object) => NodesObservation::One(Box::new(node(object))),
            Change::Gone(object) => NodesObservation::Gone(object.metadata.name.unwrap_or_default()),
        })
    }
}

impl Nodes {
    /// Tells of a failure, unless it was told already.
    fn failed(&mut self, error: ApiError) -> Broken<NodesObservation> {
        let cause = if error.is_passing() { Cause::NotUp } else { Cause::Failure };
        debug!(%error, "the nodes can't be listed");
        let told = Some(mem::discriminant(&error));
        let is_new = mem::replace(&mut self.told, told) != told;
        Broken { cause, told: is_new.then_some(NodesObservation::Failed(error)) }
    }
}

#[cfg(test)]
mod tests;
