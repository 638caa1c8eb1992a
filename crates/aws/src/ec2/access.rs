//! Credentials and endpoints of a process that runs for long: found when they are needed, replaced before they end.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use http::Request;
use http_body_util::Full;
use hyper::body::Bytes;
use jiff::Timestamp;
use kube_iam_core::ids::AccountId;
use kube_iam_core::ports::AwsFailure;

use crate::calls::{Calls, RoleRequest};
use crate::chain::{self, Chain, Found};
use crate::config::Config;
use crate::credentials::Origin;
use crate::endpoint::{Target, TargetError};
use crate::environment::Environment;
use crate::error::{CredentialError, Trouble};
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
    ready: Mutex<Option<Arc<Ready>>>,
    /// Held by whoever looks for credentials, so that all others wait for the same.
    search: tokio::sync::Mutex<()>,
}

/// What calls are made with.
pub(super) struct Ready {
    pub(super) http: Arc<Http>,
    found: Found,
    ec2: Result<Target, TargetError>,
    iam: Result<Target, TargetError>,
}

impl Access {
    pub(super) fn new(settings: Ec2Settings) -> Self {
        Self { settings, ready: Mutex::default(), search: tokio::sync::Mutex::default() }
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.settings.clock)()
    }

    /// What calls are made with at this moment. Where it ends soon, one caller replaces it and the others go on with what there is.
    pub(super) async fn ready(&self) -> Result<Arc<Ready>, CredentialError> {
        let known = self.known();
        let Some(known) = known.filter(|ready| ready.last(jiff::SignedDuration::ZERO, self.now())) else {
            let _search = self.search.lock().await;
            // Perhaps found by another while this one waited.
            return match self.known().filter(|ready| ready.last(jiff::SignedDuration::ZERO, self.now())) {
                Some(ready) => Ok(ready),
                None => self.search().await,
            };
        };
        if known.last(limits::CREDENTIALS_REFRESH, self.now()) {
            return Ok(known);
        }
        let Ok(_search) = self.search.try_lock() else { return Ok(known) };
        Ok(self.search().await.unwrap_or_else(|error| {
            tracing::warn!(error = %causes(&error), "AWS credentials could not be renewed; the old ones are used until they end");
            known
        }))
    }

    /// Looks anew the next time: AWS does not take these credentials.
    pub(super) fn forget(&self, refused: &Arc<Ready>) {
        let mut known = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        known.take_if(|ready| Arc::ptr_eq(ready, refused));
    }

    fn known(&self) -> Option<Arc<Ready>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn search(&self) -> Result<Arc<Ready>, CredentialError> {
        let search = tokio::time::timeout(limits::NODE_CREDENTIALS_TIMEOUT, self.find());
        let found = search.await.unwrap_or_else(|_| {
            let source = "they were not found in time".into();
            Err(CredentialError::Call { action: "GetCredentials", trouble: Trouble::Network, source })
        })?;
        let found = Arc::new(found);
        *self.ready.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&found));
        Ok(found)
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
    fn last(&self, time: jiff::SignedDuration, now: Timestamp) -> bool {
        self.found.credentials.last(time, now)
    }

    /// The signed request of a call to EC2 or IAM.
    pub(super) fn sign(&self, call: &Call, now: Timestamp) -> Result<Request<Full<Bytes>>, AwsFailure> {
        let target = if call.service == Service::Iam { &self.iam } else { &self.ec2 };
        let target = target.as_ref().map_err(|error| AwsFailure::Refused(causes(error)))?;
        let signed = call.sign(&self.found.credentials, target, now);
        // The error may repeat what could not be signed, such as a session token.
        signed.map_err(|_| AwsFailure::Refused("the request can't be signed with these credentials".to_owned()))
    }
}

/// What missing credentials mean for a call that needed them.
pub(super) fn failure(error: &CredentialError) -> AwsFailure {
    let told = chained(error);
    match error {
        CredentialError::AssumeRoleDenied { .. }
        | CredentialError::KeyRejected { .. }
        | CredentialError::SsoRole { .. }
        | CredentialError::None { source: None, .. } => AwsFailure::Denied(told),
        // What machines and other services give may be there the next time.
        CredentialError::None { source: Some(_), .. }
        | CredentialError::Expired { .. }
        | CredentialError::SsoSession { .. }
        | CredentialError::Process { .. }
        | CredentialError::WebIdentityToken { .. }
        | CredentialError::Container(_)
        | CredentialError::Metadata(_)
        | CredentialError::NoRegion { .. }
        | CredentialError::Call { .. } => AwsFailure::Unavailable(told),
        CredentialError::UnknownProfile { .. }
        | CredentialError::Config(_)
        | CredentialError::Profile { .. }
        | CredentialError::ProfileLoop { .. }
        | CredentialError::MfaNeeded { .. }
        | CredentialError::MfaRejected { .. }
        | CredentialError::NoSessionName { .. }
        | CredentialError::Target(_)
        | CredentialError::Proxy(_)
        | CredentialError::Presign(_) => AwsFailure::Refused(told),
    }
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
