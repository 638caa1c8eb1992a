//! Putting the parts together: the only place that knows them all.

use std::future::Future;
use std::io;
use std::sync::Arc;

use jiff::Timestamp;
use kube_iam_aws::ec2::{Ec2Instances, Ec2Role, Ec2Settings, OnBehalfOf};
use kube_iam_aws::environment::Environment;
use kube_iam_aws::http::{HttpSettings, LoopbackAddress, Roots};
use kube_iam_aws::sts_client::{StsClient, StsSettings};
use kube_iam_cluster::{AwsAuthSource, ConnectSettings, StatusMap, connect};
use kube_iam_core::config::{RoleArn, SourceArn};
use kube_iam_core::ports::{Instances, MappingSource, StatusStore, Sts};
use kube_iam_server::Clock;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};

use crate::exit::Exit;
use crate::report::Failure;

/// A runtime for commands that wait for one thing at a time.
pub fn runtime() -> Result<Runtime, Failure> {
    started(Builder::new_current_thread().enable_all().build())
}

/// A runtime for the server: a thread per processor.
pub fn server_runtime() -> Result<Runtime, Failure> {
    started(Builder::new_multi_thread().enable_all().build())
}

fn started(runtime: io::Result<Runtime>) -> Result<Runtime, Failure> {
    runtime.map_err(|error| Failure::new("could not start").because(&error))
}

/// The clock on the wall.
pub fn clock() -> Clock {
    Arc::new(Timestamp::now)
}

/// Variables that come before profiles. A profile that is named comes before them,
/// as in the AWS CLI and its SDKs; what somebody else left there is not to be used.
const BEFORE_PROFILES: [&str; 6] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_ACCESS_KEY",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
];

/// What AWS is asked with: the environment, or a profile that is named.
pub fn aws_environment(profile: Option<&str>) -> Environment {
    let environment = Environment::from_process();
    let Some(profile) = profile else { return environment };
    let environment = environment.with("AWS_PROFILE", profile);
    BEFORE_PROFILES.iter().fold(environment, |environment, name| environment.with(name, ""))
}

/// The way to STS that the environment describes.
pub fn sts_from_environment() -> Result<Arc<dyn Sts>, Failure> {
    let settings = StsSettings::from_environment(&Environment::from_process())
        .map_err(|error| Failure::of(&error).hint("mend `HTTPS_PROXY`".to_string()))?;
    Ok(Arc::new(StsClient::new(settings)))
}

/// What a server asks kube-apiserver for, and how.
pub struct ClusterAccess {
    /// Whether it follows aws-auth.
    pub reads_aws_auth: bool,
    /// Whether it publishes the logins of nodes.
    pub publishes_status: bool,
    /// The way there.
    pub connect: ConnectSettings,
}

/// What a server needs of a cluster.
#[derive(Default)]
pub struct ClusterPorts {
    /// aws-auth, if it follows that.
    pub aws_auth: Option<Box<dyn MappingSource>>,
    /// The status ConfigMap, if it publishes there.
    pub status: Option<Arc<dyn StatusStore>>,
}

/// The ways to a cluster. Making them asks nobody, and where none is needed no
/// kubeconfig is looked for.
pub fn cluster_ports(access: &ClusterAccess) -> Result<ClusterPorts, Failure> {
    if !access.reads_aws_auth && !access.publishes_status {
        return Ok(ClusterPorts::default());
    }
    let client = connect(&access.connect).map_err(|error| Failure::of(&error).hint(error.hint()).exit(Exit::Failed))?;
    let aws_auth = access.reads_aws_auth.then(|| Box::new(AwsAuthSource::new(client.clone())) as _);
    let status = access.publishes_status.then(|| Arc::new(StatusMap::new(client)) as _);
    Ok(ClusterPorts { aws_auth, status })
}

/// How EC2 and IAM are asked about the instances of nodes.
pub struct Ec2Access {
    /// The role that is assumed for it.
    pub role: Option<RoleArn>,
    /// On whose behalf that role is assumed.
    pub source_arn: Option<SourceArn>,
}

/// The way to EC2. Making it asks nobody: most servers never need it.
pub fn instances(access: &Ec2Access) -> Arc<dyn Instances> {
    let behalf = |source: &SourceArn| OnBehalfOf { arn: source.as_str().to_owned(), account: source.account() };
    let on_behalf_of = access.source_arn.as_ref().map(behalf);
    let role = access.role.as_ref().map(|role| Ec2Role { arn: role.0.to_string(), on_behalf_of });
    let environment = Environment::from_process();
    Arc::new(Ec2Instances::new(Ec2Settings { environment, region: None, role, clock: clock() }))
}

/// The way to EC2 in a region, for commands.
pub fn instances_of(environment: Environment, region: Option<String>) -> Arc<dyn Instances> {
    Arc::new(Ec2Instances::new(Ec2Settings { environment, region, role: None, clock: clock() }))
}

/// A way to STS that ends at a stand-in on this host, whatever the name in the
/// request; only its own authority is trusted.
pub fn sts_at(standin: &kube_iam_standin::StandIn) -> anyhow::Result<Arc<dyn Sts>> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;
    let roots = CertificateDer::pem_slice_iter(standin.ca_pem().as_bytes()).collect::<Result<Vec<_>, _>>()?;
    let http = HttpSettings {
        roots: Roots::Given(roots),
        connect: Some(LoopbackAddress::try_from(standin.address())?),
        ..HttpSettings::default()
    };
    Ok(Arc::new(StsClient::new(StsSettings { http, ..StsSettings::default() })))
}

/// Ends with the first SIGTERM, SIGINT or SIGHUP.
pub fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {}
        }
    })
}
