//! The mappings that hold now, exchanged whole and read without a lock.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use kube_iam_core::identity::Identity;
use kube_iam_core::mapping::{Backend, Snapshot};
use kube_iam_core::user_info::MappingPolicy;

/// What every login reads.
#[derive(Clone)]
pub(crate) struct Current {
    /// Break-glass, then the backends in their order.
    pub(crate) snapshots: Vec<Arc<Snapshot>>,
    pub(crate) policy: Arc<MappingPolicy>,
}

/// The one place where snapshots are exchanged.
pub(crate) struct Mappings(ArcSwap<Current>);

impl Mappings {
    /// Empty snapshots of break-glass and of these backends.
    pub(crate) fn new(backends: &[Backend]) -> Self {
        let order = std::iter::once(Backend::BreakGlass).chain(backends.iter().copied());
        let snapshots = order.map(|backend| Arc::new(Snapshot::empty(backend))).collect();
        Self(ArcSwap::from_pointee(Current { snapshots, policy: Arc::default() }))
    }

    pub(crate) fn load(&self) -> Guard<Arc<Current>> {
        self.0.load()
    }

    /// Whether the log and the status may not name an identity: its account is one of
    /// `server.scrubbedAccounts`.
    pub(crate) fn scrubs(&self, identity: &Identity) -> bool {
        self.load().policy.scrubbed_accounts.contains(&identity.account)
    }

    /// Whether a backend has a place.
    pub(crate) fn has(&self, backend: Backend) -> bool {
        self.load().snapshots.iter().any(|snapshot| snapshot.backend() == backend)
    }

    /// Puts snapshots in the places of their backends, and the policy with them
    /// if there is one, in one step. One of a backend that is not in the chain
    /// has no place.
    pub(crate) fn replace(&self, fresh: &[Arc<Snapshot>], policy: Option<&Arc<MappingPolicy>>) {
        self.0.rcu(|current| {
            let mut next = Current::clone(current);
            for place in &mut next.snapshots {
                if let Some(snapshot) = fresh.iter().find(|snapshot| snapshot.backend() == place.backend()) {
                    *place = Arc::clone(snapshot);
                }
            }
            if let Some(policy) = policy {
                next.policy = Arc::clone(policy);
            }
            next
        });
    }
}
