//! The commands on worker nodes.

mod apply;
mod aws;
mod list;
mod view;
mod wait;
mod watched;
mod why;

use jiff::Timestamp;
use kube_iam_cluster::{StatusMap, nodes};
use kube_iam_core::nodes::{Node, NodeLogins, published};
use kube_iam_core::ports::AwsFailure;

use crate::args::{ClusterArgs, NodesResource};
use crate::fleet::Fleet;
use crate::mappings::{self, Cluster, State, exit_of};
use crate::output;
use crate::report::Failure;

/// Runs what was typed.
pub fn run(command: &NodesResource) -> Result<(), Failure> {
    match command {
        NodesResource::Apply(args) => apply::run(args),
        NodesResource::Wait(args) => wait::run(args),
        NodesResource::List(args) => list::run(args),
        NodesResource::Why(args) => why::run(args),
    }
}

/// A cluster, with its aws-auth and its nodes, each with the instance behind it as far
/// as AWS can be asked.
async fn read(args: &ClusterArgs) -> Result<Read, Failure> {
    let cluster = Cluster::open(args).await?;
    let (state, nodes) = tokio::join!(cluster.read(), nodes(&cluster.client));
    let state = state.map_err(|error| mappings::unread(&error))?;
    let mut nodes = nodes.map_err(|error| unread(&error))?;
    let mut fleet = cluster.fleet(args);
    let unasked = fleet.complete(&mut nodes).await.err().map(|unlearnt| unlearnt.failure);
    if let Some(failure) = &unasked {
        output::note(&format!("accounts and roles of nodes are not known: {failure}"));
    }
    Ok(Read { cluster, state, nodes, fleet, unasked })
}

struct Read {
    cluster: Cluster,
    state: State,
    nodes: Vec<Node>,
    fleet: Fleet,
    /// Why AWS did not say all about the nodes.
    unasked: Option<AwsFailure>,
}

/// What servers have told of logins of nodes; `None` if none has, or if nobody says. What
/// they tell is good to know, and needed for nothing.
async fn logins(cluster: &Cluster, now: Timestamp) -> Option<NodeLogins> {
    match StatusMap::new(cluster.client.clone()).keys().await {
        Ok(keys) => {
            let published = published(&keys, now);
            for unread in &published.unread {
                output::note(&format!("ConfigMap kube-system/kube-iam-status: {unread}: {}", unread.error));
            }
            published.logins
        }
        Err(error) => {
            output::note(&format!("logins of nodes are not known: {error}"));
            None
        }
    }
}

fn unread(error: &kube_iam_cluster::ApiError) -> Failure {
    Failure::new("could not read the nodes").because(error).hint(error.hint()).exit(exit_of(error))
}
