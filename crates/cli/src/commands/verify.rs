//! `kube-iam verify`: whose token is this, and what does it map to.

mod show;

use std::io::Read as _;

use jiff::Timestamp;
use kube_iam_cluster::{ConnectSettings, connect, observe_once};
use kube_iam_core::config::Config;
use kube_iam_core::identity::Identity;
use kube_iam_core::ids::ClusterId;
use kube_iam_core::last_good::{LastGood, LastGoodPolicy};
use kube_iam_core::limits;
use kube_iam_core::mapping::{Backend, Snapshot, resolve};
use kube_iam_core::partition::{Partition, StsHosts};
use kube_iam_core::reason::Reason;
use kube_iam_core::secret::Token;
use kube_iam_core::sts::{StsRequest, conclude};
use kube_iam_core::template::Values;
use kube_iam_core::token::{TokenPolicy, check};
use kube_iam_core::user_info::{MappingPolicy, user_info};
use kube_iam_server::break_glass;

use crate::args::{Global, VerifyArgs, VerifyOutput};
use crate::compose;
use crate::config_file;
use crate::exit::Exit;
use crate::output;
use crate::report::Failure;
use show::{Mapped, Verdict};

/// Verifies a token and prints what is known about it.
pub fn run(global: &Global, args: &VerifyArgs) -> Result<(), Failure> {
    let config = config_file::read(global)?;
    let cluster_id = global.cluster_id(config.cluster_id.clone())?;
    let form = form(args, &config)?;
    let partition = args.partition.or(config.partition).or(config.server.partition).unwrap_or_default();
    let token = token(args)?;
    let request = decode(&token, cluster_id, partition)?;
    if args.offline {
        return output::data(&Verdict::decoded(&request).print(form));
    }
    let verdict = compose::runtime()?.block_on(ask(args, &config, &request, partition))?;
    output::data(&verdict.print(form))?;
    match verdict.refusal() {
        None => Ok(()),
        Some(reason) => {
            Err(Failure::new(format!("the token is good, but nobody is let in by it ({})", reason.as_str())))
        }
    }
}

fn form(args: &VerifyArgs, config: &Config) -> Result<VerifyOutput, Failure> {
    match (args.output, config.output.as_deref()) {
        (Some(form), _) => Ok(form),
        (None, Some("json")) => Ok(VerifyOutput::Json),
        (None, _) => Ok(VerifyOutput::Text),
    }
}

fn token(args: &VerifyArgs) -> Result<Token, Failure> {
    let token = args.token.clone().ok_or_else(|| {
        Failure::new("token not specified")
            .hint("add `--token TOKEN`, or `--token -` to read it from stdin".to_string())
    })?;
    if token.expose() != "-" {
        return Ok(token);
    }
    let mut text = String::new();
    let bound = u64::try_from(2 * limits::TOKEN_BYTES).unwrap_or(u64::MAX);
    let read = std::io::stdin().lock().take(bound).read_to_string(&mut text);
    read.map_err(|error| Failure::new("could not read the token from stdin").because(&error))?;
    Ok(Token::new(text.trim_end()))
}

/// The checks that need no network.
fn decode(token: &Token, cluster_id: ClusterId, partition: Partition) -> Result<StsRequest, Failure> {
    let policy = TokenPolicy { hosts: StsHosts::of(partition), cluster_id };
    check(token, &policy, Timestamp::now()).map_err(|error| {
        let failure = Failure::new(format!("could not verify token ({})", Reason::from(error).as_str()));
        failure.because(&error)
    })
}

/// Asks STS who signed, and the mappings what that means.
async fn ask(
    args: &VerifyArgs,
    config: &Config,
    request: &StsRequest,
    partition: Partition,
) -> Result<Verdict, Failure> {
    let sts = compose::sts_from_environment()?;
    let identity = conclude(request, partition, sts.call(request).await).map_err(|error| {
        let reason = Reason::from(&error);
        let exit = if reason == Reason::StsUnavailable { Exit::Unreachable } else { Exit::Failed };
        let hint = (reason == Reason::StsUnavailable).then(|| {
            "check the network and `HTTPS_PROXY`; `--offline` decodes the token without asking STS".to_string()
        });
        Failure::new(format!("could not verify token ({})", reason.as_str())).because(&error).hint(hint).exit(exit)
    })?;
    let snapshots = snapshots(args, config).await?;
    let mapped = snapshots.map(|snapshots| map(&snapshots, &identity, config));
    Ok(Verdict::verified(request, &identity, mapped))
}

fn map(snapshots: &[Snapshot], identity: &Identity, config: &Config) -> Mapped {
    let resolution = resolve(snapshots, identity);
    let policy = MappingPolicy {
        reserved_prefixes: config.server.reserved_prefixes.clone(),
        scrubbed_accounts: config.server.scrubbed_accounts.clone(),
    };
    // Names of instances stay open: only the server asks EC2.
    Mapped::new(resolution, user_info(resolution, identity, &Values::default(), &policy))
}

/// The mappings as the server would read them; `None` if nothing says where
/// they are.
async fn snapshots(args: &VerifyArgs, config: &Config) -> Result<Option<Vec<Snapshot>>, Failure> {
    let file = &config.server;
    let paths = file.role_paths.unwrap_or_default();
    let mut snapshots = Vec::new();
    if let Some(path) = &file.break_glass_file {
        let rows = break_glass::read(path.as_ref()).map_err(|error| Failure::of(&error))?;
        snapshots.push(Snapshot::new(Backend::BreakGlass, &rows, paths));
    }
    let default = if args.kubeconfig.is_some() { Backend::EksConfigMap } else { Backend::MountedFile };
    for backend in file.backend_mode.clone().unwrap_or_else(|| vec![default]) {
        match backend {
            Backend::MountedFile => snapshots.push(Snapshot::new(backend, &file.mappings, paths)),
            Backend::EksConfigMap => snapshots.push(aws_auth(args, config).await?),
            Backend::BreakGlass => {}
        }
    }
    let known = args.kubeconfig.is_some() || file.backend_mode.is_some() || !snapshots.iter().all(Snapshot::is_empty);
    Ok(known.then_some(snapshots))
}

/// aws-auth as it stands in the cluster at this moment.
async fn aws_auth(args: &VerifyArgs, config: &Config) -> Result<Snapshot, Failure> {
    let settings = ConnectSettings {
        kubeconfig: args.kubeconfig.clone().or_else(|| config.server.kubeconfig.as_ref().map(Into::into)),
        context: args.context.clone(),
        master: config.server.master.clone(),
        ..ConnectSettings::default()
    };
    let client = connect(&settings).map_err(|error| Failure::of(&error).hint(error.hint()))?;
    let observation =
        observe_once(&client).await.map_err(|error| Failure::of(&error).hint(error.hint()).exit(Exit::Unreachable))?;
    let policy =
        LastGoodPolicy { role_paths: config.server.role_paths.unwrap_or_default(), ..LastGoodPolicy::default() };
    let mut state = LastGood::new(policy);
    for remark in state.observe(&observation, Timestamp::now()) {
        output::warn(&remark.text);
    }
    Ok(state.snapshot())
}
