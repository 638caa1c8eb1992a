//! Which region and which endpoint of EC2, IAM and CloudFormation is asked.

use jiff::Timestamp;
use kube_iam_aws::ec2::{Ec2Instances, Ec2Settings};
use kube_iam_core::ports::{AwsFailure, Instances as _};
use kube_iam_standin::{Ec2Instance, Role, Stack};

use super::{ACCOUNT, IDS, PROFILE, describe, ec2_settings, ids, settings, world};
use crate::eks::{environment, open};
use crate::world::World;

/// The hosts asked for an instance, a profile's role, a role and all stacks.
async fn asked(world: &World) -> [String; 4] {
    let client = Ec2Instances::new(ec2_settings(world));
    let environment = environment(world);
    let session = open(&environment).await.unwrap();
    let before = world.standin.call_count();
    client.describe(&ids(&IDS[..1])).await.unwrap();
    client.role_of_profile(&PROFILE.parse().unwrap()).await.unwrap();
    session.role("NodeRole", Timestamp::now()).await.unwrap();
    session.node_roles_of_all_stacks(Timestamp::now()).await.unwrap();
    let hosts: Vec<String> = world.standin.calls_since(before).into_iter().map(|call| call.host).collect();
    hosts.try_into().unwrap()
}

#[tokio::test]
async fn the_form_of_the_endpoints_is_as_asked_for() {
    let mut world = world(settings()).await;
    let iam = "iam.amazonaws.com";
    assert_eq!(
        asked(&world).await,
        ["ec2.eu-west-1.amazonaws.com", iam, iam, "cloudformation.eu-west-1.amazonaws.com"]
    );
    world.set("AWS_USE_FIPS_ENDPOINT", "true");
    let iam = "iam-fips.amazonaws.com";
    assert_eq!(
        asked(&world).await,
        ["ec2-fips.eu-west-1.amazonaws.com", iam, iam, "cloudformation-fips.eu-west-1.amazonaws.com"]
    );
    world.unset("AWS_USE_FIPS_ENDPOINT").config("[default]\nuse_dualstack_endpoint = true\n");
    let iam = "iam.global.api.aws";
    assert_eq!(asked(&world).await, ["ec2.eu-west-1.api.aws", iam, iam, "cloudformation.eu-west-1.api.aws"]);
}

#[tokio::test]
async fn iam_is_asked_in_the_home_of_its_partition() {
    for (region, host) in [
        ("cn-northwest-1", "iam.cn-north-1.amazonaws.com.cn"),
        ("us-gov-east-1", "iam.us-gov.amazonaws.com"),
        ("eusc-de-east-1", "iam.eusc-de-east-1.amazonaws.eu"),
    ] {
        let mut settings = settings();
        settings.stacks = vec![Stack::new("s", region, ACCOUNT)];
        settings.instances = vec![Ec2Instance::running(IDS[0], "a.internal", region, ACCOUNT)];
        let mut world = world(settings).await;
        let [ec2, profile, role, _] = asked(world.set("AWS_REGION", region)).await;
        assert!(ec2.starts_with(&format!("ec2.{region}.")), "{ec2}");
        assert_eq!((profile.as_str(), role.as_str()), (host, host));
    }
}

#[tokio::test]
async fn configured_endpoints_are_used_as_they_are() {
    let mut world = world(settings()).await;
    let local = format!("localhost:{}", world.standin.address().port());
    let url = format!("https://{local}/");
    world.set("AWS_ENDPOINT_URL", &url);
    assert_eq!(asked(&world).await, [&*local, &*local, &*local, &*local]);
    world
        .set("AWS_ENDPOINT_URL", "https://unused.invalid")
        .set("AWS_ENDPOINT_URL_EC2", &url)
        .set("AWS_ENDPOINT_URL_IAM", &url)
        .set("AWS_ENDPOINT_URL_CLOUDFORMATION", &url);
    assert_eq!(asked(&world).await, [&*local, &*local, &*local, &*local]);

    world.set("AWS_ENDPOINT_URL_EC2", "localhost").set("AWS_ENDPOINT_URL_IAM", "localhost");
    let Err(AwsFailure::Unasked { told, passing: false }) = describe(&world, &IDS).await else { panic!() };
    assert_eq!(told, "the endpoint `localhost` is not an http or https URL");
    let environment = environment(&world);
    let error = open(&environment).await.unwrap().role("r", Timestamp::now()).await.unwrap_err();
    assert_eq!(error.to_string(), "could not tell which IAM endpoint to use");
    assert_eq!(error.hint().unwrap(), "run `unset AWS_ENDPOINT_URL AWS_ENDPOINT_URL_IAM`");
}

#[tokio::test]
async fn the_region_is_that_of_the_settings_the_environment_or_the_profile() {
    let mut settings = settings();
    settings.roles.push(Role::new("arn:aws:iam::111122223333:role/other", "AROAOTHER"));
    for (id, region) in [("i-0000000d", "us-west-1"), ("i-0000000e", "us-west-2")] {
        settings.instances.push(Ec2Instance::running(id, "n.internal", region, ACCOUNT));
    }
    let mut world = world(settings).await;
    world.config("[default]\nregion = us-west-1\n");
    let set = Ec2Settings { region: Some("us-west-2".to_owned()), ..ec2_settings(&world) };
    assert!(Ec2Instances::new(set).describe(&ids(&["i-0000000e"])).await.is_ok());
    assert!(describe(&world, &IDS).await.is_ok());
    world.unset("AWS_REGION");
    assert!(describe(&world, &["i-0000000d"]).await.is_ok());
    world.config("");
    let Err(AwsFailure::Unasked { told, passing: true }) = describe(&world, &IDS).await else { panic!() };
    assert!(told.starts_with("found no AWS region"), "{told}");
}
