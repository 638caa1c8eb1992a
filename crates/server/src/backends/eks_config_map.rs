//! The backend `EKSConfigMap`: follows aws-auth, and keeps what was good.

use std::sync::Arc;

use jiff::Timestamp;
use kube_iam_core::last_good::{LastGood, Remark, snapshot_remarks};
use kube_iam_core::mapping::Backend;
use kube_iam_core::ports::{MappingSource, Observation};
use tracing::info;

use super::saved_state::SavedState;
use crate::draining::Draining;
use crate::health::{BackendStatus, Health};
use crate::mappings::Mappings;
use crate::metrics::Metrics;
use crate::settings::{Clock, Settings};
use crate::{limits, log_text};

/// Where the backend shows what it knows.
pub(crate) struct Shown {
    pub(crate) mappings: Arc<Mappings>,
    pub(crate) health: Arc<Health>,
    pub(crate) metrics: Arc<Metrics>,
    /// Whether mappings may ask for names of instances.
    pub(crate) looks_up_nodes: bool,
}

/// The backend: a source and what is known from it.
pub(crate) struct EksConfigMap {
    source: Box<dyn MappingSource>,
    known: Known,
}

struct Known {
    clock: Clock,
    state: LastGood,
    saved: SavedState,
    shown: Shown,
    /// Whether there is anything to show: a restored state, or a report.
    reported: bool,
    unreachable: Option<(Timestamp, String)>,
    /// What was said of the snapshot last, so as not to repeat it.
    remarks: Vec<Remark>,
}

impl EksConfigMap {
    /// Restores what a former run saved and shows it at once.
    pub(crate) fn restore(settings: &Settings, source: Box<dyn MappingSource>, clock: Clock, shown: Shown) -> Self {
        let saved = SavedState::in_directory(&settings.state_dir);
        let restored = saved.restore(settings.last_good);
        let reported = restored.is_some();
        let state = restored.unwrap_or_else(|| LastGood::new(settings.last_good));
        let mut known = Known { clock, state, saved, shown, reported, unreachable: None, remarks: Vec::new() };
        let remarks = known.state.expire((known.clock)());
        known.show(&remarks);
        Self { source, known }
    }

    /// Follows the source until the shutdown. What was shown is saved before.
    pub(crate) async fn run(self, mut draining: Draining) {
        let Self { mut source, mut known } = self;
        loop {
            // One future until it has answered: ending it could lose what it holds.
            let mut next = source.observe();
            let observation = loop {
                tokio::select! {
                    observation = &mut next => break observation,
                    () = tokio::time::sleep(limits::DEADLINE_CHECK), if known.state.next_deadline().is_some() => {
                        known.expire().await;
                    }
                    () = draining.begun() => return,
                }
            };
            drop(next);
            known.take(observation).await;
        }
    }
}

impl Known {
    async fn take(&mut self, observation: Observation) {
        let now = (self.clock)();
        let remarks = self.state.observe(&observation, now);
        self.reported = true;
        match observation {
            Observation::Unreachable(reason) => {
                self.shown.metrics.watch_failures.inc();
                let since = self.unreachable.take().map_or(now, |(since, _)| since);
                self.unreachable = Some((since, reason));
                self.show(&remarks);
            }
            Observation::Present { .. } | Observation::Absent => {
                info!(resource_version = self.state.resource_version(), "Received aws-auth watch event");
                self.unreachable = None;
                self.show(&remarks);
                self.saved.save(&self.state).await;
            }
        }
    }

    async fn expire(&mut self) {
        let remarks = self.state.expire((self.clock)());
        if !remarks.is_empty() {
            self.show(&remarks);
            self.saved.save(&self.state).await;
        }
    }

    /// Puts the state in force, and into log, metrics and health.
    fn show(&mut self, remarks: &[Remark]) {
        let snapshot = Arc::new(self.state.snapshot());
        let stale = self.state.stale();
        remarks.iter().for_each(log_text::remark);
        let about_snapshot = snapshot_remarks(&snapshot, self.shown.looks_up_nodes);
        if about_snapshot != self.remarks {
            about_snapshot.iter().for_each(log_text::remark);
            self.remarks = about_snapshot;
        }
        let Shown { mappings, health, metrics, looks_up_nodes: _ } = &self.shown;
        metrics.note_snapshot(&snapshot);
        metrics.note_stale(&stale);
        health.report(
            Backend::EksConfigMap,
            BackendStatus {
                mappings: snapshot.len(),
                reported: self.reported,
                resource_version: self.state.resource_version().map(str::to_owned),
                stale,
                unreachable: self.unreachable.clone(),
            },
        );
        mappings.replace(&[snapshot], None);
    }
}
