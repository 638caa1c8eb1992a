//! Whether the process can be asked, and what it knows, for `/readyz`.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use kube_iam_core::last_good::Stale;
use kube_iam_core::mapping::Backend;
use serde_json::{Value, json};

/// What a backend says of itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct BackendStatus {
    /// How many mappings can match.
    pub(crate) mappings: usize,
    /// Whether it has said anything: was read, or could not be.
    pub(crate) reported: bool,
    /// The version of the object read last.
    pub(crate) resource_version: Option<String>,
    /// Parts that do not show what the cluster holds.
    pub(crate) stale: Vec<Stale>,
    /// Since when it can't be read, and why.
    pub(crate) unreachable: Option<(Timestamp, String)>,
}

/// Why the process is not ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unfit {
    /// A task that it needs has ended.
    TaskEnded,
    /// It is shutting down.
    ShuttingDown,
}

#[derive(Default)]
struct State {
    backends: BTreeMap<Backend, BackendStatus>,
    config_hash: String,
    unfit: Option<Unfit>,
}

/// The board on which every part writes its condition.
///
/// The process is ready once every backend has reported for the first time,
/// also if that was a failure: a cluster whose API server is not up yet needs
/// its break-glass and file mappings all the more. Stale mappings are told in
/// the body and never make a replica unready: one typo in aws-auth would take
/// every replica out of its Service at once.
#[derive(Default)]
pub(crate) struct Health(Mutex<State>);

impl Health {
    /// Nothing has been reported by these backends.
    pub(crate) fn new(backends: &[Backend]) -> Self {
        let health = Self::default();
        health.state().backends.extend(backends.iter().map(|backend| (*backend, BackendStatus::default())));
        health
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn report(&self, backend: Backend, status: BackendStatus) {
        self.state().backends.insert(backend, status);
    }

    pub(crate) fn note_config(&self, hash: &str) {
        hash.clone_into(&mut self.state().config_hash);
    }

    pub(crate) fn task_ended(&self) {
        self.state().unfit.get_or_insert(Unfit::TaskEnded);
    }

    pub(crate) fn shutting_down(&self) {
        self.state().unfit.get_or_insert(Unfit::ShuttingDown);
    }

    /// Whether the process is ready, and a JSON text that says why or why not.
    pub(crate) fn readiness(&self) -> (bool, String) {
        let state = self.state();
        let silent = state.backends.iter().find(|(_, status)| !status.reported).map(|(backend, _)| backend);
        let reason = match (state.unfit, silent) {
            (Some(Unfit::TaskEnded), _) => Some("a background task has ended".to_owned()),
            (Some(Unfit::ShuttingDown), _) => Some("shutting down".to_owned()),
            (None, Some(backend)) => Some(format!("{backend} has not been read yet")),
            (None, None) => None,
        };
        let backends: Vec<Value> = state.backends.iter().map(|(backend, status)| describe(*backend, status)).collect();
        let body = json!({
            "ready": reason.is_none(),
            "reason": reason,
            "configHash": state.config_hash,
            "backends": backends,
        });
        (reason.is_none(), format!("{body}\n"))
    }
}

fn describe(backend: Backend, status: &BackendStatus) -> Value {
    let stale = status.stale.iter().map(|stale| {
        json!({
            "section": stale.section.as_str(),
            "since": stale.since.to_string(),
            "reason": stale.reason,
        })
    });
    let unreachable =
        status.unreachable.as_ref().map(|(since, reason)| json!({ "since": since.to_string(), "reason": reason }));
    json!({
        "backend": backend.as_str(),
        "mappings": status.mappings,
        "resourceVersion": status.resource_version,
        "stale": stale.collect::<Vec<_>>(),
        "unreachable": unreachable,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reported() -> BackendStatus {
        BackendStatus { reported: true, ..BackendStatus::default() }
    }

    #[test]
    fn ready_once_every_backend_has_reported() {
        let health = Health::new(&[Backend::MountedFile, Backend::EksConfigMap]);
        health.report(Backend::MountedFile, reported());
        let (ready, body) = health.readiness();
        assert!(!ready && body.contains("EKSConfigMap has not been read yet"), "{body}");
        health.report(Backend::EksConfigMap, reported());
        assert!(health.readiness().0);
    }

    #[test]
    fn a_dead_task_and_the_end_are_not_ready() {
        for (end, word) in
            [(Health::task_ended as fn(&Health), "background task"), (Health::shutting_down, "shutting down")]
        {
            let health = Health::new(&[]);
            assert!(health.readiness().0);
            end(&health);
            let (ready, body) = health.readiness();
            assert!(!ready && body.contains(word), "{body}");
        }
    }
}
