//! Follows the ConfigMap `kube-system/aws-auth`.
//!
//! Rounds of a list and a watch that starts where the list ends. Whatever ends
//! the watch, the next round begins with a list: so a change that a watch has
//! missed, a deletion too, is seen at the latest when the watch has run its time.

mod conversation;
#[cfg(test)]
mod tests;

use std::mem::{self, Discriminant};

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use kube::Client;
use kube_iam_core::ports::{BoxFuture, MappingSource, Observation};
use tracing::debug;

use self::conversation::Watch;

use crate::ReadError;
use crate::pause::{Cause, Pause};

/// The ConfigMap `kube-system/aws-auth` as a source of mappings.
pub struct AwsAuthSource {
    // A stream keeps what is under way when somebody stops waiting for it.
    observations: BoxStream<'static, Observation>,
}

impl AwsAuthSource {
    /// Follows aws-auth with this client; nothing happens until the first
    /// [`MappingSource::observe`].
    pub fn new(client: Client) -> Self {
        let follower = Follower { client, stage: Stage::List, pause: Pause::default(), told: None };
        let observations = stream::unfold(follower, |mut follower| async {
            let observation = follower.next().await;
            Some((observation, follower))
        });
        Self { observations: observations.boxed() }
    }
}

impl MappingSource for AwsAuthSource {
    fn observe(&mut self) -> BoxFuture<'_, Observation> {
        Box::pin(async {
            match self.observations.next().await {
                Some(observation) => observation,
                // The stream above has no end.
                None => std::future::pending().await,
            }
        })
    }
}

/// Reads aws-auth one time.
///
/// # Errors
/// [`ReadError`] if there is no answer, or one that is not about aws-auth.
pub async fn observe_once(client: &Client) -> Result<Observation, ReadError> {
    Ok(conversation::list(client).await?.observation)
}

struct Follower {
    client: Client,
    stage: Stage,
    pause: Pause,
    told: Option<Told>,
}

/// What is done next.
enum Stage {
    List,
    Watch { since: String },
    Follow(Watch),
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

impl Follower {
    async fn next(&mut self) -> Observation {
        loop {
            // Whatever goes wrong leaves the list as the next stage.
            let observation = match mem::replace(&mut self.stage, Stage::List) {
                Stage::List => self.list().await,
                Stage::Watch { since } => self.watch(&since).await,
                Stage::Follow(watch) => self.follow(watch).await,
            };
            if let Some(observation) = observation {
                return observation;
            }
        }
    }

    async fn list(&mut self) -> Option<Observation> {
        self.pause.wait().await;
        match conversation::list(&self.client).await {
            Ok(listed) => {
                self.told.take_if(|told| told.request == Request::List);
                self.stage = Stage::Watch { since: listed.resource_version };
                Some(listed.observation)
            }
            Err(error) => self.failed(Request::List, &error),
        }
    }

    async fn watch(&mut self, since: &str) -> Option<Observation> {
        match Watch::start(&self.client, since).await {
            Ok(watch) => {
                self.told = None;
                self.stage = Stage::Follow(watch);
                None
            }
            // `since` is too old already: listing anew is the answer to that.
            Err(ReadError::Refused { status: 410, .. }) => {
                self.pause.after(Cause::WatchEnded);
                None
            }
            Err(error) => self.failed(Request::Watch, &error),
        }
    }

    async fn follow(&mut self, mut watch: Watch) -> Option<Observation> {
        match watch.next().await {
            Ok(Some(observation)) => {
                self.stage = Stage::Follow(watch);
                return Some(observation);
            }
            Ok(None) => debug!("the watch of aws-auth has ended"),
            // Not reported: if it is an outage, the list will tell.
            Err(error) => debug!(%error, "the watch of aws-auth broke off"),
        }
        if watch.was_steady() {
            self.pause = Pause::default();
        }
        self.pause.after(Cause::WatchEnded);
        None
    }

    /// The observation of a failure, unless it was made already.
    fn failed(&mut self, request: Request, error: &ReadError) -> Option<Observation> {
        self.pause.after(match error {
            ReadError::NotUp(_) => Cause::NotUp,
            _ => Cause::Failure,
        });
        let told = Some(Told { request, kind: mem::discriminant(error) });
        let is_new = self.told != told;
        self.told = told;
        debug!(%error, ?request, "aws-auth can't be read");
        is_new.then(|| error.observation())
    }
}
