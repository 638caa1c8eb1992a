//! Which instances the next call to EC2 is about, and when it is made.
//!
//! Nothing here waits: whoever asks says what time it is.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::time::Duration;

use kube_iam_core::ids::InstanceId;
use kube_iam_core::limits::INSTANCES_PER_CALL;
use tokio::time::Instant;

use super::bucket::Bucket;
use crate::limits;

/// Why a call is about its instances; they are put back to where they came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nobody has asked about them yet.
    Fresh,
    /// EC2 did not know them. They stay away from others, whose call they would spoil.
    Missing,
    /// What is left of a call that EC2 refused as a whole.
    Part,
}

/// One call.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Batch {
    pub(super) ids: Vec<InstanceId>,
    kind: Kind,
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Make this call.
    Call(Batch),
    /// Ask again at this time.
    At(Instant),
    /// Nothing, until something happens.
    Idle,
}

/// The instances that wait for a call.
pub(super) struct Queue {
    bucket: Bucket,
    fresh: VecDeque<InstanceId>,
    missing: BTreeSet<(Instant, InstanceId)>,
    parts: VecDeque<Vec<InstanceId>>,
    /// Everything that stands in one of the three.
    queued: HashSet<InstanceId>,
    under_way: usize,
    last: Option<(Instant, Kind)>,
    /// Calls that failed since the last good one.
    failures: u32,
    paused_until: Option<Instant>,
}

impl Queue {
    pub(super) fn new(bucket: Bucket) -> Self {
        Self {
            bucket,
            fresh: VecDeque::new(),
            missing: BTreeSet::new(),
            parts: VecDeque::new(),
            queued: HashSet::new(),
            under_way: 0,
            last: None,
            failures: 0,
            paused_until: None,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.queued.len()
    }

    /// An instance that somebody asks about.
    pub(super) fn push(&mut self, id: InstanceId) {
        if self.queued.insert(id.clone()) {
            self.fresh.push_back(id);
        }
    }

    /// An instance that EC2 may know later.
    pub(super) fn push_missing(&mut self, id: InstanceId, due: Instant) {
        if self.queued.insert(id.clone()) {
            self.missing.insert((due, id));
        }
    }

    /// Instances that have to be asked about again at once, and by themselves.
    pub(super) fn push_part(&mut self, mut ids: Vec<InstanceId>) {
        ids.retain(|id| self.queued.insert(id.clone()));
        if !ids.is_empty() {
            self.parts.push_back(ids);
        }
    }

    /// A call has ended with an answer, whatever it was.
    pub(super) fn answered(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
        (self.failures, self.paused_until) = (0, None);
    }

    /// A call has come to nothing: its instances go back, and all calls wait for a
    /// while. Calls that fail side by side count once. `jitter`, from 0 to 1, keeps
    /// replicas apart.
    pub(super) fn failed(&mut self, batch: Batch, jitter: f64, now: Instant) {
        self.under_way = self.under_way.saturating_sub(1);
        match batch.kind {
            Kind::Part => self.push_part(batch.ids),
            Kind::Missing => batch.ids.into_iter().for_each(|id| self.push_missing(id, now)),
            Kind::Fresh => {
                for id in batch.ids.into_iter().rev().filter(|id| self.queued.insert(id.clone())) {
                    self.fresh.push_front(id);
                }
            }
        }
        if self.paused_until.is_none_or(|until| until <= now) {
            let whole = limits::EC2_PAUSE.saturating_mul(1 << self.failures.min(16)).min(limits::EC2_PAUSE_MOST);
            self.failures += 1;
            self.paused_until = Some(now + whole.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0));
        }
    }

    /// The next call, of instances that are still `wanted`.
    pub(super) fn next(&mut self, now: Instant, wanted: impl Fn(&InstanceId) -> bool) -> Next {
        if self.under_way >= limits::EC2_CALLS {
            return Next::Idle;
        }
        loop {
            let Some(ready) = self.ready_at(now) else { return Next::Idle };
            let at = ready.max(self.bucket.ready_at(now)).max(self.paused_until.unwrap_or(now));
            if at > now {
                return Next::At(at);
            }
            let mut batch = self.pick(now);
            batch.ids.retain(|id| {
                self.queued.remove(id);
                wanted(id)
            });
            if !batch.ids.is_empty() {
                self.bucket.take(now);
                self.under_way += 1;
                self.last = Some((now, batch.kind));
                return Next::Call(batch);
            }
        }
    }

    /// When there is a call to make, apart from what EC2 can bear.
    fn ready_at(&self, now: Instant) -> Option<Instant> {
        if !self.parts.is_empty() || self.fresh.len() >= INSTANCES_PER_CALL {
            return Some(now);
        }
        let spaced = self.last.map_or(now, |(last, _)| (last + limits::EC2_SPACING).max(now));
        let missing = self.missing.first().map(|(due, _)| spaced.max(*due));
        (!self.fresh.is_empty()).then_some(spaced).into_iter().chain(missing).min()
    }

    /// Takes out the instances of the next call. Those that EC2 did not know take turns
    /// with the others, so that neither keeps the other waiting.
    fn pick(&mut self, now: Instant) -> Batch {
        if let Some(ids) = self.parts.pop_front() {
            return Batch { ids, kind: Kind::Part };
        }
        let is_due = self.missing.first().is_some_and(|(due, _)| *due <= now);
        let their_turn = self.fresh.is_empty() || !matches!(self.last, Some((_, Kind::Missing)));
        let mut ids = Vec::new();
        if is_due && their_turn {
            while ids.len() < INSTANCES_PER_CALL
                && let Some((due, id)) = self.missing.pop_first()
            {
                if due > now {
                    self.missing.insert((due, id));
                    break;
                }
                ids.push(id);
            }
            return Batch { ids, kind: Kind::Missing };
        }
        ids.extend(self.fresh.drain(..self.fresh.len().min(INSTANCES_PER_CALL)));
        Batch { ids, kind: Kind::Fresh }
    }
}

/// How long after the n-th miss of an instance EC2 is asked about it again; `None`
/// once that is enough.
pub(super) fn pause_after_miss(misses: u32) -> Option<Duration> {
    (misses <= limits::EC2_MISSES).then(|| limits::EC2_PAUSE.saturating_mul(1 << misses.saturating_sub(1).min(16)))
}

#[cfg(test)]
mod tests;
