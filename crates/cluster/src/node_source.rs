//! Follows the nodes of a cluster.
//!
//! As with aws-auth: rounds of a list and a watch that starts where the list ends,
//! so that whatever a watch has missed is seen when it has run its time.

use std::mem::{self, Discriminant};

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use k8s_openapi::api::core::v1;
use kube::Client;
use kube::api::WatchParams;
use kube_iam_core::nodes::Node;
use tokio::time::timeout;
use tracing::debug;

use crate::facts::nodes::{COLLECTION, listed, node};
use crate::pause::{Cause, Pause};
use crate::watch::{Change, Watch};
use crate::{ApiError, limits};

/// The nodes of a cluster, as they change.
pub struct NodeSource {
    // A stream keeps what is under way when somebody stops waiting for it.
    observations: BoxStream<'static, NodesObservation>,
}

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
        let follower = Follower { client, stage: Stage::List, pause: Pause::default(), told: None };
        let observations = stream::unfold(follower, |mut follower| async {
            let observation = follower.next().await;
            Some((observation, follower))
        });
        Self { observations: observations.boxed() }
    }

    /// Waits for the next observation. Never ends, and may be given up at any time.
    pub async fn observe(&mut self) -> NodesObservation {
        match self.observations.next().await {
            Some(observation) => observation,
            // The stream above has no end.
            None => std::future::pending().await,
        }
    }
}

struct Follower {
    client: Client,
    stage: Stage,
    pause: Pause,
    /// The failure that was reported last and is not over.
    told: Option<Discriminant<ApiError>>,
}

/// What is done next.
enum Stage {
    List,
    Watch { since: String },
    Follow(Watch<v1::Node>),
}

impl Follower {
    async fn next(&mut self) -> NodesObservation {
        loop {
            // Whatever goes wrong leaves the list as the next stage.
            let observation = match mem::replace(&mut self.stage, Stage::List) {
                Stage::List => self.list().await,
                Stage::Watch { since } => self.watch(&since).await,
                Stage::Follow(watch) => self.follow(watch).await,
            };
            if let Some(observation) = observation {
                return observation;
            }
        }
    }

    async fn list(&mut self) -> Option<NodesObservation> {
        self.pause.wait().await;
        let all = timeout(limits::FACTS, listed(&self.client)).await;
        match all.unwrap_or(Err(ApiError::Timeout(limits::FACTS))) {
            Ok(all) => {
                self.told = None;
                self.stage = Stage::Watch { since: all.resource_version };
                Some(NodesObservation::All(all.items))
            }
            Err(error) => {
                self.pause.after(if error.is_passing() { Cause::NotUp } else { Cause::Failure });
                debug!(%error, "the nodes can't be listed");
                let told = Some(mem::discriminant(&error));
                let is_new = mem::replace(&mut self.told, told) != told;
                is_new.then_some(NodesObservation::Failed(error))
            }
        }
    }

    /// Where the nodes may be listed and not watched, they are listed again and again.
    async fn watch(&mut self, since: &str) -> Option<NodesObservation> {
        let parse = |line: &[u8]| serde_json::from_slice(line);
        match Watch::start(&self.client, COLLECTION, WatchParams::default(), since, parse).await {
            Ok(watch) => self.stage = Stage::Follow(watch),
            Err(error) => {
                self.pause.after(Cause::WatchEnded);
                debug!(%error, "the nodes can't be watched");
            }
        }
        None
    }

    async fn follow(&mut self, mut watch: Watch<v1::Node>) -> Option<NodesObservation> {
        match watch.next().await {
            Ok(Some(change)) => {
                self.stage = Stage::Follow(watch);
                return Some(match change {
                    Change::Present(object) => NodesObservation::One(Box::new(node(object))),
                    Change::Gone(object) => NodesObservation::Gone(object.metadata.name.unwrap_or_default()),
                });
            }
            Ok(None) => debug!("the watch of the nodes has ended"),
            // Not reported: if it is an outage, the list will tell.
            Err(error) => debug!(%error, "the watch of the nodes broke off"),
        }
        if watch.was_steady() {
            self.pause = Pause::default();
        }
        self.pause.after(Cause::WatchEnded);
        None
    }
}

#[cfg(test)]
mod tests;
