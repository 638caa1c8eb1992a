//! AWS's own clients and the clusters of EKS.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kube_iam_standin::{Cluster, Fault, Key, Service, Settings, Times, Trust};
use serde_json::json;

use super::{ADMIN, Clients, credentials, wrong_secret};
use crate::key;

const PEM: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

fn clusters() -> Settings {
    let cluster = |name: &str| Cluster::creating(name, "eu-west-1", "111122223333");
    let prod = cluster("prod").active("https://prod.example.com", PEM);
    let closed = Cluster { readers: Trust::Principals(vec![ADMIN.to_owned()]), ..cluster("closed") };
    let settings = vec![prod, cluster("new"), closed];
    Settings { clusters: settings, ..Settings::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn boto3_reads_clusters_and_why_there_is_none() {
    let clients = clients!(clusters());
    let told = clients.script(&["describe-cluster", "prod"], &credentials(&key())).await;
    assert_eq!(told["arn"], "arn:aws:eks:eu-west-1:111122223333:cluster/prod");
    assert_eq!((&told["status"], &told["version"]), (&json!("ACTIVE"), &json!("1.35")));
    assert_eq!(told["endpoint"], "https://prod.example.com");
    assert_eq!(told["certificateAuthority"]["data"], STANDARD.encode(PEM));
    let access = json!({"authenticationMode": "API_AND_CONFIG_MAP", "bootstrapClusterCreatorAdminPermissions": true});
    assert_eq!(told["accessConfig"], access);
    let call = clients.standin.calls().pop().unwrap();
    assert_eq!((call.service, call.action.as_str()), (Service::Eks, "DescribeCluster"));
    assert_eq!((call.host.as_str(), call.method.as_str()), ("eks.eu-west-1.amazonaws.com", "GET"));

    let told = clients.script(&["describe-cluster", "new"], &credentials(&key())).await;
    assert_eq!((&told["status"], told.get("endpoint")), (&json!("CREATING"), None));
    assert_eq!(told["certificateAuthority"], json!({}));

    for (name, status, error, message) in [
        ("none", 404, "ResourceNotFoundException", "No cluster found for name: none."),
        // Such a name is sent percent-encoded, and signed encoded twice.
        ("a b/c~é", 404, "ResourceNotFoundException", "No cluster found for name: a b/c~é."),
        (
            "closed",
            403,
            "AccessDeniedException",
            "User: arn:aws:iam::111122223333:user/team/jo is not authorized to perform: eks:DescribeCluster \
             on resource: arn:aws:eks:eu-west-1:111122223333:cluster/closed",
        ),
    ] {
        let told = clients.script(&["describe-cluster", name], &credentials(&key())).await;
        assert_eq!(told, json!({"error": error, "message": message, "status": status}));
    }
    let told = clients.script(&["describe-cluster", "prod"], &credentials(&wrong_secret())).await;
    assert_eq!((&told["error"], &told["status"]), (&json!("InvalidSignatureException"), &json!(403)));
    let unknown = Key { access_key_id: "AKIAUNKNOWN".to_owned(), ..key() };
    let told = clients.script(&["describe-cluster", "prod"], &credentials(&unknown)).await;
    assert_eq!(told["error"], "UnrecognizedClientException");
    for (fault, error) in [(Fault::Throttling, "ThrottlingException"), (Fault::Status(500), "ServerException")] {
        clients.standin.inject(fault, Times::Next(1));
        let told = clients.script(&["describe-cluster", "prod"], &credentials(&key())).await;
        assert_eq!(told["error"], error);
    }
    assert_eq!(clients.standin.proxy_refusals(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_client_reads_clusters_at_every_form_of_endpoint() {
    let clients = clients!(clusters());
    let user = key();
    let describe = ["eks", "describe-cluster", "--name", "prod"];
    let local = format!("https://localhost:{}", clients.standin.address().port());
    for (variables, host) in [
        (vec![], "eks.eu-west-1.amazonaws.com"),
        (vec![("AWS_USE_FIPS_ENDPOINT", "true")], "fips.eks.eu-west-1.amazonaws.com"),
        (vec![("AWS_USE_DUALSTACK_ENDPOINT", "true")], "eks.eu-west-1.api.aws"),
        (vec![("AWS_USE_FIPS_ENDPOINT", "true"), ("AWS_USE_DUALSTACK_ENDPOINT", "true")], "eks-fips.eu-west-1.api.aws"),
        (vec![("AWS_ENDPOINT_URL_EKS", &*local), ("NO_PROXY", "localhost")], local.trim_start_matches("https://")),
    ] {
        let environment = [&credentials(&user)[..], &variables].concat();
        let told = clients.cli(&describe, &environment).await.unwrap();
        assert_eq!(told["cluster"]["endpoint"], "https://prod.example.com");
        assert_eq!(clients.standin.calls().last().unwrap().host, host);
    }
    let missing = ["eks", "describe-cluster", "--name", "none"];
    let error = clients.cli(&missing, &credentials(&key())).await.unwrap_err();
    assert!(error.contains("(ResourceNotFoundException)"), "{error}");
    assert!(error.contains("No cluster found for name: none."), "{error}");
}
