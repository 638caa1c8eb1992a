//! eksctl's configuration file, as far as identity mappings need it.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::mapping::Mapping;
use crate::yaml::{self, Entry, Mark, Node, ScalarKind, Value};

/// Keys of a ClusterConfig. What stands under those that are not about
/// identity mappings is not read.
const KEYS: &[&str] = &[
    "accessConfig",
    "addons",
    "addonsConfig",
    "apiVersion",
    "autoModeConfig",
    "availabilityZones",
    "capabilities",
    "cloudWatch",
    "controlPlaneScalingConfig",
    "fargateProfiles",
    "gitops",
    "iam",
    "iamIdentityMappings",
    "identityProviders",
    "karpenter",
    "kind",
    "kubernetesNetworkConfig",
    "localZones",
    "managedNodeGroups",
    "metadata",
    "nodeGroups",
    "outpost",
    "privateCluster",
    "remoteNetworkConfig",
    "secretsEncryption",
    "upgradePolicy",
    "vpc",
    "zonalShiftConfig",
];

/// Keys of its `metadata`.
const METADATA_KEYS: &[&str] =
    &["annotations", "forceUpdateVersion", "name", "region", "rollbackConfig", "tags", "version"];

/// Keys of an item of its `iamIdentityMappings`.
const MAPPING_KEYS: &[&str] = &["account", "arn", "groups", "namespace", "noDuplicateARNs", "serviceName", "username"];

/// A ClusterConfig.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterConfig {
    /// Name and region of the cluster, empty where they are missing; `None`
    /// without any `metadata`.
    pub metadata: Option<(String, String)>,
    /// The mappings to create.
    pub mappings: Vec<Mapping>,
}

/// Why a file is no ClusterConfig.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{mark}: {reason}")]
pub struct ConfigError {
    /// Where.
    pub mark: Mark,
    /// What is wrong.
    pub reason: String,
}

impl ClusterConfig {
    /// Reads a file. Keys must be spelt exactly, and each only once.
    ///
    /// # Errors
    ///
    /// The first key or value that eksctl would not take.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let node = yaml::parse(text).map_err(|error| refuse(error.mark, error.reason))?;
        let node = node.ok_or_else(|| refuse(Mark { line: 1, column: 1 }, "there is nothing in it"))?;
        let map = Map::of(&node, "", KEYS)?;
        for (key, wanted) in [("apiVersion", "eksctl.io/v1alpha5"), ("kind", "ClusterConfig")] {
            let text = map.text(key)?;
            if text != wanted {
                let mark = map.value(key).map_or(node.mark, |value| value.mark);
                return Err(refuse(mark, format!("`{key}` must be `{wanted}`, this is `{text}`")));
            }
        }
        let metadata = |node| {
            let metadata = Map::of(node, "metadata.", METADATA_KEYS)?;
            Ok((metadata.text("name")?, metadata.text("region")?))
        };
        Ok(Self {
            metadata: map.value("metadata").map(metadata).transpose()?,
            mappings: map.value("iamIdentityMappings").map(mappings).transpose()?.unwrap_or_default(),
        })
    }
}

fn mappings(node: &Node) -> Result<Vec<Mapping>, ConfigError> {
    let items = node.as_sequence().ok_or_else(|| wrong_type("iamIdentityMappings", "a list", node))?;
    let items = items.iter().enumerate();
    items.map(|(index, item)| mapping(item, &format!("iamIdentityMappings[{index}]."))).collect()
}

fn mapping(node: &Node, path: &str) -> Result<Mapping, ConfigError> {
    let map = Map::of(node, path, MAPPING_KEYS)?;
    Ok(Mapping {
        arn: map.text("arn")?,
        username: map.text("username")?,
        groups: map.texts("groups")?,
        account: map.text("account")?,
        service_name: map.text("serviceName")?,
        namespace: map.text("namespace")?,
        no_duplicate_arns: map.bool("noDuplicateARNs")?,
    })
}

/// A map with no other keys than are known.
struct Map<'a> {
    entries: Vec<Entry<'a>>,
    path: &'a str,
}

impl<'a> Map<'a> {
    fn of(node: &'a Node, path: &'a str, known: &[&str]) -> Result<Self, ConfigError> {
        let name = if path.is_empty() { "the file" } else { path.trim_end_matches('.') };
        let entries = node.entries().ok_or_else(|| wrong_type(name, "a map", node))?;
        for (index, entry) in entries.iter().enumerate() {
            if !known.contains(&entry.key) {
                return Err(refuse(entry.mark, format!("unknown field `{path}{}`", entry.key)));
            }
            if entries.iter().take(index).any(|earlier| earlier.key == entry.key) {
                return Err(refuse(entry.mark, format!("`{path}{}` is set twice", entry.key)));
            }
        }
        Ok(Self { entries, path })
    }

    fn value(&self, key: &str) -> Option<&'a Node> {
        let found = self.entries.iter().find(|entry| entry.key == key);
        found.map(|entry| entry.value).filter(|value| !value.is_null())
    }

    fn wrong_type(&self, key: &str, wanted: &str, node: &Node) -> ConfigError {
        wrong_type(&format!("{}{key}", self.path), wanted, node)
    }

    fn text(&self, key: &str) -> Result<String, ConfigError> {
        let Some(node) = self.value(key) else { return Ok(String::new()) };
        node.as_text().map(ToString::to_string).ok_or_else(|| self.wrong_type(key, "a text", node))
    }

    fn texts(&self, key: &str) -> Result<Vec<String>, ConfigError> {
        let Some(node) = self.value(key) else { return Ok(Vec::new()) };
        let wanted = "a list of texts";
        let items = node.as_sequence().ok_or_else(|| self.wrong_type(key, wanted, node))?;
        let text = |item: &Node| match item.as_text() {
            Some(text) => Ok(text.to_owned()),
            None if item.is_null() => Ok(String::new()),
            None => Err(self.wrong_type(key, wanted, item)),
        };
        items.iter().map(|item| text(item)).collect()
    }

    fn bool(&self, key: &str) -> Result<bool, ConfigError> {
        let Some(node) = self.value(key) else { return Ok(false) };
        match &node.value {
            Value::Scalar { text, kind: ScalarKind::Bool } => {
                Ok(matches!(text.to_ascii_lowercase().as_str(), "y" | "yes" | "true" | "on"))
            }
            _ => Err(self.wrong_type(key, "`true` or `false`", node)),
        }
    }
}

fn refuse(mark: Mark, reason: impl Into<String>) -> ConfigError {
    ConfigError { mark, reason: reason.into() }
}

fn wrong_type(name: &str, wanted: &str, node: &Node) -> ConfigError {
    refuse(node.mark, format!("`{name}` must be {wanted}, this is {}", node.describe()))
}

#[cfg(test)]
mod tests {
    use std::vec;

    use super::*;

    const HEAD: &str = "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\n";

    fn parse(rest: &str) -> Result<ClusterConfig, String> {
        ClusterConfig::parse(&format!("{HEAD}{rest}")).map_err(|error| error.to_string())
    }

    #[test]
    fn the_documented_form() {
        let config = parse(
            "metadata:\n  name: web\n  region: us-east-1\n  version: '1.33'\nvpc:\n  anything: goes\n\
             iamIdentityMappings:\n- arn: arn:aws:iam::111122223333:role/x\n  groups: [system:masters]\n  \
             username: admin\n  noDuplicateARNs: true\n- serviceName: emr-containers\n  namespace: emr\n\
             - account: \"000000000000\"\n",
        );
        let admin = Mapping {
            arn: "arn:aws:iam::111122223333:role/x".into(),
            username: "admin".into(),
            groups: vec!["system:masters".into()],
            no_duplicate_arns: true,
            ..Mapping::default()
        };
        let service = Mapping { service_name: "emr-containers".into(), namespace: "emr".into(), ..Mapping::default() };
        let account = Mapping { account: "000000000000".into(), ..Mapping::default() };
        let metadata = Some(("web".into(), "us-east-1".into()));
        assert_eq!(config, Ok(ClusterConfig { metadata, mappings: vec![admin, service, account] }));
    }

    #[test]
    fn what_is_missing_is_empty() {
        assert_eq!(parse(""), Ok(ClusterConfig { metadata: None, mappings: vec![] }));
        let only_region = Some((String::new(), "eu-west-1".into()));
        assert_eq!(parse("metadata: {region: eu-west-1}\n").unwrap().metadata, only_region);
        assert_eq!(parse("metadata:\niamIdentityMappings:\n").unwrap(), parse("").unwrap());
    }

    #[test]
    fn keys_and_values_are_strict() {
        let refusal = |rest: &str| parse(rest).unwrap_err();
        assert_eq!(refusal("iamIdentityMapping: []\n"), "line 3, column 1: unknown field `iamIdentityMapping`");
        assert_eq!(refusal("metadata:\n  Name: x\n"), "line 4, column 3: unknown field `metadata.Name`");
        let item = |text: &str| refusal(&format!("iamIdentityMappings:\n- account: '1'\n- {text}\n"));
        assert_eq!(item("group: x"), "line 5, column 3: unknown field `iamIdentityMappings[1].group`");
        assert!(item("account: 012345670123").contains("must be a text, this is a number"));
        assert!(item("groups: system:masters").contains("must be a list of texts, this is a text"));
        assert!(item("noDuplicateARNs: 'true'").contains("must be `true` or `false`"));
        assert!(item("arn: a\n  arn: b").contains("`iamIdentityMappings[1].arn` is set twice"));
        assert!(item("~").contains("must be a map"));
        assert!(refusal("metadata: []\n").contains("`metadata` must be a map"));
        let other = ClusterConfig::parse("kind: ConfigMap\napiVersion: eksctl.io/v1alpha5\n").unwrap_err();
        assert_eq!(other.to_string(), "line 1, column 7: `kind` must be `ClusterConfig`, this is `ConfigMap`");
        assert!(ClusterConfig::parse("").unwrap_err().to_string().contains("there is nothing in it"));
        assert!(ClusterConfig::parse("a: [").is_err());
    }
}
