//! Every bound of the webhook process. Sizes of tokens, reviews and replies are
//! `kube_iam_core::limits`.

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
            drain: DRAIN,
            connections: CONNECTIONS,
            body_bytes: BODY_BYTES,
            sts_in_flight: STS_IN_FLIGHT,
            waiting: WAITING,
        }
    }
}

/// Most reviews that wait for STS at once, those of one token counted each: what each
/// holds is a few KiB. Identities that are known wait for nobody.
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

/// How much of a body that is too long is read and thrown away on HTTP/2, in
/// bytes, so that its sender sees the answer.
pub const DISCARDED_BYTES: usize = 16 * 1024 * 1024;

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
