//! `kube-iam server`: the webhook.

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use kube_iam_cluster::{AwsAuthSource, ConnectSettings, connect};
use kube_iam_core::config::{Config, ServerConfig, check_chain};
use kube_iam_core::last_good::LastGoodPolicy;
use kube_iam_core::mapping::Backend;
use kube_iam_core::ports::MappingSource;
use kube_iam_core::user_info::MappingPolicy;
use kube_iam_server::watch_files::FileWatch;
use kube_iam_server::{Ended, Ports, Running, Server, Settings, StaticMappings, break_glass};

use crate::args::{Global, ServerArgs};
use crate::compose;
use crate::config_file;
use crate::exit::Exit;
use crate::logging::{self, Verbosity};
use crate::report::Failure;

/// Where the Go authenticator keeps its state.
pub const STATE_DIR: &str = "/var/aws-iam-authenticator";

/// Where the Go authenticator writes the kubeconfig for kube-apiserver.
pub const GENERATE_KUBECONFIG: &str = "/etc/kubernetes/aws-iam-authenticator/kubeconfig.yaml";

/// Runs the server until it is told to end.
pub fn run(global: &Global, args: &ServerArgs) -> Result<(), Failure> {
    let config = config_file::read(global)?;
    refuse_unsupported(args)?;
    let plan = Plan::fold(global, args, &config)?;
    let _log = logging::start(global.log_format, global.log_verbosity.unwrap_or(Verbosity::INFO));
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "kube-iam starts");
    compose::server_runtime()?.block_on(serve(plan))
}

/// A server and what has to be watched and asked for it.
pub struct Plan {
    /// What the server is told at its start.
    pub settings: Settings,
    /// Where its mappings are read again from.
    pub files: Files,
    cluster: Option<ConnectSettings>,
}

/// The files that mappings stand in.
pub struct Files {
    config: Option<PathBuf>,
    strict: bool,
    break_glass: Option<PathBuf>,
}

impl Plan {
    /// Folds flags over the file over the defaults.
    pub fn fold(global: &Global, args: &ServerArgs, config: &Config) -> Result<Self, Failure> {
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
            break_glass_file,
            denial_status,
            identity_cache_ttl,
            deletion_grace,
            on_bad_config,
            role_paths,
            api_audiences,
            // Refused before.
            ec2_qps: _,
            ec2_burst: _,
        } = args;
        let cluster_id = global.cluster_id(config.cluster_id.clone())?;
        let file = &config.server;
        let or_file = |flag: &Option<PathBuf>, file: &Option<String>| flag.clone().or(file.as_ref().map(PathBuf::from));
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
        let pregenerated = kubeconfig_pregenerated.or(file.kubeconfig_pregenerated).unwrap_or(false);
        let generate =
            or_file(generate_kubeconfig, &file.generate_kubeconfig).unwrap_or_else(|| GENERATE_KUBECONFIG.into());
        settings.generate_kubeconfig = (!pregenerated).then_some(generate);
        set(&mut settings.backends, backend_mode.clone().or_else(|| file.backend_mode.clone()));
        check_chain(&settings.backends)
            .map_err(|error| Failure::new("the backend modes can't be used").because(&error))?;
        let defaults = LastGoodPolicy::default();
        settings.last_good = LastGoodPolicy {
            on_bad_config: on_bad_config.or(file.on_bad_config).unwrap_or(defaults.on_bad_config),
            deletion_grace: deletion_grace.or(file.deletion_grace).unwrap_or(defaults.deletion_grace),
            role_paths: role_paths.or(file.role_paths).unwrap_or(defaults.role_paths),
        };
        let files = Files {
            config: global.config.clone(),
            strict: global.strict_config,
            break_glass: or_file(break_glass_file, &file.break_glass_file),
        };
        settings.mappings = files.mappings(&config.server)?;
        let cluster = settings.backends.contains(&Backend::EksConfigMap).then(|| ConnectSettings {
            kubeconfig: or_file(kubeconfig, &file.kubeconfig),
            context: None,
            master: master.clone().or_else(|| file.master.clone()),
            ..ConnectSettings::default()
        });
        Ok(Self { settings, files, cluster })
    }
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

/// Flags of aws-iam-authenticator for what this version does not do.
fn refuse_unsupported(args: &ServerArgs) -> Result<(), Failure> {
    let refuse = |flag: &str| {
        let failure = Failure::new(format!("`{flag}` is not supported by this version"));
        failure.hint("remove it, or stay with aws-iam-authenticator until kube-iam has it".to_string())
    };
    match (args.ec2_qps, args.ec2_burst) {
        (None, None) => Ok(()),
        (Some(_), _) => Err(refuse("--ec2-describeInstances-qps")),
        (None, Some(_)) => Err(refuse("--ec2-describeInstances-burst")),
    }
}

impl Files {
    /// The mappings that stand in files, for a configuration just read.
    fn mappings(&self, file: &ServerConfig) -> Result<StaticMappings, Failure> {
        let break_glass = match &self.break_glass {
            None => Vec::new(),
            Some(path) => break_glass::read(path)
                .map_err(|error| Failure::of(&error).hint(format!("mend `{}`, or start without it", path.display())))?,
        };
        Ok(StaticMappings {
            mounted_file: file.mappings.clone(),
            break_glass,
            policy: MappingPolicy {
                reserved_prefixes: file.reserved_prefixes.clone(),
                scrubbed_accounts: file.scrubbed_accounts.clone(),
            },
            config_hash: compose::hash_of(self.config.as_deref()),
        })
    }

    /// Reads everything again.
    fn reread(&self) -> Result<StaticMappings, Failure> {
        let config = match &self.config {
            None => Config::default(),
            Some(path) => {
                let parsed = config_file::load(path)?;
                for warning in &parsed.warnings {
                    tracing::warn!(%warning, "the changed configuration");
                }
                config_file::accept(path, parsed, self.strict)?
            }
        };
        self.mappings(&config.server)
    }

    fn watched(&self) -> Vec<PathBuf> {
        self.config.iter().chain(&self.break_glass).cloned().collect()
    }
}

async fn serve(plan: Plan) -> Result<(), Failure> {
    let Plan { settings, files, cluster } = plan;
    let aws_auth = match &cluster {
        Some(settings) => Some(source(settings)?),
        None => None,
    };
    let ports = Ports { sts: compose::sts_from_environment()?, aws_auth, clock: compose::clock() };
    let stop = compose::stop_signal().map_err(|error| Failure::new("can't listen for signals").because(&error))?;
    let running = start(settings, ports).await?;
    follow(running, files, stop).await
}

/// Starts a server.
pub async fn start(settings: Settings, ports: Ports) -> Result<Running, Failure> {
    Server::start(settings, ports).await.map_err(|error| Failure::of(&error).hint(error.hint()))
}

/// Follows the files of a running server until it is told to stop; then lets it
/// finish what is in flight.
pub async fn follow(mut running: Running, files: Files, stop: impl Future<Output = ()>) -> Result<(), Failure> {
    tokio::pin!(stop);
    let mut changes = FileWatch::new(files.watched());
    // What changed between the first reading and now was seen by nobody.
    reload(&running, &files);
    loop {
        tokio::select! {
            () = &mut stop => {
                tracing::info!("told to end, finishing what is in flight");
                running.shutdown().await;
                return Ok(());
            }
            ended = running.wait() => return Err(died(&ended)),
            () = changes.changed() => reload(&running, &files),
        }
    }
}

fn source(settings: &ConnectSettings) -> Result<Box<dyn MappingSource>, Failure> {
    let client = connect(settings).map_err(|error| Failure::of(&error).hint(error.hint()).exit(Exit::Failed))?;
    Ok(Box::new(AwsAuthSource::new(client)))
}

fn reload(running: &Running, files: &Files) {
    match files.reread() {
        Ok(mappings) => running.reload(&mappings),
        Err(failure) => {
            tracing::error!(problem = %failure, "the changed configuration can't be used; the old one stays in force");
        }
    }
}

fn died(ended: &Ended) -> Failure {
    Failure::new(format!("the server can't go on: {ended}"))
}
