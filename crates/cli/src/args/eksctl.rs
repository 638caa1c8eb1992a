//! `kube-iam get|create|delete iamidentitymapping`: eksctl's commands by their
//! own name, with eksctl's flags.

use super::go_flags::{Flag, Kind};

/// The resource that all three are about.
pub const RESOURCE: &str = "iamidentitymapping";

/// Which of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Shows mappings.
    Get,
    /// Adds mappings.
    Create,
    /// Takes mappings out.
    Delete,
}

/// A command of eksctl's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EksctlLine {
    /// What to do.
    pub verb: Verb,
    /// All arguments but verb and resource.
    pub args: Vec<String>,
}

const fn text(name: &'static str, help: &'static str) -> Flag {
    Flag { name, short: None, kind: Kind::Text, old_name_of: None, help }
}

const fn with_short(short: char, flag: Flag) -> Flag {
    Flag { short: Some(short), ..flag }
}

const fn of(kind: Kind, flag: Flag) -> Flag {
    Flag { kind, ..flag }
}

const fn old_name_of(new: &'static str, flag: Flag) -> Flag {
    Flag { old_name_of: Some(new), ..flag }
}

/// Flags of all three.
const SHARED: &[Flag] = &[
    with_short('c', text("cluster", "Name of the EKS cluster")),
    old_name_of("cluster", with_short('n', text("name", ""))),
    with_short('r', text("region", "AWS region [default: environment, profile, instance metadata]")),
    with_short('f', text("config-file", "ClusterConfig to read, or `-` for stdin")),
    of(Kind::Duration, text("timeout", "How long a write may take, conflicts included [default: 60s]")),
    with_short('p', text("profile", "AWS profile [default: `AWS_PROFILE`]")),
    text("kubeconfig", "Kubeconfig of the cluster, instead of `--cluster`"),
    text("context", "Context in the kubeconfig"),
    text("manifest", "File that holds aws-auth, instead of a cluster; `-` for stdin and stdout"),
    with_short('v', of(Kind::Int, text("verbose", "Lines of log: 0 none, 1 critical, 2 warnings, 3 all [default: 3]"))),
    with_short('C', text("color", "")),
    with_short('d', of(Kind::Bool, text("dumpLogs", ""))),
    with_short('h', of(Kind::Bool, text("help", "Print help"))),
];

const OVERRIDE: Flag =
    of(Kind::Texts, text("override", "Let a change through that this rule of the lock-out guard refuses"));

const AUTHENTICATOR: Flag = text(
    "authenticator",
    "Which authenticator reads this aws-auth: kube-iam, aws-iam-authenticator, eks or auto [default: auto]",
);

const ROLE: Flag = old_name_of("arn", text("role", ""));

const GET: &[Flag] = &[
    text("arn", "Show only mappings with exactly this ARN"),
    ROLE,
    with_short('o', text("output", "table, json or yaml [default: table]")),
    of(Kind::Int, text("chunk-size", "")),
];

const CREATE: &[Flag] = &[
    text("arn", "ARN of the role or user"),
    ROLE,
    text("username", "Username in Kubernetes"),
    of(Kind::Texts, text("group", "Group in Kubernetes; may be given again, and as a,b")),
    text("account", "Map a whole account instead"),
    text("service-name", "Map an AWS service instead: emr-containers"),
    text("namespace", "Namespace that the service gets rights in"),
    of(Kind::Bool, text("no-duplicate-arns", "Refuse an ARN that is mapped already")),
    OVERRIDE,
    AUTHENTICATOR,
];

const DELETE: &[Flag] = &[
    text("arn", "ARN of the mapping, exactly as it is written"),
    ROLE,
    of(Kind::Bool, text("all", "Delete all mappings with this ARN instead of the first")),
    text("account", "Delete an account instead"),
    OVERRIDE,
    AUTHENTICATOR,
];

/// Flags that say what to create; a ClusterConfig says it instead.
pub const MAPPING_FLAGS: [&str; 8] =
    ["account", "arn", "group", "namespace", "no-duplicate-arns", "role", "service-name", "username"];

impl Verb {
    /// The verb of this name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "get" => Some(Self::Get),
            "create" => Some(Self::Create),
            "delete" => Some(Self::Delete),
            _ => None,
        }
    }

    /// The flags of its command.
    pub fn flags(self) -> Vec<Flag> {
        let own = match self {
            Self::Get => GET,
            Self::Create => CREATE,
            Self::Delete => DELETE,
        };
        [own, SHARED].concat()
    }

    /// Its help.
    pub fn help(self) -> String {
        let (verb, what) = match self {
            Self::Get => ("get", "Shows the identity mappings of aws-auth, as eksctl shows them."),
            Self::Create => (
                "create",
                "Adds identity mappings to aws-auth, as eksctl adds them.\n\n\
                 Of mappings with the same ARN the last one counts: a second one shadows the first.",
            ),
            Self::Delete => ("delete", "Takes identity mappings out of aws-auth, as eksctl takes them out."),
        };
        let mut help = format!("{what}\n\nUsage: kube-iam {verb} {RESOURCE} [OPTIONS] [CLUSTER]\n\nOptions:\n");
        for Flag { name, short, kind, help: what, .. } in self.flags().iter().filter(|flag| !flag.help.is_empty()) {
            let short = short.map_or("    ".to_owned(), |short| format!("-{short}, "));
            let value = match kind {
                Kind::Text => " TEXT",
                Kind::Texts => " TEXTS",
                Kind::Int => " NUMBER",
                Kind::Duration => " TIME",
                Kind::Bool => "",
            };
            let flag = format!("{short}--{name}{value}");
            help.push_str(&format!("  {flag:<28}{what}\n"));
        }
        help
    }
}
