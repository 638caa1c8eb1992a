//! The status ConfigMap as a whole: one key for each replica.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use jiff::Timestamp;

use super::record::{self, Record};
use super::{NodeLogins, RecordError, ReplicaName};
use crate::limits;
use crate::shown::excerpt;

/// What all replicas have published together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Published {
    /// What they know; `None` if none of them has published anything lately.
    pub logins: Option<NodeLogins>,
    /// The keys that can't be read.
    pub unread: Vec<Unread>,
}

/// A key of the status ConfigMap that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("key `{}` can't be read", excerpt(.key))]
pub struct Unread {
    /// The key.
    pub key: String,
    /// Why.
    #[source]
    pub error: RecordError,
}

/// Puts the records of all replicas together. Those of replicas that are silent count
/// no more.
pub fn published(data: &BTreeMap<String, String>, now: Timestamp) -> Published {
    let mut published = Published::default();
    for (key, text) in data {
        match Record::decode(text) {
            Ok(record) if is_silent(record.written, now) => {}
            Ok(record) => published.logins.get_or_insert_default().absorb(record.logins),
            Err(error) => published.unread.push(Unread { key: key.clone(), error }),
        }
    }
    if let Some(logins) = &mut published.logins {
        logins.forget_old(now);
    }
    published
}

/// What a replica published itself, before it was started again perhaps.
///
/// # Errors
///
/// [`RecordError`] if there is something that can't be used.
pub fn restored(data: &BTreeMap<String, String>, own: &ReplicaName) -> Result<NodeLogins, RecordError> {
    match data.get(own.as_str()) {
        Some(text) => Ok(Record::decode(text)?.logins),
        None => Ok(NodeLogins::default()),
    }
}

/// The keys that a replica touches to publish what it knows, each with its new text:
/// its own, and those of silent replicas, which are removed. What is no record at all
/// is left alone.
pub fn publication(
    data: &BTreeMap<String, String>,
    own: &ReplicaName,
    logins: &NodeLogins,
    now: Timestamp,
) -> BTreeMap<String, Option<String>> {
    let others = || data.iter().filter(|(key, _)| *key != own.as_str());
    let is_past = |text: &str| record::written(text).is_some_and(|written| is_silent(written, now));
    let (past, present): (Vec<_>, Vec<_>) = others().partition(|(_, text)| is_past(text));
    let taken: usize = present.iter().map(|(_, text)| text.len()).sum();
    let room = limits::CONFIG_MAP_BYTES.saturating_sub(taken).min(limits::STATUS_RECORD_BYTES);
    let mut touched: BTreeMap<_, _> = past.into_iter().map(|(key, _)| (key.clone(), None)).collect();
    touched.insert(own.as_str().into(), Some(logins.encode(now, room)));
    touched
}

fn is_silent(written: Timestamp, now: Timestamp) -> bool {
    now.duration_since(written) > limits::REPLICA_SILENCE
}
