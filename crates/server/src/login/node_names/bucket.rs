//! How often EC2 may be called.

use std::num::NonZeroU32;
use std::time::Duration;

use tokio::time::Instant;

/// A token bucket, kept as the moment at which it will be full again.
pub(super) struct Bucket {
    /// Time for one token.
    interval: Duration,
    /// Time for all tokens but one.
    depth: Duration,
    full_at: Option<Instant>,
}

impl Bucket {
    /// A full bucket of `burst` calls, refilled by `qps` a second.
    pub(super) fn new(qps: NonZeroU32, burst: NonZeroU32) -> Self {
        let interval = Duration::from_secs(1) / qps.get();
        Self { interval, depth: interval.saturating_mul(burst.get() - 1), full_at: None }
    }

    /// When a call may be made: not in the future if at once.
    pub(super) fn ready_at(&self, now: Instant) -> Instant {
        self.full_at.and_then(|at| at.checked_sub(self.depth)).map_or(now, |at| at.max(now))
    }

    /// Counts a call that is made now.
    pub(super) fn take(&mut self, now: Instant) {
        self.full_at = Some(self.full_at.map_or(now, |at| at.max(now)) + self.interval);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_the_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(NonZeroU32::new(10).unwrap(), NonZeroU32::new(3).unwrap());
        let mut now = start;
        let mut calls = Vec::new();
        for _ in 0..6 {
            now = bucket.ready_at(now);
            bucket.take(now);
            calls.push((now - start).as_millis());
        }
        assert_eq!(calls, [0, 0, 0, 100, 200, 300]);
        // Whoever waits gets the burst back, and no more.
        now += Duration::from_secs(60);
        for _ in 0..3 {
            assert_eq!(bucket.ready_at(now), now);
            bucket.take(now);
        }
        assert_eq!(bucket.ready_at(now), now + Duration::from_millis(100));
    }
}
