//! What time it is: the system's clock, or one a test moves.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

/// The clock the stand-in judges signatures and expiry by, and dates its replies with.
/// Certificates are always dated by the system's clock, which TLS clients use.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self::new(system_time)
    }

    /// A clock that is read by calling `read`.
    pub fn new(read: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}

/// A clock that stands still, to the second, until it is moved.
#[derive(Clone, Debug)]
pub struct MovableClock(Arc<AtomicI64>);

impl MovableClock {
    /// A clock that shows `instant`.
    pub fn at(instant: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(instant.as_second())))
    }

    /// Shows `instant` from now on.
    pub fn set(&self, instant: Timestamp) {
        self.0.store(instant.as_second(), Ordering::Release);
    }

    /// Moves on by `seconds`, or back if negative.
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::AcqRel);
    }

    /// The instant it shows.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::Acquire)).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// The same clock for [`Settings`](crate::Settings).
    pub fn clock(&self) -> Clock {
        let clock = self.clone();
        Clock::new(move || clock.now())
    }
}

/// The system's clock; the epoch if it is set before 1970.
pub(crate) fn system_time() -> Timestamp {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| {
            let seconds = i64::try_from(since.as_secs()).ok()?;
            let nanoseconds = i32::try_from(since.subsec_nanos()).ok()?;
            Timestamp::new(seconds, nanoseconds).ok()
        })
        .unwrap_or(Timestamp::UNIX_EPOCH)
}
