//! The managed node groups of a cluster, and the role of each: `ListNodegroups` and `DescribeNodegroup`.

use jiff::Timestamp;
use kube_iam_core::limits::EXCERPT_CHARS;
use serde::Deserialize;

use super::{is_cluster_name, is_name};
use crate::limits;
use crate::presign::encode;
use crate::service::{Call, Service};
use crate::session::{CallError, Failed, Session};
use crate::signed::Input;

/// Why there is nothing to say about a node group. `Display` says what, `source()` why, [`hint`](Self::hint) what to do.
#[derive(Debug, thiserror::Error)]
pub enum NodegroupError {
    /// No cluster or node group can have such a name.
    #[error(
        "`{0}` is not the name of an EKS cluster or node group: letters, digits, `-` and `_`, the first a letter or digit"
    )]
    Name(String),
    /// The account has no such cluster in this region.
    #[error("there is no EKS cluster `{cluster}` in region `{region}`")]
    UnknownCluster {
        /// The name asked for.
        cluster: String,
        /// The region asked.
        region: String,
    },
    /// The cluster has no such managed node group.
    #[error("EKS cluster `{cluster}` has no managed node group `{nodegroup}`")]
    Unknown {
        /// The cluster.
        cluster: String,
        /// The region.
        region: String,
        /// The name asked for.
        nodegroup: String,
        /// The node groups that there are, if EKS tells.
        known: Option<Vec<String>>,
    },
    /// EKS names no role for it.
    #[error("EKS names no role for node group `{nodegroup}` of cluster `{cluster}`")]
    NoRole {
        /// The cluster.
        cluster: String,
        /// The node group.
        nodegroup: String,
    },
    /// The call itself.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl NodegroupError {
    /// What to do about it: one line, with the command to run where there is one.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::UnknownCluster { region, .. } => format!(
                "see which there are with `aws eks list-clusters --region {region}`; name another region with `--region`, another \
                 account by `AWS_PROFILE`"
            ),
            Self::Unknown { cluster, region, known, .. } => {
                let known = match known.as_deref() {
                    Some([]) => "the cluster has none".to_owned(),
                    Some(known) => format!("the node groups of the cluster are: {}", some_of(known)),
                    None => {
                        format!(
                            "see which there are with `aws eks list-nodegroups --cluster-name {cluster} --region {region}`"
                        )
                    }
                };
                format!("{known}; self-managed nodes are in none: for them name the stack with `--stack`")
            }
            Self::NoRole { .. } => "name the role with `--role-arn`".to_owned(),
            Self::Call(error) => return error.hint(),
            Self::Name(_) => return None,
        })
    }
}

/// The first of many names.
fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 10;
    let shown: Vec<_> = names.iter().take(SHOWN).map(|name| format!("`{}`", name.escape_debug())).collect();
    format!("{}{}", shown.join(", "), if names.len() > SHOWN { " and others" } else { "" })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    nodegroups: Vec<String>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
struct Reply {
    nodegroup: Described,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Described {
    node_role: Option<String>,
}

impl Session<'_> {
    /// The names of a cluster's managed node groups, all of them. The requests are signed at `now`.
    ///
    /// # Errors
    ///
    /// When there is no such cluster or it can't be asked for: [`NodegroupError::hint`] says what to do.
    pub async fn nodegroups(&self, cluster: &str, now: Timestamp) -> Result<Vec<String>, NodegroupError> {
        let path = path(cluster, None)?;
        let mut names = Vec::new();
        let mut next: Option<String> = None;
        for _ in 0..limits::PAGES {
            let mut page = format!("{path}?maxResults=100");
            if let Some(next) = &next {
                page.push_str("&nextToken=");
                encode(next, &mut page);
            }
            let call = Call { service: Service::Eks, action: "ListNodegroups", input: Input::Get(page) };
            let body = self.ask(&call, now).await.map_err(|failed| self.no_nodegroup(&call, failed, cluster, ""))?;
            let page: Page = serde_json::from_slice(&body).map_err(|error| call.senseless(error))?;
            names.extend(page.nodegroups);
            match page.next_token.filter(|next| !next.is_empty()) {
                None => return Ok(names),
                Some(mark) if mark.len() > limits::PAGE_MARK_BYTES => {
                    return Err(call.senseless("its mark of the next page is too long").into());
                }
                Some(mark) => next = Some(mark),
            }
        }
        Err(CallError::TooManyPages { service: Service::Eks.name(), action: "ListNodegroups" }.into())
    }

    /// The ARN of the role of a managed node group's nodes, as EKS gives it: with the role's path. The request is signed at `now`.
    ///
    /// # Errors
    ///
    /// When there is no such node group or it can't be asked for: [`NodegroupError::hint`] says what to do, and which there are.
    pub async fn node_role_of_nodegroup(
        &self,
        cluster: &str,
        nodegroup: &str,
        now: Timestamp,
    ) -> Result<String, NodegroupError> {
        let input = Input::Get(path(cluster, Some(nodegroup))?);
        let call = Call { service: Service::Eks, action: "DescribeNodegroup", input };
        let body = match self.ask(&call, now).await {
            Ok(body) => body,
            Err(failed) => {
                let mut error = self.no_nodegroup(&call, failed, cluster, nodegroup);
                if let NodegroupError::Unknown { known, .. } = &mut error {
                    *known = self.nodegroups(cluster, now).await.ok();
                }
                return Err(error);
            }
        };
        let reply: Reply = serde_json::from_slice(&body).map_err(|error| call.senseless(error))?;
        reply
            .nodegroup
            .node_role
            .filter(|role| !role.is_empty())
            .ok_or_else(|| NodegroupError::NoRole { cluster: cluster.to_owned(), nodegroup: nodegroup.to_owned() })
    }

    /// EKS has one code for what it does not find, and says in the message what that is.
    fn no_nodegroup(&self, call: &Call, failed: Failed, cluster: &str, nodegroup: &str) -> NodegroupError {
        let (cluster, region) = (cluster.to_owned(), self.region().to_owned());
        match failed {
            Failed::Refused(refusal) if refusal.code == "ResourceNotFoundException" => {
                if nodegroup.is_empty() || refusal.message.starts_with("No cluster found") {
                    return NodegroupError::UnknownCluster { cluster, region };
                }
                NodegroupError::Unknown { cluster, region, nodegroup: nodegroup.to_owned(), known: None }
            }
            failed => self.failed(call, failed).into(),
        }
    }
}

/// The path of a cluster's node groups, or of one. A node group's name has up to 63 characters (`CreateNodegroup` in the EKS API).
fn path(cluster: &str, nodegroup: Option<&str>) -> Result<String, NodegroupError> {
    let refused = |name: &str| NodegroupError::Name(name.chars().take(EXCERPT_CHARS).collect());
    if !is_cluster_name(cluster) {
        return Err(refused(cluster));
    }
    match nodegroup {
        None => Ok(format!("clusters/{cluster}/node-groups")),
        Some(name) if is_name(name, 63) => Ok(format!("clusters/{cluster}/node-groups/{name}")),
        Some(name) => Err(refused(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_make_a_path_or_are_refused() {
        let most = "n".repeat(63);
        assert_eq!(path("c", Some(&most)).unwrap(), format!("clusters/c/node-groups/{most}"));
        assert_eq!(path("c", None).unwrap(), "clusters/c/node-groups");
        let more = "n".repeat(64);
        for (cluster, nodegroup) in
            [("", None), ("a/b", None), ("c", Some("")), ("c", Some("../c")), ("c", Some(&*more))]
        {
            assert!(matches!(path(cluster, nodegroup), Err(NodegroupError::Name(_))), "{cluster} {nodegroup:?}");
        }
    }
}
