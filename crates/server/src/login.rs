//! One login: from the body of a TokenReview to the answer.

mod identities;
mod log;
mod node_names;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kube_iam_core::decision::{self, Decision, DenialStatus};
use kube_iam_core::identity::Identity;
use kube_iam_core::ids::InstanceId;
use kube_iam_core::mapping::{Backend, resolve};
use kube_iam_core::node_instance::{NodeInstance, needed};
use kube_iam_core::partition::StsHosts;
use kube_iam_core::ports::Sts;
use kube_iam_core::reason::Reason;
use kube_iam_core::review::{self, Review, ReviewVersion};
use kube_iam_core::secret::Fingerprint;
use kube_iam_core::template::Values;
use kube_iam_core::token::{self, TokenPolicy};
use kube_iam_core::user_info::{UserInfo, user_info};
use tokio::time::Instant;

use crate::log_text::chain;
use crate::login::identities::Identities;
use crate::mappings::Mappings;
use crate::metrics::Metrics;
use crate::settings::{Clock, Settings};
use crate::status::Notes;

pub(crate) use log::RequestIds;
pub(crate) use node_names::NodeNames;

/// One request, as the log names it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    /// Finds the line of this request in the log.
    pub(crate) id: log::RequestId,
    /// Who asks.
    pub(crate) client: SocketAddr,
    /// When the head of the request had arrived.
    pub(crate) arrived: Instant,
}

/// Somebody let in.
struct Admission {
    identity: Arc<Identity>,
    user: UserInfo,
    audiences: Vec<String>,
    /// Whose mapping it was.
    backend: Option<Backend>,
}

/// Somebody turned away: what the answer and the log need to know.
struct Denial {
    reason: Reason,
    /// In words, with the causes.
    error: String,
    /// Known once STS has answered.
    identity: Option<Arc<Identity>>,
}

impl Denial {
    fn new(reason: Reason, error: &(dyn std::error::Error + 'static)) -> Self {
        Self { reason, error: chain(error), identity: None }
    }
}

/// Everything that one login needs.
pub(crate) struct Login {
    policy: TokenPolicy,
    identities: Identities,
    /// There if instances can be looked up.
    node_names: Option<NodeNames>,
    /// There if logins of nodes are published.
    notes: Option<Arc<Notes>>,
    mappings: Arc<Mappings>,
    own_audiences: Vec<String>,
    denial_status: DenialStatus,
    /// Bound on the whole request.
    time: Duration,
    clock: Clock,
    metrics: Arc<Metrics>,
}

impl Login {
    pub(crate) fn new(
        settings: &Settings,
        sts: Arc<dyn Sts>,
        node_names: Option<NodeNames>,
        notes: Option<Arc<Notes>>,
        clock: Clock,
        mappings: Arc<Mappings>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            policy: TokenPolicy { hosts: StsHosts::of(settings.partition), cluster_id: settings.cluster_id.clone() },
            identities: Identities::new(settings, sts, Arc::clone(&clock), Arc::clone(&mappings), Arc::clone(&metrics)),
            node_names,
            notes,
            mappings,
            own_audiences: settings.api_audiences.clone(),
            denial_status: settings.denial_status,
            time: settings.limits.request,
            clock,
            metrics,
        }
    }

    /// Answers a review that has arrived whole.
    ///
    /// Body and token are given back before STS is waited for: many can wait.
    pub(crate) async fn answer(&self, body: Vec<u8>, call: Call) -> Decision {
        let decoded = review::decode(&body);
        drop(body);
        let review = match decoded {
            Ok(review) => review,
            Err(reason) => return self.refuse(reason, call),
        };
        let (version, fingerprint) = (review.version, review.token.fingerprint());
        match self.admit(review, fingerprint, call).await {
            Ok(admission) => {
                let decision = decision::allow(version, &admission.user, &admission.audiences);
                let is_scrubbed = self.mappings.scrubs(&admission.identity);
                if admission.backend == Some(Backend::BreakGlass) {
                    self.metrics.break_glass_logins.inc();
                    log::break_glass(&admission, is_scrubbed, fingerprint, call);
                }
                log::granted(&admission, is_scrubbed, fingerprint, call);
                if let Some(notes) = &self.notes {
                    notes.granted(&admission.user.username, &admission.identity);
                }
                self.metrics.answered(decision.label, None, call.arrived.elapsed());
                decision
            }
            Err(denial) => self.deny(version, &denial, Some(fingerprint), call),
        }
    }

    /// Answers a request that brings no review we could read, or that we can't
    /// take on.
    pub(crate) fn refuse(&self, reason: Reason, call: Call) -> Decision {
        let denial = Denial { reason, error: reason.as_str().to_owned(), identity: None };
        self.deny(ReviewVersion::V1, &denial, None, call)
    }

    fn deny(&self, version: ReviewVersion, denial: &Denial, token: Option<Fingerprint>, call: Call) -> Decision {
        let decision = decision::deny(version, denial.reason, &call.id.to_string(), self.denial_status);
        let identity = denial.identity.as_ref().filter(|identity| !self.mappings.scrubs(identity));
        log::denied(denial, identity.map(|identity| &**identity), decision.level, token, call);
        if let (Some(notes), Some(identity)) = (&self.notes, identity) {
            notes.denied(identity, denial.reason);
        }
        self.metrics.answered(decision.label, decision.reason, call.arrived.elapsed());
        decision
    }

    /// Every check in its order; the way to a yes leads past all of them.
    async fn admit(&self, review: Review, fingerprint: Fingerprint, call: Call) -> Result<Admission, Denial> {
        if review.token.expose().is_empty() {
            return Err(Denial {
                reason: Reason::TokenMissing,
                error: "the review has no token".to_owned(),
                identity: None,
            });
        }
        let audiences = decision::audiences(&review.audiences, &self.own_audiences).map_err(|reason| Denial {
            reason,
            error: "none of the audiences asked for is kube-apiserver's own".to_owned(),
            identity: None,
        })?;
        let now = (self.clock)();
        let request =
            token::check(&review.token, &self.policy, now).map_err(|error| Denial::new(error.into(), &error))?;
        drop(review);
        let identity = self
            .identities
            .identify(fingerprint, request, now, call.arrived + self.time, call)
            .await
            .map_err(|error| Denial::new(error.reason(), &error))?;
        let (user, backend) = self
            .user(&identity, call.arrived + self.time)
            .await
            .map_err(|denial| Denial { identity: Some(Arc::clone(&identity)), ..denial })?;
        Ok(Admission { identity, user, audiences, backend })
    }

    /// The user that the mappings make of an identity. They are read after STS has
    /// answered, and again after EC2 has: one that was taken away counts at once.
    async fn user(&self, identity: &Identity, deadline: Instant) -> Result<(UserInfo, Option<Backend>), Denial> {
        let mut instance = None;
        loop {
            let found = match self.decide(identity, instance.as_deref()) {
                Decided::User(user) => return user,
                Decided::Needs(names, id) => names.look_up(&id, identity, deadline).await,
            };
            instance = Some(found.map_err(|error| Denial::new(error.reason(), &error))?);
        }
    }

    fn decide(&self, identity: &Identity, instance: Option<&NodeInstance>) -> Decided<'_> {
        let current = self.mappings.load();
        let resolution = resolve(&current.snapshots, identity);
        if let (None, Some(names)) = (instance, &self.node_names)
            && let Some(id) = needed(&resolution, identity, names.verifies())
        {
            return Decided::Needs(names, id);
        }
        let values = Values { private_dns_name: instance.map(|instance| &instance.name) };
        let user = user_info(resolution, identity, &values, &current.policy);
        let user = user.map_err(|error| Denial::new(Reason::from(&error), &error));
        Decided::User(user.map(|user| (user, resolution.backend())))
    }
}

/// What the mappings say so far.
enum Decided<'a> {
    /// The user, or why there is none.
    User(Result<(UserInfo, Option<Backend>), Denial>),
    /// This instance has to be known first.
    Needs(&'a NodeNames, InstanceId),
}
