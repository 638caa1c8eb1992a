//! Bounds of everything this crate waits for or reads.

use std::time::Duration;

use jiff::SignedDuration;

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

/// One attempt at a call that is signed here, connection set-up included: as long as the SDK's calls may take.
pub const CALL_TIMEOUT: Duration = SDK_CALL_TIMEOUT;

/// Attempts at such a call for a command: as many as the AWS SDKs make in their standard retry mode …
pub const CALL_ATTEMPTS: u32 = 3;

/// … which wait up to this long before the second one, and up to twice as long before each further one.
pub const CALL_BACKOFF: Duration = Duration::from_secs(1);

/// Body of a reply of EKS, in bytes. A cluster takes about 3 KiB; 50 tags of full length add some 60 KiB.
pub const EKS_REPLY_BYTES: usize = 256 * 1024;

/// Body of a reply of EC2, in bytes. An instance takes some 8 KiB, and with many interfaces and tags some 30 KiB; there are up to
/// [`kube_iam_core::limits::INSTANCES_PER_CALL`] of them.
pub const EC2_REPLY_BYTES: usize = 4 * 1024 * 1024;

/// Body of a reply of IAM, in bytes. The trust policy of a role has up to 4 KiB, thrice that when encoded; 50 tags add 20 KiB.
pub const IAM_REPLY_BYTES: usize = 256 * 1024;

/// Body of a page of CloudFormation's stacks, in bytes: it cuts pages at a mebibyte ("DescribeStacks" in its API reference).
pub const STACKS_REPLY_BYTES: usize = 4 * 1024 * 1024;

/// Characters of a service's message that are repeated. EC2 may encode the whole reason of a denial, in several KiB.
pub const REFUSAL_CHARS: usize = 1024;

/// Pages read of one list: 10,000 stacks or node groups, of which an account may have 2,000 and a cluster 30 at first.
pub const PAGES: usize = 100;

/// Bytes of the mark that names the next page. EC2's have some 100; what is longer than this is none.
pub const PAGE_MARK_BYTES: usize = 8 * 1024;

/// XML elements of one answer: 100 instances have some 30,000.
pub const XML_ELEMENTS: usize = 100_000;

/// XML elements within each other: those of EC2's instances are about ten deep.
pub const XML_DEPTH: usize = 32;

/// One call of a server to EC2 or IAM, connection set-up included. A login waits for it, and kube-apiserver for the login.
pub const NODE_CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// Finding credentials for such a call, an assumed role included.
pub const NODE_CREDENTIALS_TIMEOUT: Duration = SDK_CALL_TIMEOUT;

/// A server's credentials are replaced when they end sooner than this: as the AWS SDKs do with those of instances.
pub const CREDENTIALS_REFRESH: SignedDuration = SignedDuration::from_mins(5);

/// How long a server does not look for credentials again: where it found none, calls fail at once meanwhile.
pub const CREDENTIALS_PAUSE: SignedDuration = SignedDuration::from_secs(2);

/// A server's session of an assumed role, in seconds: an hour, the longest that every role allows and what the Go authenticator asks
/// for.
pub const NODE_ROLE_SESSION_SECONDS: i32 = 3600;

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
