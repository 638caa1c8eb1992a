//! Every bound on input in one table. Each has a test at the limit and one past it.

use jiff::SignedDuration;

/// Longest token accepted, prefix included, in bytes. The Go authenticator's limit.
pub const TOKEN_BYTES: usize = 4096;

/// Longest TokenReview body accepted, in bytes. A token of [`TOKEN_BYTES`] and
/// kube-apiserver's envelope stay below 8 KiB; the rest is room for audiences.
pub const REVIEW_BYTES: usize = 64 * 1024;

/// Most audiences that a review may ask about; kube-apiserver asks about its own, of
/// which it has one or two.
pub const REVIEW_AUDIENCES: usize = 64;

/// Longest STS reply read, in bytes. A real reply stays below 1 KiB.
pub const STS_REPLY_BYTES: usize = 64 * 1024;

/// Longest cluster ID, in bytes. EKS allows 100 characters for a cluster name.
pub const CLUSTER_ID_BYTES: usize = 256;

/// Longest ARN read, in bytes. IAM allows 2048 characters.
pub const ARN_BYTES: usize = 2048;

/// Most bytes of one YAML text: what Kubernetes accepts in a ConfigMap in all.
pub const YAML_BYTES: usize = 1024 * 1024;

/// Most values compared when two YAML trees are held against each other, aliases
/// expanded: ten times what a text can hold without them.
pub const YAML_COMPARISONS: usize = 1_000_000;

/// Most groups that all rows of one section have together. Without aliases a
/// section can't hold more; with them a list counts for each row that names it.
pub const SECTION_GROUPS: usize = 100_000;

/// Most keys of a row that are held against each other to find repeated ones; five are known.
pub const ROW_KEYS: usize = 16;

/// Most bytes that usernames, groups and user IDs of one section have
/// together. Without aliases it can't hold more than the longest file has.
pub const SECTION_TEXT_BYTES: usize = MANIFEST_BYTES;

/// Most that the values and texts of a file of wanted mappings may take, aliases expanded:
/// four times what the longest text can hold without them.
pub const DESIRED_ROOM: usize = MANIFEST_BYTES;

/// Longest file that holds a ConfigMap, in bytes: a full one, indented or escaped,
/// and other objects beside it.
pub const MANIFEST_BYTES: usize = 4 * 1024 * 1024;

/// Most bytes that all data of a ConfigMap may have; kube-apiserver answers 422
/// to more (`MaxSecretSize` in Kubernetes' API).
pub const CONFIG_MAP_BYTES: usize = 1024 * 1024;

/// Deepest nesting of a YAML text, what aliases stand for included. Mappings need four levels.
pub const YAML_DEPTH: usize = 32;

/// Most nodes of a YAML text, aliases not expanded: 10,000 mappings, and some 15 MB.
pub const YAML_NODES: usize = 100_000;

/// Most characters of a YAML text that separate or mark values (`,`, `[`, `: `, `- ` and their
/// kind), wherever they stand, where the general parser has to read it: each takes it up to 2 µs,
/// and up to four tokens of 100 bytes, since it looks ahead to the end of a list or map in brackets.
/// An ordinary row has 6, so this is 6,500 rows. Lists in the usual form and JSON are read by
/// readers of our own and have only [`YAML_NODES`].
pub const YAML_SEPARATORS: usize = 40_000;

/// The same for a file that holds aws-auth as a text: that text is looked at, too.
pub const MANIFEST_SEPARATORS: usize = 240_000;

/// Most keys that merge keys (`<<`) may bring into one mapping: each is compared with those that
/// are there, for every row that merges.
pub const YAML_MERGED_KEYS: usize = 32;

/// Most keys of one map in a configuration file. We know some 50; each is compared with the others.
pub const CONFIG_KEYS: usize = 256;

/// Longest configuration file read, in bytes: as any YAML text, in whatever format it is.
pub const CONFIG_BYTES: usize = YAML_BYTES;

/// How long after its date a presigned request is honoured, in seconds. STS
/// accepts GetCallerIdentity for 15 minutes whatever `X-Amz-Expires` says.
pub const TOKEN_AGE_SECONDS: i64 = 15 * 60;

/// How far ahead of our clock the date of a token may lie, in seconds. SigV4
/// allows five minutes of clock skew.
pub const TOKEN_SKEW_SECONDS: i64 = 5 * 60;

/// Largest `X-Amz-Expires` accepted, in seconds.
pub const TOKEN_EXPIRES_SECONDS: u16 = 900;

/// Longest excerpt of somebody else's text in a message of ours, in characters.
pub const EXCERPT_CHARS: usize = 120;

/// Longest record of owners, in bytes: 10,000 rows. All annotations of an object
/// may have 256 KiB (`TotalAnnotationSizeLimitB` in Kubernetes' API machinery);
/// the rest is for others.
pub const OWNERS_BYTES: usize = 192 * 1024;

/// Most owners in one record.
pub const OWNERS: usize = 64;

/// Longest name of an owner, in bytes: as a label's value in Kubernetes.
pub const OWNER_NAME_BYTES: usize = 63;

/// Most findings of one check that are kept and reported.
pub const FINDINGS: usize = 1000;

/// Most instances named in one `DescribeInstances` call. EC2 advises against more
/// than 1,000; one answer of 100 stays well below a mebibyte.
pub const INSTANCES_PER_CALL: usize = 100;

/// Longest RBAC object that is read, in bytes: as large as etcd takes one
/// (`--max-request-bytes`, 1.5 MiB), some characters escaped.
pub const RBAC_OBJECT_BYTES: usize = 3 * 1024 * 1024;

/// Most texts that the rules or subjects of one list of RBAC objects have together, each time
/// they are used; a rule counts five more. 5,000 roles of twenty rules with thirty-five texts each
/// have as many, and take some 80 MB.
pub const RBAC_LIST_TEXTS: usize = 4_000_000;

/// Most nodes whose last login a server remembers: nearly as many as Kubernetes is made
/// for (5,000), and as many as fit into [`STATUS_RECORD_BYTES`] by their usual names.
pub const NODE_LOGINS: usize = 4_000;

/// How long a login is remembered. A node logs in every few minutes; one that has not
/// for a week is gone, or nobody waits for it.
pub const NODE_LOGIN_KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Most instances whose failed tries are remembered. Whoever repairs one repairs those
/// of its role.
pub const FAILED_TRIES: usize = 100;

/// How long a failed try is remembered. A kubelet that is turned away tries again within
/// a minute: one that has not for an hour does not run any more.
pub const FAILED_TRY_KEPT: SignedDuration = SignedDuration::from_hours(1);

/// Longest name of a node, in bytes: of a DNS subdomain (RFC 1123, Kubernetes' names).
pub const NODE_NAME_BYTES: usize = 253;

/// Longest reason code read, in bytes. Ours stay below 32.
pub const REASON_BYTES: usize = 64;

/// Longest record of one replica in the status ConfigMap, in bytes: [`NODE_LOGINS`] by
/// usual names are some 230 KiB. Four such records fill a ConfigMap, and what does not
/// fit is left out, the oldest first.
pub const STATUS_RECORD_BYTES: usize = 256 * 1024;

/// How long a replica may be silent until its record does not count any more, and is
/// removed: twelve times as long as it may go without writing.
pub const REPLICA_SILENCE: SignedDuration = SignedDuration::from_hours(1);

/// Longest name of a replica, in bytes: of a key in a ConfigMap (Kubernetes API,
/// `ConfigMap.data`).
pub const REPLICA_NAME_BYTES: usize = 253;
