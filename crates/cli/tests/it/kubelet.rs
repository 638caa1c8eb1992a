//! Nodes log in: what a kubelet does, done against the real webhook, a stand-in for AWS and
//! a real kube-apiserver with the Node authorizer and NodeRestriction.

mod apiserver;
mod guide;
mod join;
mod lookups;
mod status;
mod storm;
mod verified;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use jiff::Timestamp;
use kube_iam_standin::{Ec2Instance, Key, Principal};
use serde_json::{Value, json};

use crate::aws::Aws;
use crate::cluster::World;
use crate::exec_plugin::kube_iam_token;
use crate::people::ADMIN;
use crate::process::{Finished, finish, finish_with_input};
use crate::webhook::{Home, Webhook, eventually};

const ACCOUNT: &str = "111122223333";
const REGION: &str = "us-east-1";

/// The row of nodes that are named after their instances.
const BY_INSTANCE: &str = "\
mapRoles:
- {rolearn: 'arn:aws:iam::111122223333:role/nodes', username: 'system:node:{{EC2PrivateDNSName}}', groups: [system:nodes]}";

/// The role of a node, in the session that EC2 gives an instance: it is named after it.
fn session(role: &str, instance: &str) -> Key {
    static SESSIONS: AtomicU32 = AtomicU32::new(0);
    let number = SESSIONS.fetch_add(1, Ordering::Relaxed);
    let arn = format!("arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{instance}");
    Key {
        access_key_id: format!("ASIANODE{number:012}"),
        secret_access_key: format!("fixture/secret+of+a+node/EXAMPLE{number:08}"),
        session_token: Some(format!("fixture/session+token+of+a+node/{number}==")),
        principal: Principal::new(arn, format!("AROAEXAMPLENODES00001:{instance}")),
        expires: None,
    }
}

/// The environment variables that make a program sign with a key.
fn environment(key: &Key) -> Vec<(String, String)> {
    let variables = [
        ("AWS_ACCESS_KEY_ID", key.access_key_id.as_str()),
        ("AWS_SECRET_ACCESS_KEY", &key.secret_access_key),
        ("AWS_SESSION_TOKEN", key.session_token.as_deref().unwrap_or_default()),
        ("AWS_REGION", REGION),
    ];
    variables.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

/// A token of a session, by the binary.
async fn token(key: &Key) -> String {
    let mut command = kube_iam_token(environment(key));
    finish(command.arg("--token-only")).await.success().trim_end().to_owned()
}

/// A running instance, whose name has its number in it.
fn instance(id: &str, number: u32) -> Ec2Instance {
    let [_, a, b, c] = number.to_be_bytes();
    Ec2Instance::running(id, format!("ip-10-{a}-{b}-{c}.ec2.internal"), REGION, ACCOUNT)
}

/// A webhook without a cluster; it asks EC2 with the administrator's credentials.
async fn webhook(aws: &Aws, server_keys: &str) -> (Home, Webhook) {
    let home = Home::new(server_keys);
    let mut command = home.command(aws);
    let webhook = Webhook::run(&home, command.args(["--port", "0"]).envs(ADMIN.environment())).await;
    (home, webhook)
}

/// A kubelet at the API server: kubectl by a kubeconfig like a kubelet's, whose exec plugin
/// is `kube-iam token`.
struct Kubelet<'a> {
    world: &'a World,
    kubeconfig: PathBuf,
}

impl<'a> Kubelet<'a> {
    /// Whoever holds a key, for a cluster ID; the stand-in learns the key.
    fn of_key(world: &'a World, cluster: &str, key: &Key) -> Self {
        world.aws.standin.add_key(key.clone());
        Self { world, kubeconfig: world.exec_kubeconfig(&key.access_key_id, cluster, environment(key)) }
    }

    /// The kubelet on the instance of the stand-in, for a cluster ID; it has credentials and
    /// region from the instance's metadata.
    fn on_the_instance(world: &'a World, cluster: &str) -> Self {
        let metadata = format!("http://{}", world.aws.standin.metadata_address());
        let environment = vec![("AWS_EC2_METADATA_SERVICE_ENDPOINT".to_owned(), metadata)];
        Self { world, kubeconfig: world.exec_kubeconfig("instance", cluster, environment) }
    }

    async fn kubectl(&self, args: &[&str], input: &str) -> Finished {
        let mut kubectl = self.world.control_plane.kubectl().unwrap();
        kubectl.env("KUBECONFIG", &self.kubeconfig).args(args);
        finish_with_input(&mut kubectl, input).await
    }

    /// As whom kube-apiserver knows it; `None` if it does not let it in.
    async fn username(&self) -> Option<String> {
        let finished = self.kubectl(&["auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"], "").await;
        match finished.code {
            Some(0) => Some(finished.stdout),
            _ if finished.stderr.contains("(Unauthorized)") => None,
            _ => panic!("neither let in nor turned away: {finished:?}"),
        }
    }

    /// Fails unless kube-apiserver forbids something, and says why in these words.
    async fn may_not(&self, args: &[&str], input: &str, why: &str) {
        let said = self.kubectl(args, input).await.failure(1);
        assert!(said.contains("(Forbidden)") && said.contains(why), "{args:?}: {said}");
    }

    /// All that a kubelet does until its node counts as ready, once it is let in.
    async fn join(&self, node: &str, instance: &str) {
        eventually("the kubelet is let in", async || self.username().await).await;
        self.kubectl(&["create", "-f", "-"], &registration(node, instance)).await.success();
        self.kubectl(&["create", "-f", "-"], &lease(node)).await.success();
        self.report_ready(node).await;
    }

    async fn renew_lease(&self, node: &str) -> String {
        let now = micro_time();
        let patch = json!({ "spec": { "renewTime": now } }).to_string();
        self.kubectl(&["patch", "lease", node, "-n", "kube-node-lease", "-p", &patch], "").await.success();
        now
    }

    /// A raw request, since kubectl's patch reads the status first, which no kubelet may.
    async fn report_ready(&self, node: &str) {
        let own = self.kubectl(&["get", "node", node, "-o", "json"], "").await.success();
        let mut own: Value = serde_json::from_str(&own).unwrap();
        let ready = json!({ "type": "Ready", "status": "True", "reason": "KubeletReady", "message": "" });
        own["status"]["conditions"] = json!([ready]);
        let status = format!("/api/v1/nodes/{node}/status");
        self.kubectl(&["replace", "--raw", &status, "-f", "-"], &own.to_string()).await.success();
    }
}

/// The Node by which a kubelet registers itself.
fn registration(node: &str, instance: &str) -> String {
    let labels = json!({ "kubernetes.io/hostname": node, "kubernetes.io/os": "linux" });
    json!({
        "kind": "Node", "apiVersion": "v1",
        "metadata": { "name": node, "labels": labels },
        "spec": { "providerID": format!("aws:///{REGION}a/{instance}") },
    })
    .to_string()
}

/// The Lease by which a kubelet shows that it lives.
fn lease(node: &str) -> String {
    json!({
        "kind": "Lease", "apiVersion": "coordination.k8s.io/v1",
        "metadata": { "name": node, "namespace": "kube-node-lease" },
        "spec": { "holderIdentity": node, "leaseDurationSeconds": 40, "renewTime": micro_time() },
    })
    .to_string()
}

/// Now, in the form of Kubernetes' `MicroTime`.
fn micro_time() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}
