//! Every bound of this crate, with its reason.

use std::time::Duration;

/// How long a server may take until it is ready. Three seconds are usual; a busy
/// machine with two cores has needed thirty.
pub const READY: Duration = Duration::from_secs(180);

/// Pause between two looks at something that is awaited.
pub const POLL: Duration = Duration::from_millis(50);

/// How long one request of this crate to kube-apiserver may take.
pub const REQUEST: Duration = Duration::from_secs(10);

/// Largest reply that is read from kube-apiserver, in bytes. Only a status line
/// and an error text are of interest.
pub const REPLY_BYTES: u64 = 1 << 20;

/// How long a server may take to stop. `supervise.sh` kills it ten seconds after
/// it was asked to end, so this is reached only when even that did not help.
pub const STOP: Duration = Duration::from_secs(20);

/// How often a start is tried again because another process took the port between
/// our choosing it and the server's binding it.
pub const START_ATTEMPTS: u32 = 5;

/// Lines of a log that an error quotes.
pub const LOG_TAIL_LINES: usize = 20;

/// Bytes at the end of a log in which those lines are looked for.
pub const LOG_TAIL_BYTES: u64 = 64 << 10;
