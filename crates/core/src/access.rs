//! Who can do what: the join of IAM and RBAC.
//!
//! ```text
//! aws-auth ─ Mappings ─┐                 ┌ can_i(arn, request) ─▶ CanI: yes, no or unknown, and why
//!                      ├─ Scene::new ────┼ who_can(request) ────▶ WhoCan: principals, and other subjects
//! roles, bindings ─────┘                 ├ explain(arn) ────────▶ Explanation, link by link
//! (rbac::Policy)                         └ list() ──────────────▶ Rights, per principal and place
//! ```
//!
//! A principal becomes a user by its row, as the authenticator decides that answers
//! logins; the user may do what RBAC allows. What was not read, or depends on what is
//! only known at the login, is a [`Doubt`]: an answer is "no" only if there is none.

mod can;
mod doubt;
mod explain;
mod form;
mod list;
mod name;
mod resources;
mod scene;
mod who;

pub use can::{CanI, Verdict};
pub use doubt::Doubt;
pub use explain::{Explanation, GroupLink, Origin};
pub use list::{Right, Rights};
pub use name::Name;
pub use resources::{Asked, AskedError, Resources, ResourcesError};
pub use scene::{Scene, Way};
pub use who::{Holder, WhoCan};

#[cfg(test)]
mod tests;
