//! What the lock-out guard asks of the world around aws-auth.

use std::collections::BTreeSet;

use kube_iam_cluster::{Facts as Found, facts};
use kube_iam_core::authenticator::Deciding;
use kube_iam_core::check::Context;
use kube_iam_core::guard::{Admins, Caller, Facts, LiveNode};
use kube_iam_core::nodes::Node;
use kube_iam_core::rbac::Subject;

use super::target::Target;
use crate::args::ClusterArgs;
use crate::output;

/// The world around one aws-auth, read once.
pub struct Surroundings {
    /// What the guard asks.
    pub facts: Facts,
    /// Groups that some binding names; nothing if that could not be read.
    pub bound_groups: Option<BTreeSet<String>>,
    /// The nodes; nothing if they could not be read.
    pub nodes: Option<Vec<Node>>,
}

impl Surroundings {
    /// Reads it all at once. What may not be read is unknown; a file has no
    /// surroundings.
    pub async fn read(target: &Target, deciding: Deciding) -> Self {
        match target {
            Target::Cluster(cluster) => Self::of(facts(&cluster.client).await, deciding),
            Target::File(_) => Self { facts: Facts { deciding, ..Facts::default() }, bound_groups: None, nodes: None },
        }
    }

    /// Asks AWS which roles the nodes run under. It takes its time, so only a change
    /// that depends on it waits for it. What is not found out stays unknown.
    pub async fn ask_for_roles(&mut self, target: &Target, args: &ClusterArgs) {
        let (Target::Cluster(cluster), Some(nodes)) = (target, &mut self.nodes) else { return };
        if let Err(unlearnt) = cluster.fleet(args).complete(nodes).await {
            output::note(&format!("the roles of nodes are not known: {}", unlearnt.failure));
        }
        self.facts.nodes = Some(live(nodes));
    }

    /// The same for the linter.
    pub fn context(&self) -> Context {
        let caller = self.facts.caller.as_ref().and_then(|caller| caller.arn.clone());
        let (deciding, bound_groups) = (self.facts.deciding, self.bound_groups.clone());
        Context { deciding, caller, bound_groups, ..Context::default() }
    }

    fn of(found: Found, deciding: Deciding) -> Self {
        let caller = found.caller.as_ref().ok().map(|caller| Caller {
            arn: caller.canonical_arn().or(caller.arn()).and_then(|arn| arn.parse().ok()),
            username: caller.username.clone(),
            groups: caller.groups.clone(),
        });
        let admins = found.admins().ok().map(|subjects| {
            let mut admins = Admins::default();
            for subject in subjects {
                match subject {
                    Subject::Group(name) => admins.groups.push(name.to_string()),
                    Subject::User(name) => admins.usernames.push(name.to_string()),
                    Subject::ServiceAccount { .. } => {}
                }
            }
            admins
        });
        let bound_groups = found.bound().ok().map(|subjects| {
            let group = |subject: &&Subject| match subject {
                Subject::Group(name) => Some(name.to_string()),
                _ => None,
            };
            subjects.iter().filter_map(group).collect()
        });
        let nodes = found.nodes.ok();
        let live = nodes.as_deref().map(live);
        Self { facts: Facts { caller, admins, nodes: live, deciding, break_glass: false }, bound_groups, nodes }
    }
}

fn live(nodes: &[Node]) -> Vec<LiveNode> {
    nodes.iter().map(|node| LiveNode { name: node.name.clone(), role: node.role().cloned() }).collect()
}
