//! Clusters of EKS: found, not found, and logged in to.

mod endpoints;
mod failures;

use jiff::Timestamp;
use kube_iam_aws::eks::{AuthenticationMode, Cluster, EksError};
use kube_iam_aws::environment::Environment;
use kube_iam_aws::error::CredentialError;
use kube_iam_aws::mfa::{MfaPrompt, NobodyToAsk};
use kube_iam_aws::session::Session;
use kube_iam_core::partition::{Partition, StsHosts};
use kube_iam_core::ports::Sts as _;
use kube_iam_core::sts::conclude;
use kube_iam_core::token::{TokenPolicy, check};
use kube_iam_standin as standin;
use kube_iam_standin::{Service, Settings};

use crate::world::{USER, World};

pub(crate) const REGION: &str = "eu-west-1";
const ENDPOINT: &str = "https://prod.example.com";

/// Nobody at any terminal.
pub(crate) struct Nobody;

impl MfaPrompt for Nobody {
    fn ask(&self, _: &str) -> Result<String, NobodyToAsk> {
        Err(NobodyToAsk("this is a test".to_owned()))
    }
}

/// An AWS with the cluster `prod`, and `new`, which is being created; the user's keys are in the environment.
pub(crate) async fn world() -> World {
    let mut world = World::with(Settings::default()).await;
    world.user();
    let cluster = |name: &str| standin::Cluster::creating(name, REGION, "111122223333");
    world.standin.add_cluster(cluster("prod").active(ENDPOINT, world.standin.ca_pem()));
    world.standin.add_cluster(cluster("new"));
    world
}

/// Keys of the environment and of files need nothing of the process, so that these tests need no child.
pub(crate) fn environment(world: &World) -> Environment {
    Environment::from_variables(world.variables.clone())
}

pub(crate) async fn open(environment: &Environment) -> Result<Session<'_>, CredentialError> {
    Session::open(environment, None, Timestamp::now(), &Nobody).await
}

pub(crate) async fn describe(world: &World, name: &str) -> Result<Cluster, EksError> {
    let environment = environment(world);
    open(&environment).await.unwrap().describe_cluster(name, Timestamp::now()).await
}

#[tokio::test]
async fn a_cluster_is_found_and_logged_in_to() {
    let world = world().await;
    let environment = environment(&world);
    let session = open(&environment).await.unwrap();
    let cluster = session.describe_cluster("prod", Timestamp::now()).await.unwrap();
    assert_eq!(cluster.arn, "arn:aws:eks:eu-west-1:111122223333:cluster/prod");
    assert_eq!((cluster.status.as_str(), cluster.version.as_deref()), ("ACTIVE", Some("1.35")));
    assert_eq!(cluster.authentication_mode, Some(AuthenticationMode::ApiAndConfigMap));
    assert_eq!(cluster.creator_is_admin, Some(true));
    let access = cluster.access().unwrap();
    assert_eq!((access.endpoint, access.certificate_authority), (ENDPOINT, world.standin.ca_pem()));

    let (token, _) = session.token(access.token_id, Timestamp::now()).unwrap();
    let policy = TokenPolicy { hosts: StsHosts::of(Partition::Aws), cluster_id: access.token_id.clone() };
    let request = check(&token, &policy, Timestamp::now()).unwrap();
    let identity = conclude(&request, Partition::Aws, world.client().call(&request).await).unwrap();
    assert_eq!(identity.arn.to_string(), USER);

    let call = &world.standin.calls()[0];
    assert_eq!((call.service, call.action.as_str()), (Service::Eks, "DescribeCluster"));
    assert_eq!(call.host, "eks.eu-west-1.amazonaws.com");
    assert!(call.user_agent.as_ref().unwrap().starts_with("kube-iam/"), "{:?}", call.user_agent);
    assert!(!call.header_names.contains(&"x-amz-security-token".to_owned()));
}

#[tokio::test]
async fn the_caller_is_told_with_a_session_token_too() {
    let mut world = world().await;
    let principal = standin::Principal::new("arn:aws:sts::111122223333:assumed-role/Admin/jo", "AROAADMIN:jo");
    let mut key = standin::Key::long_term("ASIAIOSFODNN7EXAMPLE", "a secret", principal);
    key.session_token = Some("a/session+token==".to_owned());
    world.standin.add_key(key);
    world
        .set("AWS_ACCESS_KEY_ID", "ASIAIOSFODNN7EXAMPLE")
        .set("AWS_SECRET_ACCESS_KEY", "a secret")
        .set("AWS_SESSION_TOKEN", "a/session+token==");
    let environment = environment(&world);
    let session = open(&environment).await.unwrap();
    let caller = session.caller().await.unwrap();
    assert_eq!(caller.arn, "arn:aws:sts::111122223333:assumed-role/Admin/jo");
    assert_eq!((caller.account.as_str(), caller.user_id.as_str()), ("111122223333", "AROAADMIN:jo"));
    assert_eq!(session.describe_cluster("prod", Timestamp::now()).await.unwrap().name, "prod");
}

#[tokio::test]
async fn the_keys_of_a_profile_are_used() {
    let mut world = world().await;
    world.config("");
    world.unset("AWS_ACCESS_KEY_ID").unset("AWS_SECRET_ACCESS_KEY").set("AWS_PROFILE", "base");
    assert_eq!(describe(&world, "prod").await.unwrap().name, "prod");
}

#[tokio::test]
async fn a_cluster_that_is_being_created_is_told_and_gives_no_access() {
    let world = world().await;
    let cluster = describe(&world, "new").await.unwrap();
    assert_eq!((cluster.status.as_str(), &cluster.endpoint), ("CREATING", &None));
    let error = cluster.access().unwrap_err();
    assert_eq!(error.to_string(), "EKS cluster `new` has no API server to connect to: its status is `CREATING`");
    assert_eq!(error.hint().unwrap(), "run `aws eks wait cluster-active --name new --region eu-west-1` first");
}

#[tokio::test]
async fn a_cluster_of_another_kind_is_told_apart() {
    let world = world().await;
    let cluster =
        || standin::Cluster::creating("other", REGION, "111122223333").active(ENDPOINT, world.standin.ca_pem());
    world.standin.add_cluster(standin::Cluster { connected: true, ..cluster() });
    let error = describe(&world, "other").await.unwrap().access().unwrap_err();
    assert_eq!(error.to_string(), "cluster `other` is not run by EKS, only registered there");
    world.standin.add_cluster(standin::Cluster { outpost_id: Some("0123-abcd".to_owned()), ..cluster() });
    let found = describe(&world, "other").await.unwrap();
    assert_eq!(found.access().unwrap().token_id.as_str(), "0123-abcd");
}
