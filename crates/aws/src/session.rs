//! Credentials and a region, found once for all that a command asks of AWS.

use jiff::Timestamp;
use kube_iam_core::ids::ClusterId;
use kube_iam_core::secret::Token;

pub use crate::calls::Caller;

use crate::calls::Calls;
use crate::chain::{self, Chain, Found};
use crate::config::Config;
use crate::environment::Environment;
use crate::error::CredentialError;
use crate::mfa::MfaPrompt;
use crate::token::{fresh, sign};

/// What one command needs of AWS. No `Debug`: it holds credentials.
pub struct Session<'e> {
    pub(crate) config: Config<'e>,
    pub(crate) calls: Calls,
    pub(crate) found: Found,
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
}
