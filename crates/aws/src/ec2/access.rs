//! Credentials and endpoints of a process that runs for long: found when they are needed, replaced before they end.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::Request;
use http_body_util::Full;
use hyper::body::Bytes;
use jiff::{SignedDuration, Timestamp};
use kube_iam_core::ids::AccountId;
use kube_iam_core::ports::AwsFailure;

use crate::calls::{Calls, RoleRequest};
use crate::chain::{self, Chain, Found};
use crate::config::Config;
use crate::credentials::Origin;
use crate::endpoint::{Target, TargetError};
use crate::environment::Environment;
use crate::error::CredentialError;
use crate::http::{Http, causes};
use crate::limits;
use crate::mfa::{MfaPrompt, NobodyToAsk};
use crate::service::{Call, Service};
use crate::token::fresh;

/// What leads to the instances.
#[derive(Clone)]
pub struct Ec2Settings {
    /// Where credentials, profiles, endpoints and the proxy are found.
    pub environment: Environment,
    /// The region; that of the environment, the profile or the machine if not set.
    pub region: Option<String>,
    /// The role that is assumed first.
    pub role: Option<Ec2Role>,
    /// What time it is.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

/// A role that is assumed before EC2 is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ec2Role {
    /// Its ARN.
    pub arn: String,
    /// On whose behalf it is assumed, for roles whose trust policy asks that.
    pub on_behalf_of: Option<OnBehalfOf>,
}

/// The resource for whose sake a role is assumed, which the role's policy may compare (`aws:SourceArn` and `aws:SourceAccount` in the IAM
/// User Guide, "The confused deputy problem").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnBehalfOf {
    /// Its ARN, of printable ASCII.
    pub arn: String,
    /// Its account.
    pub account: AccountId,
}

/// The settings, and what was found by them.
pub(super) struct Access {
    settings: Ec2Settings,
    state: Mutex<State>,
    /// Held by whoever looks for credentials, so that all others wait for the same.
    search: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    ready: Option<Arc<Ready>>,
    /// When somebody last looked, and why that failed if it did.
    looked: Option<(Timestamp, Option<AwsFailure>)>,
}

impl State {
    /// What came of looking a moment ago, if anybody did.
    fn just_looked(&self, now: Timestamp) -> Option<&Option<AwsFailure>> {
        let (at, failure) = self.looked.as_ref()?;
        (now.duration_since(*at).abs() < limits::CREDENTIALS_PAUSE).then_some(failure)
    }
}

/// What calls are made with.
pub(super) struct Ready {
    pub(super) http: Arc<Http>,
    found: Found,
    ec2: Result<Target, TargetError>,
    iam: Result<Target, TargetError>,
}

impl Access {
    pub(super) fn new(settings: Ec2Settings) -> Arc<Self> {
        Arc::new(Self { settings, state: Mutex::default(), search: tokio::sync::Mutex::default() })
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.settings.clock)()
    }

    /// What calls are made with at this moment. Where it ends soon, it is replaced while calls go on with it.
    pub(super) async fn ready(self: &Arc<Self>) -> Result<Arc<Ready>, AwsFailure> {
        let Some(ready) = self.lasting(SignedDuration::ZERO) else {
            // In a task of its own: a caller that stops waiting leaves what it began to the next one.
            let access = Arc::clone(self);
            let search = tokio::spawn(async move { access.search().await });
            return search.await.unwrap_or_else(|error| Err(AwsFailure::Unavailable(error.to_string())));
        };
        if !ready.last(limits::CREDENTIALS_REFRESH, self.now()) && self.search.try_lock().is_ok() {
            let access = Arc::clone(self);
            tokio::spawn(async move { access.renew().await });
        }
        Ok(ready)
    }

    /// Looks anew the next time: AWS does not take these credentials.
    pub(super) fn forget(&self, refused: &Arc<Ready>) {
        self.state().ready.take_if(|ready| Arc::ptr_eq(ready, refused));
    }

    /// What is known, if it lasts longer than `time`.
    fn lasting(&self, time: SignedDuration) -> Option<Arc<Ready>> {
        let now = self.now();
        self.state().ready.clone().filter(|ready| ready.last(time, now))
    }

    async fn search(&self) -> Result<Arc<Ready>, AwsFailure> {
        let _search = self.search.lock().await;
        // Perhaps found by another while this one waited.
        match self.lasting(SignedDuration::ZERO) {
            Some(ready) => Ok(ready),
            None => self.look().await,
        }
    }

    async fn renew(&self) {
        let Ok(_search) = self.search.try_lock() else { return };
        // A source may give the same once more: a storm of calls is no reason to ask it again and again.
        let just_looked = self.state().just_looked(self.now()).is_some();
        if !just_looked && self.lasting(limits::CREDENTIALS_REFRESH).is_none() {
            // A failure is in the log, and calls go on with what there is.
            let _ = self.look().await;
        }
    }

    /// Looks for credentials, unless that has just failed.
    async fn look(&self) -> Result<Arc<Ready>, AwsFailure> {
        if let Some(Some(failure)) = self.state().just_looked(self.now()) {
            return Err(failure.clone());
        }
        let search = tokio::time::timeout(limits::NODE_CREDENTIALS_TIMEOUT, self.find()).await;
        let outcome = match search {
            Ok(found) => found.map(Arc::new).map_err(|error| failure(&error)),
            Err(_) => Err(unasked("AWS credentials were not found in time".to_owned(), true)),
        };
        if let Err(error) = &outcome {
            tracing::warn!(%error, "no AWS credentials to ask EC2 with, or no new ones");
        }
        let mut state = self.state();
        state.looked = Some((self.now(), outcome.as_ref().err().cloned()));
        if let Ok(ready) = &outcome {
            state.ready = Some(Arc::clone(ready));
        }
        outcome
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn find(&self) -> Result<Ready, CredentialError> {
        let now = self.now();
        let config = Config::load(&self.settings.environment).await?;
        let region = chain::region(self.settings.region.as_deref(), &config)
            .await
            .ok_or_else(|| CredentialError::NoRegion { profile: config.profile_name().to_owned() })?;
        let calls = Calls::new(&config, &region);
        let base = fresh(&Chain { config: &config, calls: &calls, prompt: &Nobody, now }).await?;
        let found = match &self.settings.role {
            None => base,
            Some(role) => {
                let asked = RoleRequest {
                    role: role.arn.clone(),
                    duration_seconds: Some(limits::NODE_ROLE_SESSION_SECONDS),
                    on_behalf_of: role.on_behalf_of.clone(),
                    ..RoleRequest::default()
                };
                let credentials = calls.assume_role(&base.credentials, &base.origin, &asked, now).await?;
                Found { credentials, origin: Origin::Role(role.arn.clone()) }
            }
        };
        Ok(Ready {
            http: calls.shared_http()?,
            found,
            ec2: Service::Ec2.target(&config, &region),
            iam: Service::Iam.target(&config, &region),
        })
    }
}

impl Ready {
    fn last(&self, time: SignedDuration, now: Timestamp) -> bool {
        self.found.credentials.last(time, now)
    }

    /// The signed request of a call to EC2 or IAM.
    pub(super) fn sign(&self, call: &Call, now: Timestamp) -> Result<Request<Full<Bytes>>, AwsFailure> {
        let target = if call.service == Service::Iam { &self.iam } else { &self.ec2 };
        let target = target.as_ref().map_err(|error| unasked(causes(error), false))?;
        let signed = call.sign(&self.found.credentials, target, now);
        // The error may repeat what could not be signed, such as a session token.
        signed.map_err(|_| unasked("the request can't be signed with these credentials".to_owned(), false))
    }
}

/// What missing credentials mean for a call that needed them.
fn failure(error: &CredentialError) -> AwsFailure {
    let told = chained(error);
    match error {
        CredentialError::AssumeRoleDenied { .. }
        | CredentialError::KeyRejected { .. }
        | CredentialError::SsoRole { .. } => AwsFailure::Denied(told),
        CredentialError::Expired { .. } | CredentialError::SsoSession { .. } => AwsFailure::Expired(told),
        CredentialError::Call { .. } => AwsFailure::Unavailable(told),
        // What machines and other services give may be there the next time.
        CredentialError::None { source: Some(_), .. }
        | CredentialError::Process { .. }
        | CredentialError::WebIdentityToken { .. }
        | CredentialError::Container(_)
        | CredentialError::Metadata(_)
        | CredentialError::NoRegion { .. } => unasked(told, true),
        CredentialError::None { source: None, .. }
        | CredentialError::HalfKey { .. }
        | CredentialError::UnknownProfile { .. }
        | CredentialError::Config(_)
        | CredentialError::Switch { .. }
        | CredentialError::TooLong { .. }
        | CredentialError::Profile { .. }
        | CredentialError::ProfileLoop { .. }
        | CredentialError::MfaNeeded { .. }
        | CredentialError::MfaRejected { .. }
        | CredentialError::NoSessionName { .. }
        | CredentialError::Target(_)
        | CredentialError::Proxy(_)
        | CredentialError::Presign(_) => unasked(told, false),
    }
}

fn unasked(told: String, passing: bool) -> AwsFailure {
    AwsFailure::Unasked { told, passing }
}

fn chained(error: &CredentialError) -> String {
    causes(error).chars().take(limits::REFUSAL_CHARS).collect()
}

/// A server has no terminal.
struct Nobody;

impl MfaPrompt for Nobody {
    fn ask(&self, _: &str) -> Result<String, NobodyToAsk> {
        Err(NobodyToAsk("a server has nobody to ask".to_owned()))
    }
}

impl fmt::Debug for Ec2Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { region, role, .. } = self;
        formatter.debug_struct("Ec2Settings").field("region", region).field("role", role).finish_non_exhaustive()
    }
}
