//! The procedure of the README, from an empty cluster to nodes and people: its own blocks of
//! commands are run, in their order.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use kube_iam_standin::{Instance, Key, Principal, Role, Settings, Stack};
use tokio::process::Command;
use tokio::time::timeout;

use super::{ACCOUNT, Kubelet, REGION, environment, instance, session};
use crate::cluster::{Plan, World};
use crate::people::ADMIN;
use crate::process::finish;

const README: &str = include_str!("../../../../../README.md");
const HEADING: &str = "\n## From an empty cluster to nodes and people\n";

/// The names that the README gives.
const CLUSTER: &str = "my-cluster.example.com";
const STACK: &str = "my-nodegroup";
const NODE_ROLE: &str = "arn:aws:iam::111122223333:role/nodes/my-nodegroup-NodeInstanceRole";

const INSTANCE: &str = "i-0123456789abcdef0";
const NODE: &str = "ip-10-0-0-1.ec2.internal";

/// Longer than the steps take, which wait for the node.
const LONGEST_BLOCK: Duration = Duration::from_secs(180);

/// The blocks of shell commands in the section, without the indentation of the list they stand in.
fn blocks() -> Vec<String> {
    let (_, rest) = README.split_once(HEADING).expect("the section is there");
    let section = rest.split_once("\n## ").map_or(rest, |(section, _)| section);
    let fenced = section.split("```sh\n").skip(1).map(|rest| rest.split_once("```").expect("the block ends").0);
    fenced.map(|block| block.lines().map(|line| format!("{}\n", line.trim_start())).collect()).collect()
}

/// A cluster without aws-auth, and a machine whose role is an output of a stack.
async fn world() -> Option<World> {
    let stack = Stack::new(STACK, REGION, ACCOUNT).with_output("NodeInstanceRole", NODE_ROLE);
    let aws = Settings {
        roles: vec![Role::new(NODE_ROLE, "AROAEXAMPLENODES00001")],
        stacks: vec![stack],
        instance: Some(Instance { instance_id: INSTANCE.into(), region: REGION.into(), role_arn: NODE_ROLE.into() }),
        instances: vec![instance(INSTANCE, 1)],
        ..Settings::default()
    };
    let plan = Plan {
        server_keys: "backendMode: [EKSConfigMap]",
        args: &["--cluster-id", CLUSTER],
        aws,
        environment: ADMIN.environment(),
        ..Plan::default()
    };
    World::start(plan).await
}

/// A shell in which `kubectl` and `kube-iam` are found, and lead to this world.
fn shell(world: &World, bin: &Path, kubeconfig: &Path, key: &Key) -> Command {
    let mut shell = Command::new("sh");
    let path = std::env::var("PATH").unwrap_or_default();
    shell.env_clear().env("PATH", format!("{}:{path}", bin.display())).env("HOME", world.home.directory.path());
    shell.env("KUBECONFIG", kubeconfig).env("NO_PROXY", "127.0.0.1,localhost");
    shell.envs(world.aws.client_environment()).envs(environment(key));
    shell.stdin(Stdio::null()).kill_on_drop(true);
    shell
}

#[tokio::test]
async fn the_commands_of_the_readme_lead_from_an_empty_cluster_to_nodes_and_people() {
    let Some(world) = world().await else { return };
    let bin = tempfile::tempdir().unwrap();
    symlink(env!("CARGO_BIN_EXE_kube-iam"), bin.path().join("kube-iam")).unwrap();
    let kubectl = world.control_plane.kubectl().unwrap();
    symlink(kubectl.as_std().get_program(), bin.path().join("kubectl")).unwrap();
    let kubeconfig = world.home.path("config");
    std::fs::copy(world.control_plane.admin_kubeconfig(), &kubeconfig).unwrap();
    let my_role = session("my-role", "jo");
    world.aws.standin.add_key(my_role.clone());
    let kubelet = Kubelet::on_the_instance(&world, CLUSTER);
    assert_eq!(kubelet.username().await, None);

    let new_shell = || shell(&world, bin.path(), &kubeconfig, &my_role);
    let procedure = async {
        let mut said = Vec::new();
        for block in blocks() {
            let mut shell = new_shell();
            let ended = finish(shell.args(["-e", "-u", "-x", "-c", &block]));
            let ended = timeout(LONGEST_BLOCK, ended).await.unwrap_or_else(|_| panic!("it does not end:\n{block}"));
            assert_eq!(ended.code, Some(0), "this block of the README fails:\n{block}\n{ended:?}");
            said.push(ended.stdout);
        }
        said
    };
    // The machine of the node has been up all along.
    let (said, ()) = tokio::join!(procedure, kubelet.join(NODE, INSTANCE));
    assert_eq!(said.len(), 6, "a block for each step");
    let [.., at_last] = said.as_slice() else { panic!("{said:?}") };
    assert!(at_last.contains("arn:aws:iam::111122223333:role/my-role"), "whoami of the last step: {at_last}");
    let node = at_last.lines().find(|line| line.starts_with(NODE));
    assert!(node.is_some_and(|node| node.contains(" Ready ")), "the nodes, seen by the role: {at_last}");

    let user = Principal::new("arn:aws:iam::111122223333:user/my-user", "AIDAEXAMPLEMYUSER0001");
    let user = Key::long_term("AKIAEXAMPLEMYUSER001", "fixture/secret+of+my+user/EXAMPLEKEY0000", user);
    let user = Kubelet::of_key(&world, CLUSTER, &user);
    user.kubectl(&["get", "pods", "-n", "default"], "").await.success();
    user.may_not(&["get", "pods", "-n", "kube-system"], "", "cannot list resource \"pods\"").await;
    world.stop().await;
}
