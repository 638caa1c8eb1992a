//! EKS: `DescribeCluster`, `ListNodegroups` and `DescribeNodegroup`, in the REST-JSON shapes of the EKS API (version 2017-11-01).

mod clusters;
mod nodegroups;

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::arns;
use crate::keys::KnownKey;
use crate::parameters::{self, Parameters};
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::sigv4::{self, Claim, Received, Region};
use crate::standin::Shared;
use crate::sts::trusts;

pub use clusters::Cluster;
pub(crate) use clusters::Clusters;
pub use nodegroups::Nodegroup;

/// Where all paths of clusters begin.
pub(crate) const CLUSTERS: &str = "/clusters/";

/// What a request asks for, its names percent-encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation<'a> {
    DescribeCluster(&'a str),
    ListNodegroups(&'a str),
    DescribeNodegroup(&'a str, &'a str),
}

impl<'a> Operation<'a> {
    fn of(method: &Method, path: &'a str) -> Option<Self> {
        let parts: Vec<&str> = path.strip_prefix(CLUSTERS)?.split('/').collect();
        if method != Method::GET || parts.iter().any(|part| part.is_empty()) {
            return None;
        }
        match *parts.as_slice() {
            [cluster] => Some(Self::DescribeCluster(cluster)),
            [cluster, "node-groups"] => Some(Self::ListNodegroups(cluster)),
            [cluster, "node-groups", name] => Some(Self::DescribeNodegroup(cluster, name)),
            _ => None,
        }
    }
}

/// The action that a request asks for; empty if it is none that is answered.
pub(crate) fn action(method: &Method, path: &str) -> &'static str {
    match Operation::of(method, path) {
        Some(Operation::DescribeCluster(_)) => "DescribeCluster",
        Some(Operation::ListNodegroups(_)) => "ListNodegroups",
        Some(Operation::DescribeNodegroup(..)) => "DescribeNodegroup",
        None => "",
    }
}

/// Answers a request to EKS; with the error code if it is refused.
pub(crate) fn answer(
    shared: &Shared,
    received: &Received<'_>,
    claim: &Result<Option<Claim<'_>>, Refusal>,
    region: Region<'_>,
) -> (Reply, Option<&'static str>) {
    match result(shared, received, claim, region) {
        Ok(told) => (Reply::json(StatusCode::OK, &told), None),
        Err(refusal) => (reply(&refusal), Some(code(&refusal))),
    }
}

/// A refusal in EKS's form.
pub(crate) fn reply(refusal: &Refusal) -> Reply {
    Reply::json(refusal.status, &json!({ "message": refusal.message }))
        .with_header("x-amzn-errortype", format!("{}:", code(refusal)))
}

/// What EKS calls an error that STS has another name for.
fn code(refusal: &Refusal) -> &'static str {
    match refusal.code {
        "AccessDenied" => "AccessDeniedException",
        "ExpiredToken" => "ExpiredTokenException",
        "IncompleteSignature" => "IncompleteSignatureException",
        "InternalFailure" => "ServerException",
        "InvalidClientTokenId" => "UnrecognizedClientException",
        "MalformedQueryString" => "ClientException",
        "MissingAuthenticationToken" => "MissingAuthenticationTokenException",
        "ServiceUnavailable" => "ServiceUnavailableException",
        "SignatureDoesNotMatch" => "InvalidSignatureException",
        "Throttling" => "ThrottlingException",
        own => own,
    }
}

fn result(
    shared: &Shared,
    received: &Received<'_>,
    claim: &Result<Option<Claim<'_>>, Refusal>,
    region: Region<'_>,
) -> Result<Value, Refusal> {
    let claim = claim.as_ref().map_err(Refusal::clone)?.as_ref().ok_or_else(Refusal::unsigned)?;
    let caller = sigv4::verify(received, claim, sigv4::EKS, region, shared.clock.now(), &shared.keys)?;
    let unknown = || Refusal::new(StatusCode::NOT_FOUND, "UnknownOperationException", "Unknown operation");
    let decoded = |name| -> Result<Cow<'_, str>, Refusal> { parameters::decode(name).map_err(|_| unknown()) };
    // A loopback address leaves the region to the signature.
    let region = region.unwrap_or(claim.scope.region);
    let asker = Asker { shared, query: received.query, region, caller };
    match Operation::of(received.method, received.path).ok_or_else(unknown)? {
        Operation::DescribeCluster(name) => asker.describe(&decoded(name)?),
        Operation::ListNodegroups(cluster) => nodegroups::list(&asker, &decoded(cluster)?),
        Operation::DescribeNodegroup(cluster, name) => {
            nodegroups::describe(&asker, &decoded(cluster)?, &decoded(name)?)
        }
    }
}

/// Whoever asks, and where.
struct Asker<'a> {
    shared: &'a Shared,
    query: &'a Parameters<'a>,
    region: &'a str,
    caller: Arc<KnownKey>,
}

impl Asker<'_> {
    fn describe(&self, name: &str) -> Result<Value, Refusal> {
        let cluster = self.cluster(name)?;
        let arn = self.arn(&format!("cluster/{name}"));
        if !trusts(&cluster.readers, &self.caller) {
            let caller = &self.caller.principal.arn;
            return Err(Refusal::denied(format!(
                "User: {caller} is not authorized to perform: eks:DescribeCluster on resource: {arn}"
            )));
        }
        Ok(json!({ "cluster": written(&cluster, &arn) }))
    }

    fn cluster(&self, name: &str) -> Result<Arc<Cluster>, Refusal> {
        self.shared.clusters.find(name, self.region, &self.caller.principal.account).ok_or_else(|| {
            let message = format!("No cluster found for name: {name}.");
            Refusal::new(StatusCode::NOT_FOUND, "ResourceNotFoundException", message)
        })
    }

    /// Refuses an action that nobody may do.
    fn check(&self, action: &str, resource: &str) -> Result<(), Refusal> {
        let resource = format!(" on resource: {}", self.arn(resource));
        self.shared.world.check(&self.caller, &format!("eks:{action}"), &resource)
    }

    /// An ARN of EKS, in the partition and account of who asks.
    fn arn(&self, resource: &str) -> String {
        let principal = &self.caller.principal;
        let partition = arns::partition(&principal.arn).unwrap_or("aws");
        format!("arn:{partition}:eks:{}:{}:{resource}", self.region, principal.account)
    }
}

/// EKS writes members without a value as `null`.
fn written(cluster: &Cluster, arn: &str) -> Value {
    let account = &cluster.account;
    let authority = cluster.certificate_authority.as_ref().map(|pem| STANDARD.encode(pem));
    let connector = cluster.connected.then(|| json!({ "provider": "OTHER" }));
    let outpost = cluster.outpost_id.as_ref().map(|_| json!({ "outpostArns": [] }));
    json!({
        "name": cluster.name,
        "arn": arn,
        "createdAt": 1_767_355_800.123,
        "version": cluster.version,
        "endpoint": cluster.endpoint,
        "roleArn": format!("arn:aws:iam::{account}:role/eks-cluster"),
        "resourcesVpcConfig": {
            "subnetIds": ["subnet-0123456789abcdef0", "subnet-0fedcba9876543210"],
            "securityGroupIds": [],
            "clusterSecurityGroupId": null,
            "vpcId": "vpc-0123456789abcdef0",
            "endpointPublicAccess": true,
            "endpointPrivateAccess": false,
            "publicAccessCidrs": ["0.0.0.0/0"],
        },
        "kubernetesNetworkConfig": {
            "serviceIpv4Cidr": "10.100.0.0/16",
            "serviceIpv6Cidr": null,
            "ipFamily": "ipv4",
        },
        "logging": { "clusterLogging": [] },
        "identity": null,
        "status": cluster.status,
        "certificateAuthority": { "data": authority },
        "clientRequestToken": null,
        "platformVersion": "eks.1",
        "tags": {},
        "encryptionConfig": null,
        "connectorConfig": connector,
        "id": cluster.outpost_id,
        "health": { "issues": [] },
        "outpostConfig": outpost,
        "accessConfig": {
            "bootstrapClusterCreatorAdminPermissions": cluster.creator_is_admin,
            "authenticationMode": cluster.authentication_mode,
        },
    })
}
