//! `kube-iam server`: the webhook.

mod files;

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use kube_iam_cluster::ConnectSettings;
use kube_iam_core::config::{Config, Problem, ServerConfig, check_chain};
use kube_iam_core::last_good::LastGoodPolicy;
use kube_iam_core::mapping::Backend;
use kube_iam_server::{Ended, Ports, Running, Server, Settings};

use crate::args::{Gate, Global, ServerArgs};
use crate::compose::{self, ClusterAccess, ClusterPorts, Ec2Access};
use crate::logging::{self, Verbosity};
use crate::report::Failure;
use files::Files;

/// Where the Go authenticator keeps its state.
pub const STATE_DIR: &str = "/var/aws-iam-authenticator";

/// Where the Go authenticator writes the kubeconfig for kube-apiserver.
pub const GENERATE_KUBECONFIG: &str = "/etc/kubernetes/aws-iam-authenticator/kubeconfig.yaml";

/// Runs the server until it is told to end. Once logging has started, whatever
/// there is to say stands in the log.
pub fn run(global: &Global, args: &ServerArgs) -> Result<(), Failure> {
    let plan = Plan::read(global, args)?;
    let _log = logging::start(global.log_format.as_ref(), global.log_verbosity.unwrap_or(Verbosity::INFO));
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "kube-iam starts");
    for warning in &plan.warnings {
        tracing::warn!(%warning, "the configuration");
    }
    if global.given(Gate::SsoRoleMatch) == Some(false) {
        tracing::warn!("the feature gate `SSORoleMatch=false` has no effect: rows with `sso` always count");
    }
    let served = compose::server_runtime().and_then(|runtime| runtime.block_on(serve(plan)));
    served.map_err(Failure::logged)
}

/// A server and what has to be watched and asked for it.
pub struct Plan {
    /// What the server is told at its start.
    pub settings: Settings,
    /// Where its mappings stand.
    pub files: Files,
    /// What is suspicious in the configuration file.
    warnings: Vec<Problem>,
    cluster: ClusterAccess,
    ec2: Ec2Access,
}

impl Plan {
    /// Reads the files, and folds flags over the file over the defaults.
    pub fn read(global: &Global, args: &ServerArgs) -> Result<Self, Failure> {
        let (mut files, loaded) = Files::open(global.config.clone(), global.strict_config)?;
        let (mut settings, cluster) = fold(global, args, &loaded.config)?;
        let ServerConfig { ec2_role, source_arn, .. } = &loaded.config.server;
        let ec2 = Ec2Access { role: ec2_role.clone(), source_arn: source_arn.clone() };
        files.open_break_glass(or_file(&args.break_glass_file, &loaded.config.server.break_glass_file))?;
        settings.mappings = files.mappings().clone();
        Ok(Self { settings, files, warnings: loaded.warnings, cluster, ec2 })
    }
}

fn or_file(flag: &Option<PathBuf>, file: &Option<String>) -> Option<PathBuf> {
    flag.clone().or_else(|| file.as_ref().map(PathBuf::from))
}

/// Folds flags over the file over the defaults.
fn fold(global: &Global, args: &ServerArgs, config: &Config) -> Result<(Settings, ClusterAccess), Failure> {
    let ServerArgs {
        partition,
        address,
        port,
        health_address,
        state_dir,
        generate_kubeconfig,
        kubeconfig_pregenerated,
        kubeconfig,
        master,
        backend_mode,
        // Read beside the configuration.
        break_glass_file: _,
        denial_status,
        identity_cache_ttl,
        deletion_grace,
        on_bad_config,
        role_paths,
        api_audiences,
        ec2_qps,
        ec2_burst,
        verify_node_instance,
        publish_status,
        replica_name,
    } = args;
    let cluster_id = global.cluster_id(config.cluster_id.clone())?;
    let file = &config.server;
    let state_dir = or_file(state_dir, &file.state_dir).unwrap_or_else(|| STATE_DIR.into());
    let mut settings = Settings::new(cluster_id, state_dir);
    set(&mut settings.partition, partition.or(file.partition));
    set(&mut settings.address, address.or(file.address));
    set(&mut settings.port, port.or(file.port));
    set(&mut settings.hostname, file.hostname.clone());
    set(&mut settings.health_address, health_address.or(file.health_address).map(Some));
    set(&mut settings.denial_status, denial_status.or(file.denial_status));
    set(&mut settings.api_audiences, api_audiences.clone().or_else(|| file.api_audiences.clone()));
    let ttl = identity_cache_ttl.or(file.identity_cache_ttl).map(Duration::try_from);
    set(&mut settings.identity_ttl, ttl.and_then(Result::ok));
    set(&mut settings.ec2_qps, ec2_qps.or(file.ec2_qps).map(|rate| rate.0));
    set(&mut settings.ec2_burst, ec2_burst.or(file.ec2_burst).map(|rate| rate.0));
    set(&mut settings.verify_node_instance, verify_node_instance.or(file.verify_node_instance));
    set(&mut settings.replica, replica_name.clone().or_else(|| file.replica_name.clone()));
    let pregenerated = kubeconfig_pregenerated.or(file.kubeconfig_pregenerated).unwrap_or(false);
    let generate =
        or_file(generate_kubeconfig, &file.generate_kubeconfig).unwrap_or_else(|| GENERATE_KUBECONFIG.into());
    settings.generate_kubeconfig = (!pregenerated).then_some(generate);
    set(&mut settings.backends, backend_mode.clone().or_else(|| file.backend_mode.clone()));
    check_chain(&settings.backends).map_err(|error| Failure::new("the backend modes can't be used").because(&error))?;
    let defaults = LastGoodPolicy::default();
    settings.last_good = LastGoodPolicy {
        on_bad_config: on_bad_config.or(file.on_bad_config).unwrap_or(defaults.on_bad_config),
        deletion_grace: deletion_grace.or(file.deletion_grace).unwrap_or(defaults.deletion_grace),
        role_paths: role_paths.or(file.role_paths).unwrap_or(defaults.role_paths),
    };
    let cluster = ClusterAccess {
        reads_aws_auth: settings.backends.contains(&Backend::EksConfigMap),
        publishes_status: publish_status.or(file.publish_status).unwrap_or(false),
        connect: ConnectSettings {
            kubeconfig: or_file(kubeconfig, &file.kubeconfig),
            context: None,
            master: master.clone().or_else(|| file.master.clone()),
            ..ConnectSettings::default()
        },
    };
    Ok((settings, cluster))
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

async fn serve(plan: Plan) -> Result<(), Failure> {
    let Plan { settings, files, cluster, ec2, .. } = plan;
    let ClusterPorts { aws_auth, status } = compose::cluster_ports(&cluster)?;
    let (sts, instances) = (compose::sts_from_environment()?, Some(compose::instances(&ec2)));
    let ports = Ports { sts, aws_auth, instances, status, clock: compose::clock() };
    let stop = compose::stop_signal().map_err(|error| Failure::new("can't listen for signals").because(&error))?;
    let running = start(settings, ports).await?;
    follow(running, files, stop, || {}).await
}

/// Starts a server.
pub async fn start(settings: Settings, ports: Ports) -> Result<Running, Failure> {
    Server::start(settings, ports).await.map_err(|error| Failure::of(&error).hint(error.hint()))
}

/// Follows the files of a running server until it is told to stop; then lets it
/// finish what is in flight. `reloaded` is called when other mappings are in force.
pub async fn follow(
    mut running: Running,
    mut files: Files,
    stop: impl Future<Output = ()>,
    reloaded: impl Fn(),
) -> Result<(), Failure> {
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => {
                tracing::info!("told to end, finishing what is in flight");
                running.shutdown().await;
                return Ok(());
            }
            ended = running.wait() => return Err(died(&ended)),
            () = files.changed() => {
                running.reload(files.mappings());
                reloaded();
            }
        }
    }
}

fn died(ended: &Ended) -> Failure {
    Failure::new(format!("the server can't go on: {ended}"))
}
