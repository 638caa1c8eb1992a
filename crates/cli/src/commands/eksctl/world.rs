//! aws-auth where it really is, with eksctl's words for what goes wrong there.

use kube_iam_aws::eks::{Cluster as Described, EksError};
use kube_iam_aws::error::CredentialError;
use kube_iam_cluster::{ApiError, EditError, Replacement, replace_rbac};
use kube_iam_core::authenticator::Deciding;
use kube_iam_core::eksctl::{Applied, ClusterAccount, RbacObject, quoted};
use tokio::runtime::Runtime;

use super::load::Loaded;
use super::surroundings::{Derive, World};
use crate::compose;
use crate::mappings::{self, OpenError, State, Target, options};
use crate::report::Failure;

/// Finds aws-auth; of kube-apiserver nothing is asked yet.
pub(super) fn open(loaded: &Loaded) -> Result<Box<dyn World>, Failure> {
    let runtime = compose::runtime()?;
    let target = match &loaded.target.manifest {
        Some(path) => Target::file(path),
        None => Target::Cluster(Box::new(
            runtime.block_on(mappings::Cluster::open(&loaded.target.cluster)).map_err(|error| unopened(&error))?,
        )),
    };
    if let Target::Cluster(cluster) = &target {
        cluster.described.as_ref().map_or(Ok(()), is_alive)?;
    }
    Ok(Box::new(Real { runtime, target, loaded: loaded.clone() }))
}

struct Real {
    runtime: Runtime,
    target: Target,
    loaded: Loaded,
}

impl Real {
    fn deciding(&self) -> Deciding {
        self.target.deciding(&self.loaded.target)
    }
}

impl World for Real {
    fn read(&mut self) -> Result<State, Failure> {
        self.runtime.block_on(read(&self.target))
    }

    fn look(&mut self) -> Result<(State, mappings::Surroundings), Failure> {
        let both = async {
            let surroundings = mappings::Surroundings::read(&self.target, self.deciding());
            tokio::join!(read(&self.target), surroundings)
        };
        let (state, surroundings) = self.runtime.block_on(both);
        Ok((state?, surroundings))
    }

    fn ask_for_roles(&mut self, surroundings: &mut mappings::Surroundings) {
        self.runtime.block_on(surroundings.ask_for_roles(&self.target, &self.loaded.target.cluster));
    }

    fn edit(&mut self, start: State, derive: &mut Derive<'_>) -> Result<(), Failure> {
        let options = options(&self.loaded.write);
        let Target::Cluster(cluster) = &self.target else {
            return self.runtime.block_on(self.target.edit(start, &options, derive)).map(drop);
        };
        self.runtime.block_on(cluster.edit(start, &options, derive)).map(drop).map_err(|error| {
            let (words, hint) = (error.to_string(), error.hint());
            match error {
                EditError::Derive(failure) => failure,
                EditError::Api(error) => api(&error),
                EditError::Unknown(error) => api(&error).within(&words).hint(hint),
                EditError::Conflicts { .. } => Failure::new(words).hint(hint),
            }
        })
    }

    fn apply(&mut self, object: &RbacObject) -> Result<Applied, Failure> {
        let Target::Cluster(cluster) = &self.target else {
            return Err(Failure::new("a file of aws-auth has no place for the rights of a service"));
        };
        let object = kube_iam_cluster::RbacObject::new(object.manifest.clone()).map_err(|error| Failure::of(&error))?;
        match self.runtime.block_on(replace_rbac(&cluster.client, &object, &options(&self.loaded.write))) {
            Ok(Replacement::Created) => Ok(Applied::Created),
            // eksctl replaces what is as it should be, too.
            Ok(Replacement::Replaced | Replacement::Unchanged) => Ok(Applied::Replaced),
            Err(error) => Err(api(&error)),
        }
    }

    fn home(&self) -> Option<ClusterAccount> {
        let Target::Cluster(cluster) = &self.target else { return None };
        home_of(cluster.described.as_ref()?).ok()
    }

    fn account(&mut self) -> Result<Option<ClusterAccount>, Failure> {
        let Target::Cluster(cluster) = &self.target else { return Ok(None) };
        match (&cluster.described, &self.loaded.target.cluster.cluster) {
            (Some(described), _) => home_of(described).map(Some),
            (None, None) => Ok(None),
            (None, Some(name)) => {
                let found = self.runtime.block_on(mappings::find(name, &self.loaded.target.cluster));
                let (described, _) = found.map_err(|error| unopened(&error))?;
                is_alive(&described)?;
                home_of(&described).map(Some)
            }
        }
    }

    fn ignores_aws_auth(&self) -> bool {
        self.deciding() == Deciding::NotConsulted
    }
}

async fn read(target: &Target) -> Result<State, Failure> {
    match target {
        Target::Cluster(cluster) => cluster.read().await.map_err(|error| api(&error).within("getting auth ConfigMap")),
        Target::File(file) => file.read(),
    }
}

/// Where a cluster lives, by its ARN.
fn home_of(cluster: &Described) -> Result<ClusterAccount, Failure> {
    let arn = &cluster.arn;
    let unreadable = || Failure::new(format!("error parsing cluster ARN: {}", quoted(arn)));
    let mut parts = arn.split(':').skip(1);
    let partition = parts.next().and_then(|partition| partition.parse().ok()).ok_or_else(unreadable)?;
    let account = parts.nth(2).filter(|account| !account.is_empty()).ok_or_else(unreadable)?.to_owned();
    Ok(ClusterAccount { partition, account })
}

/// eksctl's one word for callers whom the cluster does not know.
fn api(error: &ApiError) -> Failure {
    match error {
        ApiError::Unauthorized(_) => Failure::new("Unauthorized"),
        error => Failure::of(error),
    }
    .hint(error.hint())
}

/// Refuses a cluster that is coming up or going down.
fn is_alive(cluster: &Described) -> Result<(), Failure> {
    match cluster.status.as_str() {
        "CREATING" | "DELETING" | "FAILED" => Err(not_alive(&cluster.name, &cluster.region, &cluster.status)),
        _ => Ok(()),
    }
}

fn not_alive(name: &str, region: &str, status: &str) -> Failure {
    let (name, region, status) = (quoted(name), quoted(region), quoted(status));
    let what = "cannot perform Kubernetes API operations on cluster";
    Failure::new(format!("{what} {name} in {region} region due to status {status}"))
}

fn unopened(error: &OpenError) -> Failure {
    let within = |what| Failure::of(error.cause()).within(what);
    match error {
        OpenError::Session(CredentialError::NoRegion { .. }) => Failure::new(
            "AWS Region must be set, please set the AWS Region in AWS config file or as environment variable",
        ),
        OpenError::Session(_) => within("could not create cluster provider from options"),
        OpenError::Describe(_) => within("unable to describe cluster control plane"),
        OpenError::Access(EksError::NotReady { cluster, region, status })
            if matches!(status.as_str(), "CREATING" | "DELETING" | "FAILED") =>
        {
            not_alive(cluster, region, status)
        }
        OpenError::Access(EksError::Connected { .. }) => within("cannot perform this operation on a non-EKS cluster"),
        OpenError::Access(_) => within("cluster info not available"),
        OpenError::Kubeconfig(_) | OpenError::Token(_) | OpenError::Endpoint(_) => Failure::of(error.cause()),
    }
    .hint(error.hint())
}
