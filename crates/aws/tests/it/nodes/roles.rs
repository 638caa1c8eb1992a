//! Roles of nodes: of stacks, of node groups and of instance profiles, and each way of not being told.

use std::error::Error as _;

use jiff::Timestamp;
use kube_iam_aws::cloudformation::{StackError, StackRole, StackRoles};
use kube_iam_aws::eks::NodegroupError;
use kube_iam_aws::error::{CredentialError, Trouble};
use kube_iam_aws::iam::IamError;
use kube_iam_aws::limits;
use kube_iam_aws::session::{CallError, Session};
use kube_iam_standin::{Cluster, Fault, Nodegroup, Service, Settings, Stack, Times};

use super::{ACCOUNT, ROLE, settings, world};
use crate::eks::{REGION, environment, open};
use crate::world::{Tripwire, USER, World};

/// Runs `$ask` with a session of `$world`.
macro_rules! with_session {
    ($world:expr, |$session:ident| $ask:expr) => {{
        let environment = environment($world);
        let $session: Session<'_> = open(&environment).await.unwrap();
        $ask
    }};
}

async fn of_stack(world: &World, name: &str) -> Result<Vec<StackRole>, StackError> {
    with_session!(world, |session| session.node_roles_of_stack(name, Timestamp::now()).await)
}

async fn of_all_stacks(world: &World) -> Result<Vec<StackRoles>, StackError> {
    with_session!(world, |session| session.node_roles_of_all_stacks(Timestamp::now()).await)
}

fn stack_role(output: &str) -> StackRole {
    StackRole { output: output.to_owned(), arn: ROLE.to_owned() }
}

#[tokio::test]
async fn a_stack_tells_its_roles() {
    let world = world(settings()).await;
    assert_eq!(of_stack(&world, "nodes").await.unwrap(), [stack_role("NodeInstanceRole")]);
    let call = world.standin.calls().pop().unwrap();
    assert_eq!((call.service, call.action.as_str()), (Service::CloudFormation, "DescribeStacks"));
    assert_eq!(of_stack(&world, "eksctl-prod-nodegroup-a").await.unwrap(), [stack_role("InstanceRoleARN")]);
    let both =
        Stack::new("both", REGION, ACCOUNT).with_output("NodeInstanceRole", ROLE).with_output("InstanceRoleARN", ROLE);
    world.standin.add_stack(both);
    let roles = [stack_role("NodeInstanceRole"), stack_role("InstanceRoleARN")];
    assert_eq!(of_stack(&world, "both").await.unwrap(), roles);
}

#[tokio::test]
async fn a_stack_that_is_missing_or_has_no_role_is_said_so() {
    let world = world(settings()).await;
    let error = of_stack(&world, "none").await.unwrap_err();
    assert_eq!(error.to_string(), "there is no stack `none` in region `eu-west-1`");
    assert!(error.hint().unwrap().contains("`aws cloudformation describe-stacks --region eu-west-1"), "{error:?}");
    let error = of_stack(&world, "network").await.unwrap_err();
    assert!(matches!(&error, StackError::NoRole { outputs, .. } if *outputs == ["VpcId"]), "{error:?}");
    assert!(error.hint().unwrap().contains("`--role-arn`"), "{error:?}");
    assert!(matches!(of_stack(&world, "bare").await, Err(StackError::NoRole { outputs, .. }) if outputs.is_empty()));
    let before = world.standin.call_count();
    for name in ["", "a b", "../x", "é"] {
        assert!(matches!(of_stack(&world, name).await, Err(StackError::Name(_))), "{name}");
    }
    assert_eq!(world.standin.call_count(), before);
}

#[tokio::test]
async fn all_stacks_are_read_page_by_page() {
    let world = world(Settings { page_size: Some(1), ..settings() }).await;
    let with = |stack: &str, output: &str| StackRoles { stack: stack.to_owned(), roles: vec![stack_role(output)] };
    let wanted = [with("nodes", "NodeInstanceRole"), with("eksctl-prod-nodegroup-a", "InstanceRoleARN")];
    assert_eq!(of_all_stacks(&world).await.unwrap(), wanted);
    assert_eq!(world.standin.count_of("DescribeStacks"), 4);
}

#[tokio::test]
async fn pages_have_their_bound_and_not_one_more() {
    let stacks = |number: usize| {
        let stack = |number| Stack::new(format!("s{number}"), REGION, ACCOUNT).with_output("NodeInstanceRole", ROLE);
        Settings { stacks: (0..number).map(stack).collect(), page_size: Some(1), ..Settings::default() }
    };
    let world = world(stacks(limits::PAGES)).await;
    assert_eq!(of_all_stacks(&world).await.unwrap().len(), limits::PAGES);
    world.standin.add_stack(Stack::new("more", REGION, ACCOUNT));
    let error = of_all_stacks(&world).await.unwrap_err();
    assert!(matches!(error, StackError::Call(CallError::TooManyPages { .. })), "{error:?}");

    world.standin.add_cluster(Cluster::creating("prod", REGION, ACCOUNT));
    for number in 0..=limits::PAGES {
        world.standin.add_nodegroup(Nodegroup::new(format!("n{number}"), "prod", REGION, ACCOUNT, ROLE));
    }
    let listed = with_session!(&world, |session| session.nodegroups("prod", Timestamp::now()).await);
    assert!(matches!(listed, Err(NodegroupError::Call(CallError::TooManyPages { .. }))), "{listed:?}");
}

#[tokio::test]
async fn the_mark_of_a_page_has_its_bound() {
    let world = world(settings()).await;
    let answered = |content_type: &str, text: String| {
        let (content_type, bytes) = (content_type.to_owned(), text.into_bytes());
        world.standin.inject(Fault::Body { status: 200, content_type, bytes }, Times::Next(1));
    };
    let stacks = |mark: usize| {
        let mark = "m".repeat(mark);
        format!(
            "<DescribeStacksResponse><DescribeStacksResult><NextToken>{mark}</NextToken></DescribeStacksResult></DescribeStacksResponse>"
        )
    };
    let groups = |mark: usize| format!("{{\"nodegroups\":[],\"nextToken\":\"{}\"}}", "m".repeat(mark));
    // As long as may be is sent back, and refused there.
    for (mark, calls) in [(limits::PAGE_MARK_BYTES, 2), (limits::PAGE_MARK_BYTES + 1, 1)] {
        let before = world.standin.call_count();
        answered("text/xml", stacks(mark));
        assert!(of_all_stacks(&world).await.is_err());
        assert_eq!(world.standin.call_count() - before, calls, "{mark}");
        answered("application/json", groups(mark));
        let listed = with_session!(&world, |session| session.nodegroups("prod", Timestamp::now()).await);
        assert!(listed.is_err());
        assert_eq!(world.standin.call_count() - before, 2 * calls, "{mark}");
    }
}

#[tokio::test]
async fn node_groups_are_listed_and_tell_their_role() {
    let world = world(Settings { page_size: Some(2), ..settings() }).await;
    let names = with_session!(&world, |session| session.nodegroups("prod", Timestamp::now()).await.unwrap());
    assert_eq!((names, world.standin.count_of("ListNodegroups")), (vec!["a".into(), "b".into(), "c".into()], 2));
    let role = async |cluster: &str, nodegroup: &str| {
        with_session!(&world, |session| session.node_role_of_nodegroup(cluster, nodegroup, Timestamp::now()).await)
    };
    assert_eq!(role("prod", "b").await.unwrap(), ROLE);

    let error = role("prod", "none").await.unwrap_err();
    assert_eq!(error.to_string(), "EKS cluster `prod` has no managed node group `none`");
    assert!(error.hint().unwrap().starts_with("the node groups of the cluster are: `a`, `b`, `c`; self-managed nodes"));
    let none = with_session!(&world, |session| session.nodegroups("none", Timestamp::now()).await);
    assert!(matches!(none, Err(NodegroupError::UnknownCluster { .. })), "{none:?}");
    world.standin.deny("eks:ListNodegroups");
    let error = role("prod", "none").await.unwrap_err();
    assert!(error.hint().unwrap().contains("`aws eks list-nodegroups --cluster-name prod --region eu-west-1`"));
    let error = role("none", "a").await.unwrap_err();
    assert_eq!(error.to_string(), "there is no EKS cluster `none` in region `eu-west-1`");
    let nodeless = Nodegroup { role_arn: None, ..Nodegroup::new("d", "prod", REGION, ACCOUNT, "") };
    world.standin.add_nodegroup(nodeless);
    assert!(matches!(role("prod", "d").await, Err(NodegroupError::NoRole { .. })));
    assert!(matches!(role("prod", "../d").await, Err(NodegroupError::Name(_))));
    world.standin.deny("eks:DescribeNodegroup");
    let error = role("prod", "b").await.unwrap_err();
    assert_eq!(error.to_string(), format!("`{USER}` lacks the permission `eks:DescribeNodegroup`"));
}

#[tokio::test]
async fn roles_and_instance_profiles_are_found_by_name() {
    let world = world(settings()).await;
    let role = async |name: &str| with_session!(&world, |session| session.role(name, Timestamp::now()).await);
    let of_profile = async |name: &str| {
        with_session!(&world, |session| session.role_of_instance_profile(name, Timestamp::now()).await)
    };
    assert_eq!(role("NodeRole").await.unwrap().as_str(), ROLE);
    assert_eq!(of_profile("nodes").await.unwrap().as_str(), ROLE);

    let error = role("none").await.unwrap_err();
    assert!(matches!(error, IamError::UnknownRole { .. }), "{error:?}");
    assert_eq!(error.to_string(), "there is no IAM role `none` in the account");
    assert!(error.hint().unwrap().contains("`aws iam list-roles"), "{error:?}");
    assert!(matches!(of_profile("none").await, Err(IamError::UnknownProfile { .. })));
    let error = of_profile("empty").await.unwrap_err();
    assert_eq!(error.to_string(), "instance profile `empty` holds no role");
    assert!(matches!(role("eks/NodeRole").await, Err(IamError::Name(_))));
}

#[tokio::test]
async fn who_may_not_ask_learns_the_permission() {
    let world = world(settings()).await;
    world.standin.deny("cloudformation:DescribeStacks");
    let error = of_stack(&world, "nodes").await.unwrap_err();
    assert_eq!(error.to_string(), format!("`{USER}` lacks the permission `cloudformation:DescribeStacks`"));
    assert_eq!(error.hint().unwrap(), "the caller's policy must allow `cloudformation:DescribeStacks`");
    world.standin.deny("iam:GetRole");
    let error = with_session!(&world, |session| session.role("NodeRole", Timestamp::now()).await.unwrap_err());
    assert_eq!(error.hint().unwrap(), "the caller's policy must allow `iam:GetRole`");
}

#[tokio::test]
async fn keys_that_aws_does_not_accept_are_named() {
    let mut world = world(settings()).await;
    world.set("AWS_SECRET_ACCESS_KEY", "another");
    let error = of_stack(&world, "nodes").await.unwrap_err();
    let rejected = |error: &StackError| {
        matches!(error, StackError::Call(CallError::Credential(CredentialError::KeyRejected { .. })))
    };
    assert!(rejected(&error), "{error:?}");
}

#[tokio::test]
async fn what_passes_is_retried_and_what_stays_is_told() {
    let mut world = world(settings()).await;
    for fault in [Fault::Throttling, Fault::Status(503)] {
        world.standin.inject(fault, Times::Next(1));
    }
    assert!(of_stack(&world, "nodes").await.is_ok());
    assert_eq!(world.standin.call_count(), 3);

    world.standin.inject(Fault::Throttling, Times::UntilCleared);
    let error = of_all_stacks(&world).await.unwrap_err();
    let StackError::Call(throttled @ CallError::Throttled { .. }) = &error else { panic!("{error:?}") };
    assert!(throttled.is_unreachable());
    assert_eq!(error.source().unwrap().to_string(), "Throttling: Rate exceeded");
    assert!(error.hint().unwrap().contains("wait"), "{error:?}");
    world.standin.clear_faults();

    let (content_type, bytes) = ("text/xml".to_owned(), b"<html/>".to_vec());
    world.standin.inject(Fault::Body { status: 200, content_type, bytes }, Times::Next(1));
    let error = of_stack(&world, "nodes").await.unwrap_err();
    assert_eq!(error.to_string(), "CloudFormation gave an answer to `DescribeStacks` that makes no sense");
    assert_eq!(error.source().unwrap().to_string(), "the answer is no `DescribeStacksResponse`");

    world.standin.inject(Fault::HugeBody(limits::STACKS_REPLY_BYTES as u64), Times::Next(1));
    assert!(of_stack(&world, "nodes").await.is_ok());
    world.standin.inject(Fault::HugeBody(limits::STACKS_REPLY_BYTES as u64 + 1), Times::Next(1));
    let error = of_stack(&world, "nodes").await.unwrap_err();
    assert_eq!(error.source().unwrap().to_string(), "the reply is too large");
    for (bytes, fits) in [(limits::IAM_REPLY_BYTES, true), (limits::IAM_REPLY_BYTES + 1, false)] {
        world.standin.inject(Fault::HugeBody(bytes as u64), Times::Next(1));
        let role = with_session!(&world, |session| session.role("NodeRole", Timestamp::now()).await);
        assert_eq!(role.is_ok(), fits, "{bytes}");
    }

    let gone = Tripwire::new().url();
    let error = of_stack(world.set("HTTPS_PROXY", &gone), "nodes").await.unwrap_err();
    let StackError::Call(unreached) = &error else { panic!("{error:?}") };
    assert!(unreached.is_unreachable(), "{error:?}");
    let network = Trouble::Network;
    assert!(matches!(unreached, CallError::Credential(CredentialError::Call { trouble, .. }) if *trouble == network));
}
