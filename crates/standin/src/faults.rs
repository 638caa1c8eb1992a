//! Faults staged on purpose, in the order they were asked for.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Something that goes wrong with a request on the HTTPS listener.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The service's own throttling: status 400, code `Throttling` of STS and
    /// `ThrottlingException` of EKS.
    Throttling,
    /// This status with the body the service would give it; meant for 500, 502, 503, 504.
    Status(u16),
    /// The true reply, this much later.
    Slow(Duration),
    /// No reply, for [`limits::HANG`](crate::limits::HANG).
    Hang,
    /// The TCP connection is reset after the request was read.
    Reset,
    /// A redirect with this status to this location.
    Redirect {
        /// 301, 302, 303, 307 or 308.
        status: u16,
        /// The `Location` header.
        location: String,
    },
    /// The true reply followed by blanks to this many bytes, of unannounced length: a
    /// reader without a bound of its own accepts it.
    HugeBody(u64),
    /// The true reply under another content type.
    ContentType(String),
    /// Any reply.
    Body {
        /// The status.
        status: u16,
        /// The `Content-Type` header.
        content_type: String,
        /// The body.
        bytes: Vec<u8>,
    },
    /// The true reply, after which the connection is closed unannounced.
    CloseAfterReply,
}

impl Fault {
    /// True if the true reply is not sent at all.
    pub(crate) fn replaces_reply(&self) -> bool {
        match self {
            Self::Throttling
            | Self::Status(_)
            | Self::Hang
            | Self::Reset
            | Self::Redirect { .. }
            | Self::Body { .. } => true,
            Self::Slow(_) | Self::HugeBody(_) | Self::ContentType(_) | Self::CloseAfterReply => false,
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Throttling => "Throttling",
            Self::Status(_) => "Status",
            Self::Slow(_) => "Slow",
            Self::Hang => "Hang",
            Self::Reset => "Reset",
            Self::Redirect { .. } => "Redirect",
            Self::HugeBody(_) => "HugeBody",
            Self::ContentType(_) => "ContentType",
            Self::Body { .. } => "Body",
            Self::CloseAfterReply => "CloseAfterReply",
        }
    }
}

/// How many requests a fault befalls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// The next this many that it concerns.
    Next(u32),
    /// All that it concerns until the faults are cleared.
    UntilCleared,
}

struct Staged {
    fault: Fault,
    /// Only requests signed with this key, if any.
    access_key_id: Option<String>,
    times: Times,
}

#[derive(Default)]
pub(crate) struct Faults {
    any: AtomicBool,
    staged: Mutex<VecDeque<Staged>>,
}

impl Faults {
    pub(crate) fn stage(&self, fault: Fault, access_key_id: Option<String>, times: Times) {
        if times == Times::Next(0) {
            return;
        }
        let mut staged = self.staged.lock().unwrap_or_else(PoisonError::into_inner);
        staged.push_back(Staged { fault, access_key_id, times });
        self.any.store(true, Ordering::Release);
    }

    pub(crate) fn clear(&self) {
        let mut staged = self.staged.lock().unwrap_or_else(PoisonError::into_inner);
        staged.clear();
        self.any.store(false, Ordering::Release);
    }

    /// The fault that befalls a request signed with `access_key_id`, used up once.
    pub(crate) fn next(&self, access_key_id: Option<&str>) -> Option<Fault> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let mut staged = self.staged.lock().unwrap_or_else(PoisonError::into_inner);
        let index = staged
            .iter()
            .position(|staged| staged.access_key_id.is_none() || staged.access_key_id.as_deref() == access_key_id)?;
        let found = staged.get_mut(index)?;
        let fault = found.fault.clone();
        match &mut found.times {
            Times::UntilCleared => {}
            Times::Next(left) if *left > 1 => *left -= 1,
            Times::Next(_) => {
                staged.remove(index);
                self.any.store(!staged.is_empty(), Ordering::Release);
            }
        }
        Some(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_come_in_order_and_are_used_up() {
        let faults = Faults::default();
        assert!(faults.next(None).is_none());
        faults.stage(Fault::Reset, None, Times::Next(2));
        faults.stage(Fault::Hang, None, Times::Next(0));
        faults.stage(Fault::Throttling, None, Times::UntilCleared);
        let names: Vec<_> = (0..4).map(|_| faults.next(None).unwrap().name()).collect();
        assert_eq!(names, ["Reset", "Reset", "Throttling", "Throttling"]);
        faults.clear();
        assert!(faults.next(None).is_none());
    }

    #[test]
    fn a_fault_of_one_key_leaves_others_alone() {
        let faults = Faults::default();
        faults.stage(Fault::Throttling, Some("AKIA1".to_owned()), Times::Next(1));
        assert!(faults.next(Some("AKIA2")).is_none());
        assert!(faults.next(None).is_none());
        assert!(faults.next(Some("AKIA1")).is_some());
        assert!(faults.next(Some("AKIA1")).is_none());
    }
}
