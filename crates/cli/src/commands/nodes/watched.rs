//! The nodes of a cluster as they change, each with the instance behind it.

use std::sync::Arc;
use std::time::Duration;

use kube_iam_cluster::{NodeSource, NodesObservation};
use kube_iam_core::ports::{AwsFailure, BoxFuture};
use tokio::sync::Mutex;

use crate::fleet::Fleet;

/// Between two attempts to ask AWS: about as often as kubelets report.
const PAUSE: Duration = Duration::from_secs(5);

/// What is seen of nodes, held back until their roles are known where these matter.
pub struct Watched {
    source: NodeSource,
    fleet: Option<Arc<Mutex<Fleet>>>,
    /// What was seen last, while AWS is asked about it.
    held: Option<BoxFuture<'static, Result<NodesObservation, (NodesObservation, AwsFailure)>>>,
}

impl Watched {
    /// Nobody is asked yet. Without a fleet, AWS never is.
    pub fn new(source: NodeSource, fleet: Option<Fleet>) -> Self {
        Self { source, fleet: fleet.map(|fleet| Arc::new(Mutex::new(fleet))), held: None }
    }

    /// Waits for the next observation. May be given up at any time.
    ///
    /// # Errors
    ///
    /// When AWS could not be asked about it. The same one is tried again the next time.
    pub async fn observe(&mut self) -> Result<NodesObservation, AwsFailure> {
        let Some(fleet) = &self.fleet else { return Ok(self.source.observe().await) };
        let held = match &mut self.held {
            Some(held) => held,
            None => {
                let observation = self.source.observe().await;
                self.held.insert(Box::pin(completed(Arc::clone(fleet), observation, Duration::ZERO)))
            }
        };
        let outcome = held.await;
        self.held = None;
        outcome.map_err(|(observation, failure)| {
            self.held = Some(Box::pin(completed(Arc::clone(fleet), observation, PAUSE)));
            failure
        })
    }
}

async fn completed(
    fleet: Arc<Mutex<Fleet>>,
    mut observation: NodesObservation,
    pause: Duration,
) -> Result<NodesObservation, (NodesObservation, AwsFailure)> {
    tokio::time::sleep(pause).await;
    let nodes = match &mut observation {
        NodesObservation::All(nodes) => nodes.as_mut_slice(),
        NodesObservation::One(node) => std::slice::from_mut(&mut **node),
        NodesObservation::Gone(_) | NodesObservation::Failed(_) => return Ok(observation),
    };
    match fleet.lock().await.complete(nodes).await {
        Ok(()) => Ok(observation),
        Err(failure) => Err((observation, failure)),
    }
}
