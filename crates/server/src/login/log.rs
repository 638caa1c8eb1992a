//! The lines that a login leaves in the log, with the messages and fields of
//! the Go authenticator, which people search for.
//!
//! No line holds a token: its fingerprint finds the lines that belong together.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use kube_iam_core::decision::Level;
use kube_iam_core::identity::Identity;
use kube_iam_core::reason::{Class, Reason};
use kube_iam_core::secret::Fingerprint;
use tracing::{debug, info, warn};

use super::{Admission, Call, Denial};
use crate::log_text::{List, Plain};

/// Names one request: eight hexadecimal digits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestId(u32);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// Gives out request IDs. They are not secret, only unlike those of another
/// process: a keyed hash of a counter.
#[derive(Default)]
pub(crate) struct RequestIds {
    key: RandomState,
    count: AtomicU64,
}

impl RequestIds {
    pub(crate) fn next(&self) -> RequestId {
        let hash = self.key.hash_one(self.count.fetch_add(1, Ordering::Relaxed));
        RequestId((hash & u64::from(u32::MAX)) as u32)
    }
}

/// STS has vouched for a token.
pub(super) fn sts_response(identity: &Identity, token: Fingerprint, call: Call) {
    info!(
        accesskeyid = %identity.access_key_id,
        accountid = %identity.account,
        arn = %Plain(identity.arn.as_str()),
        client = %call.client,
        method = METHOD,
        path = PATH,
        request_id = %call.id,
        session = %Plain(identity.session_name.as_str()),
        stsendpoint = identity.sts_host.name(),
        token = %token,
        userid = %Plain(&identity.user_id.to_string()),
        "STS response"
    );
}

/// Somebody was let in.
pub(super) fn granted(admission: &Admission, is_scrubbed: bool, token: Fingerprint, call: Call) {
    let Admission { identity, user, backend, .. } = admission;
    info!(
        arn = (!is_scrubbed).then(|| display(Plain(identity.canonical.as_str()))),
        backend = backend.map(display),
        client = %call.client,
        groups = %List(&user.groups),
        method = METHOD,
        path = PATH,
        request_id = %call.id,
        stsendpoint = identity.sts_host.name(),
        token = %token,
        uid = %Plain(&user.uid),
        username = %Plain(&user.username),
        "access granted"
    );
}

/// Somebody came in by the mappings of last resort.
pub(super) fn break_glass(admission: &Admission, is_scrubbed: bool, token: Fingerprint, call: Call) {
    let Admission { identity, user, .. } = admission;
    warn!(
        arn = (!is_scrubbed).then(|| display(Plain(identity.arn.as_str()))),
        client = %call.client,
        groups = %List(&user.groups),
        request_id = %call.id,
        token = %token,
        username = %Plain(&user.username),
        "break-glass mapping used"
    );
}

/// Somebody was turned away; the identity, if the log may name it.
pub(super) fn denied(
    denial: &Denial,
    identity: Option<&Identity>,
    level: Level,
    token: Option<Fingerprint>,
    call: Call,
) {
    let message = match denial.reason {
        Reason::ReviewMethod => "unexpected request method",
        reason if reason.class() == Class::Malformed => "could not parse request body",
        _ => "access denied",
    };
    macro_rules! line {
        ($log:ident) => {
            $log!(
                arn = identity.map(|identity| display(Plain(identity.canonical.as_str()))),
                client = %call.client,
                error = %Plain(&denial.error),
                path = PATH,
                reason = denial.reason.as_str(),
                request_id = %call.id,
                token = token.map(display),
                "{message}"
            )
        };
    }
    match level {
        Level::Debug => line!(debug),
        Level::Info => line!(info),
        Level::Warn => line!(warn),
    }
}

const METHOD: &str = "POST";
const PATH: &str = "/authenticate";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_differ() {
        let ids = RequestIds::default();
        let texts: std::collections::BTreeSet<_> = (0..1000).map(|_| ids.next().to_string()).collect();
        assert!(texts.len() > 990 && texts.iter().all(|text| text.len() == 8));
    }
}
