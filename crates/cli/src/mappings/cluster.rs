//! aws-auth in a cluster.

use std::error::Error;

use jiff::Timestamp;
use kube_iam_aws::eks::{AuthenticationMode, Cluster as Described, EksError};
use kube_iam_aws::error::CredentialError;
use kube_iam_aws::session::Session;
use kube_iam_cluster::{
    ApiError, AwsAuthStore, Client, ConnectError, ConnectSettings, Current, Derived, EditError, Edited, Endpoint,
    Impersonation, Touched, WriteOptions, connect, connect_endpoint, edit_until,
};
use kube_iam_core::authenticator::{Authenticator, Deciding};
use kube_iam_core::aws_auth::Data;

use super::target::{Origin, State};
use crate::args::ClusterArgs;
use crate::compose;
use crate::exit::Exit;
use crate::fleet::Fleet;
use crate::report::Failure;
use crate::terminal::Terminal;

/// The way to one cluster.
pub struct Cluster {
    /// The way to its kube-apiserver.
    pub client: Client,
    /// What EKS says of it, if EKS was asked.
    pub described: Option<Described>,
    store: AwsAuthStore,
}

/// Why there is no way to a cluster.
#[derive(Debug)]
pub enum OpenError {
    /// The kubeconfig can't be used.
    Kubeconfig(ConnectError),
    /// AWS can't be asked.
    Session(CredentialError),
    /// EKS does not tell of the cluster.
    Describe(EksError),
    /// The cluster has no kube-apiserver to go to.
    Access(EksError),
    /// There is no token for the cluster.
    Token(CredentialError),
    /// What EKS says of its kube-apiserver can't be used.
    Endpoint(ConnectError),
}

impl OpenError {
    /// The error itself.
    pub fn cause(&self) -> &dyn Error {
        match self {
            Self::Kubeconfig(error) | Self::Endpoint(error) => error,
            Self::Session(error) | Self::Token(error) => error,
            Self::Describe(error) | Self::Access(error) => error,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Kubeconfig(error) | Self::Endpoint(error) => Some(error.hint()),
            Self::Session(error) | Self::Token(error) => error.hint(),
            Self::Describe(error) | Self::Access(error) => error.hint(),
        }
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let exit = match error {
            OpenError::Kubeconfig(_) => Exit::Usage,
            OpenError::Session(_) | OpenError::Describe(_) => Exit::Unreachable,
            OpenError::Access(_) | OpenError::Token(_) | OpenError::Endpoint(_) => Exit::Failed,
        };
        Self::of(error.cause()).hint(error.hint()).exit(exit)
    }
}

impl Cluster {
    /// Finds the cluster by a kubeconfig, or by its name in EKS. A kubeconfig that
    /// is named comes first.
    pub async fn open(args: &ClusterArgs) -> Result<Self, OpenError> {
        let by_kubeconfig = args.kubeconfig.is_some() || args.context.is_some();
        let (client, described) = match &args.cluster {
            Some(name) if !by_kubeconfig => {
                let (described, endpoint) = find(name, args).await?;
                (connect_endpoint(&endpoint).map_err(OpenError::Endpoint)?, Some(described))
            }
            _ => {
                let settings = ConnectSettings {
                    kubeconfig: args.kubeconfig.clone(),
                    context: args.context.clone(),
                    master: None,
                    like_kubectl: true,
                    impersonation: impersonation(args),
                };
                (connect(&settings).map_err(OpenError::Kubeconfig)?, None)
            }
        };
        Ok(Self { store: AwsAuthStore::new(client.clone()), client, described })
    }

    /// Who decides: what was given, or else what EKS says.
    pub fn deciding(&self, given: Deciding) -> Deciding {
        if given != Deciding::Unknown {
            return given;
        }
        match self.described.as_ref().map(|described| &described.authentication_mode) {
            None => Deciding::Unknown,
            Some(Some(AuthenticationMode::Api)) => Deciding::NotConsulted,
            Some(_) => Deciding::Known(Authenticator::Eks),
        }
    }

    /// Whether EKS says that it consults nothing but aws-auth.
    pub fn is_without_entries(&self) -> bool {
        let mode = self.described.as_ref().and_then(|described| described.authentication_mode.as_ref());
        matches!(mode, Some(AuthenticationMode::ConfigMap))
    }

    /// Whether EKS gave rights to whoever created the cluster.
    pub fn creator_is_admin(&self) -> bool {
        self.described.as_ref().and_then(|described| described.creator_is_admin) == Some(true)
    }

    /// The instances behind its nodes.
    pub fn fleet(&self, args: &ClusterArgs) -> Fleet {
        Fleet::new(args, self.described.as_ref().map(|described| described.region.as_str()))
    }

    /// Reads aws-auth.
    pub async fn read(&self) -> Result<State, ApiError> {
        self.store.read().await.map(State::from)
    }

    /// Writes it by conditional requests until one is accepted.
    pub async fn edit<E>(
        &self,
        start: State,
        options: &WriteOptions,
        mut derive: impl FnMut(&State, bool) -> Result<Option<Touched>, E>,
    ) -> Result<State, EditError<E>> {
        let start = match start.origin {
            Origin::Cluster(current) => Some(current),
            Origin::File(_) => None,
        };
        let edited = edit_until(&self.store, start, options, |attempt| {
            let touched = derive(&State::from(attempt.current.clone()), attempt.maybe_written)?;
            Ok(touched.map_or(Derived::Unchanged, Derived::Write))
        });
        Ok(match edited.await? {
            Edited::Unchanged(current) => State::from(current),
            Edited::Written(stored) => State::from(Current::Stored(stored)),
        })
    }
}

impl From<Current> for State {
    fn from(current: Current) -> Self {
        let (data, annotations) = match &current {
            Current::Stored(stored) => (stored.data.clone(), stored.annotations.clone()),
            Current::Absent => (Data::new(), Data::new()),
        };
        Self::new(data, annotations, Origin::Cluster(current))
    }
}

/// Why aws-auth could not be read.
pub fn unread(error: &ApiError) -> Failure {
    Failure::new("could not read aws-auth").because(error).hint(error.hint()).exit(exit_of(error))
}

/// Why aws-auth could not be written.
pub(super) fn unwritten(error: EditError<Failure>) -> Failure {
    let (words, hint) = (error.to_string(), error.hint());
    match error {
        EditError::Derive(failure) => failure,
        EditError::Api(cause) | EditError::Unknown(cause) => {
            Failure::new(words).because(&cause).hint(hint).exit(exit_of(&cause))
        }
        EditError::Conflicts { .. } => Failure::new(words).hint(hint),
    }
}

/// Who can't be asked is another matter than who says no.
pub fn exit_of(error: &ApiError) -> Exit {
    match error {
        ApiError::Unreachable(_) | ApiError::Broken(_) | ApiError::Timeout(_) => Exit::Unreachable,
        _ => Exit::Failed,
    }
}

fn impersonation(args: &ClusterArgs) -> Impersonation {
    Impersonation { user: args.act_as.clone(), groups: args.act_as_groups.clone() }
}

/// Asks EKS for a cluster, and makes a token for it.
pub async fn find(name: &str, args: &ClusterArgs) -> Result<(Described, Endpoint), OpenError> {
    let environment = compose::aws_environment(args.profile.as_deref());
    let prompt = Terminal { interactive: None };
    let now = Timestamp::now();
    let session =
        Session::open(&environment, args.region.as_deref(), now, &prompt).await.map_err(OpenError::Session)?;
    let described = session.describe_cluster(name, now).await.map_err(OpenError::Describe)?;
    let access = described.access().map_err(OpenError::Access)?;
    let (token, _) = session.token(access.token_id, now).map_err(OpenError::Token)?;
    let endpoint = Endpoint {
        url: access.endpoint.to_owned(),
        ca_pem: access.certificate_authority.to_owned(),
        token,
        impersonation: impersonation(args),
    };
    Ok((described, endpoint))
}
