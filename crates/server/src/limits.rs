//! Every bound of the webhook process. Sizes of tokens, reviews and replies are
//! `kube_iam_core::limits`.

use std::num::NonZeroU32;
use std::time::Duration;

/// Bounds that a configuration may change; [`Limits::default`] gives the
/// constants of this module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// See [`TLS_HANDSHAKE`].
    pub tls_handshake: Duration,
    /// See [`FIRST_REQUEST`].
    pub first_request: Duration,
    /// See [`IDLE`].
    pub idle: Duration,
    /// See [`BODY`].
    pub body: Duration,
    /// See [`REQUEST`].
    pub request: Duration,
    /// See [`STS_CALL`].
    pub sts_call: Duration,
    /// See [`NODE_LOOK_UP`].
    pub node_look_up: Duration,
    /// See [`EC2_CALL`].
    pub ec2_call: Duration,
    /// See [`DRAIN`].
    pub drain: Duration,
    /// See [`CONNECTIONS`].
    pub connections: usize,
    /// See [`BODY_BYTES`].
    pub body_bytes: usize,
    /// See [`STS_IN_FLIGHT`].
    pub sts_in_flight: usize,
    /// See [`WAITING`].
    pub waiting: usize,
    /// See [`NODES`].
    pub nodes: usize,
    /// See [`STATUS_PAUSE`].
    pub status_pause: Duration,
    /// See [`STATUS_REFRESH`].
    pub status_refresh: Duration,
    /// See [`STATUS_FAREWELL`].
    pub status_farewell: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            tls_handshake: TLS_HANDSHAKE,
            first_request: FIRST_REQUEST,
            idle: IDLE,
            body: BODY,
            request: REQUEST,
            sts_call: STS_CALL,
            node_look_up: NODE_LOOK_UP,
            ec2_call: EC2_CALL,
            drain: DRAIN,
            connections: CONNECTIONS,
            body_bytes: BODY_BYTES,
            sts_in_flight: STS_IN_FLIGHT,
            waiting: WAITING,
            nodes: NODES,
            status_pause: STATUS_PAUSE,
            status_refresh: STATUS_REFRESH,
            status_farewell: STATUS_FAREWELL,
        }
    }
}

/// Most reviews that wait for STS at once, those of one token counted each: what each
/// holds is a few KiB. Identities that are known wait for nobody. As many may wait for
/// EC2, and as many instances may be looked up.
pub const WAITING: usize = 2048;

/// Longest TLS handshake. On loopback it takes milliseconds.
pub const TLS_HANDSHAKE: Duration = Duration::from_secs(5);

/// How long a new connection may take until the head of its first request is
/// complete: the bound on headers that trickle.
pub const FIRST_REQUEST: Duration = Duration::from_secs(10);

/// How long a connection may stay without a request. Go's HTTP client, and so
/// kube-apiserver, lets go of an idle connection after 90 s: being later than
/// that, we never close one that it is about to use.
pub const IDLE: Duration = Duration::from_secs(120);

/// How long the body of a review may take to arrive.
pub const BODY: Duration = Duration::from_secs(5);

/// How long a review may take in all. kube-apiserver itself gives up after 30 s.
pub const REQUEST: Duration = Duration::from_secs(10);

/// How long a call to STS may take. STS answers in well under a second.
pub const STS_CALL: Duration = Duration::from_secs(5);

/// How long requests under way may go on once the server shuts down: a call to
/// STS and a little more.
pub const DRAIN: Duration = Duration::from_secs(8);

/// Most connections of one listener. kube-apiserver needs one, or a few, and
/// 256 of them idle take some 10 MB.
pub const CONNECTIONS: usize = 256;

/// Most bytes of bodies that are not complete yet, beyond one review for each
/// connection. A review has 1.5 KiB: thousands may arrive at the same time.
pub const BODY_BYTES: usize = 8 * 1024 * 1024;

/// How much of a body that nobody needs is read and thrown away, in bytes, so that
/// its sender sees the answer.
pub const DISCARDED_BYTES: usize = 16 * 1024 * 1024;

/// How long a connection is read on after our half of it is closed, for the same
/// reason. A peer that has nothing to send closes its half at once.
pub const LINGER: Duration = Duration::from_secs(2);

/// Most calls to STS at a time. Above it logins are refused, except for those
/// whose identity is known already.
pub const STS_IN_FLIGHT: usize = 512;

/// Most HTTP/2 streams of one connection: the least that RFC 9113 (section
/// 6.5.2) recommends. Go's client opens another connection beyond it.
pub const STREAMS: u32 = 100;

/// How much of a body may wait unread on an HTTP/2 stream, in bytes. HTTP/2's
/// own initial value (RFC 9113, section 6.9.2), and as much as a review may have.
pub const STREAM_WINDOW: u32 = 65_535;

/// How much may wait unread on an HTTP/2 connection, in bytes.
pub const CONNECTION_WINDOW: u32 = 256 * 1024;

/// Longest head of a request, in bytes. kube-apiserver's has some 300.
pub const HEAD_BYTES: usize = 16 * 1024;

/// How long a connection may take to say goodbye.
pub const GOODBYE: Duration = Duration::from_secs(2);

/// Pause after a connection could not be accepted, out of file descriptors say.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long an identity is remembered unless configured otherwise. kube-apiserver
/// remembers an answer for 2 minutes, so that less than that would never hit.
pub const IDENTITY_TTL: Duration = Duration::from_secs(5 * 60);

/// How many identities are remembered unless configured otherwise: some 4 MB.
pub const IDENTITIES: usize = 4096;

/// How long the look-up of an instance may take, with everything that is tried again.
/// With a call to STS before it, a review still has its time.
pub const NODE_LOOK_UP: Duration = Duration::from_secs(7);

/// How long a call to EC2 or IAM may take. They answer in some tenths of a second.
pub const EC2_CALL: Duration = Duration::from_secs(3);

/// Most calls to EC2 at a time: one that hangs must not hold up the others.
pub const EC2_CALLS: usize = 4;

/// Least time between two calls to EC2 that are not full. Who comes in the meantime
/// shares the next one: 1,000 nodes within ten seconds are some 40 calls.
pub const EC2_SPACING: Duration = Duration::from_millis(250);

/// How often EC2 may be called unless configured otherwise, per second: the Go
/// authenticator's number. EC2 itself gives an account a bucket of 100 calls to
/// `DescribeInstances`, refilled by 20 a second (EC2 API reference, request throttling).
pub const EC2_QPS: NonZeroU32 = NonZeroU32::new(15).unwrap();

/// How many calls to EC2 may come at once unless configured otherwise: the Go
/// authenticator's number.
pub const EC2_BURST: NonZeroU32 = NonZeroU32::new(5).unwrap();

/// First pause after a failed call to AWS, or after EC2 did not know an instance; each
/// further one is twice as long.
pub const EC2_PAUSE: Duration = Duration::from_millis(500);

/// Longest pause after failed calls.
pub const EC2_PAUSE_MOST: Duration = Duration::from_secs(4);

/// How often an instance that EC2 does not know, or has no name for, is asked about
/// again: for three seconds and a half. EC2's answers are eventually consistent; the
/// kubelet itself tries again later.
pub const EC2_MISSES: u32 = 3;

/// How many instances are remembered: some 4 MB. Kubernetes is made for 5,000 nodes.
pub const NODES: usize = 10_000;

/// Names of instances change only while they are stopped, and IDs are never given
/// twice: after an hour EC2 is asked again, but an outage of EC2 keeps no node out for
/// a day.
pub const NODE_FRESH: Duration = Duration::from_secs(60 * 60);

/// See [`NODE_FRESH`].
pub const NODE_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Where instances are verified, one that was ended must not count for long. A node
/// logs in every two minutes, so that its answer is asked for again in time.
pub const VERIFIED_NODE_FRESH: Duration = Duration::from_secs(5 * 60);

/// See [`VERIFIED_NODE_FRESH`].
pub const VERIFIED_NODE_KEPT: Duration = Duration::from_secs(15 * 60);

/// How many instance profiles are remembered with their roles. A cluster has a few.
pub const PROFILES: usize = 256;

/// Most calls to IAM at a time, each about another profile.
pub const PROFILES_IN_FLIGHT: usize = 16;

/// How often a call to IAM is made before its failure counts.
pub const IAM_ATTEMPTS: u32 = 3;

/// How old an answer of AWS may be at which somebody is turned away, so that what was
/// mended counts soon; and how often one instance can be asked about anew for that.
pub const JUST_NOW: Duration = Duration::from_secs(20);

/// How often files are compared, whatever the file system tells of changes.
pub const FILE_POLL: Duration = Duration::from_secs(30);

/// How long a file must be left alone before it is read: editors and kubelets
/// change directories in several steps.
pub const FILE_SETTLE: Duration = Duration::from_millis(150);

/// How long files that keep changing can put off being read.
pub const FILE_SETTLE_MOST: Duration = Duration::from_secs(1);

/// How often the deadlines of aws-auth are compared with the clock. It is the
/// wall clock, which may be set, and stands still in no suspended machine.
pub const DEADLINE_CHECK: Duration = Duration::from_secs(1);

/// Longest text of somebody else in a field of a log line, in characters.
pub const LOG_TEXT_CHARS: usize = 512;

/// Longest certificate or key file, in bytes.
pub const PEM_BYTES: usize = 256 * 1024;

/// Longest saved state read, in bytes: an aws-auth of a megabyte, and JSON's escapes.
pub const STATE_BYTES: usize = 8 * 1024 * 1024;

/// Least time between two writes of the status ConfigMap, also after one that failed.
pub const STATUS_PAUSE: Duration = Duration::from_secs(30);

/// Longest time between two writes of it. That a known node has logged in again is no
/// news, and would else be written every half a minute, by each replica, for ever.
pub const STATUS_REFRESH: Duration = Duration::from_secs(5 * 60);

/// How long news is gathered before it is written: nodes come in groups.
pub const STATUS_SETTLE: Duration = Duration::from_secs(1);

/// How long the last write at the shutdown may take, and one that is under way then:
/// together less than [`DRAIN`].
pub const STATUS_FAREWELL: Duration = Duration::from_secs(3);
