//! Which region and which endpoint of EKS is asked.

use jiff::Timestamp;
use kube_iam_aws::eks::EksError;
use kube_iam_aws::session::{CallError, Session};
use kube_iam_standin::Cluster;

use super::{ENDPOINT, Nobody, describe, environment, open, world};
use crate::world::World;

/// Describes `prod`: the host that was asked.
async fn asked(world: &World) -> String {
    describe(world, "prod").await.unwrap();
    world.standin.calls().pop().unwrap().host
}

#[tokio::test]
async fn the_region_is_that_of_the_flag_the_environment_or_the_profile() {
    let mut world = world().await;
    let add = |region: &str| {
        let cluster = Cluster::creating("prod", region, "111122223333");
        world.standin.add_cluster(cluster.active(ENDPOINT, world.standin.ca_pem()));
    };
    add("us-west-1");
    add("cn-north-1");
    world.config("[default]\nregion = us-west-1\n");
    let environment = environment(&world);
    let session = Session::open(&environment, Some("cn-north-1"), Timestamp::now(), &Nobody).await.unwrap();
    assert_eq!(session.describe_cluster("prod", Timestamp::now()).await.unwrap().region, "cn-north-1");
    assert_eq!(world.standin.calls().pop().unwrap().host, "eks.cn-north-1.amazonaws.com.cn");
    assert_eq!(asked(&world).await, "eks.eu-west-1.amazonaws.com");
    world.unset("AWS_REGION");
    assert_eq!(asked(&world).await, "eks.us-west-1.amazonaws.com");
}

#[tokio::test]
async fn without_a_region_nothing_is_asked() {
    let mut world = world().await;
    world.unset("AWS_REGION");
    let environment = environment(&world);
    let error = open(&environment).await.map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "found no AWS region: none in the environment, and profile `default` has none");
    assert!(error.hint().unwrap().contains("`--region`"), "{error:?}");
    assert_eq!(world.standin.call_count(), 0);
}

#[tokio::test]
async fn a_region_that_is_none_is_refused() {
    let mut world = world().await;
    for region in ["eu west", "aws-global", "a.evil.example/"] {
        let error = describe(world.set("AWS_REGION", region), "prod").await.unwrap_err();
        assert_eq!(error.to_string(), "could not tell which EKS endpoint to use");
        assert_eq!(error.hint().unwrap(), "give another region with `--region`");
    }
    assert_eq!(world.standin.proxy_refusals(), [""; 0]);
}

#[tokio::test]
async fn the_form_of_the_endpoint_is_as_asked_for() {
    let mut world = world().await;
    world.set("AWS_USE_FIPS_ENDPOINT", "true");
    assert_eq!(asked(&world).await, "fips.eks.eu-west-1.amazonaws.com");
    world.set("AWS_USE_DUALSTACK_ENDPOINT", "true");
    assert_eq!(asked(&world).await, "eks-fips.eu-west-1.api.aws");
    world.unset("AWS_USE_FIPS_ENDPOINT").unset("AWS_USE_DUALSTACK_ENDPOINT");
    world.config("[default]\nuse_dualstack_endpoint = true\n");
    assert_eq!(asked(&world).await, "eks.eu-west-1.api.aws");
}

#[tokio::test]
async fn a_configured_endpoint_is_used_as_it_is() {
    let mut world = world().await;
    let local = format!("localhost:{}", world.standin.address().port());
    let url = format!("https://{local}/");
    world.set("AWS_ENDPOINT_URL", "https://unused.invalid").set("AWS_ENDPOINT_URL_EKS", &url);
    assert_eq!(asked(&world).await, local);
    world.unset("AWS_ENDPOINT_URL_EKS").set("AWS_ENDPOINT_URL", &url);
    assert_eq!(asked(&world).await, local);
    world.unset("AWS_ENDPOINT_URL");
    world.config(&format!("[default]\nservices = here\n[services here]\neks =\n  endpoint_url = {url}\n"));
    assert_eq!(asked(&world).await, local);
    world.set("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
    assert_eq!(asked(&world).await, "eks.eu-west-1.amazonaws.com");
    world.unset("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS").set("AWS_ENDPOINT_URL_EKS", "localhost");
    let error = describe(&world, "prod").await.unwrap_err();
    assert!(matches!(error, EksError::Call(CallError::Target { .. })), "{error:?}");
    assert_eq!(error.hint().unwrap(), "run `unset AWS_ENDPOINT_URL AWS_ENDPOINT_URL_EKS`");
}
