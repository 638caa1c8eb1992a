//! aws-auth where it is kept, in a cluster or in a file, and the one way in
//! which it is changed.

mod cluster;
mod facts;
mod file;
mod flow;
mod needs;
mod remarks;
mod show;
mod target;

pub use cluster::{Cluster, OpenError, exit_of, find, unread};
pub use facts::Surroundings;
pub use file::text_of;
pub use flow::{Done, Edit, Wanted, found, judged, options, run, run_from};
pub use remarks::remarks;
pub use show::findings;
pub use target::{State, Target};
