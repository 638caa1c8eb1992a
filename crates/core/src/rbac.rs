//! Kubernetes' RBAC: who may do what, and by which binding, role and rule.
//!
//! ```text
//! pages of JSON ─ List::read ─▶ List ─┐
//! (one list of each kind)       List ─┴ Policy::new ─▶ Policy ─┬ can(requester, request) ─▶ Answer
//!                                                              ├ who_can(request) ────────▶ WhoCan
//!                                                              └ bound(requester) ────────▶ Bound …
//! ```
//!
//! The rules are those of kube-apiserver's RBAC authorizer (kubernetes.io, Using RBAC
//! Authorization), and a test asks a real one ten thousand questions. ClusterRoles that are
//! aggregated count with the rules that Kubernetes' controller has written into them.
//!
//! What was not read is never taken for absent: an answer is then [`Answer::Unknown`]
//! unless something that was read grants the request. Other authorizers than RBAC are
//! not judged; [`not_judged`] names them.

mod answer;
mod binding;
mod list;
mod policy;
mod reference;
mod request;
mod rule;

pub use answer::{Allowed, Answer, Chain, Missing, NotJudged, WhoCan, not_judged};
pub use binding::{Binding, CLUSTER_ADMIN, RoleRef, Subject};
pub use list::{Fault, List, ListError, Problem};
pub use policy::{Bound, Given, Policy};
pub use reference::{RbacKind, RbacRef};
pub use request::{Request, Requester, ResourceRequest};
pub use rule::{Role, Rule};

/// The group that kube-apiserver lets do everything, whatever RBAC says
/// (kubernetes.io, Using RBAC Authorization, "User-facing roles").
pub const MASTERS: &str = "system:masters";

type FixedState = foldhash::fast::FixedState;

/// The API group of RBAC with its version, as `apiVersion` names it.
pub const API_VERSION: &str = "rbac.authorization.k8s.io/v1";

#[cfg(test)]
mod tests;
