//! The commands on worker nodes.

mod apply;
mod aws;
mod list;
mod view;
mod wait;
mod why;

use kube_iam_cluster::nodes;
use kube_iam_core::nodes::Node;

use crate::args::{ClusterArgs, NodesResource};
use crate::mappings::{self, Cluster, State, exit_of};
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

/// A cluster, with its aws-auth and its nodes.
async fn read(args: &ClusterArgs) -> Result<(Cluster, State, Vec<Node>), Failure> {
    let cluster = Cluster::open(args).await?;
    let (state, nodes) = tokio::join!(cluster.read(), nodes(&cluster.client));
    let state = state.map_err(|error| mappings::unread(&error))?;
    Ok((cluster, state, nodes.map_err(|error| unread(&error))?))
}

fn unread(error: &kube_iam_cluster::ApiError) -> Failure {
    Failure::new("could not read the nodes").because(error).hint(error.hint()).exit(exit_of(error))
}
