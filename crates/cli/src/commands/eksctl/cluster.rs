//! aws-auth in a cluster: found through EKS, or by a kubeconfig.

use jiff::Timestamp;
use kube_iam_aws::eks::{AuthenticationMode, Cluster, EksError};
use kube_iam_aws::environment::Environment;
use kube_iam_aws::error::CredentialError;
use kube_iam_aws::session::Session;
use kube_iam_cluster::{
    ApiError, AwsAuthStore, Client, ConnectSettings, Current, Derived, EditError, Endpoint, Impersonation, Replacement,
    Touched, WriteOptions, connect as connect_by_kubeconfig, connect_endpoint, edit_until, replace_rbac,
};
use kube_iam_core::aws_auth::Data;
use kube_iam_core::eksctl::{Applied, ClusterAccount, RbacObject, quoted};
use tokio::runtime::Runtime;

use super::surroundings::{Attempt, Derive, Target, Trouble, World};
use crate::compose;
use crate::terminal::Terminal;

/// Finds the cluster; of kube-apiserver nothing is asked yet.
pub(super) fn connect(target: &Target) -> Result<Box<dyn World>, Trouble> {
    let runtime = compose::runtime().map_err(|failure| Trouble::from(failure.to_string().trim_end()))?;
    let by_kubeconfig = target.kubeconfig.is_some() || target.context.is_some();
    let (client, found) = runtime.block_on(async {
        if by_kubeconfig {
            let settings = ConnectSettings {
                kubeconfig: target.kubeconfig.clone(),
                context: target.context.clone(),
                like_kubectl: true,
                ..ConnectSettings::default()
            };
            let client = connect_by_kubeconfig(&settings);
            return Ok((client.map_err(|error| Trouble::of(&error).hint(error.hint()))?, None));
        }
        let (cluster, endpoint) = find(target).await?;
        let client = connect_endpoint(&endpoint).map_err(|error| Trouble::of(&error).hint(error.hint()))?;
        Ok::<_, Trouble>((client, Some(cluster)))
    })?;
    let options = WriteOptions { timeout: target.timeout, ..WriteOptions::default() };
    let store = AwsAuthStore::new(client.clone());
    Ok(Box::new(ClusterWorld { runtime, client, store, target: target.clone(), found, options }))
}

/// Asks EKS for the cluster, and makes a token for it.
async fn find(target: &Target) -> Result<(Cluster, Endpoint), Trouble> {
    let mut environment = Environment::from_process();
    if !target.profile.is_empty() {
        environment = environment.with("AWS_PROFILE", &target.profile);
    }
    let region = Some(target.region.as_str()).filter(|region| !region.is_empty());
    let now = Timestamp::now();
    let prompt = Terminal { interactive: None };
    let session = Session::open(&environment, region, now, &prompt).await.map_err(|error| no_session(&error))?;
    let described = session.describe_cluster(&target.cluster, now).await;
    let cluster = described
        .map_err(|error| Trouble::of(&error).within("unable to describe cluster control plane").hint(error.hint()))?;
    if matches!(cluster.status.as_str(), "CREATING" | "DELETING" | "FAILED") {
        let (name, region, status) = (quoted(&cluster.name), quoted(&cluster.region), quoted(&cluster.status));
        let what = "cannot perform Kubernetes API operations on cluster";
        return Err(format!("{what} {name} in {region} region due to status {status}").into());
    }
    let access = cluster.access().map_err(|error| match error {
        EksError::Connected { .. } => Trouble::of(&error).within("cannot perform this operation on a non-EKS cluster"),
        error => Trouble::of(&error).within("cluster info not available"),
    })?;
    let token = session.token(access.token_id, now).map_err(|error| Trouble::of(&error).hint(error.hint()))?.0;
    let endpoint = Endpoint {
        url: access.endpoint.to_owned(),
        ca_pem: access.certificate_authority.to_owned(),
        token,
        impersonation: Impersonation::default(),
    };
    Ok((cluster, endpoint))
}

fn no_session(error: &CredentialError) -> Trouble {
    match error {
        CredentialError::NoRegion { .. } => Trouble::from(
            "AWS Region must be set, please set the AWS Region in AWS config file or as environment variable",
        ),
        error => Trouble::of(error).within("could not create cluster provider from options"),
    }
    .hint(error.hint())
}

struct ClusterWorld {
    runtime: Runtime,
    client: Client,
    store: AwsAuthStore,
    target: Target,
    /// The cluster, if EKS was asked.
    found: Option<Cluster>,
    options: WriteOptions,
}

impl World for ClusterWorld {
    fn read(&mut self) -> Result<Data, Trouble> {
        match self.runtime.block_on(self.store.read()) {
            Ok(current) => Ok(data(&current).clone()),
            Err(error) => Err(api(&error).within("getting auth ConfigMap")),
        }
    }

    fn edit(&mut self, derive: &mut Derive<'_>) -> Result<(), Trouble> {
        let current = match self.runtime.block_on(self.store.read()) {
            Ok(current) => current,
            Err(error) => return Err(api(&error).within("getting auth ConfigMap")),
        };
        let edited = edit_until(&self.store, Some(current), &self.options, |attempt| {
            let changed = derive(&Attempt { data: data(attempt.current), maybe_written: attempt.maybe_written })?;
            if changed.is_empty() {
                return Ok(Derived::Unchanged);
            }
            let data = changed.into_iter().map(|(key, text)| (key, Some(text))).collect();
            Ok(Derived::Write(Touched { data, ..Touched::default() }))
        });
        match self.runtime.block_on(edited) {
            Ok(_) => Ok(()),
            Err(EditError::Derive(trouble)) => Err(trouble),
            Err(EditError::Api(error)) => Err(api(&error)),
            Err(EditError::Unknown(error)) => Err(api(&error).within("it is not known whether aws-auth is changed")),
            Err(error @ EditError::Conflicts { .. }) => Err(Trouble::from(error.to_string()).hint(error.hint())),
        }
    }

    fn apply(&mut self, object: &RbacObject) -> Result<Applied, Trouble> {
        let object = kube_iam_cluster::RbacObject::new(object.manifest.clone()).map_err(|error| Trouble::of(&error))?;
        match self.runtime.block_on(replace_rbac(&self.client, &object, &self.options)) {
            Ok(Replacement::Created) => Ok(Applied::Created),
            // eksctl replaces what is as it should be, too.
            Ok(Replacement::Replaced | Replacement::Unchanged) => Ok(Applied::Replaced),
            Err(error) => Err(api(&error)),
        }
    }

    fn account(&mut self) -> Result<Option<ClusterAccount>, Trouble> {
        if self.found.is_none() && !self.target.cluster.is_empty() {
            self.found = Some(self.runtime.block_on(find(&self.target))?.0);
        }
        let Some(cluster) = &self.found else { return Ok(None) };
        let unreadable = || Trouble::from(format!("error parsing cluster ARN: {}", quoted(&cluster.arn)));
        let mut parts = cluster.arn.split(':').skip(1);
        let partition = parts.next().and_then(|partition| partition.parse().ok()).ok_or_else(unreadable)?;
        let account = parts.nth(2).filter(|account| !account.is_empty()).ok_or_else(unreadable)?.to_owned();
        Ok(Some(ClusterAccount { partition, account }))
    }

    fn ignores_aws_auth(&self) -> bool {
        let mode = self.found.as_ref().and_then(|cluster| cluster.authentication_mode.as_ref());
        mode == Some(&AuthenticationMode::Api)
    }
}

fn data(current: &Current) -> &Data {
    static NONE: Data = Data::new();
    match current {
        Current::Absent => &NONE,
        Current::Stored(stored) => &stored.data,
    }
}

/// eksctl's one word for callers whom the cluster does not know.
fn api(error: &ApiError) -> Trouble {
    match error {
        ApiError::Unauthorized(_) => Trouble::from("Unauthorized"),
        error => Trouble::of(error),
    }
    .hint(error.hint())
}
