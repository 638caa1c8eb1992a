//! The EC2 instances behind nodes: their names, and whose they are.
//!
//! All look-ups go through one task, the [`Dispatcher`], which gathers instances into
//! calls; each instance is looked up once for all who wait for it, and nobody's
//! departure ends that. Good answers are remembered, and renewed before they end while
//! nobody waits; answers that say no are told to all who wait and forgotten.
//!
//! Only callers whom STS has vouched for, and whom a mapping takes for a node, get here.

mod bucket;
mod dispatcher;
mod known;
mod queue;
mod roles;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kube_iam_core::identity::Identity;
use kube_iam_core::ids::InstanceId;
use kube_iam_core::node_instance::{NodeError, NodeInstance};
use kube_iam_core::ports::{AwsFailure, Instances};
use kube_iam_core::reason::Reason;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::Instant;

use crate::limits::{self, Limits};
use crate::metrics::Metrics;
use crate::settings::Settings;
use known::{Known, Lives, Look};
use roles::Roles;

use dispatcher::Dispatcher;

/// What EC2 said of an instance, shared by all who asked.
type Outcome = Result<Arc<NodeInstance>, LookUpError>;

/// Why there is no instance for a node.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum LookUpError {
    /// AWS says no, or nothing.
    #[error("no node comes of the session")]
    Node(#[source] Arc<NodeError>),
    /// The cap on look-ups is reached.
    #[error("too many logins wait for EC2")]
    Overloaded,
    /// The time of the request is up.
    #[error("the time of this request is up, and EC2 has not told of instance `{0}`")]
    Deadline(InstanceId),
    /// The look-up ended without an outcome.
    #[error("the look-up of an instance ended by a fault of this server")]
    Died,
}

impl LookUpError {
    pub(crate) fn reason(&self) -> Reason {
        match self {
            Self::Node(error) => Reason::from(error.as_ref()),
            Self::Overloaded => Reason::Overloaded,
            Self::Deadline(_) => Reason::Ec2Unavailable,
            Self::Died => Reason::Internal,
        }
    }
}

impl From<NodeError> for LookUpError {
    fn from(error: NodeError) -> Self {
        Self::Node(Arc::new(error))
    }
}

/// Somebody asks for an instance.
struct Ask {
    id: InstanceId,
    answer: oneshot::Sender<Outcome>,
}

type KnownNodes = Known<InstanceId, Arc<NodeInstance>>;

struct Shared {
    instances: Arc<dyn Instances>,
    limits: Limits,
    metrics: Arc<Metrics>,
    known: Mutex<KnownNodes>,
}

impl Shared {
    fn known(&self) -> MutexGuard<'_, KnownNodes> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks up instances.
pub(crate) struct NodeNames {
    shared: Arc<Shared>,
    asks: mpsc::Sender<Ask>,
    waiting: Semaphore,
    /// There if instances are verified.
    roles: Option<Roles>,
}

impl NodeNames {
    /// The look-up, and the task that makes its calls; that ends with the last look-up.
    pub(crate) fn new(settings: &Settings, instances: Arc<dyn Instances>, metrics: Arc<Metrics>) -> (Self, Dispatcher) {
        let (lives, limits) = (Self::lives(settings.verify_node_instance), settings.limits);
        let shared = Arc::new(Shared {
            instances: Arc::clone(&instances),
            limits,
            metrics,
            known: Mutex::new(Known::new(lives, limits.nodes)),
        });
        let (asks, inbox) = mpsc::channel(limits.waiting.max(1));
        let roles = settings.verify_node_instance.then(|| Roles::new(instances, limits.ec2_call));
        let dispatcher = Dispatcher::new(Arc::clone(&shared), inbox, settings);
        (Self { shared, asks, waiting: Semaphore::new(limits.waiting), roles }, dispatcher)
    }

    fn lives(verifies: bool) -> Lives {
        match verifies {
            true => Lives { fresh: limits::VERIFIED_NODE_FRESH, kept: limits::VERIFIED_NODE_KEPT },
            false => Lives { fresh: limits::NODE_FRESH, kept: limits::NODE_KEPT },
        }
    }

    /// Whether instances are verified to be their callers'.
    pub(crate) fn verifies(&self) -> bool {
        self.roles.is_some()
    }

    /// The instance that a caller named by its session, once it is known that it may.
    pub(crate) async fn look_up(&self, id: &InstanceId, identity: &Identity, deadline: Instant) -> Outcome {
        if !id.is_plausible() {
            return Err(NodeError::Unknown(id.clone()).into());
        }
        let instance = self.instance(id, Look::Remembered, deadline).await?;
        let Some(roles) = &self.roles else { return Ok(instance) };
        match roles.verify(id, &instance, identity, Look::Remembered, deadline).await {
            Ok(()) => Ok(instance),
            // Perhaps the right profile was attached since AWS was asked.
            Err(LookUpError::Node(error)) if matches!(*error, NodeError::Foreign(..)) => {
                let instance = self.instance(id, Look::Anew, deadline).await?;
                roles.verify(id, &instance, identity, Look::Anew, deadline).await?;
                Ok(instance)
            }
            Err(error) => Err(error),
        }
    }

    async fn instance(&self, id: &InstanceId, look: Look, deadline: Instant) -> Outcome {
        let found = self.shared.known().find(id, look, Instant::now());
        if let Some((instance, is_old)) = found {
            self.shared.metrics.node_hits.inc();
            if is_old {
                // Nobody waits for this one. Without room for it there will be another time.
                let _ = self.ask(id);
            }
            return Ok(instance);
        }
        self.shared.metrics.node_misses.inc();
        let _place = self.waiting.try_acquire().map_err(|_| LookUpError::Overloaded)?;
        let outcome = self.ask(id)?;
        match tokio::time::timeout_at(deadline, outcome).await {
            Err(_) => Err(LookUpError::Deadline(id.clone())),
            Ok(Err(_)) => Err(LookUpError::Died),
            Ok(Ok(outcome)) => outcome,
        }
    }

    fn ask(&self, id: &InstanceId) -> Result<oneshot::Receiver<Outcome>, LookUpError> {
        let (answer, outcome) = oneshot::channel();
        match self.asks.try_send(Ask { id: id.clone(), answer }) {
            Ok(()) => Ok(outcome),
            Err(mpsc::error::TrySendError::Full(_)) => Err(LookUpError::Overloaded),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(LookUpError::Died),
        }
    }
}

/// A failure for a call that takes too long.
fn timed_out() -> AwsFailure {
    AwsFailure::Unavailable("no answer in time".to_owned())
}

#[cfg(test)]
mod tests;
