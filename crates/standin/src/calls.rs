//! What was asked of the stand-in, remembered for those who test.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::limits;

/// How many calls are remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recording {
    /// The latest this many.
    Last(usize),
    /// None; they are still counted.
    Off,
}

impl Default for Recording {
    fn default() -> Self {
        Self::Last(limits::CALLS)
    }
}

/// One request that was answered, or left unanswered on purpose.
#[derive(Clone, Debug)]
pub struct Call {
    /// The first call is number 1.
    pub number: u64,
    /// The service that was asked.
    pub service: Service,
    /// The `Action`, EKS's operation, `GetRoleCredentials`, or the path of a metadata request.
    pub action: String,
    /// The access key id named in the signature, verified or not.
    pub access_key_id: Option<String>,
    /// The `Host` header, or HTTP/2's authority.
    pub host: String,
    /// The HTTP method.
    pub method: String,
    /// What became of it.
    pub outcome: Outcome,
    /// The `User-Agent` header.
    pub user_agent: Option<String>,
    /// The names of all headers, lower-case, in the order received.
    pub header_names: Vec<String>,
}

/// The service a call was meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Security Token Service.
    Sts,
    /// Elastic Kubernetes Service.
    Eks,
    /// Elastic Compute Cloud.
    Ec2,
    /// Identity and Access Management.
    Iam,
    /// CloudFormation.
    CloudFormation,
    /// The portal of IAM Identity Center.
    SsoPortal,
    /// Instance metadata.
    InstanceMetadata,
    /// Container credentials.
    ContainerCredentials,
    /// An AWS host the stand-in has no answer for.
    Other,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Answered with success.
    Accepted,
    /// Answered with this error code.
    Refused(&'static str),
    /// Not judged: this fault came first.
    Faulted(&'static str),
}

pub(crate) struct Calls {
    capacity: usize,
    count: AtomicU64,
    by_action: Mutex<HashMap<String, u64>>,
    latest: Mutex<VecDeque<Call>>,
}

impl Calls {
    pub(crate) fn new(recording: Recording) -> Self {
        Self {
            capacity: match recording {
                Recording::Last(calls) => calls,
                Recording::Off => 0,
            },
            count: AtomicU64::new(0),
            by_action: Mutex::default(),
            latest: Mutex::default(),
        }
    }

    /// Counts a call, and remembers it if calls are remembered. `describe` is given its
    /// number.
    pub(crate) fn record(&self, action: &str, describe: impl FnOnce(u64) -> Call) {
        self.count_action(action);
        if self.capacity == 0 {
            self.count.fetch_add(1, Ordering::AcqRel);
            return;
        }
        // Numbered under the lock, so that calls are remembered in order.
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let number = self.count.fetch_add(1, Ordering::AcqRel) + 1;
        if latest.len() == self.capacity {
            latest.pop_front();
        }
        latest.push_back(describe(number));
    }

    /// Actions are the caller's words, so that only so many are told apart.
    fn count_action(&self, action: &str) {
        let mut counts = self.by_action.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(action) {
            *count += 1;
        } else if counts.len() < limits::ACTIONS {
            counts.insert(action.to_owned(), 1);
        }
    }

    pub(crate) fn count_of(&self, action: &str) -> u64 {
        self.by_action.lock().unwrap_or_else(PoisonError::into_inner).get(action).copied().unwrap_or_default()
    }

    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    pub(crate) fn since(&self, number: u64) -> Vec<Call> {
        self.latest
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .filter(|call| call.number > number)
            .cloned()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(number: u64) -> Call {
        Call {
            number,
            service: Service::Sts,
            action: "GetCallerIdentity".to_owned(),
            access_key_id: None,
            host: "localhost".to_owned(),
            method: "GET".to_owned(),
            outcome: Outcome::Accepted,
            user_agent: None,
            header_names: Vec::new(),
        }
    }

    #[test]
    fn only_the_latest_calls_are_kept_and_all_are_counted() {
        let calls = Calls::new(Recording::Last(2));
        for _ in 0..3 {
            calls.record("GetCallerIdentity", call);
        }
        assert_eq!(calls.count(), 3);
        assert_eq!((calls.count_of("GetCallerIdentity"), calls.count_of("AssumeRole")), (3, 0));
        let numbers = |since| -> Vec<u64> {
            let calls = calls.since(since);
            calls.iter().map(|call| call.number).collect()
        };
        assert_eq!(numbers(0), [2, 3]);
        assert_eq!(numbers(2), [3]);
    }

    #[test]
    fn recording_switched_off_still_counts() {
        let calls = Calls::new(Recording::Off);
        calls.record("AssumeRole", call);
        assert_eq!((calls.count(), calls.count_of("AssumeRole")), (1, 1));
        assert!(calls.since(0).is_empty());
    }

    #[test]
    fn so_many_actions_are_told_apart_and_no_more() {
        let calls = Calls::new(Recording::Off);
        for action in 0..=limits::ACTIONS {
            calls.record(&action.to_string(), call);
        }
        let last = limits::ACTIONS - 1;
        assert_eq!((calls.count_of(&last.to_string()), calls.count_of(&limits::ACTIONS.to_string())), (1, 0));
    }
}
