//! The one task that calls EC2.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use kube_iam_core::ids::InstanceId;
use kube_iam_core::node_instance::{Concluded, Fate, NodeError, conclude};
use kube_iam_core::ports::{AwsFailure, Instance};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use super::bucket::Bucket;
use super::queue::{Batch, Next, Queue, pause_after_miss};
use super::{Ask, KnownNodes, LookUpError, Outcome, Shared, timed_out};
use crate::log_text::{Plain, chain};
use crate::settings::Settings;

/// One look-up, for all who wait for it.
struct Flight {
    deadline: Instant,
    /// How often EC2 did not know the instance.
    misses: u32,
    /// What stood in the way last.
    last: Option<NodeError>,
    waiters: Vec<oneshot::Sender<Outcome>>,
}

type Reply = Result<Vec<Instance>, AwsFailure>;

/// Gathers instances into calls, makes them, and gives out the answers.
pub(crate) struct Dispatcher {
    shared: Arc<Shared>,
    inbox: mpsc::Receiver<Ask>,
    queue: Queue,
    flights: HashMap<InstanceId, Flight>,
    /// The deadlines of flights, those that have ended too, in their order.
    deadlines: VecDeque<(Instant, InstanceId)>,
    calls: JoinSet<(Reply, Instant)>,
    batches: HashMap<Id, Batch>,
    jitter: RandomState,
}

impl Dispatcher {
    pub(super) fn new(shared: Arc<Shared>, inbox: mpsc::Receiver<Ask>, settings: &Settings) -> Self {
        Self {
            shared,
            inbox,
            queue: Queue::new(Bucket::new(settings.ec2_qps, settings.ec2_burst)),
            flights: HashMap::new(),
            deadlines: VecDeque::new(),
            calls: JoinSet::new(),
            batches: HashMap::new(),
            jitter: RandomState::new(),
        }
    }

    /// Works as long as there is somebody who could ask; through a shutdown, too.
    pub(crate) async fn run(mut self) {
        loop {
            let wake = self.make_calls(Instant::now());
            tokio::select! {
                ask = self.inbox.recv() => match ask {
                    Some(ask) => self.take(ask, Instant::now()),
                    None => return,
                },
                Some(ended) = self.calls.join_next_with_id() => self.settle(ended, Instant::now()),
                () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => {}
            }
            self.expire(Instant::now());
            self.shared.metrics.node_look_ups.set(i64::try_from(self.flights.len()).unwrap_or(i64::MAX));
        }
    }

    fn take(&mut self, Ask { id, answer }: Ask, now: Instant) {
        if let Some(flight) = self.flights.get_mut(&id) {
            flight.waiters.retain(|waiter| !waiter.is_closed());
            flight.waiters.push(answer);
            return;
        }
        let most = self.shared.limits.waiting;
        if self.flights.len() >= most || self.queue.len() >= most {
            let _ = answer.send(Err(LookUpError::Overloaded));
            return;
        }
        let deadline = now + self.shared.limits.node_look_up;
        self.deadlines.push_back((deadline, id.clone()));
        self.queue.push(id.clone());
        self.flights.insert(id, Flight { deadline, misses: 0, last: None, waiters: vec![answer] });
    }

    /// Starts every call that can be made now; when to come back otherwise.
    fn make_calls(&mut self, now: Instant) -> Option<Instant> {
        let next_call = loop {
            match self.queue.next(now, |id| self.flights.contains_key(id)) {
                Next::Call(batch) => self.call(batch),
                Next::At(at) => break Some(at),
                Next::Idle => break None,
            }
        };
        let deadline = self.deadlines.front().map(|(at, _)| *at);
        next_call.into_iter().chain(deadline).min()
    }

    fn call(&mut self, batch: Batch) {
        self.shared.metrics.ec2_calls.inc();
        let (shared, ids) = (Arc::clone(&self.shared), batch.ids.clone());
        let call = self.calls.spawn(async move {
            let started = Instant::now();
            let reply = tokio::time::timeout(shared.limits.ec2_call, shared.instances.describe(&ids)).await;
            (reply.unwrap_or_else(|_| Err(timed_out())), started)
        });
        self.batches.insert(call.id(), batch);
    }

    /// Takes the end of a call.
    fn settle(&mut self, ended: Result<(Id, (Reply, Instant)), JoinError>, now: Instant) {
        let id = match &ended {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let Some(batch) = self.batches.remove(&id) else { return };
        let Ok((_, (reply, started))) = ended else {
            self.shared.metrics.panics.inc();
            self.queue.answered();
            batch.ids.iter().for_each(|id| self.land(id, &Err(LookUpError::Died)));
            return;
        };
        self.shared.metrics.ec2_called(reply.as_ref().err(), now.saturating_duration_since(started));
        if let Err(error) = &reply {
            warn!(instances = batch.ids.len(), error = %Plain(&chain(error)), "DescribeInstances failed");
        }
        let Concluded { fates, parts } = conclude(batch.ids.clone(), reply);
        let mut has_failed = false;
        for (id, fate) in fates {
            match fate {
                Fate::Found(instance) => {
                    info!(instance = %id, name = %instance.name, "EC2 knows the instance of a node");
                    let instance = Arc::new(instance);
                    self.change_known(|known| known.keep(id.clone(), Arc::clone(&instance), now));
                    self.land(&id, &Ok(instance));
                }
                Fate::Refused(error) => self.refuse(&id, error),
                Fate::Missing(error) => self.missed(&id, error, now),
                Fate::Failed(failure) => {
                    has_failed = true;
                    if let Some(flight) = self.flights.get_mut(&id) {
                        flight.last = Some(NodeError::Aws(id, failure));
                    }
                }
            }
        }
        if has_failed {
            let jitter = f64::from(self.jitter.hash_one(now) as u16) / f64::from(u16::MAX);
            self.queue.failed(batch, jitter, now);
        } else {
            self.queue.answered();
            parts.into_iter().for_each(|part| self.queue.push_part(part));
        }
    }

    /// EC2 does not know an instance, or its name: again later, a few times.
    fn missed(&mut self, id: &InstanceId, error: NodeError, now: Instant) {
        let Some(flight) = self.flights.get_mut(id) else { return };
        flight.misses += 1;
        match pause_after_miss(flight.misses) {
            Some(pause) => {
                flight.last = Some(error);
                self.queue.push_missing(id.clone(), now + pause);
            }
            None => self.refuse(id, error),
        }
    }

    fn refuse(&mut self, id: &InstanceId, error: NodeError) {
        // What AWS did not say proves nothing about what it said before.
        if !matches!(error, NodeError::Aws(..)) {
            self.change_known(|known| known.forget(id));
        }
        warn!(instance = %id, error = %Plain(&chain(&error)), "an instance gives no node");
        self.land(id, &Err(error.into()));
    }

    fn change_known(&self, change: impl FnOnce(&mut KnownNodes)) {
        let mut known = self.shared.known();
        change(&mut known);
        self.shared.metrics.nodes.set(i64::try_from(known.len()).unwrap_or(i64::MAX));
    }

    /// Ends a flight, and tells all who wait.
    fn land(&mut self, id: &InstanceId, outcome: &Outcome) {
        for waiter in self.flights.remove(id).into_iter().flat_map(|flight| flight.waiters) {
            let _ = waiter.send(outcome.clone());
        }
    }

    /// Ends the flights whose time is up by what stood in their way last.
    fn expire(&mut self, now: Instant) {
        while let Some((_, id)) = self.deadlines.pop_front_if(|(at, _)| *at <= now) {
            let Some(flight) = self.flights.get_mut(&id).filter(|flight| flight.deadline <= now) else { continue };
            let error = flight.last.take().unwrap_or_else(|| NodeError::Aws(id.clone(), timed_out()));
            self.refuse(&id, error);
        }
    }
}
