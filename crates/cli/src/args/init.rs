//! `kube-iam init`

use std::net::IpAddr;

use clap::Args;

/// Write key, certificate and webhook kubeconfig.
///
/// Done once per control-plane host, so that kube-apiserver finds its webhook
/// kubeconfig before the server has ever run. Running it again keeps key and
/// certificate.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kube-iam init -i my-cluster
  kube-iam init -c config.yaml --feature-gates ConfiguredInitDirectories=true")]
pub struct InitArgs {
    /// Host name under which kube-apiserver reaches the server [default: localhost] [config: server.hostname]
    #[arg(long)]
    pub hostname: Option<String>,
    /// Address that the certificate names too [default: 127.0.0.1] [config: server.address]
    #[arg(long, value_name = "IP")]
    pub address: Option<IpAddr>,
}
