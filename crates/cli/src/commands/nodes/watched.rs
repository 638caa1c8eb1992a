//! The nodes of a cluster as they change, each with the instance behind it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use kube_iam_cluster::{NodeSource, NodesObservation};
use kube_iam_core::nodes::Node;
use kube_iam_core::ports::{AwsFailure, BoxFuture};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, sleep_until};

use crate::fleet::Fleet;

/// Between two attempts to ask AWS: about as often as kubelets report.
const PAUSE: Duration = Duration::from_secs(5);

/// What is seen of nodes, held back until AWS was asked about their roles where these
/// matter.
pub struct Watched {
    source: NodeSource,
    fleet: Option<Arc<Mutex<Fleet>>>,
    /// What was seen last, while AWS is asked about it.
    held: Option<BoxFuture<'static, Result<Seen, (Seen, AwsFailure)>>>,
    /// Nodes on instances whose role AWS did not know when it was asked: IAM and EC2 tell
    /// of what is new only after a while.
    doubtful: BTreeMap<String, Node>,
    /// When AWS is asked about those again.
    again: Instant,
    /// Those of them whose role was found out.
    settled: VecDeque<Node>,
}

/// What AWS is asked about.
enum Seen {
    New(NodesObservation),
    Again(Vec<Node>),
}

impl Watched {
    /// Nobody is asked yet. Without a fleet, AWS never is.
    pub fn new(source: NodeSource, fleet: Option<Fleet>) -> Self {
        let fleet = fleet.map(|fleet| Arc::new(Mutex::new(fleet)));
        let (doubtful, settled) = (BTreeMap::new(), VecDeque::new());
        Self { source, fleet, held: None, doubtful, again: Instant::now(), settled }
    }

    /// Waits for the next observation. May be given up at any time.
    ///
    /// # Errors
    ///
    /// When AWS could not be asked about it. The same one is tried again the next time.
    pub async fn observe(&mut self) -> Result<NodesObservation, AwsFailure> {
        let Some(fleet) = self.fleet.clone() else { return Ok(self.source.observe().await) };
        loop {
            if let Some(node) = self.settled.pop_front() {
                return Ok(NodesObservation::One(Box::new(node)));
            }
            let held = match &mut self.held {
                Some(held) => held,
                None => {
                    let seen = tokio::select! {
                        biased;
                        () = sleep_until(self.again), if !self.doubtful.is_empty() => {
                            Seen::Again(self.doubtful.values().cloned().collect())
                        }
                        observation = self.source.observe() => Seen::New(observation),
                    };
                    self.held.insert(Box::pin(completed(Arc::clone(&fleet), seen, Duration::ZERO)))
                }
            };
            let outcome = held.await;
            self.held = None;
            match outcome {
                Ok(Seen::New(observation)) => {
                    self.note_doubts(&observation);
                    return Ok(observation);
                }
                Ok(Seen::Again(nodes)) => self.settle(nodes),
                Err((seen, failure)) => {
                    self.held = Some(Box::pin(completed(fleet, seen, PAUSE)));
                    return Err(failure);
                }
            }
        }
    }

    fn note_doubts(&mut self, observation: &NodesObservation) {
        let is_settled = self.doubtful.is_empty();
        match observation {
            NodesObservation::All(nodes) => {
                let doubtful = nodes.iter().filter(|node| is_doubtful(node));
                self.doubtful = doubtful.map(|node| (node.name.clone(), node.clone())).collect();
            }
            NodesObservation::One(node) if is_doubtful(node) => {
                self.doubtful.insert(node.name.clone(), Node::clone(node));
            }
            NodesObservation::One(node) => drop(self.doubtful.remove(&node.name)),
            NodesObservation::Gone(name) => drop(self.doubtful.remove(name)),
            NodesObservation::Failed(_) => {}
        }
        if is_settled {
            self.again = Instant::now() + PAUSE;
        }
    }

    /// Takes note of the roles of nodes that were doubtful. That AWS has answered is told
    /// by one of them at least.
    fn settle(&mut self, nodes: Vec<Node>) {
        self.again = Instant::now() + PAUSE;
        let (doubtful, settled): (Vec<Node>, Vec<Node>) = nodes.into_iter().partition(is_doubtful);
        self.settled.extend(settled);
        if self.settled.is_empty() {
            self.settled.extend(doubtful.first().cloned());
        }
        self.doubtful = doubtful.into_iter().map(|node| (node.name.clone(), node)).collect();
    }
}

fn is_doubtful(node: &Node) -> bool {
    node.instance_id().is_some() && node.role().is_none()
}

async fn completed(fleet: Arc<Mutex<Fleet>>, mut seen: Seen, pause: Duration) -> Result<Seen, (Seen, AwsFailure)> {
    sleep(pause).await;
    let nodes = match &mut seen {
        Seen::Again(nodes) | Seen::New(NodesObservation::All(nodes)) => nodes.as_mut_slice(),
        Seen::New(NodesObservation::One(node)) => std::slice::from_mut(&mut **node),
        Seen::New(NodesObservation::Gone(_) | NodesObservation::Failed(_)) => return Ok(seen),
    };
    match fleet.lock().await.complete(nodes).await {
        // A node that names a wrong region is not waited for.
        Err(unlearnt) if !unlearnt.in_part => Err((seen, unlearnt.failure)),
        _ => Ok(seen),
    }
}
