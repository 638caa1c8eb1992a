//! Nodes log in: the real webhook between a stand-in for AWS and whoever asks it.

mod apiserver;
mod lookups;
mod storm;
mod verified;

use std::sync::atomic::{AtomicU32, Ordering};

use kube_iam_standin::{Ec2Instance, Key, Principal};

use crate::aws::Aws;
use crate::exec_plugin::kube_iam_token;
use crate::people::ADMIN;
use crate::process::finish;
use crate::webhook::{Home, Webhook};

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
