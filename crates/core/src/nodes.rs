//! Nodes: the rows that let them in, waiting until they are there, and why one
//! is not.
//!
//! What kube-apiserver knows of a node, and what EC2 knows of the instance behind
//! it, come in as values; nobody is asked here.

mod apply;
mod kind;
mod list;
mod logins;
mod node;
mod role;
mod rows;
mod wait;
mod why;

pub use apply::{ApplyError, plan, stock};
pub use kind::{Kind, UnknownKind};
pub use list::{Columns, FailingInstance, LetInBy, ListedNode, NodeListing, listing, names, table};
pub use logins::{
    FailedTry, NodeLogins, Noted, Published, RecordError, ReplicaName, ReplicaNameError, Unread, publication,
    published, restored,
};
pub use node::{Condition, ConditionStatus, Node, NodeInstance};
pub use role::{NodeRole, RoleError};
pub use rows::RowRef;
pub use wait::{Event, Goal, Progress, State};
pub use why::{AwsAuth, Diagnosis, Scene, Stray, UnknownNode, why};
