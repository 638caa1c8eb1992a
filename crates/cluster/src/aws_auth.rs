//! Follows the ConfigMap `kube-system/aws-auth`.

mod conversation;
#[cfg(test)]
mod tests;

use std::mem::{self, Discriminant};

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Client;
use kube_iam_core::ports::{BoxFuture, MappingSource, Observation};
use tracing::debug;

use crate::ReadError;
use crate::pause::Cause;
use crate::rounds::{Broken, Followed, Observations};
use crate::watch::{Change, Watch};

/// The ConfigMap `kube-system/aws-auth` as a source of mappings.
pub struct AwsAuthSource(Observations<Observation>);

impl AwsAuthSource {
    /// Follows aws-auth with this client; nothing happens until the first
    /// [`MappingSource::observe`].
    pub fn new(client: Client) -> Self {
        Self(Observations::of(AwsAuth { client, told: None }))
    }
}

impl MappingSource for AwsAuthSource {
    fn observe(&mut self) -> BoxFuture<'_, Observation> {
        Box::pin(self.0.next())
    }
}

/// Reads aws-auth one time.
///
/// # Errors
/// [`ReadError`] if there is no answer, or one that is not about aws-auth.
pub async fn observe_once(client: &Client) -> Result<Observation, ReadError> {
    Ok(conversation::list(client).await?.observation)
}

struct AwsAuth {
    client: Client,
    told: Option<Told>,
}

/// The outage that was reported last and is not over.
#[derive(PartialEq)]
struct Told {
    request: Request,
    kind: Discriminant<ReadError>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Request {
    List,
    Watch,
}

impl Followed for AwsAuth {
    const NAME: &'static str = "aws-auth";
    type Object = ConfigMap;
    type Observation = Observation;

    async fn list(&mut self) -> Result<(Observation, String), Broken<Observation>> {
        let listed = conversation::list(&self.client).await.map_err(|error| self.failed(Request::List, &error))?;
        self.told.take_if(|told| told.request == Request::List);
        Ok((listed.observation, listed.resource_version))
    }

    async fn watch(&mut self, since: &str) -> Result<Watch<ConfigMap>, Broken<Observation>> {
        let watch = conversation::watch(&self.client, since).await.map_err(|error| match error {
            // `since` is too old already: listing anew is the answer to that.
            ReadError::Refused { status: 410, .. } => Broken { cause: Cause::WatchEnded, told: None },
            error => self.failed(Request::Watch, &error),
        })?;
        self.told = None;
        Ok(watch)
    }

    fn changed(&mut self, change: Change<ConfigMap>) -> Option<Observation> {
        conversation::observation(change)
    }
}

impl AwsAuth {
    /// Tells of a failure, unless it was told already.
    fn failed(&mut self, request: Request, error: &ReadError) -> Broken<Observation> {
        let cause = match error {
            ReadError::NotUp(_) => Cause::NotUp,
            _ => Cause::Failure,
        };
        let told = Some(Told { request, kind: mem::discriminant(error) });
        let is_new = self.told != told;
        self.told = told;
        debug!(%error, ?request, "aws-auth can't be read");
        Broken { cause, told: is_new.then(|| error.observation()) }
    }
}
