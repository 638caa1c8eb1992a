//! The roles of instance profiles, asked of IAM.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kube_iam_core::arn::{Arn, InstanceProfileArn};
use kube_iam_core::identity::Identity;
use kube_iam_core::ids::InstanceId;
use kube_iam_core::node_instance::{NodeError, NodeInstance, check_role, profile_to_check};
use kube_iam_core::ports::{AwsFailure, Instances};
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::warn;

use super::known::{Known, Lives, Look};
use super::{LookUpError, timed_out};
use crate::limits;
use crate::log_text::{Plain, chain};

type Role = Result<Option<Arn>, AwsFailure>;

/// Says whether instances have the roles of their callers.
pub(super) struct Roles(Arc<Shared>);

struct Shared {
    instances: Arc<dyn Instances>,
    /// Bound on one call.
    time: Duration,
    state: Mutex<State>,
}

struct State {
    known: Known<InstanceProfileArn, Arn>,
    flights: HashMap<InstanceProfileArn, watch::Receiver<Option<Role>>>,
}

impl Roles {
    pub(super) fn new(instances: Arc<dyn Instances>, time: Duration) -> Self {
        let lives = Lives { fresh: limits::VERIFIED_NODE_FRESH, kept: limits::NODE_KEPT };
        let state = State { known: Known::new(lives, limits::PROFILES), flights: HashMap::new() };
        Self(Arc::new(Shared { instances, time, state: Mutex::new(state) }))
    }

    /// Whether an instance is its caller's.
    pub(super) async fn verify(
        &self,
        id: &InstanceId,
        instance: &NodeInstance,
        identity: &Identity,
        look: Look,
        deadline: Instant,
    ) -> Result<(), LookUpError> {
        let profile = profile_to_check(id, instance, identity)?;
        let role = match self.find(profile, look)? {
            Found::Role(role) => Some(role),
            Found::Flight(mut flight) => {
                let landed = tokio::time::timeout_at(deadline, flight.wait_for(Option::is_some)).await;
                let landed = landed.map_err(|_| LookUpError::Deadline(id.clone()))?.map_err(|_| LookUpError::Died)?;
                let role = (*landed).clone().ok_or(LookUpError::Died)?;
                role.map_err(|failure| NodeError::Aws(id.clone(), failure))?
            }
        };
        Ok(check_role(id, role.as_ref(), identity)?)
    }

    fn find(&self, profile: &InstanceProfileArn, look: Look) -> Result<Found, LookUpError> {
        let mut state = self.0.state();
        let known = state.known.find(profile, look, Instant::now());
        if let Some((role, false)) = known {
            return Ok(Found::Role(role));
        }
        let flight = match state.flights.get(profile) {
            Some(flight) => Ok(flight.clone()),
            None if state.flights.len() >= limits::PROFILES_IN_FLIGHT => Err(LookUpError::Overloaded),
            None => {
                let (sender, receiver) = watch::channel(None);
                state.flights.insert(profile.clone(), receiver.clone());
                let flight = Flight { shared: Arc::clone(&self.0), profile: profile.clone(), sender };
                tokio::spawn(flight.fly());
                Ok(receiver)
            }
        };
        match known {
            Some((role, _)) => Ok(Found::Role(role)),
            None => flight.map(Found::Flight),
        }
    }
}

enum Found {
    Role(Arn),
    Flight(watch::Receiver<Option<Role>>),
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One look-up of a role. However it ends, it makes room for the next one.
struct Flight {
    shared: Arc<Shared>,
    profile: InstanceProfileArn,
    sender: watch::Sender<Option<Role>>,
}

impl Flight {
    async fn fly(self) {
        let mut attempt = 1;
        let role = loop {
            let call = self.shared.instances.role_of_profile(&self.profile);
            let role = tokio::time::timeout(self.shared.time, call).await.unwrap_or_else(|_| Err(timed_out()));
            let again = role.as_ref().is_err_and(AwsFailure::is_passing);
            if !again || attempt >= limits::IAM_ATTEMPTS {
                break role;
            }
            tokio::time::sleep(limits::EC2_PAUSE * attempt).await;
            attempt += 1;
        };
        if let Err(error) = &role {
            warn!(profile = %Plain(self.profile.as_str()), error = %Plain(&chain(error)), "GetInstanceProfile failed");
        }
        let mut state = self.shared.state();
        match &role {
            Ok(Some(role)) => state.known.keep(self.profile.clone(), role.clone(), Instant::now()),
            Ok(None) => state.known.forget(&self.profile),
            Err(_) => {}
        }
        state.flights.remove(&self.profile);
        drop(state);
        self.sender.send_replace(Some(role));
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        // Already gone, unless the call died.
        self.shared.state().flights.remove(&self.profile);
    }
}
