//! `kube-iam init`: what kube-apiserver needs before the server's first start.

use std::path::PathBuf;

use jiff::Timestamp;
use kube_iam_server::{InitSettings, Settings, init};

use super::server::{GENERATE_KUBECONFIG, STATE_DIR};
use crate::args::{Gate, Global, InitArgs};
use crate::config_file;
use crate::output;
use crate::report::Failure;

/// Writes key, certificate and webhook kubeconfig. Like the Go authenticator it
/// writes into the current directory, unless the gate says otherwise.
pub fn run(global: &Global, args: &InitArgs) -> Result<(), Failure> {
    let config = config_file::read(global)?;
    let cluster_id = global.cluster_id(config.cluster_id)?;
    let InitArgs { hostname, address } = args;
    let file = config.server;
    let defaults = Settings::new(cluster_id, "");
    let configured = global.gate(Gate::ConfiguredInitDirectories);
    let destination = file.generate_kubeconfig.map_or_else(|| GENERATE_KUBECONFIG.into(), PathBuf::from);
    let state_dir = file.state_dir.map_or_else(|| STATE_DIR.into(), PathBuf::from);
    let settings = InitSettings {
        hostname: hostname.clone().or(file.hostname).unwrap_or(defaults.hostname),
        address: address.or(file.address).unwrap_or(defaults.address),
        port: file.port.unwrap_or(defaults.port),
        state_dir: if configured { state_dir.clone() } else { PathBuf::from(".") },
        kubeconfig: if configured { destination.clone() } else { PathBuf::from("aws-iam-authenticator.kubeconfig") },
    };
    init(&settings, Timestamp::now()).map_err(|error| Failure::of(&error).hint(error.hint()))?;
    let copy = match configured {
        true => String::new(),
        false => format!(
            "copy cert.pem and key.pem to {state_dir} and {kubeconfig} to {destination} on every control-plane host\n",
            state_dir = state_dir.display(),
            kubeconfig = settings.kubeconfig.display(),
            destination = destination.display(),
        ),
    };
    let flag =
        format!("start kube-apiserver with --authentication-token-webhook-config-file={}\n", destination.display());
    // What was written is what counts; whoever closed stderr does not want to hear more.
    let _ = output::talk(&format!("{copy}{flag}"));
    Ok(())
}
