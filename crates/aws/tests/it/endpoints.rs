//! Which STS endpoint is asked, and which one a token names.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kube_iam_core::secret::Token;
use kube_iam_standin::Settings;

use crate::child::Asked;
use crate::world::{World, role, session};

fn host(token: &Token) -> String {
    let encoded = token.expose().strip_prefix("k8s-aws-v1.").unwrap();
    let url = String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).unwrap()).unwrap();
    url.split_once("/?").unwrap().0.to_owned()
}

async fn world() -> World {
    let mut world = World::with(Settings { roles: vec![role("one")], ..Settings::default() }).await;
    world.user();
    world
}

fn with_role() -> Asked {
    Asked { role: Some(role("one").arn), session_name: Some("ses".to_owned()), ..Asked::default() }
}

/// Makes a token with a role: the host that AssumeRole went to and the one in the token.
async fn hosts(world: &World, asked: Asked) -> (String, String) {
    let made = world.ask(&asked).await.made();
    (world.standin.calls().last().unwrap().host.clone(), host(&made.token))
}

#[tokio::test]
async fn flag_before_variables_before_profile() {
    let mut world = world().await;
    world.config("[default]\nregion = us-west-1\n");
    let told = |region: &str| (format!("sts.{region}.amazonaws.com"), format!("https://sts.{region}.amazonaws.com"));
    world.set("AWS_DEFAULT_REGION", "eu-central-1");
    let flag = Asked { region: Some("ca-central-1".to_owned()), ..with_role() };
    assert_eq!(hosts(&world, flag).await, told("ca-central-1"));
    assert_eq!(hosts(&world, with_role()).await, told("eu-west-1"));
    assert_eq!(hosts(world.unset("AWS_REGION"), with_role()).await, told("eu-central-1"));
    assert_eq!(hosts(world.unset("AWS_DEFAULT_REGION"), with_role()).await, told("us-west-1"));
}

#[tokio::test]
async fn the_form_of_the_endpoint_holds_for_both() {
    let mut world = world().await;
    let told = |host: &str| (host.to_owned(), format!("https://{host}"));
    world.set("AWS_USE_FIPS_ENDPOINT", "true").set("AWS_REGION", "us-east-2");
    assert_eq!(hosts(&world, with_role()).await, told("sts-fips.us-east-2.amazonaws.com"));
    world.unset("AWS_USE_FIPS_ENDPOINT");
    world.config("[default]\nuse_dualstack_endpoint = true\n");
    assert_eq!(hosts(&world, with_role()).await, told("sts.us-east-2.api.aws"));
    world.config("");
    world.set("AWS_REGION", "aws-global");
    assert_eq!(hosts(&world, with_role()).await, told("sts.amazonaws.com"));
}

#[tokio::test]
async fn a_switch_that_is_neither_on_nor_off_is_refused() {
    let mut world = world().await;
    for value in ["1", "maybe"] {
        let failed = world.set("AWS_USE_FIPS_ENDPOINT", value).ask(&with_role()).await.failed();
        assert_eq!(failed.error, "`AWS_USE_FIPS_ENDPOINT` must be `true` or `false`", "{value}");
    }
    for value in ["TRUE", "false"] {
        world.set("AWS_USE_FIPS_ENDPOINT", value).ask(&with_role()).await.made();
    }
    world.unset("AWS_USE_FIPS_ENDPOINT").config("[default]\nuse_dualstack_endpoint = on\n");
    assert_eq!(world.ask(&with_role()).await.failed().error, "`use_dualstack_endpoint` must be `true` or `false`");
}

#[tokio::test]
async fn a_configured_endpoint_holds_for_both() {
    let mut world = world().await;
    let local = format!("https://localhost:{}", world.standin.address().port());
    // The proxy would refuse this host: connections to this machine go around it.
    world.set("AWS_ENDPOINT_URL", "https://unused.invalid").set("AWS_ENDPOINT_URL_STS", &local);
    let (asked, token) = hosts(&world, with_role()).await;
    assert_eq!((format!("https://{asked}"), token), (local.clone(), local.clone()));

    world.unset("AWS_ENDPOINT_URL").unset("AWS_ENDPOINT_URL_STS");
    world.config(&format!("[default]\nservices = here\n[services here]\nsts =\n  endpoint_url = {local}\n"));
    assert_eq!(hosts(&world, with_role()).await.1, local);
    world.set("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
    assert_eq!(hosts(&world, with_role()).await.1, "https://sts.eu-west-1.amazonaws.com");

    world.unset("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS").set("AWS_ENDPOINT_URL_STS", "localhost");
    let failed = world.mint().await.failed();
    assert_eq!(failed.hint, "run `unset AWS_ENDPOINT_URL AWS_ENDPOINT_URL_STS`");
}

#[tokio::test]
async fn a_region_that_is_none_is_refused() {
    let world = world().await;
    let failed = world.ask(&Asked { region: Some("eu west".to_owned()), ..Asked::default() }).await.failed();
    assert_eq!(failed.causes, ["`eu west` is not the name of an AWS region"]);
    assert_eq!(failed.hint, "give another region with `--region`");
}

#[tokio::test]
async fn other_partitions_have_their_own_hosts() {
    let world = world().await;
    let china = Asked { region: Some("cn-north-1".to_owned()), ..Asked::default() };
    assert_eq!(host(&world.ask(&china).await.made().token), "https://sts.cn-north-1.amazonaws.com.cn");
}

#[tokio::test]
async fn the_token_of_a_role_is_the_role_s() {
    let world = world().await;
    let made = world.ask(&with_role()).await.made();
    assert_eq!(world.caller_of(&made.token).await, session("one", "ses"));
    assert_eq!(world.actions(), ["AssumeRole", "GetCallerIdentity"], "the role is assumed once");
}
