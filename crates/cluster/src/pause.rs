//! Pauses between two attempts, longer each time the same thing happens.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use tokio::time;

use crate::limits;

/// Why something has to be listed anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The watch has ended, or could not start from where the list ended.
    WatchEnded,
    /// kube-apiserver is not up.
    NotUp,
    /// Any other failure.
    Failure,
}

/// The pause before the next list. There is none at first.
#[derive(Debug, Default)]
pub(crate) struct Pause {
    /// The last cause, and how many times in a row it came before that.
    last: Option<(Cause, u32)>,
}

impl Pause {
    /// Takes note of a reason to list. Another cause than the last one starts from
    /// the shortest pause: a server that starts refuses connections first, then
    /// requests, and is soon ready.
    pub(crate) fn after(&mut self, cause: Cause) {
        let repeats = match self.last {
            Some((last, repeats)) if last == cause => repeats.saturating_add(1),
            _ => 0,
        };
        self.last = Some((cause, repeats));
    }

    pub(crate) async fn wait(&self) {
        time::sleep(self.length(random())).await;
    }

    /// Between the shortest pause, doubled for each repeat, and half as much again;
    /// never above the limit of the cause. `random` is from 0 to 1.
    fn length(&self, random: f64) -> Duration {
        let Some((cause, repeats)) = self.last else { return Duration::ZERO };
        let longest = match cause {
            Cause::WatchEnded | Cause::NotUp => limits::SHORT_PAUSE,
            Cause::Failure => limits::LONG_PAUSE,
        };
        let doubled = limits::PAUSE.saturating_mul(1 << repeats.min(16));
        doubled.min(longest.div_f64(1.5)).mul_f64(1.0 + random / 2.0)
    }
}

/// A number from 0 to 1, good enough to spread requests.
pub(crate) fn random() -> f64 {
    // Each `RandomState` has new random keys.
    let number = RandomState::new().hash_one(0);
    // Both are exact: 32 bits fit into the 53 of a `f64`.
    (number >> 32) as f64 / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(cause: Cause, times: usize, random: f64) -> Vec<u128> {
        let mut pause = Pause::default();
        let lengths = (0..times).map(|_| {
            pause.after(cause);
            pause.length(random).as_millis()
        });
        lengths.collect()
    }

    #[test]
    fn pauses_grow_to_their_limits() {
        let shortest = [500, 1000, 2000, 4000, 8000, 16000, 20000, 20000];
        assert_eq!(lengths(Cause::Failure, 8, 0.0), shortest);
        let longest = [750, 1500, 3000, 6000, 12000, 24000, 30000, 30000];
        assert_eq!(lengths(Cause::Failure, 8, 1.0), longest);
        for cause in [Cause::NotUp, Cause::WatchEnded] {
            assert_eq!(lengths(cause, 4, 0.0), [500, 1000, 1000, 1000]);
            assert_eq!(lengths(cause, 4, 1.0), [750, 1500, 1500, 1500]);
        }
        assert_eq!(*lengths(Cause::Failure, 100, 1.0).last().unwrap(), 30000);
    }

    #[test]
    fn another_cause_starts_anew() {
        let mut pause = Pause::default();
        assert_eq!(pause.length(1.0), Duration::ZERO);
        for cause in [Cause::NotUp, Cause::NotUp, Cause::Failure] {
            pause.after(cause);
        }
        assert_eq!(pause.length(0.0), limits::PAUSE);
    }

    #[test]
    fn random_numbers_differ_and_are_in_range() {
        let numbers: Vec<f64> = (0..100).map(|_| random()).collect();
        assert!(numbers.iter().all(|number| (0.0..=1.0).contains(number)));
        assert!(numbers.iter().any(|number| *number != numbers[0]));
    }
}
