//! EKS: `DescribeCluster`, in the REST-JSON shapes of the EKS API (version 2017-11-01).

mod clusters;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::arns;
use crate::keys::KnownKey;
use crate::parameters;
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::sigv4::{self, Claim, Received, Region};
use crate::standin::Shared;
use crate::sts::trusts;

pub use clusters::Cluster;
pub(crate) use clusters::Clusters;

/// Where all paths of clusters begin.
pub(crate) const CLUSTERS: &str = "/clusters/";

/// The one action that is answered.
pub(crate) const DESCRIBE: &str = "DescribeCluster";

/// The cluster that a request asks to have described, percent-encoded.
pub(crate) fn described<'a>(method: &Method, path: &'a str) -> Option<&'a str> {
    let name = path.strip_prefix(CLUSTERS)?;
    (method == Method::GET && !name.is_empty() && !name.contains('/')).then_some(name)
}

/// Answers a request to EKS; with the error code if it is refused.
pub(crate) fn answer(
    shared: &Shared,
    received: &Received<'_>,
    claim: &Result<Option<Claim<'_>>, Refusal>,
    region: Region<'_>,
) -> (Reply, Option<&'static str>) {
    match describe(shared, received, claim, region) {
        Ok(cluster) => (Reply::json(StatusCode::OK, &json!({ "cluster": cluster })), None),
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

fn describe(
    shared: &Shared,
    received: &Received<'_>,
    claim: &Result<Option<Claim<'_>>, Refusal>,
    region: Region<'_>,
) -> Result<Value, Refusal> {
    let claim = claim.as_ref().map_err(Refusal::clone)?.as_ref().ok_or_else(Refusal::unsigned)?;
    let caller = sigv4::verify(received, claim, sigv4::EKS, region, shared.clock.now(), &shared.keys)?;
    let name = described(received.method, received.path)
        .and_then(|name| parameters::decode(name).ok())
        .ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "UnknownOperationException", "Unknown operation"))?;
    // A loopback address leaves the region to the signature.
    let region = region.unwrap_or(claim.scope.region);
    let cluster = shared.clusters.find(&name, region, &caller.principal.account).ok_or_else(|| {
        Refusal::new(StatusCode::NOT_FOUND, "ResourceNotFoundException", format!("No cluster found for name: {name}."))
    })?;
    let arn = arn(&cluster, &caller);
    if !trusts(&cluster.readers, &caller) {
        let caller = &caller.principal.arn;
        return Err(Refusal::denied(format!(
            "User: {caller} is not authorized to perform: eks:{DESCRIBE} on resource: {arn}"
        )));
    }
    Ok(written(&cluster, &arn))
}

/// The cluster's ARN, in the partition of who asks.
fn arn(cluster: &Cluster, caller: &KnownKey) -> String {
    let Cluster { name, region, account, .. } = cluster;
    let partition = arns::partition(&caller.principal.arn).unwrap_or("aws");
    format!("arn:{partition}:eks:{region}:{account}:cluster/{name}")
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
