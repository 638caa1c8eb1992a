//! Every bound of the stand-in, with its reason.

use std::time::Duration;

/// Open connections per listener; more wait in the kernel's queue.
pub const CONNECTIONS: usize = 2048;

/// A TLS handshake that takes longer is dropped.
pub const HANDSHAKE: Duration = Duration::from_secs(10);

/// A request head must arrive within this time; an idle connection ends after it.
pub const REQUEST_HEAD: Duration = Duration::from_secs(60);

/// A request body must arrive within this time.
pub const REQUEST_BODY: Duration = Duration::from_secs(10);

/// Bytes of a request head. A session token in a presigned URL takes about 2 KiB.
pub const REQUEST_HEAD_BYTES: usize = 64 * 1024;

/// Bytes of a request body. The largest real one is `AssumeRole` with policies.
pub const REQUEST_BODY_BYTES: usize = 64 * 1024;

/// Bytes of a `CONNECT` request head.
pub const CONNECT_HEAD_BYTES: usize = 8 * 1024;

/// Name-value pairs of a query and form together. EC2 takes the IDs of up to 1,000
/// instances.
pub const PARAMETERS: usize = 1024;

/// How long [`Fault::Hang`](crate::Fault::Hang) lasts when nobody ends it.
pub const HANG: Duration = Duration::from_secs(600);

/// Keys held at once. Past it expired ones are dropped, then new ones are refused.
pub const KEYS: usize = 100_000;

/// Signing keys remembered per secret: one per day, region and service in use.
pub const SIGNING_KEYS: usize = 16;

/// Leaf certificates held at once; past it all are made anew.
pub const CERTIFICATES: usize = 1024;

/// Targets remembered that the proxy refused, the latest of them.
pub const PROXY_REFUSALS: usize = 1024;

/// Calls remembered unless [`Recording`](crate::Recording) says otherwise.
pub const CALLS: usize = 10_000;

/// Actions counted by name; AWS's own have at most as many that the stand-in knows.
pub const ACTIONS: usize = 256;

/// Things in one page of a list: what CloudFormation and EKS give at most.
pub const PAGE: usize = 100;

/// Buckets of requests held at once, one per account and region; past it all are full anew.
pub const BUCKETS: usize = 1024;

/// A request is accepted for this long after its `X-Amz-Date`, in seconds, whatever
/// `X-Amz-Expires` says: STS answers an older one with `(… - 15 min.)`.
pub const SIGNATURE_AGE: i64 = 15 * 60;

/// A request may be dated this far ahead, in seconds: STS answers a later one with
/// `(… + 15 min.)`. Many other AWS services allow 5 minutes.
pub const SIGNATURE_AHEAD: i64 = 15 * 60;

/// Instance metadata tokens held at once.
pub const METADATA_TOKENS: usize = 1024;
