//! What the decisions need from the world, as traits. Other crates say how.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::future::Future;
use core::pin::Pin;

use crate::arn::{Arn, InstanceProfileArn};
use crate::ids::{AccountId, InstanceId};
use crate::sts::StsRequest;

/// A future behind a pointer, so that ports can be chosen at run time.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Asks STS who signed a request.
pub trait Sts: Send + Sync {
    /// Sends the request once. Redirects are not followed, and no more than
    /// [`crate::limits::STS_REPLY_BYTES`] of the reply are read.
    fn call<'a>(&'a self, request: &'a StsRequest) -> BoxFuture<'a, Result<StsReply, StsFailure>>;
}

/// A complete reply of STS.
#[derive(Debug, Clone)]
pub struct StsReply {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`, empty if there is none.
    pub content_type: String,
    /// The body, within its bound.
    pub body: Vec<u8>,
}

/// Why there is no complete reply of STS.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StsFailure {
    /// No connection: name, route, refusal.
    #[error("could not connect to STS: {0}")]
    Connect(String),
    /// The certificate or the handshake is not right.
    #[error("TLS to STS failed: {0}")]
    Tls(String),
    /// No complete reply in time.
    #[error("STS did not answer in time")]
    Timeout,
    /// The connection broke before the reply was complete.
    #[error("the connection to STS broke: {0}")]
    Broken(String),
    /// The reply is longer than its bound.
    #[error("the reply of STS is longer than 64 KiB")]
    TooLarge,
}

/// Describes EC2 instances, of one region and with one set of credentials.
pub trait Instances: Send + Sync {
    /// Makes one `DescribeInstances` call, without retries, for at most
    /// [`crate::limits::INSTANCES_PER_CALL`] instances. Those that EC2 leaves out
    /// of its answer are left out here.
    fn describe<'a>(&'a self, ids: &'a [InstanceId]) -> BoxFuture<'a, Result<Vec<Instance>, AwsFailure>>;

    /// Makes one `GetInstanceProfile` call to IAM: the role of an instance
    /// profile, if it has one.
    fn role_of_profile<'a>(&'a self, profile: &'a InstanceProfileArn)
    -> BoxFuture<'a, Result<Option<Arn>, AwsFailure>>;
}

/// What EC2 says of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Its ID.
    pub id: InstanceId,
    /// `privateDnsName`; nothing while EC2 has none, which it says by an empty text.
    pub private_dns_name: Option<String>,
    /// The account it runs in: the owner of its reservation.
    pub account: Option<AccountId>,
    /// Whether its state is `pending` or `running`.
    pub runs: bool,
    /// The ARN of its instance profile.
    pub profile: Option<InstanceProfileArn>,
}

/// Why AWS gave no answer to a signed call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AwsFailure {
    /// EC2 knows none of these instances; the others were not described either.
    #[error("EC2 does not know {}", listed(.0))]
    UnknownInstances(Vec<InstanceId>),
    /// IAM knows no such instance profile in the account of the credentials.
    #[error("IAM does not know the instance profile: {0}")]
    UnknownProfile(String),
    /// Too many calls: again later, more slowly.
    #[error("AWS throttles: {0}")]
    Throttled(String),
    /// The credentials may not make the call.
    #[error("AWS denies the call: {0}")]
    Denied(String),
    /// The credentials have ended. Found anew, they may be good.
    #[error("the AWS credentials have expired: {0}")]
    Expired(String),
    /// Nothing was sent: there are no credentials, or no way that can be gone.
    #[error("AWS can't be asked: {told}")]
    Unasked {
        /// What is missing.
        told: String,
        /// Whether it may be there the next time.
        passing: bool,
    },
    /// No answer, or one that may be another the next time: 5xx, broken
    /// connections, time.
    #[error("AWS did not answer: {0}")]
    Unavailable(String),
    /// Any other refusal, or an answer that can't be read.
    #[error("AWS answered with an error: {0}")]
    Refused(String),
}

impl AwsFailure {
    /// Whether the same call may succeed in a while.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Throttled(_) | Self::Expired(_) | Self::Unavailable(_) => true,
            Self::Unasked { passing, .. } => *passing,
            Self::UnknownInstances(_) | Self::UnknownProfile(_) | Self::Denied(_) | Self::Refused(_) => false,
        }
    }
}

fn listed(ids: &[InstanceId]) -> String {
    let ids: Vec<&str> = ids.iter().map(InstanceId::as_str).collect();
    ids.join(", ")
}

/// Delivers the state of a source of mappings and each change of it.
pub trait MappingSource: Send {
    /// Waits for the next observation. Never ends: connections are retried
    /// inside, and [`Observation::Unreachable`] says so.
    fn observe(&mut self) -> BoxFuture<'_, Observation>;
}

/// What a source of mappings shows at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    /// The object is there, with these data keys.
    Present {
        /// The keys of `data`.
        data: BTreeMap<String, String>,
        /// The version Kubernetes gave it.
        resource_version: String,
    },
    /// The object is not there.
    Absent,
    /// The source can't be read at the moment.
    Unreachable(String),
}

/// The status ConfigMap: what the replicas of the server tell, each by a key of its own.
pub trait StatusStore: Send + Sync {
    /// Its keys; none if it does not exist.
    fn read(&self) -> BoxFuture<'_, Result<BTreeMap<String, String>, StoreFailure>>;

    /// Gives these keys their new texts, or removes them; others stay as they are. What
    /// does not exist is created.
    fn write<'a>(&'a self, touched: &'a BTreeMap<String, Option<String>>) -> BoxFuture<'a, Result<(), StoreFailure>>;
}

/// Why something could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreFailure {
    /// Nobody answers, or not now.
    #[error("{0}")]
    Away(String),
    /// It is refused.
    #[error("{0}")]
    Refused(String),
}
