//! The managed node groups of clusters: `ListNodegroups` and `DescribeNodegroup`.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::Asker;
use crate::limits;
use crate::paging::page;
use crate::refusal::Refusal;

/// A node group as `DescribeNodegroup` tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nodegroup {
    /// The name.
    pub name: String,
    /// The name of its cluster, which must exist.
    pub cluster: String,
    /// The region …
    pub region: String,
    /// … and the account of that cluster.
    pub account: String,
    /// The ARN of the role of its nodes, with the role's path.
    pub role_arn: Option<String>,
}

impl Nodegroup {
    /// A node group whose nodes have a role.
    pub fn new(
        name: impl Into<String>,
        cluster: impl Into<String>,
        region: impl Into<String>,
        account: impl Into<String>,
        role_arn: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            cluster: cluster.into(),
            region: region.into(),
            account: account.into(),
            role_arn: Some(role_arn.into()),
        }
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.name == other.name && self.is_of(&other.cluster, &other.region, &other.account)
    }

    fn is_of(&self, cluster: &str, region: &str, account: &str) -> bool {
        self.cluster == cluster && self.region == region && self.account == account
    }
}

/// The names of a cluster's node groups, in pages.
pub(super) fn list(asker: &Asker<'_>, cluster: &str) -> Result<Value, Refusal> {
    asker.check("ListNodegroups", &format!("cluster/{cluster}"))?;
    asker.cluster(cluster)?;
    let invalid = |what: &str| Refusal::new(StatusCode::BAD_REQUEST, "InvalidParameterException", what.to_owned());
    let most = match asker.query.first("maxResults") {
        None => limits::PAGE,
        Some(text) => text
            .parse()
            .ok()
            .filter(|most| (1..=limits::PAGE).contains(most))
            .ok_or_else(|| invalid("maxResults must be between 1 and 100"))?,
    };
    let names: Vec<String> = asker
        .shared
        .world
        .nodegroups
        .all(|group| asker.owns(group, cluster))
        .into_iter()
        .map(|group| group.name)
        .collect();
    let page = page("ListNodegroups", &names, asker.query.first("nextToken"), asker.shared.world.page_size(most))
        .ok_or_else(|| invalid("Invalid nextToken"))?;
    Ok(json!({ "nodegroups": page.things, "nextToken": page.next }))
}

/// One node group; EKS writes members without a value as `null`.
pub(super) fn describe(asker: &Asker<'_>, cluster: &str, name: &str) -> Result<Value, Refusal> {
    asker.check("DescribeNodegroup", &format!("nodegroup/{cluster}/{name}/*"))?;
    asker.cluster(cluster)?;
    let group = asker.shared.world.nodegroups.find(|group| group.name == name && asker.owns(group, cluster));
    let group = group.ok_or_else(|| {
        let message = format!("No node group found for name: {name}.");
        Refusal::new(StatusCode::NOT_FOUND, "ResourceNotFoundException", message)
    })?;
    let arn = asker.arn(&format!("nodegroup/{cluster}/{name}/00c0ffee-0000-4000-8000-000000000000"));
    let described = json!({
        "nodegroupName": name,
        "nodegroupArn": arn,
        "clusterName": cluster,
        "version": "1.35",
        "releaseVersion": "1.35.0-20260101",
        "createdAt": 1_767_355_800.123,
        "modifiedAt": 1_767_355_800.123,
        "status": "ACTIVE",
        "capacityType": "ON_DEMAND",
        "scalingConfig": { "minSize": 1, "maxSize": 3, "desiredSize": 2 },
        "instanceTypes": ["m7i.large"],
        "subnets": ["subnet-0123456789abcdef0"],
        "remoteAccess": null,
        "amiType": "AL2023_x86_64_STANDARD",
        "nodeRole": group.role_arn,
        "labels": {},
        "taints": null,
        "resources": { "autoScalingGroups": [], "remoteAccessSecurityGroup": null },
        "diskSize": 20,
        "health": { "issues": [] },
        "updateConfig": { "maxUnavailable": 1, "maxUnavailablePercentage": null },
        "launchTemplate": null,
        "tags": {},
    });
    Ok(json!({ "nodegroup": described }))
}

impl Asker<'_> {
    fn owns(&self, group: &Nodegroup, cluster: &str) -> bool {
        group.is_of(cluster, self.region, &self.caller.principal.account)
    }
}
