//! Bounds of everything this crate waits for or reads.

use std::time::Duration;

/// TCP connect to an AWS endpoint or a proxy. AWS answers a handshake in well under a second from anywhere; what takes longer is a
/// black hole, and the caller has an overall limit to keep.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// One verification at STS, connection set-up included. Below kube-apiserver's webhook limit of 30 s, so that it gets an answer
/// it can act on.
pub const STS_TIMEOUT: Duration = Duration::from_secs(5);

/// Body of an STS reply, in bytes. A real one has under 1 KiB; an error with a long message stays far below this.
pub const STS_REPLY_BYTES: usize = 64 * 1024;

/// Idle connections kept to STS. Go's transport keeps two; a node storm sends dozens of reviews at once.
pub const STS_IDLE_CONNECTIONS: usize = 64;

/// How long an idle connection is kept. STS closes idle connections after 20 s or more; keeping ours shorter makes a
/// reused connection that turns out closed rare.
pub const IDLE_CONNECTION: Duration = Duration::from_secs(15);

/// One call made through an SDK client (AssumeRole, SSO, …) when the SDK itself sets no limit.
pub const SDK_CALL_TIMEOUT: Duration = Duration::from_secs(15);

/// Body of a reply to an SDK client, in bytes: the largest one expected is a few KiB of credentials.
pub const SDK_REPLY_BYTES: usize = 1024 * 1024;

/// One attempt at `DescribeCluster`, connection set-up included: as long as the SDK's calls may take.
pub const EKS_TIMEOUT: Duration = SDK_CALL_TIMEOUT;

/// Attempts at `DescribeCluster`: as many as the AWS SDKs make in their standard retry mode …
pub const EKS_ATTEMPTS: u32 = 3;

/// … which wait up to this long before the second one, and up to twice as long before each further one.
pub const EKS_BACKOFF: Duration = Duration::from_secs(1);

/// Body of a reply of EKS, in bytes. A cluster takes about 3 KiB; 50 tags of full length add some 60 KiB.
pub const EKS_REPLY_BYTES: usize = 256 * 1024;

/// Instance metadata answers in milliseconds; off EC2 nobody answers. One attempt of this length decides about the region.
pub const METADATA_REGION_TIMEOUT: Duration = Duration::from_millis(250);

/// Instance metadata for credentials: the Go SDK gives up after one second as well.
pub const METADATA_TIMEOUT: Duration = Duration::from_secs(1);

/// A `credential_process` may ask a person something (a hardware key, a browser), so it gets a minute.
pub const CREDENTIAL_PROCESS_TIMEOUT: Duration = Duration::from_secs(60);

/// Output of a `credential_process` and size of a web identity token file, in bytes: far above the largest real one.
pub const CREDENTIAL_TEXT_BYTES: u64 = 64 * 1024;

/// Profiles visited along `source_profile`: nobody chains more, and each costs an AssumeRole call.
pub const SOURCE_PROFILES: usize = 16;

/// The credential cache file, in bytes: about a thousand entries.
pub const CACHE_FILE_BYTES: u64 = 1024 * 1024;

/// How often the lock of the cache file is tried, as in aws-iam-authenticator …
pub const CACHE_LOCK_INTERVAL: Duration = Duration::from_millis(250);

/// … and how many times: one second in all.
pub const CACHE_LOCK_ATTEMPTS: u32 = 5;
