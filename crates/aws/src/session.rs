//! Credentials and a region, found once for all that a command asks of AWS.

use hyper::body::Bytes;
use jiff::Timestamp;
use kube_iam_core::ids::ClusterId;
use kube_iam_core::secret::Token;

pub use crate::call_error::CallError;
pub use crate::calls::Caller;

use crate::calls::{Calls, caller_in, trouble};
use crate::chain::{self, Chain, Found};
use crate::config::Config;
use crate::environment::Environment;
use crate::error::{CredentialError, Trouble};
use crate::http::{HttpFailure, causes};
use crate::mfa::MfaPrompt;
use crate::refusal::{Meaning, Refusal};
use crate::service::{Call, Unanswered};
use crate::token::{fresh, sign};

/// What one command needs of AWS. No `Debug`: it holds credentials.
pub struct Session<'e> {
    config: Config<'e>,
    calls: Calls,
    found: Found,
}

/// Why a call brought nothing: a refusal that its own action may explain, or something else.
pub(crate) enum Failed {
    Refused(Refusal),
    Other(CallError),
}

impl<'e> Session<'e> {
    /// Finds the credentials as [`crate::token::mint`] does, and the region: `region`, else that of the environment, of the profile, of
    /// the machine. There is no default: a cluster is in one region.
    ///
    /// # Errors
    ///
    /// When there is no region or there are no credentials: [`CredentialError::hint`] says what to do.
    pub async fn open(
        environment: &'e Environment,
        region: Option<&str>,
        now: Timestamp,
        prompt: &dyn MfaPrompt,
    ) -> Result<Self, CredentialError> {
        let config = Config::load(environment).await?;
        let region = chain::region(region, &config)
            .await
            .ok_or_else(|| CredentialError::NoRegion { profile: config.profile_name().to_owned() })?;
        let calls = Calls::new(&config, &region);
        let found = fresh(&Chain { config: &config, calls: &calls, prompt, now }).await?;
        Ok(Self { config, calls, found })
    }

    /// The region.
    pub fn region(&self) -> &str {
        &self.calls.region
    }

    /// Asks STS who the credentials are: one `GetCallerIdentity` call, which needs no permission.
    ///
    /// # Errors
    ///
    /// When AWS does not accept the credentials or can't be reached.
    pub async fn caller(&self) -> Result<Caller, CredentialError> {
        self.calls.caller(&self.found.credentials, &self.found.origin).await
    }

    /// A token for a cluster, signed at `now`, and until when it may be used. Asks nothing of the network.
    ///
    /// # Errors
    ///
    /// When the credentials have ended, or are about to: then a new session helps.
    pub fn token(&self, cluster_id: &ClusterId, now: Timestamp) -> Result<(Token, Timestamp), CredentialError> {
        sign(cluster_id, &self.config, self.region(), &self.found, now)
    }

    /// Asks a service, again if that may help: the body of its answer. The request is signed at `now`.
    pub(crate) async fn ask(&self, call: &Call, now: Timestamp) -> Result<Bytes, Failed> {
        let service = call.service.name();
        let target = call.service.target(&self.config, self.region());
        let target = target.map_err(|source| Failed::Other(CallError::Target { service, source }))?;
        let http = self.calls.http().map_err(|error| Failed::Other(CredentialError::Proxy(error).into()))?;
        let request = call.sign(&self.found.credentials, &target, now);
        let request = request.map_err(|source| Failed::Other(CallError::Sign { service, source }))?;
        call.send_until_answered(http, &request).await.map_err(|failure| match failure {
            Unanswered::Refused(refusal) => Failed::Refused(refusal),
            Unanswered::Http(failure) => Failed::Other(unreached(call, &failure)),
        })
    }

    /// What a refusal means where the action has no meaning of its own for it.
    pub(crate) fn refused(&self, call: &Call, refusal: &Refusal) -> CallError {
        let source = refusal.to_string().into();
        let Found { credentials, origin } = &self.found;
        let origin = origin.clone();
        match refusal.meaning() {
            Meaning::Denied => {
                let caller = caller_in(&refusal.message).map(str::to_owned);
                CallError::Denied { permission: call.permission(), caller, source }
            }
            Meaning::Key => {
                let access_key_id = credentials.access_key_id.clone();
                CredentialError::KeyRejected { origin, access_key_id, source }.into()
            }
            Meaning::Expired => CredentialError::Expired { origin, at: credentials.expires }.into(),
            Meaning::Throttled => CallError::Throttled { action: call.action, source },
            Meaning::Failure | Meaning::Other => {
                CredentialError::Call { action: call.action, trouble: Trouble::Answer, source }.into()
            }
        }
    }

    /// [`Session::ask`] where no refusal needs to be told apart.
    pub(crate) fn failed(&self, call: &Call, failed: Failed) -> CallError {
        match failed {
            Failed::Refused(refusal) => self.refused(call, &refusal),
            Failed::Other(error) => error,
        }
    }
}

fn unreached(call: &Call, failure: &HttpFailure) -> CallError {
    let (trouble, source) = (trouble(failure), causes(failure).into());
    CredentialError::Call { action: call.action, trouble, source }.into()
}

impl Call {
    /// The answer makes no sense, for this reason.
    pub(crate) fn senseless(&self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> CallError {
        CallError::Answer { service: self.service.name(), action: self.action, source: source.into() }
    }
}
