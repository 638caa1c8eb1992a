//! What one replica publishes, as JSON.
//!
//! ```json
//! {"version":1,"written":1767225600,
//!  "logins":{"ip-10-0-0-1.ec2.internal":1767225590},
//!  "failed":{"i-0123456789abcdef0":{"at":1767225580,"reason":"not_mapped","role":"arn:aws:iam::111122223333:role/nodes"}}}
//! ```
//!
//! Times are seconds since 1970. Whoever may write the ConfigMap may write anything
//! here: a record is read whole and exactly in this form, or not at all.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString as _};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{FailedTry, NodeLogins, is_instance, is_node_name, is_role};
use crate::arn::Arn;
use crate::json::Object;
use crate::limits;
use crate::shown::excerpt;

const VERSION: u64 = 1;

/// Why a record can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Longer than we would write it.
    #[error("it has more than {} bytes", limits::STATUS_RECORD_BYTES)]
    TooLong,
    /// More nodes or instances than we would write.
    #[error("it names more than {} nodes or {} failed tries", limits::NODE_LOGINS, limits::FAILED_TRIES)]
    TooMany,
    /// It is not of the known form.
    #[error("it is no record of a server: {0}")]
    Form(String),
    /// Another version of this program wrote it.
    #[error("it has version {0}, which this program does not know")]
    Version(u64),
}

impl RecordError {
    fn form(error: &serde_json::Error) -> Self {
        Self::Form(excerpt(&error.to_string()).into_owned())
    }

    fn malformed(what: &str) -> Self {
        Self::Form(what.into())
    }
}

/// A record as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// When it was written.
    pub(super) written: Timestamp,
    pub(super) logins: NodeLogins,
}

#[derive(Serialize)]
struct Written<'a> {
    version: u64,
    written: i64,
    logins: BTreeMap<&'a str, i64>,
    failed: BTreeMap<&'a str, WrittenTry<'a>>,
}

#[derive(Serialize)]
struct WrittenTry<'a> {
    at: i64,
    reason: &'a str,
    role: &'a str,
}

/// What every version has.
#[derive(Deserialize)]
struct Head {
    version: u64,
    written: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    #[serde(rename = "version")]
    _version: u64,
    #[serde(rename = "written")]
    _written: i64,
    logins: BTreeMap<String, i64>,
    failed: BTreeMap<String, Object<StoredTry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredTry {
    at: i64,
    reason: String,
    role: String,
}

/// When a record was written, whatever version wrote it; `None` if it is no record.
pub(super) fn written(text: &str) -> Option<Timestamp> {
    let Object(Head { written, .. }) = head(text).ok()?;
    Timestamp::from_second(written).ok()
}

fn head(text: &str) -> Result<Object<Head>, RecordError> {
    serde_json::from_str(text).map_err(|error| RecordError::form(&error))
}

impl Record {
    /// Reads a record.
    pub(super) fn decode(text: &str) -> Result<Self, RecordError> {
        if text.len() > limits::STATUS_RECORD_BYTES {
            return Err(RecordError::TooLong);
        }
        // The version is looked at first: a later one may look quite different.
        let Object(head) = head(text)?;
        if head.version != VERSION {
            return Err(RecordError::Version(head.version));
        }
        let Object(stored): Object<Stored> = serde_json::from_str(text).map_err(|error| RecordError::form(&error))?;
        if stored.logins.len() > limits::NODE_LOGINS || stored.failed.len() > limits::FAILED_TRIES {
            return Err(RecordError::TooMany);
        }
        let mut logins = NodeLogins::default();
        for (node, at) in stored.logins {
            if !is_node_name(&node) {
                return Err(RecordError::malformed("no node can have one of its names"));
            }
            logins.last.insert(node, time(at)?);
        }
        for (instance, Object(failed)) in stored.failed {
            if !is_instance(&instance) {
                return Err(RecordError::malformed("no instance can have one of its IDs"));
            }
            logins.failed.insert(instance, failed.read()?);
        }
        Ok(Self { written: time(head.written)?, logins })
    }
}

impl StoredTry {
    fn read(self) -> Result<FailedTry, RecordError> {
        let is_code = (1..=limits::REASON_BYTES).contains(&self.reason.len())
            && self.reason.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
        if !is_code {
            return Err(RecordError::malformed("one of its reasons is no code"));
        }
        let role = self.role.parse::<Arn>().ok().filter(is_role);
        let role = role.ok_or_else(|| RecordError::malformed("one of its roles is none"))?;
        Ok(FailedTry { at: time(self.at)?, reason: self.reason, role })
    }
}

fn time(seconds: i64) -> Result<Timestamp, RecordError> {
    Timestamp::from_second(seconds).map_err(|_| RecordError::malformed("one of its times is none"))
}

impl NodeLogins {
    /// The record that is written now, of as much as there is room for, in bytes, but
    /// at least an empty one.
    pub(super) fn encode(&self, now: Timestamp, room: usize) -> String {
        let mut left = self.clone();
        loop {
            let text = left.text(now);
            if text.len() <= room || (left.last.is_empty() && left.failed.is_empty()) {
                return text;
            }
            match left.last.len() {
                0 => left.failed.clear(),
                logins => left.drop_oldest_logins(logins.div_ceil(8)),
            }
        }
    }

    fn text(&self, now: Timestamp) -> String {
        let failed = |failed: &FailedTry| failed.at.as_second();
        let written = Written {
            version: VERSION,
            written: now.as_second(),
            logins: self.last.iter().map(|(node, at)| (node.as_str(), at.as_second())).collect(),
            failed: self
                .failed
                .iter()
                .map(|(instance, tried)| {
                    let (reason, role) = (tried.reason.as_str(), tried.role.as_str());
                    (instance.as_str(), WrittenTry { at: failed(tried), reason, role })
                })
                .collect(),
        };
        // Texts and numbers always become JSON.
        serde_json::to_string(&written).unwrap_or_default()
    }
}
