//! The process as a whole: its start, its tasks and its end.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use kube_iam_core::last_good::{LastGoodPolicy, snapshot_remarks};
use kube_iam_core::mapping::{Backend, Snapshot};
use kube_iam_core::ports::{Instances, StatusStore, Sts};
use tokio::net::TcpListener;
use tokio::task::{Id, JoinError, JoinSet};
use tokio_rustls::TlsAcceptor;
use tracing::{error, info, warn};

use crate::backends::eks_config_map::{EksConfigMap, Shown};
use crate::draining::{Drain, Draining};
use crate::health::{BackendStatus, Health};
use crate::http::{Door, Listener, Site};
use crate::init;
use crate::log_text::{self, chain};
use crate::login::{Login, NodeNames, RequestIds};
use crate::mappings::Mappings;
use crate::metrics::Metrics;
use crate::settings::{Clock, Ports, Settings, StaticMappings};
use crate::start_error::StartError;
use crate::status::{Notes, Publisher};
use crate::tls::{Pair, PairFiles, Served};
use crate::watch_files::FileWatch;

/// The webhook process.
pub struct Server;

/// A server that answers.
///
/// Dropping it ends everything at once; [`Running::shutdown`] lets requests
/// under way finish.
pub struct Running {
    address: SocketAddr,
    health_address: Option<SocketAddr>,
    last_good: LastGoodPolicy,
    looks_up_nodes: bool,
    mappings: Arc<Mappings>,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
    drain: Drain,
    tasks: Tasks,
}

/// A background task has ended, which none does by itself.
#[derive(Debug, thiserror::Error)]
#[error("the {task} task has ended: {reason}")]
pub struct Ended {
    /// Which.
    pub task: &'static str,
    /// What is known about the cause.
    pub reason: String,
}

impl Server {
    /// Checks everything, then starts to answer.
    ///
    /// # Errors
    /// [`StartError`], in which case nothing runs and nothing listens.
    pub async fn start(settings: Settings, ports: Ports) -> Result<Running, StartError> {
        let (socket, address) = listen((settings.address, settings.port).into(), "--address").await?;
        let health_socket = match settings.health_address {
            Some(address) => Some(listen(address, "--health-address").await?),
            None => None,
        };
        let watches_aws_auth = settings.backends.contains(&Backend::EksConfigMap);
        if watches_aws_auth && ports.aws_auth.is_none() {
            return Err(StartError::NoCluster);
        }
        if settings.verify_node_instance && ports.instances.is_none() {
            return Err(StartError::NoInstances);
        }
        let certificate = Certificate::prepare(&settings, address.port(), &ports.clock)?;
        let tls = TlsAcceptor::from(Arc::new(certificate.served.config().map_err(StartError::TlsConfig)?));

        let mut running = Running {
            address,
            health_address: health_socket.as_ref().map(|(_, address)| *address),
            last_good: settings.last_good,
            looks_up_nodes: ports.instances.is_some(),
            mappings: Arc::new(Mappings::new(&settings.backends)),
            metrics: Arc::new(Metrics::new()),
            health: Arc::new(Health::new(&settings.backends)),
            drain: Drain::new(),
            tasks: Tasks::default(),
        };
        running.reload(&settings.mappings);
        let shown = Shown {
            mappings: Arc::clone(&running.mappings),
            health: Arc::clone(&running.health),
            metrics: Arc::clone(&running.metrics),
            looks_up_nodes: running.looks_up_nodes,
        };
        let node_names = ports.instances.map(|instances| running.look_up_nodes(&settings, instances));
        let notes = ports.status.map(|store| running.publish(&settings, store, &ports.clock));
        let site = running.site(&settings, ports.sts, node_names, notes, &ports.clock);
        if let Some(source) = ports.aws_auth.filter(|_| watches_aws_auth) {
            let backend = EksConfigMap::restore(&settings, source, ports.clock, shown);
            running.tasks.spawn("aws-auth", backend.run(running.drain.listen()));
        }
        let (metrics, draining) = (Arc::clone(&running.metrics), running.drain.listen());
        running.tasks.spawn("certificate", certificate.follow(metrics, draining));
        if let Some((socket, address)) = health_socket {
            info!("health on {address}");
            let (site, draining) = (Arc::clone(&site), running.drain.listen());
            let listener = Listener { socket, door: Door::Health, tls: None, site, draining };
            running.tasks.spawn("health listener", listener.run());
        }
        let listener = Listener { socket, door: Door::Webhook, tls: Some(tls), site, draining: running.drain.listen() };
        running.tasks.spawn("webhook listener", listener.run());
        info!("listening on {address}");
        Ok(running)
    }
}

async fn listen(address: SocketAddr, flag: &'static str) -> Result<(TcpListener, SocketAddr), StartError> {
    let bound = async {
        let socket = TcpListener::bind(address).await?;
        let address = socket.local_addr()?;
        Ok((socket, address))
    };
    bound.await.map_err(|source| StartError::Listen { address, flag, source })
}

impl Running {
    /// Where the webhook listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where health and metrics are told, if anywhere.
    pub fn health_address(&self) -> Option<SocketAddr> {
        self.health_address
    }

    /// Puts these mappings in the place of those from the files before, in one
    /// step: the next login is decided by them.
    pub fn reload(&self, files: &StaticMappings) {
        let StaticMappings { mounted_file, break_glass, policy, config_hash } = files;
        let snapshots = [(Backend::BreakGlass, break_glass), (Backend::MountedFile, mounted_file)]
            .map(|(backend, rows)| Arc::new(Snapshot::new(backend, rows, self.last_good.role_paths)));
        self.mappings.replace(&snapshots, Some(&Arc::new(policy.clone())));
        self.health.note_config(config_hash);
        for (snapshot, rows) in snapshots.iter().zip([break_glass, mounted_file]) {
            if !self.mappings.has(snapshot.backend()) {
                continue;
            }
            rows.iter().for_each(log_text::rows);
            snapshot_remarks(snapshot, self.looks_up_nodes).iter().for_each(log_text::remark);
            self.metrics.note_snapshot(snapshot);
            let status = BackendStatus { mappings: snapshot.len(), reported: true, ..BackendStatus::default() };
            self.health.report(snapshot.backend(), status);
        }
    }

    /// Waits for the end of a task that should never end: the server is no
    /// longer ready then, and should be shut down. Being dropped loses nothing.
    pub async fn wait(&mut self) -> Ended {
        let ended = self.tasks.ended().await;
        self.health.task_ended();
        error!("{ended}");
        ended
    }

    /// Stops to accept connections, finishes the requests under way within
    /// [`crate::limits::DRAIN`], and ends.
    pub async fn shutdown(mut self) {
        self.health.shutting_down();
        info!("shutting down");
        self.drain.begin();
        while self.tasks.set.join_next().await.is_some() {}
    }

    /// Starts the look-up of instances.
    fn look_up_nodes(&mut self, settings: &Settings, instances: Arc<dyn Instances>) -> NodeNames {
        let (node_names, dispatcher) = NodeNames::new(settings, instances, Arc::clone(&self.metrics));
        self.tasks.spawn("node names", dispatcher.run());
        node_names
    }

    /// Starts to publish the logins of nodes.
    fn publish(&mut self, settings: &Settings, store: Arc<dyn StatusStore>, clock: &Clock) -> Arc<Notes> {
        let notes = Arc::new(Notes::new(clock));
        let publisher = Publisher::new(settings, store, Arc::clone(&notes));
        self.tasks.spawn("status", publisher.run(self.drain.listen()));
        notes
    }

    fn site(
        &self,
        settings: &Settings,
        sts: Arc<dyn Sts>,
        node_names: Option<NodeNames>,
        notes: Option<Arc<Notes>>,
        clock: &Clock,
    ) -> Arc<Site> {
        let (mappings, metrics) = (Arc::clone(&self.mappings), Arc::clone(&self.metrics));
        Arc::new(Site {
            login: Login::new(settings, sts, node_names, notes, Arc::clone(clock), mappings, metrics),
            metrics: Arc::clone(&self.metrics),
            health: Arc::clone(&self.health),
            limits: settings.limits,
            request_ids: RequestIds::default(),
        })
    }
}

/// The background tasks by name.
#[derive(Default)]
struct Tasks {
    set: JoinSet<()>,
    names: HashMap<Id, &'static str>,
}

impl Tasks {
    fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let id = self.set.spawn(task).id();
        self.names.insert(id, name);
    }

    /// The first of them to end.
    async fn ended(&mut self) -> Ended {
        let (id, reason) = match self.set.join_next_with_id().await {
            None => return Ended { task: "last", reason: "no task is left".to_owned() },
            Some(Ok((id, ()))) => (id, "it returned".to_owned()),
            Some(Err(error)) => (error.id(), describe(error)),
        };
        Ended { task: self.names.remove(&id).unwrap_or("unknown"), reason }
    }
}

fn describe(error: JoinError) -> String {
    match error.try_into_panic() {
        Ok(panic) => {
            let text = panic.downcast_ref::<&str>().copied();
            let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
            format!("it panicked: {}", text.unwrap_or("no message"))
        }
        Err(error) => error.to_string(),
    }
}

/// The certificate that is served, and what was made from it.
struct Certificate {
    files: PairFiles,
    served: Arc<Served>,
    not_after: Timestamp,
    hostname: String,
    port: u16,
    kubeconfig: Option<PathBuf>,
    clock: Clock,
}

impl Certificate {
    fn prepare(settings: &Settings, port: u16, clock: &Clock) -> Result<Self, StartError> {
        let Settings { hostname, address, state_dir, generate_kubeconfig, .. } = settings;
        let (files, now) = (PairFiles::of(state_dir), clock());
        let (pair, made) = init::pair(&files, hostname, *address, now)?;
        if made {
            info!(certificate = %files.certificate.display(), "a new certificate and key were made");
        }
        pair.warn_of_expiry(now);
        if files.key_is_shared() {
            warn!(key = %files.key.display(), "others than its owner may read the key; its mode should be 0600");
        }
        if let Some(path) = generate_kubeconfig {
            init::write_kubeconfig(path, &pair, hostname, port)?;
        }
        Ok(Self {
            served: Served::new(&pair),
            not_after: pair.not_after,
            files,
            hostname: hostname.clone(),
            port,
            kubeconfig: generate_kubeconfig.clone(),
            clock: Arc::clone(clock),
        })
    }

    /// Serves what the files hold, whenever they change, until the shutdown.
    async fn follow(self, metrics: Arc<Metrics>, mut draining: Draining) {
        metrics.note_certificate(self.not_after);
        let Self { files, .. } = &self;
        let mut watch = FileWatch::new([files.certificate.clone(), files.key.clone()]);
        loop {
            tokio::select! {
                () = watch.changed() => {}
                () = draining.begun() => return,
            }
            let pair = match Pair::load(files) {
                Ok(pair) => pair,
                Err(error) => {
                    error!(error = chain(&error), "the certificate was changed but can't be used; the old one stays");
                    continue;
                }
            };
            self.served.exchange(&pair);
            metrics.note_certificate(pair.not_after);
            pair.warn_of_expiry((self.clock)());
            warn!("another certificate is served now; kube-apiserver reads the webhook kubeconfig only at its start");
            if let Some(path) = &self.kubeconfig
                && let Err(error) = init::write_kubeconfig(path, &pair, &self.hostname, self.port)
            {
                error!(error = chain(&error), "the webhook kubeconfig still holds the former certificate");
            }
        }
    }
}
