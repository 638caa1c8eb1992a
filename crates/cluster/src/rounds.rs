//! Rounds of a list and a watch that starts where the list ends.
//!
//! Whatever ends the watch, the next round begins with a list: so a change that a
//! watch has missed, a deletion too, is seen at the latest when the watch has run its
//! time.

use std::future::Future;
use std::mem;

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tracing::debug;

use crate::pause::{Cause, Pause};
use crate::watch::{Change, Watch};

/// What is followed in rounds.
pub(crate) trait Followed: Send + 'static {
    /// Its name in the log.
    const NAME: &'static str;
    /// What the watch is of.
    type Object: Send;
    /// What is told to whoever follows.
    type Observation: Send;

    /// Lists: what is to be told, and the version from which a watch misses nothing.
    fn list(&mut self) -> impl Future<Output = Result<(Self::Observation, String), Broken<Self::Observation>>> + Send;

    /// Starts to watch from a version on.
    fn watch(
        &mut self,
        since: &str,
    ) -> impl Future<Output = Result<Watch<Self::Object>, Broken<Self::Observation>>> + Send;

    /// What is to be told of a change, if it is about what is followed.
    fn changed(&mut self, change: Change<Self::Object>) -> Option<Self::Observation>;
}

/// A request has come to nothing, and the next one is a list.
pub(crate) struct Broken<O> {
    /// How long the pause before it is.
    pub(crate) cause: Cause,
    /// What is to be told, if it was not told already.
    pub(crate) told: Option<O>,
}

/// Observations without an end.
pub(crate) struct Observations<O>(
    // A stream keeps what is under way when somebody stops waiting for it.
    BoxStream<'static, O>,
);

impl<O: Send> Observations<O> {
    /// Follows something; nothing happens until the first [`Self::next`].
    pub(crate) fn of<F: Followed<Observation = O>>(followed: F) -> Self {
        let follower = Follower { followed, stage: Stage::List, pause: Pause::default() };
        let observations = stream::unfold(follower, |mut follower| async {
            let observation = follower.next().await;
            Some((observation, follower))
        });
        Self(observations.boxed())
    }

    /// Waits for the next observation. May be given up at any time.
    pub(crate) async fn next(&mut self) -> O {
        match self.0.next().await {
            Some(observation) => observation,
            // The stream above has no end.
            None => std::future::pending().await,
        }
    }
}

struct Follower<F: Followed> {
    followed: F,
    stage: Stage<F::Object>,
    pause: Pause,
}

/// What is done next.
enum Stage<T> {
    List,
    Watch { since: String },
    Follow(Watch<T>),
}

impl<F: Followed> Follower<F> {
    async fn next(&mut self) -> F::Observation {
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

    async fn list(&mut self) -> Option<F::Observation> {
        self.pause.wait().await;
        match self.followed.list().await {
            Ok((observation, since)) => {
                self.stage = Stage::Watch { since };
                Some(observation)
            }
            Err(broken) => self.broken(broken),
        }
    }

    async fn watch(&mut self, since: &str) -> Option<F::Observation> {
        match self.followed.watch(since).await {
            Ok(watch) => {
                self.stage = Stage::Follow(watch);
                None
            }
            Err(broken) => self.broken(broken),
        }
    }

    async fn follow(&mut self, mut watch: Watch<F::Object>) -> Option<F::Observation> {
        match watch.next().await {
            Ok(Some(change)) => {
                self.stage = Stage::Follow(watch);
                return self.followed.changed(change);
            }
            Ok(None) => debug!("the watch of {} has ended", F::NAME),
            // Not reported: if it is an outage, the list will tell.
            Err(error) => debug!(%error, "the watch of {} broke off", F::NAME),
        }
        if watch.was_steady() {
            self.pause = Pause::default();
        }
        self.pause.after(Cause::WatchEnded);
        None
    }

    fn broken(&mut self, Broken { cause, told }: Broken<F::Observation>) -> Option<F::Observation> {
        self.pause.after(cause);
        told
    }
}
