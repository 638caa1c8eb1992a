//! The two tables: what each crate may name in its manifest, and what must be
//! nowhere below it.

/// A dependency, the crates of ours that may name it, and what for. Whatever is
/// not here is forbidden, and a permission that nobody uses is removed.
pub(super) const ALLOWED: &[(&str, &[&str], &str)] = &[
    // Our own crates: the frontiers themselves.
    ("kube-iam-core", &["aws", "cluster", "server", "cli", "dev"], "the decisions, and the ports to implement or call"),
    ("kube-iam-aws", &["cli", "dev"], "cli puts the parts together; dev signs tokens for the load"),
    ("kube-iam-cluster", &["cli"], "cli puts the parts together"),
    ("kube-iam-server", &["cli"], "cli puts the parts together"),
    ("kube-iam-standin", &["cli", "dev"], "the quickstart, and what the load is measured against"),
    ("kube-iam-control-plane", &["cli"], "the quickstart"),
    // Values and texts; none of these does I/O by itself.
    (
        "base64",
        &["core", "aws", "server", "standin", "control-plane"],
        "tokens, certificates in kubeconfigs and clusters",
    ),
    ("compact_str", &["core"], "the texts of a document are many and short: no allocation for each"),
    ("foldhash", &["core"], "a hasher with a fixed seed: no_std has none, and answers must not vary"),
    ("hashbrown", &["core"], "hash maps without std"),
    ("hmac", &["standin"], "SigV4, written anew so that it proves something about the signer"),
    ("jiff", &["core", "aws", "server", "standin", "cli", "dev"], "time; in core without a clock"),
    ("quick-xml", &["aws"], "what EC2, IAM and CloudFormation answer is XML"),
    ("saphyr-parser", &["core"], "YAML events with positions"),
    ("serde", &["core", "aws", "cli"], "JSON in and out"),
    (
        "serde-saphyr",
        &["aws", "cli"],
        "the credential cache of the Go authenticator is YAML; no positions needed there",
    ),
    ("serde_json", &["core", "aws", "cluster", "server", "standin", "control-plane", "cli", "dev"], "JSON in and out"),
    ("sha2", &["core", "aws", "standin", "control-plane"], "fingerprints of tokens, SigV4, cache names"),
    ("strsim", &["core"], "the nearest known key"),
    ("thiserror", &["core", "aws", "cluster", "server", "standin", "control-plane"], "error enums"),
    ("toml_edit", &["core"], "configuration in TOML, with positions"),
    // Network, processes, files.
    ("futures", &["cluster"], "kube's watches are streams"),
    ("http", &["aws", "cluster", "server", "cli", "dev"], "requests as values"),
    ("http-body-util", &["aws", "cluster", "server", "standin", "cli", "dev"], "bounded bodies"),
    ("hyper", &["aws", "cluster", "server", "standin", "cli", "dev"], "HTTP"),
    ("hyper-rustls", &["aws", "cli", "dev"], "HTTPS as a client"),
    ("hyper-util", &["aws", "cluster", "server", "standin", "cli", "dev"], "HTTP on tokio"),
    ("rcgen", &["server", "standin", "control-plane"], "certificates"),
    (
        "rustix",
        &["aws", "server", "cli"],
        "opens files of ours without following a symlink, knows who we are and how high the terminal is",
    ),
    ("rustls", &["aws", "cluster", "server", "standin", "control-plane", "cli", "dev"], "TLS"),
    ("rustls-native-certs", &["aws"], "the roots of the host"),
    ("rustls-pki-types", &["aws", "server"], "PEM"),
    ("tempfile", &["control-plane", "cli", "dev"], "directories that go away"),
    ("tokio", &["aws", "cluster", "server", "standin", "control-plane", "cli", "dev"], "sockets, timers, processes"),
    ("tokio-rustls", &["server", "standin", "control-plane", "dev"], "TLS on tokio"),
    ("tower", &["cluster"], "kube's clients are services"),
    ("tower-service", &["aws", "cluster"], "hyper's connectors are services"),
    ("tracing", &["aws", "cluster", "server", "standin", "control-plane", "cli"], "the log"),
    // AWS: what aws-config brings, and no further SDK.
    ("aws-config", &["aws"], "the credential chain"),
    ("aws-credential-types", &["aws"], "its credentials"),
    ("aws-runtime", &["aws"], "its profiles"),
    ("aws-sdk-sts", &["aws"], "AssumeRole"),
    ("aws-sigv4", &["aws"], "presigning"),
    ("aws-smithy-runtime-api", &["aws"], "the HTTP client that the chain is given"),
    ("aws-smithy-types", &["aws"], "its errors and bodies"),
    ("aws-types", &["aws"], "its regions"),
    // Kubernetes.
    ("k8s-openapi", &["cluster"], "ConfigMap"),
    ("kube", &["cluster"], "client and watch"),
    // The server.
    ("arc-swap", &["server"], "exchanges snapshots under running logins"),
    ("notify", &["server"], "sees files change"),
    ("prometheus-client", &["server"], "metrics"),
    // The command line, and only it.
    ("anstream", &["cli"], "colour where the terminal has it"),
    ("anstyle", &["cli"], "colour"),
    ("anyhow", &["cli", "dev"], "errors that are only printed"),
    ("clap", &["cli"], "the command line"),
    ("clap_complete", &["cli"], "completion for shells"),
    ("clap_mangen", &["cli"], "man pages"),
    ("diffy", &["cli"], "merges an edit with what others wrote meanwhile"),
    ("similar", &["cli"], "unified diffs"),
    ("comfy-table", &["cli"], "tables"),
    ("rpassword", &["cli"], "asks for an MFA code"),
    ("tracing-appender", &["cli"], "writes the log beside the logins"),
    ("tracing-subscriber", &["cli"], "writes the log"),
];

const AWS: &str = "aws-*";
const KUBE: &[&str] = &["kube", "kube-client", "kube-core", "kube-runtime", "k8s-openapi"];
const CLAP: &str = "clap*";

/// Crates of ours, and what must be nowhere below them; `*` at the end stands
/// for any rest.
pub(super) const NEVER: &[(&[&str], &[&str])] = &[
    // One TLS provider, ring, that builds without further tools.
    (super::ALL, &["aws-lc*", "openssl", "openssl-sys", "native-tls"]),
    (super::ALL, &["kube-iam-dev"]),
    // No I/O, no clock, no randomness.
    (&["core"], &["tokio*", "mio", "socket2", "http*", "hyper*", "rustls*", "ring", "getrandom", "rand*", "tracing*"]),
    (&["core", "cluster", "server", "standin", "control-plane"], &[AWS]),
    (&["core", "aws", "server", "standin", "control-plane", "dev"], KUBE),
    (&["core", "aws", "cluster", "server", "standin", "control-plane", "dev"], &[CLAP]),
];

/// The SDKs that aws-config brings; each further one costs minutes of building.
pub(super) const SDKS: &[&str] = &["aws-sdk-signin", "aws-sdk-sso", "aws-sdk-ssooidc", "aws-sdk-sts"];
