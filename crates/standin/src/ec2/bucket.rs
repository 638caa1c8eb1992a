//! How many calls EC2 takes: a bucket of tokens, one taken by each call.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::limits;

/// A bucket of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenBucket {
    /// How many tokens it holds, and has at first.
    pub capacity: u32,
    /// How many are added each second.
    pub refill_per_second: u32,
}

impl TokenBucket {
    /// That of EC2's calls which change nothing and name what they ask about ("Request throttling for the Amazon EC2 API" in
    /// its developer guide, <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html>: 100 tokens, 20 added
    /// each second; beyond them `RequestLimitExceeded`).
    pub const DOCUMENTED: Self = Self { capacity: 100, refill_per_second: 20 };
}

/// The buckets of all accounts and regions, which EC2 counts apart.
pub(crate) struct Buckets {
    kind: Option<TokenBucket>,
    levels: Mutex<HashMap<(String, String), Level>>,
}

struct Level {
    /// Thousandths of a token.
    tokens: i64,
    at: Timestamp,
}

impl Buckets {
    /// Without a kind all calls are taken.
    pub(crate) fn new(kind: Option<TokenBucket>) -> Self {
        Self { kind, levels: Mutex::default() }
    }

    /// Takes a token; false if there is none.
    pub(crate) fn take(&self, account: &str, region: &str, now: Timestamp) -> bool {
        let Some(TokenBucket { capacity, refill_per_second }) = self.kind else { return true };
        let full = i64::from(capacity) * 1000;
        let mut levels = self.levels.lock().unwrap_or_else(PoisonError::into_inner);
        if levels.len() >= limits::BUCKETS {
            levels.clear();
        }
        let level = levels.entry((account.to_owned(), region.to_owned())).or_insert(Level { tokens: full, at: now });
        // Thousandths per millisecond are tokens per second.
        let millis = i64::try_from(now.duration_since(level.at).as_millis()).unwrap_or(i64::MAX).max(0);
        let added = millis.saturating_mul(i64::from(refill_per_second));
        level.tokens = level.tokens.saturating_add(added).min(full);
        level.at = level.at.max(now);
        let takes = level.tokens >= 1000;
        if takes {
            level.tokens -= 1000;
        }
        takes
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_bucket_empties_and_fills_again() {
        let buckets = Buckets::new(Some(TokenBucket::DOCUMENTED));
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let taken = |after: i64, calls: usize| {
            let now = start + SignedDuration::from_millis(after);
            (0..calls).filter(|_| buckets.take("a", "r", now)).count()
        };
        assert_eq!(taken(0, 150), 100);
        assert_eq!(taken(49, 1), 0);
        assert_eq!(taken(50, 2), 1);
        assert_eq!(taken(1050, 30), 20);
        assert_eq!(taken(60_000, 150), 100);
        assert_eq!(taken(0, 1), 0, "a clock that goes back adds nothing");
        assert!(buckets.take("a", "s", start) && buckets.take("b", "r", start));
    }

    #[test]
    fn without_a_kind_every_call_is_taken() {
        let buckets = Buckets::new(None);
        assert!((0..1000).all(|_| buckets.take("a", "r", Timestamp::UNIX_EPOCH)));
    }
}
