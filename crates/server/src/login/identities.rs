//! Who owns a token, asked of STS once.
//!
//! Identities are kept under SHA-256 of the exact token. They belong to one
//! cluster ID, since a server has one. What a failure was is told to all who
//! wait for it and is not kept: the next review asks again.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kube_iam_core::identity::Identity;
use kube_iam_core::partition::Partition;
use kube_iam_core::ports::{Sts, StsFailure};
use kube_iam_core::reason::Reason;
use kube_iam_core::secret::Fingerprint;
use kube_iam_core::sts::{StsError, StsRequest, conclude};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

use crate::login::{Call, log};
use crate::mappings::Mappings;
use crate::metrics::Metrics;
use crate::settings::{Clock, Settings};

/// What STS said, shared by all who asked about one token.
type Outcome = Result<Arc<Identity>, Arc<StsError>>;

/// Why a token has no identity.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum IdentifyError {
    /// STS has not vouched.
    #[error("the token could not be verified")]
    Sts(#[source] Arc<StsError>),
    /// The cap on calls is reached.
    #[error("too many reviews wait for STS")]
    Overloaded,
    /// The time of the request is up.
    #[error("the time of this request is up")]
    Deadline,
    /// The call ended without an outcome.
    #[error("the call to STS ended by a fault of this server")]
    Died,
}

impl IdentifyError {
    pub(super) fn reason(&self) -> Reason {
        match self {
            Self::Sts(error) => Reason::from(error.as_ref()),
            Self::Overloaded => Reason::Overloaded,
            Self::Deadline => Reason::StsUnavailable,
            Self::Died => Reason::Internal,
        }
    }
}

/// The identities known, and the calls that find out more.
pub(super) struct Identities(Arc<Shared>);

struct Shared {
    sts: Arc<dyn Sts>,
    partition: Partition,
    clock: Clock,
    ttl: SignedDuration,
    capacity: usize,
    /// Bound on one call.
    time: Duration,
    slots: Arc<Semaphore>,
    waiting: Semaphore,
    mappings: Arc<Mappings>,
    metrics: Arc<Metrics>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    known: HashMap<Fingerprint, Known>,
    /// The keys of `known` in the order they came in.
    order: VecDeque<Fingerprint>,
    flights: HashMap<Fingerprint, watch::Receiver<Option<Outcome>>>,
}

struct Known {
    identity: Arc<Identity>,
    until: Timestamp,
}

impl State {
    fn find(&self, token: Fingerprint, now: Timestamp) -> Option<Arc<Identity>> {
        self.known.get(&token).filter(|known| now < known.until).map(|known| Arc::clone(&known.identity))
    }

    /// Keeps an identity, in place of the one that came first if there is no
    /// room. All live about equally long, so that is also the one to end first.
    fn keep(&mut self, token: Fingerprint, known: Known, capacity: usize, now: Timestamp) {
        if self.known.insert(token, known).is_none() {
            self.order.push_back(token);
        }
        while let Some(oldest) = self.order.front() {
            let has_ended = self.known.get(oldest).is_none_or(|known| known.until <= now);
            if !has_ended && self.known.len() <= capacity {
                break;
            }
            self.known.remove(oldest);
            self.order.pop_front();
        }
    }
}

impl Identities {
    pub(super) fn new(
        settings: &Settings,
        sts: Arc<dyn Sts>,
        clock: Clock,
        mappings: Arc<Mappings>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self(Arc::new(Shared {
            sts,
            partition: settings.partition,
            clock,
            ttl: SignedDuration::try_from(settings.identity_ttl).unwrap_or(SignedDuration::MAX),
            capacity: settings.identity_capacity,
            time: settings.limits.sts_call,
            slots: Arc::new(Semaphore::new(settings.limits.sts_in_flight)),
            waiting: Semaphore::new(settings.limits.waiting),
            mappings,
            metrics,
            state: Mutex::default(),
        }))
    }

    /// The identity behind a token that passed every check: known already, or
    /// from the one call to STS that all reviews of this token share.
    ///
    /// The call is a task of its own, which nobody's departure ends.
    pub(super) async fn identify(
        &self,
        token: Fingerprint,
        request: StsRequest,
        now: Timestamp,
        deadline: Instant,
        call: Call,
    ) -> Result<Arc<Identity>, IdentifyError> {
        let (mut outcome, _place) = {
            let mut state = self.0.state();
            if let Some(identity) = state.find(token, now) {
                self.0.metrics.identity_hits.inc();
                return Ok(identity);
            }
            self.0.metrics.identity_misses.inc();
            let place = self.0.waiting.try_acquire().map_err(|_| IdentifyError::Overloaded)?;
            let flight = match state.flights.get(&token) {
                Some(flight) => flight.clone(),
                None => self.start(&mut state, token, request, call)?,
            };
            (flight, place)
        };
        let landed = tokio::time::timeout_at(deadline, outcome.wait_for(Option::is_some)).await;
        match landed {
            Err(_) => Err(IdentifyError::Deadline),
            Ok(Err(_)) => Err(IdentifyError::Died),
            Ok(Ok(outcome)) => match &*outcome {
                Some(Ok(identity)) => Ok(Arc::clone(identity)),
                Some(Err(error)) => Err(IdentifyError::Sts(Arc::clone(error))),
                None => Err(IdentifyError::Died),
            },
        }
    }

    fn start(
        &self,
        state: &mut State,
        token: Fingerprint,
        request: StsRequest,
        call: Call,
    ) -> Result<watch::Receiver<Option<Outcome>>, IdentifyError> {
        let slot = Arc::clone(&self.0.slots).try_acquire_owned().map_err(|_| IdentifyError::Overloaded)?;
        let (sender, receiver) = watch::channel(None);
        state.flights.insert(token, receiver.clone());
        self.0.metrics.in_flight.inc();
        let flight = Flight { shared: Arc::clone(&self.0), token, sender, _slot: slot };
        tokio::spawn(flight.fly(request, call));
        Ok(receiver)
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One call to STS. However it ends, it makes room for the next one.
struct Flight {
    shared: Arc<Shared>,
    token: Fingerprint,
    sender: watch::Sender<Option<Outcome>>,
    _slot: OwnedSemaphorePermit,
}

impl Flight {
    async fn fly(self, request: StsRequest, call: Call) {
        let Shared { sts, partition, mappings, metrics, time, .. } = &*self.shared;
        let reply = tokio::time::timeout(*time, sts.call(&request)).await.unwrap_or(Err(StsFailure::Timeout));
        metrics.sts_called(*partition, request.host(), reply.as_ref().ok().map(|reply| reply.status));
        let outcome = conclude(&request, *partition, reply);
        match &outcome {
            Ok(identity) if mappings.scrubs(identity) => {}
            Ok(identity) => log::sts_response(identity, self.token, call),
            Err(StsError::Throttled) => metrics.sts_throttled(*partition, request.host()),
            Err(_) => {}
        }
        self.land(outcome.map(Arc::new).map_err(Arc::new), request.expires_at());
    }

    /// Keeps the identity, then ends the flight in one step: whoever finds no
    /// flight finds the identity.
    fn land(self, outcome: Outcome, expires_at: Timestamp) {
        let shared = &self.shared;
        let mut state = shared.state();
        if let (Ok(identity), true) = (&outcome, shared.ttl.is_positive()) {
            let now = (shared.clock)();
            let until = now.checked_add(shared.ttl).unwrap_or(Timestamp::MAX).min(expires_at);
            state.keep(self.token, Known { identity: Arc::clone(identity), until }, shared.capacity, now);
            shared.metrics.identities.set(i64::try_from(state.known.len()).unwrap_or(i64::MAX));
        }
        state.flights.remove(&self.token);
        drop(state);
        self.sender.send_replace(Some(outcome));
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.shared.metrics.in_flight.dec();
        // Already gone, unless the call died.
        self.shared.state().flights.remove(&self.token);
        if std::thread::panicking() {
            self.shared.metrics.panics.inc();
        }
    }
}
