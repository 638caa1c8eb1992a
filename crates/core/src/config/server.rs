//! The part of the file that concerns the server.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use core::num::NonZeroU32;
use core::str::FromStr;

use jiff::SignedDuration;

use super::reader::Reader;
use super::{Problem, examples, mapping_sections};
use crate::arn::{Arn, PrincipalKind};
use crate::aws_auth::{Rows, Typing};
use crate::decision::DenialStatus;
use crate::ids::AccountId;
use crate::last_good::OnBadConfig;
use crate::limits;
use crate::mapping::{Backend, ReservedPrefixes, RolePaths};
use crate::nodes::ReplicaName;
use crate::partition::Partition;
use crate::yaml::Node;

/// The map `server`. Whatever it does not say is `None` or empty.
#[derive(Debug, Clone, Default)]
pub struct ServerConfig {
    /// `partition`
    pub partition: Option<Partition>,
    /// `address`
    pub address: Option<IpAddr>,
    /// `port`
    pub port: Option<u16>,
    /// `hostname`
    pub hostname: Option<String>,
    /// `stateDir`
    pub state_dir: Option<String>,
    /// `generateKubeconfig`
    pub generate_kubeconfig: Option<String>,
    /// `kubeconfigPregenerated`
    pub kubeconfig_pregenerated: Option<bool>,
    /// `kubeconfig`
    pub kubeconfig: Option<String>,
    /// `master`
    pub master: Option<String>,
    /// `backendMode`, deprecated spellings translated
    pub backend_mode: Option<Vec<Backend>>,
    /// `mapRoles`, `mapUsers` and `mapAccounts`
    pub mappings: Vec<Rows>,
    /// `scrubbedAccounts`
    pub scrubbed_accounts: Vec<AccountId>,
    /// `reservedPrefixConfig`
    pub reserved_prefixes: Vec<ReservedPrefixes>,
    /// `ec2DescribeInstancesQps`
    pub ec2_qps: Option<CallRate>,
    /// `ec2DescribeInstancesBurst`
    pub ec2_burst: Option<CallRate>,
    /// `ec2DescribeInstancesRoleARN`
    pub ec2_role: Option<RoleArn>,
    /// `sourceARN`
    pub source_arn: Option<SourceArn>,
    /// `verifyNodeInstance`: ours
    pub verify_node_instance: Option<bool>,
    /// `publishStatus`: ours
    pub publish_status: Option<bool>,
    /// `replicaName`: ours
    pub replica_name: Option<ReplicaName>,
    /// `breakGlassFile`: ours
    pub break_glass_file: Option<String>,
    /// `healthAddress`: ours
    pub health_address: Option<SocketAddr>,
    /// `denialStatus`: ours
    pub denial_status: Option<DenialStatus>,
    /// `identityCacheTTL`: ours
    pub identity_cache_ttl: Option<SignedDuration>,
    /// `deletionGrace`: ours
    pub deletion_grace: Option<SignedDuration>,
    /// `onBadConfig`: ours
    pub on_bad_config: Option<OnBadConfig>,
    /// `rolePaths`: ours
    pub role_paths: Option<RolePaths>,
    /// `apiAudiences`: ours
    pub api_audiences: Option<Vec<String>>,
}

/// Hint for keys of backends that are not built yet.
const LATER: &str = "remove it, or stay with aws-iam-authenticator until kube-iam has it";

pub(super) fn read(node: &Node, problems: &mut Vec<Problem>, warnings: &mut Vec<Problem>) -> ServerConfig {
    let Some(mut reader) = Reader::new(node, "server.", problems, warnings) else { return ServerConfig::default() };
    for key in ["dynamicfilepath", "dynamicfileUserIDStrict", "dynamicBackendModePath"] {
        reader.unsupported(key, LATER);
    }
    let config = ServerConfig {
        partition: reader.parsed("partition"),
        address: reader.parsed_as("address", "an IP address; names are not looked up"),
        port: reader.parsed_as("port", "a port number, 0 to 65535"),
        hostname: reader.text("hostname"),
        state_dir: reader.text("stateDir"),
        generate_kubeconfig: reader.text("generateKubeconfig"),
        kubeconfig_pregenerated: reader.boolean("kubeconfigPregenerated"),
        kubeconfig: reader.text("kubeconfig"),
        master: reader.text("master"),
        backend_mode: backend_mode(&mut reader),
        mappings: mapping_sections(&mut reader, Typing::Loose),
        scrubbed_accounts: reader.list("scrubbedAccounts").unwrap_or_default(),
        reserved_prefixes: Vec::new(),
        ec2_qps: reader.parsed("ec2DescribeInstancesQps"),
        ec2_burst: reader.parsed("ec2DescribeInstancesBurst"),
        ec2_role: reader.parsed_if_set("ec2DescribeInstancesRoleARN"),
        source_arn: reader.parsed_if_set("sourceARN"),
        verify_node_instance: reader.boolean("verifyNodeInstance"),
        publish_status: reader.boolean("publishStatus"),
        replica_name: reader.parsed("replicaName"),
        break_glass_file: reader.text("breakGlassFile"),
        health_address: reader.parsed_as("healthAddress", "an IP address and a port; names are not looked up"),
        denial_status: reader.parsed("denialStatus"),
        identity_cache_ttl: reader.duration("identityCacheTTL"),
        deletion_grace: reader.duration("deletionGrace"),
        on_bad_config: reader.parsed("onBadConfig"),
        role_paths: reader.parsed("rolePaths"),
        api_audiences: reader.list("apiAudiences"),
    };
    let reserved = reader.node("reservedPrefixConfig").filter(|node| !node.is_null());
    reader.finish();
    let reserved_prefixes = reserved.map(|node| reserved_prefixes(node, problems, warnings)).unwrap_or_default();
    ServerConfig { reserved_prefixes, ..config }
}

/// The chain of backends: at least one, none twice.
fn backend_mode(reader: &mut Reader<'_, '_>) -> Option<Vec<Backend>> {
    let mark = reader.node("backendMode")?.mark;
    let names = reader.texts("backendMode")?;
    for (mark, name) in &names {
        let mark = *mark;
        if let Some(current) = deprecated(name) {
            let text = alloc::format!("backend mode `{name}` is a deprecated name");
            reader.warning(mark, text, Some(alloc::format!("write `{current}`")));
        }
    }
    let modes = reader.list::<Backend>("backendMode")?;
    if modes.len() < names.len() {
        return None;
    }
    match check_chain(&modes) {
        Ok(()) => Some(modes),
        Err(error) => {
            reader.wrong_value("backendMode", mark, alloc::format!("`server.backendMode`: {error}"));
            None
        }
    }
}

/// The current name of a backend that was written under its old one.
pub fn deprecated(name: &str) -> Option<&'static str> {
    match name {
        "File" => Some("MountedFile"),
        "ConfigMap" => Some("EKSConfigMap"),
        _ => None,
    }
}

/// Why a chain of backends can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// No backend at all.
    #[error("at least one backend mode is needed")]
    Empty,
    /// One backend twice.
    #[error("backend mode `{0}` is listed twice")]
    Twice(Backend),
}

/// Checks a chain of backends.
pub fn check_chain(modes: &[Backend]) -> Result<(), ChainError> {
    if modes.is_empty() {
        return Err(ChainError::Empty);
    }
    let mut seen = modes.iter().enumerate();
    match seen.find(|(index, mode)| modes.iter().take(*index).any(|earlier| earlier == *mode)) {
        Some((_, mode)) => Err(ChainError::Twice(*mode)),
        None => Ok(()),
    }
}

fn reserved_prefixes(node: &Node, problems: &mut Vec<Problem>, warnings: &mut Vec<Problem>) -> Vec<ReservedPrefixes> {
    let Some(items) = node.as_sequence() else {
        let text = alloc::format!("`server.reservedPrefixConfig` must be a list, this is {}", node.describe());
        problems.push(Problem { mark: node.mark, text, hint: examples::hint("reservedPrefixConfig") });
        return Vec::new();
    };
    let read = |item: &Node| {
        let mut reader = Reader::new(item, "server.reservedPrefixConfig.", problems, warnings)?;
        let backend = reader.parsed("backendmode");
        let prefixes = reader.list("usernamePrefixReserveList").unwrap_or_default();
        reader.finish();
        Some(ReservedPrefixes { backend: backend?, prefixes })
    };
    let mut read = read;
    items.iter().filter_map(|item| read(item)).collect()
}

/// How many calls are made, at once or per second: at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallRate(pub NonZeroU32);

impl FromStr for CallRate {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        text.parse().map(Self).map_err(|_| "it must be a whole number, at least 1")
    }
}

/// The ARN of a role that can be assumed: with its path, if it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleArn(pub Arn);

impl FromStr for RoleArn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse::<Arn>() {
            Ok(arn) if arn.kind() == PrincipalKind::Role => Ok(Self(arn)),
            Ok(_) => Err("it must be the ARN of a role".into()),
            Err(error) => Err(alloc::format!("{error}")),
        }
    }
}

/// On whose behalf a role is assumed: any ARN that names an account. Policies compare
/// it with `aws:SourceArn`, and its account with `aws:SourceAccount`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceArn {
    text: String,
    account: AccountId,
}

impl FromStr for SourceArn {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        const WRONG: &str = "it must be an ARN with an account";
        let is_header = text.len() <= limits::ARN_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic());
        let mut sections = text.splitn(6, ':');
        let begins = sections.next() == Some("arn") && is_header;
        let account = sections.nth(3).filter(|_| begins).and_then(|account| account.parse().ok());
        match (account, sections.next()) {
            (Some(account), Some(resource)) if !resource.is_empty() => Ok(Self { text: text.into(), account }),
            _ => Err(WRONG),
        }
    }
}

impl SourceArn {
    /// The ARN.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its account.
    pub fn account(&self) -> AccountId {
        self.account
    }
}

/// Reads a span of time such as `5m`, `90s` or `0`; never a negative one.
pub fn duration(text: &str) -> Option<SignedDuration> {
    let found = if text == "0" { Some(SignedDuration::ZERO) } else { text.parse().ok() };
    found.filter(|span: &SignedDuration| !span.is_negative())
}

/// A word that is none of those allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it must be one of {0}")]
pub struct UnknownWord(&'static str);

impl FromStr for DenialStatus {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text {
            "class" => Ok(Self::ByClass),
            "403" => Ok(Self::Forbidden),
            _ => Err(UnknownWord("`class`, `403`")),
        }
    }
}

impl FromStr for OnBadConfig {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text {
            "keep" => Ok(Self::Keep),
            "drop" => Ok(Self::Drop),
            _ => Err(UnknownWord("`keep`, `drop`")),
        }
    }
}

impl FromStr for RolePaths {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text {
            "match" => Ok(Self::Match),
            "go" => Ok(Self::Go),
            _ => Err(UnknownWord("`match`, `go`")),
        }
    }
}
