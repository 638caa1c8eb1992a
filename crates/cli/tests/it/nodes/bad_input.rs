//! What can't be: stacks, node groups, roles and permissions that are not there.

use std::fmt::Write as _;

use kube_iam_standin::{Cluster, Fault, InstanceProfile, Nodegroup, Stack, Times};

use super::{ACCOUNT, OTHER_ROLE, PROFILE, REGION, ROLE, account, run_alone};
use crate::aws::Aws;
use crate::process::{Finished, finish, kube_iam};

/// What a command said, and how it ended.
fn said(line: &str, ended: &Finished) -> String {
    format!("$ {line}\n{}exit {}\n", ended.stderr, ended.code.unwrap())
}

async fn all(aws: &Aws, lines: &[&str]) -> String {
    let mut text = String::new();
    for line in lines {
        let ended = run_alone(aws, &format!("nodes apply {line} --print")).await;
        let _ = write!(text, "{}", said(line, &ended));
    }
    text
}

#[tokio::test]
async fn what_is_not_there_is_named_with_the_way_to_see_what_is() {
    let aws = account().await;
    aws.standin.add_cluster(Cluster::creating("web", REGION, ACCOUNT));
    aws.standin.add_nodegroup(Nodegroup { role_arn: None, ..Nodegroup::new("bare", "web", REGION, ACCOUNT, "") });
    aws.standin.add_stack(Stack::new("profile", REGION, ACCOUNT).with_output("NodeInstanceRole", PROFILE));
    let empty = "arn:aws:iam::111122223333:instance-profile/empty";
    aws.standin.add_profile(InstanceProfile { arn: empty.to_owned(), role_arn: None });
    let text = all(
        &aws,
        &[
            "--stack none",
            "--stack my-nodes --stack none",
            "--stack my-nodes --region eu-west-1",
            "--stack my-network",
            "--stack empty",
            "--stack odd",
            "--stack profile",
            "--stack a_b",
            "--all-stacks --region eu-west-1",
            "--nodegroup ng --cluster web",
            "--nodegroup ng --cluster none",
            "--nodegroup bare --cluster web",
            "--nodegroup a/b --cluster web",
            "--role-arn arn:aws:iam::111122223333:role/none",
            "--role-arn arn:aws:iam::111122223333:instance-profile/none",
            "--role-arn arn:aws:iam::111122223333:instance-profile/empty",
            "--role-arn arn:aws:iam::444455556666:instance-profile/nodes",
            "--role-arn arn:aws-cn:iam::111122223333:role/n --region us-east-1",
            "--stack my-nodes --region cn-north-1",
        ],
    );
    insta::assert_snapshot!(text.await, @"");
}

#[tokio::test]
async fn what_may_not_be_asked_is_refused_or_only_noted() {
    let aws = account().await;
    aws.standin.add_cluster(Cluster::creating("web", REGION, ACCOUNT));
    aws.standin.add_nodegroup(Nodegroup::new("ng", "web", REGION, ACCOUNT, OTHER_ROLE));
    for permission in
        ["cloudformation:DescribeStacks", "eks:DescribeNodegroup", "iam:GetInstanceProfile", "iam:GetRole"]
    {
        aws.standin.deny(permission);
    }
    let profile = format!("--role-arn {PROFILE}");
    let foreign = "--role-arn arn:aws:iam::444455556666:role/nodes";
    let role = format!("--role-arn {ROLE}");
    let mut text =
        all(&aws, &["--stack my-nodes", "--all-stacks", "--nodegroup ng --cluster web", &profile, &role]).await;
    // A role of another account can't be looked up, and the manifest is there all the same.
    aws.standin.allow("iam:GetRole");
    text += &all(&aws, &[foreign]).await;
    insta::assert_snapshot!(text, @"");
}

#[tokio::test]
async fn without_aws_a_role_is_taken_at_its_word_and_nothing_else_is() {
    let aws = account().await;
    let mut text = String::new();
    let profile = format!("--role-arn {PROFILE}");
    let role = format!("--role-arn {ROLE}");
    for line in ["--stack my-nodes", &profile, &role] {
        let mut command = kube_iam();
        command.args(["nodes", "apply", "--print", "--region", REGION]).args(line.split(' '));
        command.env("AWS_EC2_METADATA_DISABLED", "true");
        text += &said(line, &finish(&mut command).await);
    }
    insta::assert_snapshot!(text, @"");
    aws.standin.inject(Fault::Status(503), Times::UntilCleared);
    let down = run_alone(&aws, "nodes apply --print --stack my-nodes").await;
    assert!(down.failure(1).contains("error: the AWS call `DescribeStacks` failed"));
    aws.standin.stop().await;
}
