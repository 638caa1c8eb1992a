//! A cluster as EKS tells of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use kube_iam_core::ids::ClusterId;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde::Deserialize;

use super::EksError;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A cluster as `DescribeCluster` tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// The name.
    pub name: String,
    /// `arn:PARTITION:eks:REGION:ACCOUNT:cluster/NAME`.
    pub arn: String,
    /// The region that was asked.
    pub region: String,
    /// `ACTIVE`, `CREATING`, `UPDATING`, `DELETING`, `FAILED`, `PENDING`, or what AWS thinks of next.
    pub status: String,
    /// The version of Kubernetes, such as `1.35`.
    pub version: Option<String>,
    /// The `https` URL of the API server, once there is one.
    pub endpoint: Option<String>,
    /// The certificates of its authority as PEM, once there are some.
    pub certificate_authority: Option<String>,
    /// Who decides about logins. Absent on clusters older than access entries, which have `CONFIG_MAP`.
    pub authentication_mode: Option<AuthenticationMode>,
    /// Whether an access entry made the creator an administrator when the cluster was created. EKS does not say who that was.
    pub creator_is_admin: Option<bool>,
    /// Not run by EKS but registered there by EKS Connector.
    pub connected: bool,
    /// What a token for this cluster is bound to: its name, or the ID of a local cluster on an Outpost.
    pub token_id: ClusterId,
}

/// Which of aws-auth and the access entries EKS obeys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthenticationMode {
    /// `CONFIG_MAP`: aws-auth alone.
    ConfigMap,
    /// `API_AND_CONFIG_MAP`: the access entry of a principal, and aws-auth for those that have none.
    ApiAndConfigMap,
    /// `API`: access entries alone; aws-auth is not read.
    Api,
    /// A mode that did not exist when this was written.
    Other(String),
}

impl From<String> for AuthenticationMode {
    fn from(text: String) -> Self {
        match text.as_str() {
            "CONFIG_MAP" => Self::ConfigMap,
            "API_AND_CONFIG_MAP" => Self::ApiAndConfigMap,
            "API" => Self::Api,
            _ => Self::Other(text),
        }
    }
}

/// How the API server of a cluster is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access<'a> {
    /// Its `https` URL.
    pub endpoint: &'a str,
    /// The certificates of its authority as PEM.
    pub certificate_authority: &'a str,
    /// What a token for it is bound to.
    pub token_id: &'a ClusterId,
}

impl Cluster {
    /// How its API server is reached.
    ///
    /// # Errors
    ///
    /// When there is no API server yet or no more, or it is not one of EKS.
    pub fn access(&self) -> Result<Access<'_>, EksError> {
        if self.connected {
            return Err(EksError::Connected { cluster: self.name.clone() });
        }
        match (&self.endpoint, &self.certificate_authority) {
            (Some(endpoint), Some(certificate_authority)) => {
                Ok(Access { endpoint, certificate_authority, token_id: &self.token_id })
            }
            _ => Err(EksError::NotReady {
                cluster: self.name.clone(),
                region: self.region.clone(),
                status: self.status.clone(),
            }),
        }
    }

    /// Reads the body of a reply.
    pub(super) fn read(body: &[u8], region: &str) -> Result<Self, BoxError> {
        let Reply { cluster } = serde_json::from_slice(body)?;
        let access = cluster.access_config.unwrap_or_default();
        let token_id = cluster.id.as_ref().unwrap_or(&cluster.name).parse()?;
        Ok(Self {
            endpoint: cluster.endpoint.map(checked_endpoint).transpose()?,
            certificate_authority: cluster
                .certificate_authority
                .and_then(|authority| authority.data)
                .map(|data| decoded_authority(&data))
                .transpose()?,
            name: cluster.name,
            arn: cluster.arn,
            region: region.to_owned(),
            status: cluster.status,
            version: cluster.version,
            authentication_mode: access.authentication_mode.map(AuthenticationMode::from),
            creator_is_admin: access.bootstrap_cluster_creator_admin_permissions,
            connected: cluster.connector_config.is_some(),
            token_id,
        })
    }
}

/// Tokens are sent there, so it must be encrypted.
fn checked_endpoint(url: String) -> Result<String, BoxError> {
    let uri: Uri = url.parse()?;
    match (uri.scheme_str(), uri.host()) {
        (Some("https"), Some(_)) => Ok(url),
        _ => Err("the endpoint of the cluster is no https URL".into()),
    }
}

fn decoded_authority(data: &str) -> Result<String, BoxError> {
    let bytes = STANDARD.decode(data).map_err(|_| "the certificate authority of the cluster is not base64")?;
    CertificateDer::pem_slice_iter(&bytes)
        .next()
        .and_then(Result::ok)
        .ok_or("the certificate authority of the cluster holds no certificate")?;
    Ok(String::from_utf8(bytes)?)
}

/// What is read of a reply. EKS writes members without a value as `null`.
#[derive(Deserialize)]
struct Reply {
    cluster: Described,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Described {
    name: String,
    arn: String,
    status: String,
    version: Option<String>,
    endpoint: Option<String>,
    certificate_authority: Option<Authority>,
    access_config: Option<AccessConfig>,
    connector_config: Option<serde::de::IgnoredAny>,
    /// Only local clusters on an Outpost have one.
    id: Option<String>,
}

#[derive(Deserialize)]
struct Authority {
    data: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AccessConfig {
    authentication_mode: Option<String>,
    bootstrap_cluster_creator_admin_permissions: Option<bool>,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const PEM: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

    fn cluster(more: &Value) -> Value {
        let mut cluster = json!({
            "name": "prod",
            "arn": "arn:aws:eks:eu-west-1:111122223333:cluster/prod",
            "status": "ACTIVE",
            "endpoint": "https://prod.example.com",
            "certificateAuthority": {"data": STANDARD.encode(PEM)},
        });
        for (key, value) in more.as_object().unwrap() {
            cluster[key] = value.clone();
        }
        json!({ "cluster": cluster, "other": 1 })
    }

    fn read(more: &Value) -> Result<Cluster, BoxError> {
        Cluster::read(cluster(more).to_string().as_bytes(), "eu-west-1")
    }

    #[test]
    fn an_old_cluster_says_little() {
        let found = read(&json!({})).unwrap();
        let access = Access {
            endpoint: "https://prod.example.com",
            certificate_authority: PEM,
            token_id: &"prod".parse().unwrap(),
        };
        assert_eq!(found.access().unwrap(), access);
        assert_eq!((found.authentication_mode, found.creator_is_admin, found.version), (None, None, None));
    }

    #[test]
    fn modes_are_told_apart() {
        for (text, mode) in [
            ("CONFIG_MAP", AuthenticationMode::ConfigMap),
            ("API_AND_CONFIG_MAP", AuthenticationMode::ApiAndConfigMap),
            ("API", AuthenticationMode::Api),
            ("NEW", AuthenticationMode::Other("NEW".to_owned())),
        ] {
            let found = read(&json!({"accessConfig": {"authenticationMode": text}})).unwrap();
            assert_eq!(found.authentication_mode, Some(mode));
        }
    }

    #[test]
    fn a_local_cluster_is_named_by_its_id_in_tokens() {
        let found = read(&json!({"id": "0123-abcd"})).unwrap();
        assert_eq!(found.token_id.as_str(), "0123-abcd");
    }

    #[test]
    fn what_has_no_api_server_gives_no_access() {
        for nothing in
            [json!({"endpoint": null}), json!({"certificateAuthority": {}}), json!({"certificateAuthority": null})]
        {
            let found = read(&nothing).unwrap();
            assert!(matches!(found.access(), Err(EksError::NotReady { .. })), "{nothing}");
        }
        let found = read(&json!({"connectorConfig": {"provider": "OTHER"}})).unwrap();
        assert!(matches!(found.access(), Err(EksError::Connected { .. })));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (more, why) in [
            (json!({"name": null}), "invalid type"),
            (json!({"endpoint": "http://prod.example.com"}), "no https URL"),
            (json!({"endpoint": "prod.example.com"}), "no https URL"),
            (json!({"certificateAuthority": {"data": "%"}}), "not base64"),
            (json!({"certificateAuthority": {"data": STANDARD.encode("pem")}}), "no certificate"),
            (json!({"id": " "}), "cluster ID"),
        ] {
            let error = read(&more).unwrap_err().to_string();
            assert!(error.contains(why), "{more}: {error}");
        }
        for body in ["", "{}", "null", "[]", "{\"cluster\":null}"] {
            assert!(Cluster::read(body.as_bytes(), "eu-west-1").is_err(), "{body}");
        }
    }
}
