//! Each way of not being told about a cluster.

use std::error::Error as _;

use jiff::{SignedDuration, Timestamp};
use kube_iam_aws::eks::EksError;
use kube_iam_aws::error::{CredentialError, Trouble};
use kube_iam_aws::limits;
use kube_iam_aws::session::CallError;
use kube_iam_standin::{Cluster, Fault, Key, Principal, Times, Trust};

use super::{REGION, describe, environment, open, world};
use crate::world::{KEY, SECRET, Tripwire, USER, World};

fn cause(error: &EksError) -> String {
    error.source().map(ToString::to_string).unwrap_or_default()
}

/// The failure of a call that was answered with something else than a cluster, or not at all.
async fn call(world: &World) -> (Trouble, String) {
    match describe(world, "prod").await.unwrap_err() {
        EksError::Call(CallError::Credential(CredentialError::Call { action: "DescribeCluster", trouble, source })) => {
            (trouble, source.to_string())
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_unknown_cluster_names_the_region() {
    let world = world().await;
    let error = describe(&world, "none").await.unwrap_err();
    assert_eq!(error.to_string(), "there is no EKS cluster `none` in region `eu-west-1`");
    let hint = error.hint().unwrap();
    assert!(hint.contains("`aws eks list-clusters --region eu-west-1`") && hint.contains("`--region`"), "{hint}");
    assert_eq!(world.standin.call_count(), 1);
}

#[tokio::test]
async fn a_name_that_is_none_is_never_sent() {
    let world = world().await;
    for name in ["", "../prod", "prod/updates", "pröd", "prod?x=1", &"a".repeat(101)] {
        let error = describe(&world, name).await.unwrap_err();
        assert!(matches!(error, EksError::Name(_)), "{error:?}");
    }
    assert_eq!(world.standin.call_count(), 0);
    // As long as may be is asked for.
    assert!(matches!(describe(&world, &"a".repeat(100)).await, Err(EksError::NotFound { .. })));
}

#[tokio::test]
async fn who_may_not_describe_it_learns_the_permission() {
    let world = world().await;
    let cluster = Cluster::creating("prod", REGION, "111122223333");
    world.standin.add_cluster(Cluster { readers: Trust::Principals(Vec::new()), ..cluster });
    let error = describe(&world, "prod").await.unwrap_err();
    assert_eq!(error.to_string(), format!("`{USER}` may not describe EKS cluster `prod`"));
    assert!(cause(&error).contains("is not authorized to perform: eks:DescribeCluster"), "{}", cause(&error));
    assert!(error.hint().unwrap().contains("`eks:DescribeCluster`"), "{error:?}");
}

#[tokio::test]
async fn keys_that_aws_does_not_accept_are_named() {
    let mut world = world().await;
    let rejected = async |world: &World, said: &str| {
        let error = describe(world, "prod").await.unwrap_err();
        assert!(
            matches!(&error, EksError::Call(CallError::Credential(CredentialError::KeyRejected { .. }))),
            "{error:?}"
        );
        assert!(error.to_string().contains("from the environment"), "{error}");
        assert!(cause(&error).contains(said), "{}", cause(&error));
        assert_eq!(error.hint().unwrap(), "try `aws sts get-caller-identity`");
    };
    rejected(world.set("AWS_SECRET_ACCESS_KEY", "another"), "InvalidSignatureException").await;
    rejected(world.set("AWS_ACCESS_KEY_ID", "AKIAUNKNOWN"), "UnrecognizedClientException").await;

    let ended = Key { expires: Some(Timestamp::now()), ..Key::long_term(KEY, SECRET, Principal::new(USER, "AIDA")) };
    world.standin.add_key(ended);
    let error = describe(world.user(), "prod").await.unwrap_err();
    assert!(matches!(error, EksError::Call(CallError::Credential(CredentialError::Expired { .. }))), "{error:?}");
    assert!(error.hint().unwrap().contains("export new ones"), "{error:?}");
}

#[tokio::test]
async fn a_key_that_no_header_can_carry_is_an_error() {
    let mut world = world().await;
    world.set("AWS_SESSION_TOKEN", "two\nlines");
    let error = describe(&world, "prod").await.unwrap_err();
    assert!(matches!(error, EksError::Call(CallError::Sign { .. })), "{error:?}");
    assert!(!format!("{error:?}").contains("lines"), "{error:?}");
}

#[tokio::test]
async fn without_credentials_there_is_no_session() {
    let mut world = world().await;
    world.unset("AWS_ACCESS_KEY_ID");
    let environment = environment(&world);
    let error = open(&environment).await.map(|_| ()).unwrap_err();
    assert!(matches!(error, CredentialError::HalfKey { .. }), "{error:?}");
}

#[tokio::test]
async fn credentials_about_to_end_give_no_token() {
    let mut world = world().await;
    let end = Timestamp::now() + SignedDuration::from_secs(50);
    world.set("AWS_CREDENTIAL_EXPIRATION", &end.to_string());
    let environment = environment(&world);
    let token = open(&environment).await.unwrap().token(&"prod".parse().unwrap(), Timestamp::now());
    assert!(matches!(token, Err(CredentialError::Expired { .. })));
}

#[tokio::test]
async fn what_passes_is_retried() {
    let world = world().await;
    for faults in [[Fault::Status(503), Fault::Throttling], [Fault::Reset, Fault::Status(500)]] {
        let before = world.standin.call_count();
        for fault in faults {
            world.standin.inject(fault, Times::Next(1));
        }
        describe(&world, "prod").await.unwrap();
        assert_eq!(world.standin.call_count() - before, 3);
    }
}

#[tokio::test]
async fn an_eks_that_never_answers_is_asked_anew() {
    let world = world().await;
    world.standin.inject(Fault::Hang, Times::Next(1));
    describe(&world, "prod").await.unwrap();
}

#[tokio::test]
async fn what_does_not_pass_is_given_up() {
    let world = world().await;
    let attempts = u64::from(limits::CALL_ATTEMPTS);
    world.standin.inject(Fault::Throttling, Times::UntilCleared);
    let error = describe(&world, "prod").await.unwrap_err();
    assert!(matches!(error, EksError::Call(CallError::Throttled { .. })), "{error:?}");
    assert_eq!(cause(&error), "ThrottlingException: Rate exceeded");
    assert!(error.hint().unwrap().contains("wait"), "{error:?}");
    assert_eq!(world.standin.call_count(), attempts);
    world.standin.clear_faults();

    world.standin.inject(Fault::Status(500), Times::UntilCleared);
    let (trouble, source) = call(&world).await;
    assert_eq!(trouble, Trouble::Answer);
    assert!(source.starts_with("ServerException: "), "{source}");
    assert_eq!(world.standin.call_count(), 2 * attempts);
}

#[tokio::test]
async fn a_reply_may_have_its_bound_and_not_a_byte_more() {
    let world = world().await;
    let bound = limits::EKS_REPLY_BYTES as u64;
    world.standin.inject(Fault::HugeBody(bound), Times::Next(1));
    describe(&world, "prod").await.unwrap();
    world.standin.inject(Fault::HugeBody(bound + 1), Times::Next(1));
    assert_eq!(call(&world).await, (Trouble::Answer, "the reply is too large".to_owned()));
    assert_eq!(world.standin.call_count(), 2, "it is not asked for again");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let world = world().await;
    let elsewhere = Tripwire::new();
    let location = elsewhere.url();
    world.standin.inject(Fault::Redirect { status: 307, location }, Times::Next(1));
    assert_eq!(call(&world).await, (Trouble::Answer, "status 307".to_owned()));
    elsewhere.assert_untouched();
}

#[tokio::test]
async fn an_answer_without_sense_is_said_so() {
    let world = world().await;
    for body in ["", "<html/>", "{\"cluster\":", "{\"cluster\":{\"name\":\"prod\"}}", "null"] {
        let (content_type, bytes) = ("application/json".to_owned(), body.as_bytes().to_vec());
        world.standin.inject(Fault::Body { status: 200, content_type, bytes }, Times::Next(1));
        let error = describe(&world, "prod").await.unwrap_err();
        assert!(matches!(error, EksError::Call(CallError::Answer { .. })), "{body}: {error:?}");
    }
}

#[tokio::test]
async fn a_way_that_is_barred_or_not_trusted_is_told_apart() {
    let mut world = world().await;
    let gone = Tripwire::new().url();
    let (trouble, _) = call(world.set("HTTPS_PROXY", &gone)).await;
    assert_eq!(trouble, Trouble::Network);
    let proxy = format!("http://{}", world.standin.proxy_address());
    world.set("HTTPS_PROXY", &proxy).unset("AWS_CA_BUNDLE");
    let (trouble, _) = call(&world).await;
    assert_eq!(trouble, Trouble::Certificate);
    let error = describe(world.set("HTTPS_PROXY", "ftp://proxy"), "prod").await.unwrap_err();
    assert!(matches!(error, EksError::Call(CallError::Credential(CredentialError::Proxy(_)))), "{error:?}");
    assert_eq!(world.standin.call_count(), 0);
}
