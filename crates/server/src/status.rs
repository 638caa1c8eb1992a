//! What this server tells of the logins of nodes, in the status ConfigMap.
//!
//! Logins leave a note in passing; a task of its own publishes the notes. Nothing here
//! can turn anybody away, or hold a login up.

#[cfg(test)]
mod tests;

use std::mem::{self, Discriminant};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use kube_iam_core::identity::Identity;
use kube_iam_core::nodes::{NodeLogins, Noted, ReplicaName, publication, restored};
use kube_iam_core::ports::{StatusStore, StoreFailure};
use kube_iam_core::reason::Reason;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::{debug, info, warn};

use crate::draining::Draining;
use crate::limits::{self, Limits};
use crate::log_text::Plain;
use crate::settings::{Clock, Settings};

/// What logins have left behind.
pub(crate) struct Notes {
    clock: Clock,
    kept: Mutex<Kept>,
    has_news: Notify,
}

#[derive(Default)]
struct Kept {
    logins: NodeLogins,
    /// What is not published yet.
    unpublished: Noted,
}

impl Notes {
    pub(crate) fn new(clock: &Clock) -> Self {
        Self { clock: Arc::clone(clock), kept: Mutex::default(), has_news: Notify::new() }
    }

    /// Somebody was let in.
    pub(crate) fn granted(&self, username: &str, identity: &Identity) {
        let now = (self.clock)();
        self.note(|logins| logins.note_granted(username, identity.session_name.as_str(), now));
    }

    /// Somebody was turned away whom STS knows.
    pub(crate) fn denied(&self, identity: &Identity, reason: Reason) {
        let now = (self.clock)();
        self.note(|logins| logins.note_denied(identity, reason, now));
    }

    fn note(&self, change: impl FnOnce(&mut NodeLogins) -> Noted) {
        let noted = {
            let mut kept = self.kept();
            let noted = change(&mut kept.logins);
            kept.unpublished = kept.unpublished.max(noted);
            noted
        };
        if noted == Noted::News {
            self.has_news.notify_one();
        }
    }

    /// What there is to publish.
    fn take(&self, now: Timestamp) -> NodeLogins {
        let mut kept = self.kept();
        kept.unpublished = Noted::Nothing;
        kept.logins.forget_old(now);
        kept.logins.clone()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Publishes the notes.
pub(crate) struct Publisher {
    store: Arc<dyn StatusStore>,
    replica: ReplicaName,
    notes: Arc<Notes>,
    limits: Limits,
    /// Whether what a former run published has been read.
    restored: bool,
    /// Whether the last round failed.
    failed: bool,
    /// The failure that was told last and is not over.
    told: Option<Discriminant<StoreFailure>>,
    /// When the next round is due at the earliest, and at the latest.
    earliest: Instant,
    latest: Instant,
}

impl Publisher {
    pub(crate) fn new(settings: &Settings, store: Arc<dyn StatusStore>, notes: Arc<Notes>) -> Self {
        let (limits, now) = (settings.limits, Instant::now());
        Self {
            store,
            replica: settings.replica.clone(),
            notes,
            limits,
            restored: false,
            failed: false,
            told: None,
            earliest: now,
            latest: now + limits.status_refresh,
        }
    }

    /// Publishes until the shutdown, and then once more.
    pub(crate) async fn run(mut self, mut draining: Draining) {
        loop {
            tokio::select! {
                () = self.due() => {}
                () = draining.begun() => break,
            }
            let farewell = self.limits.status_farewell;
            let overtime = async {
                draining.begun().await;
                sleep(farewell).await;
            };
            tokio::select! {
                () = self.round() => {}
                () = overtime => break,
            }
        }
        if self.failed || self.notes.kept().unpublished > Noted::Nothing {
            // What can't be told in time is not told.
            let _ = timeout(self.limits.status_farewell, self.round()).await;
        }
    }

    /// Waits until there is something to do. Being dropped loses nothing.
    async fn due(&self) {
        if self.failed || !self.restored {
            return sleep_until(self.earliest).await;
        }
        let news = async {
            while self.notes.kept().unpublished < Noted::News {
                self.notes.has_news.notified().await;
            }
            // What comes with it is told with it.
            sleep(limits::STATUS_SETTLE).await;
            sleep_until(self.earliest).await;
        };
        tokio::select! {
            () = news => {}
            () = sleep_until(self.latest) => {}
        }
    }

    async fn round(&mut self) {
        let outcome = self.attempt().await;
        let now = Instant::now();
        self.failed = outcome.is_err();
        if outcome.is_err() || outcome == Ok(true) {
            (self.earliest, self.latest) = (now + self.limits.status_pause, now + self.limits.status_refresh);
        }
        self.tell(outcome.err());
    }

    /// Reads what is there, and writes what this server knows, unless there was nothing
    /// to do but to read what a former run had written. Says whether it wrote.
    async fn attempt(&mut self) -> Result<bool, StoreFailure> {
        let keys = self.store.read().await?;
        if !mem::replace(&mut self.restored, true) {
            match restored(&keys, &self.replica) {
                Ok(former) => self.notes.kept().logins.resume(former),
                Err(error) => warn!(replica = %self.replica, %error, "the former record of this server can't be used"),
            }
            if self.notes.kept().unpublished == Noted::Nothing {
                return Ok(false);
            }
        }
        let now = (self.notes.clock)();
        let touched = publication(&keys, &self.replica, &self.notes.take(now), now);
        self.store.write(&touched).await?;
        Ok(true)
    }

    /// Tells of a failure once, and of its end.
    fn tell(&mut self, failure: Option<StoreFailure>) {
        let kind = failure.as_ref().map(mem::discriminant);
        match failure {
            Some(error) if self.told != kind => {
                let error = error.to_string();
                warn!(error = %Plain(&error), "the logins of nodes can't be published; it is tried again");
            }
            Some(error) => debug!(error = %Plain(&error.to_string()), "the logins of nodes can't be published yet"),
            None if self.told.is_some() => info!("the logins of nodes can be published again"),
            None => {}
        }
        self.told = kind;
    }
}
