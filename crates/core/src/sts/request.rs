//! The request to STS, rebuilt from the typed fields of a token.

use alloc::string::String;
use core::fmt;

use jiff::Timestamp;

use crate::ids::{AccessKeyId, ClusterId};
use crate::partition::StsHost;
use crate::secret::Secret;

/// A GetCallerIdentity request that passed every check which needs no network.
///
/// Only [`crate::token::check`] makes one. The caller's URL is gone: the host
/// comes from our list, and the query is written anew from typed values.
#[derive(Clone)]
pub struct StsRequest {
    pub(crate) host: StsHost,
    pub(crate) cluster_id: ClusterId,
    pub(crate) access_key_id: AccessKeyId,
    pub(crate) path_and_query: Secret,
    pub(crate) signed_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

impl StsRequest {
    /// The host to ask, by HTTPS on port 443.
    pub fn host(&self) -> &StsHost {
        &self.host
    }

    /// Value of the header `x-k8s-aws-id`: our own cluster ID, never the token's.
    pub fn cluster_id(&self) -> &ClusterId {
        &self.cluster_id
    }

    /// The access key ID that the caller claims.
    pub fn access_key_id(&self) -> &AccessKeyId {
        &self.access_key_id
    }

    /// `/?Action=GetCallerIdentity&…` with the signature.
    pub fn path_and_query(&self) -> &Secret {
        &self.path_and_query
    }

    /// When the caller signed.
    pub fn signed_at(&self) -> Timestamp {
        self.signed_at
    }

    /// From when on STS no longer honours it.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// The whole URL. Holds the signature: for the wire and for tests only.
    pub fn url(&self) -> Secret {
        let mut url = String::from("https://");
        url.push_str(self.host.name());
        url.push_str(self.path_and_query.expose());
        Secret::new(url)
    }
}

impl fmt::Debug for StsRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StsRequest")
            .field("host", &self.host)
            .field("access_key_id", &self.access_key_id)
            .field("signed_at", &self.signed_at)
            .finish_non_exhaustive()
    }
}
