//! `DescribeCluster`: what is told, and each way of being refused.

use kube_iam_standin::{Cluster, Fault, Outcome, Principal, Service, Settings, StandIn, Times, Trust};
use serde_json::json;

use crate::client::{Asked, Told, send};
use crate::signer::Signer;
use crate::{USER, at_noon, key, noon};

const REGION: &str = "eu-west-1";
const ACCOUNT: &str = "111122223333";

fn prod() -> Cluster {
    Cluster::creating("prod", REGION, ACCOUNT).active("https://prod.example.com", "pem\n")
}

async fn standin() -> StandIn {
    at_noon(Settings { clusters: vec![prod()], ..Settings::default() }).await.0
}

fn signer(path: &str) -> Signer {
    Signer {
        host: format!("eks.{REGION}.amazonaws.com"),
        path: path.to_owned(),
        region: REGION.to_owned(),
        service: "eks".to_owned(),
        ..Signer::new(&key(), noon())
    }
}

fn describe(name: &str) -> Asked {
    signer(&format!("/clusters/{name}")).signed("GET", "", "")
}

#[track_caller]
fn assert_refused(told: &Told, status: u16, code: &str, message: &str) {
    assert_eq!(
        (told.status.as_u16(), told.header("x-amzn-errortype")),
        (status, &*format!("{code}:")),
        "{}",
        told.body
    );
    assert_eq!(told.header("content-type"), "application/json");
    assert!(told.json()["message"].as_str().unwrap().contains(message), "{}", told.body);
}

#[tokio::test]
async fn a_cluster_is_told_with_nulls_where_there_is_nothing() {
    let standin = standin().await;
    let told = send(&standin, &describe("prod")).await;
    assert_eq!((told.status.as_u16(), told.header("content-type")), (200, "application/json"));
    let cluster = &told.json()["cluster"];
    assert_eq!(cluster["name"], "prod");
    assert_eq!(cluster["arn"], "arn:aws:eks:eu-west-1:111122223333:cluster/prod");
    assert_eq!(cluster["endpoint"], "https://prod.example.com");
    assert_eq!(cluster["certificateAuthority"], json!({"data": "cGVtCg=="}));
    for nothing in ["id", "connectorConfig", "outpostConfig", "clientRequestToken"] {
        assert_eq!(cluster.get(nothing), Some(&json!(null)), "{nothing}");
    }

    standin.add_cluster(Cluster {
        authentication_mode: None,
        creator_is_admin: None,
        outpost_id: Some("0123-abcd".to_owned()),
        ..Cluster::creating("prod", REGION, ACCOUNT)
    });
    let told = send(&standin, &describe("prod")).await.json();
    let cluster = &told["cluster"];
    assert_eq!((&cluster["status"], &cluster["endpoint"]), (&json!("CREATING"), &json!(null)));
    assert_eq!(cluster["certificateAuthority"], json!({"data": null}));
    let access = json!({"authenticationMode": null, "bootstrapClusterCreatorAdminPermissions": null});
    assert_eq!((&cluster["accessConfig"], &cluster["id"]), (&access, &json!("0123-abcd")));

    let calls = standin.calls();
    assert_eq!((calls[0].service, calls[0].action.as_str()), (Service::Eks, "DescribeCluster"));
    assert_eq!(calls[0].outcome, Outcome::Accepted);
}

#[tokio::test]
async fn a_cluster_is_found_by_name_region_and_account_alone() {
    let other = Principal::new("arn:aws-cn:iam::444455556666:user/jo", "AIDAOTHER");
    let stranger = kube_iam_standin::Key::long_term("AKIASTRANGER", "s", other);
    let (standin, _) = at_noon(Settings { keys: vec![stranger.clone()], ..Settings::default() }).await;
    standin.add_cluster(prod());
    let found = async |signer: Signer| send(&standin, &signer.signed("GET", "", "")).await;
    let path = "/clusters/prod";
    let elsewhere =
        Signer { host: "eks.us-east-1.amazonaws.com".to_owned(), region: "us-east-1".to_owned(), ..signer(path) };
    let theirs = Signer { access_key_id: stranger.access_key_id, secret: stranger.secret_access_key, ..signer(path) };
    for signer in [elsewhere, theirs.clone(), signer("/clusters/Prod")] {
        let name = signer.path.trim_start_matches("/clusters/").to_owned();
        let message = format!("No cluster found for name: {name}.");
        assert_refused(&found(signer).await, 404, "ResourceNotFoundException", &message);
    }
    let local = Signer { host: "127.0.0.1:4711".to_owned(), ..signer(path) };
    assert_eq!(found(local).await.status, 200);
    standin.add_cluster(Cluster::creating("prod", REGION, "444455556666"));
    let arn = "arn:aws-cn:eks:eu-west-1:444455556666:cluster/prod";
    assert_eq!(found(theirs).await.json()["cluster"]["arn"], arn);
}

#[tokio::test]
async fn who_may_not_describe_it_is_told_so() {
    let standin = standin().await;
    standin.add_cluster(Cluster { readers: Trust::Principals(Vec::new()), ..prod() });
    let told = send(&standin, &describe("prod")).await;
    let message = format!(
        "User: {USER} is not authorized to perform: eks:DescribeCluster on resource: \
         arn:aws:eks:{REGION}:{ACCOUNT}:cluster/prod"
    );
    assert_refused(&told, 403, "AccessDeniedException", &message);
    assert_eq!(standin.calls()[0].outcome, Outcome::Refused("AccessDeniedException"));
}

#[tokio::test]
async fn a_signature_for_another_service_region_or_path_is_refused() {
    let standin = standin().await;
    let path = "/clusters/prod";
    let sts = Signer { service: "sts".to_owned(), ..signer(path) };
    let elsewhere = Signer { region: "us-east-1".to_owned(), ..signer(path) };
    let forged = Signer { secret: "not the secret".to_owned(), ..signer(path) };
    let unknown = Signer { access_key_id: "AKIAUNKNOWN".to_owned(), ..signer(path) };
    let refused = |signer: Signer| signer.signed("GET", "", "");
    for (asked, status, code, message) in [
        (refused(sts), 403, "InvalidSignatureException", "correct service: 'eks'"),
        (refused(elsewhere), 403, "InvalidSignatureException", "valid region"),
        (refused(forged), 403, "InvalidSignatureException", "does not match"),
        (describe("other").replacing("other", "prod"), 403, "InvalidSignatureException", "does not match"),
        (refused(unknown), 403, "UnrecognizedClientException", "is invalid"),
        (Asked::get(path, "eks.eu-west-1.amazonaws.com"), 403, "MissingAuthenticationTokenException", "is missing"),
        (describe("prod").with(&[("authorization", "Bearer a")]), 400, "IncompleteSignatureException", "algorithm"),
        (describe("prod/updates"), 404, "UnknownOperationException", "Unknown"),
    ] {
        let told = send(&standin, &asked).await;
        assert_refused(&told, status, code, message);
    }
    // A key of EKS's is none of STS's.
    let identity = Signer { service: "eks".to_owned(), ..Signer::new(&key(), noon()) }.token("prod");
    assert_eq!(send(&standin, &identity).await.refusal(), (403, "SignatureDoesNotMatch"));
}

#[tokio::test]
async fn faults_are_in_the_words_of_eks() {
    let standin = standin().await;
    for (fault, status, code) in [
        (Fault::Throttling, 400, "ThrottlingException"),
        (Fault::Status(500), 500, "ServerException"),
        (Fault::Status(503), 503, "ServiceUnavailableException"),
    ] {
        standin.inject(fault, Times::Next(1));
        assert_refused(&send(&standin, &describe("prod")).await, status, code, "");
    }
    assert_eq!(send(&standin, &describe("prod")).await.status, 200);
}
