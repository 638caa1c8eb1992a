//! A real control plane wired to a real webhook.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU16, Ordering};

use kube_iam_control_plane::{Binaries, ControlPlane, ExecUser, Options, WebhookVersion, required_in_ci};
use kube_iam_standin::Settings;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::aws::Aws;
use crate::people::{CLUSTER, Person};
use crate::process::{Finished, finish, kube_iam};
use crate::secrets;
use crate::webhook::{Home, Webhook};

/// Control plane, webhook and AWS, each a process or a server of its own.
pub(crate) struct World {
    pub(crate) control_plane: ControlPlane,
    pub(crate) webhook: Webhook,
    pub(crate) home: Home,
    pub(crate) aws: Aws,
    environment: Vec<(String, String)>,
    extra_args: Vec<String>,
}

/// How a world is built.
#[derive(Default)]
pub(crate) struct Plan<'a> {
    pub(crate) version: WebhookVersion,
    /// Lines under `server:` of the configuration.
    pub(crate) server_keys: &'a str,
    /// Flags of the server.
    pub(crate) args: &'a [&'a str],
    pub(crate) api_audiences: &'a [&'a str],
    /// What there is in AWS beside everybody's keys.
    pub(crate) aws: Settings,
    /// Environment variables of the server beside those that lead it to AWS.
    pub(crate) environment: Vec<(String, String)>,
}

impl World {
    /// Builds a world; `None` if there is no control plane on this machine.
    pub(crate) async fn start(plan: Plan<'_>) -> Option<Self> {
        let binaries = tokio::task::spawn_blocking(Binaries::build_or_find).await.unwrap();
        let binaries = required_in_ci(binaries)?;
        let aws = Aws::start_with(plan.aws).await;
        let home = Home::new("");
        let port = free_port();
        let keys = format!(
            "port: {port}\nstateDir: {home}\ngenerateKubeconfig: {home}/webhook.kubeconfig\n{}",
            plan.server_keys,
            home = home.directory.path().display(),
        );
        home.configure(&keys);
        init(&home).await;
        let options = Options {
            webhook_kubeconfig: Some(home.path("webhook.kubeconfig")),
            webhook_version: plan.version,
            api_audiences: plan.api_audiences.iter().map(ToString::to_string).collect(),
            ..Options::default()
        };
        let control_plane = ControlPlane::start(&binaries, options).await.unwrap();
        let extra_args = plan.args.iter().map(ToString::to_string).collect::<Vec<_>>();
        let environment = plan.environment;
        let webhook = start_webhook(&home, &aws, &control_plane, &environment, &extra_args).await;
        Some(Self { control_plane, webhook, home, aws, environment, extra_args })
    }

    /// Ends the webhook as an init system does and starts it again.
    pub(crate) async fn restart_webhook(self) -> Self {
        let Self { control_plane, webhook, home, aws, environment, extra_args } = self;
        assert_eq!(webhook.terminate().await, Some(0));
        let webhook = start_webhook(&home, &aws, &control_plane, &environment, &extra_args).await;
        Self { control_plane, webhook, home, aws, environment, extra_args }
    }

    /// Kills the webhook as a power cut would, and starts it again.
    pub(crate) async fn revive_webhook(self) -> Self {
        let Self { control_plane, webhook, home, aws, environment, extra_args } = self;
        webhook.kill().await;
        let webhook = start_webhook(&home, &aws, &control_plane, &environment, &extra_args).await;
        Self { control_plane, webhook, home, aws, environment, extra_args }
    }

    /// Adds flags that the next start of the webhook gets.
    pub(crate) fn add_args(&mut self, args: &[&str]) {
        self.extra_args.extend(args.iter().map(ToString::to_string));
    }

    /// Runs kubectl as the administrator of the control plane; it must succeed.
    pub(crate) async fn admin(&self, args: &[&str]) -> String {
        finish(self.control_plane.kubectl().unwrap().args(args)).await.success()
    }

    /// Applies a manifest as the administrator.
    pub(crate) async fn apply(&self, manifest: &str) {
        let mut kubectl: Command = self.control_plane.kubectl().unwrap();
        kubectl.args(["apply", "-f", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = kubectl.spawn().unwrap();
        child.stdin.take().unwrap().write_all(manifest.as_bytes()).await.unwrap();
        Finished::from(child.wait_with_output().await.unwrap()).success();
    }

    /// Runs kubectl as somebody, with `kube-iam token` as exec plugin.
    pub(crate) async fn kubectl(&self, person: Person, args: &[&str]) -> Finished {
        let mut kubectl = self.control_plane.kubectl().unwrap();
        kubectl.env("KUBECONFIG", self.kubeconfig(person)).args(args);
        let finished = finish(&mut kubectl).await;
        secrets::assert_none_in("kubectl's output", &finished.stdout);
        finished
    }

    /// A kubeconfig with which kubectl signs in as somebody.
    pub(crate) fn kubeconfig(&self, person: Person) -> PathBuf {
        self.exec_kubeconfig(person.access_key_id(), CLUSTER, person.environment())
    }

    /// A kubeconfig with `kube-iam token` as exec plugin, for a cluster ID, which finds its
    /// credentials by these environment variables.
    pub(crate) fn exec_kubeconfig(&self, name: &str, cluster: &str, environment: Vec<(String, String)>) -> PathBuf {
        let path = self.home.path(&format!("{name}.kubeconfig"));
        let user = ExecUser {
            command: env!("CARGO_BIN_EXE_kube-iam").to_string(),
            args: ["token", "--cluster-id", cluster].map(str::to_string).to_vec(),
            env: environment,
            ..ExecUser::default()
        };
        self.control_plane.write_kubeconfig(&path, &user).unwrap();
        path
    }

    pub(crate) async fn stop(self) {
        self.webhook.log();
        assert_eq!(self.webhook.terminate().await, Some(0));
        self.control_plane.stop().await;
    }
}

async fn start_webhook(
    home: &Home,
    aws: &Aws,
    control_plane: &ControlPlane,
    environment: &[(String, String)],
    args: &[String],
) -> Webhook {
    let mut command = home.command(aws);
    command.arg("--kubeconfig").arg(control_plane.admin_kubeconfig()).arg("--kubeconfig-pregenerated");
    // The API server is on loopback, where no proxy leads.
    command.env("NO_PROXY", "127.0.0.1,localhost").envs(environment.iter().cloned()).args(args);
    Webhook::run(home, &mut command).await
}

/// Has `kube-iam init` write key, certificate and webhook kubeconfig.
async fn init(home: &Home) {
    let mut command = kube_iam();
    command
        .args(["init", "--feature-gates", "ConfiguredInitDirectories=true", "--config"])
        .arg(home.path("config.yaml"));
    let finished = finish(&mut command).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
}

/// A port nobody listens on at this moment, below those that the kernel hands
/// out by itself, so that nobody gets it in the meantime.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = 12_000 + u16::try_from(std::process::id() % 1_000).unwrap() * 16;
    let candidates = std::iter::repeat_with(|| start + NEXT.fetch_add(1, Ordering::Relaxed)).take(1_000);
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    candidates.into_iter().find(free).expect("a free port")
}
