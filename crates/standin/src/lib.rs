//! A local AWS that tells the truth, for the quickstart and for tests.
//!
//! [`StandIn::start`] opens three listeners on loopback:
//!
//! * an HTTPS listener that answers as STS (`GetCallerIdentity`, `AssumeRole`,
//!   `AssumeRoleWithWebIdentity`), as EKS (`DescribeCluster`, `ListNodegroups`,
//!   `DescribeNodegroup`), as EC2 (`DescribeInstances`), as IAM (`GetRole`,
//!   `GetInstanceProfile`), as CloudFormation (`DescribeStacks`) and as the IAM Identity
//!   Center portal;
//! * a proxy that speaks `CONNECT` and leads every AWS host to that listener and
//!   nothing anywhere else, so that a client needs no endpoint setting: `HTTPS_PROXY`
//!   and the authority's certificate are enough;
//! * a plain HTTP listener that answers as instance metadata and as a container
//!   credentials endpoint.
//!
//! It is true in what matters: a request is accepted only when its Signature Version 4
//! signature, made with a key the stand-in was given, covers what was received. Nothing
//! here is shared with the code it is used to test. Faults are staged on purpose and
//! only on request, with [`StandIn::inject`].

mod arns;
mod calls;
mod clock;
mod cloudformation;
mod ec2;
mod eks;
mod faults;
mod hosts;
mod https;
mod iam;
mod keys;
pub mod limits;
mod listener;
mod metadata;
mod paging;
mod parameters;
mod proxy;
mod random;
mod refusal;
mod render;
mod reply;
mod settings;
mod sigv4;
mod socket;
mod sso;
mod standin;
mod sts;
mod tls;
mod world;

pub use calls::{Call, Outcome, Recording, Service};
pub use clock::{Clock, MovableClock};
pub use cloudformation::Stack;
pub use ec2::{Ec2Instance, TokenBucket};
pub use eks::{Cluster, Nodegroup};
pub use faults::{Fault, Times};
pub use iam::InstanceProfile;
pub use random::NoRandomness;
pub use settings::{
    Certificate, Container, Instance, Key, Mfa, Principal, Role, Settings, SsoAccess, Trust, WebIdentity,
};
pub use standin::{StandIn, StartError};
pub use tls::TlsError;
