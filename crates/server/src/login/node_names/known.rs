//! What is remembered of AWS's answers.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use tokio::time::Instant;

use crate::limits;

/// How long answers count.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lives {
    /// After this AWS is asked again, while the answer still counts: nobody waits for
    /// it, and an outage of AWS keeps nobody out.
    pub(super) fresh: Duration,
    /// After this the answer counts no more.
    pub(super) kept: Duration,
}

/// Which answers will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// Any that counts.
    Remembered,
    /// One from just now: what is remembered would turn somebody away.
    Anew,
}

/// Good answers by what was asked about; those that say no are never kept.
pub(super) struct Known<K, V> {
    entries: HashMap<K, (V, Instant)>,
    lives: Lives,
    capacity: usize,
}

impl<K: Eq + Hash + Clone, V: Clone> Known<K, V> {
    pub(super) fn new(lives: Lives, capacity: usize) -> Self {
        Self { entries: HashMap::new(), lives, capacity }
    }

    /// The answer, if there is one that will do, and whether it is time to ask again.
    pub(super) fn find(&self, key: &K, look: Look, now: Instant) -> Option<(V, bool)> {
        let (value, learned) = self.entries.get(key)?;
        let age = now.saturating_duration_since(*learned);
        let life = if look == Look::Anew { limits::JUST_NOW } else { self.lives.kept };
        (age < life).then(|| (value.clone(), age >= self.lives.fresh))
    }

    /// Keeps an answer, in place of the oldest if there is no room.
    pub(super) fn keep(&mut self, key: K, value: V, now: Instant) {
        self.entries.insert(key, (value, now));
        if self.entries.len() > self.capacity {
            let kept = self.lives.kept;
            self.entries.retain(|_, (_, learned)| now.saturating_duration_since(*learned) < kept);
        }
        if self.entries.len() > self.capacity {
            let oldest = self.entries.iter().min_by_key(|(_, (_, learned))| *learned).map(|(key, _)| key.clone());
            oldest.map(|key| self.entries.remove(&key));
        }
    }

    pub(super) fn forget(&mut self, key: &K) {
        self.entries.remove(key);
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIVES: Lives = Lives { fresh: Duration::from_secs(100), kept: Duration::from_secs(300) };

    #[test]
    fn answers_age_and_end() {
        let start = Instant::now();
        let mut known = Known::new(LIVES, 10);
        known.keep("a", 1, start);
        for (look, seconds, expected) in [
            (Look::Remembered, 0, Some((1, false))),
            (Look::Remembered, 99, Some((1, false))),
            (Look::Remembered, 100, Some((1, true))),
            (Look::Remembered, 299, Some((1, true))),
            (Look::Remembered, 300, None),
            (Look::Anew, 0, Some((1, false))),
            (Look::Anew, limits::JUST_NOW.as_secs(), None),
        ] {
            assert_eq!(known.find(&"a", look, start + Duration::from_secs(seconds)), expected, "{look:?} {seconds}");
        }
        known.forget(&"a");
        assert_eq!(known.find(&"a", Look::Remembered, start), None);
    }

    #[test]
    fn what_is_kept_is_bounded_and_the_oldest_goes_first() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut known = Known::new(LIVES, 3);
        for key in 0..3 {
            known.keep(key, key, at(key));
        }
        // At the limit all are there; one past it the one learned first is not.
        assert_eq!(known.len(), 3);
        known.keep(0, 0, at(3));
        assert_eq!(known.len(), 3);
        known.keep(3, 3, at(4));
        assert_eq!(known.len(), 3);
        let has = |known: &Known<u64, u64>, key| known.find(&key, Look::Remembered, at(5)).is_some();
        assert_eq!([0, 1, 2, 3].map(|key| has(&known, key)), [true, false, true, true]);
        // What has ended makes room first.
        known.keep(4, 4, at(303));
        assert_eq!(known.len(), 2);
    }
}
