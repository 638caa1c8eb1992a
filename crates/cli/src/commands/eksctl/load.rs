//! From flags, argument and ClusterConfig to a target, with eksctl's refusals.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use kube_iam_core::eksctl::{ClusterConfig, Mapping, quoted};

use super::Ended;
use super::surroundings::{Surroundings, Target, Trouble};
use crate::args::eksctl::{MAPPING_FLAGS, Verb};
use crate::args::go_flags::Typed;

/// How long a write may take unless told otherwise. eksctl's 25 minutes are for
/// CloudFormation.
const TIMEOUT: Duration = Duration::from_mins(1);

/// What a command is about.
#[derive(Debug)]
pub(super) struct Loaded {
    /// Which aws-auth.
    pub(super) target: Target,
    /// The mappings of the ClusterConfig, if there is one.
    pub(super) mappings: Option<Vec<Mapping>>,
}

impl Loaded {
    pub(super) fn of(verb: Verb, typed: &Typed, surroundings: &mut dyn Surroundings) -> Result<Self, Ended> {
        let path = |name: &str| Some(typed.text(name)).filter(|path| !path.is_empty()).map(PathBuf::from);
        let target = Target {
            cluster: typed.text("cluster").to_owned(),
            region: typed.text("region").to_owned(),
            profile: typed.text("profile").to_owned(),
            kubeconfig: path("kubeconfig"),
            context: Some(typed.text("context")).filter(|name| !name.is_empty()).map(str::to_owned),
            manifest: path("manifest"),
            timeout: typed.duration("timeout").unwrap_or(TIMEOUT),
        };
        if target.manifest.is_some() && (target.kubeconfig.is_some() || target.context.is_some()) {
            let other = if target.kubeconfig.is_some() { "kubeconfig" } else { "context" };
            return Err(format!("cannot use --{other} and --manifest at the same time").into());
        }
        match typed.text("config-file") {
            "" => without_file(typed, target),
            file => with_file(verb, typed, target, file, surroundings),
        }
    }
}

fn name_argument(typed: &Typed) -> &str {
    typed.positional.first().map(|name| name.trim()).unwrap_or_default()
}

fn without_file(typed: &Typed, mut target: Target) -> Result<Loaded, Ended> {
    let name = name_argument(typed);
    if !name.is_empty() && !target.cluster.is_empty() {
        let cluster = &target.cluster;
        return Err(format!("--cluster={cluster} and argument {name} cannot be used at the same time").into());
    }
    if !name.is_empty() {
        target.cluster = name.to_owned();
    }
    let elsewhere = target.kubeconfig.is_some() || target.context.is_some() || target.manifest.is_some();
    if target.cluster.is_empty() && !elsewhere {
        return Err("--cluster must be set".into());
    }
    if target.manifest.is_some() && !target.cluster.is_empty() {
        return Err("cannot use --cluster and --manifest at the same time".into());
    }
    Ok(Loaded { target, mappings: None })
}

fn with_file(
    verb: Verb,
    typed: &Typed,
    mut target: Target,
    file: &str,
    surroundings: &mut dyn Surroundings,
) -> Result<Loaded, Ended> {
    let text = surroundings.read(file).map_err(|error| {
        Trouble::from(reason(file, &error)).within(&format!("reading config file {}", quoted(file)))
    })?;
    let config = ClusterConfig::parse(&text)
        .map_err(|error| Trouble::of(&error).within(&format!("loading config file {}", quoted(file))))?;
    let (name, region) = config.metadata.ok_or("metadata must be set")?;
    // Of eksctl's own first; it ignores those that say what to create.
    let own: &[&str] = if verb == Verb::Create { &MAPPING_FLAGS } else { &[] };
    let refused = ["cluster", "name", "region"].iter().chain(own).find(|flag| typed.is_given(flag));
    if let Some(flag) = refused {
        return Err(format!("cannot use --{flag} when --config-file/-f is set").into());
    }
    if !name_argument(typed).is_empty() {
        return Err("cannot use name argument when --config-file/-f is set".into());
    }
    for (key, value) in [("name", &name), ("region", &region)] {
        if value.is_empty() {
            return Err(format!("metadata.{key} must be set").into());
        }
    }
    (target.cluster, target.region) = (name, region);
    Ok(Loaded { target, mappings: Some(config.mappings) })
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
