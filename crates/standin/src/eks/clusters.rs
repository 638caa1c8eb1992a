//! The clusters that EKS knows.

use std::sync::{Arc, PoisonError, RwLock};

use crate::settings::Trust;

/// A cluster as `DescribeCluster` tells of it.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// The name.
    pub name: String,
    /// It is found in this region alone …
    pub region: String,
    /// … and with the keys of this account alone.
    pub account: String,
    /// `CREATING`, `ACTIVE`, `UPDATING`, `DELETING`, `FAILED` or `PENDING`.
    pub status: String,
    /// The version of Kubernetes.
    pub version: String,
    /// The URL of the API server, once there is one.
    pub endpoint: Option<String>,
    /// The certificate of its authority as PEM, once there is one.
    pub certificate_authority: Option<String>,
    /// `CONFIG_MAP`, `API_AND_CONFIG_MAP` or `API`.
    pub authentication_mode: Option<String>,
    /// Whether the creator was made an administrator by an access entry.
    pub creator_is_admin: Option<bool>,
    /// A cluster of another provider, registered through EKS Connector.
    pub connected: bool,
    /// The ID of a local cluster on an Outpost.
    pub outpost_id: Option<String>,
    /// Who may describe it.
    pub readers: Trust,
}

impl Cluster {
    /// A cluster that is being created, which everyone of its account may describe.
    pub fn creating(name: impl Into<String>, region: impl Into<String>, account: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            region: region.into(),
            account: account.into(),
            status: "CREATING".to_owned(),
            version: "1.35".to_owned(),
            endpoint: None,
            certificate_authority: None,
            authentication_mode: Some("API_AND_CONFIG_MAP".to_owned()),
            creator_is_admin: Some(true),
            connected: false,
            outpost_id: None,
            readers: Trust::Anyone,
        }
    }

    /// The same cluster, with an API server at this URL whose authority has this certificate (PEM).
    #[must_use]
    pub fn active(self, endpoint: impl Into<String>, authority: impl Into<String>) -> Self {
        Self {
            status: "ACTIVE".to_owned(),
            endpoint: Some(endpoint.into()),
            certificate_authority: Some(authority.into()),
            ..self
        }
    }

    fn is(&self, name: &str, region: &str, account: &str) -> bool {
        self.name == name && self.region == region && self.account == account
    }
}

/// All clusters of all accounts.
#[derive(Default)]
pub(crate) struct Clusters(RwLock<Vec<Arc<Cluster>>>);

impl Clusters {
    /// Adds a cluster, or replaces the one of the same name, region and account.
    pub(crate) fn add(&self, cluster: Cluster) {
        let mut clusters = self.0.write().unwrap_or_else(PoisonError::into_inner);
        clusters.retain(|known| !known.is(&cluster.name, &cluster.region, &cluster.account));
        clusters.push(Arc::new(cluster));
    }

    pub(crate) fn find(&self, name: &str, region: &str, account: &str) -> Option<Arc<Cluster>> {
        let clusters = self.0.read().unwrap_or_else(PoisonError::into_inner);
        clusters.iter().find(|cluster| cluster.is(name, region, account)).cloned()
    }
}
