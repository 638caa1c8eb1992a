//! Every bound of this crate, with its reason.

use std::time::Duration;

/// Largest answer with aws-auth, and largest event of a watch, in bytes. etcd holds at
/// most 1.5 MiB of an object (`--max-request-bytes`); JSON writes some
/// characters, such as line feeds, as two.
pub const OBJECT_BYTES: usize = 3 * 1024 * 1024;

/// Most of an error answer that is read, in bytes: only its message is of use.
pub const STATUS_BYTES: usize = 64 * 1024;

/// Longest text of an error, in characters. kube-apiserver's "is forbidden",
/// with the name of a service account, is about 200 long.
pub const ERROR_CHARS: usize = 300;

/// Longest message of kube-apiserver that an error shows, in characters. Whoever
/// writes an admission policy explains in it why and what to do.
pub const MESSAGE_CHARS: usize = 1000;

/// Most that the values of a ConfigMap may be together, in bytes: Kubernetes'
/// `MaxSecretSize`, which holds for ConfigMaps too.
pub const DATA_BYTES: usize = 1024 * 1024;

/// How long a write may take until nobody knows what became of it. Admission
/// webhooks may take 10 s each, and kube-apiserver itself gives up after 60 s.
pub const WRITE: Duration = Duration::from_secs(30);

/// How long a change of aws-auth is tried by default.
pub const EDIT: Duration = Duration::from_secs(60);

/// How long it is tried at most: whoever waits longer has forgotten it.
pub const LONGEST_EDIT: Duration = Duration::from_secs(24 * 60 * 60);

/// How much longer it may take to find out what became of the last write.
pub const LAST_LOOK: Duration = Duration::from_secs(5);

/// Longest pause after the first conflict: about as long as one writer needs from
/// reading to writing. It doubles with each further one.
pub const FIRST_PAUSE: Duration = Duration::from_millis(25);

/// Longest pause between two attempts to write. With half of it or less, fifty
/// writers at once conflict more often and need longer together; with this one the
/// slowest edit among a thousand takes a fifth of [`EDIT`].
pub const RETRY_PAUSE: Duration = Duration::from_secs(2);

/// Items of a list that are asked for at once. kubectl asks for as many.
pub const PAGE: usize = 500;

/// Longest page of a list, in bytes. A Node with all its images is 10 to 30 KiB.
pub const PAGE_BYTES: usize = 32 * 1024 * 1024;

/// Most roles or bindings of a kind that are looked at. Large clusters have some
/// thousands.
pub const RBAC_LIST: usize = 50_000;

/// Most that all pages of a list of roles or bindings may be together, in bytes. A role
/// of twenty rules is 5 KiB with what Kubernetes notes about it, a binding 1 KiB.
pub const RBAC_LIST_BYTES: usize = 256 * 1024 * 1024;

/// How long it may take to read one list of roles or bindings: a hundred pages, each of
/// which kube-apiserver answers in some tens of milliseconds.
pub const POLICY: Duration = Duration::from_secs(60);

/// How often a list is begun anew because kube-apiserver has forgotten what its pages
/// were of (410). It remembers five minutes, which is longer than a list may take.
pub const RESTARTS: usize = 3;

/// Longest document that tells which resources there are, in bytes. Kubernetes' own
/// are 100 KiB; a cluster with a thousand custom ones has some megabytes.
pub const DISCOVERY_BYTES: usize = 16 * 1024 * 1024;

/// Most nodes that are looked at. Kubernetes is made for 5,000; EKS has clusters
/// with 100,000.
pub const NODES: usize = 100_000;

/// How long all that is read about the cluster around an edit may take.
pub const FACTS: Duration = Duration::from_secs(30);

/// Most RBAC objects that are read or created at once.
pub const RBAC_OBJECTS: usize = 100;

/// How long a TCP connection may take: a SYN is repeated after 1 and 3 s.
pub const CONNECT: Duration = Duration::from_secs(5);

/// How long a list may take, or a watch until it has begun, connection and TLS
/// included. One object is read in milliseconds; an API server that is
/// overloaded may queue a request for some seconds.
pub const ANSWER: Duration = Duration::from_secs(10);

/// How long a watch may be silent. kube-apiserver sends a bookmark about once a
/// minute; without one the connection may be half-open.
pub const SILENCE: Duration = Duration::from_secs(90);

/// A watch ends after this time, and aws-auth is listed anew: nothing stale
/// outlives it, whatever the watch has missed.
pub const WATCH: Duration = Duration::from_secs(270);

/// How much longer a watch may be, at random, so that replicas don't all list at
/// the same moment. With [`WATCH`] it stays within five minutes.
pub const WATCH_JITTER: Duration = Duration::from_secs(24);

/// A watch that lasted this long was a good one: the pause after it is the
/// shortest again.
pub const STEADY: Duration = Duration::from_secs(10);

/// Shortest pause before aws-auth is listed again.
pub const PAUSE: Duration = Duration::from_millis(500);

/// Longest pause while nothing listens, or while aws-auth can be listed but
/// watches end at once. One look a second costs nobody anything; the start of an
/// API server is then noticed at once, and changes are still seen within 2 s.
pub const SHORT_PAUSE: Duration = Duration::from_millis(1500);

/// Longest pause while kube-apiserver refuses or does not answer.
pub const LONG_PAUSE: Duration = Duration::from_secs(30);

/// How long a write of the status may take. Nobody waits for it, and what it says is
/// written again.
pub const STATUS_WRITE: Duration = Duration::from_secs(10);
