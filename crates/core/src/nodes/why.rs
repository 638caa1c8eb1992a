//! Why a node is not there, or not ready.

mod instance;
mod node;
mod rows;
mod words;

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::Serialize;

use self::words::block;
use super::rows::{NodeRows, mappings};
use super::{FailedTry, Node, NodeInstance, NodeLogins};
use crate::arn::Arn;
use crate::authenticator::Deciding;
use crate::aws_auth::{Document, SectionError};
use crate::finding::Finding;
use crate::ids::InstanceId;
use crate::ports::Instance;
use crate::shown::excerpt;

/// aws-auth as it was found.
#[derive(Debug, Clone, Copy)]
pub enum AwsAuth<'a> {
    /// It does not exist.
    Absent,
    /// Some of it can't be read.
    Unreadable(&'a [SectionError]),
    /// It was read.
    Read(&'a Document),
}

/// What AWS says of an instance that no node runs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stray {
    /// EC2 has described it, and IAM has told of its role where it can have one.
    Known(NodeInstance),
    /// EC2 has described it, and IAM could not be asked about its role.
    RoleUnknown(Instance),
    /// EC2 knows no such instance.
    Unknown,
}

/// All that is known around nodes.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// The rows.
    pub aws_auth: AwsAuth<'a>,
    /// The nodes that kube-apiserver knows.
    pub nodes: &'a [Node],
    /// The instance that was asked about and that no node runs on, if EC2 has answered.
    pub instance: Option<&'a Stray>,
    /// What servers have told of logins, if they were asked.
    pub logins: Option<&'a NodeLogins>,
    /// Which authenticator decides.
    pub deciding: Deciding,
}

/// One thing that keeps nodes out, or may. The hint is the next command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// Which node, instance or row it is about.
    pub about: String,
    /// What was found.
    #[serde(flatten)]
    pub finding: Finding,
}

impl Diagnosis {
    /// Whether it says that the answer is not known.
    pub fn is_open(&self) -> bool {
        [instance::INSTANCE_UNKNOWN, instance::ROLE_UNKNOWN].contains(&self.finding.rule)
    }
}

/// Neither a node nor an instance, nor a machine that a server has turned away.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no node `{}`, and it is no instance ID", excerpt(.0))]
pub struct UnknownNode(pub String);

/// Says what keeps a node out, by its name or the ID of its instance; or, where
/// none is named, everything that keeps any node out.
///
/// # Errors
///
/// A name that is neither.
pub fn why(scene: &Scene<'_>, asked: Option<&str>) -> Result<Vec<Diagnosis>, UnknownNode> {
    let document = match scene.aws_auth {
        AwsAuth::Read(document) => Some(document),
        AwsAuth::Absent | AwsAuth::Unreadable(_) => None,
    };
    let mappings = document.map(mappings).unwrap_or_default();
    let found = Search { scene, rows: NodeRows::new(&mappings, scene.deciding) };
    let Some(asked) = asked else { return Ok(found.everything()) };
    let id = asked.parse::<InstanceId>().ok();
    let is_asked = |node: &&Node| node.name == asked || (id.is_some() && node.instance_id() == id);
    let failed = scene.logins.and_then(|logins| logins.failed_try(asked));
    match (scene.nodes.iter().find(is_asked), id, failed) {
        (Some(node), _, _) => Ok(found.of_node(node)),
        (None, Some(id), _) => Ok(found.of_instance(&id, failed)),
        (None, None, Some(failed)) => Ok(found.of_machine(asked, failed)),
        (None, None, None) => Err(UnknownNode(asked.to_owned())),
    }
}

/// What is looked through.
struct Search<'a> {
    scene: &'a Scene<'a>,
    rows: NodeRows<'a>,
}

impl Search<'_> {
    fn everything(&self) -> Vec<Diagnosis> {
        let mut found = self.of_aws_auth(None);
        for node in self.scene.nodes {
            found.extend(of(&node.name, node::conditions(node)));
            // A node that is ready has found a way in, and where no row lets any node
            // in, that is said once.
            if !node.is_ready() && !self.rows.counting.is_empty() {
                found.extend(of(&node.name, node::way_in(self, node)));
            }
        }
        for (name, failed) in self.scene.logins.into_iter().flat_map(|logins| logins.still_failing(self.scene.nodes)) {
            found.extend(of(name, [instance::turned_away(name, failed)]));
        }
        found
    }

    fn of_node(&self, node: &Node) -> Vec<Diagnosis> {
        let mut found = self.of_aws_auth(node.role());
        if found.iter().all(|one| one.about != AWS_AUTH) {
            found.extend(of(&node.name, node::way_in(self, node)));
        }
        found.extend(of(&node.name, node::conditions(node)));
        found
    }

    fn of_instance(&self, id: &InstanceId, failed: Option<&FailedTry>) -> Vec<Diagnosis> {
        let stray = self.scene.instance;
        if let (None | Some(Stray::Unknown), Some(failed)) = (stray, failed) {
            return self.of_machine(id.as_str(), failed);
        }
        let role = match stray {
            Some(Stray::Known(instance)) => instance.role.as_ref(),
            Some(Stray::RoleUnknown(_) | Stray::Unknown) | None => None,
        };
        let mut found = self.of_aws_auth(role);
        let is_free = found.iter().all(|one| one.about != AWS_AUTH);
        found.extend(of(id.as_str(), failed.map(|failed| instance::turned_away(id.as_str(), failed))));
        found.extend(of(id.as_str(), instance::not_joined(self, id, is_free)));
        found
    }

    /// A machine of which a server alone has told.
    fn of_machine(&self, name: &str, failed: &FailedTry) -> Vec<Diagnosis> {
        let mut found = self.of_aws_auth(Some(&failed.role));
        found.extend(of(name, [instance::turned_away(name, failed)]));
        found
    }

    /// What is wrong with aws-auth as a whole, and with rows: those of one role, or all.
    fn of_aws_auth(&self, role: Option<&Arn>) -> Vec<Diagnosis> {
        let apply = words::apply(role);
        let whole = |finding| of(AWS_AUTH, [finding]).collect();
        match self.scene.aws_auth {
            _ if self.scene.deciding == Deciding::NotConsulted => {
                let message = "nobody reads aws-auth here: EKS is in authentication mode `API`".to_owned();
                whole(block("not-consulted", message, words::access_entry(role)))
            }
            AwsAuth::Absent => {
                let message = "aws-auth does not exist, so no node gets in by it".to_owned();
                whole(block("aws-auth-absent", message, apply))
            }
            AwsAuth::Unreadable(problems) => {
                let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
                let message = format!("aws-auth can't be read: {}", problems.join("; "));
                whole(block("aws-auth-unreadable", message, "`kube-iam check` shows all of it".to_owned()))
            }
            AwsAuth::Read(document) => rows::wrong(self, document, role),
        }
    }
}

/// What diagnoses of aws-auth as a whole are about.
const AWS_AUTH: &str = "aws-auth";

fn of(about: &str, findings: impl IntoIterator<Item = Finding>) -> impl Iterator<Item = Diagnosis> {
    findings.into_iter().map(move |finding| Diagnosis { about: excerpt(about).into_owned(), finding })
}

#[cfg(test)]
mod tests;
