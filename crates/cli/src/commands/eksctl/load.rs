//! From flags, argument and ClusterConfig to a target, with eksctl's refusals.

use kube_iam_core::authenticator::Deciding;
use kube_iam_core::eksctl::{ClusterConfig, Mapping, quoted};
use std::io;
use std::path::PathBuf;

use super::Ended;
use super::surroundings::Surroundings;
use crate::args::eksctl::{MAPPING_FLAGS, Verb};
use crate::args::go_flags::Typed;
use crate::args::{ClusterArgs, TargetArgs, WriteArgs, rule};
use crate::report::Failure;

/// What a command is about.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// Which aws-auth.
    pub(super) target: TargetArgs,
    /// How it is written. eksctl's `--timeout` of 25 minutes is for
    /// CloudFormation; ours is that of our other commands.
    pub(super) write: WriteArgs,
    /// The mappings of the ClusterConfig, if there is one.
    pub(super) mappings: Option<Vec<Mapping>>,
}

impl Loaded {
    pub(super) fn of(verb: Verb, typed: &Typed, surroundings: &mut dyn Surroundings) -> Result<Self, Ended> {
        let given = |name: &str| Some(typed.text(name)).filter(|text| !text.is_empty());
        let cluster = ClusterArgs {
            cluster: given("cluster").map(str::to_owned),
            region: given("region").map(str::to_owned),
            profile: given("profile").map(str::to_owned),
            kubeconfig: given("kubeconfig").map(PathBuf::from),
            context: given("context").map(str::to_owned),
            ..ClusterArgs::default()
        };
        let target = TargetArgs {
            manifest: given("manifest").map(PathBuf::from),
            authenticator: authenticator(typed)?,
            cluster,
        };
        let elsewhere = ["kubeconfig", "context"].into_iter().find(|name| given(name).is_some());
        if let (Some(_), Some(other)) = (&target.manifest, elsewhere) {
            return Err(refuse(format!("cannot use --{other} and --manifest at the same time")));
        }
        let loaded = Self { target, write: write(typed)?, mappings: None };
        match typed.text("config-file") {
            "" => without_file(typed, loaded),
            "-" if typed.text("manifest") == "-" => Err(refuse("cannot read --config-file and --manifest from stdin")),
            file => with_file(verb, typed, loaded, file, surroundings),
        }
    }
}

fn refuse(text: impl Into<String>) -> Ended {
    Failure::new(text).into()
}

fn write(typed: &Typed) -> Result<WriteArgs, Ended> {
    let known = |text: &String| {
        let reason = |reason| refuse(format!("invalid argument {} for \"--override\" flag: {reason}", quoted(text)));
        rule(text).map_err(reason)
    };
    let overrides = typed.texts("override").iter().map(known).collect::<Result<_, _>>()?;
    let usual = WriteArgs::default();
    // No time at all is no limit of eksctl's either.
    let timeout = typed.duration("timeout").filter(|timeout| !timeout.is_zero());
    Ok(WriteArgs { overrides, timeout: timeout.unwrap_or(usual.timeout), ..usual })
}

fn authenticator(typed: &Typed) -> Result<Deciding, Ended> {
    match typed.text("authenticator") {
        "" => Ok(Deciding::Unknown),
        text => text.parse().map_err(|reason| {
            refuse(format!("invalid argument {} for \"--authenticator\" flag: {reason}", quoted(text)))
        }),
    }
}

fn name_argument(typed: &Typed) -> &str {
    typed.positional.first().map(|name| name.trim()).unwrap_or_default()
}

fn without_file(typed: &Typed, mut loaded: Loaded) -> Result<Loaded, Ended> {
    let target = &mut loaded.target;
    let name = name_argument(typed);
    if let (false, Some(cluster)) = (name.is_empty(), &target.cluster.cluster) {
        return Err(refuse(format!("--cluster={cluster} and argument {name} cannot be used at the same time")));
    }
    if !name.is_empty() {
        target.cluster.cluster = Some(name.to_owned());
    }
    let ClusterArgs { cluster, kubeconfig, context, .. } = &target.cluster;
    match (cluster, &target.manifest) {
        (None, None) if kubeconfig.is_none() && context.is_none() => Err(refuse("--cluster must be set")),
        (Some(_), Some(_)) => Err(refuse("cannot use --cluster and --manifest at the same time")),
        _ => Ok(loaded),
    }
}

fn with_file(
    verb: Verb,
    typed: &Typed,
    mut loaded: Loaded,
    file: &str,
    surroundings: &mut dyn Surroundings,
) -> Result<Loaded, Ended> {
    let text = surroundings
        .read(file)
        .map_err(|error| Failure::new(reason(file, &error)).within(&format!("reading config file {}", quoted(file))))?;
    let config = ClusterConfig::parse(&text)
        .map_err(|error| Failure::of(&error).within(&format!("loading config file {}", quoted(file))))?;
    let (name, region) = config.metadata.ok_or_else(|| refuse("metadata must be set"))?;
    // Of eksctl's own first; it ignores those that say what to create.
    let own: &[&str] = if verb == Verb::Create { &MAPPING_FLAGS } else { &[] };
    let refused = ["cluster", "name", "region"].iter().chain(own).find(|flag| typed.is_given(flag));
    if let Some(flag) = refused {
        return Err(refuse(format!("cannot use --{flag} when --config-file/-f is set")));
    }
    if !name_argument(typed).is_empty() {
        return Err(refuse("cannot use name argument when --config-file/-f is set"));
    }
    for (key, value) in [("name", &name), ("region", &region)] {
        if value.is_empty() {
            return Err(refuse(format!("metadata.{key} must be set")));
        }
    }
    (loaded.target.cluster.cluster, loaded.target.cluster.region) = (Some(name), Some(region));
    loaded.mappings = Some(config.mappings);
    Ok(loaded)
}

/// Go's words for why a file can't be read.
fn reason(file: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => format!("open {file}: no such file or directory"),
        io::ErrorKind::PermissionDenied => format!("open {file}: permission denied"),
        io::ErrorKind::IsADirectory => format!("read {file}: is a directory"),
        _ => error.to_string(),
    }
}
