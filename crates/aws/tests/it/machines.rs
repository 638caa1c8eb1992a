//! Containers and EC2 instances.

use kube_iam_standin::{Container, Instance, Settings};

use crate::child::Asked;
use crate::world::{Tripwire, World, role, session};

fn settings() -> Settings {
    let instance = Instance {
        instance_id: "i-0123456789abcdef0".to_owned(),
        region: "ap-south-1".to_owned(),
        role_arn: role("node").arn,
    };
    let container = Container {
        role_arn: role("task").arn,
        session_name: "task-1".to_owned(),
        authorization: Some("the-authorization".to_owned()),
    };
    let roles = vec![role("node"), role("task"), role("next")];
    Settings { roles, instance: Some(instance), container: Some(container), ..Settings::default() }
}

async fn world() -> World {
    let mut world = World::with(settings()).await;
    let metadata = format!("http://{}", world.standin.metadata_address());
    world.set("AWS_EC2_METADATA_SERVICE_ENDPOINT", &metadata).unset("AWS_EC2_METADATA_DISABLED");
    world
}

#[tokio::test]
async fn an_instance_gives_credentials_and_region() {
    let mut world = world().await;
    assert_eq!(world.unset("AWS_REGION").caller().await, session("node", "i-0123456789abcdef0"));
    assert_eq!(world.standin.calls().last().unwrap().host, "sts.ap-south-1.amazonaws.com");
}

#[tokio::test]
async fn a_region_that_is_known_is_not_asked_for() {
    let world = world().await;
    world.caller().await;
    assert!(!world.actions().iter().any(|action| action.contains("placement")), "{:?}", world.actions());
}

#[tokio::test]
async fn disabled_metadata_is_left_alone() {
    let mut world = World::new().await;
    let metadata = Tripwire::new();
    world.set("AWS_EC2_METADATA_SERVICE_ENDPOINT", &metadata.url()).unset("AWS_REGION");
    world.mint().await.failed();
    let made = world.user().mint().await.made();
    assert_eq!(made.warnings, ["no AWS region is configured, us-east-1 is used; set `AWS_REGION`"]);
    metadata.assert_untouched();
}

#[tokio::test]
async fn where_nobody_answers_the_wait_is_short_and_the_default_region_is_said() {
    let mut world = World::new().await;
    // Connections are accepted by the kernel and never answered.
    let metadata = Tripwire::new();
    world.set("AWS_EC2_METADATA_SERVICE_ENDPOINT", &metadata.url());
    world.unset("AWS_EC2_METADATA_DISABLED").unset("AWS_REGION");
    let made = world.user().mint().await.made();
    assert_eq!(made.warnings.len(), 1);
    world.unset("AWS_ACCESS_KEY_ID");
    let failed = world.mint().await.failed();
    assert!(failed.error.starts_with("found no AWS credentials"), "{}", failed.error);
}

#[tokio::test]
async fn a_profile_can_build_on_instance_or_container() {
    let mut world = world().await;
    let next = role("next").arn;
    world.config(&format!(
        "[profile node]\nrole_arn = {next}\ncredential_source = Ec2InstanceMetadata\nrole_session_name = from-node\n\
         [profile task]\nrole_arn = {next}\ncredential_source = EcsContainer\nrole_session_name = from-task\n"
    ));
    assert_eq!(world.set("AWS_PROFILE", "node").caller().await, session("next", "from-node"));
    let uri = world.standin.container_credentials_uri();
    world.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", &uri).set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "the-authorization");
    assert_eq!(world.set("AWS_PROFILE", "task").caller().await, session("next", "from-task"));
    let gone = Tripwire::new().url();
    let failed = world.set("AWS_PROFILE", "node").set("AWS_EC2_METADATA_SERVICE_ENDPOINT", &gone).mint().await.failed();
    assert_eq!(failed.error, "instance metadata gave no credentials");
}

#[tokio::test]
async fn a_container_comes_before_the_instance() {
    let mut world = world().await;
    let uri = world.standin.container_credentials_uri();
    world.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", &uri);
    let failed = world.mint().await.failed();
    assert_eq!(failed.error, "the container credentials endpoint gave no credentials");
    world.write("authorization", "the-authorization");
    let file = world.path("authorization").display().to_string();
    assert_eq!(world.set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &file).caller().await, session("task", "task-1"));
}

#[tokio::test]
async fn a_session_name_is_forwarded_from_the_instance() {
    let world = world().await;
    let asked = Asked { role: Some(role("next").arn), forward_session_name: true, ..Asked::default() };
    let made = world.ask(&asked).await.made();
    assert_eq!(world.caller_of(&made.token).await, session("next", "i-0123456789abcdef0"));
}
