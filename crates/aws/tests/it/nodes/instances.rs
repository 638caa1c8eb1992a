//! Instances and the roles in their profiles, and each way of not being told.

use kube_iam_aws::ec2::Ec2Instances;
use kube_iam_aws::limits;
use kube_iam_core::arn::{Arn, InstanceProfileArn};
use kube_iam_core::limits::INSTANCES_PER_CALL;
use kube_iam_core::ports::{AwsFailure, Instance, Instances as _};
use kube_iam_standin::{Ec2Instance, Fault, InstanceProfile, Service, Settings, Times, TokenBucket};

use super::{ACCOUNT, IDS, PROFILE, ROLE, describe, ec2_settings, ids, settings, world};
use crate::eks::REGION;
use crate::world::{Tripwire, USER, World};

async fn role_of(world: &World, profile: &str) -> Result<Option<Arn>, AwsFailure> {
    let profile: InstanceProfileArn = profile.parse().unwrap();
    Ec2Instances::new(ec2_settings(world)).role_of_profile(&profile).await
}

#[tokio::test]
async fn instances_are_described_in_one_call() {
    let world = world(settings()).await;
    let instance = Ec2Instance::running("i-0000000d", "d.internal", REGION, ACCOUNT);
    let bare = Ec2Instance { state: "terminated".to_owned(), private_dns_name: None, ..instance };
    world.standin.add_instance(bare);
    let found = describe(&world, &[IDS[0], "i-0000000d"]).await.unwrap();
    let wanted = [
        Instance {
            id: IDS[0].parse().unwrap(),
            private_dns_name: Some(format!("{}.internal", IDS[0])),
            account: Some(ACCOUNT.parse().unwrap()),
            runs: true,
            profile: Some(PROFILE.parse().unwrap()),
        },
        Instance {
            id: "i-0000000d".parse().unwrap(),
            private_dns_name: None,
            account: Some(ACCOUNT.parse().unwrap()),
            runs: false,
            profile: None,
        },
    ];
    assert_eq!(found, wanted);
    let call = world.standin.calls().pop().unwrap();
    assert_eq!((call.service, call.action.as_str(), call.method.as_str()), (Service::Ec2, "DescribeInstances", "POST"));
    assert_eq!(call.host, "ec2.eu-west-1.amazonaws.com");
    assert!(call.user_agent.unwrap().starts_with("kube-iam/"));
    assert_eq!(world.standin.call_count(), 1);
}

#[tokio::test]
async fn all_pages_are_read() {
    let world = world(Settings { page_size: Some(1), ..settings() }).await;
    assert_eq!(describe(&world, &IDS).await.unwrap().len(), 3);
    assert_eq!(world.standin.count_of("DescribeInstances"), 3);
}

#[tokio::test]
async fn a_call_is_about_one_instance_to_a_hundred() {
    let world = world(Settings::default()).await;
    let names: Vec<String> = (0..=INSTANCES_PER_CALL).map(|number| format!("i-{number:08x}")).collect();
    for name in &names {
        world.standin.add_instance(Ec2Instance::running(name, "n.internal", REGION, ACCOUNT));
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(describe(&world, &[]).await, Ok(Vec::new()));
    assert!(matches!(describe(&world, &names).await, Err(AwsFailure::Refused(_))));
    assert_eq!(world.standin.call_count(), 0);
    assert_eq!(describe(&world, &names[1..]).await.unwrap().len(), INSTANCES_PER_CALL);
}

#[tokio::test]
async fn unknown_instances_are_named() {
    let world = world(settings()).await;
    let unknown = ["i-0000000e", "i-0000000f"];
    let error = describe(&world, &[IDS[0], unknown[0], IDS[1], unknown[1]]).await.unwrap_err();
    assert_eq!(error, AwsFailure::UnknownInstances(ids(&unknown)));
    // A session may bear a name that EC2 would never give.
    let error = describe(&world, &[IDS[0], "i-whatever"]).await.unwrap_err();
    assert_eq!(error, AwsFailure::UnknownInstances(ids(&["i-whatever"])));
}

#[tokio::test]
async fn each_failure_is_told_apart_and_none_is_retried() {
    let world = world(Settings { ec2_bucket: Some(TokenBucket::DOCUMENTED), ..settings() }).await;
    let failing = async |fault| {
        world.standin.inject(fault, Times::Next(1));
        let before = world.standin.call_count();
        let failure = describe(&world, &IDS).await.unwrap_err();
        assert_eq!(world.standin.call_count() - before, 1, "{failure:?}");
        failure
    };
    let body = |status: u16, text: &str| {
        let (content_type, bytes) = ("text/xml".to_owned(), text.as_bytes().to_vec());
        Fault::Body { status, content_type, bytes }
    };
    let throttled = AwsFailure::Throttled("RequestLimitExceeded: Request limit exceeded.".to_owned());
    assert_eq!(failing(Fault::Throttling).await, throttled);
    for fault in [Fault::Status(500), Fault::Status(503), Fault::Reset, Fault::Hang, body(502, "<html>")] {
        let failure = failing(fault.clone()).await;
        assert!(matches!(failure, AwsFailure::Unavailable(_)), "{fault:?}: {failure:?}");
    }
    let elsewhere = Tripwire::new();
    let redirect = Fault::Redirect { status: 307, location: elsewhere.url() };
    let huge = Fault::HugeBody(limits::EC2_REPLY_BYTES as u64 + 1);
    for fault in [redirect, huge, body(200, ""), body(200, "<DescribeInstancesResponse>"), body(200, "{}")] {
        let failure = failing(fault.clone()).await;
        assert!(matches!(failure, AwsFailure::Refused(_)), "{fault:?}: {failure:?}");
    }
    elsewhere.assert_untouched();
    world.standin.inject(Fault::HugeBody(limits::EC2_REPLY_BYTES as u64), Times::Next(1));
    assert!(describe(&world, &IDS).await.is_ok());
    world.standin.deny("ec2:DescribeInstances");
    let AwsFailure::Denied(told) = describe(&world, &IDS).await.unwrap_err() else { panic!() };
    assert!(told.starts_with("UnauthorizedOperation: ") && told.contains(USER), "{told}");
}

#[tokio::test]
async fn an_empty_bucket_throttles() {
    let bucket = TokenBucket { capacity: 1, refill_per_second: 0 };
    let world = world(Settings { ec2_bucket: Some(bucket), ..settings() }).await;
    assert!(describe(&world, &IDS).await.is_ok());
    assert!(matches!(describe(&world, &IDS).await, Err(AwsFailure::Throttled(_))));
}

#[tokio::test]
async fn a_way_that_is_barred_is_unavailable() {
    let mut world = world(settings()).await;
    let gone = Tripwire::new().url();
    assert!(matches!(describe(world.set("HTTPS_PROXY", &gone), &IDS).await, Err(AwsFailure::Unavailable(_))));
    let proxy = format!("http://{}", world.standin.proxy_address());
    world.set("HTTPS_PROXY", &proxy).unset("AWS_CA_BUNDLE");
    assert!(matches!(describe(&world, &IDS).await, Err(AwsFailure::Unavailable(_))));
    let wrong = world.set("HTTPS_PROXY", "ftp://proxy");
    assert!(matches!(describe(wrong, &IDS).await, Err(AwsFailure::Unasked { .. })));
    assert_eq!(world.standin.call_count(), 0);
}

#[tokio::test]
async fn the_role_in_a_profile_is_asked_of_iam() {
    let world = world(settings()).await;
    let role = role_of(&world, PROFILE).await.unwrap().unwrap();
    assert_eq!(role.as_str(), ROLE);
    let call = world.standin.calls().pop().unwrap();
    assert_eq!((call.service, call.action.as_str()), (Service::Iam, "GetInstanceProfile"));
    assert_eq!(call.host, "iam.amazonaws.com");
    assert_eq!(role_of(&world, &PROFILE.replace("nodes", "empty")).await, Ok(None));

    let none = role_of(&world, &PROFILE.replace("nodes", "none")).await;
    let Err(AwsFailure::UnknownProfile(told)) = none else { panic!() };
    assert_eq!(told, "NoSuchEntity: Instance Profile none cannot be found.");
    world.standin.deny("iam:GetInstanceProfile");
    assert!(matches!(role_of(&world, PROFILE).await, Err(AwsFailure::Denied(_))));
}

#[tokio::test]
async fn a_profile_of_the_same_name_elsewhere_has_no_say() {
    let world = world(settings()).await;
    // Of another account, and of another path in the same one: IAM looks by the name alone.
    for other in [PROFILE.replace(ACCOUNT, "444455556666"), PROFILE.replace("eks/", "")] {
        world.standin.add_profile(InstanceProfile::new(PROFILE, ROLE));
        let Err(AwsFailure::UnknownProfile(told)) = role_of(&world, &other).await else { panic!() };
        assert_eq!(told, format!("IAM knows no instance profile `{other}`, only `{PROFILE}`"));
    }
}
