//! Letting nodes join, waiting for them, and finding out why one does not, against
//! a real kube-apiserver. Kubelets are absent: the tests write Node objects.

mod apply;
mod aws;
mod bad_input;
mod look;
mod wait;

use kube_iam_control_plane::ControlPlane;
use kube_iam_standin::{Ec2Instance, InstanceProfile, Role, Settings, Stack};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::aws::Aws;
use crate::mappings::{kubectl, on};
use crate::people::ADMIN;
use crate::process::{Finished, finish, kube_iam};

const ROLE: &str = "arn:aws:iam::111122223333:role/my-node-role";
const STOCK: &str = "\
- rolearn: arn:aws:iam::111122223333:role/my-node-role
  username: system:node:{{EC2PrivateDNSName}}
  groups:
    - system:bootstrappers
    - system:nodes
";

const ACCOUNT: &str = "111122223333";
const REGION: &str = "us-east-1";

/// Of the path in [`PATH`] nothing is seen in rows.
const PATH: &str = "arn:aws:iam::111122223333:role/my-team/my-node-role";
const PROFILE: &str = "arn:aws:iam::111122223333:instance-profile/my-team/nodes";
const OTHER_ROLE: &str = "arn:aws:iam::111122223333:role/other-nodes";
const OTHER_PROFILE: &str = "arn:aws:iam::111122223333:instance-profile/other-nodes";

/// An account with two roles of nodes, each in an instance profile and in the outputs
/// of a stack; stacks are given out two to a page.
async fn account() -> Aws {
    let stack = |name: &str| Stack::new(name, REGION, ACCOUNT);
    let settings = Settings {
        roles: [PATH, OTHER_ROLE].map(|arn| Role::new(arn, "AROAEXAMPLENODES00001")).to_vec(),
        profiles: [(PROFILE, PATH), (OTHER_PROFILE, OTHER_ROLE)]
            .map(|(profile, role)| InstanceProfile::new(profile, role))
            .to_vec(),
        stacks: vec![
            stack("my-nodes").with_output("NodeSecurityGroup", "sg-1").with_output("NodeInstanceRole", PATH),
            stack("my-network").with_output("VpcId", "vpc-1"),
            stack("empty"),
            stack("odd").with_output("InstanceRoleARN", "none"),
            stack("eksctl-c-nodegroup-n").with_output("InstanceRoleARN", OTHER_ROLE),
        ],
        page_size: Some(2),
        ..Settings::default()
    };
    Aws::start_with(settings).await
}

/// An instance with an instance profile.
fn instance(id: &str, name: &str, profile: &str) -> Ec2Instance {
    Ec2Instance { profile_arn: Some(profile.to_owned()), ..Ec2Instance::running(id, name, REGION, ACCOUNT) }
}

/// A command that asks AWS as an administrator.
fn asking(mut command: Command, aws: &Aws) -> Command {
    command.envs(ADMIN.environment()).envs(aws.client_environment()).env("NO_PROXY", "127.0.0.1,localhost");
    command
}

/// Runs a command against a cluster and AWS; words are parted by blanks.
async fn run_asking(control_plane: &ControlPlane, aws: &Aws, line: &str) -> Finished {
    let args: Vec<&str> = line.split(' ').collect();
    finish(&mut asking(on(control_plane, &args), aws)).await
}

/// The same without a cluster.
async fn run_alone(aws: &Aws, line: &str) -> Finished {
    let mut command = kube_iam();
    command.args(line.split(' '));
    finish(&mut asking(command, aws)).await
}

/// Registers a node as a kubelet would.
async fn join(control_plane: &ControlPlane, name: &str, provider_id: &str) {
    let node = json!({
        "kind": "Node", "apiVersion": "v1", "metadata": { "name": name }, "spec": { "providerID": provider_id },
    });
    kubectl(control_plane, &["create", "-f", "-"], &node.to_string()).await.success();
}

/// Reports that a node is ready, or why it is not.
async fn report(control_plane: &ControlPlane, name: &str, status: &str, message: &str) {
    let ready = json!({ "type": "Ready", "status": status, "reason": "Kubelet", "message": message });
    let patch: Value = json!({ "status": { "conditions": [ready] } });
    let args = ["patch", "node", name, "--subresource=status", "-p", &patch.to_string()];
    kubectl(control_plane, &args, "").await.success();
}
