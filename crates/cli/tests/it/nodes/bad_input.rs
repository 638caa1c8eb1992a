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
    let gone = "arn:aws:iam::111122223333:role/gone";
    aws.standin.add_stack(Stack::new("stale", REGION, ACCOUNT).with_output("NodeInstanceRole", gone));
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
            "--stack stale",
            "--all-stacks",
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
            "--role-arn arn:aws-cn:iam::111122223333:role/n",
            "--role-arn arn:aws-cn:iam::111122223333:instance-profile/nodes",
            "--stack my-nodes --region cn-north-1",
        ],
    );
    insta::assert_snapshot!(text.await, @"
    $ --stack none
    error: there is no stack `none` in region `us-east-1`
    hint: see which there are with `aws cloudformation describe-stacks --region us-east-1 --query 'Stacks[].StackName'`; name another region with `--region`, another account by `AWS_PROFILE`
    exit 1
    $ --stack my-nodes --stack none
    note: output `NodeInstanceRole` of stack `my-nodes` is `arn:aws:iam::111122223333:role/my-team/my-node-role`
    error: there is no stack `none` in region `us-east-1`
    hint: see which there are with `aws cloudformation describe-stacks --region us-east-1 --query 'Stacks[].StackName'`; name another region with `--region`, another account by `AWS_PROFILE`
    exit 1
    $ --stack my-nodes --region eu-west-1
    error: there is no stack `my-nodes` in region `eu-west-1`
    hint: see which there are with `aws cloudformation describe-stacks --region eu-west-1 --query 'Stacks[].StackName'`; name another region with `--region`, another account by `AWS_PROFILE`
    exit 1
    $ --stack my-network
    error: stack `my-network` has neither an output `NodeInstanceRole` nor `InstanceRoleARN`; it has `VpcId`
    hint: name the stack of the nodes, not that of the cluster or its network, or the role itself with `--role-arn`
    exit 1
    $ --stack empty
    error: stack `empty` has neither an output `NodeInstanceRole` nor `InstanceRoleARN`; it has no outputs at all
    hint: name the stack of the nodes, not that of the cluster or its network, or the role itself with `--role-arn`
    exit 1
    $ --stack odd
    error: output `InstanceRoleARN` of stack `odd` holds no role of nodes
    Caused by: `none` is not the ARN of a role or user
    Caused by: an ARN starts with `arn:`
    hint: it looks like `arn:aws:iam::111122223333:role/NAME`; `aws sts get-caller-identity` shows your own
    exit 1
    $ --stack profile
    note: `arn:aws:iam::111122223333:instance-profile/my-team/nodes` is an instance profile; the role in it is `arn:aws:iam::111122223333:role/my-team/my-node-role`
    note: output `NodeInstanceRole` of stack `profile` is `arn:aws:iam::111122223333:role/my-team/my-node-role`
    warning: `kubectl apply` of this replaces the roles that are mapped already, if there are any
    exit 0
    $ --stack stale
    error: output `NodeInstanceRole` of stack `stale` holds no role of nodes
    Caused by: there is no role `gone` in account 111122223333
    hint: see which there are with `aws iam list-roles --query 'Roles[].Arn'`; name another account by `AWS_PROFILE`
    exit 1
    $ --all-stacks
    note: output `NodeInstanceRole` of stack `my-nodes` is `arn:aws:iam::111122223333:role/my-team/my-node-role`
    warning: output `InstanceRoleARN` of stack `odd` is left out: `none` is not the ARN of a role or user: an ARN starts with `arn:`
    note: output `InstanceRoleARN` of stack `eksctl-c-nodegroup-n` is `arn:aws:iam::111122223333:role/other-nodes`
    note: `arn:aws:iam::111122223333:instance-profile/my-team/nodes` is an instance profile; the role in it is `arn:aws:iam::111122223333:role/my-team/my-node-role`
    note: output `NodeInstanceRole` of stack `profile` is `arn:aws:iam::111122223333:role/my-team/my-node-role`
    warning: output `NodeInstanceRole` of stack `stale` is left out: there is no role `gone` in account 111122223333
    warning: `kubectl apply` of this replaces the roles that are mapped already, if there are any
    exit 0
    $ --stack a_b
    error: `a_b` is not the name or ARN of a stack: 1 to 128 letters, digits and `-`, the first a letter
    hint: see which there are with `aws cloudformation describe-stacks --query 'Stacks[].StackName'`
    exit 2
    $ --all-stacks --region eu-west-1
    error: no stack in region `eu-west-1` has the role of nodes as output `NodeInstanceRole` or `InstanceRoleARN`
    hint: name another region with `--region`, another account by `--profile`, or the role itself with `--role-arn`
    exit 1
    $ --nodegroup ng --cluster web
    error: EKS cluster `web` has no managed node group `ng`
    hint: the node groups of the cluster are: `bare`; self-managed nodes are in none: for them name the stack with `--stack`
    exit 1
    $ --nodegroup ng --cluster none
    error: there is no EKS cluster `none` in region `us-east-1`
    hint: see which there are with `aws eks list-clusters --region us-east-1`; name another region with `--region`, another account by `AWS_PROFILE`
    exit 1
    $ --nodegroup bare --cluster web
    error: EKS names no role for node group `bare` of cluster `web`
    hint: name the role with `--role-arn`
    exit 1
    $ --nodegroup a/b --cluster web
    error: `a/b` is not the name of an EKS cluster or node group: letters, digits, `-` and `_`, the first a letter or digit
    exit 2
    $ --role-arn arn:aws:iam::111122223333:role/none
    error: there is no role `none` in account 111122223333
    hint: see which there are with `aws iam list-roles --query 'Roles[].Arn'`; name another account by `AWS_PROFILE`
    exit 1
    $ --role-arn arn:aws:iam::111122223333:instance-profile/none
    error: there is no instance profile `none` in the account
    hint: see which there are with `aws iam list-instance-profiles --query 'InstanceProfiles[].Arn'`; name another account by `AWS_PROFILE`
    exit 1
    $ --role-arn arn:aws:iam::111122223333:instance-profile/empty
    error: instance profile `empty` holds no role
    hint: see `aws iam get-instance-profile --instance-profile-name empty`, or name the role with `--role-arn`
    exit 1
    $ --role-arn arn:aws:iam::444455556666:instance-profile/nodes
    error: `arn:aws:iam::444455556666:instance-profile/nodes` is of another account than `arn:aws:iam::111122223333:role/my-team/my-node-role`, which IAM shows for that name
    hint: use credentials of the account that the nodes run in
    exit 1
    $ --role-arn arn:aws-cn:iam::111122223333:role/n --region us-east-1
    error: `arn:aws-cn:iam::111122223333:role/n` is of partition `aws-cn`, and the cluster is of `aws`
    hint: name a role of the account that the nodes run in, or the region of the cluster with `--region`
    exit 2
    $ --role-arn arn:aws-cn:iam::111122223333:role/n
    error: `arn:aws-cn:iam::111122223333:role/n` is of partition `aws-cn`, and the cluster is of `aws`
    hint: name a role of the account that the nodes run in, or the region of the cluster with `--region`
    exit 2
    $ --role-arn arn:aws-cn:iam::111122223333:instance-profile/nodes
    error: `arn:aws-cn:iam::111122223333:instance-profile/nodes` is of partition `aws-cn`, and the cluster is of `aws`
    hint: name a role of the account that the nodes run in, or the region of the cluster with `--region`
    exit 2
    $ --stack my-nodes --region cn-north-1
    error: there is no stack `my-nodes` in region `cn-north-1`
    hint: see which there are with `aws cloudformation describe-stacks --region cn-north-1 --query 'Stacks[].StackName'`; name another region with `--region`, another account by `AWS_PROFILE`
    exit 1
    ");
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
    insta::assert_snapshot!(text, @"
    $ --stack my-nodes
    error: `arn:aws:sts::111122223333:assumed-role/Admin/alice` lacks the permission `cloudformation:DescribeStacks`
    Caused by: AccessDenied: User: arn:aws:sts::111122223333:assumed-role/Admin/alice is not authorized to perform: cloudformation:DescribeStacks on resource: arn:aws:cloudformation:us-east-1:111122223333:stack/my-nodes/* because no identity-based policy allows the cloudformation:DescribeStacks action
    hint: the caller's policy must allow `cloudformation:DescribeStacks`
    exit 1
    $ --all-stacks
    error: `arn:aws:sts::111122223333:assumed-role/Admin/alice` lacks the permission `cloudformation:DescribeStacks`
    Caused by: AccessDenied: User: arn:aws:sts::111122223333:assumed-role/Admin/alice is not authorized to perform: cloudformation:DescribeStacks on resource: arn:aws:cloudformation:us-east-1:111122223333:stack/*/* because no identity-based policy allows the cloudformation:DescribeStacks action
    hint: the caller's policy must allow `cloudformation:DescribeStacks`
    exit 1
    $ --nodegroup ng --cluster web
    error: `arn:aws:sts::111122223333:assumed-role/Admin/alice` lacks the permission `eks:DescribeNodegroup`
    Caused by: AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/Admin/alice is not authorized to perform: eks:DescribeNodegroup on resource: arn:aws:eks:us-east-1:111122223333:nodegroup/web/ng/* because no identity-based policy allows the eks:DescribeNodegroup action
    hint: the caller's policy must allow `eks:DescribeNodegroup`
    exit 1
    $ --role-arn arn:aws:iam::111122223333:instance-profile/my-team/nodes
    error: `arn:aws:iam::111122223333:instance-profile/my-team/nodes` is an instance profile, not the role inside it
    Caused by: `arn:aws:sts::111122223333:assumed-role/Admin/alice` lacks the permission `iam:GetInstanceProfile`
    Caused by: AccessDenied: User: arn:aws:sts::111122223333:assumed-role/Admin/alice is not authorized to perform: iam:GetInstanceProfile on resource: instance profile nodes because no identity-based policy allows the iam:GetInstanceProfile action
    hint: `aws iam get-instance-profile --instance-profile-name nodes --query 'InstanceProfile.Roles[0].Arn'` shows the role
    exit 1
    $ --role-arn arn:aws:iam::111122223333:role/my-node-role
    note: whether `arn:aws:iam::111122223333:role/my-node-role` exists is not known: `arn:aws:sts::111122223333:assumed-role/Admin/alice` lacks the permission `iam:GetRole`
    warning: `kubectl apply` of this replaces the roles that are mapped already, if there are any
    exit 0
    $ --role-arn arn:aws:iam::444455556666:role/nodes
    note: whether `arn:aws:iam::444455556666:role/nodes` exists is not known: the credentials are of account 111122223333
    warning: `kubectl apply` of this replaces the roles that are mapped already, if there are any
    exit 0
    ");
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
    insta::assert_snapshot!(text, @"
    $ --stack my-nodes
    error: found no AWS credentials: none in the environment, profile `default` has none, and neither a container nor instance metadata gave any
    hint: run `aws configure sso` or `aws configure`, or export `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`
    exit 3
    $ --role-arn arn:aws:iam::111122223333:instance-profile/my-team/nodes
    error: `arn:aws:iam::111122223333:instance-profile/my-team/nodes` is an instance profile, not the role inside it
    Caused by: found no AWS credentials: none in the environment, profile `default` has none, and neither a container nor instance metadata gave any
    hint: `aws iam get-instance-profile --instance-profile-name nodes --query 'InstanceProfile.Roles[0].Arn'` shows the role
    exit 2
    $ --role-arn arn:aws:iam::111122223333:role/my-node-role
    note: whether `arn:aws:iam::111122223333:role/my-node-role` exists is not known: found no AWS credentials: none in the environment, profile `default` has none, and neither a container nor instance metadata gave any
    warning: `kubectl apply` of this replaces the roles that are mapped already, if there are any
    exit 0
    ");
    aws.standin.inject(Fault::Status(503), Times::UntilCleared);
    let down = run_alone(&aws, "nodes apply --print --stack my-nodes").await;
    let down = down.failure(1);
    assert!(down.contains("error: the AWS call `DescribeStacks` failed") && down.contains("hint: run"), "{down}");
    aws.standin.clear_faults();
    let (content_type, bytes) = ("text/xml".to_owned(), b"<html>".to_vec());
    aws.standin.inject(Fault::Body { status: 200, content_type, bytes }, Times::UntilCleared);
    let senseless = run_alone(&aws, "nodes apply --print --stack my-nodes").await.failure(1);
    assert!(senseless.contains("hint: something else may have answered in place of AWS"), "{senseless}");
    aws.standin.stop().await;
}
