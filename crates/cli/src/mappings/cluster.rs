//! aws-auth in a cluster.

use jiff::Timestamp;
use kube_iam_aws::eks::AuthenticationMode;
use kube_iam_aws::environment::Environment;
use kube_iam_aws::session::Session;
use kube_iam_cluster::{
    ApiError, AwsAuthStore, Client, ConnectSettings, Current, Derived, EditError, Edited, Endpoint, Impersonation,
    Touched, WriteOptions, connect, connect_endpoint, edit_until,
};
use kube_iam_core::authenticator::{Authenticator, Deciding};
use kube_iam_core::aws_auth::Data;

use super::target::{Origin, State};
use crate::args::ClusterArgs;
use crate::exit::Exit;
use crate::report::Failure;
use crate::terminal::Terminal;

/// The way to one cluster.
pub struct Cluster {
    /// The way to its kube-apiserver.
    pub client: Client,
    /// What EKS says about who decides, if EKS was asked.
    deciding: Deciding,
    /// Whether EKS gave rights to whoever created the cluster.
    pub creator_is_admin: bool,
    store: AwsAuthStore,
}

impl Cluster {
    /// Finds the cluster by a kubeconfig, or by its name in EKS.
    pub async fn open(args: &ClusterArgs) -> Result<Self, Failure> {
        let impersonation = Impersonation { user: args.act_as.clone(), groups: args.act_as_groups.clone() };
        let (client, deciding, creator_is_admin) = match &args.cluster {
            Some(name) => through_eks(name, args, impersonation).await?,
            None => {
                let settings = ConnectSettings {
                    kubeconfig: args.kubeconfig.clone(),
                    context: args.context.clone(),
                    master: None,
                    like_kubectl: true,
                    impersonation,
                };
                let client =
                    connect(&settings).map_err(|error| Failure::of(&error).hint(error.hint()).exit(Exit::Usage))?;
                (client, Deciding::Unknown, false)
            }
        };
        Ok(Self { store: AwsAuthStore::new(client.clone()), client, deciding, creator_is_admin })
    }

    /// Who decides: what was given, or else what EKS says.
    pub fn deciding(&self, given: Deciding) -> Deciding {
        if given == Deciding::Unknown { self.deciding } else { given }
    }

    /// Reads aws-auth.
    pub async fn read(&self) -> Result<State, Failure> {
        self.store.read().await.map(State::from).map_err(|error| unread(&error))
    }

    /// Writes it by conditional requests until one is accepted.
    pub async fn edit(
        &self,
        start: State,
        options: &WriteOptions,
        mut derive: impl FnMut(&State, bool) -> Result<Option<Touched>, Failure>,
    ) -> Result<State, Failure> {
        let start = match start.origin {
            Origin::Cluster(current) => Some(current),
            Origin::File(_) => None,
        };
        let edited = edit_until(&self.store, start, options, |attempt| {
            let touched = derive(&State::from(attempt.current.clone()), attempt.maybe_written)?;
            Ok(touched.map_or(Derived::Unchanged, Derived::Write))
        });
        match edited.await {
            Ok(Edited::Unchanged(current)) => Ok(State::from(current)),
            Ok(Edited::Written(stored)) => Ok(State::from(Current::Stored(stored))),
            Err(EditError::Derive(failure)) => Err(failure),
            Err(error) => {
                let failure = Failure::new(error.to_string()).hint(error.hint());
                Err(match &error {
                    EditError::Api(cause) | EditError::Unknown(cause) => failure.because(cause).exit(exit_of(cause)),
                    _ => failure,
                })
            }
        }
    }
}

impl From<Current> for State {
    fn from(current: Current) -> Self {
        let (data, annotations) = match &current {
            Current::Stored(stored) => (stored.data.clone(), stored.annotations.clone()),
            Current::Absent => (Data::new(), Data::new()),
        };
        Self { data, annotations, origin: Origin::Cluster(current) }
    }
}

fn unread(error: &ApiError) -> Failure {
    Failure::new("could not read aws-auth").because(error).hint(error.hint()).exit(exit_of(error))
}

/// Who can't be asked is another matter than who says no.
pub fn exit_of(error: &ApiError) -> Exit {
    match error {
        ApiError::Unreachable(_) | ApiError::Broken(_) | ApiError::Timeout(_) => Exit::Unreachable,
        _ => Exit::Failed,
    }
}

async fn through_eks(
    name: &str,
    args: &ClusterArgs,
    impersonation: Impersonation,
) -> Result<(Client, Deciding, bool), Failure> {
    let mut environment = Environment::from_process();
    if let Some(profile) = &args.profile {
        environment = environment.with("AWS_PROFILE", profile);
    }
    let prompt = Terminal { interactive: None };
    let now = Timestamp::now();
    let unreachable = |failure: Failure| failure.exit(Exit::Unreachable);
    let session = Session::open(&environment, args.region.as_deref(), now, &prompt)
        .await
        .map_err(|error| unreachable(Failure::of(&error).hint(error.hint())))?;
    let cluster = session
        .describe_cluster(name, now)
        .await
        .map_err(|error| unreachable(Failure::of(&error).hint(error.hint())))?;
    let access = cluster.access().map_err(|error| Failure::of(&error).hint(error.hint()))?;
    let (token, _) = session.token(access.token_id, now).map_err(|error| Failure::of(&error).hint(error.hint()))?;
    let endpoint = Endpoint {
        url: access.endpoint.to_owned(),
        ca_pem: access.certificate_authority.to_owned(),
        token,
        impersonation,
    };
    let client = connect_endpoint(&endpoint).map_err(|error| Failure::of(&error).hint(error.hint()))?;
    let deciding = match cluster.authentication_mode {
        Some(AuthenticationMode::Api) => Deciding::NotConsulted,
        _ => Deciding::Known(Authenticator::Eks),
    };
    Ok((client, deciding, cluster.creator_is_admin == Some(true)))
}
