//! The whole crate on a real kube-apiserver; here, how aws-auth is followed.

mod facts;
mod gate;
mod policy;
mod rbac;
mod status;
mod store;

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use kube::Client;
use kube_iam_cluster::{AwsAuthSource, AwsAuthStore, ConnectSettings, Impersonation, connect, observe_once};
use kube_iam_control_plane::{Binaries, ControlPlane, Options, required_in_ci};
use kube_iam_core::ports::{MappingSource as _, Observation};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

use crate::gate::Gate;

/// Long enough for a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(120);

/// A control plane of one test: there is one aws-auth for each.
struct World {
    control_plane: ControlPlane,
    directory: TempDir,
}

impl World {
    /// `None` where tests may be skipped.
    async fn start() -> Option<Self> {
        let binaries = tokio::task::spawn_blocking(Binaries::build_or_find).await.unwrap();
        let control_plane = ControlPlane::start(&required_in_ci(binaries)?, Options::default()).await.unwrap();
        Some(Self { control_plane, directory: tempfile::tempdir().unwrap() })
    }

    /// The administrator's kubeconfig, with changes.
    fn kubeconfig(&self, change: impl Fn(&mut Value)) -> ConnectSettings {
        let text = std::fs::read_to_string(self.control_plane.admin_kubeconfig()).unwrap();
        let mut kubeconfig = serde_json::from_str(&text).unwrap();
        change(&mut kubeconfig);
        let path: PathBuf = self.directory.path().join("kubeconfig");
        std::fs::write(&path, kubeconfig.to_string()).unwrap();
        ConnectSettings { kubeconfig: Some(path), ..ConnectSettings::default() }
    }

    fn source(&self) -> AwsAuthSource {
        AwsAuthSource::new(connect(&self.kubeconfig(|_| {})).unwrap())
    }

    fn store(&self) -> AwsAuthStore {
        AwsAuthStore::new(connect(&self.kubeconfig(|_| {})).unwrap())
    }

    /// A client that acts as somebody without rights, but for what [`World::allow`] gives.
    fn client_as(&self, user: &str) -> Client {
        let mut settings = self.kubeconfig(|_| {});
        settings.impersonation = Impersonation { user: Some(user.to_owned()), groups: Vec::new() };
        connect(&settings).unwrap()
    }

    /// Allows a user something in kube-system.
    async fn allow(&self, user: &str, rule: &[&str]) {
        let namespace = "--namespace=kube-system";
        self.kubectl(&[&["create", "role", user, namespace], rule].concat(), "").await;
        let (role, user_flag) = (format!("--role={user}"), format!("--user={user}"));
        self.kubectl(&["create", "rolebinding", user, namespace, &role, &user_flag], "").await;
    }

    async fn kubectl(&self, args: &[&str], input: &str) {
        let mut command = self.control_plane.kubectl().unwrap();
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).await.unwrap();
        let output = child.wait_with_output().await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    async fn write(&self, data: Value) {
        let object = json!({
            "kind": "ConfigMap", "apiVersion": "v1", "data": data,
            "metadata": { "name": "aws-auth", "namespace": "kube-system" },
        });
        self.kubectl(&["apply", "-f", "-"], &object.to_string()).await;
    }

    async fn delete(&self) {
        self.kubectl(&["delete", "configmap", "aws-auth", "-n", "kube-system"], "").await;
    }
}

/// The aws-auth of a server that need not be there.
fn store_at(url: &str) -> AwsAuthStore {
    let settings = ConnectSettings { master: Some(url.to_owned()), ..ConnectSettings::default() };
    AwsAuthStore::new(connect(&settings).unwrap())
}

async fn next(source: &mut AwsAuthSource) -> Observation {
    timeout(PATIENCE, source.observe()).await.expect("something is observed")
}

/// The next observation of another kind than `Unreachable`.
async fn next_reachable(source: &mut AwsAuthSource) -> Observation {
    loop {
        match next(source).await {
            Observation::Unreachable(_) => {}
            observation => return observation,
        }
    }
}

fn text_of(observation: &Observation) -> &str {
    match observation {
        Observation::Present { data, .. } => &data["mapUsers"],
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn edits_and_deletions_are_seen() {
    let Some(world) = World::start().await else { return };
    let mut source = world.source();
    assert_eq!(next(&mut source).await, Observation::Absent);
    world.write(json!({ "mapUsers": "a\n" })).await;
    assert_eq!(text_of(&next(&mut source).await), "a\n");
    world.write(json!({ "mapUsers": "b" })).await;
    let second = next(&mut source).await;
    assert_eq!(text_of(&second), "b");

    let client = connect(&world.kubeconfig(|_| {})).unwrap();
    assert_eq!(observe_once(&client).await, Ok(second));
    // A neighbour is none of its business.
    world.kubectl(&["create", "configmap", "aws-auth-2", "-n", "kube-system"], "").await;
    world.kubectl(&["create", "configmap", "aws-auth", "-n", "default"], "").await;
    world.delete().await;
    assert_eq!(next(&mut source).await, Observation::Absent);
    assert_eq!(observe_once(&client).await, Ok(Observation::Absent));
    world.control_plane.stop().await;
}

#[tokio::test]
async fn a_deletion_while_it_is_cut_off_is_seen_afterwards() {
    let Some(world) = World::start().await else { return };
    let server = world.control_plane.url().trim_start_matches("https://").parse().unwrap();
    let mut gate = Gate::open_to(server).await;
    let settings = world.kubeconfig(|kubeconfig| {
        kubeconfig["clusters"][0]["cluster"]["server"] = format!("https://{}", gate.address).into();
    });
    let mut source = AwsAuthSource::new(connect(&settings).unwrap());
    world.write(json!({ "mapUsers": "a" })).await;
    assert_eq!(text_of(&next(&mut source).await), "a");

    gate.shut().await;
    assert!(matches!(next(&mut source).await, Observation::Unreachable(_)));
    world.delete().await;
    gate.reopen().await;
    assert_eq!(next_reachable(&mut source).await, Observation::Absent);
    // And it is followed again.
    world.write(json!({ "mapUsers": "b" })).await;
    assert_eq!(text_of(&next_reachable(&mut source).await), "b");
    world.control_plane.stop().await;
}

#[tokio::test]
async fn a_restart_of_the_api_server_is_survived_and_a_start_waited_for() {
    let Some(world) = World::start().await else { return };
    world.write(json!({ "mapUsers": "a" })).await;
    let mut follows = world.source();
    assert_eq!(text_of(&next(&mut follows).await), "a");

    world.control_plane.stop_apiserver().await;
    let mut starts_first = world.source();
    for source in [&mut follows, &mut starts_first] {
        let observation = next(source).await;
        let Observation::Unreachable(text) = observation else { panic!("{observation:?}") };
        assert_eq!(text, "kube-apiserver is not up: the connection was refused");
    }
    world.control_plane.start_apiserver().await.unwrap();
    for source in [&mut follows, &mut starts_first] {
        assert_eq!(text_of(&next_reachable(source).await), "a");
    }
    world.write(json!({ "mapUsers": "b" })).await;
    for source in [&mut follows, &mut starts_first] {
        assert_eq!(text_of(&next_reachable(source).await), "b");
    }
    world.control_plane.stop().await;
}

#[tokio::test]
async fn the_right_to_list_and_watch_that_one_object_suffices() {
    let Some(world) = World::start().await else { return };
    world.write(json!({ "mapUsers": "a" })).await;
    let settings = world.kubeconfig(|kubeconfig| kubeconfig["users"][0]["user"]["as"] = "webhook".into());
    let mut source = AwsAuthSource::new(connect(&settings).unwrap());
    let Observation::Unreachable(text) = next(&mut source).await else { panic!("nothing is allowed yet") };
    assert!(text.starts_with("kube-apiserver answered 403: configmaps \"aws-auth\" is forbidden"), "{text}");

    let namespace = "--namespace=kube-system";
    let role = ["create", "role", "webhook", "--verb=list,watch", "--resource=configmaps", "--resource-name=aws-auth"];
    world.kubectl(&[&role[..], &[namespace]].concat(), "").await;
    world.kubectl(&["create", "rolebinding", "webhook", "--role=webhook", "--user=webhook", namespace], "").await;
    assert_eq!(text_of(&next_reachable(&mut source).await), "a");
    // Seen by the watch: only what cannot be watched is observed again unchanged.
    world.write(json!({ "mapUsers": "b" })).await;
    assert_eq!(text_of(&next(&mut source).await), "b");
    world.control_plane.stop().await;
}
