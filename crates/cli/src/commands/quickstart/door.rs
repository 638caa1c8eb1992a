//! The webhook of the quickstart.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use kube_iam_server::Ports;
use kube_iam_standin::StandIn;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use super::Told;
use super::cast::CONFIG;
use crate::args::{Global, ServerArgs};
use crate::commands::server::{Plan, follow, start};
use crate::compose;
use crate::report::Failure;

/// A running webhook whose STS is the stand-in.
pub struct Door {
    /// Where it listens.
    pub address: SocketAddr,
    /// The kubeconfig by which kube-apiserver finds it.
    pub kubeconfig: PathBuf,
    /// Changes when other mappings are in force.
    pub reloads: watch::Receiver<()>,
    stop: oneshot::Sender<()>,
    following: JoinHandle<Result<(), Failure>>,
}

impl Door {
    /// Starts the server as its command does, with everything in one directory.
    pub async fn open(global: &Global, directory: &Path, standin: &StandIn) -> anyhow::Result<Self> {
        let path = directory.join("config.yaml");
        std::fs::write(&path, CONFIG)?;
        let kubeconfig = directory.join("webhook.kubeconfig");
        let args = ServerArgs {
            port: Some(0),
            health_address: Some((Ipv4Addr::LOCALHOST, 0).into()),
            state_dir: Some(directory.to_path_buf()),
            generate_kubeconfig: Some(kubeconfig.clone()),
            ..ServerArgs::default()
        };
        let global = global.inner(path.clone());
        let Plan { settings, files, .. } = Plan::read(&global, &args).map_err(Told)?;
        let (sts, clock) = (compose::sts_at(standin)?, compose::clock());
        let ports = Ports { sts, aws_auth: None, instances: None, status: None, clock };
        let running = start(settings, ports).await.map_err(Told)?;
        let address = running.address();
        let (stop, stopped) = oneshot::channel();
        let (reloaded, reloads) = watch::channel(());
        let stopped = async {
            // A dropped sender ends it too.
            let _ = stopped.await;
        };
        let following = tokio::spawn(follow(running, files, stopped, move || reloaded.send_replace(())));
        Ok(Self { address, kubeconfig, reloads, stop, following })
    }

    /// Lets it finish what is in flight.
    pub async fn close(self) -> anyhow::Result<()> {
        let _ = self.stop.send(());
        Ok(self.following.await.context("the webhook broke down")?.map_err(Told)?)
    }
}
